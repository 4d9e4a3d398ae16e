"""The media of one call, from gathering addresses to the last packet.

::

    gather ─> Description to the peer ─> connect(the peer's) ─> event() ... close
    RESTART: restart ─> Description ─> reconnect(the peer's)      same keys, new path

`MediaSession` only joins parts and decides nothing: what a packet means is settled by
`epochs`, `record` and `liveness`, how much may be sent by `steering`, what follows for
the call by the call machine, which hears of it through `event`. The microphone and the
camera are not read before a packet of the peer verified *and* the call said so.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from voip.description import Codec, Description, Kind, Stream
from voip.errors import MissingError, UnexpectedEventError
from voip.media import rtp
from voip.media.channel import DataChannel
from voip.media.connect.config import IceConfig
from voip.media.connect.path import addresses_changed
from voip.media.connect.sockets import Trace
from voip.media.epochs import CALLER
from voip.media.events import (
    AddressesChanged,
    DigitReceived,
    EndFailed,
    MediaEvent,
    MediaFailed,
    PathFailed,
    PathWeak,
    PicturesSlow,
    RecordingFailed,
)
from voip.media.flow.arrivals import Window
from voip.media.gauge import OVERHEAD_BYTES, Gauge
from voip.media.incoming import IncomingPictures
from voip.media.outgoing import Hooks, OutgoingPictures
from voip.media.plan import MediaPlan
from voip.media.profile import check_offer, check_selection, offer, select, selected
from voip.media.quality.figures import MediaStats
from voip.media.record import ControlQueue
from voip.media.reporting import Reporting
from voip.media.sources import SAMPLE_RATE, Recorder, VideoSource
from voip.media.steering import Steering
from voip.media.talk import Talk
from voip.media.tape import Tape
from voip.media.transport import IkSrtpTransport
from voip.media.video.svt import available as has_av1
from voip.media.ways import Ways

TICK_S = 0.1  # fine enough for half a second of silence
CONTROL_EVERY_S = 1.0  # one record a second, whatever happens
WATCH_EVERY_S = 0.5  # a new network is to be heard within a second of its coming
MAX_EVENTS = 1024  # a session that leaves more unread is gone; later ones are lost
PICTURE_CODECS = (Codec.AV1, Codec.VP8)
"""The best first; AV1 only where this machine makes and reads it."""


class MediaSession:
    """Sound, pictures and records of one call."""

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
    ) -> None:
        """Take what the call agreed on.

        `idle_control` gives the control message for a second in which nothing waits.
        `on_datagram` sees every datagram of a gathered path as it is sent. With
        `trickle`, `gather` waits for no slow server: `CandidateFound` comes later.

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
        self._wanted: frozenset[Kind] = frozenset()  # a camera at hand is not a wish
        self._may_open = False
        self._channel: DataChannel | None = None
        self._outgoing: OutgoingPictures | None = None
        self._incoming: IncomingPictures | None = None
        self._tape: Tape | None = None
        self._ours = offer(
            PICTURE_CODECS if plan.has_pictures else (),
            steady=plan.steady,
            entropy=entropy,
        )
        self._ways = Ways(
            ice,
            controlling=role == CALLER,
            trace=on_datagram,
            emit=self._emit,
            trickle=trickle,
        )
        self._transport = IkSrtpTransport(
            self._ways.current,
            role,
            secret=call_secret,
            emit=self._emit,
            clock=self._clock,
            noted=self._noted,
        )
        own_ssrc, now = self._ours[0].ssrc, self._clock()
        self._steering = Steering(own_ssrc, now)
        self._reporting = Reporting(
            own_ssrc,
            self._steering,
            send=self._transport.send_rtcp,
            now=now,
            offset_s=int.from_bytes(entropy(2)),
        )
        self._talk = Talk(
            plan.audio_source,
            plan.audio_sink,
            ssrc=own_ssrc,
            entropy=entropy,
            send=self._transport.send_rtp,
            beat=self._beat,
            failed=self._end_failed,
        )
        self._gauge = Gauge(now)

    async def gather(self, offered: Description | None = None) -> Description:
        """Find our addresses and describe what we may send.

        The callee offers; the caller, handing in what was `offered`, selects from it.

        Raises:
            UnreachableError: this machine has no address to offer.
            RefusedError: streams that this version does not take.
        """
        if offered is not None:
            check_offer(offered)
        if self._plan.has_pictures and not await asyncio.to_thread(has_av1):
            self._ours = tuple(s for s in self._ours if s.codec is not Codec.AV1)
        if offered is not None:
            self._ours = select(self._ours, offered.streams)
        return replace(await self._ways.gather(), streams=self._ours)

    async def connect(self, remote: Description, *, complete: bool = True) -> None:
        """Find a way to the peer, then send and receive until `close`.

        The caller controls ICE. With `complete`, no `add_candidates` follows.

        Raises:
            RefusedError: streams or candidates that this version does not take.
            UnreachableError: none of the ways works.
        """
        theirs = self._agree(remote)
        self._ways.check_open()
        self._receive(theirs)
        # Before there is a way for us: the peer's first packets may be here already.
        await self._transport.start()
        await self._ways.connect(remote, complete=complete)
        self._talk.start()
        if self._plan.data:
            self._channel = DataChannel(self._transport, self._emit)
            await self._channel.start()
        self._spawn(self._keep_time())
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
            UnexpectedEventError: no packet verified yet, so nobody proved to be there.
        """
        if not self._transport.liveness.has_heard:
            raise UnexpectedEventError("sources opened before a packet verified")
        self._set_open(on=True)

    def close_sources(self) -> None:
        """Read no source of the user until `open_sources`; packets go on."""
        self._set_open(on=False)

    def set_muted(self, on: bool) -> None:  # noqa: FBT001 -- one switch, one value
        """Send silence instead of the microphone."""
        self._talk.speaking.is_muted = on

    def set_held(self, on: bool) -> None:  # noqa: FBT001 -- one switch, one value
        """Neither send the user's sound nor play the peer's; packets go on."""
        self._talk.set_held(on)

    def set_pictures(self, kinds: frozenset[Kind]) -> frozenset[Kind]:
        """Show these kinds, once the sources are open, or nothing; at first nothing.

        Gives what is shown now: no more than there are sources for.
        """
        self._wanted = kinds
        if self._outgoing is None:
            return frozenset()
        self._outgoing.set_on(kinds if self._may_open else frozenset())
        showing = self._outgoing.on
        self._steering.want_video(wanted=bool(showing))
        return showing

    def expect_pictures(self, kinds: frozenset[Kind]) -> None:
        """Note which kinds the peer says it shows, so that a pause is no freeze."""
        if self._incoming is not None:
            self._incoming.expect_only(kinds)

    def use_pictures(self, kind: Kind, source: VideoSource) -> None:
        """Show this from now on, whenever pictures of its kind are on.

        Raises:
            MissingError: the two sides did not agree on pictures of this kind.
        """
        if self._outgoing is None:
            raise MissingError("the call is not connected")
        self._outgoing.use(kind, source)

    def tone(self, digits: str) -> None:
        """Send touch tones; nobody but the other side can tell.

        Raises:
            MalformedError: a character that is no touch tone.
            LimitError: too many wait.
        """
        self._talk.speaking.tone(digits)

    def record(self, recorder: Recorder) -> None:
        """Keep both sides from now on, until `stop_recording` or the end.

        The other side must have been told before.

        Raises:
            UnexpectedEventError: something is recorded already.
        """
        if self._tape is not None:
            raise UnexpectedEventError("the call is being recorded already")
        self._tape = tape = Tape(recorder, clock=self._clock, failed=self._tape_failed)
        self._talk.hook(tape.sound(ours=True), tape.sound(ours=False))
        self._hook_pictures(tape.pictures)

    def stop_recording(self) -> None:
        """Finish the recording, if there is one."""
        if self._tape is not None:
            tape, self._tape = self._tape, None
            self._talk.hook(None, None)
            self._hook_pictures(None)
            tape.close()

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
        transport = self._transport
        up = transport.state == "connected"
        return replace(
            self._gauge.stats,
            sent=transport.sent,
            received=transport.received,
            dropped=transport.dropped,
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
        self._talk.stop()
        self.stop_recording()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for pictures in (self._outgoing, self._incoming):
            if pictures is not None:
                pictures.close()
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

    def _receive(self, theirs: tuple[Stream, ...]) -> None:
        """Let the peer's agreed streams in, and be ready to send ours."""
        pictures = [each for each in theirs if each.kind is not Kind.AUDIO]
        (sound,) = (each for each in theirs if each.kind is Kind.AUDIO)
        self._heard = self._reporting.expect(sound.ssrc, Window.SOUND, SAMPLE_RATE)
        self._transport.expect(sound.ssrc, sound.pt, self._take_sound)
        self._transport.expect_reports(self._reporting.receive)
        self._incoming = IncomingPictures(
            pictures,
            self._plan.video_sink,
            expect=self._transport.expect,
            reporting=self._reporting,
            slow=lambda: self._emit(PicturesSlow()),
            failed=self._end_failed,
        )
        self._outgoing = OutgoingPictures(
            (each for each in self._ours if each.kind is not Kind.AUDIO),
            entropy=self._entropy,
            send=self._transport.send_rtp,
            reporting=self._reporting,
            spawn=self._spawn,
            failed=self._end_failed,
        )
        agreed = {each.kind for each in self._ours}
        for kind, source in (
            (Kind.VIDEO, self._plan.video_source),
            (Kind.SCREEN, self._plan.screen_source),
        ):
            if source is not None and kind in agreed:
                self._outgoing.use(kind, source)
        self.set_pictures(self._wanted)

    # What goes on during the call.

    def _take_sound(self, packet: bytes, now: float) -> None:
        header = rtp.parse_header(packet)
        self._heard.note(header.sequence, header.timestamp, now)
        self._gauge.heard(len(packet))
        self._talk.receive(packet, now)

    def _noted(
        self, ssrc: int, sequence: int, timestamp: int, size: int, now: float
    ) -> None:
        self._steering.sent(ssrc, sequence, size + OVERHEAD_BYTES, now)
        self._reporting.sent(ssrc, size - rtp.HEADER_BYTES, timestamp, now)
        if ssrc == self._ours[0].ssrc:
            self._gauge.sent(size)

    def _beat(self, now: float) -> None:
        """Do what is done every 20 ms, right after a packet of sound left."""
        steering = self._steering
        steering.tick(now)
        self._talk.speaking.state = steering.audio
        self._reporting.tick(now)
        assert self._outgoing is not None
        self._outgoing.set_rate(steering.video_bps)

    def _keep_second(self, now: float) -> None:
        """Do what is done once a second."""
        trip = self._steering.round_trip_s
        assert self._outgoing is not None
        assert self._incoming is not None
        if trip is not None:
            self._outgoing.set_round_trip(trip)
            self._incoming.set_round_trip(trip)
        self._gauge.sample(
            now,
            self._steering,
            state=self._talk.state,
            reception=self._talk.reception(),
            video_out=self._outgoing.figures(now),
            video_in=self._incoming.figures(now),
        )

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = self._clock()
            for event in self._transport.tick():
                if isinstance(event, PathWeak):
                    self._ways.weak(event.seconds)
                self._emit(event)
            if self._ways.is_newly_broken():
                self._emit(PathFailed())
            for digit in self._talk.digits():
                self._emit(DigitReceived(digit))
            if self._gauge.is_due(now):
                self._keep_second(now)

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
            await addresses_changed(every_s=WATCH_EVERY_S)
            self._emit(AddressesChanged())

    def _set_open(self, *, on: bool) -> None:
        self._may_open = self._talk.speaking.is_open = on
        self.set_pictures(self._wanted)

    def _hook_pictures(self, hooks: Hooks | None) -> None:
        if self._outgoing is not None and self._incoming is not None:
            self._outgoing.hook(hooks, self._clock())
            self._incoming.hook(hooks)

    def _end_failed(self, reason: str) -> None:
        self._emit(EndFailed(reason))

    def _tape_failed(self, reason: str) -> None:
        self.stop_recording()
        self._emit(RecordingFailed(reason))

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
