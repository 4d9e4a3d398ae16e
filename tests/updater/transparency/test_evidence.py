"""Evidence convinces a stranger, or nobody."""

from dataclasses import replace

import pytest

from tests.updater.transparency import claimants
from tests.updater.transparency.mangled import assert_one_spelling
from tests.updater.transparency.worlds import Log, World, junk
from updater import jcs
from updater.errors import (
    MalformedError,
    ProofError,
    QuorumError,
    RefusedError,
    SignatureError,
)
from updater.transparency.evidence import (
    DuplicateRelease,
    Evidence,
    Fork,
    Local,
    build_duplicate,
    build_fork,
    format_evidence,
    kind,
    name,
    parse_evidence,
    verify,
)
from updater.transparency.key import Kind, SigningKey

FILE = "a1" * 32
OTHER_FILE = "a2" * 32
LOCAL = Local(
    "bt.example/ringfence/1",
    "entry 3 is not in the tree",
    where="tile/entries/000.p/4",
    expected="an entry of this tree",
    got="another",
)


def two_histories(small: int = 3, large: int = 5) -> tuple[Log, Log]:
    """Give two logs of one key with different entries, of these sizes."""
    return Log(leaves=junk(1, small)), Log(leaves=junk(2, large))


def forked(small: int = 3, large: int = 5) -> Fork:
    ours, theirs = two_histories(small, large)
    return build_fork(
        ours.checkpoint(),
        theirs.checkpoint(),
        proof=theirs.prove(small),
        root=theirs.root_at(small),
        log_key=ours.key.verifier,
    )


def duplicated(
    world: World, first: tuple[str, str], second: tuple[str, str]
) -> DuplicateRelease:
    one, two = world.release(*first), world.release(*second)
    world.log.leaves += junk(1, 3)
    world.publish()
    log = world.log
    return build_duplicate(
        (log.leaves[two], log.leaves[one]),
        (log.proof(two), log.proof(one)),
        log_key=log.key.verifier,
        trust=world.trust,
    )


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(("small", "large"), [(3, 5), (4, 8), (5, 5), (1, 300)])
def test_a_fork_is_proven_by_the_key_of_the_log(small: int, large: int) -> None:
    fork = forked(small, large)

    verify(parse_evidence(format_evidence(fork)), Log().key.verifier)


def test_a_fork_is_a_kilobyte() -> None:
    assert len(format_evidence(forked(300, 1_000))) < 1_500


def test_both_sides_of_a_fork_make_the_same_bytes(world: World) -> None:
    ours, theirs = two_histories(4, 4)
    notes = [world.publish(ours), theirs.checkpoint()]
    made = {
        format_evidence(
            build_fork(one, other, proof=[], root=b"", log_key=ours.key.verifier)
        )
        for one, other in (notes, notes[::-1])
    }

    assert len(made) == 1


def test_one_history_is_no_fork() -> None:
    log = Log(leaves=junk(1, 8))

    with pytest.raises(ProofError, match="size 3 begins 8, no fork"):
        build_fork(
            log.checkpoint(3),
            log.checkpoint(),
            proof=log.prove(3),
            root=log.root_at(3),
            log_key=log.key.verifier,
        )


def test_a_fork_with_a_proof_of_something_else_is_refused() -> None:
    fork = replace(forked(), root_of_a_in_b=bytes(32))

    with pytest.raises(ProofError, match="does not begin"):
        verify(fork, fork.log_key)


def test_a_fork_from_nothing_is_refused() -> None:
    fork = replace(forked(), a=Log().checkpoint())

    with pytest.raises(ProofError, match="from 0"):
        verify(fork, fork.log_key)


def test_a_fabricated_fork_is_refused() -> None:
    forger = SigningKey(Log().origin, Kind.LOG, seed=b"\x66" * 32)
    forged = Log(forger, junk(3, 5)).checkpoint()
    fork = replace(forked(), b=forged)

    with pytest.raises(SignatureError):
        verify(fork, fork.log_key)


def test_evidence_against_another_log_is_refused() -> None:
    other = SigningKey("bt.example/other/1", Kind.LOG, seed=b"\x66" * 32).verifier

    with pytest.raises(RefusedError, match="expected log"):
        verify(forked(), other)


def test_two_files_for_one_version_are_proven(world: World) -> None:
    found = duplicated(world, ("1.0.0", FILE), ("1.0.0", OTHER_FILE))

    verify(parse_evidence(format_evidence(found)), world.log.key.verifier, world.trust)


