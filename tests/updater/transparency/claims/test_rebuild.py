"""Rebuilds: whole when they grant, an objection when they restrict."""

from dataclasses import replace

import pytest

from tests.updater.transparency.claimants import EXEMPTION, FINISHED, REBUILD
from tests.updater.transparency.claims.corpus import disagreements
from updater.errors import MalformedError
from updater.jcs import Json
from updater.statement import Statement, Subject
from updater.transparency.claims.parts import Resource
from updater.transparency.claims.rebuild import (
    MAX_LIFE_S,
    Comparison,
    Environment,
    Objection,
    RebuildClaim,
    format_rebuild,
    parse_rebuild,
    read_objection,
)

OTHER = Resource(name="rebuilt.tar", sha256="99" * 32)
EXCEPTED = replace(
    REBUILD,
    verdict="identical-with-exceptions",
    rebuilt=OTHER,
    comparison=Comparison(
        method="patch-proof/1",
        exceptions=(EXEMPTION,),
        differences=(),
        report=Resource(sha256="b9" * 32),
    ),
)
DIFFERENT = replace(
    REBUILD,
    verdict="different",
    rebuilt=OTHER,
    comparison=Comparison(
        method="sha256", differences=("code both pkg/a.py: 3 lines", "more both 9")
    ),
)
NOT_THE_SOURCE = replace(
    DIFFERENT,
    rebuilt=None,
    comparison=Comparison(method="sha256", differences=("source both commit",)),
)
FAILED = replace(
    REBUILD,
    verdict="build-failed",
    rebuilt=None,
    comparison=Comparison(method="sha256", differences=("reason both timeout",)),
)
UNSUPPORTED = replace(FAILED, verdict="unsupported")
OPEN_HOST = replace(REBUILD, environment=Environment("x86_64", 1), toolchain=None)

_BEYOND = (
    r"rebuild: the comparison|published: expected|rebuilt: expected|environment: exp"
    r"|times: expected|.* is no time"
)


@pytest.mark.parametrize(
    "claim",
    [REBUILD, EXCEPTED, DIFFERENT, NOT_THE_SOURCE, FAILED, UNSUPPORTED, OPEN_HOST],
    ids=["identical", "exceptions", "different", "source", "failed", "no", "host"],
)
def test_a_rebuild_is_read_back(claim: RebuildClaim) -> None:
    assert parse_rebuild(format_rebuild(claim)) == claim


def test_the_shape_is_the_schema_s() -> None:
    found = disagreements(parse_rebuild, format_rebuild, EXCEPTED, beyond=_BEYOND)

    assert found == []


def test_only_verdicts_by_which_bytes_differ_are_negative() -> None:
    claims = (REBUILD, EXCEPTED, DIFFERENT, FAILED, UNSUPPORTED)

    assert [claim.is_negative for claim in claims] == [False, True, True, False, False]


_DIFFERENCE = Comparison(method="sha256", differences=("code both a.py",))
_PATCHED = EXCEPTED.comparison


