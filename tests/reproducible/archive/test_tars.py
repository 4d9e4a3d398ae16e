"""Tars of strangers: what is read, and all that is refused."""

import tarfile
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.archive.tars import Owner, TarEntry, read_tar
from tests.reproducible.archive.tarballs import (
    END,
    Form,
    extended,
    header,
    made_by_tarfile,
    pax,
)
from tests.updater.wheels import EPOCH
from updater.archive.ustar import Member, format_header, padding
from updater.errors import MalformedError

FORMS: dict[str, Form] = {
    "ustar": tarfile.USTAR_FORMAT,
    "gnu": tarfile.GNU_FORMAT,
    "pax": tarfile.PAX_FORMAT,
}
LINK = tarfile.SYMTYPE


def read(*parts: bytes) -> tuple[TarEntry, ...]:
    return read_tar(b"".join((*parts, END)))


def only(*parts: bytes) -> TarEntry:
    (entry,) = read(*parts)
    return entry


@pytest.mark.parametrize("form", FORMS)
def test_what_tarfile_writes_is_read(form: str) -> None:
    tar = made_by_tarfile(FORMS[form])
    found = [(e.name, e.kind, e.mode, e.executable, e.data(tar)) for e in read_tar(tar)]

    assert found == [
        ("t-1", "folder", 0o755, False, b""),
        ("t-1/\u00e9.txt", "file", 0o664, False, b"x\n"),
        ("t-1/run.sh", "file", 0o775, True, b"#!/bin/sh\n"),
        (f"t-1/{'long/' * 30}b.py", "file", 0o644, False, b"B = 1\n"),
    ]


@pytest.mark.parametrize("form", FORMS)
def test_times_and_owners_are_read(form: str) -> None:
    first = read_tar(made_by_tarfile(FORMS[form]))[0]

    assert first.mtime == EPOCH
    assert first.owner == Owner(1000, 100, user="builder", group="users")


def test_a_fraction_of_a_second_is_kept() -> None:
    tar = made_by_tarfile(mtime=EPOCH + 0.25)

    assert {entry.mtime for entry in read_tar(tar)} == {Decimal(f"{EPOCH}.25")}


def test_members_follow_one_another_from_start_to_end() -> None:
    tar = made_by_tarfile()
    entries = read_tar(tar)

    assert [entry.start for entry in entries] == [
        0,
        *(entry.end for entry in entries[:-1]),
    ]


def test_an_archive_may_be_empty() -> None:
    assert read() == ()


def test_more_members_than_allowed_are_refused() -> None:
    with pytest.raises(MalformedError, match="at most 3 members"):
        read_tar(made_by_tarfile(), most=3)


