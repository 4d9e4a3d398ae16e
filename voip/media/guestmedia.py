"""Sound and pictures of a guest leg, both ways, sealed frame by frame.

::

    plan's source ─ Opus ─ seal ─ RTP ─ DTLS-SRTP ─> browser
    plan's sink <─ jitter buffer <─ open <─ RTP <─ DTLS-SRTP <─ browser

Carrier. Browsers hand their pages whole frames, so frames are sealed and not packets:
Opus without RED, VP8. The jitter buffer, encoders and decoders are those of all calls.
What does not open is counted and goes no further.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, NamedTuple

from voip.description import Description, Kind, Stream
from voip.errors import MalformedError
from voip.media import rtp
from voip.media.audio.jitter import AudioReceiver
from voip.media.audio.opus import open_decoder
from voip.media.audio.speaking import Speaking
from voip.media.audio.states import AudioState
from voip.media.connect.config import IceConfig
from voip.media.dtls import Certificate, DtlsTransport
from voip.media.flow import report
from voip.media.flow.arrivals import Arrived, Window
from voip.media.flow.lossrate import LossRate
from voip.media.foreign import plain_rtp
from voip.media.framekeys import FrameKeys
from voip.media.incoming import IncomingPictures
from voip.media.outgoing import OutgoingPictures
from voip.media.plan import MediaPlan
from voip.media.reporting import Reporting
from voip.media.sources import (
    FRAME_SAMPLES,
    SAMPLE_RATE,
    DrivenSink,
    Lent,
)
from voip.media.steering import Steering
from voip.media.transport import Receive

STATE = AudioState.S0
"""Without copies, which a browser cannot take apart; FEC repairs single losses."""


class Tallied(NamedTuple):
    """Frames of one kind in one direction on one connection.

    Attributes:
        sealed: that were sealed, or opened.
        failed: that could not be.
        rtp: that the transport carried, whoever sealed them.
    """

    sealed: int
    failed: int
    rtp: int


class GuestMedia:
    """The media of one connection to a guest."""

    def __init__(  # noqa: PLR0913 -- what is joined
        self,
        plan: MediaPlan,
        certificate: Certificate,
        ice: IceConfig,
        keys: FrameKeys,
        *,
        entropy: Callable[[int], bytes],
        failed: Callable[[str], None],
    ) -> None:
        """Take the ends, which stay the caller's, and the keys of the call.

        The ends are those of a bridge: no clock of their own, and ready to be taken up
        by the next connection of the same call.

        `failed` hears why pictures are not sent or shown, or sound is not kept.

        Raises:
            RefusedError: a configuration of servers that cannot be.
            MissingError: relay-only without a TURN server.
        """
        self._plan, self._keys = plan, keys
        self._entropy, self._failed = entropy, failed
        self._loop = asyncio.get_running_loop()
        self._transport = DtlsTransport[bytes](
            certificate,
            ice,
            peer="the guest's browser",
            take=self._take,
            take_reports=self._take_reports,
        )
        self._receivers: dict[int, tuple[int, Receive]] = {}
        self._counts: Counter[tuple[Kind, str, bool]] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._rate = LossRate(self._loop.time())
        self._reporting: Reporting | None = None
        self._sound: _Sound | None = None
        self._outgoing: OutgoingPictures | None = None
        self._incoming: IncomingPictures | None = None

    def tallied(self, kind: Kind, *, sent: bool) -> Tallied:
        """Count the frames of a kind in one direction since the beginning."""
        of = self._counts
        return Tallied(*(of[kind, what, sent] for what in ("sealed", "failed", "rtp")))

    async def gather(self, ours: tuple[Stream, ...]) -> Description:
        """Find our addresses, and describe what we send.

        Raises:
            UnreachableError: there is no address.
        """
        return replace(await self._transport.gather(), streams=ours)

    async def connect(
        self, guest: Description, ours: tuple[Stream, ...], fingerprint: bytes
    ) -> None:
        """Connect to the owner of this certificate, then send and play.

        `guest` says where he is and what he sends, `ours` what we do; the sound first.

        Raises:
            UnreachableError: there is no way.
            TrustError: somebody else is there.
            RefusedError: candidates that are none.
            MissingError: this machine has no Opus.
        """
        self._join(guest.streams, ours)
        await self._transport.connect(guest, fingerprint)
        assert self._sound is not None
        self._sound.start()
        assert self._outgoing is not None
        self._outgoing.set_on(frozenset(Kind))

    def expect_pictures(self, kinds: frozenset[Kind]) -> None:
        """Note which kinds the guest says he shows, so that a pause is no freeze."""
        if self._incoming is not None:
            self._incoming.expect_only(kinds)

    async def close(self) -> None:
        """Stop; the plan's ends stay open."""
        if self._sound is not None:
            self._sound.speaking.stop()
        for pictures in (self._outgoing, self._incoming):
            if pictures is not None:
                pictures.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._transport.close()

    def _join(self, theirs: tuple[Stream, ...], ours: tuple[Stream, ...]) -> None:
        sound = ours[0]
        now = self._loop.time()
        self._reporting = Reporting(
            sound.ssrc,
            Steering(sound.ssrc, now),  # it hears no feedback, and is not asked
            send=self._transport.send_reports,
            now=now,
            offset_s=int.from_bytes(self._entropy(2)),
        )
        self._sound = _Sound(self, self._plan, sound, self._entropy)
        for stream in theirs:
            if stream.kind is Kind.AUDIO:
                arrived = self._reporting.expect(stream.ssrc, Window.SOUND, SAMPLE_RATE)
                self._sound.arrived = arrived
                self._expect(stream.ssrc, stream.pt, self._sound.take)
        self._incoming = IncomingPictures(
            (stream for stream in theirs if stream.kind is not Kind.AUDIO),
            self._plan.video_sink,
            expect=self._expect,
            reporting=self._reporting,
            slow=lambda: self._failed("this machine is too slow for these pictures"),
            failed=self._failed,
            unseal=self.open,
        )
        self._outgoing = OutgoingPictures(
            ours[1:],
            entropy=self._entropy,
            send=self.send,
            reporting=self._reporting,
            spawn=self._spawn,
            failed=self._failed,
            seal=self.seal,
        )
        for stream in ours[1:]:
            source = {
                Kind.VIDEO: self._plan.video_source,
                Kind.SCREEN: self._plan.screen_source,
            }[stream.kind]
            if source is not None:
                self._outgoing.use(stream.kind, Lent(source))

    def seal(self, kind: Kind, frame: bytes) -> bytes:
        """Seal a frame and count it."""
        sealed = self._keys.seal(kind, frame)
        self._counts[kind, "sealed", True] += 1
        self._counts[kind, "rtp", True] += 1
        return sealed

    def open(self, kind: Kind, sealed: bytes) -> bytes:
        """Open a frame and count it.

        Raises:
            MalformedError: nobody we know sealed it.
        """
        self._counts[kind, "rtp", False] += 1
        try:
            frame = self._keys.open(kind, sealed, self._loop.time())
        except MalformedError:
            self._counts[kind, "failed", False] += 1
            raise
        self._counts[kind, "sealed", False] += 1
        return frame

    def send(self, packet: bytes) -> None:
        """Send an RTP packet, whose payload was sealed."""
        self._transport.send(packet)
        if self._reporting is not None:
            _, _, timestamp, ssrc = rtp.check_outgoing(packet)
            octets = len(packet) - rtp.HEADER_BYTES
            self._reporting.sent(ssrc, octets, timestamp, self._loop.time())

    def beat(self) -> None:
        """Do what is done every 20 ms, right after a packet of sound left."""
        now = self._loop.time()
        assert self._reporting is not None
        assert self._outgoing is not None
        self._reporting.tick(now)
        self._outgoing.set_rate(self._rate.bps(now))

    def sound_failed(self, reason: str) -> None:
        """Hear that the plan's sink takes no more."""
        self._failed(reason)

    def _expect(self, ssrc: int, payload_type: int, receive: Receive) -> None:
        self._receivers[ssrc] = (payload_type, receive)

    def _take(self, packet: bytes, now: float) -> None:
        packet = plain_rtp(packet)
        payload_type, ssrc = rtp.read_stream(packet)
        expected, receive = self._receivers.get(ssrc, (None, None))
        if receive is None or payload_type != expected:
            raise MalformedError(f"rtp: no stream {ssrc} of type {payload_type}")
        if len(packet) > rtp.HEADER_BYTES:  # a packet of padding alone says nothing
            receive(packet, now)

    def _take_reports(self, datagram: bytes, now: float) -> None:
        for each in report.parse(datagram):
            if isinstance(each, report.Compound) and each.blocks:
                worst = max(block.lost_share for block in each.blocks)
                self._rate.report(worst / 256, now)
        assert self._reporting is not None
        self._reporting.receive(datagram, now)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(repr(error))


