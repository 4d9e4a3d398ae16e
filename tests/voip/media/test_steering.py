"""Sound first, then pictures: what one side does with the other's reports."""

import pytest

from voip.errors import MalformedError
from voip.media.audio.states import AudioState
from voip.media.flow.report import MISSING, Arrivals, Feedback
from voip.media.steering import NARROW_BPS, Steering

SOUND, CAMERA = 64, 65
FRAME_S = 0.02
REPORTED = 24


class _Call:
    """A sender of sound, and a report of it every 200 ms by the other side's clock."""

    def __init__(self, *, video: bool = True) -> None:
        self.steering = Steering(SOUND, 0.0)
        self.steering.want_video(wanted=video)
        self.number = 100
        self.now = 0.0
        self.delay_s = 0.02
        self.came: list[tuple[int, float]] = []

    def run(
        self, seconds: float, *, lose: int = 0, reports: bool = True
    ) -> list[tuple[int, int]]:
        """Let time pass; `lose`: one packet in so many."""
        lost: list[tuple[int, int]] = []
        for _ in range(round(seconds / FRAME_S)):
            self.now += FRAME_S
            self.number += 1
            size = self.steering.audio.value.datagram_bytes
            self.steering.sent(SOUND, self.number, size, self.now)
            if not lose or self.number % lose:
                self.came.append((self.number, self.now + self.delay_s))
            self.steering.tick(self.now)
            if reports and not self.number % 10:
                lost += self.steering.feedback(self.feedback(), self.now + self.delay_s)
        return lost

    def feedback(self) -> Feedback:
        """Report on the newest 24, 20 ms of way later."""
        now = self.now + self.delay_s
        came = dict(self.came[-REPORTED:])
        newest = max(came)
        offsets = tuple(
            round((now - came[number]) * 1024) if number in came else MISSING
            for number in range(newest - REPORTED + 1, newest + 1)
        )
        begin = newest - REPORTED + 1
        return Feedback(9, (Arrivals(SOUND, begin, offsets),), int(now * 65536))

    @property
    def seen(self) -> tuple[AudioState, bool]:
        """The state of sound, and whether there are pictures."""
        return self.steering.audio, self.steering.video_bps > 0


def test_a_call_begins_small_and_without_pictures() -> None:
    steering = Steering(SOUND, 0.0)

    assert (steering.audio, steering.video_bps) == (AudioState.S1, 0)
    assert (steering.round_trip_s, steering.their_lost) == (None, None)


def test_sound_moves_up_after_a_second_and_pictures_are_tried() -> None:
    call = _Call()
    call.run(4.0)

    assert call.seen == (AudioState.N1, True)


def test_nobody_who_wants_none_gets_pictures() -> None:
    call = _Call(video=False)
    call.run(4.0)

    assert call.seen == (AudioState.N1, False)


def test_pictures_stop_when_nobody_wants_them() -> None:
    call = _Call()
    call.run(4.0)
    call.steering.want_video(wanted=False)

    assert call.seen == (AudioState.N1, False)


def test_without_a_report_there_are_no_pictures() -> None:
    call = _Call()
    call.run(4.0, reports=False)

    assert call.seen == (AudioState.N1, False)


def test_the_round_trip_is_smoothed() -> None:
    call = _Call()
    call.run(2.0)
    first = call.steering.round_trip_s
    call.delay_s = 0.1
    call.run(0.2)
    second = call.steering.round_trip_s

    assert first == pytest.approx(0.02, abs=0.002)
    assert second == pytest.approx(0.02 + 0.08 / 8, abs=0.002)


def test_what_is_lost_is_named() -> None:
    call = _Call()
    lost = call.run(4.0, lose=25)

    assert lost[:2] == [(SOUND, 125), (SOUND, 150)]
    assert call.steering.their_lost == pytest.approx(0.04, abs=0.005)


def test_losses_bring_copies() -> None:
    call = _Call(video=False)
    call.run(8.0, lose=10)

    assert call.steering.audio is AudioState.N2


def _fill(call: _Call, seconds: float, *, lose: int = 0) -> None:
    """Let a queue grow by a fifth of the time."""
    for _ in range(round(seconds / 0.2)):
        call.delay_s += 0.04
        call.run(0.2, lose=lose)


def test_a_queue_ends_the_trial_and_leaves_sound_as_it_is() -> None:
    call = _Call()
    call.run(0.8)
    before = call.seen
    _fill(call, 1.2)

    assert (before, call.seen) == ((AudioState.S1, True), (AudioState.S1, False))


def test_a_queue_that_is_no_trials_makes_sound_smaller() -> None:
    call = _Call(video=False)
    call.run(4.0)
    _fill(call, 3.0)

    assert call.steering.audio.value.kbps < AudioState.N1.value.kbps


def test_a_queue_that_passes_was_somebody_elses() -> None:
    call = _Call(video=False)
    call.run(4.0)
    before = call.steering.available_bps
    call.delay_s = 0.13
    call.run(0.4)
    call.delay_s = 0.02
    call.run(3.0)

    assert call.steering.available_bps >= before
    assert call.steering.audio is AudioState.N1


