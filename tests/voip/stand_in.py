"""Media within the process, where sockets and codecs are not the point."""

import asyncio
from collections import deque
from collections.abc import Callable

from voip.media.candidates import Candidate
from voip.media.description import Description, audio_stream
from voip.media.events import (
    ControlReceived,
    FirstVerified,
    MediaEvent,
    PathUp,
    Quiet,
    SendEpoch,
)
from voip.media.streams import MediaSession, MediaStats

QUIET_S = 3.0  # until the other side of closed media says so


class StandIn(MediaSession):
    """Carries control messages, to whoever holds the same keys, and nothing else."""

    def __init__(
        self,
        _role: int,
        call_secret: bytes,
        *_what: object,
        rooms: "dict[str, StandIn]",
        entropy: Callable[[int], bytes],
        **_how: object,
    ) -> None:
        # Nothing of the real one is used: its sockets and codecs are tested elsewhere.
        self._rooms = rooms
        self._secrets = [call_secret]
        self._name = entropy(4).hex()
        self._peer: StandIn | None = None
        self._happened: asyncio.Queue[MediaEvent] = asyncio.Queue()
        self._early: deque[bytes] = deque()
        self.sources_open = False
        self.is_closed = False

    async def gather(self) -> Description:
        self._rooms[self._name] = self
        stream = audio_stream(int(self._name, 16) or 1)
        return Description(ufrag=self._name, pwd="p" * 22, streams=(stream,))

    async def connect(
        self,
        remote: Description,
        *,
        complete: bool = True,  # noqa: ARG002 -- as in MediaSession
    ) -> None:
        self._peer = self._rooms.get(remote.ufrag)
        if self._peer is None or self._peer._peer is not self:
            return  # the other side comes later
        for one, other in ((self, self._peer), (self._peer, self)):
            one.happen(PathUp("direct"))
            if one._secrets == other._secrets:
                one.happen(FirstVerified())
            while one._early:
                other.happen(ControlReceived(one._early.popleft()))

    def happen(self, event: MediaEvent) -> None:
        self._happened.put_nowait(event)

    async def event(self) -> MediaEvent:
        return await self._happened.get()

    async def add_candidates(
        self, candidates: tuple[Candidate, ...], *, last: bool = False
    ) -> None:
        pass

    async def restart(self) -> Description:
        return await self.gather()

    async def reconnect(self, remote: Description) -> None:  # noqa: ARG002 -- likewise
        self.happen(PathUp("direct"))

    def open_sources(self) -> None:
        self.sources_open = True

    def close_sources(self) -> None:
        self.sources_open = False

    def set_muted(self, on: bool) -> None:  # noqa: FBT001 -- as in MediaSession
        pass

    def set_held(self, on: bool) -> None:  # noqa: FBT001 -- as in MediaSession
        pass

    def set_video(self, on: bool) -> None:  # noqa: FBT001 -- as in MediaSession
        pass

    def rekey_ready(self) -> bool:
        return True

    def install_epoch(
        self,
        epoch: int,
        secret: bytes,
        *,
        initiator: bool,  # noqa: ARG002 -- as in MediaSession
    ) -> None:
        self._secrets.append(secret)
        self.happen(SendEpoch(epoch))

    def send_control(self, ctl: bytes) -> None:
        if self._peer is None:
            self._early.append(ctl)
        elif not self._peer.is_closed and self._peer._secrets[0] == self._secrets[0]:
            self._peer.happen(ControlReceived(ctl))

    async def send_control_now(self, ctl: bytes) -> None:
        self.send_control(ctl)

    def stats(self) -> MediaStats:
        return MediaStats(
            sent=0,
            received=0,
            dropped=0,
            send_epoch=len(self._secrets) - 1,
            receive_epochs=(len(self._secrets) - 1,),
            path="direct",
        )

    async def close(self) -> None:
        self.is_closed = True
        if self._peer is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(QUIET_S, self._peer.happen, Quiet(QUIET_S))
        self._rooms.pop(self._name, None)
