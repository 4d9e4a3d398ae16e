"""Packets in any order and at any time in, sound at the device's pace out."""

import math
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.media.audio.jitter import AudioReceiver
from voip.media.audio.target import FRAME_S

PULL_S, PULL = 0.01, 480
LEVEL = 100  # so quiet that any period may be taken out
RECOVERED, CONCEALED = -1, -2
MALFORMED = b"malformed"


class Ear:
    """A decoder that tells which frame it was asked for, and a device that pulls.

    Attributes:
        heard: the number of each frame, or that it was recovered or concealed.
        waited: seconds between a frame's arrival and its decoding.
        holds: (time, hold) after each pull from which something was decoded.
    """

    def __init__(self) -> None:
        self.receiver = AudioReceiver(self)
        self.now = 0.0
        self.heard: list[int] = []
        self.waited: list[float] = []
        self.holds: list[tuple[float, float]] = []
        self.came: dict[int, float] = {}
        self.sound = b""
        self._pulls = 0

    def decode(self, frame: bytes) -> bytes:
        if frame == MALFORMED:
            raise MalformedError("opus: expected a frame, came rubbish")
        number = int.from_bytes(frame)
        self.heard.append(number)
        self.waited.append(self.now - self.came[number])
        return LEVEL.to_bytes(2, "little") * 960

    def recover(self, following: bytes) -> bytes:
        if following == MALFORMED:
            raise MalformedError("opus: expected a frame, came rubbish")
        self.heard.append(RECOVERED)
        return bytes(1920)

    def conceal(self) -> bytes:
        self.heard.append(CONCEALED)
        return bytes(1920)

    def receive(self, number: int, distances: Sequence[int] = (0,)) -> None:
        """Take packet `number` now."""
        for distance in distances:
            self.came.setdefault(number - distance, self.now)
        frames = [(each, max(number - each, 0).to_bytes(4)) for each in distances]
        self.receiver.receive(number & 0xFFFF, frames, self.now)

    def pull(self, samples: int = PULL) -> bytes:
        return self.receiver.pull(samples, self.now)

    def listen(
        self,
        until: float,
        late: Callable[[int], float | None] = lambda _: 0.0,
        *,
        first: int = 0,
        distances: Sequence[int] = (0,),
        clock: float = 1.0,
        samples: int = PULL,
    ) -> None:
        """Let packets from `first` on come, each so late (None: lost), and pull."""
        period = samples / 48_000 / clock
        events: list[tuple[float, int | None]] = []
        for number in range(first, math.ceil(until / FRAME_S)):
            delay = late(number)
            if delay is not None:
                events.append((FRAME_S * number + delay, number))
        start = self.now
        count = round((until - start) / period)
        events += [(start + period * (each + 0.3), None) for each in range(count)]
        for self.now, packet in sorted(events, key=lambda event: event[0]):
            if packet is None:
                self.sound = self.pull(samples)
                self.holds.append((self.now, self.receiver.hold))
            else:
                self.receive(packet, distances)
        self.now = until

    @property
    def made_up(self) -> int:
        """Frames that were not there."""
        return sum(each < 0 for each in self.heard)

    def back_after(self, since: float) -> float:
        """Say how long after `since` the hold is within 10 ms of 20 ms for good."""
        high = [at for at, hold in self.holds if at >= since and hold > 0.03]
        return max(high, default=since) - since


def test_before_the_first_packet_there_is_silence() -> None:
    assert Ear().pull() == bytes(2 * PULL)


def test_the_first_packet_is_heard_after_a_frame() -> None:
    ear = Ear()
    ear.listen(0.1)

    assert ear.heard[0] == 0
    assert 0.02 <= ear.waited[0] <= 0.03


@pytest.mark.parametrize("samples", [1, 7, 480, 481, 960, 1000, 4800])
def test_a_pull_gives_what_was_asked(samples: int) -> None:
    ear = Ear()
    for number in range(5):
        ear.receive(number)
    ear.now = 0.05

    assert len(ear.pull(samples)) == 2 * samples


def test_on_a_calm_path_every_frame_is_heard_once_in_order() -> None:
    ear = Ear()
    ear.listen(2.0)

    assert ear.heard == list(range(len(ear.heard)))
    assert len(ear.heard) > 95


