"""The roles that are signed without a person: claims, snapshot and timestamp.

Carrier. They say what others have decided, under keys that lie on the machine that
publishes. What was made and never uploaded is used as long as it is fresh; after that
it is made anew, under the next number.
"""

from collections.abc import Callable, Mapping

from updater.publish import metadata
from updater.publish.folder import PublisherFolder
from updater.publish.rolefile import Listed
from updater.publish.signatures import Signatures, expect
from updater.tuf import layout


class Online:
    """Stages these roles in a folder, and signs them."""

    def __init__(
        self,
        folder: PublisherFolder,
        signatures: Signatures,
        now: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._signatures = signatures
        self._now = now

    def stage_listing(self, role: str, files: Mapping[str, Listed]) -> None:
        """Stage a role that lists files."""
        self._stage(
            role,
            lambda version: metadata.new_listing(
                role, files, version=version, now=self._now()
            ),
        )

    def stage_tops(self) -> None:
        """Stage a snapshot of the newest roles, and a timestamp of that.

        Raises:
            NotYetError: their keys are not here.
        """
        roles = self._folder.all_roles()
        snapshot = self._stage(
            "snapshot",
            lambda version: metadata.new_snapshot(
                roles, version=version, now=self._now()
            ),
        )
        self.stage_timestamp(snapshot)

    def stage_timestamp(self, snapshot: bytes) -> None:
        """Stage a timestamp of a snapshot.

        Raises:
            NotYetError: its key is not here.
        """
        self._stage(
            "timestamp",
            lambda version: metadata.new_timestamp(
                snapshot, version=version, now=self._now()
            ),
        )
        expect(self._signatures.missing_roles())

    def is_fresh(self, role: str) -> bool:
        """Tell whether a version is staged that has half its lifetime still ahead."""
        data = self._folder.staged_role(role)
        if data is None:
            return False
        left = metadata.read(data).expires - self._now()
        return left > layout.role(role).lifetime_s / 2

    def _stage(self, role: str, write: Callable[[int], bytes]) -> bytes:
        """Stage and sign the next version of a role, if that is not done."""
        if not self.is_fresh(role):
            version = self._folder.next_version(role)
            self._folder.stage_role(role, version, write(version))
        return self._signatures.sign_role(role)
