import pytest

from voip.errors import MalformedError
from voip.media.ends.ring import Ring


def test_sound_comes_out_as_it_went_in() -> None:
    ring = Ring(8)
    ring.push(b"abcd")
    ring.push(b"ef")

    assert (ring.pull(2), ring.pull(4), len(ring)) == (b"ab", b"cdef", 0)


def test_a_full_ring_forgets_the_oldest() -> None:
    ring = Ring(4)
    ring.push(b"abcdef")

    assert (ring.pull(4), ring.dropped) == (b"cdef", 2)


def test_a_dry_ring_gives_silence_and_keeps_what_it_has() -> None:
    ring = Ring(8)
    ring.push(b"ab")

    assert ring.pull(4) == bytes(4)
    assert (len(ring), ring.missing) == (2, 4)


def test_a_primed_ring_waits_until_enough_is_in() -> None:
    ring = Ring(8, prime=4)
    ring.push(b"ab")
    early = ring.pull(2)
    ring.push(b"cd")

    assert (early, ring.pull(2), ring.pull(2)) == (bytes(2), b"ab", b"cd")


def test_a_ring_that_ran_dry_is_primed_anew() -> None:
    ring = Ring(8, prime=4)
    ring.push(b"abcd")
    ring.pull(4)
    ring.pull(2)
    ring.push(b"ef")

    assert ring.pull(2) == bytes(2)


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(MalformedError, match="make an even length, got 3"):
        Ring(8).push(b"abc")
