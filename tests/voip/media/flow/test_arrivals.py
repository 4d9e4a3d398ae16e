"""What is reported of what came, and when."""

import pytest

from voip.media.flow.arrivals import (
    MAX_REPORTED,
    PAUSED_S,
    Arrived,
    Departed,
    Reporter,
    Window,
)
from voip.media.flow.moments import Moment
from voip.media.flow.report import (
    MISSING,
    UNTIMED,
    Compound,
    Feedback,
    PictureLoss,
    Report,
    parse,
)

US, SOUND, CAMERA, REPAIRS = 1, 11, 12, 13


def _sound() -> Arrived:
    return Arrived(SOUND, Window.SOUND, 48_000)


def test_sound_is_reported_as_its_newest_24() -> None:
    sound = _sound()
    for number in range(100, 130):
        sound.note(number, 960 * number, number * 0.02)
    told = sound.arrivals(2.6)

    assert (told.ssrc, told.begin, len(told.offsets)) == (SOUND, 106, 24)
    assert told.offsets[-2:] == (41, 20)  # 1024ths of a second


def test_what_never_came_is_missing() -> None:
    sound = _sound()
    sound.note(10, 0, 0.0)
    sound.note(12, 1920, 0.0)

    assert sound.arrivals(0.0).offsets[-4:] == (MISSING, 0, MISSING, 0)


def test_what_comes_late_is_no_longer_missing() -> None:
    sound = _sound()
    sound.note(10, 0, 0.0)
    sound.note(12, 1920, 0.0)
    sound.note(11, 960, 0.5)

    assert sound.arrivals(0.5).offsets[-3:] == (512, 0, 512)


def test_numbers_go_on_over_the_wrap() -> None:
    sound = _sound()
    sound.note(65535, 0, 0.0)
    sound.note(0, 960, 0.0)
    told = sound.arrivals(0.0)

    assert (told.begin, told.offsets[-3:]) == (65513, (MISSING, 0, 0))


def test_a_place_is_free_again_a_thousand_packets_later() -> None:
    sound = _sound()
    sound.note(0, 0, 0.0)
    sound.note(1, 0, 0.0)
    sound.note(1026, 0, 0.0)

    assert sound.arrivals(0.0).offsets == (MISSING,) * 23 + (0,)


def test_a_packet_later_than_a_thousand_others_is_only_counted() -> None:
    sound = _sound()
    sound.note(2000, 0, 0.0)
    sound.note(900, 0, 0.0)

    assert MISSING in sound.arrivals(0.0).offsets
    assert sound.block(0.0).lost == -1


def test_long_ago_is_told_without_a_time() -> None:
    sound = _sound()
    sound.note(0, 0, 0.0)

    assert sound.arrivals(60.0).offsets[-1] == UNTIMED


@pytest.mark.parametrize(
    ("packets", "expected"),
    [(1, 32), (16, 32), (17, 64), (48, 64), (500, MAX_REPORTED)],
    ids=str,
)
def test_the_size_for_pictures_tells_only_a_step_of_their_rate(
    packets: int, expected: int
) -> None:
    camera = Arrived(CAMERA, Window.PICTURES, 90_000)
    camera.note(1000, 0, 0.0)
    camera.arrivals(0.0)
    for number in range(1001, 1001 + packets):
        camera.note(number, 0, 0.1)

    assert len(camera.arrivals(0.1).offsets) == expected


def test_a_second_report_of_pictures_holds_part_of_the_first() -> None:
    camera = Arrived(CAMERA, Window.PICTURES, 90_000)
    for number in range(1000, 1100):
        camera.note(number, 0, 0.0)
    first = camera.arrivals(0.0)
    camera.note(1100, 0, 0.1)
    second = camera.arrivals(0.1)

    assert second.begin <= first.begin + len(first.offsets) - 16


