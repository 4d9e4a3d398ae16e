"""Yanks: whole when appended, and effective with less when read."""

from dataclasses import asdict, replace

import pytest

from tests.updater.transparency.claimants import YANK
from tests.updater.transparency.claims.corpus import disagreements
from updater.errors import MalformedError
from updater.jcs import Json
from updater.statement import Statement
from updater.transparency.claims.yank import (
    YankClaim,
    format_yank,
    parse_yank,
    read_yank,
)

BARE = replace(YANK, replacement=None, advisory=None)


@pytest.mark.parametrize("claim", [YANK, BARE], ids=["full", "bare"])
def test_a_yank_is_read_back(claim: YankClaim) -> None:
    assert parse_yank(format_yank(claim)) == claim
    assert read_yank(format_yank(claim)) == claim


def test_the_shape_is_the_schema_s() -> None:
    assert disagreements(parse_yank, format_yank, YANK, beyond="-") == []


def _said(**fields: Json) -> Statement:
    statement = format_yank(YANK)
    return replace(statement, predicate={**statement.predicate, **fields})


@pytest.mark.parametrize(
    "field", ["advisory", "notice", "purl", "reason", "replacement"]
)
@pytest.mark.parametrize("value", [7, "\x00", {}, ["x"]], ids=repr)
def test_an_illegible_field_is_passed_over(field: str, value: Json) -> None:
    claim = read_yank(_said(**{field: value}))

    assert asdict(claim) == asdict(YANK) | {field: None}


def test_an_unknown_field_disarms_nothing() -> None:
    release: Json = {"index": 5, "leafHash": "05" * 32, "extra": 1}

    assert read_yank(_said(release=release, extra=1)) == YANK


def test_the_release_alone_is_enough() -> None:
    statement = Statement(
        format_yank(YANK).predicate_type,
        YANK.subject,
        predicate={"release": {"index": 5, "leafHash": "05" * 32}},
    )

    assert read_yank(statement) == YankClaim(YANK.release, YANK.subject)


@pytest.mark.parametrize(
    "release",
    [
        None,
        {},
        {"index": 5},
        {"index": -1, "leafHash": "05" * 32},
        {"index": 5, "leafHash": "05"},
    ],
    ids=repr,
)
def test_without_a_release_nothing_is_yanked(release: Json) -> None:
    with pytest.raises(MalformedError, match="release"):
        read_yank(_said(release=release))
