"""The figures of a second."""

from voip.media.audio.jitter import Reception
from voip.media.audio.states import AudioState
from voip.media.flow.report import Arrivals, Feedback
from voip.media.gauge import Gauge
from voip.media.steering import Steering

SSRC = 7
RECEPTION = Reception(
    lost=0.02,
    run=1.5,
    jitter_ms=12.0,
    hold_ms=30.0,
    target_ms=25.0,
    concealed=0.01,
    stretched=0.2,
)


def sampled(steering: Steering, gauge: Gauge, now: float) -> None:
    gauge.sample(
        now,
        steering,
        state=AudioState.N1,
        reception=RECEPTION,
        video_out=None,
        video_in=None,
    )


def test_a_second_is_due_after_a_second() -> None:
    gauge = Gauge(10.0)

    assert (gauge.is_due(10.9), gauge.is_due(11.0)) == (False, True)


def test_rates_count_whole_datagrams() -> None:
    gauge = Gauge(10.0)
    for _ in range(50):
        gauge.sent(12 + 165)
        gauge.heard(12 + 125)
    sampled(Steering(SSRC, 10.0), gauge, 11.0)
    audio = gauge.stats.audio

    assert audio is not None
    assert (audio.sent_kbps, audio.received_kbps) == (88.4, 72.4)
    assert (audio.state, audio.codec, audio.bit_rate) == ("N1", "opus", 24_000)
    assert (audio.lost, audio.hold_ms, audio.their_lost) == (0.02, 30.0, None)


def test_the_next_second_begins_at_nothing() -> None:
    gauge, steering = Gauge(10.0), Steering(SSRC, 10.0)
    gauge.heard(12 + 165)
    sampled(steering, gauge, 11.0)
    sampled(steering, gauge, 12.0)
    audio = gauge.stats.audio

    assert audio is not None
    assert (audio.received_kbps, audio.bit_rate) == (0.0, 0)


def test_a_packet_of_no_state_tells_no_rate() -> None:
    gauge = Gauge(10.0)
    gauge.heard(100)
    sampled(Steering(SSRC, 10.0), gauge, 11.0)

    assert gauge.stats.audio is not None
    assert gauge.stats.audio.bit_rate == 0


def test_the_round_trip_is_known_after_a_report() -> None:
    gauge, steering = Gauge(10.0), Steering(SSRC, 10.0)
    sampled(steering, gauge, 11.0)
    before = gauge.stats.round_trip_ms
    steering.sent(SSRC, 1, 181, 11.0)
    steering.feedback(Feedback(9, (Arrivals(SSRC, 1, (0,)),), 0), 11.05)
    sampled(steering, gauge, 12.0)

    assert before is None
    assert gauge.stats.round_trip_ms is not None
    assert 40 < gauge.stats.round_trip_ms < 60
