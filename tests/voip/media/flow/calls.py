"""Calls in virtual time whose media are numbers: what steering does on a bad path.

Sound is a packet of its state's size every 20 ms; pictures come from a model encoder
that fills the rate it is given, unevenly and with key frames; control records and real
RTCP travel along. Ends know of each other only by what the links carry. `whole` has
ends of the same kind whose media are speech and pictures.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.voip.media.link import Link
from tests.voip.media.world import World
from voip.media.audio.states import UDP_IP_BYTES
from voip.media.flow.arrivals import Arrived, Window
from voip.media.flow.pacer import TICK_S, Pacer
from voip.media.reporting import PICTURE_RATE, Reporting
from voip.media.sources import SAMPLE_RATE
from voip.media.steering import Steering

FRAME_S = 0.02
PICTURE_S = 1 / 25
PACKET_BYTES = 1140
OVERHEAD_BYTES = UDP_IP_BYTES + 12 + 16  # RTP and SRTP
RTCP_BYTES = UDP_IP_BYTES + 4 + 16  # the index of SRTCP and its tag
RECORD_BYTES = 666 + UDP_IP_BYTES
KEY_BYTES = 3000  # the least that a key frame of 320x240 takes
LATE_S = 0.2  # over the shortest way: what comes later is not waited for


@dataclass(frozen=True, slots=True)
class Sound:
    """One packet of sound: when it was sent, and when it came; None if never."""

    sent_at: float
    came_at: float | None

    @property
    def way_s(self) -> float:
        """How long it took."""
        return float("inf") if self.came_at is None else self.came_at - self.sent_at


class End:
    """One side of a call, which sends over `link` to the end that `meet` names."""

    def __init__(
        self, world: World, link: Link, *, audio: int, seed: int, video: bool = True
    ) -> None:
        """Begin now; `audio` and the next two numbers are the SSRCs."""
        self.world = world
        self.link = link
        self.audio, self.video, self.repairs = audio, audio + 1, audio + 2
        self.steering = Steering(audio, world.now)
        self.steering.want_video(wanted=video)
        self.reporting = Reporting(
            audio,
            self.steering,
            send=self._send_report,
            now=world.now,
            offset_s=1000.0 * audio,
        )
        self.sound: list[Sound] = []
        self.delays: list[tuple[float, float]] = []  # when sent, how long it took
        self.video_came: list[tuple[float, int]] = []
        self.rates: list[tuple[float, float, int, str]] = []
        self.lose_reports: Callable[[float], bool] = lambda _: False
        self.peer: End | None = None
        self._numbers = {self.audio: 100, self.video: 200}
        self._arrived: dict[int, Arrived] = {}
        self._begin(seed, world.now + 0.001 * seed)
        world.every(0.1, lambda: self.steering.tick(world.now))
        world.every(FRAME_S, lambda: self.reporting.tick(world.now))
        world.every(1.0, lambda: self._carry(RECORD_BYTES, lambda: None))
        world.every(0.1, self._write)

    def meet(self, peer: "End") -> None:
        """Send to `peer` from now on."""
        self.peer = peer
        expect = peer.reporting.expect
        peer._arrived = {
            self.audio: expect(self.audio, Window.SOUND, SAMPLE_RATE),
            self.video: expect(self.video, Window.PICTURES, PICTURE_RATE),
            self.repairs: expect(self.repairs, Window.REPAIRS, PICTURE_RATE),
        }

    def newest(self, ssrc: int) -> int:
        """Give the sequence number that left last."""
        return self._numbers[ssrc]

    def lost(self, since: float, until: float) -> float:
        """Share of the sound that never came."""
        inside = [each for each in self.sound if since <= each.sent_at < until]
        return sum(each.came_at is None for each in inside) / len(inside)

    def concealed(self, since: float, until: float) -> float:
        """Share of the sound that had to be made up: lost, or too late."""
        inside = [each for each in self.sound if since <= each.sent_at < until]
        ways = [each.way_s for each in inside]
        latest = min(ways, default=0.0) + LATE_S
        return sum(way > latest for way in ways) / len(ways)

    def slowest_s(self, since: float, until: float) -> float:
        """Longest way of any packet sent in this time."""
        return max(took for sent, took in self.delays if since <= sent < until)

    def video_bps(self, since: float, until: float) -> float:
        """Rate at which pictures came."""
        sizes = [size for when, size in self.video_came if since <= when < until]
        return sum(sizes) * 8 / (until - since)

    def _begin(self, seed: int, at: float) -> None:
        """Speak from then on, and show something."""
        world = self.world
        self.pacer = Pacer(world.now)
        self._random = random.Random(seed)
        self._needs_key = True
        self._rate = 0
        world.every(FRAME_S, self._speak, start=at)
        world.every(PICTURE_S, self._show, start=world.now + 0.003)
        world.every(TICK_S, self._pace)

    def _speak(self) -> None:
        size = self.steering.audio.value.datagram_bytes
        self._send(self.audio, size, self._note_sound())

    def _note_sound(self) -> Callable[[], None]:
        """Take note that sound leaves; what is given is called when it comes."""
        at = len(self.sound)
        now = self.world.now
        self.sound.append(Sound(now, None))

        def came() -> None:
            self.sound[at] = Sound(now, self.world.now)

        return came

    def _show(self) -> None:
        now = self.world.now
        rate = self.steering.video_bps
        if rate != self._rate:
            self.pacer.set_rate(rate)
            self._needs_key = self._needs_key or not rate
            self._rate = rate
        if self.pacer.overflowed():
            self._needs_key = True
        if not rate or self.pacer.is_behind:
            return
        key = self._needs_key or self._random.random() < 0.002
        self._needs_key = False
        size = rate * PICTURE_S / 8 * self._random.uniform(0.6, 1.4) * (4 if key else 1)
        if key:
            size = max(size, KEY_BYTES)
        full, rest = divmod(max(int(size * 0.95), 40), PACKET_BYTES)
        payloads = [PACKET_BYTES] * full + [rest] * bool(rest)
        self.pacer.put([bytes(each) for each in payloads], now, key=key)

    def _pace(self) -> None:
        for packet in self.pacer.due(self.world.now):
            size = len(packet) + OVERHEAD_BYTES

            def came(size: int = size) -> None:
                self.video_came.append((self.world.now, size))

            self._send(self.video, size, came)

    def _send(self, ssrc: int, size: int, came: Callable[[], None]) -> None:
        number = self._numbers[ssrc] = (self._numbers[ssrc] + 1) & 0xFFFF
        self._leave(ssrc, number, size, came)

    def _leave(
        self, ssrc: int, number: int, size: int, came: Callable[[], None]
    ) -> None:
        """Send an RTP packet, `size` bytes of datagram."""
        now = self.world.now
        self.steering.sent(ssrc, number, size, now)
        self.reporting.sent(ssrc, size - OVERHEAD_BYTES, 0, now)

        def deliver() -> None:
            assert self.peer is not None
            arrived = self.peer._arrived[ssrc]
            arrived.note(number, int(now * SAMPLE_RATE) & 0xFFFFFFFF, self.world.now)
            self.delays.append((now, self.world.now - now))
            came()

        self._carry(size, deliver)

    def _send_report(self, packet: bytes) -> None:
        if self.lose_reports(self.world.now):
            return

        def deliver() -> None:
            assert self.peer is not None
            self.peer.reporting.receive(packet, self.world.now)

        self._carry(len(packet) + RTCP_BYTES, deliver)

    def _carry(self, size: int, deliver: Callable[[], None]) -> None:
        self.world.carry(self.link, size, deliver)

    def _write(self) -> None:
        self.rates.append(
            (
                self.world.now,
                self.steering.available_bps,
                self.steering.video_bps,
                self.steering.audio.name,
            )
        )


def call(
    there: Link, back: Link, *, seed: int = 1, video: bool = True
) -> tuple[World, End, End]:
    """Let two ends call each other over two links."""
    world = World()
    caller = End(world, there, audio=11 + seed, seed=seed, video=video)
    callee = End(world, back, audio=41 + 7 * seed, seed=seed + 1, video=video)
    caller.meet(callee)
    callee.meet(caller)
    return world, caller, callee
