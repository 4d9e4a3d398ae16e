"""Rebuilds of a file: who counts, who does not and why, and what it comes to."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.updater.transparency.claimants import (
    ARTIFACT,
    DAY,
    FINISHED,
    OPERATOR_KEYS,
    REBUILD,
    REBUILDERS,
    YANK,
    entry,
    key,
)
from updater.errors import LimitError
from updater.jcs import Json, parse, write
from updater.quorum import Decision, Environment, Reason, Uncounted, evaluate
from updater.statement import Envelope, Signature, format_envelope, parse_envelope, sign
from updater.transparency.claims.parts import Resource
from updater.transparency.claims.rebuild import Comparison, RebuildClaim, Rebuilder
from updater.transparency.claims.rebuild import Environment as Machine
from updater.transparency.entry import format_claim
from updater.transparency.rebuilders import RebuildPolicy

NOW = FINISHED + DAY
OTHER = Resource(name="rebuilt.tar", sha256="99" * 32)
ROOT = "b5" * 32


def yes(operator: str = "anna", machine: str = "1", finished: int = 0) -> RebuildClaim:
    """Say identical, `finished` days after the first."""
    at = FINISHED + finished * DAY
    who = Rebuilder(id=machine, operator=operator, tool=REBUILD.rebuilder.tool)
    return replace(
        REBUILD,
        rebuilder=who,
        started_on=at - 600,
        finished_on=at,
        expires_on=at + 120 * DAY,
    )


def no(operator: str = "anna", machine: str = "1", finished: int = 0) -> RebuildClaim:
    """Say different."""
    return replace(
        yes(operator, machine, finished),
        verdict="different",
        rebuilt=OTHER,
        comparison=Comparison(method="sha256", differences=("code both a.py",)),
    )


def silent(operator: str = "anna") -> RebuildClaim:
    """Say that nothing could be built."""
    return replace(
        yes(operator),
        verdict="build-failed",
        rebuilt=None,
        comparison=Comparison(method="sha256", differences=("reason both timeout",)),
    )


def leaf(claim: RebuildClaim) -> bytes:
    """Sign a statement as its operator."""
    return entry(claim, OPERATOR_KEYS[claim.rebuilder.operator])


def altered(claim: RebuildClaim, **fields: Json) -> bytes:
    """Sign a statement with other fields as its operator."""
    said = parse(format_claim(claim), most=65_535)
    assert isinstance(said, dict)
    predicate = said["predicate"]
    assert isinstance(predicate, dict)
    payload = write({**said, "predicate": {**predicate, **fields}})
    return format_envelope(sign(payload, [OPERATOR_KEYS[claim.rebuilder.operator]]))


def judge(
    *claims: RebuildClaim | bytes, policy: RebuildPolicy = REBUILDERS, now: float = NOW
) -> Decision:
    """Judge statements that were logged in this order."""
    leaves = [each if isinstance(each, bytes) else leaf(each) for each in claims]
    numbered: list[tuple[bytes, int | None]] = [
        (each, at) for at, each in enumerate(leaves)
    ]
    return evaluate(policy, ARTIFACT.sha256, numbered, now)


def reasons(decision: Decision) -> list[Reason]:
    return [each.reason for each in decision.uncounted]


def test_two_operators_are_met() -> None:
    decision = judge(yes("anna"), yes("bert"))

    assert decision == Decision(
        outcome="met",
        counted=("anna", "bert"),
        vetoes=(),
        uncounted=(),
        environments=frozenset({Environment("x86_64", ROOT)}),
        policy=REBUILDERS,
    )
    assert not decision.blocks


def test_nothing_is_short() -> None:
    assert judge().outcome == "short"
    assert judge().blocks


def test_what_is_only_reported_does_not_block_when_short() -> None:
    assert not judge(policy=replace(REBUILDERS, is_enforced=False)).blocks


def test_a_veto_blocks_in_both_modes() -> None:
    decision = judge(
        yes("anna"),
        yes("bert"),
        no("carl"),
        policy=replace(REBUILDERS, is_enforced=False),
    )

    assert (decision.outcome, decision.vetoes, decision.blocks) == (
        "vetoed",
        ("carl",),
        True,
    )


def test_an_operator_is_counted_once() -> None:
    decision = judge(yes("anna", "1"), yes("anna", "2"))

    assert (decision.outcome, decision.counted) == ("short", ("anna",))


def test_fewer_vetoes_than_asked_for_do_not_block() -> None:
    policy = replace(REBUILDERS, veto_quorum=2)
    decision = judge(yes("anna"), yes("bert"), no("carl"), policy=policy)

    assert (decision.outcome, decision.vetoes) == ("met", ("carl",))


def test_an_operator_of_two_minds_does_not_count() -> None:
    policy = replace(REBUILDERS, veto_quorum=2)
    decision = judge(yes("anna", "1"), no("anna", "2"), yes("bert"), policy=policy)

    assert decision.counted == ("bert",)
    assert reasons(decision) == ["negative", "negative"]


def test_environments_must_differ() -> None:
    policy = replace(REBUILDERS, min_environments=2)
    arm = replace(yes("bert"), environment=Machine("aarch64", 2, OTHER))

    assert judge(yes("anna"), yes("bert"), policy=policy).outcome == "short"
    assert judge(yes("anna"), arm, policy=policy).environments == {
        Environment("x86_64", ROOT),
        Environment("aarch64", "99" * 32),
    }
    assert judge(yes("anna"), arm, policy=policy).outcome == "met"


def test_hosts_without_a_locked_root_are_one_environment() -> None:
    host = Machine("x86_64", 1)
    decision = judge(
        *(replace(yes(name), environment=host) for name in ("anna", "bert"))
    )

    assert decision.environments == {Environment("x86_64", None)}


def _two_signatures() -> bytes:
    claim = format_claim(yes())
    return format_envelope(sign(claim, [OPERATOR_KEYS["anna"], key(99)]))


def _wrong_signature() -> bytes:
    envelope = parse_envelope(leaf(yes()))
    name = envelope.signatures[0].keyid
    return format_envelope(replace(envelope, signatures=(Signature(name, bytes(64)),)))


_HOST = Machine("x86_64", 0)
_SET_ASIDE: dict[Reason, bytes] = {
    "oversize": b"x" * 65_536,
    "not-canonical": leaf(yes()) + b"\n",
    "bad-type": format_envelope(
        replace(parse_envelope(leaf(yes())), payload_type="text/plain")
    ),
    "not-one-signature": _two_signatures(),
    "unknown-signer": entry(yes(), key(99)),
    "bad-signature": _wrong_signature(),
    "malformed": altered(yes(), extra=1),
    "wrong-operator": entry(yes("anna"), OPERATOR_KEYS["bert"]),
    "other-subject": leaf(
        replace(
            yes(),
            subject=replace(REBUILD.subject, sha256="99" * 32),
            published=replace(REBUILD.published, sha256="99" * 32),
            rebuilt=replace(REBUILD.published, sha256="99" * 32),
        )
    ),
    "other-stage": leaf(replace(yes(), stage="git-to-wheel")),
    "future": leaf(yes(finished=3)),
    "publisher": leaf(yes("us")),
    "no-vote": leaf(silent()),
    "level": leaf(replace(yes(), environment=_HOST)),
}


@pytest.mark.parametrize("reason", _SET_ASIDE)
def test_what_does_not_count_says_why(reason: Reason) -> None:
    decision = judge(_SET_ASIDE[reason])

    assert (decision.outcome, decision.counted, reasons(decision)) == (
        "short",
        (),
        [reason],
    )


@pytest.mark.parametrize(
    "data",
    [
        format_envelope(Envelope(format_claim(yes()))),  # without any signature
        entry(YANK, OPERATOR_KEYS["anna"]),  # another kind of claim
    ],
    ids=["unsigned", "yank"],
)
def test_what_is_no_rebuild_does_not_count(data: bytes) -> None:
    assert reasons(judge(data)) in (["not-one-signature"], ["bad-type"])


def test_what_is_not_logged_does_not_count() -> None:
    decision = evaluate(REBUILDERS, ARTIFACT.sha256, [(leaf(yes()), None)], NOW)

    assert decision.uncounted == (Uncounted("not-logged", None, "anna"),)


def test_the_operator_is_named_once_it_is_sure() -> None:
    decision = judge(_wrong_signature(), _SET_ASIDE["malformed"])

    assert [each.operator for each in decision.uncounted] == [None, "anna"]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (FINISHED - 300, []),
        (FINISHED - 301, ["future"]),
        (FINISHED + 90 * DAY, []),
        (FINISHED + 90 * DAY + 1, ["too-old"]),
    ],
)
def test_a_yes_counts_for_its_time(now: int, expected: list[Reason]) -> None:
    assert reasons(judge(yes(), now=now)) == expected


def test_a_yes_expires() -> None:
    short = replace(yes(), expires_on=FINISHED + 10)

    assert reasons(judge(short, now=FINISHED + 9)) == []
    assert reasons(judge(short, now=FINISHED + 10)) == ["expired"]


def test_a_no_does_not_expire() -> None:
    assert judge(no(), now=FINISHED + 4_000 * DAY).outcome == "vetoed"


@pytest.mark.parametrize(
    "fields",
    [
        {"extra": 1},
        {"stage": "git-to-wheel"},
        {"finishedOn": "2099-01-01T00:00:00Z"},
        {"comparison": None},
    ],
    ids=repr,
)
def test_a_no_is_not_disarmed_by_its_form(fields: dict[str, Json]) -> None:
    assert judge(altered(no(), **fields)).outcome == "vetoed"


def test_a_no_of_the_publisher_is_none() -> None:
    assert reasons(judge(no("us"))) == ["publisher"]


def test_a_no_under_another_s_name_is_none() -> None:
    stolen = entry(no("anna"), OPERATOR_KEYS["bert"])

    assert reasons(judge(stolen)) == ["wrong-operator"]


def test_an_operator_takes_a_no_back_by_signing_again() -> None:
    decision = judge(no("anna"), yes("anna", finished=1), yes("bert"))

    assert (decision.outcome, decision.counted) == ("met", ("anna", "bert"))
    assert decision.uncounted == (Uncounted("superseded", 0, "anna"),)


def test_an_operator_takes_a_yes_back_by_signing_again() -> None:
    decision = judge(yes("anna"), no("anna", finished=1))

    assert (decision.outcome, reasons(decision)) == (
        "vetoed",
        ["superseded", "negative"],
    )


def test_another_machine_of_the_operator_takes_nothing_back() -> None:
    assert judge(no("anna", "1"), yes("anna", "2", finished=1)).outcome == "vetoed"


def test_another_operator_takes_nothing_back() -> None:
    assert judge(no("anna"), yes("bert", finished=1)).outcome == "vetoed"


def test_silence_takes_nothing_back() -> None:
    assert judge(no("anna"), silent("anna")).outcome == "vetoed"


def test_a_no_without_a_machine_stands_for_all_of_the_operator_s() -> None:
    bare = altered(no("anna"), rebuilder=None)

    assert judge(yes("anna", "2"), bare).outcome == "vetoed"
    assert judge(bare, yes("anna", "2", finished=1), yes("bert")).outcome == "met"


def test_a_copy_of_an_old_yes_takes_no_newer_no_back() -> None:
    # Anybody who may append can log the same bytes again, behind the no.
    old = yes("anna")

    assert judge(old, no("anna", finished=1), old).outcome == "vetoed"


def test_an_old_yes_that_was_held_back_takes_no_newer_no_back() -> None:
    # Whoever runs the log chooses the order in which statements get in.
    assert judge(no("anna", finished=1), yes("anna")).outcome == "vetoed"


def test_a_no_that_says_it_is_from_the_future_can_be_taken_back() -> None:
    dated = altered(no("anna"), finishedOn="2099-01-01T00:00:00Z")

    assert judge(dated, yes("anna")).outcome == "short"


def test_a_leaf_given_twice_is_logged_where_it_was_first() -> None:
    once = leaf(yes("anna"))
    entries = [(once, None), (once, 9), (once, 3), (once, None)]

    assert evaluate(REBUILDERS, ARTIFACT.sha256, entries, NOW).counted == ("anna",)


def test_too_many_statements_are_not_read() -> None:
    with pytest.raises(LimitError, match="at most 1024 statements, came 1025"):
        judge(*[b""] * 1025)


_STATEMENTS = [
    claim(name, machine, finished)
    for claim in (yes, no)
    for name in ("anna", "bert")
    for machine in ("1", "2")
    for finished in (0, 1)
]
_LEAVES = [leaf(claim) for claim in _STATEMENTS]


@given(st.lists(st.sampled_from(range(len(_LEAVES))), unique=True, max_size=8))
def test_more_yeses_of_others_never_lift_a_veto(order: list[int]) -> None:
    numbered = [(_LEAVES[each], at) for at, each in enumerate(order)]
    before = evaluate(REBUILDERS, ARTIFACT.sha256, numbered, NOW)
    more = [*numbered, (leaf(yes("carl", finished=1)), len(order))]
    after = evaluate(REBUILDERS, ARTIFACT.sha256, more, NOW)

    assert after.vetoes == before.vetoes
    assert set(before.counted) | {"carl"} == set(after.counted)
    assert not set(after.counted) & set(after.vetoes)


@settings(max_examples=25)  # each looks at sixteen signatures twice
@given(st.permutations(range(len(_LEAVES))))
def test_the_order_in_which_statements_are_given_says_nothing(order: list[int]) -> None:
    numbered = [(_LEAVES[each], each) for each in order]
    decision = evaluate(REBUILDERS, ARTIFACT.sha256, numbered, NOW)
    sorted_one = evaluate(REBUILDERS, ARTIFACT.sha256, sorted(numbered), NOW)

    assert (decision.outcome, decision.counted, decision.vetoes) == (
        sorted_one.outcome,
        sorted_one.counted,
        sorted_one.vetoes,
    )
