"""One direction of pictures in virtual time: sender, bad path, receiver.

The encoder is a model that fills a rate; all else is the real thing.
"""

import itertools
import random
from collections.abc import Callable
from functools import partial

from tests.voip.media.link import Link
from tests.voip.media.video.camera import Camera, Sent, number_of
from tests.voip.media.world import World
from voip.media.rtp import Header, format_header, parse_header
from voip.media.video import vp8
from voip.media.video.assembly import Assembly
from voip.media.video.ladder import KeyFrames, Shape
from voip.media.video.limits import MAX_PAYLOAD_BYTES
from voip.media.video.steady import DATAGRAM_BYTES, SLOT_S, SteadySender, parse_cell
from voip.media.video.store import Store

FPS = 30
KEY_TIMES = 8  # how many times as large a whole picture is
OUTSIDE_BYTES = 28 + 16
REPORT_BYTES = 80
SHAPE = Shape(640, 480, FPS)


class Showing:
    """The receiving end: what was shown, and when.

    Attributes:
        shown: when each frame was captured and shown, in order.
        keys_asked: how often a whole picture was asked for.
    """

    def __init__(
        self, world: World, assembly: Assembly, ask_key: Callable[[], None]
    ) -> None:
        """Take the object under test; the caller feeds it."""
        self._ask_key = ask_key
        self.world = world
        self.assembly = assembly
        self.shown: list[tuple[float, float]] = []
        self.keys_asked = 0
        self._decodable = -1

    def look(self) -> tuple[int, ...]:
        """Take what became whole, and say what is missing."""
        for frame in self.assembly.frames():
            number = number_of(frame.data)
            assert frame.key or number == self._decodable + 1, "not decodable"
            self._decodable = number
            self.shown.append((frame.timestamp / 90_000, frame.show_at))
        wants = self.assembly.tick(self.world.now)
        if wants.key:
            self.keys_asked += 1
            self._ask_key()
        return wants.missing

    def longest_gap(self, start: float, until: float) -> float:
        """Say how long the picture stood still at most."""
        times = [at for _, at in self.shown if start <= at <= until]
        edges = [start, *times, until]
        return max(later - earlier for earlier, later in itertools.pairwise(edges))

    def delays(self) -> list[float]:
        """Say how long after its capture each frame was shown."""
        return [at - captured for captured, at in self.shown]


class Call:
    """Pictures one way, questions the other."""

    def __init__(
        self, there: Link, back: Link, *, bps: int = 600_000, seed: int = 1
    ) -> None:
        """Start a camera at 0."""
        self.world = World()
        self.there, self.back = there, back
        self.round_trip_s = there.conditions.delay_s + back.conditions.delay_s
        self._sizes = random.Random(f"sizes {seed}")
        self._bps = bps
        self._keys = KeyFrames()
        self._camera = Camera(limit=self.limit)
        assembly = self.assembly()
        assembly.round_trip_s = self.round_trip_s
        self.showing = Showing(self.world, assembly, self._ask_key)
        self.world.every(1 / FPS, self._capture)

    limit = MAX_PAYLOAD_BYTES

    def assembly(self) -> Assembly:
        raise NotImplementedError

    def send(self, packets: list[Sent], *, key: bool) -> None:
        raise NotImplementedError

    @property
    def encoder_bps(self) -> int:
        return self._bps

    def wants_picture(self) -> bool:
        return True

    def _ask_key(self) -> None:
        self.world.carry(self.back, REPORT_BYTES, self._asked)

    def _asked(self) -> None:
        self._keys.asked(self.world.now)

    def _capture(self) -> None:
        if not self.wants_picture():
            self._camera.skip()
            return
        key = self._keys.due(SHAPE, self.world.now)
        mean = self.encoder_bps / 8 / FPS
        size = round(mean * self._sizes.uniform(0.6, 1.4))
        packets = self._camera.frame(size * (KEY_TIMES if key else 1), key=key)
        self.send(packets, key=key)


