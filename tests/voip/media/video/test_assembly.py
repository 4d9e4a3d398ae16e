import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.media.video.camera import LIMIT, Camera, Sent, give
from voip.errors import MalformedError
from voip.media.video import av1, vp8
from voip.media.video.assembly import NOTHING, Assembly, Frame, Wants
from voip.media.video.limits import MAX_FRAME_BYTES

RTT = 0.1
KEY_PLEASE = Wants((), key=True)


def assembly(*, requests: bool = True) -> Assembly:
    made = Assembly(vp8, requests=requests)
    made.round_trip_s = RTT
    return made


def started(camera: Camera, *, requests: bool = True) -> Assembly:
    """Give one that has shown the first picture of a camera, at time 0."""
    made = assembly(requests=requests)
    give(made, camera.frame(key=True), 0.0)
    return made


def numbers(packets: list[Sent]) -> tuple[int, ...]:
    return tuple(packet.sequence for packet in packets)


def give_again(made: Assembly, packet: Sent, now: float) -> None:
    payload = packet.sequence.to_bytes(2) + packet.payload
    made.receive_again(packet.timestamp, payload, marker=packet.marker, now=now)


def test_a_frame_leaves_when_its_last_packet_came() -> None:
    camera = Camera()
    first, second, third = camera.frame(key=True)
    made = assembly()

    assert [give(made, [packet], 0.0) for packet in (first, second, third)] == [
        [],
        [],
        [0],
    ]


def test_a_frame_says_what_it_is() -> None:
    camera = Camera()
    made = assembly()
    for place, packet in enumerate([*camera.frame(5, key=True), *camera.frame(5)]):
        made.receive(
            packet.sequence,
            packet.timestamp,
            packet.payload,
            marker=True,
            now=1.0 + place,
        )

    assert made.frames() == [
        Frame(b"\x10" + bytes(4), 0, key=True, show_at=1.0),
        Frame(b"\x11\0\0\0\1", 3000, key=False, show_at=2.0),
    ]


def test_a_frame_leaves_once() -> None:
    made = started(Camera())

    assert made.frames() == []


def test_packets_may_come_in_any_order() -> None:
    camera = Camera()
    made = started(camera)
    packets = camera.frame() + camera.frame()

    assert give(made, packets[::-1], 0.1) == [1, 2]


def test_packets_may_come_twice_and_late() -> None:
    camera = Camera()
    made = started(camera)
    packets = camera.frame()

    assert give(made, packets[:2] + packets * 2, 0.1) == [1]
    assert made.tick(0.1) == NOTHING


def test_sequence_numbers_may_wrap() -> None:
    camera = Camera(sequence=0xFFFE)
    made = started(camera)
    lost, *rest = camera.frame()
    give(made, rest, 0.1)

    assert made.tick(0.1).missing == (1,)
    assert give(made, [lost], 0.2) == [1]


def test_what_is_missing_is_asked_for_at_once() -> None:
    camera = Camera()
    made = started(camera)
    first, second, third = camera.frame()
    give(made, [first, third], 0.1)

    assert made.tick(0.1) == Wants((second.sequence,), key=False)


def test_what_is_missing_is_asked_for_again_twice_a_round_trip() -> None:
    camera = Camera()
    made = started(camera)
    lost, *rest = camera.frame()
    give(made, rest, 1.0)
    made.tick(1.0)

    assert made.wake_at == pytest.approx(1.06)
    assert made.tick(1.05) == NOTHING
    assert made.tick(1.07) == Wants((lost.sequence,), key=False)


def test_what_is_missing_is_asked_for_twelve_times_at_most() -> None:
    camera = Camera()
    made = started(camera)
    made.round_trip_s = 0.01
    _, *rest = camera.frame()
    give(made, rest, 1.0)
    asked = [made.tick(1.0 + tick / 1000) for tick in range(500)]

    assert [bool(wants.missing) for wants in asked].count(True) == 12
    assert [wants.key for wants in asked].index(True) == pytest.approx(180, abs=12)


