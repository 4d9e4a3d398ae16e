"""Zips, strictly: what two readers could see differently is refused."""

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.wheels import Raw, deflated, zipped
from updater.archive import zips
from updater.archive.extent import CHUNK_BYTES, Extent, in_memory
from updater.archive.zips import contents, open_archive, skeleton, walk
from updater.errors import MalformedError

A = Raw(name="a.py", data=b"print(1)\n" * 20)
B = Raw(name="b/c.py", data=b"import a\n", method=0)
GOOD = zipped([A, B])
FOLDER = Raw(name="b/", method=0, mode=0o40755)


def _read(data: bytes) -> dict[str, bytes]:
    """Read a zip to its end."""
    archive = open_archive(in_memory(data))
    return {entry.name: b"".join(chunks) for entry, chunks in walk(archive, len)}


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "expected to read within 0 bytes"),
    "short": (b"PK\5\6" + bytes(17), "expected to read within 21 bytes"),
    "trailing": (GOOD + b"\0", "plain end record"),
    "trailing-zip": (GOOD + zipped([A], end={}), "directory to end at"),
    "comment": (zipped([A], end={7: 3}, after=b"abc"), "plain end record"),
    "comment-hides-end": (
        zipped([A], end={7: 22}, after=GOOD[-22:]),
        "directory to end at",
    ),
    "disk": (zipped([A], end={1: 1}), "plain end record"),
    "disk-of-directory": (zipped([A], end={2: 1}), "plain end record"),
    "counts-differ": (zipped([A], end={3: 2}), "plain end record"),
    "too-many": (zipped([A], end={3: 20_001, 4: 20_001}), "at most 20000 entries"),
    "count-high": (zipped([A], end={3: 2, 4: 2}), "another entry"),
    "count-low": (zipped([A, B], end={3: 1, 4: 1}), "expected a directory of"),
    "directory-size-wrong": (zipped([A], end={5: 51}), "directory to end at"),
    "directory-huge": (zipped([A], end={5: 2**31}), "directory of at most"),
    "directory-elsewhere": (zipped([A], end={6: 3}), "directory to end at"),
    "zip64-end": (
        zipped([A], end={3: 0xFFFF, 4: 0xFFFF, 5: 0xFFFFFFFF, 6: 0xFFFFFFFF}),
        "at most 20000 entries",
    ),
    "between": (zipped([A], between=b"PK\6\7" + bytes(16)), "where the entries end"),
    "before": (b"#!/bin/sh\n" + GOOD, "directory to end at"),
    "directory-mark": (zipped([Raw(central={0: b"PK\1\3"})]), "plain directory"),
    "gap": (zipped([Raw(name="a", gap=b"gap"), B]), "where the one before ends"),
    "overlap": (zipped([A, Raw(name="b", central={16: 0})]), "where the one before"),
    "order": (zipped([Raw(name="a", central={16: 31}), B]), "where the one before"),
    "local-mark": (zipped([Raw(local={0: b"PK\3\5"})]), "its own header"),
    "local-version": (zipped([Raw(local={1: 10})]), "its own header"),
    "local-flags": (zipped([Raw(local={2: 2})]), "its own header"),
    "local-method": (zipped([Raw(local={3: 0})]), "its own header"),
    "local-time": (zipped([Raw(local={4: 1})]), "its own header"),
    "local-date": (zipped([Raw(local={5: 34})]), "its own header"),
    "local-crc": (zipped([Raw(local={6: 1})]), "its own header"),
    "local-packed": (zipped([Raw(local={7: 9})]), "its own header"),
    "local-size": (zipped([Raw(local={8: 9})]), "its own header"),
    "local-name": (
        zipped([Raw(name="x.py")]).replace(b"x.py", b"y.py", 1),
        "its own header",
    ),
    "local-name-longer": (zipped([Raw(local={9: 20})]), "its own header"),
    "local-extra-beyond": (zipped([Raw(local={10: 0xFFFF})]), "to read within"),
    "sums-before-descriptor": (
        zipped([Raw(data=b"x", flags=8, local={8: 1})]),
        "its own header",
    ),
    "descriptor-differs": (
        zipped([Raw(flags=8, descriptor=b"PK\7\x08" + bytes(12))]),
        "its descriptor",
    ),
    "descriptor-unsigned": (
        zipped([Raw(flags=8, sums=(0, 2, 0), descriptor=struct.pack("<3L", 0, 2, 0))]),
        "its descriptor",
    ),
    "encrypted": (zipped([Raw(flags=1)]), "unknown flags 0x1"),
    "strongly-encrypted": (zipped([Raw(flags=0x40)]), "unknown flags 0x40"),
    "masked": (zipped([Raw(flags=0x2000)]), "unknown flags 0x2000"),
    "patched-data": (zipped([Raw(flags=0x20)]), "unknown flags 0x20"),
    "bzip2": (zipped([Raw(method=12)]), "unknown method 12"),
    "lzma": (zipped([Raw(method=14)]), "unknown method 14"),
    "zstd": (zipped([Raw(method=93)]), "unknown method 93"),
    "entry-comment": (zipped([Raw(comment=b"hi")]), "plain directory entry"),
    "entry-disk": (zipped([Raw(central={13: 1})]), "plain directory entry"),
    "extra-zip64": (zipped([Raw(extra=b"\1\0\0\0")]), "extra field 0x0001"),
    "extra-local-zip64": (zipped([Raw(local_extra=b"\1\0\0\0")]), "field 0x0001"),
    "extra-path": (zipped([Raw(extra=b"\x75\x70\0\0")]), "extra field 0x7075"),
    "extra-torn": (zipped([Raw(extra=b"UT\5\0abc")]), "whole extra fields"),
    "extra-stub": (zipped([Raw(extra=b"UT")]), "whole extra fields"),
    "extra-beyond": (zipped([Raw(central={11: 999})]), "at most 1024 bytes"),
    "extra-long": (zipped([Raw(extra=bytes(1028))]), "at most 1024 bytes, came 1028"),
    "name-beyond": (zipped([Raw(central={10: 999})]), "its own header"),
    "name-latin": (zipped([Raw(name=b"\xe9.py")]), "ASCII, or UTF-8 with flag"),
    "name-bad-utf8": (zipped([Raw(name=b"\xff", flags=0x800)]), "ASCII, or UTF-8"),
    "name-empty": (zipped([Raw(name=b"")]), "relative path"),
    "name-climbs": (zipped([Raw(name="../a")]), "relative path"),
    "name-climbs-later": (zipped([Raw(name="a/../../b")]), "relative path"),
    "name-absolute": (zipped([Raw(name="/etc/passwd")]), "relative path"),
    "name-drive": (zipped([Raw(name="C:/a")]), "no backslash"),
    "name-backslash": (zipped([Raw(name="..\\a")]), "no backslash"),
    "name-nul": (zipped([Raw(name="a\0.py")]), "control character"),
    "name-long": (zipped([Raw(name="a" * 513)]), "at most 512 bytes"),
    "name-slashes": (zipped([Raw(name="a//", mode=0)]), "relative path"),
    "twice": (zipped([A, A]), "expected once"),
    "case-twins": (zipped([Raw(name="a.py"), Raw(name="A.py")]), "expected once"),
    "unicode-twins": (
        zipped([Raw(name="\u00e9", flags=0x800), Raw(name="e\u0301", flags=0x800)]),
        "expected once",
    ),
    "file-as-folder": (zipped([Raw(name="a"), Raw(name="a/b")]), "came the file 'a'"),
    "file-and-folder": (zipped([Raw(name="b"), FOLDER]), "expected once"),
    "folder-full": (
        zipped([Raw(name="b/", data=b"x", method=0, mode=0o40755)]),
        "an empty folder",
    ),
    "folder-as-file": (zipped([Raw(name="b/", method=0)]), "regular file or folder"),
    "file-as-folder-mode": (zipped([Raw(mode=0o40755)]), "regular file or folder"),
    "link": (zipped([Raw(data=b"/etc", mode=0o120777)]), "regular file or folder"),
    "device": (zipped([Raw(mode=0o020666)]), "regular file or folder"),
    "fifo": (zipped([Raw(mode=0o010644)]), "regular file or folder"),
    "setuid": (zipped([Raw(mode=0o104755)]), "no setuid"),
    "setgid": (zipped([Raw(mode=0o102755)]), "no setuid"),
    "sticky": (zipped([Raw(mode=0o101755)]), "no setuid"),
    "stored-sizes": (
        zipped([Raw(method=0, packed=b"abc", sums=(0, 3, 2))]),
        "stored, expected 2 bytes",
    ),
    "entry-huge": (
        zipped([Raw(sums=(0, 2, zips.MAX_ENTRY_BYTES + 1))]),
        "may not become",
    ),
    "bomb-ratio": (
        zipped([Raw(sums=(0, 2, zips.RATIO_FREE_BYTES + 1))]),
        "2 bytes may not become",
    ),
    "bomb-total": (
        zipped(
            [
                Raw(name=str(n), packed=bytes(1 << 20), sums=(0, 1 << 20, 200 << 20))
                for n in range(11)
            ]
        ),
        "expected to unpack to",
    ),
    "bomb-lies": (
        zipped([Raw(packed=deflated(bytes(1 << 20)), sums=(0, 1033, 10))]),
        "expected 10 bytes",
    ),
    "crc": (zipped([Raw(data=b"abc", sums=(1, 5, 3))]), "expected CRC 00000001"),
    "crc-stored": (
        zipped([Raw(data=b"abc", method=0, sums=(1, 3, 3))]),
        "expected CRC 00000001",
    ),
    "size-low": (
        zipped([Raw(data=b"abc", sums=(zlib.crc32(b"abc"), 5, 2))]),
        "expected 2 bytes",
    ),
    "size-high": (
        zipped([Raw(data=b"abc", sums=(zlib.crc32(b"abc"), 5, 4))]),
        "expected 4 bytes",
    ),
    "not-deflate": (zipped([Raw(packed=b"\xff\xff")]), "expected deflate"),
    "deflate-cut": (
        zipped([Raw(data=b"abc", packed=deflated(b"abc")[:-1])]),
        "deflate to end",
    ),
    "deflate-none": (zipped([Raw(packed=b"")]), "deflate to end"),
    "deflate-more": (zipped([Raw(packed=deflated(b"") + b"x")]), "deflate to end"),
    "deflate-twice": (
        zipped([Raw(packed=deflated(b"") + deflated(b""))]),
        "deflate to end",
    ),
    "deflate-much-more": (
        zipped([Raw(packed=deflated(b"").ljust(CHUNK_BYTES) + b"more")]),
        "deflate to end",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_zip_is_refused(case: str) -> None:
    data, why = HOSTILE[case]

    with pytest.raises(MalformedError, match=why):
        _read(data)


def test_bytes_after_a_stream_that_ends_with_its_chunk_are_noticed() -> None:
    # Four stored blocks of deflate, RFC 1951 section 3.2.4: 65,536 bytes each.
    data = bytes(4 * 65_531)
    block = struct.pack("<2H", 65_531, 65_531 ^ 0xFFFF) + bytes(65_531)
    stream = b"\0" + block + b"\0" + block + b"\0" + block + b"\1" + block

    assert len(stream) == CHUNK_BYTES
    assert _read(zipped([Raw(data=data, packed=stream)])) == {"lib/a.py": data}
    with pytest.raises(MalformedError, match="deflate to end"):
        _read(zipped([Raw(data=data, packed=stream + b"x")]))


LENIENT: dict[str, Sequence[Raw]] = {
    "nothing": [],
    "stored-and-deflated": [A, B],
    "folders": [FOLDER, B],
    "folder-without-mode": [Raw(name="b/", method=0, mode=0)],
    "no-mode": [Raw(mode=0)],
    "unicode": [Raw(name="é.py", flags=0x800)],
    "ascii-as-utf8": [Raw(flags=0x800)],
    "effort": [Raw(flags=6)],
    "descriptor": [Raw(data=b"abc", flags=8), B],
    "extra": [Raw(extra=b"UT\1\0x", local_extra=b"UT\5\0abcde")],
    "big": [Raw(name="big", data=bytes(3 * CHUNK_BYTES + 7)), B],
    "incompressible": [Raw(name="big", data=bytes(range(256)) * 2_000, method=0)],
    "special": [Raw(name="a b,c\"d'.py")],
}


@pytest.mark.parametrize("case", LENIENT)
def test_zipfile_reads_the_same(case: str) -> None:
    data = zipped(LENIENT[case])
    with zipfile.ZipFile(io.BytesIO(data)) as theirs:
        expected = {
            info.filename.removesuffix("/"): theirs.read(info)
            for info in theirs.infolist()
        }

    assert _read(data) == expected


def test_what_zipfile_writes_is_read() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as theirs:
        theirs.writestr("a/b.py", b"x" * 9999)
        theirs.writestr("c.py", b"")

    assert _read(made.getvalue()) == {"a/b.py": b"x" * 9999, "c.py": b""}


@pytest.mark.parametrize(
    ("mode", "executable"),
    [(0o100755, True), (0o100645, True), (0o100644, False), (0, False), (0o755, False)],
)
def test_only_a_regular_file_is_executable(mode: int, *, executable: bool) -> None:
    archive = open_archive(in_memory(zipped([Raw(mode=mode)])))

    assert archive.entries[0].executable == executable


def test_one_entry_is_read_alone() -> None:
    archive = open_archive(in_memory(GOOD))

    assert b"".join(contents(archive, archive.entries[1])) == B.data


def test_walking_shows_every_byte_once_and_in_order() -> None:
    data = zipped([A, Raw(name="d", data=bytes(CHUNK_BYTES), flags=8), B])
    shown = bytearray()
    for _ in walk(open_archive(in_memory(data)), shown.extend):
        pass

    assert bytes(shown) == data


def test_the_skeleton_is_all_but_the_contents() -> None:
    data = zipped([Raw(name="a", data=b"CONTENT", method=0), Raw(name="b", method=0)])

    assert skeleton(open_archive(in_memory(data))) == data.replace(b"CONTENT", b"")


@pytest.mark.parametrize("position", [4, len(GOOD) - 10])
def test_a_header_that_changes_while_it_is_read_is_noticed(position: int) -> None:
    data = bytearray(GOOD)
    archive = open_archive(
        Extent(lambda offset, size: bytes(data[offset : offset + size]), len(data))
    )
    data[position] ^= 1

    with pytest.raises(MalformedError, match="have changed"):
        list(walk(archive, len))


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_changed_byte_never_changes_a_file(position: int, change: int) -> None:
    mangled = bytearray(GOOD)
    mangled[position] ^= change
    try:
        found = _read(bytes(mangled))
    except MalformedError:
        return

    # Left are the fields that say nothing about the contents, and names in both places.
    assert sorted(found.values()) == sorted([A.data, B.data])


@pytest.mark.parametrize("length", range(len(GOOD)))
def test_no_part_of_a_zip_is_one(length: int) -> None:
    with pytest.raises(MalformedError):
        _read(GOOD[:length])
    with pytest.raises(MalformedError):
        _read(GOOD[length + 1 :])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_zip_or_malformed(data: bytes) -> None:
    for suffix in (b"", GOOD[-22:]):
        try:
            _read(data + suffix)
        except MalformedError:
            continue
