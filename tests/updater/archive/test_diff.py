"""Making patches: each wheel in the way that is the smallest."""

from dataclasses import replace

import pytest

from tests.updater.versions import (
    APP_NEW,
    APP_OLD,
    CODE,
    FOREIGN_NEW,
    FRESH,
    LIB_NEW,
    NEW_DATA,
    NEW_MANIFEST,
    NEW_SHA256,
    OLD_SHA256,
    SAME,
    new_bundle,
    noise,
    old_bundle,
)
from tests.updater.wheels import (
    EPOCH,
    Raw,
    bundle_of,
    deflated_wheel,
    manifest_of,
    sha256,
    small_bundle,
    with_row,
    zipped,
)
from updater.archive import frames
from updater.archive.bundle import Bundle, open_bundle
from updater.archive.diff import make_patch
from updater.archive.extent import Extent, in_memory
from updater.archive.packing import pure_wheel
from updater.archive.patch import (
    Members,
    PatchedMember,
    PatchFile,
    Row,
    Same,
    Whole,
    open_patch,
)
from updater.errors import LimitError

PATCH = make_patch((old_bundle(), OLD_SHA256), (new_bundle(), NEW_SHA256))
FILE = open_patch(in_memory(PATCH), product="ringfence")
ROWS: dict[str, Row] = {
    row.name.removeprefix("wheels/"): row for row in FILE.patch.rows
}


def _members(name: str) -> tuple[PatchedMember, ...]:
    row = ROWS[name]
    assert isinstance(row, Members)
    return row.members


def test_a_patch_names_both_bundles() -> None:
    assert (FILE.patch.old, FILE.patch.new) == (OLD_SHA256, NEW_SHA256)
    assert (FILE.patch.size, FILE.manifest) == (len(NEW_DATA), NEW_MANIFEST)


def test_a_patch_is_made_the_same_twice() -> None:
    again = make_patch((old_bundle(), OLD_SHA256), (new_bundle(), NEW_SHA256))

    assert again == PATCH


def test_a_wheel_that_did_not_change_is_only_named() -> None:
    assert ROWS[SAME] == Same(f"wheels/{SAME}")


def test_a_stored_wheel_is_compared_as_it_stands() -> None:
    row = ROWS[APP_NEW]

    assert isinstance(row, Whole)
    assert row.old == f"wheels/{APP_OLD}"
    assert FILE.parts[row.part].size < 500


def test_a_wheel_of_a_new_project_travels_whole() -> None:
    row = ROWS[FRESH]

    assert isinstance(row, Whole)
    assert row.old is None


def test_a_changed_member_is_compared_unpacked_and_deflated_again() -> None:
    changed = {each.old: each for each in _members(LIB_NEW)}["lib/code.py"]

    assert changed.level == 6
    assert changed.part is not None
    assert FILE.parts[changed.part].size < 100


def test_a_member_that_did_not_change_costs_nothing() -> None:
    kept = {each.old: each for each in _members(LIB_NEW)}["lib/kept.py"]

    assert (kept.part, kept.level) == (None, 0)


@pytest.mark.parametrize(
    "old",
    ["lib.libs/libx-0a1b2c3d.so.1.2", "lib-1.0.dist-info/RECORD"],
)
def test_what_has_its_version_in_its_path_is_compared_too(old: str) -> None:
    assert old in {each.old for each in _members(LIB_NEW)}


def test_a_member_of_another_deflater_travels_as_it_is() -> None:
    odd, *_ = _members(FOREIGN_NEW)

    assert (odd.level, odd.old) == (0, None)
    assert odd.part is not None


def test_a_stored_member_is_compared_too() -> None:
    stored = {each.old: each for each in _members(FOREIGN_NEW)}["far/data.bin"]

    assert stored.level == 0
    assert stored.part is not None
    assert FILE.parts[stored.part].size < 100


def test_the_level_that_gives_a_member_back_is_found() -> None:
    long = {each.old: each for each in _members(FOREIGN_NEW)}["far/long.py"]

    assert long.level == 1


def test_a_member_that_is_new_is_deflated_again() -> None:
    fresh = [each for each in _members(FOREIGN_NEW) if each.old is None]

    assert [each.level for each in fresh] == [0, 6]


def test_an_old_member_is_used_once() -> None:
    kept = {"kept.bin": noise("kept", 90_000)}
    old, new = (
        dict(
            [
                deflated_wheel(
                    kept | {f"x.libs/a-{each * 8}.so.1": CODE for each in hashes},
                    version=version,
                )
            ]
        )
        for version, hashes in (("1.0", "01"), ("1.1", "23"))
    )
    made = open_patch(in_memory(_between(old, new)), product="ringfence")
    row = made.patch.rows[0]

    assert isinstance(row, Members)
    assert sorted(each.old or "" for each in row.members) == [
        "",
        "kept.bin",
        "lib-1.0.dist-info/RECORD",
        "lib-1.0.dist-info/WHEEL",
        "x.libs/a-11111111.so.1",
    ]


def _between(old: dict[str, bytes], new: dict[str, bytes]) -> bytes:
    made = [bundle_of(manifest_of(each), each) for each in (old, new)]
    first, second = ((open_bundle(in_memory(data)), sha256(data)) for data in made)
    return make_patch(first, second)


def test_a_patch_of_more_than_half_is_not_worth_it() -> None:
    small, other = (small_bundle(printed=text) for text in (b"one", b"two"))
    pair = [(open_bundle(in_memory(data)), sha256(data)) for data in (small, other)]

    with pytest.raises(LimitError, match="at most half of 10240 bytes"):
        make_patch(pair[0], pair[1])


def test_a_stored_wheel_too_large_to_refer_back_to_is_left_out() -> None:
    size = frames.MAX_PREFIX_BYTES
    large = Raw(name="large", method=0, packed=b"", sums=(0, size, size))
    head = zipped([large])[: 30 + len("large")]
    tail = zipped([large], end={6: len(head) + size})[len(head) :]

    def read_at(offset: int, wanted: int) -> bytes:
        if offset < len(head):
            return head[offset : offset + wanted]
        return tail[offset - len(head) - size :][:wanted]

    manifest = with_row(old_bundle().manifest, 0, size=len(head) + size + len(tail))
    name = manifest.wheels[0].name
    extent = Extent(read_at, manifest.wheels[0].size)
    old = Bundle(extent, replace(manifest, wheels=manifest.wheels[:1]), {name: 0})
    wheels = dict([pure_wheel("app", "2.0", {"a": bytes(60_000)}, epoch=EPOCH)])
    data = bundle_of(manifest_of(wheels), wheels)
    made = make_patch((old, "0" * 64), (open_bundle(in_memory(data)), sha256(data)))

    assert [getattr(row, "old", "") for row in _opened(made).patch.rows] == [None]


def _opened(data: bytes) -> PatchFile:
    return open_patch(in_memory(data), product="ringfence")
