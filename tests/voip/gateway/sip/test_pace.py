"""Two clocks of a telephone's sound, kept together."""

from voip.gateway.sip.pace import Cut, is_late

FRAME = 4


def test_two_frames_may_wait_and_a_third_is_late() -> None:
    assert [is_late(waiting, FRAME) for waiting in (0, 8, 9)] == [False, False, True]


def test_pieces_become_frames() -> None:
    cut = Cut()

    assert [cut.take(b"ab", FRAME), cut.take(b"cde", FRAME)] == [b"", b"abcd"]


def test_what_came_too_fast_loses_its_oldest_frames() -> None:
    cut = Cut()
    given = cut.take(b"aaaabbbbccccddddee", FRAME)

    assert (given, cut.dropped) == (b"cccc", 2)


def test_after_another_form_nothing_of_before_is_left() -> None:
    cut = Cut()
    cut.take(b"abc", FRAME)
    cut.clear()

    assert cut.take(b"efgh", FRAME) == b"efgh"
