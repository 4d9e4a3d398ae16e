"""The release bundle: only what its writer writes."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.mangled import assert_one_spelling
from tests.updater.wheels import (
    LIBRARY_NAME,
    Raw,
    bundle_of,
    manifest_of,
    raw_wheel,
    sha256,
    small_wheels,
    with_row,
    zipped,
)
from updater import jcs
from updater.archive.bundle import (
    Manifest,
    bundle_size,
    check_bundle,
    expect_wheel,
    file_name,
    format_manifest,
    offset_of,
    open_bundle,
    parse_manifest,
    unpack,
    write_bundle,
)
from updater.archive.extent import Extent, in_memory
from updater.archive.packing import pure_wheel
from updater.archive.ustar import Member, ending, format_header, padding
from updater.errors import MalformedError

WHEELS = small_wheels()
MANIFEST = manifest_of(WHEELS)
GOOD = bundle_of(MANIFEST, WHEELS)
BODY = format_manifest(MANIFEST)


def _check(data: bytes) -> str:
    return check_bundle(open_bundle(in_memory(data)))


def _unpack(data: bytes, digest: str | None = None) -> dict[str, bytes]:
    bundle = open_bundle(in_memory(data))
    return {
        file.path: b"".join(chunks)
        for file, chunks in unpack(bundle, digest or sha256(data))
    }


def _tar(*members: tuple[str, bytes], mtime: int = MANIFEST.epoch) -> bytes:
    body = b"".join(
        format_header(Member(name, len(data), mtime=mtime)) + data + padding(len(data))
        for name, data in members
    )
    return body + ending(len(body))


def _members(manifest: bytes = BODY) -> list[tuple[str, bytes]]:
    wheels = sorted((f"wheels/{name}", data) for name, data in WHEELS.items())
    return [("manifest.json", manifest), *wheels]


def test_a_bundle_is_a_tar_of_its_manifest_and_wheels() -> None:
    assert _tar(*_members()) == GOOD


def test_its_size_and_offsets_follow_from_the_manifest() -> None:
    bundle = open_bundle(in_memory(GOOD))

    assert bundle_size(MANIFEST) == len(GOOD)
    for listed in MANIFEST.wheels:
        data = WHEELS[listed.file]
        at = offset_of(MANIFEST, listed.name)
        assert GOOD[at : at + listed.size] == data
        assert bundle.wheel(listed).read(0, listed.size) == data


def test_checking_reads_every_byte_and_gives_the_hash() -> None:
    assert _check(GOOD) == sha256(GOOD)


def test_unpacking_gives_the_files_of_all_wheels() -> None:
    assert {path: data[:12] for path, data in _unpack(GOOD).items()} == {
        "app/__init__.py": b"",
        "app/main.py": b"print('one')",
        "app-1.0.dist-info/METADATA": b"Metadata-Ver",
        "app-1.0.dist-info/RECORD": b"app-1.0.dist",
        "app-1.0.dist-info/WHEEL": b"Wheel-Versio",
        "lib/__init__.py": b"VALUE = 1\nVA",
        "lib-1.0.dist-info/RECORD": b"lib-1.0.dist",
        "lib-1.0.dist-info/WHEEL": b"Wheel-Versio",
    }


def test_unpacking_another_bundle_than_expected_is_refused_at_its_end() -> None:
    with pytest.raises(MalformedError, match="expected SHA-256 0000"):
        _unpack(GOOD, "0" * 64)


def test_a_file_is_read_once_while_it_is_unpacked() -> None:
    reads: list[tuple[int, int]] = []

    def read_at(offset: int, size: int) -> bytes:
        reads.append((offset, size))
        return GOOD[offset : offset + size]

    bundle = open_bundle(Extent(read_at, len(GOOD)))
    list(unpack(bundle, sha256(GOOD)))

    # Heads and directories are read twice, and compared; contents are not.
    assert sum(size for _, size in reads) < 2 * len(GOOD)


def test_a_wheel_that_changes_while_it_is_unpacked_is_refused() -> None:
    data = bytearray(GOOD)

    def read_at(offset: int, size: int) -> bytes:
        return bytes(data[offset : offset + size])

    files = unpack(open_bundle(Extent(read_at, len(GOOD))), sha256(GOOD))
    next(files)
    # The time in the last header of the app: no file's contents depend on it.
    at = offset_of(MANIFEST, MANIFEST.wheels[0].name)
    data[data.rindex(b"PK\3\4", 0, at + MANIFEST.wheels[0].size) + 10] ^= 1

    with pytest.raises(MalformedError, match="have changed"):
        list(files)


def test_the_file_is_named_after_what_it_is() -> None:
    assert file_name(MANIFEST) == "ringfence-1.0-cp312-linux-x86_64.tar"


def test_another_product_has_bundles_too() -> None:
    manifest = manifest_of(WHEELS, product="other-app")
    data = bundle_of(manifest, WHEELS)

    assert open_bundle(in_memory(data), product="other-app").manifest == manifest
    with pytest.raises(MalformedError, match="name: 'other-app' does not match"):
        open_bundle(in_memory(data))


def test_a_manifest_has_one_spelling() -> None:
    assert_one_spelling(parse_manifest, format_manifest, BODY)


@given(st.binary(max_size=64))
def test_any_bytes_are_a_manifest_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_manifest(data)


def _changed(**changes: jcs.Json) -> bytes:
    fields = jcs.parse(BODY, most=len(BODY))
    assert isinstance(fields, dict)
    return jcs.write(fields | changes)


def _listing(change: Callable[[list[jcs.Json]], list[jcs.Json]]) -> bytes:
    fields = jcs.parse(BODY, most=len(BODY))
    assert isinstance(fields, dict)
    assert isinstance(fields["files"], list)
    return jcs.write(fields | {"files": change(fields["files"])})


def _row(**changes: jcs.Json) -> dict[str, jcs.Json]:
    row: dict[str, jcs.Json] = {
        "name": "wheels/z-1-py3-none-any.whl",
        "sha256": "e" * 64,
        "size": 1,
    }
    return row | changes


def _with_row(row: dict[str, jcs.Json]) -> bytes:
    return _listing(lambda rows: [*rows, row])


MANIFESTS: dict[str, tuple[bytes, str]] = {
    "not-json": (b"{", "not JSON"),
    "not-an-object": (b"[]", "expected an object"),
    "not-canonical": (BODY + b"\n", "canonical spelling"),
    "too-long": (b" " * (1024 * 1024 + 1), "at most 1048576 bytes"),
    "missing": (b'{"schema":"ringfence-bundle/1"}', "'name' is missing"),
    "more": (_changed(builder="me"), "has no place there"),
    "schema": (_changed(schema="ringfence-bundle/2"), "schema: .* does not match"),
    "name": (_changed(name="firefox"), "name: .* does not match"),
    "version-first": (_changed(version="v1"), "version: .* does not match"),
    "version-long": (_changed(version="1" * 65), "version: .* does not match"),
    "version-path": (_changed(version="1/../2"), "version: .* does not match"),
    "platform": (_changed(platform="cp27-linux-x86"), "platform: .* does not match"),
    "epoch-early": (_changed(epoch=315_532_799), "epoch: expected 315532800"),
    "epoch-late": (_changed(epoch=4_102_444_801), "epoch: expected 315532800"),
    "epoch-float": (BODY.replace(b"1750000000", b"1750000000.0"), "integers"),
    "epoch-true": (_changed(epoch=True), "epoch: expected an integer"),
    "source": (_changed(source={"commit": "a" * 40}), "'tree_sha256' is missing"),
    "commit-short": (
        _changed(source={"commit": "a" * 39, "tree_sha256": "b" * 64}),
        "commit: .* does not match",
    ),
    "tree": (
        _changed(source={"commit": "a" * 40, "tree_sha256": "B" * 64}),
        "tree_sha256: .* does not match",
    ),
    "recipe": (_changed(recipe_sha256=""), "recipe_sha256: .* does not match"),
    "lock": (_changed(lock_sha256=None), "lock_sha256: expected a string"),
    "app-elsewhere": (_changed(app="wheels/../a.whl"), "app: .* does not match"),
    "app-not-listed": (_changed(app="wheels/z.whl"), "app .* is not in files"),
    "no-files": (_changed(files=[]), "files: expected 1 to 512 items, came 0"),
    "many-files": (_changed(files=[_row()] * 513), "came 513"),
    "file-climbs": (_with_row(_row(name="wheels/../x.whl")), "name: "),
    "file-folder": (_with_row(_row(name="x/a.whl")), "name: "),
    "file-kind": (_with_row(_row(name="wheels/a.tar")), "name: "),
    "file-empty": (_with_row(_row(size=0)), "size: expected 1 to"),
    "file-huge": (_with_row(_row(size=2**29 + 1)), "expected 1 to"),
    "file-hash": (_with_row(_row(sha256="e")), "sha256: "),
    "file-more": (_with_row(_row(mode=1)), "has no place there"),
    "files-unsorted": (_listing(lambda rows: rows[::-1]), "sorted by name"),
    "files-twice": (_listing(lambda rows: [*rows, rows[-1]]), "each once"),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_hostile_manifest_is_refused(case: str) -> None:
    data, why = MANIFESTS[case]

    with pytest.raises(MalformedError, match=why):
        parse_manifest(data)


def _at(position: int, replacement: bytes) -> bytes:
    return GOOD[:position] + replacement + GOOD[position + len(replacement) :]


def _wrong_hash() -> bytes:
    """List a wheel with another hash than it has."""
    return _tar(*_members(format_manifest(with_row(MANIFEST, 1, sha256="0" * 64))))


FIRST = offset_of(MANIFEST, MANIFEST.wheels[0].name)
EVIL = zipped(raw_wheel([Raw(name="../../evil.py", data=b"evil")]))
EVIL_WHEELS = WHEELS | {LIBRARY_NAME: EVIL}

HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "to read within 0 bytes"),
    "zeros": (bytes(10_240), "relative path"),
    "not-a-tar": (b"x" * 10_240, "octal digits"),
    "manifest-second": (_tar(*_members()[::-1]), "expected manifest.json"),
    "manifest-missing": (_tar(*_members()[1:]), "expected manifest.json"),
    "manifest-huge": (
        format_header(Member("manifest.json", 2**20 + 1)) + bytes(2**20 + 1024),
        "expected manifest.json of at most",
    ),
    "manifest-beyond": (
        format_header(Member("manifest.json", 2**20)) + bytes(1024),
        "to read within",
    ),
    "manifest-bad": (_tar(*_members(BODY + b" ")), "canonical spelling"),
    "shorter": (GOOD[:-512], "by its manifest"),
    "longer": (GOOD + bytes(10_240), "by its manifest"),
    "wheel-missing": (_tar(*_members()[:-1]), "as the writer writes"),
    "wheel-more": (
        _tar(*_members(), ("wheels/z.whl", b"z")),
        "as the writer writes",
    ),
    "wheels-swapped": (
        _tar(_members()[0], _members()[2], _members()[1]),
        "as the writer writes",
    ),
    "wheel-renamed": (
        GOOD.replace(b"any.whl\0", b"any.whx\0"),
        "as the writer writes",
    ),
    "wheel-changed": (_at(FIRST + 40, b"x"), "expected SHA-256"),
    "wheel-hash": (_wrong_hash(), "expected SHA-256 0000"),
    "mtime-manifest": (_at(136, b"%011o" % 1), "canonical header"),
    "mtime-wheels": (_tar(*_members(), mtime=1), "as the writer writes"),
    "mode": (_at(FIRST - 512 + 100, b"0004755\0"), "as the writer writes"),
    "owner": (_at(FIRST - 512 + 108, b"0001750\0"), "as the writer writes"),
    "link": (_at(FIRST - 512 + 156, b"2../../etc"), "as the writer writes"),
    "device": (_at(FIRST - 512 + 329, b"0000001\0"), "as the writer writes"),
    "owner-name": (_at(FIRST - 512 + 265, b"root"), "as the writer writes"),
    "prefix": (_at(FIRST - 512 + 345, b"/etc"), "as the writer writes"),
    "padding": (_at(FIRST - 513, b"x"), "as the writer writes"),
    "end": (_at(len(GOOD) - 1, b"x"), "as the writer writes"),
    "end-first": (_at(len(GOOD) - 1024, b"x"), "as the writer writes"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_bundle_is_refused(case: str) -> None:
    data, why = HOSTILE[case]

    with pytest.raises(MalformedError, match=why):
        _check(data)


@pytest.mark.parametrize("case", HOSTILE)
def test_nothing_of_a_hostile_bundle_is_taken_for_whole(case: str) -> None:
    with pytest.raises(MalformedError):
        _unpack(HOSTILE[case][0])


def test_a_bundle_with_a_hostile_wheel_gives_none_of_its_files() -> None:
    data = bundle_of(manifest_of(EVIL_WHEELS), EVIL_WHEELS)
    given_out: list[str] = []

    with pytest.raises(MalformedError, match="relative path"):
        given_out += (
            file.path for file, _ in unpack(open_bundle(in_memory(data)), sha256(data))
        )
    assert not any("evil" in path for path in given_out)


def test_a_bundle_larger_than_any_is_not_even_read() -> None:
    extent = Extent(lambda _, size: bytes(size), 512 * 1024 * 1024 + 1)

    with pytest.raises(MalformedError, match="at most 536870912 bytes"):
        open_bundle(extent)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_byte_can_change(position: int, change: int) -> None:
    with pytest.raises(MalformedError):
        _check(_at(position, bytes([GOOD[position] ^ change])))


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (b"ab", "expected 3 bytes, came 2"),
        (b"abcd", "expected 3 bytes, came 4 or more"),
        (b"abd", "expected SHA-256"),
    ],
)
def test_writing_another_wheel_than_listed_is_refused(written: bytes, why: str) -> None:
    manifest: Manifest = manifest_of({"a-1-py3-none-any.whl": b"abc"})

    with pytest.raises(MalformedError, match=why):
        list(write_bundle(manifest, lambda _: (written,)))


def test_a_wheel_that_grows_is_cut_off() -> None:
    listed = replace(MANIFEST.wheels[0], size=3)
    passed: list[bytes] = []

    with pytest.raises(MalformedError, match="came 4 or more"):
        passed += expect_wheel(listed, iter((b"ab", b"cd", b"never read")))
    assert b"cd" not in passed


def test_the_worked_example_is_what_comes_out() -> None:
    text = Path(__file__).parents[3].joinpath("docs/formats/bundle.md").read_text()
    name, data = pure_wheel(
        "app", "1.0", {"app/main.py": b"print('one')\n"}, epoch=MANIFEST.epoch
    )
    manifest = manifest_of({name: data})
    whole = bundle_of(manifest, {name: data})

    assert len(whole) == 10_240
    assert offset_of(manifest, manifest.app) == 2_048
    assert sha256(whole) in text
    assert format_manifest(manifest).decode() in re.sub(r"\n +", "", text)
