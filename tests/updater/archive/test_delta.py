"""Applying patches: the bundle's own bytes, or an error."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.updater.versions import (
    LIB_NEW,
    LIB_OLD,
    NEW_DATA,
    NEW_MANIFEST,
    NEW_SHA256,
    NEW_WHEELS,
    OLD_SHA256,
    SAME,
    new_bundle,
    old_bundle,
)
from tests.updater.wheels import with_row
from updater.archive import frames
from updater.archive.bundle import Bundle, Manifest, offset_of, open_bundle
from updater.archive.delta import Piece, apply_patch
from updater.archive.diff import make_patch
from updater.archive.extent import Extent, in_memory
from updater.archive.patch import (
    Members,
    Patch,
    PatchedMember,
    Row,
    Same,
    Whole,
    open_patch,
    write_patch,
)
from updater.errors import PatchError

MADE = make_patch((old_bundle(), OLD_SHA256), (new_bundle(), NEW_SHA256))
OPENED = open_patch(in_memory(MADE), product="ringfence")
PARTS = [part.read(0, part.size) for part in OPENED.parts]


def _pieces(patch: bytes, old: Bundle | None = None) -> list[Piece]:
    return list(
        apply_patch(
            old or old_bundle(),
            in_memory(patch),
            sha256=OLD_SHA256,
            new=NEW_SHA256,
            size=len(NEW_DATA),
        )
    )


def _apply(patch: bytes, old: Bundle | None = None) -> bytes:
    return b"".join(b"".join(piece.chunks) for piece in _pieces(patch, old))


def test_the_new_bundle_comes_out() -> None:
    assert _apply(MADE) == NEW_DATA


def test_pieces_follow_one_another() -> None:
    end = 0
    for piece in _pieces(MADE):
        assert piece.offset == end
        end += piece.size
    assert end == len(NEW_DATA)


def test_each_wheel_is_a_piece_of_its_own() -> None:
    found = {piece.wheel.name: piece.offset for piece in _pieces(MADE) if piece.wheel}

    assert found == {
        wheel.name: offset_of(NEW_MANIFEST, wheel.name) for wheel in NEW_MANIFEST.wheels
    }


@pytest.mark.parametrize(
    ("sha256", "new", "size"),
    [
        ("0" * 64, NEW_SHA256, len(NEW_DATA)),
        (OLD_SHA256, "0" * 64, len(NEW_DATA)),
        (OLD_SHA256, NEW_SHA256, len(NEW_DATA) + 1),
    ],
)
def test_a_patch_of_other_bundles_is_refused_at_once(
    sha256: str, new: str, size: int
) -> None:
    with pytest.raises(PatchError, match="patch: expected from"):
        apply_patch(old_bundle(), in_memory(MADE), sha256=sha256, new=new, size=size)


def test_a_patch_that_does_not_parse_is_refused_at_once() -> None:
    with pytest.raises(PatchError, match="to read within"):
        _pieces(MADE[:1000])


def _changed(
    name: str,
    change: Callable[[Row], Row],
    *,
    parts: list[bytes] | None = None,
    manifest: Manifest = NEW_MANIFEST,
) -> bytes:
    rows = tuple(
        change(row) if row.name == f"wheels/{name}" else row
        for row in OPENED.patch.rows
    )
    patch: Patch = replace(OPENED.patch, rows=rows)
    return b"".join(write_patch(patch, manifest, PARTS if parts is None else parts))


def _with_member(number: int, **changes: object) -> bytes:
    def change(row: Row) -> Row:
        assert isinstance(row, Members)
        members = list(row.members)
        members[number] = replace(members[number], **changes)  # type: ignore[arg-type]  # any field
        return replace(row, members=tuple(members))

    return _changed(LIB_NEW, change)


def _with_part(number: int, part: bytes) -> bytes:
    return _changed(
        "",
        lambda row: row,
        parts=[
            part if position == number else each for position, each in enumerate(PARTS)
        ],
    )


def _row(name: str) -> Row:
    return next(row for row in OPENED.patch.rows if row.name == f"wheels/{name}")


def _bent(name: str, **changes: object) -> bytes:
    """Change fields of one row."""
    return _changed(name, lambda row: replace(row, **changes))  # type: ignore[arg-type]  # any field


LIB = _row(LIB_NEW)
assert isinstance(LIB, Members)
COPIED = next(n for n, each in enumerate(LIB.members) if each.part is None)
CHANGED: PatchedMember = next(each for each in LIB.members if each.part is not None)
CHANGED_AT = LIB.members.index(CHANGED)
CHANGED_PART = CHANGED.part or 0
WHOLE = next(row for row in OPENED.patch.rows if isinstance(row, Whole) and row.old)

HOSTILE: dict[str, tuple[bytes, str]] = {
    "wrong-result": (
        _with_part(CHANGED_PART, frames.compress(bytes(CHANGED.size), b"", level=1)),
        "bytes, came|expected SHA-256",
    ),
    "part-empty": (_with_part(CHANGED_PART, b""), "expected one frame"),
    "part-garbage": (_with_part(CHANGED_PART, b"\xff" * 40), "a frame of ours"),
    "part-longer": (
        _with_part(CHANGED_PART, PARTS[CHANGED_PART] + b"x"),
        "expected one frame",
    ),
    "part-bomb": (
        _with_part(CHANGED_PART, frames.compress(bytes(1 << 24), b"", level=1)),
        "came more",
    ),
    "skeleton-wrong": (
        _with_part(
            LIB.skeleton[0], frames.compress(bytes(LIB.skeleton[1]), b"", level=1)
        ),
        "expected SHA-256",
    ),
    "skeleton-size": (
        _bent(LIB_NEW, skeleton=(LIB.skeleton[0], 9)),
        "came more",
    ),
    "member-beyond": (
        _with_member(-1, at=LIB.skeleton[1] + 1),
        "a place within",
    ),
    "member-level": (_with_member(CHANGED_AT, level=1), "bytes, came|SHA-256"),
    "member-as-is": (_with_member(CHANGED_AT, level=0), "bytes, came|SHA-256"),
    "member-size-low": (_with_member(CHANGED_AT, size=CHANGED.size - 1), "came more"),
    "member-size-high": (
        _with_member(CHANGED_AT, size=CHANGED.size + 1),
        "expected one frame",
    ),
    "member-of-nothing": (
        _with_member(CHANGED_AT, old="lib/none.py"),
        "'lib/none.py': expected in the old wheel",
    ),
    "member-of-another": (
        _with_member(CHANGED_AT, old="lib-1.0.dist-info/WHEEL"),
        "each old member|expected|frame",
    ),
    "copied-size": (_with_member(COPIED, size=99_999), "expected 99999 bytes, came"),
    "old-missing": (
        _bent(LIB_NEW, old="wheels/none.whl"),
        "'wheels/none.whl': expected in the old bundle",
    ),
    "old-another": (
        _bent(LIB_NEW, old=f"wheels/{SAME}"),
        "frame|expected",
    ),
    "whole-old-missing": (
        _bent(WHOLE.name[7:], old="wheels/none.whl"),
        "'wheels/none.whl': expected in the old bundle",
    ),
    "whole-without-old": (
        _bent(WHOLE.name[7:], old=None),
        "frame|SHA-256",
    ),
    "same-but-not": (
        _changed(
            "",
            lambda row: row,
            manifest=with_row(
                NEW_MANIFEST,
                [each.file for each in NEW_MANIFEST.wheels].index(SAME),
                sha256="0" * 64,
            ),
        ),
        "expected in the old bundle too",
    ),
    "other-manifest": (
        _changed(
            "", lambda row: row, manifest=with_row(NEW_MANIFEST, 0, sha256="0" * 64)
        ),
        "expected SHA-256 0000",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_patch_gives_no_bundle(case: str) -> None:
    data, why = HOSTILE[case]

    with pytest.raises(PatchError, match=why):
        _apply(data)


def test_a_prefix_larger_than_a_window_is_refused() -> None:
    old = old_bundle()
    huge = with_row(old.manifest, 0, size=frames.MAX_PREFIX_BYTES + 1)
    extent = Extent(old.extent.read_at, frames.MAX_PREFIX_BYTES * 2)
    odd = Bundle(extent, huge, old.offsets)

    with pytest.raises(PatchError, match="expected at most 134217728 bytes to refer"):
        _apply(MADE, odd)


def test_a_wheel_that_fails_leaves_the_others_good() -> None:
    data = bytearray()
    failed: list[str] = []
    for piece in _pieces(HOSTILE["wrong-result"][0]):
        try:
            data += b"".join(piece.chunks)
        except PatchError:
            assert piece.wheel is not None
            failed.append(piece.wheel.file)
            # As from a mirror: these bytes of the bundle, and no others.
            data += NEW_DATA[piece.offset : piece.offset + piece.size]

    assert failed == [LIB_NEW]
    assert bytes(data) == NEW_DATA


def test_an_old_bundle_that_is_damaged_is_noticed() -> None:
    old = old_bundle()
    data = bytearray(old.extent.read(0, old.extent.size))
    data[offset_of(old.manifest, f"wheels/{LIB_OLD}") + 50] ^= 1
    damaged = replace(old, extent=in_memory(bytes(data)))

    with pytest.raises(PatchError):
        _apply(MADE, damaged)


@given(st.integers(0, len(MADE) - 1), st.integers(1, 255))
@settings(max_examples=60)
def test_a_changed_patch_gives_the_wheels_or_an_error(
    position: int, change: int
) -> None:
    # Of a changed manifest only the hash of the whole can tell: the caller has it.
    mangled = bytearray(MADE)
    mangled[position] ^= change
    try:
        found = _apply(bytes(mangled))
    except PatchError:
        return

    wheels = open_bundle(in_memory(found)).manifest.wheels
    assert [each.sha256 for each in wheels] == [
        each.sha256 for each in NEW_MANIFEST.wheels
    ]


def test_the_wheels_of_these_tests_are_of_every_kind() -> None:
    assert {type(row) for row in OPENED.patch.rows} == {Same, Whole, Members}
    assert len(NEW_WHEELS) == len(OPENED.patch.rows)