def test_after_300_ms_and_a_round_trip_a_whole_picture_is_asked_for_instead() -> None:
    camera = Camera()
    made = started(camera)
    _, *rest = camera.frame()
    give(made, rest, 1.0)
    asked = [made.tick(1.0 + tick / 100) for tick in range(100)]

    assert max(tick for tick, wants in enumerate(asked) if wants.missing) < 41
    assert [wants.key for wants in asked].index(True) == pytest.approx(42, abs=4)


def test_where_packets_overtake_each_other_asking_waits_so_long() -> None:
    camera = Camera()
    made = started(camera)
    late, *rest = camera.frame()
    give(made, rest, 1.0)
    give(made, [late], 1.02)
    _, *rest = camera.frame()
    give(made, rest, 2.0)

    assert made.tick(2.015) == NOTHING
    assert made.tick(2.021).missing


def test_a_repeat_is_no_packet_that_was_overtaken() -> None:
    camera = Camera()
    made = started(camera)
    late, *rest = camera.frame()
    give(made, rest, 1.0)
    give_again(made, late, 1.02)
    _, *rest = camera.frame()
    give(made, rest, 2.0)

    assert made.tick(2.0).missing


def test_a_repeat_completes_its_frame() -> None:
    camera = Camera()
    made = started(camera)
    lost, *rest = camera.frame()
    give(made, rest, 0.1)
    give_again(made, lost, 0.2)

    assert give(made, camera.frame(), 0.2) == [1, 2]
    assert made.tick(0.3) == NOTHING


def test_a_repeat_of_what_is_not_missing_is_ignored() -> None:
    camera = Camera()
    made = started(camera)
    coming = camera.frame()
    give_again(made, coming[0], 0.1)

    assert give(made, coming[1:], 0.2) == []


def test_a_repeat_before_all_else_is_ignored() -> None:
    made = assembly()
    give_again(made, Camera().frame(key=True)[0], 0.1)

    assert made.tick(0.1) == NOTHING


def test_frames_after_a_gap_wait_for_it() -> None:
    camera = Camera()
    made = started(camera)
    lost, *rest = camera.frame()

    assert give(made, rest + camera.frame() + camera.frame(), 0.1) == []
    assert give(made, [lost], 0.2) == [1, 2, 3]


def test_a_picture_that_cannot_be_repaired_is_asked_for_whole() -> None:
    camera = Camera()
    made = started(camera)
    _, *rest = camera.frame()
    give(made, rest, 1.0)
    made.tick(1.0)
    made.tick(1.3)

    assert made.tick(1.6).key


def test_after_giving_up_only_a_whole_picture_goes_on() -> None:
    camera = Camera()
    made = started(camera)
    _, *rest = camera.frame()
    give(made, rest, 1.0)
    made.tick(2.0)

    assert give(made, camera.frame(), 2.0) == []
    assert give(made, camera.frame(key=True) + camera.frame(), 2.1) == [3, 4]


def test_a_whole_picture_that_is_there_needs_nothing_before_it() -> None:
    camera = Camera()
    made = started(camera)
    _, *rest = camera.frame()

    assert give(made, rest + camera.frame() + camera.frame(key=True), 0.1) == [3]
    assert made.tick(0.1) == NOTHING


def test_of_two_whole_pictures_the_later_is_shown() -> None:
    camera = Camera()
    made = started(camera)
    _, *rest = camera.frame()
    first, *others = camera.frame(key=True)
    give(made, rest + others + camera.frame(key=True), 0.1)

    assert give(made, [first], 0.2) == []


def test_a_whole_picture_on_its_way_is_gone_on_with_when_nothing_else_helps() -> None:
    camera = Camera()
    made = started(camera)
    _, *rest = camera.frame()
    give(made, rest, 1.0)
    made.tick(1.0)
    *begin, last = camera.frame(key=True)
    give(made, begin, 1.5)

    assert made.tick(1.6) == NOTHING
    assert give(made, [last], 1.7) == [2]


