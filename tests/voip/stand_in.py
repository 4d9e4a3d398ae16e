"""Media within the process, where sockets and codecs are not the point."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from voip.description import Description, Kind
from voip.errors import CallError
from voip.handshake.schedule import Role
from voip.media.connect.ahead import Ahead
from voip.media.connect.candidates import parse_candidate
from voip.media.connect.config import IceConfig
from voip.media.connect.path import Path
from voip.media.events import (
    ControlReceived,
    FirstVerified,
    HeardAgain,
    Knocked,
    MediaEvent,
    PathUp,
    Quiet,
    SendEpoch,
)
from voip.media.profile import audio_stream
from voip.media.quality.figures import MediaStats
from voip.media.sources import Recorder
from voip.media.streams import MediaSession

QUIET_S = 3.0  # until the other side of closed media says so


@dataclass(slots=True)
class Rooms:
    """Where stand-ins meet; `fails` says what goes wrong, by role and step.

    `paths` are those that were found ahead, in order. With `knocks`, callees hear of
    callers who look for them before SELECT came.
    """

    by_name: "dict[str, StandIn]" = field(default_factory=dict)
    fails: dict[tuple[Role, str], CallError] = field(default_factory=dict)
    paths: "list[StandInPath]" = field(default_factory=list)
    knocks: bool = True

    def ahead(self, role: Role, ice: IceConfig) -> Ahead:
        """Find paths ahead of a call, without a network."""

        def make() -> Path:
            self.paths.append(StandInPath(role, self.fails.get((role, "ahead"))))
            return self.paths[-1]

        return Ahead(ice, make, addresses=frozenset, changed=asyncio.Event().wait)


class StandInPath(Path):
    """A path found while a call rings; leads nowhere."""

    is_whole = True

    def __init__(self, side: Role, error: CallError | None) -> None:
        self.side = side
        self.is_closed = False
        self._error = error

    async def gather(self) -> Description:
        if self._error is not None:
            raise self._error
        return Description(ufrag="ufrag", pwd="p" * 22)

    async def close(self) -> None:
        self.is_closed = True


class StandIn(MediaSession):
    """Carries control messages, to whoever holds the same keys, and nothing else."""

    def __init__(
        self,
        role: int,
        call_secret: bytes,
        *_what: object,
        rooms: Rooms,
        entropy: Callable[[int], bytes],
        first: Path | None = None,
        **_how: object,
    ) -> None:
        # Nothing of the real one is used: its sockets and codecs are tested elsewhere.
        self._rooms = rooms
        self._side = Role(role)
        self._secrets = [call_secret]
        self._name = entropy(4).hex()
        self._peer: StandIn | None = None
        self._knocking: StandIn | None = None
        self.remote: Description | None = None
        self._happened: asyncio.Queue[MediaEvent] = asyncio.Queue()
        self._early: deque[bytes] = deque()
        self.candidates: tuple[str, ...] = ()
        self.first = first
        self.restarts = 0
        self.sources_open = self.is_held = False
        self.is_closed = False

    async def gather(
        self,
        offered: Description | None = None,  # noqa: ARG002 -- as in MediaSession
    ) -> Description:
        self._try("gather")
        self._rooms.by_name[self._name] = self
        stream = audio_stream(int(self._name, 16) or 1)
        return Description(ufrag=self._name, pwd="p" * 22, streams=(stream,))

    async def connect(
        self,
        remote: Description,
        *,
        complete: bool = True,  # noqa: ARG002 -- as in MediaSession
    ) -> None:
        self._try("connect")
        self.remote = remote
        if self._peer is None:
            self._join(self._rooms.by_name.get(remote.ufrag))

    async def meet(self) -> None:
        self._try("meet")
        self._join(self._knocking)

    def _join(self, peer: "StandIn | None") -> None:
        self._peer = peer
        if peer is None:
            return
        if peer._peer is not self:  # the other side comes later
            if self._rooms.knocks and self._secrets == peer._secrets:
                peer._knocking = self
                peer.happen(Knocked())
            return
        for one, other in ((self, peer), (peer, self)):
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
        self, candidates: tuple[str, ...], *, last: bool = False
    ) -> None:
        del last
        self.candidates += candidates

    async def restart(self) -> Description:
        self._try("restart")
        self.restarts += 1
        return await self.gather()

    async def reconnect(self, remote: Description) -> None:
        self._try("reconnect")
        for candidate in remote.candidates:
            parse_candidate(candidate)
        self.happen(PathUp("direct"))
        self.happen(HeardAgain())

    def _try(self, step: str) -> None:
        if (self._side, step) in self._rooms.fails:
            raise self._rooms.fails[self._side, step]

    def open_sources(self) -> None:
        self.sources_open = True

    def close_sources(self) -> None:
        self.sources_open = False

    def set_muted(self, on: bool) -> None:  # noqa: FBT001 -- as in MediaSession
        pass

    def set_held(self, on: bool) -> None:  # noqa: FBT001 -- as in MediaSession
        self.is_held = on

    def set_pictures(self, kinds: frozenset[Kind]) -> frozenset[Kind]:
        self.pictures = kinds
        is_agreed = self.sources_open and self.remote is not None
        return kinds if is_agreed else frozenset()

    def expect_pictures(self, kinds: frozenset[Kind]) -> None:
        self.expected_pictures = kinds

    def record(self, recorder: Recorder) -> None:
        self.recorder: Recorder | None = recorder

    def stop_recording(self) -> None:
        self.recorder = None

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

    def send_control_now(self, ctl: bytes) -> None:
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
        self._rooms.by_name.pop(self._name, None)
