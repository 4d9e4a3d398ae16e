"""What a parser makes of a good text that somebody damaged."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from updater.errors import MalformedError

T = TypeVar("T")


def assert_one_spelling(
    parse: Callable[[bytes], T], write: Callable[[T], bytes], good: bytes
) -> None:
    """Expect `MalformedError` or the same bytes again, whatever is cut or changed."""
    assert write(parse(good)) == good
    for bad in damaged(good):
        try:
            value = parse(bad)
        except MalformedError:
            continue
        assert write(value) == bad


def damaged(good: bytes) -> Iterator[bytes]:
    """Give every prefix and suffix, one byte more, and a few changes of each byte."""
    for at in range(len(good)):
        yield good[:at]
        yield good[at + 1 :]
        yield good[:at] + good[at + 1 :]
        for change in (0x01, 0x20, 0x80):
            yield good[:at] + bytes([good[at] ^ change]) + good[at + 1 :]
    for more in (b"\n", b" ", b"\0", b"=", b"x"):
        yield good + more
        yield more + good