class _Sound:
    """The sound of one connection: the send loop of calls, and the jitter buffer."""

    def __init__(
        self,
        media: GuestMedia,
        plan: MediaPlan,
        ours: Stream,
        entropy: Callable[[int], bytes],
    ) -> None:
        assert not isinstance(plan.audio_sink, DrivenSink)
        self.arrived: Arrived | None = None
        self._media = media
        self._head = bytes((0x80, ours.pt))  # RFC 3550 §5.1: no marker
        self._sink = plan.audio_sink
        self._has_failed = False
        self._loop = asyncio.get_running_loop()
        self._receiver = AudioReceiver(open_decoder())
        self.speaking = Speaking(
            plan.audio_source,
            self._spoken,
            ssrc=ours.ssrc,
            # RFC 3711 §3.3.1: far from the wrap, so that no count of it is guessed.
            sequence=int.from_bytes(entropy(2)) >> 1,
            timestamp=int.from_bytes(entropy(4)),
            loop=self._loop,
            sleep=_go_on,
        )
        self.speaking.state = STATE

    def start(self) -> None:
        self.speaking.is_open = True
        self.speaking.start()

    def take(self, packet: bytes, now: float) -> None:
        header = rtp.parse_header(packet)
        assert self.arrived is not None
        self.arrived.note(header.sequence, header.timestamp, now)
        frame = self._media.open(Kind.AUDIO, packet[rtp.HEADER_BYTES :])
        self._receiver.receive(header.sequence, ((0, frame),), now)

    def _spoken(self, packet: bytes) -> None:
        # The payload is RED (RFC 2198) without copies: one byte, then the Opus frame.
        frame = packet[rtp.HEADER_BYTES + 1 :]
        sealed = self._media.seal(Kind.AUDIO, frame)
        self._media.send(self._head + packet[2 : rtp.HEADER_BYTES] + sealed)
        pcm = self._receiver.pull(FRAME_SAMPLES, self._loop.time())
        if not self._has_failed:
            try:
                self._sink.write(pcm)
            except OSError as error:  # a full disk under a WAV, say
                self._has_failed = True
                self._media.sound_failed(str(error))
        self._media.beat()


def _go_on(_seconds: float) -> None:
    """Hold no packet back: a gateway has many legs, and they would all wait."""