@pytest.mark.parametrize(
    ("tar", "why"),
    [
        (b"", "512 bytes at 0, came 0"),
        (header(), "512 bytes at 512, came 0"),
        (header() + bytes(512), "512 bytes at 1024, came 0"),
        (header() + bytes(1023), "512 bytes at 1024, came 511"),
        (header() + END + b"x", "nothing but zeros"),
        (header() + bytes(512) + header() + END, "nothing but zeros"),
        (header(size=2000) + END, "expected 2000 bytes"),
        (header(size=3) + b"abcd" + bytes(508) + END, "zeros after its bytes"),
    ],
    ids=range(8),
)
def test_an_archive_ends_with_zeros_and_is_whole(tar: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        read_tar(tar)


def test_a_wrong_checksum_is_refused() -> None:
    block = bytearray(header())
    block[0] ^= 1

    with pytest.raises(MalformedError, match="expected the checksum"):
        read(bytes(block))


@pytest.mark.parametrize("kind", [b"1", b"3", b"4", b"6", b"7", b"g", b"S", b"K", b"D"])
def test_members_of_other_types_are_refused(kind: bytes) -> None:
    with pytest.raises(MalformedError, match="expected a file, folder or link"):
        read(header(bent={156: kind}))


@pytest.mark.parametrize("kind", [b"0", b"\0"])
def test_both_types_of_files_are_files(kind: bytes) -> None:
    assert only(header(bent={156: kind})).kind == "file"


@pytest.mark.parametrize(
    ("bent", "why"),
    [
        ({257: b"ustar\x0001"}, "the mark of ustar or GNU"),
        ({257: bytes(8)}, "the mark of ustar or GNU"),
        ({257: b"ustar  \0", 345: b"t"}, "zeros where nothing"),
        ({500: b"x"}, "zeros where nothing"),
        ({329: b"0000001\0"}, "zeros where nothing"),
        ({337: b"0000001\0"}, "zeros where nothing"),
        ({0: b"t/a\0x"}, "zeros after a text"),
        ({265: b"u\0x"}, "zeros after a text"),
        ({100: b"000x644\0"}, "octal digits"),
        ({100: b"-000644\0"}, "octal digits"),
        ({136: b"\xff" * 12}, "octal digits"),
        ({136: b"\x80" + b"\xff" * 11}, "a decimal number"),
        ({0: b"t/\xff"}, "text in UTF-8"),
        ({100: b"0004755\0"}, "came mode 4755"),
        ({100: b"0002755\0"}, "came mode 2755"),
        ({100: b"0001755\0"}, "came mode 1755"),
        ({157: b"t/b"}, "no target of a file"),
        ({156: b"5", 124: b"00000000001\0"}, "no bytes of a folder"),
    ],
    ids=str,
)
def test_a_header_says_nothing_that_is_not_read(
    bent: dict[int, bytes], why: str
) -> None:
    with pytest.raises(MalformedError, match=why):
        read(header(bent=bent), bytes(512))


@pytest.mark.parametrize(
    "name", ["/a", "../a", "t/../../a", "t//a", "./a", "t\\a", "c:a", "t/a\n", "t/"]
)
def test_names_that_are_no_plain_paths_are_refused(name: str) -> None:
    with pytest.raises(MalformedError, match="path"):
        read(header(name))


@pytest.mark.parametrize(
    ("first", "second"),
    [("t/a", "t/a"), ("t/a", "T/A"), ("t/\u00e9", "t/e\u0301"), ("t/a", "t/a/b")],
)
def test_two_members_cannot_be_one_file(first: str, second: str) -> None:
    with pytest.raises(MalformedError, match="path"):
        read(header(first), header(second))


def test_a_prefix_stands_before_the_name() -> None:
    assert only(header(bent={345: b"top"})).name == "top/t/a"


def test_a_binary_number_is_read() -> None:
    assert only(header(bent={108: b"\x80\0\0\0\x77\x35\x94\0"})).owner.uid == 2 * 10**9


def test_an_empty_number_is_zero() -> None:
    assert only(header(bent={108: bytes(8)})).owner.uid == 0


@pytest.mark.parametrize("target", ["b", "../b", "../d/e/f", "d/e"])
def test_a_link_may_point_to_what_is_inside(target: str) -> None:
    found = only(header("t/d/l", type=LINK, linkname=target))

    assert (found.kind, found.target, found.executable) == ("link", target, False)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("t/d/l", "/etc/passwd"),
        ("t/d/l", "../../b"),
        ("t/d/l", "../../t/b"),
        ("t/l", "../t/b"),
        ("l", "../b"),
        ("t/d/l", "d/../../../b"),
        ("t/d/l", ".."),
        ("t/d/l", "../"),
        ("t/d/l", "."),
        ("t/d/l", "b\\c"),
        ("t/d/l", ""),
    ],
)
def test_a_link_that_might_leave_is_refused(name: str, target: str) -> None:
    with pytest.raises(MalformedError, match=r"path|target inside"):
        read(header(name, type=LINK, linkname=target))


def test_nothing_lies_below_a_link() -> None:
    with pytest.raises(MalformedError, match="expected a folder above it"):
        read(header("t/l", type=LINK, linkname="d"), header("t/l/a"))


def test_a_link_has_no_bytes() -> None:
    with pytest.raises(MalformedError, match="no bytes of a link"):
        read(header("t/l", 1, type=LINK, linkname="d"), bytes(512))


def test_pax_records_take_the_place_of_fields() -> None:
    found = only(
        pax(
            b"path=t/\xc3\xa9", b"mtime=1.5", b"uid=7", b"gid=8", b"uname=\xc3\xa9",
            b"gname=g",
        )
    )  # fmt: skip

    assert found.name == "t/\u00e9"
    assert found.mtime == Decimal("1.5")
    assert found.owner == Owner(7, 8, user="\u00e9", group="g")


def test_a_pax_record_may_repeat_the_size() -> None:
    assert only(pax(b"size=0")).size == 0


@pytest.mark.parametrize("size", [b"1", b"00", b"", b"-0", b"x"])
def test_a_member_has_one_size(size: bytes) -> None:
    with pytest.raises(MalformedError, match="expected one size, came two"):
        read(pax(b"size=" + size))