@pytest.mark.parametrize(
    "claim",
    [
        # identical
        replace(REBUILD, rebuilt=None),
        replace(REBUILD, rebuilt=OTHER),
        replace(REBUILD, comparison=Comparison(method="patch-proof/1")),
        replace(REBUILD, comparison=_DIFFERENCE),
        replace(
            REBUILD, comparison=Comparison(method="sha256", exceptions=(EXEMPTION,))
        ),
        # identical with exceptions
        replace(EXCEPTED, rebuilt=None),
        replace(EXCEPTED, rebuilt=EXCEPTED.published),
        replace(EXCEPTED, comparison=replace(_PATCHED, method="sha256")),
        replace(EXCEPTED, comparison=replace(_PATCHED, exceptions=())),
        replace(EXCEPTED, comparison=replace(_PATCHED, differences=("code both a",))),
        replace(
            EXCEPTED,
            comparison=replace(
                _PATCHED, exceptions=(replace(EXEMPTION, field="zip.content"),)
            ),
        ),
        # different
        replace(DIFFERENT, rebuilt=DIFFERENT.published),
        replace(DIFFERENT, comparison=Comparison(method="sha256")),
        replace(DIFFERENT, comparison=replace(_DIFFERENCE, exceptions=(EXEMPTION,))),
        replace(DIFFERENT, rebuilt=None),
        # silent
        replace(FAILED, rebuilt=OTHER),
        replace(FAILED, comparison=_DIFFERENCE),
        replace(UNSUPPORTED, comparison=Comparison(method="sha256")),
    ],
    ids=range(18),
)
def test_what_was_found_fits_the_verdict(claim: RebuildClaim) -> None:
    with pytest.raises(MalformedError, match=f"does not fit {claim.verdict!r}"):
        parse_rebuild(format_rebuild(claim))


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        (replace(REBUILD, published=OTHER), "name and digest of the subject"),
        (
            replace(REBUILD, published=Resource(sha256=REBUILD.subject.sha256)),
            "name and digest of the subject",
        ),
        (
            replace(DIFFERENT, rebuilt=Resource(sha512="99" * 64)),
            "rebuilt: expected a sha256",
        ),
        (
            replace(REBUILD, environment=Environment("x86_64", 2)),
            "a root with level 2",
        ),
        (
            replace(REBUILD, environment=Environment("x86_64", 1, OTHER)),
            "a root with level 2",
        ),
        (replace(REBUILD, started_on=FINISHED + 1), "times: expected"),
        (replace(REBUILD, expires_on=FINISHED), "times: expected"),
        (replace(REBUILD, expires_on=FINISHED + MAX_LIFE_S + 1), "times: expected"),
    ],
    ids=range(8),
)
def test_parts_that_disagree_are_refused(claim: RebuildClaim, sentence: str) -> None:
    with pytest.raises(MalformedError, match=sentence):
        parse_rebuild(format_rebuild(claim))


def test_a_year_is_the_longest_life() -> None:
    claim = replace(REBUILD, expires_on=FINISHED + MAX_LIFE_S)

    assert parse_rebuild(format_rebuild(claim)) == claim


def test_a_rebuild_is_of_one_file() -> None:
    statement = format_rebuild(REBUILD)
    twice = replace(statement, subject=(*statement.subject, Subject("b", "ab" * 32)))

    with pytest.raises(MalformedError, match="expected one file, came 2"):
        parse_rebuild(twice)


def _said(**fields: Json) -> Statement:
    statement = format_rebuild(DIFFERENT)
    return replace(statement, predicate={**statement.predicate, **fields})


def test_a_no_says_whose_it_is() -> None:
    assert read_objection(_said(extra=1)) == Objection(
        subject=DIFFERENT.subject,
        verdict="different",
        operator="anna",
        rebuilder="anna/machine-1",
        finished_on=FINISHED,
    )


@pytest.mark.parametrize("who", [None, "anna", {"operator": "ANNA", "id": "../x"}])
def test_a_no_stands_without_a_name(who: Json) -> None:
    objection = read_objection(_said(rebuilder=who, finishedOn="lately"))

    assert (objection.operator, objection.rebuilder, objection.finished_on) == (
        None,
        None,
        None,
    )


def test_a_no_needs_only_the_file_and_the_verdict() -> None:
    published: Json = {"digest": {"sha256": DIFFERENT.subject.sha256}, "extra": 1}
    statement = Statement(
        format_rebuild(DIFFERENT).predicate_type,
        (DIFFERENT.subject,),
        predicate={"published": published, "verdict": "identical-with-exceptions"},
    )

    assert read_objection(statement).verdict == "identical-with-exceptions"


@pytest.mark.parametrize(
    "fields",
    [
        {"verdict": "identical"},
        {"verdict": "build-failed"},
        {"published": None},
        {"published": {"digest": {}}},
        {"published": {"digest": {"sha256": "00" * 32}}},
    ],
    ids=repr,
)
def test_what_names_no_file_or_no_difference_is_no_objection(
    fields: dict[str, Json],
) -> None:
    with pytest.raises(MalformedError):
        read_objection(_said(**fields))
