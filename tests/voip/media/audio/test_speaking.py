"""One packet every 20 ms, whatever the source, the loop or a device does."""

import asyncio
import heapq
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import LimitError, MalformedError
from voip.media.audio.red import parse_red
from voip.media.audio.speaking import FRAME_S, MAX_LATE_FRAMES, Speaking
from voip.media.audio.states import AudioState, Setting
from voip.media.rtp import Header, parse_header
from voip.media.sources import FRAME_BYTES, SILENCE

S1_BYTES = 12 + AudioState.S1.value.payload_bytes


class VirtualTimer:
    """A call that is to come."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualLoop:
    """An event loop that has timers and no clock but what a test makes of it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.failures: list[Exception] = []
        self.is_closed = False
        self._timers: list[tuple[float, int, VirtualTimer]] = []
        self._count = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> VirtualTimer:
        timer = VirtualTimer(callback)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, timer))
        return timer

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> VirtualTimer:
        if self.is_closed:
            raise RuntimeError("event loop is closed")
        return self.call_at(self.now, callback)

    def runs(self, seconds: float) -> None:
        """Let time pass, each timer at its time."""
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            when, _, timer = heapq.heappop(self._timers)
            self.now = max(self.now, when)
            if timer.callback is not None:
                try:
                    timer.callback()
                except OSError as error:  # asyncio's loop goes on as well
                    self.failures.append(error)
        self.now = end

    def stalls(self, seconds: float) -> None:
        """Let time pass without a turn of the loop."""
        self.now += seconds


def _mark(read: int) -> int:
    """Give what a frame is known by: 1 to 127, since 0 is silence."""
    return (read - 1) % 127 + 1


class Numbers:
    """A source whose frames are numbered, and that may be read at any time."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self) -> bytes:
        self.reads += 1
        return bytes([_mark(self.reads)]) * FRAME_BYTES

    def close(self) -> None:
        """Let nothing go."""


class Microphone(Numbers):
    """A source with a clock, which gives zeros when it is read too often."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop
        self._held = 0
        self.wake: Callable[[], None] | None = None

    def pace(self, wake: Callable[[], None]) -> None:
        assert self.wake is None
        self.wake = wake

    def read(self) -> bytes:
        if not self._held:
            return SILENCE
        self._held -= 1
        return super().read()

    def delivers(self, frames: int = 1) -> None:
        for _ in range(frames):
            self._held += 1
            assert self.wake is not None
            self.wake()

    def goes_on(self, frames: int, period_s: float = FRAME_S) -> None:
        for _ in range(frames):
            self.delivers()
            self._loop.runs(period_s)


class Plain:
    """An encoder whose frames begin with what the sound began with."""

    def __init__(self) -> None:
        self._size = 0

    def set(self, setting: Setting) -> None:
        self._size = setting.frame_bytes

    def encode(self, pcm: bytes) -> bytes:
        assert len(pcm) == FRAME_BYTES
        return bytes([0xF8, pcm[0]]) + bytes(self._size - 2)


class Slow(Plain):
    """An encoder that takes its time, as long as the sound makes it."""

    def __init__(self, loop: VirtualLoop, takes_s: Callable[[int], float]) -> None:
        super().__init__()
        self._loop = loop
        self._takes_s = takes_s

    def encode(self, pcm: bytes) -> bytes:
        self._loop.stalls(self._takes_s(pcm[0]))
        return super().encode(pcm)


def _in_no_time(seconds: float) -> None:
    assert seconds > 0