def test_a_whole_picture_is_asked_for_each_300_ms_at_most() -> None:
    camera = Camera()
    made = assembly()
    asked = []
    for tick in range(100):
        give(made, camera.frame(), tick / 100)
        asked.append(made.tick(tick / 100).key)

    assert [tick for tick, key in enumerate(asked) if key] == [0, 30, 60, 90]


def test_a_whole_picture_is_not_asked_for_twice_within_a_round_trip() -> None:
    camera = Camera()
    made = assembly()
    made.round_trip_s = 0.5
    give(made, camera.frame(), 0.0)
    made.tick(0.0)
    give(made, camera.frame(), 0.1)

    assert made.wake_at == pytest.approx(0.6)
    assert made.tick(0.5) == NOTHING
    assert made.tick(0.61) == KEY_PLEASE


def test_a_silent_sender_is_asked_once() -> None:
    made = assembly()
    give(made, Camera().frame(), 0.0)
    made.tick(0.0)

    assert made.tick(5.0) == NOTHING
    assert made.wake_at is None


def test_before_the_first_packet_nothing_is_asked_for() -> None:
    made = assembly()

    assert (made.tick(0.0), made.wake_at) == (NOTHING, None)


def test_a_first_picture_that_was_overtaken_is_found() -> None:
    camera = Camera()
    made = assembly()
    first, second, third = camera.frame(key=True)

    assert give(made, [second, first, third], 0.0) == [0]


def test_the_lost_beginning_of_a_whole_picture_is_asked_for() -> None:
    camera = Camera()
    made = assembly()
    give(made, camera.frame(), 0.0)
    first, *rest = camera.frame(key=True)
    give(made, rest, 0.1)

    assert made.tick(0.1).missing == (first.sequence,)
    assert give(made, [first], 0.2) == [1]


def test_without_requests_a_loss_is_waited_for_and_then_given_up() -> None:
    camera = Camera()
    made = started(camera, requests=False)
    _, *rest = camera.frame()
    give(made, rest, 1.0)

    assert made.tick(1.0) == NOTHING
    assert made.wake_at == pytest.approx(1.6)
    assert made.tick(1.61) == KEY_PLEASE


def test_an_outage_is_not_asked_for_packet_by_packet() -> None:
    camera = Camera()
    made = started(camera)
    camera.frame(12 * 300)
    give(made, camera.frame(), 2.0)

    assert made.tick(2.0) == KEY_PLEASE


def test_a_stream_goes_on_after_half_the_numbers_passed() -> None:
    camera = Camera()
    made = started(camera)
    for _ in range(40):
        camera.frame(12 * 1000)

    assert give(made, camera.frame(), 100.0) == []
    assert give(made, camera.frame(key=True), 100.1) == [42]


def test_packets_from_far_behind_are_ignored() -> None:
    camera = Camera(sequence=5000)
    made = started(camera)
    stray = Camera(sequence=1000).frame(12, key=True)
    give(made, stray, 1.0)
    give(made, Camera(sequence=2000).frame(12, key=True), 1.0)

    assert give(made, camera.frame(), 1.1) == [1]


def test_no_more_than_1024_packets_are_held() -> None:
    camera = Camera()
    made = started(camera)
    _, *rest = camera.frame()
    give(made, rest, 1.0)
    for _ in range(2000):
        give(made, camera.frame(), 1.0)

        assert len(made._held) <= 1024
        assert len(made._gaps) <= 1024


def test_of_whole_pictures_begun_only_the_latest_are_looked_at() -> None:
    camera = Camera()
    made = started(camera)
    camera.frame()
    for _ in range(100):
        give(made, camera.frame(key=True)[:1], 1.0)

        assert len(made._keys) <= 4


def test_after_too_many_packets_a_whole_picture_goes_on() -> None:
    camera = Camera()
    made = started(camera)
    _, *rest = camera.frame()
    give(made, rest, 1.0)
    for _ in range(400):
        give(made, camera.frame(), 1.0)

    assert made.tick(1.0) == KEY_PLEASE
    assert give(made, camera.frame(key=True), 1.1) == [402]


