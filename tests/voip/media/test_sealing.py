"""Sealed frames: one size for sound, readable heads of pictures, no mixed streams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.description import Kind
from voip.errors import LimitError, MalformedError
from voip.media.sealing import clear_bytes, open_frame, seal_frame
from voip.media.sframe import Opener, Sealer, parse_header

KEY = bytes.fromhex("a1c797bbf59eef11f1df69c4a1d49588") + bytes(16)
KEY_FRAME = bytes.fromhex("1032009d012a80027001") + b"key frame data"
OTHER_FRAME = bytes.fromhex("b12a03") + b"other data"

FRAMES = [
    pytest.param(Kind.AUDIO, b"\xf8\xff\xfe", id="audio"),
    pytest.param(Kind.VIDEO, KEY_FRAME, id="key"),
    pytest.param(Kind.SCREEN, OTHER_FRAME, id="other"),
]


def opened(kind: Kind, sealed: bytes) -> bytes:
    opener = Opener(KEY, 0)
    return open_frame(
        kind,
        sealed,
        lambda data, metadata: opener.open(parse_header(data), data, metadata),
    )


@pytest.mark.parametrize(("kind", "frame"), FRAMES)
def test_a_frame_opens_to_what_was_sealed(kind: Kind, frame: bytes) -> None:
    assert opened(kind, seal_frame(Sealer(KEY, 0), kind, frame)) == frame


@pytest.mark.parametrize("size", [0, 3, 80, 158])
def test_sound_has_one_size(size: int) -> None:
    assert len(seal_frame(Sealer(KEY, 0), Kind.AUDIO, bytes(size))) == 177


@pytest.mark.parametrize("size", [159, 318])
def test_long_sound_has_one_other_size(size: int) -> None:
    assert len(seal_frame(Sealer(KEY, 0), Kind.AUDIO, bytes(size))) == 337


def test_sound_that_would_have_a_third_size_is_not_sealed() -> None:
    with pytest.raises(LimitError, match="at most 318 bytes, came 319"):
        seal_frame(Sealer(KEY, 0), Kind.AUDIO, bytes(319))


@pytest.mark.parametrize(("frame", "clear"), [(KEY_FRAME, 10), (OTHER_FRAME, 3)])
def test_the_head_of_a_picture_stays_readable(frame: bytes, clear: int) -> None:
    sealed = seal_frame(Sealer(KEY, 0), Kind.VIDEO, frame)

    assert sealed[:clear] == frame[:clear]


@pytest.mark.parametrize("frame", [KEY_FRAME, OTHER_FRAME])
def test_a_changed_head_of_a_picture_is_noticed(frame: bytes) -> None:
    sealed = bytearray(seal_frame(Sealer(KEY, 0), Kind.VIDEO, frame))
    sealed[2] ^= 1

    with pytest.raises(MalformedError, match="does not open"):
        opened(Kind.VIDEO, bytes(sealed))


def test_a_key_frame_does_not_pass_for_another() -> None:
    sealed = bytearray(seal_frame(Sealer(KEY, 0), Kind.VIDEO, KEY_FRAME))
    sealed[0] |= 1

    with pytest.raises(MalformedError):
        opened(Kind.VIDEO, bytes(sealed))


def test_sound_does_not_pass_for_a_picture() -> None:
    sealed = seal_frame(Sealer(KEY, 0), Kind.AUDIO, b"\xf8\xff\xfe")

    with pytest.raises(MalformedError):
        opened(Kind.VIDEO, sealed)


def test_a_camera_does_not_pass_for_a_screen() -> None:
    sealed = seal_frame(Sealer(KEY, 0), Kind.VIDEO, KEY_FRAME)

    with pytest.raises(MalformedError, match="does not open"):
        opened(Kind.SCREEN, sealed)


@pytest.mark.parametrize("frame", [b"", KEY_FRAME[:9], OTHER_FRAME[:2]])
def test_a_picture_shorter_than_its_head_is_refused(frame: bytes) -> None:
    with pytest.raises(MalformedError, match="vp8: expected at least"):
        clear_bytes(frame)


def test_padding_that_is_not_ours_is_refused() -> None:
    sealed = Sealer(KEY, 0).seal(b"\x00\x01\x02\x03", b"\x01")

    with pytest.raises(MalformedError, match="padding"):
        opened(Kind.AUDIO, sealed)


@given(st.sampled_from(Kind), st.binary(max_size=400))
def test_no_bytes_open_by_chance(kind: Kind, raw: bytes) -> None:
    with pytest.raises(MalformedError):
        opened(kind, raw)
