"""Trust files count when they were public for long enough, and never back."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.updater.transparency import claimants
from tests.updater.transparency.worlds import DAY, START, World
from updater.errors import FetchError, MalformedError, RefusedError, UnreachableError
from updater.statement import Subject
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.entry import Entry, parse_entry
from updater.transparency.honour import (
    MAX_SETS,
    POLICY,
    TRUST,
    Honoured,
    LoggedPolicy,
    TrustSet,
    read_set,
    walk,
)
from updater.transparency.index import Place
from updater.transparency.trust import format_trust

DELAY = 3 * DAY


class Project:
    """Trust files that change, and the entries about them."""

    def __init__(self) -> None:
        self.world = World()
        self.first = self.world.trust_set
        self.logged: list[LoggedPolicy] = []
        self.log(self.first)

    def change(self, days: int) -> TrustSet:
        """Make trust files with another cooldown."""
        trust = replace(self.world.trust, cooldown_normal_s=days * DAY)
        files = {**self.first.files, TRUST: format_trust(trust)}
        return read_set(files)

    def log(
        self,
        files: TrustSet,
        *,
        at: int = 0,
        keys: int = 2,
        not_before: int = 0,
        names: tuple[str, ...] = (POLICY, TRUST),
        seen: bool = True,
    ) -> None:
        """Log trust files, first seen at some seconds after `START`."""
        for name, digest in files.digests.items():
            self.world.trust_files[digest] = files.files[name]
        digests = {**files.digests, "tuf/root.json": "e1" * 32}
        claim = replace(
            claimants.POLICY,
            files=tuple(Subject(name, digests[name]) for name in names),
            not_before=claimants.POLICY.not_before + not_before,
        )
        leaf = claimants.entry(claim, *claimants.POLICY_KEYS[:keys])
        entry = parse_entry(leaf)
        place = Place("a/b", len(self.logged), leaf_hash=entry.leaf_hash)
        self.logged.append(_logged(place, entry, START + at if seen else None))

    def walk(
        self,
        *,
        at: int | None = DELAY,
        settled: tuple[int, ...] = (),
        is_whole: bool = True,
        fetch: Callable[[str], bytes] | None = None,
    ) -> Honoured:
        return walk(
            self.first,
            self.logged,
            fresh_at=None if at is None else START + at,
            settled=settled,
            is_whole=is_whole,
            fetch=fetch or self.world.trust_file,
        )


def _logged(place: Place, entry: Entry, seen_at: int | None) -> LoggedPolicy:
    assert isinstance(entry.claim, PolicyClaim)
    return LoggedPolicy(place, entry, claim=entry.claim, seen_at=seen_at)


@pytest.fixture
def project() -> Project:
    return Project()


def cooldowns(honoured: Honoured) -> list[int]:
    return [each.trust.cooldown_normal_s // DAY for each in honoured.sets]


def test_the_set_of_the_program_counts_first(project: Project) -> None:
    honoured = project.walk()

    assert cooldowns(honoured) == [7]
    assert honoured.places == ()


def test_a_set_counts_after_its_delay(project: Project) -> None:
    project.log(project.change(9))

    assert cooldowns(project.walk(at=DELAY - 1)) == [7]
    assert cooldowns(project.walk(at=DELAY)) == [7, 9]
    assert project.walk().current.trust.cooldown_normal_s == 9 * DAY
    assert project.walk().places == (project.logged[1].place,)


def test_several_changes_are_walked_in_order(project: Project) -> None:
    project.log(project.change(9))
    project.log(project.change(8), at=10)
    project.log(project.change(11), at=20)

    assert cooldowns(project.walk(at=DELAY + 10)) == [7, 9, 8]


def test_more_sets_than_a_state_holds_do_not_count(project: Project) -> None:
    for number in range(MAX_SETS):
        project.log(project.change(10 + number), at=number)

    honoured = project.walk(settled=tuple(range(1, MAX_SETS + 1)))

    assert len(honoured.sets) == MAX_SETS
    assert honoured.ignored == (
        (project.logged[-1].place, "64 sets counted already: renew the program"),
    )


def test_a_set_before_that_of_the_program_never_counts(project: Project) -> None:
    project.logged.clear()
    project.log(project.change(2))
    project.log(project.first, at=10)

    assert cooldowns(project.walk(at=9 * DAY)) == [7]


def test_a_program_whose_set_is_not_logged_stays_with_it(project: Project) -> None:
    project.logged.clear()
    project.log(project.change(9))

    honoured = project.walk()

    assert (cooldowns(honoured), honoured.places) == ([7], ())


def test_too_few_signers_change_nothing(project: Project) -> None:
    project.log(project.change(9), keys=1)

    honoured = project.walk()

    assert cooldowns(honoured) == [7]
    assert honoured.ignored == (
        (project.logged[1].place, "not signed by the policy role"),
    )


def test_a_set_waits_for_the_time_it_names(project: Project) -> None:
    project.log(project.change(9), not_before=DELAY + 1)

    assert cooldowns(project.walk(at=DELAY)) == [7]
    assert cooldowns(project.walk(at=DELAY + 1)) == [7, 9]


def test_nothing_is_due_while_nobody_vouches_for_a_time(project: Project) -> None:
    project.log(project.change(9), seen=False)

    assert cooldowns(project.walk(at=None)) == [7]
    assert cooldowns(project.walk(at=99 * DAY)) == [7]


def test_what_was_honoured_once_stays_honoured(project: Project) -> None:
    project.log(project.change(9))

    assert cooldowns(project.walk(at=None, settled=(1,))) == [7, 9]


def test_what_a_later_set_has_overtaken_never_counts(project: Project) -> None:
    # A thief of the policy keys names a late time; the owner's answer comes before it.
    project.log(project.change(1), not_before=30 * DAY)
    project.log(project.change(9), at=DAY)

    honoured = project.walk(at=60 * DAY)

    assert cooldowns(honoured) == [7, 9]
    assert honoured.ignored == (
        (project.logged[1].place, "entry 2 counts already, which stands after it"),
    )


def test_a_set_that_was_not_honoured_is_not_settled_with_a_later(
    project: Project,
) -> None:
    project.log(project.change(1), not_before=30 * DAY)
    project.log(project.change(9), at=DAY)

    assert cooldowns(project.walk(at=None, settled=(2,))) == [7, 9]


def test_nothing_new_is_due_before_everything_was_read(project: Project) -> None:
    project.log(project.change(9))
    project.log(project.change(8), at=10)

    assert cooldowns(project.walk(is_whole=False, settled=(1,), at=9 * DAY)) == [7, 9]


def test_a_set_that_lost_its_signers_is_not_settled(project: Project) -> None:
    project.log(project.change(9), keys=1)

    assert cooldowns(project.walk(settled=(1,))) == [7]


def test_nobody_entitled_brings_the_set_of_the_program_back(project: Project) -> None:
    project.log(project.change(9))
    project.log(project.first, keys=1)  # whoever appends to the log can do this

    assert cooldowns(project.walk()) == [7, 9]


def test_an_entry_about_other_files_changes_no_set(project: Project) -> None:
    project.log(project.first, names=("tuf/root.json",))

    honoured = project.walk()

    assert cooldowns(honoured) == [7]
    assert honoured.ages["e1" * 32] == DELAY


def test_half_a_set_is_not_honoured(project: Project) -> None:
    project.log(project.change(9), names=(TRUST,))

    honoured = project.walk()

    assert cooldowns(honoured) == [7]
    assert honoured.ignored[0][1] == "the entry does not name policy"


def test_a_withheld_file_stops_the_walk(project: Project) -> None:
    project.log(project.change(9))
    project.world.trust_files.clear()

    with pytest.raises(FetchError):
        project.walk()


def test_a_file_with_another_hash_stops_the_walk(project: Project) -> None:
    project.log(project.change(9))

    with pytest.raises(UnreachableError, match="another hash"):
        project.walk(fetch=lambda _: b"{}")


def test_files_are_public_since_their_first_entry(project: Project) -> None:
    project.log(project.first, names=("tuf/root.json",), at=5)
    project.log(project.first, names=("tuf/root.json",), at=50)
    project.log(project.change(9), at=60, keys=1)

    honoured = project.walk(at=100)

    assert honoured.ages["e1" * 32] == 95
    assert honoured.ages[project.first.digests[POLICY]] == 100
    assert project.change(9).digests[TRUST] not in honoured.ages


def test_a_file_from_the_future_is_as_old_as_now(project: Project) -> None:
    project.log(project.first, names=("tuf/root.json",), at=50)

    assert project.walk(at=10).ages["e1" * 32] == 0


def test_an_entry_of_nobody_before_the_program_says_nothing(project: Project) -> None:
    project.logged.clear()
    project.log(project.change(2), keys=1)
    project.log(project.first)

    assert project.change(2).digests[TRUST] not in project.walk().ages


def test_a_policy_that_protects_nobody_is_not_honoured(project: Project) -> None:
    weak = project.first.files[POLICY].replace(b"most 3", b"most 1")
    files = {**project.first.files, POLICY: weak}
    new = replace(project.first, files=files)
    project.log(new)

    honoured = project.walk()

    assert cooldowns(honoured) == [7]
    assert "witness policy" in honoured.ignored[0][1]


@pytest.mark.parametrize("names", [(), (POLICY,), (POLICY, TRUST, "more")])
def test_other_files_are_no_set(project: Project, names: tuple[str, ...]) -> None:
    files = {name: project.first.files.get(name, b"") for name in names}

    with pytest.raises(MalformedError, match="expected policy"):
        read_set(files)


def test_a_set_that_asks_for_sigstore_brings_its_files(project: Project) -> None:
    trust = replace(project.world.trust, requires_sigstore=True)
    project.log(read_set({**project.first.files, TRUST: format_trust(trust)}))

    honoured = project.walk()

    assert honoured.current == project.first
    assert honoured.ignored[0][1] == (
        "Sigstore is asked for, and sigstore.json not named"
    )


def test_a_weak_policy_is_no_set(project: Project) -> None:
    weak = project.first.files[POLICY].replace(b"most 3", b"most 1")

    with pytest.raises(RefusedError, match="witness policy"):
        read_set({**project.first.files, POLICY: weak})


def test_a_set_does_not_show_its_files(project: Project) -> None:
    assert "files=" not in repr(project.first)
