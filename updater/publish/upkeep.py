"""Keeping what is public alive, and saying how long it will live.

Carrier. A timestamp lives for a day, so this runs every six hours. It never touches a
change that is under way: its files lie in a folder of their own, and it goes by what is
public alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from updater.errors import RefusedError
from updater.publish import metadata
from updater.publish.folder import PublisherFolder
from updater.publish.keyring import Keyring
from updater.publish.online import Online
from updater.publish.signatures import Signatures
from updater.publish.steps import Step
from updater.tuf import layout

SNAPSHOT_LEFT_S: Final = 3 * layout.DAY_S
"""With less time left a snapshot is made anew."""
ROOT_WARNING_S: Final = 60 * layout.DAY_S
"""Five people who live far apart need some weeks to sign."""
WARNING_S: Final = 21 * layout.DAY_S
"""The same for roles that people sign who are nearer."""


@dataclass(frozen=True, slots=True)
class Due:
    """A role that ends soon: `left_s` seconds are left."""

    role: str
    left_s: int


class Upkeep:
    """Renews what ends, with the keys that are here."""

    def __init__(
        self, folder: PublisherFolder, ring: Keyring, now: Callable[[], float]
    ) -> None:
        self._public = folder
        self._own = folder.aside()
        self._now = now
        self._signatures = Signatures(self._own, ring)
        self._online = Online(self._own, self._signatures, now)

    def refresh(self, places: Sequence[Path]) -> list[Due]:
        """Renew the timestamp, and what else ends; gives what people have to sign soon.

        Raises:
            RefusedError: a change is about to be uploaded: finish that.
            NotYetError: the key of the timestamp or the snapshot is not here.
        """
        change = self._public.journal().change
        if change is not None and change.step in {Step.STAGED, Step.REHEARSED}:
            raise RefusedError(f"under way: {change.label}; finish it, that renews all")
        self._drop_what_was_passed()
        renewed = self._renew_listings()
        snapshot = self._own.role("snapshot")
        if snapshot is None:
            raise RefusedError("nothing is public yet")
        left = metadata.read(snapshot).expires - self._now()
        if renewed or left < SNAPSHOT_LEFT_S:
            self._online.stage_tops()
        else:
            self._online.stage_timestamp(snapshot)
        self._own.upload(places)
        self._own.clear()
        return self.due()

    def due(self) -> list[Due]:
        """Say which public roles end soon."""
        found = []
        for role, left in sorted(self.left().items()):
            warning = min(
                ROOT_WARNING_S if role == "root" else WARNING_S,
                layout.role(role).lifetime_s // 2,
            )
            if left < warning:
                found.append(Due(role, left))
        return found

    def left(self) -> dict[str, int]:
        """Give for each public role how many seconds are left of it."""
        names = [*self._public.all_roles(), "root", "snapshot", "timestamp"]
        files = {name: self._public.role(name, staged=False) for name in names}
        return {
            name: int(metadata.read(data).expires - self._now())
            for name, data in files.items()
            if data is not None
        }

    def _drop_what_was_passed(self) -> None:
        """Forget what an earlier run left, if something newer is public by now."""
        staged = self._own.staged_role("timestamp") or self._own.staged_role("snapshot")
        public = self._own.role("snapshot", staged=False)
        if staged is None or public is None:
            return
        facts = metadata.read(staged)
        about = facts.roles.get("snapshot", facts.version)
        if about < metadata.read(public).version:
            self._own.clear()

    def _renew_listings(self) -> bool:
        """Sign again what ends soon and whose keys are here."""
        renewed = False
        for role, left in self.left().items():
            if role in {"root", "targets", "snapshot", "timestamp"}:
                continue  # their content has to be looked at by people, or is below
            if left < layout.role(role).lifetime_s / 2:
                data = self._own.role(role, staged=False)
                assert data is not None
                if self._signatures.can_sign(role):
                    self._online.stage_listing(role, metadata.read(data).files)
                    renewed = True
        return renewed
