"""Wheels of strangers: one test for each rule, with an archive that breaks only it."""

import base64
import hashlib
import zipfile
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.archive.wheels import canonical_wheel, open_wheel
from tests.updater.wheels import (
    ABOUT,
    EPOCH,
    LIBRARY_NAME,
    Raw,
    deflated,
    raw_wheel,
    sha256,
    zipped,
)
from updater.archive.extent import in_memory
from updater.archive.packing import write_archive
from updater.archive.wheel import open_wheel as open_own_wheel
from updater.errors import MalformedError

CODE = Raw(name="lib/a.py", data=b"A = 1\n")
WHEEL = Raw(name=f"{ABOUT}/WHEEL", data=b"Wheel-Version: 1.0\n")
GOOD = zipped(raw_wheel([CODE, WHEEL]))


def wheel_of(*entries: Raw) -> bytes:
    return zipped(raw_wheel([*entries, WHEEL]))


def with_rows(*rows: bytes, about: str = ABOUT, extra: tuple[Raw, ...] = ()) -> bytes:
    """Make a wheel of `CODE` whose RECORD has these rows."""
    return zipped(raw_wheel([CODE, *extra], about=about, record=b"\n".join(rows)))


def row(raw: Raw, algorithm: str = "sha256", size: int | None = None) -> bytes:
    digest = hashlib.new(algorithm, raw.data).digest()
    encoded = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    length = len(raw.data) if size is None else size
    return f"{raw.name!s},{algorithm}={encoded},{length}".encode()


def test_a_good_wheel_gives_its_files() -> None:
    wheel = open_wheel(LIBRARY_NAME, GOOD)

    assert wheel.about == ABOUT
    assert {each.name: wheel.data(each) for each in wheel.entries}.items() >= {
        "lib/a.py": b"A = 1\n",
        f"{ABOUT}/WHEEL": b"Wheel-Version: 1.0\n",
    }.items()


