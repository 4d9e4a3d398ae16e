"""What we publish on a forwarding server: sound, camera and screen, sealed.

Carrier. The streams are those of a call; each packet is sealed under the key in use as
it leaves, and what comes back are reports of the server about packets.
"""

import asyncio
from collections.abc import Callable, Coroutine

from voip.description import Codec, Description, Kind
from voip.errors import MalformedError
from voip.media import rtp
from voip.media.audio.speaking import Speaking
from voip.media.audio.states import AudioState
from voip.media.connect.config import IceConfig
from voip.media.dtls import Certificate, DtlsTransport
from voip.media.flow import report
from voip.media.forwarding import SERVER, SealedPacket, seal
from voip.media.outgoing import OutgoingPictures
from voip.media.plan import MediaPlan
from voip.media.profile import offer
from voip.media.reporting import Reporting
from voip.media.sframe import Sealer
from voip.media.sources import VideoSource
from voip.media.steering import Steering


class Publishing:
    """What we send to the server: our sound, camera and screen.

    Attributes:
        leg: the way there.
        streams: what is to be offered, the sound first.
        sealer: of the key in use; another one takes its place when members change.
        beat: called right after each packet of sound, every 20 ms, with the time.
        refused: packets that were no packets of a stream, our own bug.
    """

    def __init__(  # noqa: PLR0913 -- what is sent, how, and who is told
        self,
        plan: MediaPlan,
        ice: IceConfig,
        sealer: Sealer,
        *,
        entropy: Callable[[int], bytes],
        beat: Callable[[float], None],
        closed: Callable[[], None],
        failed: Callable[[str], None],
        spawn: Callable[[Coroutine[None, None, None]], object],
    ) -> None:
        """Take the plan, of which only the sources are used; its owner closes it.

        `closed` hears that the server ended the leg, `failed` why a stream of ours
        does not leave; `spawn` runs the camera.

        Raises:
            MissingError: this machine has no Opus, or relay-only has no TURN server.
        """
        codecs = (Codec.VP8,) if plan.has_pictures else ()
        self.sealer = sealer
        self.beat = beat
        self.streams = offer(codecs, steady=False, entropy=entropy)
        self.leg = DtlsTransport[SealedPacket](
            Certificate(),
            ice,
            peer=SERVER,
            take=_unasked,
            take_reports=self._take_reports,
            controlling=True,
            closed=closed,
        )
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        sound, *pictures = self.streams
        steering = Steering(sound.ssrc, now)
        self._reporting = Reporting(
            sound.ssrc,
            steering,
            send=self.leg.send_reports,
            now=now,
            offset_s=int.from_bytes(entropy(2)),
        )
        self._lost_share: float | None = None
        self._speaking = Speaking(
            plan.audio_source,
            self._sound_made,
            ssrc=sound.ssrc,
            sequence=int.from_bytes(entropy(2)) >> 1,
            timestamp=int.from_bytes(entropy(4)),
            loop=self._loop,
        )
        self._speaking.state = AudioState.N1
        self._pictures = OutgoingPictures(
            pictures,
            entropy=entropy,
            send=self._send,
            reporting=self._reporting,
            spawn=spawn,
            failed=failed,
        )
        for kind, source in (
            (Kind.VIDEO, plan.video_source),
            (Kind.SCREEN, plan.screen_source),
        ):
            if source is not None:
                self._pictures.use(kind, source)

    async def connect(
        self, far: Description, fingerprint: bytes, *, we_begin: bool
    ) -> None:
        """Connect, then send; raises what `DtlsTransport.connect` does."""
        await self.leg.connect(far, fingerprint, we_begin=we_begin)
        self._speaking.is_open = True
        self._speaking.start()

    def set_muted(self, on: bool) -> None:  # noqa: FBT001 -- one switch, one value
        """Send silence instead of the microphone."""
        self._speaking.is_muted = on

    def set_pictures(self, kinds: frozenset[Kind]) -> frozenset[Kind]:
        """Show these kinds; gives those for which there is a source."""
        self._pictures.set_on(kinds)
        return self._pictures.on

    def use_screen(self, source: VideoSource) -> None:
        """Show this from now on, whenever the screen is on; closed at the end.

        Raises:
            MissingError: the plan had no pictures, so none were offered.
        """
        self._pictures.use(Kind.SCREEN, source)

    def set_rate(self, bps: int) -> None:
        """Give pictures at most so many bits a second; 0 pauses them."""
        self._pictures.set_rate(bps)

    def lost_share(self) -> float | None:
        """Give the worst share that a report called lost since this was asked, 0-1.

        None: no report came since.
        """
        worst, self._lost_share = self._lost_share, None
        return worst

    async def close(self) -> None:
        """Send nothing more; the plan's ends stay open, but for camera and screen."""
        self._speaking.stop()
        self._pictures.close()
        await self.leg.close()

    def _sound_made(self, packet: bytes) -> None:
        self._send(packet)
        now = self._loop.time()
        self._reporting.tick(now)
        self.beat(now)

    def _send(self, packet: bytes) -> None:
        self.leg.send(seal(self.sealer, packet))
        self._reporting.sent(
            int.from_bytes(packet[8:12]),
            len(packet) - rtp.HEADER_BYTES,
            int.from_bytes(packet[4:8]),
            self._loop.time(),
        )

    def _take_reports(self, datagram: bytes, now: float) -> None:
        for each in report.parse(datagram):
            if isinstance(each, report.Compound):
                shares = [block.lost_share / 256 for block in each.blocks]
                self._lost_share = max([self._lost_share or 0.0, *shares])
        self._reporting.receive(datagram, now)


def _unasked(_packet: bytes, _now: float) -> None:
    raise MalformedError("a packet came on a leg on which we publish")
