"""Policy changes: which files may be named, and nothing but the schema's shape."""

from dataclasses import replace

import pytest

from tests.updater.transparency.claimants import POLICY
from tests.updater.transparency.claims.corpus import disagreements
from updater.errors import MalformedError
from updater.statement import Subject
from updater.transparency.claims.parts import Head, Ref
from updater.transparency.claims.policy import (
    FILES,
    PolicyClaim,
    format_policy,
    parse_policy,
)

FULL = replace(
    POLICY,
    files=tuple(Subject(name, "e1" * 32) for name in FILES),
    previous=Ref(3, b"\x03" * 32),
    predecessor=Head("bt.example/ringfence/0", 812, b"\x07" * 32),
)


@pytest.mark.parametrize("claim", [POLICY, FULL], ids=["first", "full"])
def test_a_policy_change_is_read_back(claim: PolicyClaim) -> None:
    assert parse_policy(format_policy(claim)) == claim


def test_the_shape_is_the_schema_s() -> None:
    beyond = "subject: expected|.* is no time|.* canonical base64"

    assert disagreements(parse_policy, format_policy, FULL, beyond=beyond) == []


def test_the_digest_of_a_file_is_found_by_its_name() -> None:
    assert POLICY.sha256("trust.json") == "e2" * 32


def test_a_file_that_is_not_named_has_no_digest() -> None:
    assert POLICY.sha256("tuf/root.json") is None


def test_another_file_is_no_part_of_a_policy() -> None:
    claim = replace(POLICY, files=(Subject("release.toml", "e1" * 32),))

    with pytest.raises(MalformedError, match="subject: expected policy or"):
        parse_policy(format_policy(claim))


def test_a_file_is_named_once() -> None:
    claim = replace(POLICY, files=(*POLICY.files, Subject("policy", "e3" * 32)))

    with pytest.raises(MalformedError, match="each file once"):
        parse_policy(format_policy(claim))
