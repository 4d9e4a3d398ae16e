"""The media of one call, from gathering addresses to the last packet.

::

    gather ─> Description to the peer ─> connect(the peer's) ─> event() ... close
    callee: gather ─> Knocked ─> meet ─> connect(the peer's), for the rest
    RESTART: restart ─> Description ─> reconnect(the peer's)      same keys, new path

`MediaSession` only joins parts and decides nothing: what a packet means is settled by
`epochs`, `record` and `liveness`, how much may be sent by `steering`, what follows for
the call by the call machine, which hears of it through `event`. The microphone and the
camera are not read before the peer proved on the path to hold our keys, by its check
or answer (STUN) or by a packet that verified, *and* the call said so.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, ClassVar

from voip.description import Codec, Description, Kind, Stream
from voip.errors import MissingError, RefusedError, UnexpectedEventError
from voip.handshake.schedule import Opening
from voip.media.channel import DataChannel
from voip.media.connect.ahead import Ahead
from voip.media.connect.config import IceConfig
from voip.media.connect.interfaces import addresses_changed
from voip.media.connect.path import Path
from voip.media.connect.sockets import Trace
from voip.media.content import Content
from voip.media.epochs import CALLEE, CALLER
from voip.media.events import (
    AddressesChanged,
    Knocked,
    MediaEvent,
    MediaFailed,
    PathFailed,
    PathWeak,
    ServerFailed,
)
from voip.media.plan import MediaPlan
from voip.media.profile import (
    audio_stream,
    check_offer,
    check_selection,
    offer,
    select,
    selected,
)
from voip.media.quality.figures import MediaStats
from voip.media.record import ControlQueue
from voip.media.sources import Recorder, VideoSource
from voip.media.transport import IkSrtpTransport
from voip.media.video.svt import available as has_av1
from voip.media.ways import Ways

TICK_S = 0.1  # fine enough for half a second of silence
CONTROL_EVERY_S = 1.0  # one record a second, whatever happens
MAX_EVENTS = 1024  # a session that leaves more unread is gone; later ones are lost
PICTURE_CODECS = (Codec.AV1, Codec.VP8)
"""The best first; AV1 only where this machine makes and reads it."""


class MediaSession:
    """Sound, pictures and records of one call.

    Attributes:
        has_path: packets go between the two sides, and control messages with them; else
            these travel by mailbox as long as the call lasts.
    """

    has_path: ClassVar[bool] = True

    def __init__(  # noqa: PLR0913 -- a call has these, and they belong to nobody else
        self,
        role: int,
        call_secret: bytes,
        plan: MediaPlan,
        ice: IceConfig,
        *,
        entropy: Callable[[int], bytes],
        idle_control: Callable[[], bytes | None],
        on_datagram: Trace | None = None,
        trickle: bool = True,
        first: Path | None = None,
        openings: tuple[Opening, Opening] | None = None,
    ) -> None:
        """Take what the call agreed on.

        `idle_control` gives the control message for a second in which nothing waits.
        `on_datagram` sees every datagram of a gathered path as it is sent. With
        `trickle`, `gather` waits for no slow server: `CandidateFound` comes later.
        `first` is what `ahead` found, for the same wishes. `openings` are how we and
        the peer begin, where both know: the first path and sound need no description.

        Raises:
            MissingError: relay-only without a TURN server, or no Opus on this machine.
        """
        self._role = role
        self._plan = plan
        self._entropy = entropy
        self._idle_control = idle_control
        self._clock = asyncio.get_running_loop().time
        self._events: asyncio.Queue[MediaEvent] = asyncio.Queue(MAX_EVENTS)
        self._controls = ControlQueue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._channel: DataChannel | None = None
        self._look_at = 0.0
        self._theirs = None if openings is None else openings[1]
        self._is_met = self._is_reached = False
        self._ours = offer(
            PICTURE_CODECS if plan.has_pictures else (),
            steady=plan.steady,
            entropy=entropy,
            sound_ssrc=None if openings is None else openings[0].ssrc,
        )
        self._ways = Ways(
            ice,
            controlling=role == CALLER,
            trace=on_datagram,
            emit=self._emit,
            changed=self._path_changed,
            trickle=trickle,
            first=first,
        )
        if openings is not None:
            ours, theirs = openings
            self._ways.current.introduce(
                ours.ufrag, ours.pwd, peer=theirs.ufrag, on_knock=self._knocked
            )
        self._transport = IkSrtpTransport(
            self._ways.current,
            role,
            secret=call_secret,
            emit=self._emit,
            clock=self._clock,
        )
        self._content = Content(
            plan,
            self._ours[0].ssrc,
            self._transport,
            entropy=entropy,
            emit=self._emit,
            spawn=self._spawn,
            beat=self._keep_time,
        )

    @classmethod
    def ahead(
        cls, role: int, ice: IceConfig, *, on_datagram: Trace | None = None
    ) -> Ahead:
        """Prepare to find addresses before there are keys, for `first`."""
        return Ahead(
            ice,
            lambda: Path(
                ice,
                controlling=role == CALLER,
                trace=on_datagram,
                on_candidate=_untold,
            ),
        )

    async def gather(self, offered: Description | None = None) -> Description:
        """Find our addresses and describe what we may send.

        The callee offers; the caller, handing in what was `offered`, selects from it.

        Raises:
            UnreachableError: this machine has no address to offer.
            RefusedError: streams that this version does not take.
        """
        if offered is not None:
            check_offer(offered)
        if self._plan.has_pictures and not has_av1():
            self._ours = tuple(s for s in self._ours if s.codec is not Codec.AV1)
        if offered is not None:
            self._ours = select(self._ours, offered.streams)
        return replace(await self._ways.gather(), streams=self._ours)

    async def connect(self, remote: Description, *, complete: bool = True) -> None:
        """Find a way to the peer, then send and receive until `close`.

        The caller controls ICE. With `complete`, no `add_candidates` follows. After
        `meet` it takes only what is new: pictures, and further addresses.

        Raises:
            RefusedError: streams or candidates that this version does not take, or
                another opening than the one we met by.
            UnreachableError: none of the ways works.
        """
        theirs = self._agree(remote)
        self._ways.check_open()
        if self._is_met:
            self._check_met(remote)
            self._content.agree_pictures(self._ours, theirs)
            await self._ways.current.add(remote.candidates, last=complete)
            return
        self._content.agree(self._ours, theirs)
        await self._begin(remote, complete=complete)

    async def meet(self) -> None:
        """Let a caller in who knocked, before its selection came: sound both ways.

        Raises:
            UnreachableError: the call was closed meanwhile.
        """
        theirs = self._theirs
        assert theirs is not None  # else nobody knocks
        self._ways.check_open()
        self._is_met = True
        self._content.agree(self._ours[:1], (audio_stream(theirs.ssrc),))
        await self._begin(Description(theirs.ufrag, theirs.pwd), complete=False)

    async def _begin(self, remote: Description, *, complete: bool) -> None:
        # Before there is a way for us: the peer's first packets may be here already.
        await self._transport.start()
        await self._ways.connect(remote, complete=complete)
        self._content.start()
        if self._plan.data:
            self._channel = DataChannel(self._transport, self._emit)
            await self._channel.start()
        self._spawn(self._send_controls())
        self._spawn(self._watch_addresses())

    async def add_candidates(self, candidates: tuple[str, ...], *, last: bool) -> None:
        """Take candidates of the newest path; none follow the `last`.

        Raises:
            MalformedError: a candidate that this version does not take.
        """
        await self._ways.add(candidates, last=last)

    async def restart(self) -> Description:
        """Gather for another path under the same keys; discards an unfinished one.

        Raises:
            UnreachableError: this machine has no address now, or another `restart`
                came between.
        """
        return await self._ways.restart()

    async def reconnect(self, remote: Description) -> None:
        """Connect the second path and move to it; the first one closes 5 s later.

        Raises:
            UnexpectedEventError: `restart` was not called.
            UnreachableError: there is no way, or another `restart` came between.
            RefusedError: candidates that this version does not take.
        """
        await self._ways.reconnect(remote, self._transport.move)

    async def event(self) -> MediaEvent:
        """Wait for the next thing that happened."""
        return await self._events.get()

    # What the user shows and hears.

    def open_sources(self) -> None:
        """Read the microphone, and what `set_pictures` said, from here on.

        Raises:
            UnexpectedEventError: nobody proved yet to be at the other end.
        """
        if not self._is_reached and not self._transport.liveness.has_heard:
            raise UnexpectedEventError("sources opened before the peer was there")
        self._content.set_open(on=True)

    def close_sources(self) -> None:
        """Read no source of the user until `open_sources`; packets go on."""
        self._content.set_open(on=False)

    def set_muted(self, on: bool) -> None:  # noqa: FBT001 -- one switch, one value
        """Send silence instead of the microphone."""
        self._content.set_muted(on)

    def set_held(self, on: bool) -> None:  # noqa: FBT001 -- one switch, one value
        """Neither send the user's sound nor play the peer's; packets go on."""
        self._content.set_held(on)

    def set_pictures(self, kinds: frozenset[Kind]) -> frozenset[Kind]:
        """Show these kinds, once the sources are open; see `Content.set_pictures`."""
        return self._content.set_pictures(kinds)

    def expect_pictures(self, kinds: frozenset[Kind]) -> None:
        """Note which kinds the peer says it shows, so that a pause is no freeze."""
        self._content.expect_pictures(kinds)

    def use_pictures(self, kind: Kind, source: VideoSource) -> None:
        """Show this from now on, whenever pictures of its kind are on.

        Raises:
            MissingError: the two sides did not agree on pictures of this kind.
        """
        self._content.use_pictures(kind, source)

    def tone(self, digits: str) -> None:
        """Send touch tones; nobody but the other side can tell.

        Raises:
            MalformedError: a character that is no touch tone.
            LimitError: too many wait.
        """
        self._content.tone(digits)

    def record(self, recorder: Recorder) -> None:
        """Keep both sides from now on, until `stop_recording` or the end.

        The other side must have been told before.

        Raises:
            UnexpectedEventError: something is recorded already.
        """
        self._content.record(recorder)

    def stop_recording(self) -> None:
        """Finish the recording, if there is one."""
        self._content.stop_recording()

    # Keys and messages.

    def rekey_ready(self) -> bool:
        """Tell whether a rekey may start: one epoch is live, in both directions."""
        return self._transport.epochs.is_ready

    def install_epoch(self, epoch: int, secret: bytes, *, initiator: bool) -> None:
        """Take the secret of a new epoch.

        Raises:
            UnexpectedEventError: not the next epoch, or two are live already.
            KeyReuseError: its keys were made before.
        """
        self._transport.install(epoch, secret, initiator=initiator)

    def send_control(self, ctl: bytes) -> None:
        """Send a control message with the records, one a second.

        Raises:
            LimitError: longer than 5064 bytes.
        """
        self._controls.put(ctl)

    def send_control_now(self, ctl: bytes) -> None:
        """Send a control message in records of its own; has left when this returns.

        Raises:
            LimitError: longer than 5064 bytes.
        """
        for plaintext in self._controls.cut(ctl):
            self._transport.send_control(plaintext)

    def send_text(self, text: str) -> None:
        """Send a text.

        Raises:
            MissingError: the call has no data channel, or it is not open yet.
            LimitError: too long, or too much waits already.
        """
        self._data().send_text(text)

    def send_file(self, name: str, data: bytes) -> None:
        """Send a file of at most 1 MiB.

        Raises:
            MissingError: the call has no data channel, or it is not open yet.
            LimitError: too long, or too much waits already.
        """
        self._data().send_file(name, data)

    def stats(self) -> MediaStats:
        """Count what went and came so far; figures are those of the last second."""
        transport, figures = self._transport, self._content.stats
        up = transport.state == "connected"
        return replace(
            figures,
            sent=transport.sent,
            received=transport.received,
            dropped=transport.dropped + figures.dropped,
            send_epoch=transport.epochs.sending,
            receive_epochs=transport.epochs.receiving,
            path=self._ways.current.kind if up else None,
        )

    async def close(self) -> None:
        """Stop everything and let go of what the plan holds, whatever happens."""
        try:
            await self._stop()
        finally:
            self._plan.close()  # no microphone stays on

    async def _stop(self) -> None:
        self._content.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._channel is not None:
            await self._channel.stop()
        await self._transport.stop()
        await self._ways.close()

    # Parts of connecting.

    def _agree(self, remote: Description) -> tuple[Stream, ...]:
        """Settle what each side sends; gives the peer's streams."""
        if self._role == CALLER:
            check_offer(remote)
            return selected(remote.streams, self._ours)
        check_selection(remote)
        self._ours = selected(self._ours, remote.streams)
        return remote.streams

    def _check_met(self, remote: Description) -> None:
        """Check that a selection begins as whoever knocked did.

        Raises:
            RefusedError: another name, password or sound.
        """
        met = self._theirs
        assert met is not None
        (sound,) = (each.ssrc for each in remote.streams if each.kind is Kind.AUDIO)
        if (remote.ufrag, remote.pwd, sound) != (met.ufrag, met.pwd, met.ssrc):
            raise RefusedError("selection: not of the caller that looked for us")

    def _knocked(self) -> None:
        if self._role == CALLEE:
            self._emit(Knocked())

    # What goes on during the call.

    def _path_changed(self) -> None:
        self._is_reached = True
        self._content.path_changed()

    def _keep_time(self, now: float) -> None:
        """Do what is done ten times a second: right after sound, which always leaves.

        A timer for it would wake the process, which takes longer than the work.
        """
        if now < self._look_at:
            return
        self._look_at = now + TICK_S
        for event in self._transport.tick():
            if isinstance(event, PathWeak):
                self._ways.weak(event.seconds)
            self._emit(event)
        if self._ways.is_newly_broken():
            self._emit(PathFailed())
        for problem in self._ways.new_problems():
            self._emit(ServerFailed(problem))
        self._content.tick(now)

    async def _send_controls(self) -> None:
        while True:
            if self._controls.is_empty and (idle := self._idle_control()) is not None:
                self._controls.put(idle)
            plaintext = self._controls.take()
            if plaintext is not None:
                self._transport.send_control(plaintext)
            await asyncio.sleep(CONTROL_EVERY_S)

    async def _watch_addresses(self) -> None:
        while True:
            await addresses_changed()
            self._emit(AddressesChanged())

    def _data(self) -> DataChannel:
        if self._channel is None:
            raise MissingError("this call has no data channel")
        return self._channel

    def _emit(self, event: MediaEvent) -> None:
        if not self._events.full():
            self._events.put_nowait(event)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._emit(MediaFailed(repr(error)))


def _untold(_: str) -> None:
    """Tell nobody of an address found while it rings: `gather` gives it."""