def test_a_packet_that_does_not_parse_changes_nothing() -> None:
    camera = Camera()
    made = started(camera)
    with pytest.raises(MalformedError):
        made.receive(5, 0, b"\x90", marker=True, now=0.1)

    assert give(made, camera.frame(), 0.1) == [1]


def test_a_repeat_that_does_not_parse_is_refused() -> None:
    with pytest.raises(MalformedError, match="repeat"):
        started(Camera()).receive_again(0, b"\0\1", marker=True, now=0.1)


def test_a_frame_that_is_none_counts_and_a_whole_picture_is_asked_for() -> None:
    camera = Camera()
    made = started(camera)
    first, second, third = camera.frame()
    give(made, [first, second._replace(payload=first.payload), third], 0.1)

    assert (made.malformed, made.tick(0.1)) == (1, KEY_PLEASE)
    assert give(made, camera.frame(key=True), 0.2) == [2]


def test_a_frame_over_the_limit_counts_as_none() -> None:
    camera = Camera(limit=1140)
    made = started(camera)
    frame = camera.frame(MAX_FRAME_BYTES + 1)
    give(made, frame, 0.1)

    assert made.malformed == 1


def test_the_gap_that_the_picture_halted_is_counted() -> None:
    camera = Camera()
    made = started(camera)
    for number in range(1, 30):
        give(made, camera.frame(), number / 30)
    _, *rest = camera.frame()
    give(made, rest, 1.0)
    made.tick(2.0)
    give(made, camera.frame(key=True), 2.0)

    assert made.times.freezes == 1
    assert made.times.frozen_s == pytest.approx(2 - 29 / 30)


def test_what_the_sender_does_not_show_is_no_freeze() -> None:
    camera = Camera()
    made = started(camera)
    made.pause()
    give(made, camera.frame(), 9.0)

    assert made.times.freezes == 0


def test_av1_is_put_together_too() -> None:
    made = Assembly(av1)
    unit = bytes.fromhex("1200 0a0161 320662") + b"frame"
    payloads = av1.packetize(unit, limit=6)
    for place, payload in enumerate(payloads):
        marker = place == len(payloads) - 1
        made.receive(place, 0, payload, marker=marker, now=0.0)

    assert [frame.data for frame in made.frames()] == [unit]


orders = st.lists(
    st.tuples(st.integers(0, 59), st.sampled_from((0.0, 0.001, 0.05, 0.4))),
    max_size=150,
)


@given(orders, st.booleans())
def test_frames_leave_in_order_and_each_can_be_decoded(
    arrivals: list[tuple[int, float]],
    requests: bool,  # noqa: FBT001 -- drawn by hypothesis
) -> None:
    camera = Camera(sequence=0xFFF0)
    packets = [
        packet for number in range(20) for packet in camera.frame(key=number % 7 == 0)
    ]
    made = assembly(requests=requests)
    shown: list[int] = []
    now = 0.0
    for place, wait in arrivals:
        now += wait
        shown += give(made, [packets[place]], now)
        wants = made.tick(now)

        assert len(wants.missing) <= 60

    for before, after in zip([-1, *shown], shown, strict=False):
        assert after == before + 1 or (after > before and after % 7 == 0)


hostile = st.lists(
    st.tuples(
        st.integers(0, 0xFFFF), st.binary(max_size=LIMIT), st.booleans(), st.booleans()
    ),
    max_size=60,
)


@given(hostile)
def test_any_packets_raise_one_error_only(
    packets: list[tuple[int, bytes, bool, bool]],
) -> None:
    for payload_format in (vp8, av1):
        made = Assembly(payload_format)
        for place, (sequence, payload, marker, again) in enumerate(packets):
            now = place / 20
            with contextlib.suppress(MalformedError):
                if again:
                    made.receive_again(sequence, payload, marker=marker, now=now)
                else:
                    made.receive(sequence, place, payload, marker=marker, now=now)
            made.tick(now)
            made.frames()

            assert len(made._gaps) <= 1024