def test_a_frame_that_is_lost_costs_one_frame_of_made_up_sound() -> None:
    ear = Ear()
    ear.listen(57.0, lambda number: None if number == 1500 else 0.0)

    assert ear.made_up == 1
    assert ear.receiver.made_up == 1920


def test_after_one_loss_the_hold_is_back_within_two_seconds() -> None:
    ear = Ear()
    ear.listen(10.0, lambda number: None if number == 200 else 0.0)

    assert ear.back_after(4.0) <= 2.0


def test_a_lost_frame_is_taken_from_a_copy() -> None:
    ear = Ear()
    ear.listen(20.0, lambda n: None if n % 50 == 20 else 0.0, distances=(0, 1))
    ear.heard.clear()
    ear.listen(
        40.0, lambda n: None if n % 50 == 20 else 0.0, first=1000, distances=(0, 1)
    )

    assert ear.made_up == 0


def jittery(lost: Sequence[int]) -> Callable[[int], float | None]:
    """Give delays for which sound waits for 60 ms, and packets that are lost."""
    return lambda number: None if number in lost else 0.05 * (number % 4 == 0)


def test_a_lost_frame_is_recovered_from_the_one_after_it() -> None:
    ear = Ear()
    ear.listen(4.0, jittery([]))
    ear.heard.clear()
    ear.listen(4.3, jittery([205]), first=200)

    assert ear.heard[ear.heard.index(204) :][:3] == [204, RECOVERED, 206]


def test_of_two_lost_frames_the_second_is_recovered() -> None:
    ear = Ear()
    ear.listen(4.0, jittery([]))
    ear.heard.clear()
    ear.listen(4.3, jittery([205, 206]), first=200)
    after = ear.heard[ear.heard.index(204) :]

    assert after[:4] == [204, CONCEALED, RECOVERED, 207]


def test_a_frame_that_nothing_decodes_is_concealed() -> None:
    ear = Ear()
    ear.receiver.receive(0, [(0, MALFORMED)], 0.0)
    ear.now = 0.02
    ear.pull(960)

    assert ear.heard == [CONCEALED]


def test_a_frame_is_concealed_where_the_next_one_is_malformed() -> None:
    ear = Ear()
    ear.listen(4.0, jittery([]))
    ear.heard.clear()
    ear.listen(4.1, jittery([]), first=200)
    ear.now = 4.12
    ear.receiver.receive(206, [(0, MALFORMED)], ear.now)
    ear.listen(4.2, first=207)

    assert RECOVERED not in ear.heard
    assert ear.heard.count(CONCEALED) == 2


def test_an_empty_frame_is_silence_that_was_meant() -> None:
    ear = Ear()
    ear.listen(4.0)
    for number in range(200, 205):
        ear.now = FRAME_S * number
        ear.receiver.receive(number, [(0, b"")], ear.now)
        ear.sound = ear.pull(960)

    assert ear.receiver.made_up == 0
    assert ear.sound == bytes(1920)


def test_a_duplicate_is_heard_once() -> None:
    ear = Ear()
    ear.listen(0.2)
    ear.receive(9)
    ear.listen(1.0, first=10)

    assert ear.heard == sorted(set(ear.heard))


def test_numbers_may_wrap() -> None:
    ear = Ear()
    ear.now = FRAME_S * 65_500
    ear.listen(FRAME_S * 65_600, first=65_500)

    assert ear.made_up == 0
    assert ear.heard[-1] > 65_590


def test_packets_that_come_a_second_late_are_lost_and_change_nothing() -> None:
    ear = Ear()
    ear.listen(10.0, lambda number: 1.0 if number % 20 == 0 else 0.0)

    assert not [each for each in ear.heard if each >= 0 and each % 20 == 0]
    assert ear.receiver.hold < 0.05


def test_after_a_gap_of_five_seconds_sound_is_back_on_time() -> None:
    ear = Ear()
    ear.listen(4.0)
    ear.listen(9.0, lambda _: None, first=200)
    ear.heard.clear()
    ear.listen(10.0, first=450)

    assert ear.heard[0] == 450
    assert ear.receiver.hold < 0.04
    assert ear.made_up == 0