class Call:
    """A send loop with all that is around it."""

    def __init__(
        self,
        *,
        paced: bool = False,
        sequence: int = 0,
        timestamp: int = 0,
        takes_s: Callable[[int], float] | None = None,
    ) -> None:
        self.loop = VirtualLoop()
        slow = Slow(self.loop, takes_s) if takes_s else None
        self.source = Microphone(self.loop) if paced else Numbers()
        self.packets: list[bytes] = []
        self.times: list[float] = []
        self.speaking = Speaking(
            self.source,
            self._sent,
            ssrc=0xA1B2C3D4,
            sequence=sequence,
            timestamp=timestamp,
            loop=self.loop,
            encoder=slow or Plain(),
            # Time passes where a test is about it: elsewhere numbers stay round.
            sleep=self.loop.stalls if slow else _in_no_time,
        )

    def _sent(self, packet: bytes) -> None:
        self.packets.append(packet)
        self.times.append(self.loop.now)

    @property
    def microphone(self) -> Microphone:
        assert isinstance(self.source, Microphone)
        return self.source

    @property
    def said(self) -> list[int]:
        """The numbers of the frames that left; 0 is silence."""
        blocks = [parse_red(packet[12:]) for packet in self.packets]
        return [each.primary[1] for each in blocks if each.primary is not None]

    @property
    def gaps_ms(self) -> list[int]:
        """The times between packets."""
        return [
            round(1000 * (after - before))
            for before, after in zip(self.times, self.times[1:], strict=False)
        ]


def _open_call() -> Call:
    call = Call()
    call.speaking.is_open = True
    return call


def _paced_call(*, settled: int = 50) -> Call:
    """Begin a call whose microphone has run for a second."""
    call = Call(paced=True)
    call.speaking.start()
    call.speaking.is_open = True
    call.loop.runs(0.005)
    call.microphone.goes_on(settled)
    call.packets.clear()
    call.times.clear()
    return call


def test_a_packet_leaves_at_once_and_every_20_ms() -> None:
    call = _open_call()
    call.speaking.start()
    at_once = len(call.packets)
    call.loop.runs(1.99)

    assert (at_once, call.gaps_ms) == (1, [20] * 99)


def _as_opus(mark: int) -> float:
    """Give the seconds that silence (0) and speech take to encode."""
    return 0.0002 + 0.000_01 * mark if mark else 0.000_12


@pytest.mark.parametrize("paced", [False, True], ids=["clock", "device"])
def test_when_a_packet_leaves_tells_nothing_of_the_sound(*, paced: bool) -> None:
    call = Call(paced=paced, takes_s=_as_opus)
    call.speaking.start()
    call.speaking.is_open = True
    for number in range(100):
        call.speaking.is_muted = number % 10 < 5
        if paced:
            call.microphone.delivers()
        call.loop.runs(FRAME_S)
    spoken = [at for at, said in zip(call.times, call.said, strict=True) if said]
    after_beat = {round((at - 1000.0) % FRAME_S, 6) for at in call.times[1:]}

    assert len(spoken) > 40
    assert len(after_beat) == 1


def test_what_took_too_long_to_encode_leaves_when_it_is_ready() -> None:
    call = Call(takes_s=lambda _: 0.003)
    call.speaking.start()

    assert call.times == [pytest.approx(1000.003)]


def test_what_is_late_already_is_not_held_back() -> None:
    call = Call(takes_s=_as_opus)
    call.speaking.start()
    call.loop.stalls(0.030)
    call.loop.runs(0.0)

    assert call.times[1] == pytest.approx(1000.0015 + 0.030 + _as_opus(0))


def test_nothing_leaves_before_the_start_or_after_the_stop() -> None:
    call = _open_call()
    call.loop.runs(1)
    before = len(call.packets)
    call.speaking.start()
    call.speaking.stop()
    call.speaking.stop()
    call.loop.runs(1)

    assert (before, len(call.packets)) == (0, 1)


def test_numbers_go_on_across_their_wraps() -> None:
    call = Call(sequence=65535, timestamp=2**32 - 960)
    call.speaking.start()
    call.loop.runs(0.05)
    headers = [parse_header(packet) for packet in call.packets]

    assert headers == [
        Header(*(False, 96), sequence, timestamp, 0xA1B2C3D4)
        for sequence, timestamp in [(65535, 2**32 - 960), (0, 0), (1, 960)]
    ]
    assert (call.speaking.sequence, call.speaking.timestamp) == (2, 1920)


def test_the_source_is_not_read_before_it_may_be() -> None:
    call = Call()
    call.speaking.start()
    call.loop.runs(1)
    before = call.source.reads
    call.speaking.is_open = True
    call.loop.runs(0.1)

    assert (before, call.source.reads) == (0, 5)


