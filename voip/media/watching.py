"""What we take from a forwarding server: one feed, of one member, hopefully.

Carrier. Each packet is opened by a member's key before anything else looks at it, and
its numbers are those that its sender gave it (`forwarding`); only when the server is
asked for a packet again, its own number for it counts.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from voip.description import Codec, Description, Kind
from voip.errors import MalformedError
from voip.media import rtp
from voip.media.audio.hearing import Hearing
from voip.media.audio.opus import open_decoder
from voip.media.connect.config import IceConfig
from voip.media.dtls import Certificate, DtlsTransport
from voip.media.flow import report
from voip.media.flow.arrivals import Arrived, Window
from voip.media.forwarding import SERVER, OpenFrame, SealedPacket, open_packet
from voip.media.profile import picture_stream
from voip.media.reporting import PICTURE_RATE
from voip.media.sources import FRAME_SAMPLES, SAMPLE_RATE, Picture, VideoSink
from voip.media.video.showing import VideoReceiver

SCREEN_S = 2.0  # after its last picture the camera is shown again
REPORT_S = 5.0  # RFC 3550 §6.2
FOLLOW_S = 1.0
BRIDGES_S = 0.04
"""By which sound comes later than its packets say: at both ends it passes a bridge,
where on the average one frame of it waits; a picture does not."""


class _Lane:
    """One stream of a feed."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.renumbered = 0
        self.arrived: Arrived | None = None
        self.receiver: VideoReceiver | None = None