def test_in_a_gap_sound_fades_to_silence_after_a_tenth_of_a_second() -> None:
    ear = Ear()
    ear.listen(4.0)
    ear.listen(4.2, lambda _: None, first=200)

    assert ear.heard[-5:] == [CONCEALED] * 5
    assert ear.sound == bytes(2 * PULL)


def test_a_longer_path_costs_no_frame() -> None:
    ear = Ear()
    ear.listen(10.0, lambda number: 0.12 if number >= 200 else 0.0)

    played = [each for each in ear.heard if each >= 0]
    assert played == list(range(len(played)))
    assert ear.made_up <= 6


def test_after_a_path_became_shorter_the_hold_falls() -> None:
    ear = Ear()
    ear.listen(10.0, lambda number: 0.12 if number < 200 else 0.0)

    assert ear.back_after(4.0) <= 2.0


def test_a_path_that_became_much_longer_is_heard_again_at_once() -> None:
    ear = Ear()
    ear.listen(4.0, lambda number: 1.0 if number >= 150 else 0.0)
    ear.heard.clear()
    ear.listen(6.0, lambda _: 1.0, first=200)

    assert ear.heard[0] >= 150
    assert len([each for each in ear.heard if each >= 0]) > 90


def spike(number: int) -> float:
    """Give the delay of a packet where one of 150 ms rises at 4 s, for 400 ms."""
    return 0.15 if 200 <= number < 220 else 0.0


def in_order(late: Callable[[int], float]) -> Callable[[int], float]:
    """Let no packet overtake another."""
    newest = -math.inf

    def arrival(number: int) -> float:
        nonlocal newest
        newest = max(newest, FRAME_S * number + late(number))
        return newest - FRAME_S * number

    return arrival


def test_after_a_spike_the_hold_is_back_within_two_seconds() -> None:
    ear = Ear()
    ear.listen(10.0, in_order(spike))

    assert max(hold for _, hold in ear.holds) > 0.1
    assert ear.back_after(4.4) <= 2.0


def spikes(count: int) -> Callable[[int], float]:
    return in_order(lambda n: 0.15 if n % 150 < 5 and 100 < n < 150 * count + 50 else 0)


def test_two_spikes_raise_the_hold_for_a_while() -> None:
    ear = Ear()
    ear.listen(12.0, spikes(2))

    assert ear.receiver.hold < 0.05


def test_three_spikes_raise_the_hold_for_good() -> None:
    ear = Ear()
    ear.listen(12.0, spikes(3))

    assert ear.receiver.hold > 0.12


@pytest.mark.slow
@pytest.mark.parametrize("clock", [0.9995, 1.0005])
def test_another_clock_costs_no_frame_in_ten_minutes(clock: float) -> None:
    ear = Ear()
    ear.listen(600.0, clock=clock)

    assert ear.made_up == 0
    assert all(0.01 <= hold <= 0.035 for _, hold in ear.holds[10:])


def test_another_clock_costs_no_frame() -> None:
    ear = Ear()
    ear.listen(40.0, clock=1.0005)

    assert ear.made_up == 0
    assert ear.receiver.stretched > 0


def test_a_device_that_asks_for_two_frames_at_once_gets_them() -> None:
    ear = Ear()
    ear.listen(4.0, samples=1920)
    ear.heard.clear()
    ear.listen(10.0, first=200, samples=1920)

    assert ear.made_up == 0


def test_a_device_that_stood_still_hears_what_is_said_now() -> None:
    ear = Ear()
    ear.listen(4.0)
    for number in range(200, 450):
        ear.now = FRAME_S * number
        ear.receive(number)
    ear.heard.clear()
    ear.listen(9.2, first=450)

    assert ear.heard[0] == CONCEALED  # what the jump is faded in over
    assert ear.heard[1] >= 445


def test_no_more_than_a_second_is_kept_for_a_device_that_stands_still() -> None:
    ear = Ear()
    for number in range(100):
        ear.now = FRAME_S * number
        ear.receive(number)

    assert len(ear.receiver._held) == 50


def test_what_is_stale_is_not_played() -> None:
    ear = Ear()
    ear.receive(0)
    ear.now = 10.0

    assert ear.pull() == bytes(2 * PULL)
    assert ear.heard == []