BROKEN = {
    "S1-comment": (zipped(raw_wheel([CODE]), end={7: 1}, after=b"x"), "end record"),
    "S1-trailing": (GOOD + b"x", "end record"),
    "S1-counts": (zipped(raw_wheel([CODE]), end={3: 9}), "end record"),
    "S1-disk": (zipped(raw_wheel([CODE]), end={1: 1}), "end record"),
    "S1-zip64": (
        zipped(raw_wheel([CODE]), end={3: 0xFFFF, 4: 0xFFFF}),
        "at most 20000 entries",
    ),
    "S2-more": (
        zipped(raw_wheel([CODE]), end={3: 3, 4: 3}),
        "expected another entry",
    ),
    "S2-fewer": (zipped(raw_wheel([CODE]), end={3: 1, 4: 1}), "a directory of"),
    "S3-before": (b"x" + GOOD, "the directory to end"),
    "S3-gap": (wheel_of(replace(CODE, gap=b"x")), "where the one before ends"),
    "S3-between": (zipped(raw_wheel([CODE]), between=b"x"), "where the entries end"),
    "S4-name": (
        zipped(raw_wheel([replace(CODE, local={9: 7})])),
        "its own header says something else",
    ),
    "S4-crc": (
        zipped(raw_wheel([replace(CODE, local={6: 7})])),
        "its own header says something else",
    ),
    "S4-time": (
        zipped(raw_wheel([replace(CODE, local={4: 7})])),
        "its own header says something else",
    ),
    "S4-descriptor": (
        wheel_of(replace(CODE, flags=8, descriptor=b"PK\7\x08" + bytes(12))),
        "descriptor says something else",
    ),
    "S5-method": (wheel_of(replace(CODE, method=12)), "unknown method 12"),
    "S5-flags": (wheel_of(replace(CODE, flags=1)), "unknown flags 0x1"),
    "S5-zip64": (wheel_of(replace(CODE, extra=b"\1\0\0\0")), "0x0001 has no place"),
    "S5-unicode": (
        wheel_of(replace(CODE, local_extra=b"\x75\x70\0\0")),
        "0x7075 has no place",
    ),
    "S5-comment": (wheel_of(replace(CODE, comment=b"x")), "a plain directory entry"),
    "S6-climb": (wheel_of(replace(CODE, name="lib/../../a.py")), "relative path"),
    "S6-absolute": (wheel_of(replace(CODE, name="/a.py")), "relative path"),
    "S6-backslash": (wheel_of(replace(CODE, name="lib\\a.py")), "no backslash"),
    "S6-utf8": (wheel_of(replace(CODE, name="lib/\u00e9")), "ASCII, or UTF-8"),
    "S6-long": (wheel_of(replace(CODE, name="x" * 513)), "at most 512 bytes"),
    "S7-case": (wheel_of(CODE, replace(CODE, name="lib/A.py")), "came also as"),
    "S7-folder": (wheel_of(CODE, replace(CODE, name="lib/a.py/b")), "a folder above"),
    "S7-filled": (
        wheel_of(CODE, Raw(name="lib/", data=b"x", mode=0o040755)),
        "an empty folder",
    ),
    "S8-crc": (wheel_of(replace(CODE, sums=(1, 8, 6))), "expected CRC 00000001"),
    "S8-size": (
        wheel_of(replace(CODE, packed=deflated(b"A = 10\n"))),
        "expected 6 bytes",
    ),
    "S8-trailing": (
        wheel_of(replace(CODE, packed=deflated(CODE.data) + b"x")),
        "deflate to end",
    ),
    "S8-bomb": (
        wheel_of(replace(CODE, sums=(1, 8, 11 * 1024 * 1024))),
        "may not become",
    ),
    "S9-link": (wheel_of(replace(CODE, mode=0o120777)), "a regular file or folder"),
    "S9-setuid": (wheel_of(replace(CODE, mode=0o104755)), "no setuid"),
    "S10-none": (zipped([CODE]), "expected one folder"),
    "S10-two": (
        wheel_of(CODE, Raw(name="b-1.dist-info/x", data=b"")),
        "expected one folder",
    ),
    "S10-other": (
        zipped(raw_wheel([CODE], about="lib-2.0.dist-info")),
        "is of another wheel",
    ),
    "S10-missing": (zipped([CODE, WHEEL]), "RECORD' is missing"),
    "S10-unlisted": (with_rows(b""), "is not in both RECORD"),
    "S10-not-there": (with_rows(row(CODE), row(WHEEL)), "is not in both RECORD"),
    "S10-twice": (with_rows(row(CODE), row(CODE)), "stands twice"),
    "S10-hash": (
        with_rows(row(replace(CODE, data=b"A = 2\n"))),
        "RECORD says sha256",
    ),
    "S10-size": (with_rows(row(CODE, size=7)), "RECORD says 7 bytes"),
    "S10-no-size": (with_rows(row(CODE)[:-1]), "a SHA-2 and a size"),
    "S10-no-hash": (with_rows(b"lib/a.py,,6"), "a SHA-2 and a size"),
    "S10-nothing": (with_rows(b"lib/a.py,,"), "a SHA-2 and a size"),
    "S10-md5": (with_rows(row(CODE, "md5")), "a SHA-2 and a size"),
    "S10-sha1": (with_rows(row(CODE, "sha1")), "a SHA-2 and a size"),
    "S10-base64": (with_rows(b"lib/a.py,sha256=!,6"), "expected base64"),
    "S10-short": (with_rows(b"lib/a.py,sha256=QQ,6"), "expected 32 bytes"),
    "S10-own": (
        with_rows(row(CODE), f"{ABOUT}/RECORD,sha256=QQ,6".encode()),
        "expected 32 bytes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_wheel_that_breaks_one_rule_is_refused(case: str) -> None:
    data, why = BROKEN[case]

    with pytest.raises(MalformedError, match=why):
        open_wheel(LIBRARY_NAME, data)


def test_a_bad_crc_is_found_where_no_row_has_a_hash() -> None:
    signature = Raw(name=f"{ABOUT}/RECORD.jws", data=b"{}", sums=(1, 4, 2))

    with pytest.raises(MalformedError, match="expected CRC"):
        open_wheel(LIBRARY_NAME, with_rows(row(CODE), extra=(signature,)))


@pytest.mark.parametrize("name", ["RECORD.jws", "RECORD.p7s"])
def test_a_signature_needs_no_row(name: str) -> None:
    signature = Raw(name=f"{ABOUT}/{name}", data=b"{}")
    wheel = open_wheel(LIBRARY_NAME, with_rows(row(CODE), extra=(signature,)))

    assert f"{ABOUT}/{name}" in {entry.name for entry in wheel.entries}


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_a_record_may_use_any_sha2(algorithm: str) -> None:
    assert open_wheel(LIBRARY_NAME, with_rows(row(CODE, algorithm))).about == ABOUT


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_record_may_list_itself_and_end_its_lines_as_windows_does(
    ending: bytes,
) -> None:
    record = row(CODE) + ending + f"{ABOUT}/RECORD,,".encode() + ending
    wheel = zipped(raw_wheel([CODE], record=record))

    assert open_wheel(LIBRARY_NAME, wheel).about == ABOUT


@pytest.mark.parametrize(
    "name", ["lib-1.0.data/scripts/lib", "lib.pth", "lib/__pycache__/a.pyc"]
)
def test_what_we_would_not_install_can_be_compared(name: str) -> None:
    data = wheel_of(CODE, Raw(name=name, data=b"x"))

    with pytest.raises(MalformedError):
        open_own_wheel(LIBRARY_NAME, in_memory(data))
    assert open_wheel(LIBRARY_NAME, data).name == LIBRARY_NAME


def test_how_a_backend_packs_does_not_matter() -> None:
    script = Raw(name="lib/run.sh", data=b"#!/bin/sh\n", mode=0o100775)
    folder = Raw(name="lib/", mode=0o040755)
    entries = raw_wheel([script, CODE, WHEEL])
    shuffled = [folder, *reversed(entries)]
    stored = [
        replace(each, method=0, flags=2, mode=each.mode | 0o22) for each in entries
    ]
    made = {
        canonical_wheel(zipped(each), LIBRARY_NAME, EPOCH)
        for each in (entries, shuffled, stored)
    }

    assert len(made) == 1


def test_names_contents_and_executable_bits_are_kept() -> None:
    script = Raw(name="lib/run.sh", data=b"#!/bin/sh\n", mode=0o100775)
    made = canonical_wheel(wheel_of(CODE, script), LIBRARY_NAME, EPOCH)
    with zipfile.ZipFile(BytesIO(made)) as theirs:
        found = {
            each.filename: (theirs.read(each), each.external_attr >> 16)
            for each in theirs.infolist()
        }

    assert (
        found.items()
        >= {
            "lib/a.py": (b"A = 1\n", 0o100644),
            "lib/run.sh": (b"#!/bin/sh\n", 0o100755),
        }.items()
    )


def test_a_canonical_wheel_stays_as_it_is() -> None:
    once = canonical_wheel(GOOD, LIBRARY_NAME, EPOCH)

    assert canonical_wheel(once, LIBRARY_NAME, EPOCH) == once


def test_the_frozen_vector_comes_out() -> None:
    made = canonical_wheel(GOOD, LIBRARY_NAME, EPOCH)

    assert (len(made), sha256(made)) == (
        552,
        "731816ca8ca7c863fb1681efb243de985a0978a1e2167cea808062eafea4ef9d",
    )


def test_a_wheel_is_read_by_its_name() -> None:
    with pytest.raises(MalformedError, match="expected the file name of a wheel"):
        canonical_wheel(GOOD, "lib.zip", EPOCH)


@given(
    st.sampled_from([GOOD, write_archive([], EPOCH)]),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=3),
    st.integers(0, 2000),
)
def test_any_bytes_give_a_wheel_or_one_error(
    good: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    mangled = bytearray(good[: max(cut, 1)])
    for position, value in changes:
        mangled[position % len(mangled)] = value
    try:
        wheel = open_wheel(LIBRARY_NAME, bytes(mangled))
    except MalformedError:
        return

    # What is left are fields without a meaning: times, and who made it.
    assert {each.name for each in wheel.entries} == {
        "lib/a.py", f"{ABOUT}/WHEEL", f"{ABOUT}/RECORD",
    }  # fmt: skip
