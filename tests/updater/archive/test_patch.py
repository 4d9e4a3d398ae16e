"""The patch file: rows and parts, each where it must be."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.mangled import assert_one_spelling
from tests.updater.wheels import manifest_of
from updater import jcs
from updater.archive.bundle import Manifest, bundle_size, format_manifest
from updater.archive.extent import Extent, in_memory
from updater.archive.patch import (
    MAX_PARTS,
    Members,
    Patch,
    PatchedMember,
    PatchFile,
    Row,
    Same,
    Whole,
    format_patch,
    open_patch,
    parse_patch,
    write_patch,
)
from updater.archive.ustar import Member, ending, format_header, padding
from updater.errors import MalformedError

WHEELS = {
    "a-2-py3-none-any.whl": bytes(30_000),
    "b-2-py3-none-any.whl": b"b" * 20,
    "c-2-py3-none-any.whl": b"c" * 30,
}
MANIFEST = manifest_of(WHEELS, version="2.0")
A, B, C = (wheel.name for wheel in MANIFEST.wheels)
OLD = "wheels/c-1-py3-none-any.whl"
MEMBER = PatchedMember(at=40, level=6, old="c/a.py", part=2, size=9)
COPIED = PatchedMember(at=90, level=0, old="c/b.py", part=None, size=5)
ROWS: tuple[Row, ...] = (
    Same(A),
    Whole(name=B, old=None, part=0, size=20),
    Members(name=C, old=OLD, size=30, skeleton=(1, 99), members=(MEMBER, COPIED)),
)
PATCH = Patch(old="0" * 64, new="1" * 64, size=bundle_size(MANIFEST), rows=ROWS)
PARTS = [b"part 0", b"", bytes(600)]
BODY = format_patch(PATCH)
GOOD = b"".join(write_patch(PATCH, MANIFEST, PARTS))


def _open(data: bytes) -> PatchFile:
    return open_patch(in_memory(data), product="ringfence")


def _write(patch: Patch, manifest: Manifest = MANIFEST) -> bytes:
    return b"".join(write_patch(patch, manifest, PARTS))


def _tar(*members: tuple[str, bytes]) -> bytes:
    body = b"".join(
        format_header(Member(name, len(data))) + data + padding(len(data))
        for name, data in members
    )
    return body + ending(len(body))


HEAD = (("patch.json", BODY), ("manifest.json", format_manifest(MANIFEST)))
NUMBERED = tuple((f"parts/{n:06}", part) for n, part in enumerate(PARTS))


def test_a_patch_is_a_tar_of_its_rows_the_manifest_and_the_parts() -> None:
    assert _tar(*HEAD, *NUMBERED) == GOOD


def test_it_is_read_as_written() -> None:
    found = _open(GOOD)

    assert (found.patch, found.manifest) == (PATCH, MANIFEST)
    assert [part.read(0, part.size) for part in found.parts] == PARTS


def test_rows_have_one_spelling() -> None:
    assert_one_spelling(parse_patch, format_patch, BODY)


@given(st.binary(max_size=64))
def test_any_bytes_are_rows_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_patch(data)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_changed_byte_changes_parts_or_is_refused(position: int, change: int) -> None:
    data = bytearray(GOOD)
    data[position] ^= change
    try:
        found = _open(bytes(data))
    except MalformedError:
        return

    parts = [part.read(0, part.size) for part in found.parts]
    assert b"".join(write_patch(found.patch, found.manifest, parts)) == bytes(data)


def _changed(**changes: jcs.Json) -> bytes:
    fields = jcs.parse(BODY, most=len(BODY))
    assert isinstance(fields, dict)
    return jcs.write(fields | changes)


def _rows(*rows: Row) -> bytes:
    return format_patch(replace(PATCH, rows=rows))


def _members(*members: PatchedMember, old: str = OLD) -> bytes:
    return _rows(Members(name=C, old=old, size=30, skeleton=(0, 99), members=members))


def _raw(**changes: jcs.Json) -> bytes:
    row: dict[str, jcs.Json] = {
        "how": "members",
        "members": [[0, 0, "a", None, 1]],
        "name": "wheels/c.whl",
        "old": "wheels/c.whl",
        "size": 1,
        "skeleton": [0, 1],
    }
    return _changed(wheels=[row | changes])


ONE = replace(MEMBER, part=1)

ROW_CASES: dict[str, tuple[bytes, str]] = {
    "not-json": (b"{", "not JSON"),
    "not-an-object": (b"[]", "expected an object"),
    "schema": (_changed(schema="ringfence-patch/2"), "schema: expected"),
    "from": (_changed(**{"from": "0"}), "from: .* does not match"),
    "to": (_changed(to=None), "to: expected a string"),
    "size": (_changed(size=2**29 + 1), "size: expected 0 to 536870912"),
    "more": (_changed(level=9), "has no place there"),
    "no-wheels": (_changed(wheels=[]), "1 to 512 items, came 0"),
    "many-wheels": (_changed(wheels=[{}] * 513), "1 to 512 items, came 513"),
    "row-not-an-object": (_changed(wheels=[1]), "how: expected same or whole"),
    "row-unknown": (_raw(how="bsdiff"), "how: expected same or whole or members"),
    "row-more": (_raw(more=1), "has no place there"),
    "row-less": (_changed(wheels=[{"how": "whole"}]), "'name' is missing"),
    "row-name": (_raw(name=""), "name: '' does not match"),
    "row-size": (_raw(size=0), "size: expected 1 to"),
    "row-old": (_raw(old=None), "old: expected a string"),
    "skeleton-one": (_raw(skeleton=[0]), "skeleton: expected 2 to 2 items"),
    "skeleton-part": (_raw(skeleton=[-1, 1]), "skeleton: expected 0 to 19999"),
    "skeleton-empty": (_raw(skeleton=[0, 0]), "skeleton: expected 1 to"),
    "skeleton-huge": (_raw(skeleton=[0, 2**25 + 1]), "skeleton: expected 1 to"),
    "no-members": (_raw(members=[]), "members: expected 1 to"),
    "member-short": (_raw(members=[[0, 0, "a", 1]]), "member: expected 5 to 5 items"),
    "member-at": (_raw(members=[[-1, 0, "a", 1, 1]]), "member at: expected 0"),
    "member-level": (_raw(members=[[0, 10, "a", 1, 1]]), "level: expected 0 to 9"),
    "member-old": (_raw(members=[[0, 0, 5, 1, 1]]), "old: expected a string"),
    "member-part": (_raw(members=[[0, 0, "a", MAX_PARTS, 1]]), "part: expected 0 to"),
    "member-huge": (_raw(members=[[0, 0, "a", 1, 2**28 + 1]]), "member size: expected"),
    "copied-from-nothing": (
        _raw(members=[[0, 0, None, None, 1]]),
        "expected an old one as is",
    ),
    "copied-and-deflated": (
        _raw(members=[[0, 6, "a", None, 1]]),
        "expected an old one as is",
    ),
    "members-falling": (
        _members(replace(ONE, at=9), replace(COPIED, at=8)),
        "rising offsets",
    ),
    "members-at-once": (
        _members(replace(ONE, at=9), replace(COPIED, at=9)),
        "rising offsets",
    ),
    "old-member-twice": (
        _members(ONE, replace(COPIED, old=ONE.old)),
        "each old member to be used once",
    ),
    "old-wheel-twice": (
        _rows(
            Whole(name=A, old=OLD, part=0, size=1),
            Whole(name=B, old=OLD, part=1, size=1),
        ),
        "each old wheel to be used once",
    ),
    "part-twice": (
        _rows(
            Whole(name=A, old=None, part=0, size=1),
            Whole(name=B, old=None, part=0, size=1),
        ),
        "parts in order",
    ),
    "part-left-out": (_rows(Whole(name=A, old=None, part=1, size=1)), "parts in order"),
    "parts-swapped": (
        _members(replace(ONE, part=2), replace(ONE, at=99, old=None, part=1)),
        "parts in order",
    ),
    "unpacked-huge": (
        _members(
            *(replace(ONE, at=n, old=None, part=n + 1, size=2**28) for n in range(9))
        ),
        "at most 2147483648 bytes unpacked",
    ),
}


@pytest.mark.parametrize("case", ROW_CASES)
def test_hostile_rows_are_refused(case: str) -> None:
    data, why = ROW_CASES[case]

    with pytest.raises(MalformedError, match=why):
        parse_patch(data)


def test_more_members_than_a_tree_has_files_are_refused() -> None:
    half = tuple(
        replace(COPIED, at=n, old=str(n), part=None, size=0) for n in range(20_001)
    )
    rows = (
        Members(name=A, old="x", size=1, skeleton=(0, 1), members=half),
        Members(name=B, old="y", size=1, skeleton=(1, 1), members=half),
    )

    with pytest.raises(MalformedError, match="at most 40000 members, came 40002"):
        parse_patch(_rows(*rows))


FILE_CASES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "to read within"),
    "cut": (GOOD[:-10_240], "to read within"),
    "longer": (GOOD + bytes(10_240), "expected 10240 bytes, came 20480"),
    "only-the-end": (ending(0), "expected patch.json"),
    "rows-missing": (_tar(*HEAD[1:], *NUMBERED), "expected patch.json"),
    "rows-huge": (
        format_header(Member("patch.json", 2**23 + 1)) + bytes(2**23 + 1024),
        "expected patch.json of at most",
    ),
    "manifest-missing": (_tar(HEAD[0], *NUMBERED), "expected manifest.json"),
    "manifest-late": (_tar(HEAD[0], *NUMBERED, HEAD[1]), "expected manifest.json"),
    "manifest-of-another": (
        _write(PATCH, replace(MANIFEST, name="evil")),
        "name: 'evil' does not match",
    ),
    "part-missing": (_tar(*HEAD, *NUMBERED[:-1]), "expected 3 parts, came 2"),
    "part-more": (
        _tar(*HEAD, *NUMBERED, ("parts/000003", b"")),
        "expected 3 parts, came 4",
    ),
    "part-out-of-order": (
        _tar(*HEAD, NUMBERED[1], NUMBERED[0], NUMBERED[2]),
        "expected 'parts/000000', came 'parts/000001'",
    ),
    "part-elsewhere": (
        _tar(*HEAD, ("../evil", b"")),
        "relative path",
    ),
    "part-executable": (
        GOOD.replace(
            format_header(Member("parts/000001", 0)),
            format_header(Member("parts/000001", 0, executable=True)),
        ),
        "expected 'parts/000001', came 'parts/000001'",
    ),
    "time": (
        _tar(*HEAD, *NUMBERED).replace(b"%011o" % 0, b"%011o" % 1, 1),
        "canonical header",
    ),
    "larger-than-half": (
        _write(replace(PATCH, size=2 * len(GOOD) - 1)),
        "at most half of 20479 bytes, came 10240",
    ),
    "size-by-manifest": (_write(replace(PATCH, size=PATCH.size + 512)), "to give"),
    "row-missing": (
        _write(replace(PATCH, rows=ROWS[1:])),
        "a row for each wheel of the manifest",
    ),
    "rows-swapped": (
        _write(replace(PATCH, rows=(ROWS[1], ROWS[0], ROWS[2]))),
        "a row for each wheel of the manifest",
    ),
    "row-of-another-size": (
        _write(
            replace(
                PATCH, rows=(ROWS[0], Whole(name=B, old=None, part=0, size=21), ROWS[2])
            )
        ),
        "expected 20 bytes, came 21",
    ),
}


@pytest.mark.parametrize("case", FILE_CASES)
def test_a_hostile_patch_is_refused(case: str) -> None:
    data, why = FILE_CASES[case]

    with pytest.raises(MalformedError, match=why):
        _open(data)


def test_more_parts_than_any_patch_has_are_refused() -> None:
    size = 512 * (MAX_PARTS + 50)
    rows = format_patch(replace(PATCH, size=2 * size))
    members = (("patch.json", rows), HEAD[1])
    first = _tar(*members).rstrip(b"\0")
    first += padding(len(first))

    def read_at(offset: int, wanted: int) -> bytes:
        part = format_header(Member(f"parts/{(offset - len(first)) // 512:06}", 0))
        return (first[offset:] or part)[:wanted]

    with pytest.raises(MalformedError, match="tar: expected at most 20002 members"):
        open_patch(Extent(read_at, size), product="ringfence")


def test_the_worked_example_is_what_comes_out() -> None:
    text = Path(__file__).parents[3].joinpath("docs/formats/patch.md").read_text()

    joined = re.sub(r"\n +", "", text)

    assert BODY.decode() in joined
