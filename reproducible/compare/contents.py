"""How the contents of one file differ, in words.

Read in step and forgotten, so that libraries of a hundred megabytes cost no memory, and
in a time that grows with their size alone: lines are counted, never aligned.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

TEXT_BYTES = 256 * 1024
"""What is larger is not read as text: nobody reads a line count of a data file."""

_NATIVE = {
    b"\x7fELF": "ELF",
    b"MZ": "PE",
    b"\xfe\xed\xfa\xce": "Mach-O",
    b"\xfe\xed\xfa\xcf": "Mach-O",
    b"\xce\xfa\xed\xfe": "Mach-O",
    b"\xcf\xfa\xed\xfe": "Mach-O",
    b"\xca\xfe\xba\xbe": "Mach-O",
}
"""How programs and libraries begin (System V ABI, PE, Mach-O and its fat form)."""


@dataclass(frozen=True, slots=True)
class Change:
    """How two contents differ; `native` if either is machine code."""

    native: bool
    words: str


@dataclass(slots=True)
class _Spread:
    """Where bytes differ, as far as has been read."""

    published: int = 0
    rebuilt: int = 0
    first: int | None = None
    count: int = 0


def describe(published: Iterable[bytes], rebuilt: Iterable[bytes]) -> Change | None:
    """Say how contents differ, None if they do not.

    Whatever reading them raises passes through.
    """
    spread, heads = _Spread(), (b"", b"")
    pairs = zip_longest(_pieces(published), _pieces(rebuilt), fillvalue=b"")
    for number, (theirs, ours) in enumerate(pairs):
        if not number:
            heads = theirs, ours
        _compare(theirs, ours, spread)
    if spread.first is None:
        return None
    if max(spread.published, spread.rebuilt) <= TEXT_BYTES and all(
        map(_is_text, heads)
    ):
        return Change(native=False, words=_lines(*heads))
    kinds = {
        kind
        for head in heads
        for magic, kind in _NATIVE.items()
        if head[:4].startswith(magic)
    }
    words = [*sorted(kinds), _bytes(spread, spread.first)]
    return Change(native=bool(kinds), words=", ".join(words))


def counted(count: int, noun: str) -> str:
    """Write `1 line`, `2 lines`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut anew: all pieces but the last have `TEXT_BYTES`."""
    pending = b""
    for chunk in chunks:
        pending += chunk
        while len(pending) > TEXT_BYTES:
            yield pending[:TEXT_BYTES]
            pending = pending[TEXT_BYTES:]
    yield pending


def _compare(theirs: bytes, ours: bytes, spread: _Spread) -> None:
    """Note where two pieces that stand at the same place differ."""
    at = max(spread.published, spread.rebuilt)
    spread.published += len(theirs)
    spread.rebuilt += len(ours)
    if theirs == ours:
        return
    common = min(len(theirs), len(ours))
    # One operation over all bytes: a loop over them would take minutes for a library.
    odd = int.from_bytes(theirs[:common]) ^ int.from_bytes(ours[:common])
    marks = odd.to_bytes(common)
    spread.count += common - marks.count(0)
    if spread.first is None:
        spread.first = at + common - len(marks.lstrip(b"\0"))


def _bytes(spread: _Spread, first: int) -> str:
    start = f"from {first:#x} on"
    if spread.published == spread.rebuilt:
        return f"{counted(spread.count, 'byte')} {start}"
    return f"{start}, {spread.published} bytes published, {spread.rebuilt} rebuilt"


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


def _lines(published: bytes, rebuilt: bytes) -> str:
    if published.replace(b"\r\n", b"\n") == rebuilt.replace(b"\r\n", b"\n"):
        return "line endings"
    theirs, ours = Counter(published.split(b"\n")), Counter(rebuilt.split(b"\n"))
    odd = max((theirs - ours).total(), (ours - theirs).total())
    return counted(odd, "line") if odd else "lines in another order"