def test_a_sender_that_counts_anew_is_heard() -> None:
    ear = Ear()
    ear.listen(4.0)
    for number in range(1000, 1020):
        ear.receive(number)
        ear.now += FRAME_S
        ear.pull(960)

    assert ear.heard[-1] >= 1015


def test_a_call_is_weak_while_a_twentieth_of_five_seconds_is_made_up() -> None:
    ear = Ear()
    weak = []
    ear.listen(10.0)
    weak.append(ear.receiver.is_weak)
    ear.listen(20.0, lambda n: None if n % 10 == 0 else 0.0, first=500)
    weak.append(ear.receiver.is_weak)
    ear.listen(27.0, first=1000)
    weak.append(ear.receiver.is_weak)

    assert weak == [False, True, False]


def test_the_second_before_is_told_in_figures() -> None:
    ear = Ear()
    ear.listen(10.0)
    ear.receiver.reception()
    ear.listen(11.0, lambda n: None if n in {510, 520, 521} else 0.0, first=500)
    told = ear.receiver.reception()

    assert told.lost == pytest.approx(0.06)
    assert told.run == pytest.approx(1.5)
    assert told.concealed == pytest.approx(0.06, abs=0.002)
    assert told.jitter_ms == pytest.approx(0.0, abs=0.1)
    assert told.target_ms == pytest.approx(30.0)  # FEC could have helped
    assert told.hold_ms == pytest.approx(25.0, abs=10.0)
    assert 0.0 <= told.stretched <= 0.2


def test_before_anything_was_heard_the_figures_are_nothing() -> None:
    told = Ear().receiver.reception()

    assert (told.concealed, told.stretched, told.hold_ms) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("seed", range(8))
def test_on_any_path_a_pull_gives_what_was_asked_and_nothing_waits_long(
    seed: int,
) -> None:
    chance = random.Random(seed)
    ear = Ear()
    for _ in range(2000):
        ear.now += chance.choice((0.0, 0.001, 0.01, 0.01, 0.02))
        if chance.random() < 0.5:
            about = ear.now / FRAME_S - chance.expovariate(1 / 8)
            number = max(8, round(about)) + 100 * (chance.random() < 0.02)
            ear.receive(number, (0, chance.randrange(1, 9)))
        samples = chance.choice((1, 240, 480, 480, 480, 960))

        assert len(ear.pull(samples)) == 2 * samples
    assert all(0 <= each <= 0.4 for each in ear.waited)


PACKETS = st.tuples(
    st.integers(0, 0xFFFF),
    st.lists(st.tuples(st.integers(0, 8), st.sampled_from([b"", b"a", MALFORMED]))),
    st.sampled_from([0.0, 0.01, 0.02, 0.5, 30.0]),
    st.sampled_from([0, 1, 480, 960]),
)


def test_before_anything_was_heard_nobody_knows_when_it_will_be() -> None:
    assert Ear().receiver.heard_at(0.0) is None


def test_it_is_known_when_what_was_said_is_heard() -> None:
    ear = Ear()
    ear.listen(4.0, lambda number: 0.02 * (number % 4))
    newest = max(ear.came)
    number = max(ear.heard)
    known = ear.receiver.heard_at(FRAME_S * (number - newest))

    # It was decoded up to a pull and a stretched frame before it was heard.
    assert known is not None
    assert 0 <= known - (ear.came[number] + ear.waited[-1]) <= 0.03


class Undemanding:
    """A decoder to which every frame is one, or none is."""

    def decode(self, frame: bytes) -> bytes:
        if frame == MALFORMED:
            raise MalformedError("opus: expected a frame, came rubbish")
        return bytes(1920)

    def recover(self, following: bytes) -> bytes:
        return self.decode(following)

    def conceal(self) -> bytes:
        return bytes(1920)


@given(st.lists(PACKETS, max_size=60))
def test_no_packets_at_all_make_a_pull_fail(
    packets: list[tuple[int, list[tuple[int, bytes]], float, int]],
) -> None:
    receiver = AudioReceiver(Undemanding())
    now = 1000.0
    for sequence, frames, later, samples in packets:
        receiver.receive(sequence, frames, now)
        now += later

        assert len(receiver.pull(samples, now)) == 2 * samples
        assert receiver.hold >= 0
