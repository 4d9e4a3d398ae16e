"""A call without media: two devices only say things to each other.

So members of a room over a server do: what they say goes between the two of them, and
what they show and hear goes by the server (`voip.gateway.rooms.larger`). Nothing is
looked for on the network, no port opens, and control messages travel by mailbox to the
end.
"""

import asyncio
from typing import ClassVar

from voip.description import Description, Kind
from voip.errors import MissingError, RefusedError
from voip.media.connect.ahead import Ahead
from voip.media.connect.config import IceConfig
from voip.media.connect.path import Path
from voip.media.connect.sockets import Trace
from voip.media.events import FirstVerified, MediaEvent
from voip.media.plan import MediaPlan
from voip.media.quality.figures import MediaStats
from voip.media.sources import Recorder, VideoSource
from voip.media.streams import MediaSession

_NOTHING = Description("none", "0" * 22)
"""A MEDIA field has ICE credentials, whether or not somebody looks for a way."""


class NoMedia(MediaSession):
    """Stands where the media of a call would be."""

    has_path: ClassVar[bool] = False

    def __init__(
        self, role: int, call_secret: bytes, plan: MediaPlan, *_: object, **__: object
    ) -> None:
        """Take what any call has, and use the plan only to say that it is not used."""
        # Nothing of the base class is set up, and all of it that can be called is here.
        del role, call_secret
        self._plan = plan
        self._happened: asyncio.Queue[MediaEvent] = asyncio.Queue()

    @classmethod
    def ahead(
        cls,
        role: int,  # noqa: ARG003 -- as in MediaSession
        ice: IceConfig,  # noqa: ARG003 -- as in MediaSession
        *,
        on_datagram: Trace | None = None,  # noqa: ARG003 -- as in MediaSession
    ) -> Ahead:
        """Look for nothing: without servers nobody is asked."""
        return Ahead(IceConfig(), _no_path)

    async def gather(self, offered: Description | None = None) -> Description:
        """Describe that nothing is sent.

        Raises:
            RefusedError: the other side would send something.
        """
        if offered is not None:
            _check_nothing(offered)
        return _NOTHING

    async def connect(
        self,
        remote: Description,
        *,
        complete: bool = True,  # noqa: ARG002 -- as in MediaSession
    ) -> None:
        """Go on at once: what the other side said until here was verified.

        Raises:
            RefusedError: the other side would send something.
        """
        _check_nothing(remote)
        self._happened.put_nowait(FirstVerified())

    async def meet(self) -> None:
        """Let nobody in: no port is open at which somebody could knock."""

    async def event(self) -> MediaEvent:
        """See `MediaSession`; there is one."""
        return await self._happened.get()

    async def add_candidates(self, candidates: tuple[str, ...], *, last: bool) -> None:
        """Take addresses for nothing."""

    async def restart(self) -> Description:
        """Refuse: the other side asks for another path where there is none."""
        raise RefusedError("a call without media has no path to change")

    async def reconnect(self, remote: Description) -> None:  # noqa: ARG002 -- as there
        """Refuse likewise."""
        raise RefusedError("a call without media has no path to change")

    def open_sources(self) -> None:
        """Open nothing."""

    def close_sources(self) -> None:
        """Close nothing."""

    def set_muted(self, on: bool) -> None:  # noqa: FBT001 -- as in MediaSession
        """Leave it to the State message, which tells the other side."""

    def set_held(self, on: bool) -> None:  # noqa: FBT001 -- as in MediaSession
        """Likewise."""

    def set_pictures(self, kinds: frozenset[Kind]) -> frozenset[Kind]:
        """Likewise: they are shown by another way."""
        return kinds

    def expect_pictures(self, kinds: frozenset[Kind]) -> None:
        """Expect none here."""

    def use_pictures(self, kind: Kind, source: VideoSource) -> None:  # noqa: ARG002 -- as there
        """Raise `MissingError`."""
        raise MissingError("this call carries no pictures")

    def tone(self, digits: str) -> None:  # noqa: ARG002 -- as in MediaSession
        """Raise `MissingError`."""
        raise MissingError("this call carries no sound")

    def record(self, recorder: Recorder) -> None:  # noqa: ARG002 -- as in MediaSession
        """Raise `MissingError`."""
        raise MissingError("this call carries nothing that could be recorded")

    def stop_recording(self) -> None:
        """Do nothing, as nothing is recorded."""

    def rekey_ready(self) -> bool:
        """Never: there are no packets to protect."""
        return False

    def install_epoch(self, epoch: int, secret: bytes, *, initiator: bool) -> None:
        """Forget keys that would protect packets."""

    def send_control(self, ctl: bytes) -> None:
        """Leave it to the mailbox."""

    def send_control_now(self, ctl: bytes) -> None:
        """Leave it to the mailbox."""

    def send_text(self, text: str) -> None:  # noqa: ARG002 -- as in MediaSession
        """Raise `MissingError`."""
        raise MissingError("this call has no data channel")

    def send_file(self, name: str, data: bytes) -> None:  # noqa: ARG002 -- as there
        """Raise `MissingError`."""
        raise MissingError("this call has no data channel")

    def stats(self) -> MediaStats:
        """Count nothing."""
        return MediaStats(
            sent=0, received=0, dropped=0, send_epoch=0, receive_epochs=(0,), path=None
        )

    async def close(self) -> None:
        """Let go of what the plan holds."""
        self._plan.close()


def _check_nothing(remote: Description) -> None:
    if remote.streams:
        raise RefusedError(
            f"streams: expected none in this call, came {len(remote.streams)}"
        )


def _no_path() -> Path:
    raise MissingError("a call without media has no path")