def test_a_pax_record_carries_the_target_of_a_link() -> None:
    long = "d/" * 60 + "a"
    found = only(header("t/l", type=LINK, linkname=long))

    assert found.target == long


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"12 path=t/a\n" * 2, "'path' has no place here, or twice"),
        (b"13 comment=x\n", "'comment' has no place"),
        (b"11 path=t/a\n", "whole pax records"),
        (b"13 path=t/a\n", "whole pax records"),
        (b"12 path=t/a", "whole pax records"),
        (b"12 path t/a\n", "whole pax records"),
        (b"012 path=t/a\n", "whole pax records"),
        (b"path=t/a\n", "whole pax records"),
        (b"12 path=t\0a\n", "whole pax records"),
        (b"11 PATH=ta\n", "whole pax records"),
        (b"12 mtime=-1\n", "a decimal number"),
        (b"12 mtime=1.\n", "a decimal number"),
        (b"11 uid=1.5\n", "a decimal number"),
        (b"11 uid=-10\n", "a decimal number"),
        (b"11 path=\xff\xff\n", "text in UTF-8"),
        (b"13 path=../a\n", "relative path"),
        (b"x" * 8193, "at most 8192 bytes before a member, came 8193"),
    ],
    ids=range(17),
)
def test_pax_records_are_read_strictly(content: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        read(extended(b"x", content))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"t/b", "a long name and a zero"),
        (b"t/b\0\0", "a long name and a zero"),
        (b"t/b\0c\0", "a long name and a zero"),
        (b"../b\0", "relative path"),
    ],
    ids=range(4),
)
def test_a_long_name_is_one_path_and_a_zero(content: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        read(extended(b"L", content))


def test_nothing_hides_behind_an_extension() -> None:
    tar = bytearray(extended(b"L", b"t/b\0"))
    tar[1023] = 1

    with pytest.raises(MalformedError, match="zeros after the extension"):
        read(bytes(tar))


@pytest.mark.parametrize("kind", [b"x", b"L"])
@pytest.mark.parametrize(
    ("bent", "why"),
    [
        ({0: b"t/\xff"}, "text in UTF-8"),
        ({100: b"x"}, "octal digits"),
        ({157: b"t/b"}, "no target before a member"),
        ({265: b"u\0x"}, "zeros after a text"),
        ({297: b"\xff"}, "text in UTF-8"),
    ],
    ids=str,
)
def test_nothing_hides_in_the_header_of_an_extension(
    kind: bytes, bent: dict[int, bytes], why: str
) -> None:
    content = b"t/b\0" if kind == b"L" else b"12 path=t/b\n"
    before = header("././@Before", len(content), bent={156: kind, **bent})
    tar = before + content + padding(len(content)) + header()

    with pytest.raises(MalformedError, match=why):
        read(tar)


@pytest.mark.parametrize("kind", [b"x", b"L"])
def test_a_member_has_one_extension(kind: bytes) -> None:
    first = extended(b"L", b"t/b\0")[:1024]

    with pytest.raises(MalformedError, match="expected a file, folder or link"):
        read(first, extended(kind, b"t/b\0"))


def test_an_extension_is_not_the_end() -> None:
    with pytest.raises(MalformedError, match="the mark of ustar"):
        read(extended(b"L", b"t/b\0")[:1024])


def test_our_own_headers_are_among_those_that_are_read() -> None:
    name = "t/" + "x" * 200
    found = only(format_header(Member(name, 0, mtime=EPOCH, executable=True)))

    assert (found.name, found.mode, found.mtime) == (name, 0o755, Decimal(EPOCH))


@given(
    st.sampled_from(sorted(FORMS)),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=4),
    st.integers(0, 6000),
)
def test_any_bytes_give_members_or_one_error(
    form: str, changes: list[tuple[int, int]], length: int
) -> None:
    tar = bytearray(made_by_tarfile(FORMS[form])[:length] + END)
    for position, value in changes:
        tar[position % len(tar)] = value
    try:
        entries = read_tar(bytes(tar))
    except MalformedError:
        return

    assert all(0 <= entry.start <= entry.header < entry.end for entry in entries)


@given(st.binary(max_size=520), st.binary(max_size=520))
def test_any_extension_gives_a_member_or_one_error(first: bytes, second: bytes) -> None:
    for kind, content in ((b"x", first), (b"L", second)):
        try:
            read(extended(kind, content))
        except MalformedError:
            continue
