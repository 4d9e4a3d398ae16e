import random
import struct

import pytest

from voip.errors import MalformedError
from voip.media.pattern import Sweep, Tone
from voip.media.similarity import similarity, similarity_of_pieces

SECOND = 2 * 48_000


def sweep(seconds: float) -> bytes:
    source = Sweep(seconds=1.5)
    return b"".join(source.read() for _ in range(round(seconds * 50)))


def noise(seconds: float, seed: int) -> bytes:
    luck = random.Random(seed)
    count = round(seconds * 48_000)
    return struct.pack(
        f"<{count}h", *(luck.randrange(-8000, 8000) for _ in range(count))
    )


def test_a_sound_is_like_itself() -> None:
    found = similarity(sweep(1), sweep(1))

    assert found.correlation > 0.9999
    assert found.lag_s == 0.0


def test_a_late_sound_is_found_to_the_sample() -> None:
    found = similarity(sweep(1), bytes(2 * 4801) + sweep(1))

    assert found.correlation > 0.9999
    assert found.lag_s == 4801 / 48_000


def test_a_sound_heard_from_its_middle_on_has_a_negative_lag() -> None:
    found = similarity(sweep(1), sweep(1)[SECOND // 4 :])

    assert found.correlation > 0.9999
    assert found.lag_s == -0.25


def test_volume_does_not_count() -> None:
    quiet = struct.pack(
        "<48000h", *(value // 8 for value in struct.unpack("<48000h", sweep(1)))
    )

    assert similarity(sweep(1), quiet).correlation > 0.99


def test_another_sound_is_not_alike() -> None:
    assert abs(similarity(noise(0.5, seed=1), noise(0.5, seed=2)).correlation) < 0.1


def test_a_tone_against_another_is_not_alike() -> None:
    low, high = Tone(300.0), Tone(1250.0)
    a = b"".join(low.read() for _ in range(30))
    b = b"".join(high.read() for _ in range(30))

    assert abs(similarity(a, b).correlation) < 0.1


def test_half_noise_is_half_alike() -> None:
    clean, dirt = sweep(0.5), noise(0.5, seed=3)
    mixed = struct.pack(
        "<24000h",
        *(
            a + b
            for a, b in zip(
                struct.unpack("<24000h", clean),
                struct.unpack("<24000h", dirt),
                strict=True,
            )
        ),
    )

    assert 0.5 < similarity(clean, mixed).correlation < 0.99


def test_an_upside_down_sound_is_never_better_than_alike() -> None:
    upside_down = struct.pack(
        "<48000h", *(-value for value in struct.unpack("<48000h", sweep(1)))
    )

    assert similarity(sweep(1), upside_down, max_lag_s=0.0).correlation < 0


def test_silence_is_like_nothing() -> None:
    assert similarity(sweep(0.5), bytes(SECOND // 2)).correlation == 0.0


@pytest.mark.parametrize("short", [b"", bytes(2 * 4000)])
def test_under_100_ms_there_is_nothing_to_compare(short: bytes) -> None:
    found = similarity(sweep(0.5), short)

    assert (found.correlation, found.lag_s) == (0.0, 0.0)


@pytest.mark.parametrize("pair", [(b"\0", b""), (b"", b"\0\0\0")])
def test_half_a_sample_is_refused(pair: tuple[bytes, bytes]) -> None:
    with pytest.raises(MalformedError, match="make an even length, got"):
        similarity(*pair)


def stretched(pcm: bytes) -> bytes:
    """Leave out 5 ms of every 1.2 s."""
    step, gap = SECOND * 6 // 5, 2 * 240
    return b"".join(pcm[at : at + step - gap] for at in range(0, len(pcm), step))


def test_a_stretched_sound_is_alike_piece_by_piece() -> None:
    said = noise(3, seed=1)
    heard = bytes(4800) + stretched(said)

    assert similarity(said, heard).correlation < 0.6
    assert similarity_of_pieces(said, heard).correlation > 0.8


def test_another_sound_is_not_alike_in_pieces_either() -> None:
    found = similarity_of_pieces(noise(1, seed=1), noise(1, seed=2))

    assert abs(found.correlation) < 0.4


def test_silence_and_too_little_sound_are_like_nothing() -> None:
    said = noise(1, seed=1)

    assert similarity_of_pieces(said, bytes(SECOND)).correlation == 0.0
    assert similarity_of_pieces(said, said[:4000]).correlation == 0.0


def test_what_was_heard_after_the_end_is_like_nothing() -> None:
    said = noise(1, seed=1)
    found = similarity_of_pieces(said, said + noise(1, seed=3))

    assert 0.3 < found.correlation < 0.8
