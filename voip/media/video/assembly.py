"""Packets of pictures, put together to frames in order.

Packets come late, twice, out of order or never. What is missing is asked for as long
as that is quicker than a whole picture; then everything up to the next whole one is
dropped, and one is asked for. Nothing here decodes: frames leave in decoding order,
each with the time at which it is to be shown.

All times are seconds of one monotonic clock.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from voip.errors import MalformedError
from voip.media.video.gaps import Gaps
from voip.media.video.limits import MAX_FRAME_BYTES
from voip.media.video.showtime import ShowTimes
from voip.media.video.store import unwrap

MAX_HELD = 1024  # packets: two large whole pictures
MAX_KEYS = 4  # whole pictures begun; two come within a second, or none is needed
MAX_GAP = 256  # more missing at once is an outage: a whole picture is cheaper
_KEY_EVERY_S = 0.3
_KEY_SLACK_S = 0.1  # beyond the round trip: a whole picture takes a while to come
_FIRST = 1 << 16  # so that a packet from before the first has a number too


class PayloadFormat(Protocol):
    """How frames lie in packets: the modules `vp8` and `av1` are two."""

    def starts_key(self, payload: bytes, /) -> bool:
        """Say whether a payload begins a whole picture, or raise MalformedError."""

    def depacketize(self, payloads: Sequence[bytes], /) -> bytes:
        """Join the payloads of one frame, or raise MalformedError."""


class Frame(NamedTuple):
    """A frame for the decoder.

    `timestamp` is RTP's, 32 bits at 90 kHz; `show_at` never decreases.
    """

    data: bytes
    timestamp: int
    key: bool
    show_at: float


class Wants(NamedTuple):
    """What the other side is to be asked for.

    Attributes:
        missing: sequence numbers, 16 bits, for one NACK.
        key: a whole picture (PLI).
    """

    missing: tuple[int, ...]
    key: bool


NOTHING = Wants((), key=False)


class _Packet(NamedTuple):
    timestamp: int
    marker: bool
    payload: bytes
    key: bool  # begins a whole picture


class Assembly:
    """The receiver's side of one stream of pictures.

    Attributes:
        round_trip_s: to be kept up to date by the caller.
        times: when frames are shown, and how often that halted.
        malformed: frames that came whole and were none.
    """

    def __init__(self, payload_format: PayloadFormat, *, requests: bool = True) -> None:
        """Begin without a picture.

        `requests`: what is missing is asked for by number. Without, as in a steady
        stream, the sender learns of it from reports.
        """
        self.round_trip_s = 0.1
        self._gaps = Gaps(requests=requests)
        self.times = ShowTimes()
        self.malformed = 0
        self._format = payload_format
        self._held: dict[int, _Packet] = {}  # by number: the sequence, extended
        # Those held that begin a whole picture, and how far it is held from there.
        self._keys: dict[int, int] = {}
        self._next = _FIRST  # begins the frame now put together; nothing before it
        self._reach = _FIRST  # all from `_next` up to here are held, unless waiting
        self._end: int | None = None  # one past the highest that came
        self._stray: int | None = None  # the sequence after one from far behind
        self._waiting = True  # for a whole picture
        self._after_gap = False
        self._ready: list[Frame] = []
        self._key_asked_at: float | None = None
        self._came_since = False  # anything, since a whole picture was asked for

    def receive(
        self, sequence: int, timestamp: int, payload: bytes, *, marker: bool, now: float
    ) -> None:
        """Take one packet of the stream; then look at `frames` and `tick`.

        Raises:
            MalformedError: not what the format says; the packet is as good as lost.
        """
        packet = self._packet(timestamp, payload, marker=marker)
        number = self._place(sequence)
        if number is not None:
            self._take(number, packet, now, repeat=False)

    def receive_again(
        self, timestamp: int, payload: bytes, *, marker: bool, now: float
    ) -> None:
        """Take one packet of the stream of repeats; what is not missing is ignored.

        Raises:
            MalformedError: as `receive`, or no repeat (RFC 4588).
        """
        original = unwrap(payload)
        packet = self._packet(timestamp, original.payload, marker=marker)
        if self._end is not None:
            number = _near(self._end, original.sequence)
            if number in self._gaps:
                self._take(number, packet, now, repeat=True)

    def frames(self) -> list[Frame]:
        """Give the frames that became whole, in order; each is given once."""
        ready = self._ready
        if ready:
            self._ready = []
        return ready

    def tick(self, now: float) -> Wants:
        """Say what to ask for: after each packet, and at `wake_at`."""
        asked = self._requests_due(now) if self._gaps else ()
        key = self._waiting and self._key_due(now)
        return Wants(asked, key) if asked or key else NOTHING

    @property
    def wake_at(self) -> float | None:
        """When `tick` has something to say even if no packet comes."""
        at = self._gaps.wake_at
        if self._waiting and self._came_since and self._key_asked_at is not None:
            key_at = self._key_asked_at + self._key_every_s
            return key_at if at is None else min(at, key_at)
        return at

    def pause(self) -> None:
        """Note that the sender shows nothing on purpose: the gap is no freeze."""
        self.times.pause()

    def _packet(self, timestamp: int, payload: bytes, *, marker: bool) -> _Packet:
        key = self._format.starts_key(payload)
        return _Packet(timestamp, marker, payload, key)

    def _take(self, number: int, packet: _Packet, now: float, *, repeat: bool) -> None:
        """Hold a packet, and put together what can be."""
        if number in self._held:
            return
        assert self._end is not None
        self._came_since = True
        self._held[number] = packet
        if packet.key:
            self._note_key(number)
        if not self._gaps.fill(number, now, repeat=repeat):
            begin = max(self._end, self._next)
            self._gaps.open(begin, number, self.round_trip_s, now)
            self._end = max(self._end, number + 1)
        self._advance(now)

    def _place(self, sequence: int) -> int | None:
        """Extend a sequence number, and make room for it; None: it is of no use."""
        if self._end is None:
            self._end = _FIRST + sequence
            self._next = self._end - MAX_GAP  # one that it overtook may begin a picture
            return self._end
        number = _near(self._end, sequence)
        if number < self._next:
            if self._next - number <= MAX_HELD or sequence != self._stray:
                self._stray = (sequence + 1) & 0xFFFF
                return None
            # Two in a row from far behind: no late packets, but half the numbers
            # passed while the path was down (RFC 3550 A.1 does the same).
            number = self._end + ((sequence - self._end) & 0xFFFF)
        if number - self._end > MAX_GAP:
            self._give_up(number)
            self._end = number
        elif number - self._next >= MAX_HELD:
            self._give_up(number - MAX_HELD * 3 // 4)
        return number

    def _note_key(self, number: int) -> None:
        self._keys[number] = number
        if len(self._keys) > MAX_KEYS:
            del self._keys[min(self._keys)]

    def _advance(self, now: float) -> None:
        """Put together what came, as far as nothing is missing."""
        if self._waiting and self._keys:
            self._begin_with(min(self._keys))
        while not self._waiting:
            packet = self._held.get(self._reach)
            if packet is None:
                later = [key for key in self._keys if self._is_whole(key)]
                if not later:
                    break
                # It needs nothing of what is still missing before it.
                self._begin_with(max(later))
                continue
            self._reach += 1
            if packet.marker:
                self._complete(now)

    def _is_whole(self, key: int) -> bool:
        reach = self._keys[key]  # so that no packet is looked at over and over
        while (packet := self._held.get(reach)) is not None and not packet.marker:
            reach += 1
        self._keys[key] = reach
        return packet is not None

    def _complete(self, now: float) -> None:
        """Make a frame of all from `_next` to `_reach`."""
        first = self._next
        packets = [self._held.pop(number) for number in range(first, self._reach)]
        self._next = self._reach
        self._keys.pop(first, None)
        self._gaps.relax()
        try:
            data = self._join([packet.payload for packet in packets])
        except MalformedError:
            self.malformed += 1
            self._give_up(self._next)
            return
        timestamp = packets[0].timestamp
        show_at = self.times.show_at(timestamp, now, after_gap=self._after_gap)
        self._after_gap = False
        self._ready.append(Frame(data, timestamp, packets[0].key, show_at))

    def _join(self, payloads: Sequence[bytes]) -> bytes:
        size = sum(map(len, payloads))
        if size > MAX_FRAME_BYTES:
            raise MalformedError(
                f"frame: expected at most {MAX_FRAME_BYTES} bytes, came {size}"
            )
        return self._format.depacketize(payloads)

    def _begin_with(self, key: int) -> None:
        """Go on at this packet, which begins a whole picture."""
        self._after_gap = self._after_gap or key != self._next
        self._drop_below(key)
        self._reach = key
        self._waiting = False

    def _give_up(self, below: int) -> None:
        """Nothing below this number comes any more: only a whole picture helps."""
        self._drop_below(below)
        self._after_gap = True
        self._waiting = True

    def _drop_below(self, number: int) -> None:
        self._next = max(self._next, number)
        if self._held:
            self._held = {n: p for n, p in self._held.items() if n >= number}
        self._gaps.drop_below(number)
        self._keys = {key: at for key, at in self._keys.items() if key >= number}

    def _requests_due(self, now: float) -> tuple[int, ...]:
        asked, hopeless = self._gaps.due(self.round_trip_s, now)
        if hopeless is not None:
            self._give_up(hopeless + 1)
            self._advance(now)
        return tuple(number & 0xFFFF for number in asked)

    @property
    def _key_every_s(self) -> float:
        return max(_KEY_EVERY_S, self.round_trip_s + _KEY_SLACK_S)

    def _key_due(self, now: float) -> bool:
        at = self._key_asked_at
        # A silent sender is not asked again: he has switched his camera off.
        if not self._came_since or (at is not None and now < at + self._key_every_s):
            return False
        self._key_asked_at = now
        self._came_since = False
        return True


def _near(number: int, sequence: int) -> int:
    """Extend a 16-bit sequence number to the one nearest to `number`."""
    return number + (sequence - number + 0x8000) % 0x10000 - 0x8000