def test_a_device_is_not_asked_for_its_pace_before_it_may_be() -> None:
    call = Call(paced=True)
    call.speaking.start()
    call.loop.runs(1)

    assert call.microphone.wake is None


@pytest.mark.parametrize("way", ["is_muted", "is_held"])
def test_silence_goes_out_while_muted_and_what_is_said_is_forgotten(way: str) -> None:
    call = _open_call()
    setattr(call.speaking, way, True)
    call.speaking.start()
    call.loop.runs(0.05)
    setattr(call.speaking, way, False)
    call.loop.runs(0.04)

    assert call.said == [0, 0, 0, 4, 5]


def test_every_packet_has_its_states_size_whatever_happens() -> None:
    call = _paced_call()
    call.speaking.tone("12")
    call.microphone.goes_on(30)
    call.speaking.is_muted = True
    call.loop.runs(0.5)
    call.microphone.delivers(20)
    call.loop.stalls(2.0)
    call.speaking.is_open = False
    call.loop.runs(0.5)

    assert {len(packet) for packet in call.packets} == {S1_BYTES}
    assert {packet[:2] for packet in call.packets} == {b"\x80\x60"}


@pytest.mark.parametrize("state", AudioState, ids=lambda state: state.name)
def test_a_new_state_is_that_of_the_next_packet(state: AudioState) -> None:
    call = _open_call()
    call.speaking.start()
    call.speaking.state = state
    call.loop.runs(0.02)

    assert [len(packet) for packet in call.packets] == [
        S1_BYTES,
        12 + state.value.payload_bytes,
    ]


def test_what_a_short_stall_left_undone_is_sent_at_once() -> None:
    call = _open_call()
    call.speaking.start()
    call.loop.stalls(0.079)
    call.loop.runs(0.061)

    assert call.gaps_ms == [79, 0, 0, 1, 20, 20, 20]


def test_after_a_long_stall_the_schedule_moves() -> None:
    call = _open_call()
    call.speaking.start()
    call.loop.stalls(10.0)
    call.loop.runs(0.041)
    stamps = [parse_header(packet).timestamp for packet in call.packets]

    assert call.gaps_ms == [10_000, *[0] * (MAX_LATE_FRAMES - 1), 20, 20]
    assert stamps == [960 * number for number in range(len(stamps))]


def test_a_device_sets_the_pace() -> None:
    call = _paced_call()
    call.microphone.goes_on(10, period_s=0.0201)

    assert call.said == [*range(51, 61)]
    assert sum(call.gaps_ms) == pytest.approx(9 * 20.1, abs=5)


@pytest.mark.parametrize("ppm", [-500, 500], ids=str)
def test_a_device_whose_clock_differs_loses_nothing(ppm: int) -> None:
    call = _paced_call()
    call.microphone.goes_on(6000, period_s=FRAME_S * (1 + ppm / 1_000_000))

    assert 0 not in call.said
    assert (len(call.packets), call.speaking.dropped) == (6000, 0)


@pytest.mark.parametrize("frames", [2, 3, 4], ids=str)
def test_a_device_with_large_blocks_loses_nothing(frames: int) -> None:
    call = _paced_call()
    dropped = []
    for _ in range(50):
        call.microphone.delivers(frames)
        call.loop.runs(frames * FRAME_S)
        dropped.append(call.speaking.dropped)

    assert 0 not in call.said[10:]
    assert dropped[1] == dropped[-1]


def test_a_device_that_is_gone_is_silence_at_the_same_pace() -> None:
    call = _paced_call()
    call.microphone.goes_on(1)
    call.loop.runs(1.0)

    assert call.said == [51, *[0] * (len(call.packets) - 1)]
    assert len(call.packets) == pytest.approx(51, abs=1)
    assert max(call.gaps_ms) <= 61
    assert call.speaking.silent == len(call.packets) - 1


def test_a_device_that_is_back_sets_the_pace_again() -> None:
    call = _paced_call()
    call.loop.runs(1.007)
    gone = len(call.packets)
    call.microphone.goes_on(50)

    assert call.said[gone:] == [*range(51, 101)]
    assert len(call.packets) == pytest.approx(100, abs=2)


