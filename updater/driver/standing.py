"""How an installation stands: what is known without asking anybody.

Carrier. Imports nothing heavy, since a status is looked at often.
"""

from dataclasses import dataclass, field
from typing import Final

from updater import jcs, shape
from updater.errors import MalformedError, MissingError, StoreError
from updater.install.root import Root
from updater.installed.slots import InstallState, version_of
from updater.jcs import Json

VERDICT: Final = "verdict.json"
"""What the last run came to, as programs read it; also in each slot's evidence."""

_MAX_VERDICT: Final = 256 << 10  # one of 21 gates has 10 kB
_MAX_TIMESTAMP: Final = 16 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is installed, and what came of the last run.

    Attributes:
        state: what is remembered.
        current: the slot that runs, None if none is installed.
        others: complete slots besides, the highest version first.
        verdict: the last run's report, as it was written; None if there is none.
        expires: until when the metadata is good, POSIX seconds; None if unknown.
    """

    state: InstallState
    current: str | None
    others: tuple[str, ...]
    verdict: dict[str, Json] | None = field(repr=False)
    expires: int | None

    @property
    def version(self) -> str | None:
        """The version that runs."""
        return version_of(self.current) if self.current else None


def read_standing(root: Root) -> Standing:
    """Read what is known.

    Raises:
        MissingError: nothing was ever installed there.
        StoreError: the state cannot be read.
    """
    if not root.state_file.exists():
        raise MissingError(f"{root.folder}: expected a managed folder, found none")
    state, current = root.read(), root.current()
    return Standing(
        state=state,
        current=current,
        others=tuple(each for each in root.complete() if each != current),
        verdict=_verdict(root),
        expires=_expires(root),
    )


def _verdict(root: Root) -> dict[str, Json] | None:
    try:
        data = root.files.read_if_there(root.folder / VERDICT, most=_MAX_VERDICT)
        found = jcs.parse(data or b"", most=_MAX_VERDICT)
    except (MalformedError, StoreError):
        return None  # the state has the gist of it
    return found if isinstance(found, dict) else None


def _expires(root: Root) -> int | None:
    """Read when the stored timestamp ends; it was verified when it was stored."""
    path = root.folder / "tuf" / "timestamp.json"
    try:
        data = root.files.read_if_there(path, most=_MAX_TIMESTAMP)
        top = shape.fields(
            jcs.parse(data or b"", most=_MAX_TIMESTAMP), "timestamp", ("signed",)
        )
        signed = shape.fields(top["signed"], "timestamp", ("expires",))
        return shape.moment(signed["expires"], "timestamp: expires")
    except (MalformedError, StoreError):
        return None
