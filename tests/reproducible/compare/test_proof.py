"""Proofs that nothing but header fields differ."""

from dataclasses import replace

import pytest

from reproducible.archive.sdists import open_sdist
from reproducible.compare.proof import prove_sdist, prove_wheel
from tests.reproducible import tampered_sdists, tampered_wheels
from tests.reproducible.tampered_sdists import (
    FOLDER,
    MODULE,
    gzipped,
    long_name,
    records,
    tarred,
)
from tests.reproducible.tampering_case import Case
from tests.updater.wheels import sha256
from updater.archive.extent import in_memory
from updater.archive.zips import open_archive
from updater.transparency.claims.rebuild import FIELDS, Exemption

WHEELS = {
    case.about: case for case in tampered_wheels.CASES if case.kind != "malformed"
}
SDISTS = {
    case.about: case for case in tampered_sdists.CASES if case.kind != "malformed"
}

Proven = tuple[Exemption, ...] | None


def _wheels(published: bytes, rebuilt: bytes, reasons: dict[str, str]) -> Proven:
    return prove_wheel(
        open_archive(in_memory(published)),
        open_archive(in_memory(rebuilt)),
        sha256=sha256(published),
        reasons=reasons,
    )


def _sdists(published: bytes, rebuilt: bytes, reasons: dict[str, str]) -> Proven:
    return prove_sdist(
        open_sdist(published), open_sdist(rebuilt), name="s.tar.gz", reasons=reasons
    )


def _prove(case: Case, reasons: dict[str, str]) -> Proven:
    prove = _wheels if case.about in WHEELS else _sdists
    return prove(case.tampered, case.honest, reasons)


@pytest.mark.parametrize("about", [*WHEELS, *SDISTS])
def test_proven_is_what_differs_in_allowed_fields_alone(about: str) -> None:
    case = (WHEELS | SDISTS)[about]
    found = {each.field for each in _prove(case, {}) or ()}

    assert found == case.fields


@pytest.mark.parametrize("about", [*WHEELS, *SDISTS])
def test_what_is_proven_is_proven_the_other_way_round(about: str) -> None:
    case = (WHEELS | SDISTS)[about]
    turned = Case(about, case.name, case.honest, case.tampered)

    assert (_prove(turned, {}) is None) == (_prove(case, {}) is None)


def test_a_field_is_counted_once_a_member_and_shown_with_the_first() -> None:
    found = _prove(WHEELS["wheel-zip.date_time"], {})

    assert found == (
        Exemption(
            field="zip.date_time",
            count=len(tampered_wheels.FILES) + 1,
            entry="pkg/__init__.py",
            reason="unlisted",
        ),
    )


def test_a_reason_that_was_given_is_stated() -> None:
    found = _prove(WHEELS["wheel-zip.create"], {"zip.create": "packed on Windows"})

    assert [each.reason for each in found or ()] == ["packed on Windows"]


def test_fields_of_a_gzip_member_are_of_the_whole_file() -> None:
    found = _prove(SDISTS["sdist-gzip-time"], {"gzip.mtime": "when it was packed"})

    assert found == (
        Exemption(
            field="gzip.mtime", count=1, entry="s.tar.gz", reason="when it was packed"
        ),
    )


def test_fields_of_one_member_are_counted_once_each() -> None:
    found = _prove(SDISTS["sdist-all-of-tar"], {}) or ()

    assert [(each.field, each.count) for each in found] == [
        ("gzip.deflate", 1), ("tar.mode", 1), ("tar.mtime", 1), ("tar.owner", 1),
    ]  # fmt: skip


def test_only_fields_that_a_statement_may_name_are_proven() -> None:
    named = {field for case in (WHEELS | SDISTS).values() for field in case.fields}

    assert named == set(FIELDS)


def _before(before: bytes) -> bytes:
    return gzipped(tarred([FOLDER, replace(MODULE, before=before)]))


PATH = b"path=pkg-1.0/pkg.py"


@pytest.mark.parametrize(
    ("published", "rebuilt"),
    [
        (records(b"mtime=1.5"), records(b"mtime=1.25", mode=0o600)),
        (records(PATH, b"mtime=1.5"), records(PATH)),
        (records(PATH), records(PATH, b"uid=7", b"gname=wheel")),
        (b"", records(b"mtime=1.5", b"uname=x")),
    ],
    ids=["other-time", "published-time", "rebuilt-owner", "no-header"],
)
def test_a_pax_header_may_differ_in_allowed_records(
    published: bytes, rebuilt: bytes
) -> None:
    assert _sdists(_before(published), _before(rebuilt), {}) is not None


@pytest.mark.parametrize(
    ("published", "rebuilt"),
    [
        (records(PATH, b"mtime=1.5"), records(b"mtime=1.25")),
        (records(b"mtime=1.5", b"uid=7"), records(b"uid=7", b"mtime=1.5")),
        (
            records(b"mtime=1.5"),
            records(b"mtime=1.25", own="pkg-1.0/PaxHeaders.1234/pkg.py"),
        ),
        (records(b"mtime=1.5", own="pkg-1.0/setup.py"), b""),
        (b"", records(b"mtime=1.5", own="pkg-1.0/setup.py")),
        (long_name(b"pkg-1.0/pkg.py"), records(b"mtime=1.25")),
        (long_name(b"pkg-1.0/pkg.py"), long_name(b"pkg-1.0/pkg.py", own="other")),
    ],
    ids=[
        *("path", "order-of-records", "own-name", "published-file", "rebuilt-file"),
        *("long-name", "long-names"),
    ],
)
def test_a_pax_header_may_not_differ_in_anything_else(
    published: bytes, rebuilt: bytes
) -> None:
    assert _sdists(_before(published), _before(rebuilt), {}) is None