def test_losses_in_a_full_queue_bring_no_copies() -> None:
    call = _Call(video=False)
    call.run(4.0)
    _fill(call, 0.8)
    _fill(call, 1.6, lose=3)

    assert call.steering.audio in {AudioState.S1, AudioState.S0, AudioState.S2}
    assert call.steering.their_lost is not None
    assert call.steering.their_lost > 0.1


@pytest.mark.parametrize(
    ("age_s", "expected"), [(0.05, 260e3), (0.35, 200e3)], ids=["now", "earlier"]
)
def test_a_rate_that_fell_suddenly_counts_as_it_is_now(
    age_s: float, expected: float
) -> None:
    call = _Call(video=False)
    call.run(4.0)
    call.run(0.4, reports=False)
    for number in range(20):
        call.steering.sent(CAMERA, number, 1000, call.now - age_s)
    offsets = (round(age_s * 1024),) * 20
    sound = call.feedback()
    both = Feedback(
        9, (*sound.streams, Arrivals(CAMERA, 0, offsets)), clock=sound.clock
    )
    call.steering.feedback(both, call.now + 0.02)

    assert call.steering.available_bps == expected


def test_while_sound_is_small_no_pictures_are_tried() -> None:
    call = _Call(video=False)
    call.run(4.0)
    for _ in range(4):
        _fill(call, 1.0)
        call.delay_s = 0.02
        call.run(1.0)
    call.steering.want_video(wanted=True)
    small = call.steering.audio
    call.run(3.0)

    assert small is AudioState.S2
    assert call.steering.video_bps == 0


def test_half_a_second_of_silence_halves_pictures_and_a_second_pauses_them() -> None:
    call = _Call()
    call.run(6.0)
    rates = [call.steering.video_bps]
    call.run(0.6, reports=False)
    rates.append(call.steering.video_bps)
    call.run(0.5, reports=False)
    rates.append(call.steering.video_bps)

    assert rates[0] > 60_000
    assert rates[1] == pytest.approx(rates[0] / 2, rel=0.01)
    assert rates[2] == 0


def test_pictures_come_back_small_with_the_reports() -> None:
    call = _Call()
    call.run(6.0)
    call.run(1.5, reports=False)
    call.run(0.2)

    assert call.steering.video_bps == 30_000


def test_silence_alone_does_not_change_sound() -> None:
    call = _Call()
    call.run(6.0)
    call.run(9.0, reports=False)

    assert call.seen == (AudioState.N1, False)


def test_after_ten_seconds_of_silence_sound_is_as_at_the_beginning() -> None:
    call = _Call()
    call.run(6.0)
    call.run(11.0, reports=False)

    assert call.seen == (AudioState.S1, False)


def test_a_call_of_which_no_report_ever_comes_ends_there_too() -> None:
    call = _Call()
    call.run(11.0, reports=False)

    assert call.seen == (AudioState.S1, False)


@pytest.mark.parametrize("seconds", [1.5, 5.0])
def test_an_outage_is_no_loss(seconds: float) -> None:
    call = _Call()
    call.run(6.0)
    before = call.steering.their_lost
    call.run(seconds, lose=1, reports=False)
    call.run(0.5)

    assert (before, call.steering.their_lost) == (0.0, 0.0)


def test_after_a_long_silence_the_path_is_learnt_anew() -> None:
    call = _Call()
    call.run(2.0)
    call.run(4.0, reports=False)
    call.delay_s = 0.3  # which would be a queue, were it the same path
    call.run(2.0)

    assert call.seen == (AudioState.N1, True)


def test_a_new_path_is_learnt_anew() -> None:
    call = _Call()
    call.run(4.0)
    call.delay_s = 0.3
    call.steering.path_changed(call.now)
    call.run(2.0)

    assert call.seen == (AudioState.N1, True)


def test_a_report_of_nothing_new_is_silence() -> None:
    call = _Call()
    call.run(6.0)
    old = call.feedback()
    for _ in range(10):
        call.run(0.2, reports=False)
        call.steering.feedback(old, call.now)

    assert call.steering.video_bps == 0


def test_a_report_of_what_was_never_sent_is_refused() -> None:
    call = _Call()
    call.run(1.0)
    forged = Feedback(9, (Arrivals(SOUND, call.number, (0, 0)),), 0)
    with pytest.raises(MalformedError):
        call.steering.feedback(forged, call.now)

    assert call.steering.audio is AudioState.S1


def test_a_narrow_path_is_told_in_slow_reports() -> None:
    call = _Call()
    call.run(1.0)

    assert call.steering.available_bps < NARROW_BPS
    assert call.steering.slow_reports


def test_packets_of_pictures_are_reported_like_sound() -> None:
    call = _Call()
    call.run(1.0)
    call.steering.sent(CAMERA, 7, 1000, call.now)
    camera = Feedback(9, (Arrivals(CAMERA, 7, (0,)),), int((call.now + 0.02) * 65536))

    assert call.steering.feedback(camera, call.now + 0.04) == []
