"""Frame keys: two epochs at most, the old one for ten seconds, no key twice."""

import pytest

from voip.description import Kind
from voip.errors import KeyReuseError, MalformedError
from voip.media.framekeys import OLD_S, FrameKeys

OURS = [(bytes([epoch]) * 32, 2 * epoch + 1) for epoch in range(3)]
THEIRS = [(bytes([epoch + 100]) * 32, 2 * epoch) for epoch in range(3)]
FRAME = b"\xf8\xff\xfe"


def keys() -> FrameKeys:
    return FrameKeys(send=OURS[0], receive=THEIRS[0])


def peer() -> FrameKeys:
    return FrameKeys(send=THEIRS[0], receive=OURS[0])


def test_what_one_side_seals_the_other_opens() -> None:
    assert peer().open(Kind.AUDIO, keys().seal(Kind.AUDIO, FRAME), 0.0) == FRAME


def test_what_a_side_sealed_itself_does_not_come_back_to_it() -> None:
    ours = keys()

    with pytest.raises(MalformedError, match="key 1 is not one of this moment"):
        ours.open(Kind.AUDIO, ours.seal(Kind.AUDIO, FRAME), 0.0)


def test_the_next_epoch_opens_on_both_sides() -> None:
    ours, theirs = keys(), peer()
    ours.install(send=OURS[1], receive=THEIRS[1])
    theirs.install(send=THEIRS[1], receive=OURS[1])

    assert theirs.open(Kind.AUDIO, ours.seal(Kind.AUDIO, FRAME), 0.0) == FRAME


def test_frames_of_the_old_epoch_open_until_ten_seconds_after_the_first_new() -> None:
    ours, theirs = keys(), peer()
    late = [theirs.seal(Kind.AUDIO, FRAME) for _ in range(2)]
    ours.install(send=OURS[1], receive=THEIRS[1])
    theirs.install(send=THEIRS[1], receive=OURS[1])
    ours.open(Kind.AUDIO, late[0], 100.0)  # long after, but none came under the new
    for _ in range(2):
        ours.open(Kind.AUDIO, theirs.seal(Kind.AUDIO, FRAME), 200.0)

    assert ours.open(Kind.AUDIO, late[1], 200.0 + OLD_S - 0.1) == FRAME


def test_frames_of_the_old_epoch_do_not_open_later() -> None:
    ours, theirs = keys(), peer()
    late = theirs.seal(Kind.AUDIO, FRAME)
    ours.install(send=OURS[1], receive=THEIRS[1])
    theirs.install(send=THEIRS[1], receive=OURS[1])
    ours.open(Kind.AUDIO, theirs.seal(Kind.AUDIO, FRAME), 200.0)

    with pytest.raises(MalformedError, match="key 0 is not one of this moment"):
        ours.open(Kind.AUDIO, late, 200.0 + OLD_S)


def test_a_key_that_was_used_is_not_installed_again() -> None:
    ours = keys()
    ours.install(send=OURS[1], receive=THEIRS[1])

    with pytest.raises(KeyReuseError):
        ours.install(send=OURS[0], receive=THEIRS[2])


def test_a_frame_that_comes_again_is_refused() -> None:
    ours, sealed = keys(), peer().seal(Kind.AUDIO, FRAME)
    ours.open(Kind.AUDIO, sealed, 0.0)

    with pytest.raises(MalformedError, match="came before"):
        ours.open(Kind.AUDIO, sealed, 0.0)


def test_sound_does_not_pass_for_a_picture() -> None:
    sealed = peer().seal(Kind.VIDEO, b"\x11\x00\x00rest")

    with pytest.raises(MalformedError):
        keys().open(Kind.AUDIO, sealed, 0.0)