def test_a_block_counts_what_was_lost_since_the_last() -> None:
    sound = _sound()
    for number in (0, 1, 3):
        sound.note(number, 960 * number, number * 0.02)
    first = sound.block(1.0)
    second = sound.block(2.0)

    assert (first.lost_share, first.lost, first.highest) == (64, 1, 3)
    assert (second.lost_share, second.lost) == (0, 1)


def test_jitter_is_measured_as_rfc_3550_says() -> None:
    sound = _sound()
    sound.note(0, 0, 0.0)
    sound.note(1, 960, 0.030)  # 10 ms later than it should: 480 ticks, of them 1/16

    assert sound.block(1.0).jitter == 30


def test_a_wrap_of_the_timestamp_is_no_jitter() -> None:
    sound = _sound()
    sound.note(0, 0xFFFFFFFF - 479, 0.0)
    sound.note(1, 480, 0.020)

    assert sound.block(1.0).jitter == 0


def test_a_block_names_the_last_sender_report() -> None:
    sound = _sound()
    sound.note(0, 0, 0.0)
    sound.heard_sender(Moment(0x0000_1234_5678_0000, 7), 1.0)
    block = sound.block(1.5)

    assert (block.last_report, block.delay) == (0x12345678, 32768)
    assert sound.moment == Moment(0x0000_1234_5678_0000, 7)


def _reporter() -> tuple[Reporter, Arrived, Arrived]:
    reporter = Reporter(US, 0.0, offset_s=1000.0)
    sound = reporter.expect(SOUND, Window.SOUND, 48_000)
    camera = reporter.expect(CAMERA, Window.PICTURES, 90_000)
    reporter.expect(REPAIRS, Window.REPAIRS, 90_000)
    return reporter, sound, camera


def _reports(
    reporter: Reporter, until: int, *, slow: bool = False
) -> list[tuple[float, Report]]:
    """Ask every 20 ms; `until` in such."""
    return [
        (tick / 50, report)
        for tick in range(until)
        for packet in reporter.due(tick / 50, slow=slow)
        for report in parse(packet)
    ]


def _beats(reports: list[tuple[float, Report]]) -> object:
    """Give the times, which may be those of the tick after."""
    times = [when for when, report in reports if isinstance(report, Feedback)]
    return pytest.approx(times, abs=0.021)


def test_nothing_is_told_before_anything_came() -> None:
    reporter, _, _ = _reporter()

    assert _beats(_reports(reporter, 50)) == []


def test_sound_alone_is_reported_every_200_ms() -> None:
    reporter, sound, _ = _reporter()
    sound.note(0, 0, 0.0)

    assert _beats(_reports(reporter, 50)) == [0.2, 0.4, 0.6, 0.8]


def test_with_pictures_reports_are_twice_as_frequent() -> None:
    reporter, sound, camera = _reporter()
    sound.note(0, 0, 0.0)
    camera.note(0, 0, 0.0)

    assert _beats(_reports(reporter, 25)) == [0.2, 0.3, 0.4]


def test_on_a_narrow_path_they_are_not() -> None:
    reporter, _, camera = _reporter()
    camera.note(0, 0, 0.0)

    assert _beats(_reports(reporter, 25, slow=True)) == [0.2, 0.4]


def test_a_paused_camera_is_reported_no_more_but_sound_is() -> None:
    reporter, sound, camera = _reporter()
    sound.note(0, 0, 0.0)
    camera.note(0, 0, 0.0)
    _, last = _reports(reporter, int((PAUSED_S + 1) * 50))[-1]

    assert isinstance(last, Feedback)
    assert [each.ssrc for each in last.streams] == [SOUND]


def test_the_clock_is_offset_and_no_time_of_day() -> None:
    reporter, sound, _ = _reporter()
    sound.note(0, 0, 0.0)
    feedback = _reports(reporter, 11)[0][1]

    assert isinstance(feedback, Feedback)
    assert feedback.clock == int(1000.2 * 65536)