class RepairedCall(Call):
    """With requests and repeats, paced."""

    def __init__(
        self, there: Link, back: Link, *, bps: int = 600_000, repeats: bool = True
    ) -> None:
        super().__init__(there, back, bps=bps)
        self._store = Store(payload_type=103, ssrc=2, sequence=0)
        self._store.set_rate(bps)
        self._repeats = repeats
        self.repeats = 0
        self._waiting: list[bytes] = []
        self._per_tick = 2.5 * bps / 8 * 0.005
        self._credit = 0.0
        self.world.every(0.005, self._pace)

    def assembly(self) -> Assembly:
        return Assembly(vp8)

    @property
    def encoder_bps(self) -> int:
        return self._bps - self._store.spent_bps(self.world.now)

    def send(self, packets: list[Sent], *, key: bool) -> None:
        del key
        for packet in packets:
            header = Header(packet.marker, 102, packet.sequence, packet.timestamp, 1)
            self._waiting.append(format_header(header) + packet.payload)

    def _pace(self) -> None:
        self._credit = min(self._credit + self._per_tick, self._per_tick + 1200)
        while self._waiting and self._credit > 0:
            packet = self._waiting.pop(0)
            self._credit -= len(packet)
            self._store.keep(packet, self.world.now)
            self._leave(packet)
        self._look()

    def _leave(self, packet: bytes) -> None:
        size = len(packet) + OUTSIDE_BYTES
        self.world.carry(self.there, size, lambda: self._arrive(packet))

    def _arrive(self, packet: bytes) -> None:
        header = parse_header(packet)
        now, assembly = self.world.now, self.showing.assembly
        if header.payload_type == 103:
            assembly.receive_again(
                header.timestamp, packet[12:], marker=header.marker, now=now
            )
        else:
            assembly.receive(
                header.sequence,
                header.timestamp,
                packet[12:],
                marker=header.marker,
                now=now,
            )
        self._look()

    def _look(self) -> None:
        missing = self.showing.look()
        if missing and self._repeats:
            self.world.carry(self.back, REPORT_BYTES, lambda: self._repeat(missing))

    def _repeat(self, missing: tuple[int, ...]) -> None:
        now = self.world.now
        for packet in self._store.answer(missing, self.round_trip_s, now):
            self.repeats += 1
            self._leave(packet)


class SteadyCall(Call):
    """In slots; losses are learnt from reports each 100 ms."""

    limit = 1131

    def __init__(self, there: Link, back: Link) -> None:
        self._slots = SteadySender(sequence=0, timestamp=0, inner_sequence=0)
        super().__init__(there, back, bps=140_000)
        self._slots.set_rate(250_000, 0.0)
        self._unreported: dict[int, bool] = {}  # outer number: whether it arrived
        self.per_slot: set[int] = set()
        self.world.every(SLOT_S, self._slot)
        self.world.every(0.1, self._report)

    def assembly(self) -> Assembly:
        return Assembly(vp8, requests=False)

    @property
    def encoder_bps(self) -> int:
        return self._bps

    def wants_picture(self) -> bool:
        return self._slots.ready

    def send(self, packets: list[Sent], *, key: bool) -> None:
        payloads = [packet.payload for packet in packets]
        self._slots.put(payloads, packets[0].timestamp, key=key)

    def _slot(self) -> None:
        packets = self._slots.slot(self.world.now)
        self.per_slot.add(len(packets))
        for packet in packets:
            self._unreported[packet.sequence] = False
            arrive = partial(self._arrive, packet.sequence, packet.payload)
            self.world.carry(self.there, DATAGRAM_BYTES, arrive)

    def _arrive(self, sequence: int, payload: bytes) -> None:
        self._unreported[sequence] = True
        cell = parse_cell(payload)
        if cell is not None:
            self.showing.assembly.receive(
                cell.sequence,
                cell.timestamp,
                cell.data,
                marker=cell.last,
                now=self.world.now,
            )
        self.showing.look()

    def _report(self) -> None:
        newest = max((n for n, came in self._unreported.items() if came), default=-1)
        lost = [n for n, came in self._unreported.items() if not came and n < newest]
        self.world.carry(self.back, REPORT_BYTES, lambda: self._learn(lost))
        self.showing.look()

    def _learn(self, lost: list[int]) -> None:
        for sequence in lost:
            self._unreported.pop(sequence, None)
            self._slots.lost(sequence, self.world.now)
