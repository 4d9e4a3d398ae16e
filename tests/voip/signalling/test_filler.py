"""Bytes that look random and are not drawn one frame at a time."""

import zlib

import pytest

from voip.signalling.filler import Filler


def _key(count: int) -> bytes:
    return bytes(range(count))


@pytest.mark.parametrize("count", [0, 1, 4204, 8192])
def test_as_many_come_as_were_asked_for(count: int) -> None:
    assert len(Filler(_key)(count)) == count


def test_nothing_comes_twice() -> None:
    filler = Filler(_key)
    drawn = {filler(16) for _ in range(100)}

    assert len(drawn) == 100


def test_another_key_gives_other_bytes() -> None:
    assert Filler(_key)(64) != Filler(bytes)(64)


def test_nothing_in_it_can_be_said_shorter() -> None:
    filled = Filler(_key)(8192)

    assert len(zlib.compress(filled)) > len(filled)