def test_what_a_device_held_back_is_not_sent_late() -> None:
    call = _paced_call()
    call.loop.runs(0.5)
    call.microphone.delivers(20)
    call.microphone.goes_on(50)

    assert len(call.packets) == pytest.approx(25 + 50, abs=3)
    assert call.speaking.dropped >= 15


def test_what_the_loop_left_undone_does_not_make_a_burst() -> None:
    call = _paced_call()
    for _ in range(50):
        call.microphone.delivers()
        call.loop.stalls(FRAME_S)
    call.loop.runs(0.0)
    burst = len(call.packets)
    call.microphone.goes_on(50)

    assert burst <= MAX_LATE_FRAMES + 2
    assert call.said[-1] == _mark(150)


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.floats(0, 0.3), st.booleans()), max_size=40
    )
)
def test_no_device_makes_more_than_a_packet_in_20_ms(
    script: list[tuple[int, float, bool]],
) -> None:
    call = _paced_call()
    began = call.loop.now
    for frames, seconds, stalls in script:
        call.microphone.delivers(frames)
        if stalls:
            call.loop.stalls(seconds)
        call.loop.runs(0.0 if stalls else seconds)

        assert len(call.packets) <= (call.loop.now - began) / FRAME_S + 6


def test_a_device_that_may_be_read_again_is_asked_for_its_pace_once() -> None:
    call = _paced_call()
    call.speaking.is_open = False
    call.microphone.goes_on(3)
    call.speaking.is_open = True
    call.microphone.goes_on(3)

    assert call.said[:3] == [0, 0, 0]
    assert 0 not in call.said[3:]


def test_a_device_may_outlive_the_call_and_its_loop() -> None:
    call = _paced_call()
    call.microphone.delivers()
    call.speaking.stop()
    call.loop.runs(0.1)
    call.loop.is_closed = True
    call.microphone.delivers()

    assert call.packets == []


def test_a_tone_goes_out_in_place_of_copies() -> None:
    call = _open_call()
    call.speaking.tone("7")
    call.speaking.start()
    call.loop.runs(0.25)
    events = [parse_red(packet[12:]).event for packet in call.packets]

    assert [event is not None for event in events] == [True] * 8 + [False] * 5
    assert events[0] == (0, bytes.fromhex("070a03c0"))


def test_tones_have_their_errors() -> None:
    speaking = Call().speaking
    with pytest.raises(MalformedError):
        speaking.tone("x")
    with pytest.raises(LimitError):
        speaking.tone("1" * 33)


def test_what_leaves_can_be_recorded() -> None:
    call = _open_call()
    kept: list[tuple[int, int]] = []
    call.speaking.start()
    call.speaking.on_frame = lambda frame, at: kept.append((frame[1], at))
    call.loop.runs(0.045)
    call.speaking.on_frame = None
    call.loop.runs(0.02)

    assert kept == [(2, 960), (3, 1920)]


def test_what_left_is_counted() -> None:
    call = _open_call()
    call.speaking.start()
    call.loop.runs(0.03)
    speaking = call.speaking

    assert (speaking.sent, speaking.octets) == (2, 2 * (S1_BYTES - 12))
    assert speaking.sent_at == pytest.approx(1000.02)


def test_a_source_that_raises_does_not_end_the_stream() -> None:
    call = _open_call()
    call.speaking.start()
    call.source.read = _broken  # type: ignore[method-assign] # a bug of a source
    call.loop.runs(0.02)
    del call.source.read
    call.loop.runs(0.04)

    assert call.said == [1, 2, 3]
    assert [type(failure) for failure in call.loop.failures] == [OSError]


def _broken() -> bytes:
    raise OSError


async def test_a_real_loop_sends_at_once() -> None:
    packets: list[bytes] = []
    speaking = Speaking(
        Numbers(),
        packets.append,
        ssrc=1,
        sequence=2,
        timestamp=3,
        loop=asyncio.get_running_loop(),
    )
    speaking.start()
    speaking.stop()

    assert [len(packet) for packet in packets] == [S1_BYTES]
