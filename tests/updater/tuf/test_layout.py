from dataclasses import replace

import pytest

from updater.errors import RepositoryError
from updater.tuf import layout
from updater.tuf.layout import Delegation

_NAMES = ("trust", "rebuild-alpha", "claims", "channels", "releases", "archive")


def test_the_layout_of_the_table_is_good() -> None:
    layout.check_targets((), _delegations())
    layout.check_root({"root": [b"one", b"two"], "targets": [b"one"]})
    layout.check_delegated("releases", ())


def test_roles_that_nobody_needs_yet_may_be_missing() -> None:
    layout.check_targets((), _delegations()[3:])


def test_the_targets_role_lists_no_file() -> None:
    with pytest.raises(RepositoryError, match="expected no files, came 'a'") as refusal:
        layout.check_targets(["a"], _delegations())

    assert refusal.value.detail == "layout"


def test_a_role_outside_the_table_is_refused() -> None:
    foreign = replace(_delegations()[0], name="anything")

    with pytest.raises(RepositoryError, match="targets delegates to 'anything'"):
        layout.check_targets((), [*_delegations(), foreign])
    with pytest.raises(RepositoryError, match="no role of ours is called 'anything'"):
        layout.role("anything")


def test_an_operators_name_has_one_spelling() -> None:
    with pytest.raises(RepositoryError, match="expected an operator, came 'Alpha'"):
        layout.role("rebuild-Alpha")


@pytest.mark.parametrize("order", [(1, 0), (2, 1), (0, 0), (5, 4)])
def test_delegations_stand_in_the_order_of_the_table(order: tuple[int, ...]) -> None:
    given = _delegations()

    with pytest.raises(RepositoryError, match="out of order"):
        layout.check_targets((), [given[each] for each in order])


def test_a_pattern_outside_the_table_is_refused() -> None:
    wider = replace(_delegations()[3], paths=["channels/*"])

    with pytest.raises(RepositoryError, match="channels: expected"):
        layout.check_targets((), [wider])


def test_releases_is_followed_by_the_archive_and_the_rest_is_terminating() -> None:
    trust, *_, releases, _ = _delegations()

    with pytest.raises(RepositoryError, match="trust: expected it terminating"):
        layout.check_targets((), [replace(trust, terminating=False)])
    with pytest.raises(RepositoryError, match="releases: expected it not terminating"):
        layout.check_targets((), [replace(releases, terminating=True)])


def test_one_key_under_two_ids_is_refused() -> None:
    twins = replace(_delegations()[0], keys=[b"one", b"one"])

    with pytest.raises(RepositoryError, match="trust: one key stands under two ids"):
        layout.check_targets((), [twins])
    with pytest.raises(RepositoryError, match="root: one key stands under two ids"):
        layout.check_root({"root": [b"one", b"one"]})


def test_who_says_what_is_trusted_makes_no_releases() -> None:
    trust, *_, releases, _ = _delegations()

    with pytest.raises(RepositoryError, match="trust and releases share a key"):
        layout.check_targets((), [trust, replace(releases, keys=trust.keys)])


def test_a_delegated_role_delegates_nothing() -> None:
    with pytest.raises(RepositoryError, match="releases delegates to 'more'"):
        layout.check_delegated("releases", ["more"])


@pytest.mark.parametrize(("name", "days"), [("timestamp", 2), ("rebuild-alpha", 60)])
def test_metadata_may_not_live_longer_than_its_role_allows(
    name: str, days: int
) -> None:
    layout.check_lifetime(name, 1_000 + days * layout.DAY_S, 1_000)

    with pytest.raises(RepositoryError, match=f"at most {days}$") as refusal:
        layout.check_lifetime(name, 1_001 + days * layout.DAY_S, 1_000)
    assert refusal.value.detail == "lifetime"


def test_every_role_is_renewed_well_before_its_limit() -> None:
    roles = [*layout.TOP, *map(layout.role, _NAMES)]

    assert all(each.lifetime_s < each.longest_s for each in roles)
    assert all(each.threshold <= each.keys for each in roles)


def _delegations() -> list[Delegation]:
    return [
        Delegation(
            name=name,
            paths=layout.role(name).paths,
            terminating=layout.role(name).terminating,
            keys=[f"{name} {each}".encode() for each in range(3)],
        )
        for name in _NAMES
    ]
