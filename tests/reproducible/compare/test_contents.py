"""How contents differ, in words."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.compare.contents import TEXT_BYTES, Change, describe

BIG = bytes(range(256)) * (TEXT_BYTES // 128)


def _words(published: bytes, rebuilt: bytes) -> str:
    found = describe([published], [rebuilt])
    assert found is not None
    return found.words


@pytest.mark.parametrize("data", [b"", b"text\n", BIG])
def test_the_same_contents_do_not_differ(data: bytes) -> None:
    assert describe([data], [data]) is None


@pytest.mark.parametrize(
    ("published", "rebuilt", "words"),
    [
        (b"a\nb\nc\n", b"a\nx\nc\n", "1 line"),
        (b"a\nb\n", b"a\nb\nc\nd\n", "2 lines"),
        (b"a\nb\nb\n", b"a\nb\n", "1 line"),
        (b"a\nb\n", b"b\na\n", "lines in another order"),
        (b"a\r\nb\n", b"a\nb\n", "line endings"),
        (b"", b"a\n", "1 line"),
    ],
)
def test_lines_of_text_are_counted(
    published: bytes, rebuilt: bytes, words: str
) -> None:
    assert _words(published, rebuilt) == words


@pytest.mark.parametrize(
    ("published", "rebuilt", "words"),
    [
        (b"\0abcd", b"\0abxd", "1 byte from 0x3 on"),
        (b"\0abcd", b"\0axxd", "2 bytes from 0x2 on"),
        (b"\xffabc", b"\xffab", "from 0x3 on, 4 bytes published, 3 rebuilt"),
        (b"text", b"\0", "from 0x0 on, 4 bytes published, 1 rebuilt"),
        (BIG, BIG[:-1] + b"\0", "1 byte from 0x7ffff on"),
        (BIG, b"\1" + BIG[1:-1] + b"\0", "2 bytes from 0x0 on"),
        (
            BIG[:TEXT_BYTES],
            BIG,
            "from 0x40000 on, 262144 bytes published, 524288 rebuilt",
        ),
        (b"x" * TEXT_BYTES + b"y", b"x" * TEXT_BYTES + b"z", "1 byte from 0x40000 on"),
    ],
    ids=[
        "byte",
        "bytes",
        "shorter",
        "text-and-not",
        "far",
        "far-apart",
        "prefix",
        "large-text",
    ],
)
def test_bytes_of_what_is_no_text_are_counted(
    published: bytes, rebuilt: bytes, words: str
) -> None:
    assert _words(published, rebuilt) == words


@pytest.mark.parametrize(
    ("magic", "kind"),
    [
        (b"\x7fELF", "ELF"),
        (b"MZ\x90\0", "PE"),
        (b"\xcf\xfa\xed\xfe", "Mach-O"),
        (b"\xca\xfe\xba\xbe", "Mach-O"),
    ],
)
def test_machine_code_is_named(magic: bytes, kind: str) -> None:
    found = describe([magic + b"\0"], [magic + b"\1"])

    assert found == Change(native=True, words=f"{kind}, 1 byte from 0x4 on")


def test_code_that_takes_the_place_of_a_text_is_native() -> None:
    found = describe([b"import os\n"], [b"\x7fELF\0\0\0\0\0\0"])

    assert found == Change(native=True, words="ELF, 10 bytes from 0x0 on")


def test_text_that_begins_like_a_program_is_text() -> None:
    assert describe([b"MZ = 1\n"], [b"MZ = 2\n"]) == Change(
        native=False, words="1 line"
    )


def _cut(data: bytes, size: int) -> Iterable[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@given(st.binary(max_size=64), st.binary(max_size=64), st.integers(1, 9))
def test_how_contents_come_in_pieces_is_all_one(
    published: bytes, rebuilt: bytes, size: int
) -> None:
    found = describe(_cut(published, size), _cut(rebuilt, size + 1))

    assert found == describe([published], [rebuilt])


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_nothing_is_said_of_equal_contents_alone(
    published: bytes, rebuilt: bytes
) -> None:
    assert (describe([published], [rebuilt]) is None) == (published == rebuilt)
