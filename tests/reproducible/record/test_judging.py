"""A file judged by what lies beside it: what is proven to be logged counts."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reproducible.errors import RecipeError
from reproducible.record.attest import format_jsonl
from reproducible.record.judging import (
    Judgement,
    Said,
    Unproven,
    judge,
    read_policy,
    split_jsonl,
)
from tests.reproducible.record.rebuilds import WITNESSED, logged, no, proofs, yes
from tests.updater.transparency.claimants import (
    FINISHED,
    OPERATOR_KEYS,
    REBUILD,
    REBUILDERS,
    TRUST,
)
from tests.updater.transparency.logs import LOG
from tests.updater.transparency.policies import policy_text
from updater.errors import LimitError, MalformedError
from updater.jcs import write
from updater.quorum import MAX_ENTRIES, Uncounted
from updater.statement import (
    Statement,
    Subject,
    format_envelope,
    format_statement,
    sign,
)
from updater.transparency.key import Kind, SigningKey
from updater.transparency.policy import Policy, parse_policy
from updater.transparency.rebuilders import rebuild_policy_json
from updater.transparency.trust import format_trust

POLICY = parse_policy(WITNESSED)
ANNA, BERT = yes("anna"), yes("bert")


def _judged(
    said: Sequence[Said], witnesses: Policy | None = POLICY, now: float = FINISHED
) -> Judgement:
    return judge(
        REBUILD.subject.sha256, said, policy=REBUILDERS, witnesses=witnesses, now=now
    )


def test_two_who_are_logged_are_enough() -> None:
    found = _judged(logged(ANNA, BERT))

    assert (found.decision.outcome, found.decision.counted) == ("met", ("anna", "bert"))


def test_who_is_not_logged_does_not_count() -> None:
    anna, bert = logged(ANNA, BERT)
    found = _judged([anna, replace(bert, proof=None)])

    assert found.decision.outcome == "short"
    assert found.decision.uncounted == (Uncounted("not-logged", None, "bert"),)


def test_without_the_policy_of_a_log_nobody_counts() -> None:
    found = _judged(logged(ANNA, BERT), witnesses=None)

    assert found.decision.counted == ()
    assert [each.why for each in found.unproven] == [
        "no policy of a log was given to check it with"
    ] * 2


@pytest.mark.parametrize(
    ("proof", "why"),
    [
        (proofs([ANNA, BERT], 1)[0], "quorum not met: 1 of 3 witnesses"),
        (proofs([ANNA, BERT], 1, 2)[1], "inclusion"),
        (proofs([BERT], 1, 2)[0], "inclusion"),
        (b"c2sp.org/tlog-proof@v1\n", "expected an empty line"),
        (
            proofs([ANNA], 1, 2, log=SigningKey("x", Kind.LOG, seed=bytes(32)))[0],
            "is no wanted log",
        ),
        (proofs([ANNA], 1, 2, at=FINISHED + 301)[0], "quorum not met"),
    ],
    ids=["witnesses", "place", "tree", "form", "log", "future"],
)
def test_a_proof_that_does_not_hold_proves_nothing(proof: bytes, why: str) -> None:
    found = _judged([Said("anna.claim.json", ANNA, proof=proof)])
    (unproven,) = found.unproven

    assert found.decision.counted == ()
    assert unproven.name == "anna.claim.json"
    assert why in unproven.why


def test_a_no_that_is_logged_vetoes() -> None:
    found = _judged(logged(ANNA, BERT, no("carl")))

    assert (found.decision.outcome, found.decision.vetoes) == ("vetoed", ("carl",))
    assert found.unlogged == ()


def test_a_copy_of_an_old_yes_takes_back_no_later_no() -> None:
    carl = yes("carl")
    found = _judged(logged(ANNA, BERT, carl, no("carl"), carl))

    assert found.decision.vetoes == ("carl",)


def test_a_no_that_is_not_logged_is_told_but_blocks_nothing() -> None:
    found = _judged([*logged(ANNA, BERT), Said("carl.claim.json", no("carl"))])

    assert (found.decision.outcome, found.unlogged) == ("met", ("carl",))


@pytest.mark.parametrize(
    "leaf",
    [
        no("us"),
        no("carl", sha256="77" * 32),
        no("carl").replace(b'"sig":"', b'"sig":"A')[:-1],
        b"{}",
    ],
    ids=["publisher", "another file", "damaged", "nothing"],
)
def test_who_would_not_veto_is_not_told(leaf: bytes) -> None:
    assert _judged([Said("x.claim.json", leaf)]).unlogged == ()


def test_the_same_statement_without_a_proof_takes_nothing_away() -> None:
    again = [Said("all.intoto.jsonl", leaf) for leaf in (ANNA, BERT)]

    assert _judged([*again, *logged(ANNA, BERT), *again]).decision.outcome == "met"


def test_what_came_first_is_not_told_by_two_logs() -> None:
    other = SigningKey("bt.example/ringfence/2", Kind.LOG, seed=bytes([9]) * 32)
    both = parse_policy(f"log {other.verifier}\n".encode() + policy_text("quorum none"))
    said = [
        Said("anna.claim.json", ANNA, proof=proofs([ANNA])[0]),
        Said("bert.claim.json", BERT, proof=proofs([BERT], log=other)[0]),
    ]

    with pytest.raises(
        RecipeError, match=f"one log, came .'{LOG.name}', '{other.name}'"
    ):
        _judged(said, witnesses=both)


def test_there_is_a_largest_number_of_statements() -> None:
    said = [Said("x", b"%d" % number) for number in range(MAX_ENTRIES + 1)]

    with pytest.raises(LimitError):
        _judged(said)


@pytest.mark.parametrize(
    "data",
    [format_trust(TRUST), write(rebuild_policy_json(REBUILDERS))],
    ids=["trust.json", "policy"],
)
def test_who_counts_is_read_from_either_file(data: bytes) -> None:
    assert read_policy(data) == REBUILDERS


@pytest.mark.parametrize("data", [b"[]", b"{}", b'{"schema":"rebuild-policy/1"}', b"x"])
def test_another_file_is_no_policy(data: bytes) -> None:
    with pytest.raises(MalformedError):
        read_policy(data)


def test_the_statements_of_a_run_are_taken_without_its_provenance() -> None:
    provenance = Statement(
        "https://slsa.dev/provenance/v1", (Subject("a", "11" * 32),), predicate={}
    )
    made = format_envelope(sign(format_statement(provenance), [OPERATOR_KEYS["anna"]]))
    data = format_jsonl([made, ANNA, b"{}"]) + b"\n"

    assert [each.leaf for each in split_jsonl("x.intoto.jsonl", data)] == [ANNA, b"{}"]


def test_a_proof_says_where_it_fails() -> None:
    assert _judged([Said("x", ANNA, proof=b"")]).unproven == (
        Unproven("x", "proof: expected an empty line, then a checkpoint"),
    )