def test_a_duplicate_takes_a_trust_file_to_see(world: World) -> None:
    found = duplicated(world, ("1.0.0", FILE), ("1.0.0", OTHER_FILE))

    with pytest.raises(RefusedError, match="expected a trust file"):
        verify(found, world.log.key.verifier)


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (("1.0.1", OTHER_FILE), "two releases"),
        (("1.0.0", FILE), "one file for each platform"),
    ],
)
def test_two_good_releases_are_no_duplicate(
    world: World, second: tuple[str, str], why: str
) -> None:
    with pytest.raises(ProofError, match=why):
        duplicated(world, ("1.0.0", FILE), second)


def test_files_for_two_platforms_are_no_duplicate(world: World) -> None:
    claim = world.release_claim("1.0.0", FILE)
    other = replace(
        claim, artifacts=(replace(claimants.OTHER_ARTIFACT, sha256=OTHER_FILE),)
    )
    leaves = [
        claimants.entry(each, *claimants.RELEASE_KEYS[:2]) for each in (claim, other)
    ]
    world.log.leaves += leaves
    world.publish()

    with pytest.raises(ProofError, match="one file for each platform"):
        build_duplicate(
            (leaves[0], leaves[1]),
            (world.log.proof(0), world.log.proof(1)),
            log_key=world.log.key.verifier,
            trust=world.trust,
        )


def test_a_duplicate_that_too_few_signed_is_refused(world: World) -> None:
    found = duplicated(world, ("1.0.0", FILE), ("1.0.0", OTHER_FILE))
    claim = world.release_claim("1.0.0", OTHER_FILE)
    leaf = claimants.entry(claim, claimants.RELEASE_KEYS[0])

    with pytest.raises(QuorumError):
        verify(
            replace(found, claims=(found.claims[0], leaf)), found.log_key, world.trust
        )


def test_a_duplicate_that_is_not_in_the_log_is_refused(world: World) -> None:
    found = duplicated(world, ("1.0.0", FILE), ("1.0.0", OTHER_FILE))

    with pytest.raises(ProofError, match="inclusion"):
        verify(replace(found, proofs=found.proofs[::-1]), found.log_key, world.trust)


def test_only_releases_are_duplicates(world: World) -> None:
    found = duplicated(world, ("1.0.0", FILE), ("1.0.0", OTHER_FILE))
    yank = claimants.entry(claimants.YANK, claimants.YANK_KEYS[0])

    with pytest.raises(ProofError, match="expected two release entries"):
        verify(
            replace(found, claims=(yank, found.claims[1])), found.log_key, world.trust
        )


def test_local_trouble_proves_nothing() -> None:
    with pytest.raises(RefusedError, match="proves nothing"):
        verify(LOCAL, Log().key.verifier)


def samples() -> list[Evidence]:
    found = duplicated(World(), ("1.0.0", FILE), ("1.0.0", OTHER_FILE))
    return [forked(), found, LOCAL]


@pytest.mark.parametrize("evidence", samples(), ids=kind)
def test_evidence_is_read_as_it_was_written(evidence: Evidence) -> None:
    data = format_evidence(evidence)

    assert parse_evidence(data) == evidence
    assert format_evidence(parse_evidence(data)) == data


@pytest.mark.parametrize("evidence", [forked(), LOCAL], ids=kind)
def test_damaged_evidence_is_malformed_or_other_evidence(evidence: Evidence) -> None:
    assert_one_spelling(parse_evidence, format_evidence, format_evidence(evidence))


def test_the_worked_example_of_the_format_is_these_bytes() -> None:
    ours, theirs = Log(leaves=[b"a", b"b", b"c"]), Log(leaves=[b"a", b"b", b"d", b"e"])
    fork = build_fork(
        theirs.checkpoint(),
        ours.checkpoint(),
        proof=theirs.prove(3),
        root=theirs.root_at(3),
        log_key=ours.key.verifier,
    )

    assert name(format_evidence(fork)) == (
        "9eec2f6e9ab973bfcd9c1977100a22fe56a1ffbca813ff15c1bc2958f4a7816a"
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kind": "rumour"}, "evidence kind"),
        ({"schema": "ringfence-bt-evidence/2"}, "schema"),
        ({"more": 1}, "no place"),
        ({"proof": [""]}, "32 bytes"),
        ({"logVkey": "x"}, "vkey"),
        ({"logVkey": str(World().witnesses[0].key.verifier)}, "kind 01"),
    ],
)
def test_other_shapes_are_malformed(changes: dict[str, jcs.Json], why: str) -> None:
    value = jcs.parse(format_evidence(forked()), most=10_000)
    assert isinstance(value, dict)

    with pytest.raises(MalformedError, match=why):
        parse_evidence(jcs.write({**value, **changes}))


def test_evidence_that_is_no_object_is_malformed() -> None:
    with pytest.raises(MalformedError, match="evidence kind"):
        parse_evidence(b"[]")
