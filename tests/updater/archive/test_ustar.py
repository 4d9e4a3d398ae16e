"""Canonical tar: the headers of the writer, and nothing else."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.wheels import EPOCH, sha256
from updater.archive import ustar
from updater.archive.extent import in_memory
from updater.archive.names import check_path
from updater.archive.ustar import (
    Member,
    check_bytes,
    ending,
    format_header,
    padding,
    parse_header,
    read_members,
)
from updater.errors import MalformedError

LONG = "wheels/" + "x" * 101 + ".whl"


def _tar(*members: tuple[Member, bytes]) -> bytes:
    body = b"".join(
        format_header(member) + data + padding(len(data)) for member, data in members
    )
    return body + ending(len(body))


def _is_path(name: str) -> bool:
    try:
        check_path(name)
    except MalformedError:
        return False
    return True


GOOD = _tar((Member("a", 3, mtime=EPOCH), b"abc"), (Member(LONG, 3), b"abc"))


def test_the_published_vector_comes_out() -> None:
    made = _tar(
        (Member("a", 3, mtime=EPOCH), b"abc"), (Member(LONG, 3, mtime=EPOCH), b"abc")
    )

    assert (len(made), sha256(made)) == (
        10_240,
        "4de4cdb767cb14869c5ca0f11c1920098fb92a9e13570980a80626cf10049c57",
    )


@pytest.mark.parametrize("executable", [False, True])
@pytest.mark.parametrize("name", ["a", "x" * 100, "x" * 101, "y" * 512])
@pytest.mark.parametrize("size", [0, 1, 512, 513])
def test_tarfile_writes_the_same(name: str, size: int, *, executable: bool) -> None:
    theirs = io.BytesIO()
    with tarfile.open(fileobj=theirs, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo(name)
        info.size, info.mtime = size, EPOCH
        info.mode = 0o755 if executable else 0o644
        tar.addfile(info, io.BytesIO(bytes(size)))
    member = Member(name, size, mtime=EPOCH, executable=executable)

    assert _tar((member, bytes(size))) == theirs.getvalue()


@given(
    name=st.text(min_size=1, max_size=300).filter(_is_path),
    size=st.integers(0, ustar.MAX_MEMBER_BYTES),
    mtime=st.integers(0, 8**11 - 1),
    executable=st.booleans(),
)
def test_headers_are_read_as_written(
    name: str, size: int, mtime: int, *, executable: bool
) -> None:
    member = Member(name, size, mtime=mtime, executable=executable)
    header = format_header(member)

    assert parse_header(in_memory(header), 0) == (member, len(header))


def test_members_are_given_with_their_bytes() -> None:
    found = [
        (member.name, part.read(0, part.size))
        for member, part in read_members(in_memory(GOOD), most=2)
    ]

    assert found == [("a", b"abc"), (LONG, b"abc")]


def test_an_empty_archive_has_no_members() -> None:
    assert list(read_members(in_memory(ending(0)), most=9)) == []


def test_more_members_than_allowed_are_refused() -> None:
    with pytest.raises(MalformedError, match="at most 1 members"):
        list(read_members(in_memory(GOOD), most=1))


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_byte_of_a_header_can_change_unseen(position: int, change: int) -> None:
    mangled = bytearray(GOOD)
    mangled[position] ^= change
    try:
        found = [
            format_header(member) + part.read(0, part.size) + padding(part.size)
            for member, part in read_members(in_memory(bytes(mangled)), most=9)
        ]
    except MalformedError:
        return

    # What can change is content, which a tar says nothing about.
    assert b"".join(found) == bytes(mangled[: len(b"".join(found))])


@pytest.mark.parametrize("length", range(0, len(GOOD), 97))
def test_no_part_of_an_archive_is_one(length: int) -> None:
    with pytest.raises(MalformedError):
        list(read_members(in_memory(GOOD[:length]), most=9))


def test_nothing_may_follow_the_end() -> None:
    with pytest.raises(MalformedError, match="expected 10240 bytes"):
        list(read_members(in_memory(GOOD + bytes(512)), most=9))


def _header(**changes: object) -> bytes:
    """Let tarfile write a header, with its right checksum."""
    info = tarfile.TarInfo("a")
    for name, value in changes.items():
        setattr(info, name, value)
    return info.tobuf(tarfile.PAX_FORMAT)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.LNKTYPE, "linkname": "b"},
        {"type": tarfile.CHRTYPE},
        {"type": tarfile.BLKTYPE},
        {"type": tarfile.FIFOTYPE},
        {"type": tarfile.DIRTYPE},
        {"type": tarfile.GNUTYPE_SPARSE},
        {"type": tarfile.GNUTYPE_LONGNAME},
        {"type": tarfile.XGLTYPE},
        {"type": tarfile.CONTTYPE},
        {"type": tarfile.AREGTYPE},
        {"mode": 0o4755},
        {"mode": 0o600},
        {"uid": 1},
        {"gid": 1},
        {"uname": "root"},
        {"gname": "root"},
        {"devmajor": 1, "type": tarfile.CHRTYPE},
        {"mtime": 1.5},
        {"name": "../a"},
        {"name": "/a"},
        {"name": "a/../../b"},
    ],
    ids=str,
)
def test_what_a_tar_can_say_beyond_files_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedError):
        parse_header(in_memory(_header(**changes) + bytes(2048)), 0)


def _pax(record: bytes, *, size: int | None = None) -> bytes:
    """Put a pax header with this record before a good header."""
    first = format_header(Member(LONG, 0))
    block = bytearray(first[:512])
    block[124:136] = b"%011o\0" % (len(record) if size is None else size)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + record + padding(len(record)) + first[-512:]


def test_the_pax_header_of_these_tests_is_a_good_one() -> None:
    record = b"%d path=%s\n" % (len(LONG) + 10, LONG.encode())

    assert parse_header(in_memory(_pax(record)), 0)[0].name == LONG


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (b"123 path=" + LONG.encode() + b"\n", "canonical header"),
        (b"0123 path=" + LONG.encode() + b"\n", "the one pax record"),
        (b"12 size=0000\n", "the one pax record"),
        (b"121 path=" + LONG.encode(), "the one pax record"),
        (b"110 path=" + b"x" * 100 + b"\n", "canonical header"),
        (b"121 path=" + b"\xff" * 111 + b"\n", "a name in UTF-8"),
        (b"121 path=../" + b"x" * 108 + b"\n", "relative path"),
        (b"x" * 529, "at most 528 bytes, came 529"),
    ],
)
def test_a_pax_header_carries_a_long_name_only(record: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        parse_header(in_memory(_pax(record) + bytes(1024)), 0)


def test_a_size_in_another_notation_is_refused() -> None:
    block = bytearray(format_header(Member("a", 0)))
    block[124:136] = b"\x80" + bytes(11)

    with pytest.raises(MalformedError, match="eleven octal digits"):
        parse_header(in_memory(bytes(block)), 0)


def test_bytes_are_given_back_when_they_are_right() -> None:
    assert check_bytes(in_memory(b"xabc"), 1, b"abc") == b"abc"


def test_padding_holds_nothing() -> None:
    with pytest.raises(MalformedError, match="as the writer writes them"):
        list(read_members(in_memory(GOOD.replace(b"abc\0", b"abcd", 1)), most=9))