class Watching:
    """One feed of the server: the sound and the pictures of one member, hopefully.

    Attributes:
        leg: the way there.
        sink: where its pictures are shown; None: nowhere.
        opened: packets that a member's key opened, likewise `unopened`.
    """

    def __init__(  # noqa: PLR0913 -- what comes, how, and who is told
        self,
        ice: IceConfig,
        sources: Mapping[int, tuple[Kind, bool]],
        *,
        controlling: bool,
        open_frame: OpenFrame,
        unopened: Callable[[float], None],
        failed: Callable[[str], None],
        entropy: Callable[[int], bytes],
    ) -> None:
        """Take what the server sends, by SSRC: what it is, and whether it repeats.

        `open_frame` opens with a member's key, or raises `MalformedError`; `unopened`
        then hears of it. `failed` hears why pictures are not shown.

        Raises:
            MissingError: this machine has no Opus, or relay-only has no TURN server.
        """
        self.sink: VideoSink | None = None
        self.opened = self.unopened = 0
        self._open_frame, self._not_opened = open_frame, unopened
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._ssrc = int.from_bytes(entropy(4)) | 1
        lanes = {kind: _Lane(kind) for kind, _ in sources.values()}
        self._lanes = tuple(lanes.values())
        self._sources = {
            ssrc: (lanes[kind], is_repeat)
            for ssrc, (kind, is_repeat) in sources.items()
        }
        self._hearing = Hearing(open_decoder())
        self._screen_at: float | None = None
        self._follow_at = self._loop.time()
        self._report_at = self._follow_at + REPORT_S
        self.leg = DtlsTransport[SealedPacket](
            Certificate(),
            ice,
            peer=SERVER,
            take=self._take,
            take_reports=_unread,
            controlling=controlling,
        )

    async def connect(self, far: Description, fingerprint: bytes) -> None:
        """Connect; raises what `DtlsTransport.connect` does."""
        await self.leg.connect(far, fingerprint)

    def pull(self, now: float) -> bytes:
        """Give the next 20 ms of its sound; to be called every 20 ms."""
        if now >= self._report_at:
            self._report_at = now + REPORT_S
            self._report(now)
        if now >= self._follow_at:
            self._follow_at = now + FOLLOW_S
            self._follow()
        return self._hearing.pull(FRAME_SAMPLES, now)

    async def close(self) -> None:
        """Take nothing more; the sink stays open."""
        for lane in self._lanes:
            if lane.receiver is not None:
                lane.receiver.stop()
        await self.leg.close()

    def _take(self, packet: bytes, now: float) -> None:
        header = rtp.parse_header(packet)
        if header.ssrc not in self._sources:
            raise MalformedError(f"source {header.ssrc} was not offered")
        lane, is_repeat = self._sources[header.ssrc]
        if not is_repeat:
            self._note(lane, header, now)
        try:
            opened = open_packet(
                packet, lane.kind, is_repeat=is_repeat, open_frame=self._open_frame
            )
        except MalformedError:
            self.unopened += 1
            self._not_opened(now)
            return
        self.opened += 1
        lane.renumbered = opened.renumbered
        if lane.kind is Kind.AUDIO:
            self._hearing.receive(opened.packet, now)
        elif self.sink is not None:
            if lane.receiver is None:
                lane.receiver = self._receiver(lane, self.sink)
            lane.receiver.receive(opened.packet, now)

    def _note(self, lane: _Lane, header: rtp.Header, now: float) -> None:
        if lane.arrived is None:
            is_sound = lane.kind is Kind.AUDIO
            lane.arrived = Arrived(
                header.ssrc,
                Window.SOUND if is_sound else Window.PICTURES,
                SAMPLE_RATE if is_sound else PICTURE_RATE,
            )
        lane.arrived.note(header.sequence, header.timestamp, now)

    def _receiver(self, lane: _Lane, sink: VideoSink) -> VideoReceiver:
        # Repeats are taken apart before, so the receiver sees one stream; numbers of
        # sources are the server's and mean nothing to it.
        stream = picture_stream(lane.kind, Codec.VP8, 1, 2)
        return VideoReceiver(
            stream,
            _Window(sink, partial(self._may_show, lane.kind)),
            nack=partial(self._ask_again, lane),
            pli=partial(self._ask_picture, lane),
            slow=lambda: self._failed(
                "this machine is too slow for the pictures that come"
            ),
        )

    def _ask_again(self, lane: _Lane, sequences: tuple[int, ...]) -> None:
        if lane.arrived is not None:
            theirs = tuple(each + lane.renumbered & 0xFFFF for each in sequences)
            nack = report.Nack(self._ssrc, lane.arrived.ssrc, theirs)
            self.leg.send_reports(report.format_nack(nack))

    def _ask_picture(self, lane: _Lane) -> None:
        if lane.arrived is not None:
            wanted = report.PictureLoss(self._ssrc, lane.arrived.ssrc)
            self.leg.send_reports(report.format_picture_loss(wanted))

    def _report(self, now: float) -> None:
        blocks = tuple(
            lane.arrived.block(now) for lane in self._lanes if lane.arrived is not None
        )
        told = report.Compound(self._ssrc, blocks)
        self.leg.send_reports(report.format_compound([told]))

    def _follow(self) -> None:
        """Show pictures nearer to when the sound of the same moment is heard.

        The server's word on what was said when is not needed, nor its clock: what left
        together came together at best, and from there on we know how long each waits.
        """
        sound = self._hearing.receiver
        for lane in self._lanes:
            if lane.receiver is not None and sound.decoded:
                later = sound.hold + BRIDGES_S - lane.receiver.waits_s
                lane.receiver.set_sound_offset(later)

    def _may_show(self, kind: Kind) -> bool:
        now = self._loop.time()
        if kind is Kind.SCREEN:
            self._screen_at = now
            return True
        return self._screen_at is None or now - self._screen_at >= SCREEN_S


class _Window:
    """Where a member is shown, as one of its streams sees it."""

    def __init__(self, sink: VideoSink, may_show: Callable[[], bool]) -> None:
        self._sink = sink
        self._may_show = may_show

    def show(self, picture: Picture) -> None:
        """See `VideoSink`."""
        if self._may_show():
            self._sink.show(picture)

    def close(self) -> None:
        """Leave it open; it is the room's."""


def _unread(_datagram: bytes, _now: float) -> None:
    """Take RTCP of the server about a feed: nothing in it is known to be true."""
