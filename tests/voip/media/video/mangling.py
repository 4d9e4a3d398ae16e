"""What the tests of parsers share: good bytes made bad in every small way."""

import contextlib
from collections.abc import Callable, Iterator

from voip.errors import MalformedError


def mangled(good: bytes) -> Iterator[bytes]:
    """Give every prefix, suffix and change of a byte."""
    for cut in range(len(good)):
        yield good[:cut]
        yield good[cut + 1 :]
        for change in (0x01, 0x80, 0xFF):
            yield good[:cut] + bytes((good[cut] ^ change,)) + good[cut + 1 :]
    yield good + b"\0"
    yield good + b"\xff"


def assert_only_malformed(parse: Callable[[bytes], object], good: bytes) -> None:
    """Show that a parser raises nothing but the one error, whatever is changed."""
    for case in mangled(good):
        with contextlib.suppress(MalformedError):
            parse(case)
