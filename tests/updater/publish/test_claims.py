"""Claims before and after their last words."""

from dataclasses import replace

import pytest

from tests.updater.publish.projects import NOW, PRODUCT, trust_set
from tests.updater.transparency.claimants import (
    RELEASE,
    RELEASE_KEYS,
    SUCCESSOR,
    YANK,
    YANK_KEYS,
    entry,
)
from updater.errors import MalformedError
from updater.publish.claims import (
    complete,
    files_of,
    last_of,
    open_metadata,
    parse_release,
    policy_claim,
    role_of,
)
from updater.publish.rolefile import Listed
from updater.statement import parse_statement
from updater.transparency.claims import policy, release
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.entry import format_claim

SIGNED = {"releases": (7, Listed(9, "ab" * 32)), "root": (2, Listed(9, "cd" * 32))}
ANNOUNCED = policy_claim(
    PRODUCT.project, trust_set(), ("root", "targets"), not_before=NOW
)


def test_a_release_gets_the_list_that_it_stands_in() -> None:
    drafted = format_claim(replace(RELEASE, metadata=open_metadata()))

    done = release.parse_release(parse_statement(complete(drafted, SIGNED)))

    assert (done.metadata.version, done.metadata.sha256) == (7, "ab" * 32)


def test_a_policy_gets_the_root_that_was_signed_and_no_other() -> None:
    done = policy.parse_policy(
        parse_statement(complete(format_claim(ANNOUNCED), SIGNED))
    )

    assert (done.sha256("tuf/root.json"), done.sha256("tuf/targets.json")) == (
        "cd" * 32,
        "0" * 64,
    )


def test_a_yank_is_complete_as_it_is() -> None:
    drafted = format_claim(YANK)

    assert complete(drafted, SIGNED) == drafted


@pytest.mark.parametrize(
    ("claim", "role"), [(RELEASE, "release"), (YANK, "yank"), (ANNOUNCED, "policy")]
)
def test_each_claim_has_its_role(claim: ReleaseClaim, role: str) -> None:
    assert role_of(format_claim(claim)) == role


def test_a_publisher_makes_no_successor() -> None:
    with pytest.raises(MalformedError, match="expected one that a publisher makes"):
        role_of(format_claim(SUCCESSOR))


def test_the_files_of_a_release_lie_in_its_folder() -> None:
    assert files_of(RELEASE)[0] == (
        "releases/1.4.0/ringfence-1.4.0-cp312-linux-x86_64.tar"
    )


LEAVES = [entry(RELEASE, *RELEASE_KEYS[:2]), entry(YANK, YANK_KEYS[0]), b"rubbish"]


def test_the_last_release_is_found_behind_other_entries() -> None:
    found = last_of(ReleaseClaim, LEAVES)

    assert found is not None
    assert found.index == 0


def test_a_log_without_a_policy_has_no_last_one() -> None:
    assert last_of(PolicyClaim, LEAVES) is None


def test_a_release_is_read_from_its_entry() -> None:
    assert parse_release(LEAVES[0]) == RELEASE


def test_another_claim_is_no_release() -> None:
    with pytest.raises(MalformedError, match="expected a release, came YankClaim"):
        parse_release(LEAVES[1])