def test_a_stream_that_is_forgotten_is_not_reported() -> None:
    reporter, sound, camera = _reporter()
    sound.note(0, 0, 0.0)
    camera.note(0, 0, 0.0)
    reporter.forget(CAMERA)
    feedback = _reports(reporter, 11)[0][1]

    assert isinstance(feedback, Feedback)
    assert [each.ssrc for each in feedback.streams] == [SOUND]


def _compounds(reports: list[tuple[float, Report]]) -> list[tuple[float, Compound]]:
    return [(when, report) for when, report in reports if isinstance(report, Compound)]


def test_a_compound_comes_early_and_then_every_five_seconds() -> None:
    reporter, _, _ = _reporter()
    times = [when for when, _ in _compounds(_reports(reporter, 600))]

    assert times == pytest.approx([0.2, 5.2, 10.2], abs=0.021)


def test_who_has_sent_nothing_reports_as_receiver() -> None:
    reporter, sound, _ = _reporter()
    reporter.send(US, 48_000)
    sound.note(7, 0, 0.0)
    ((_, report),) = _compounds(_reports(reporter, 11))

    assert (report.clock, report.blocks[0].highest) == (None, 7)


def test_a_sender_report_times_each_stream_that_is_sent() -> None:
    reporter, _, _ = _reporter()
    mine = reporter.send(US, 48_000)
    picture = reporter.send(2, 90_000)
    reporter.send(3, 90_000)
    mine.note(165, 960, 0.1)
    picture.note(1140, 0xFFFFFFFF, 0.1)
    (_, first), (_, second) = _compounds(_reports(reporter, 11))

    assert first == Compound(US, (), int(1000.2 * 2**32), 960 + 4800, 1, 165)
    assert (second.sender, second.timestamp, second.blocks) == (2, 8999, ())


def test_packets_that_had_to_wait_do_not_move_a_report() -> None:
    picture = Departed(2, 90_000)
    off = []
    for second in range(3):
        for number in range(60 * second, 60 * second + 60):
            waited = 0.002 if number % 30 == 7 else 0.05
            picture.note(1140, number * 1500, number / 60 + waited)
        report = picture.report(0, (), second + 1.0)
        off.append(second + 1 - report.timestamp / 90_000)

    assert off == pytest.approx([0.002] * 3, abs=0.0001)


def test_the_other_sides_sender_report_is_named() -> None:
    reporter, sound, _ = _reporter()
    sound.note(0, 0, 0.0)
    reporter.heard(Compound(SOUND, (), clock=5 << 16), 0.1)
    ((_, report),) = _compounds(_reports(reporter, 11))

    assert report.blocks[0].last_report == 5


@pytest.mark.parametrize(
    "heard",
    [Compound(SOUND, ()), Compound(999, (), clock=5 << 16)],
    ids=["a receiver's", "a stranger's"],
)
def test_other_reports_are_not_named(heard: Compound) -> None:
    reporter, sound, _ = _reporter()
    sound.note(0, 0, 0.0)
    reporter.heard(heard, 0.1)
    ((_, report),) = _compounds(_reports(reporter, 11))

    assert report.blocks[0].last_report == 0


def _steady() -> Reporter:
    reporter = Reporter(US, 0.0, offset_s=0.0)
    reporter.expect(CAMERA, Window.STEADY, 90_000).note(0, 0, 0.0)
    return reporter


def test_a_key_frame_of_a_steady_stream_is_asked_for_once() -> None:
    reporter = _steady()
    reporter.want_picture(CAMERA)
    wanted = [
        report
        for _, report in _reports(reporter, 25)
        if isinstance(report, PictureLoss)
    ]

    assert wanted == [PictureLoss(US, CAMERA)]


def test_asking_does_not_show_in_the_size() -> None:
    silent, asking = _steady(), _steady()
    asking.want_picture(CAMERA)
    (quiet,) = silent.due(0.2)[:1]
    (loud,) = asking.due(0.2)[:1]

    assert len(quiet) == len(loud)
