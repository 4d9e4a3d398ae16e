"""Releases: shape by the schema, and parts that speak of one release."""

from dataclasses import replace

import pytest

from tests.updater.transparency.claimants import ARTIFACT, OTHER_ARTIFACT, RELEASE
from tests.updater.transparency.claims.corpus import disagreements
from updater.errors import MalformedError
from updater.statement import Subject
from updater.transparency.claims.release import (
    ReleaseClaim,
    format_release,
    parse_release,
)

FIRST = replace(RELEASE, previous=None, notes="f1" * 32, severity="security")


@pytest.mark.parametrize("claim", [RELEASE, FIRST], ids=["later", "first"])
def test_a_release_is_read_back(claim: ReleaseClaim) -> None:
    assert parse_release(format_release(claim)) == claim


def test_the_shape_is_the_schema_s() -> None:
    beyond = r"artifacts: expected (the|each)|artifact: expected|purl: expected it to"
    claim = replace(RELEASE, notes="f1" * 32)

    assert disagreements(parse_release, format_release, claim, beyond=beyond) == []


def test_the_package_is_the_project_s_at_this_version() -> None:
    assert RELEASE.purl == "pkg:pypi/ringfence@1.4.0"


@pytest.mark.parametrize(
    "purl", ["pkg:pypi/ringfence@1.4.1", "pkg:pypi/ringfence", "pkg:@1.4.0"]
)
def test_the_package_ends_in_the_version(purl: str) -> None:
    statement = format_release(RELEASE)
    statement = replace(statement, predicate={**statement.predicate, "purl": purl})

    with pytest.raises(MalformedError, match=r"purl: expected it to end in @1\.4\.0"):
        parse_release(statement)


@pytest.mark.parametrize(
    "subject",
    [
        RELEASE.subject[:1],
        RELEASE.subject[::-1],
        (RELEASE.subject[0], Subject("another.tar", "a2" * 32)),
    ],
    ids=["fewer", "another order", "another name"],
)
def test_artifacts_and_subject_are_the_same_files(subject: tuple[Subject, ...]) -> None:
    statement = replace(format_release(RELEASE), subject=subject)

    with pytest.raises(MalformedError, match=r"artifacts?: expected"):
        parse_release(statement)


def test_a_platform_has_one_file() -> None:
    # Else one claim would offer two files to the same machine.
    twin = replace(OTHER_ARTIFACT, platform=ARTIFACT.platform)

    with pytest.raises(MalformedError, match="each platform once"):
        parse_release(format_release(replace(RELEASE, artifacts=(ARTIFACT, twin))))


def test_a_file_is_named_once() -> None:
    twin = replace(OTHER_ARTIFACT, name=ARTIFACT.name)

    with pytest.raises(MalformedError, match="each name once"):
        parse_release(format_release(replace(RELEASE, artifacts=(ARTIFACT, twin))))
