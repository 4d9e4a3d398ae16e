from dataclasses import replace
from typing import Any, get_args

import pytest

from tests.updater.gates.asking import no, passes, refusing, sentence
from tests.updater.gates.cases import (
    DAY,
    FRESH,
    NOW,
    PUBLIC,
    TRUST,
    checkpoint,
    claimed,
    good,
    honoured,
    opened,
    rebuilt,
)
from tests.updater.transparency.logs import LOG, witness
from tests.updater.transparency.policies import policy_text
from updater.findings import Failed, Severity
from updater.gates.evidence import Evidence, Linked, Tightening
from updater.gates.log import CODES
from updater.transparency.claims.parts import Head
from updater.transparency.policy import parse_policy
from updater.transparency.proof import LogProof
from updater.transparency.view import Code, LogView, Trouble

EVIDENCE = good()
FIRST = [b"what was before", claimed()]
MISSING = Failed(Severity.UNREACHABLE, "no answer", "network")


def log() -> LogView:
    assert not isinstance(EVIDENCE.log, Failed)
    return EVIDENCE.log


def viewed(**changes: Any) -> Evidence:
    return replace(EVIDENCE, log=replace(log(), **changes))


def proof(**changes: Any) -> Evidence:
    assert not isinstance(EVIDENCE.proof, Failed)
    return replace(EVIDENCE, proof=replace(EVIDENCE.proof, **changes))


def note() -> bytes:
    assert isinstance(EVIDENCE.proof, LogProof)
    return EVIDENCE.proof.checkpoint


def test_the_entry_is_named() -> None:
    assert sentence("inclusion", EVIDENCE) == f"entry 1 of 2 in {LOG.name}"


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        (proof(index=0), "inclusion"),
        (proof(hashes=(bytes(32),)), "inclusion"),
        (proof(checkpoint=b"no note"), "proof-form"),
        (
            proof(checkpoint=note().replace(LOG.name.encode(), b"other.example/1")),
            "origin",
        ),
        (proof(checkpoint=note().replace(b"\n2\n", b"\n3\n")), "log-signature"),
    ],
)
def test_a_proof_that_does_not_hold_refuses(evidence: Evidence, code: str) -> None:
    assert no("inclusion", evidence) == (code, Severity.REFUSED)


def test_a_release_that_the_log_does_not_hold_refuses_inclusion_alone() -> None:
    assert refusing(proof(hashes=(bytes(32),))) == ["inclusion"]


def test_a_log_does_not_grow_after_it_was_closed() -> None:
    closed = replace(TRUST, closed_logs=(Head(LOG.name, 1, bytes(32)),))
    past = viewed(honoured=honoured(closed))

    assert no("inclusion", past) == ("origin", Severity.REFUSED)


def test_a_proof_within_a_closed_log_holds() -> None:
    closed = replace(TRUST, closed_logs=(Head(LOG.name, 2, bytes(32)),))

    assert passes("inclusion", viewed(honoured=honoured(closed)))


@pytest.mark.parametrize("code", get_args(Code))
def test_whatever_the_client_met_with_refuses(code: Code) -> None:
    met = viewed(troubles=(Trouble(code, "as it was"),))

    assert no("consistency", met) == (code, CODES.get(code, Severity.UNREACHABLE))
    assert refusing(met) == ["consistency"]


def test_trouble_with_the_log_is_said_where_nothing_is_new() -> None:
    met = replace(
        viewed(troubles=(Trouble("tiles", "as it was"),)), target=MISSING, proof=MISSING
    )

    assert no("consistency", met) == ("tiles", Severity.UNREACHABLE)


def test_only_proven_lies_are_misbehaviour() -> None:
    proven_ones = {code for code in CODES if CODES[code] is Severity.MISBEHAVIOUR}

    assert proven_ones == {"fork", "duplicate-release", "frozen"}


def test_a_proof_that_was_not_linked_to_the_head_refuses_alone() -> None:
    unlinked = replace(EVIDENCE, link=MISSING)
    other = replace(EVIDENCE, link=Linked(2, bytes(32)))

    assert no("consistency", unlinked) == ("network", Severity.UNREACHABLE)
    assert no("consistency", other) == ("tiles", Severity.REFUSED)
    assert refusing(other) == ["consistency"]


def test_a_second_file_for_the_version_refuses_alone() -> None:
    row = replace(log().index.files[0], sha256="ff" * 32)
    both = viewed(index=replace(log().index, files=(*log().index.files, row)))

    assert no("consistency", both) == ("duplicate-release", Severity.REFUSED)
    assert refusing(both) == ["consistency"]


def test_without_any_head_nothing_is_witnessed() -> None:
    headless = viewed(head=None)

    assert no("consistency", headless) == ("network", Severity.UNREACHABLE)
    assert no("witness", headless) == ("network", Severity.UNREACHABLE)


def test_too_few_witnesses_on_the_proof_refuse() -> None:
    few = checkpoint(FIRST, PUBLIC, witnesses=2)

    assert no("witness", proof(checkpoint=few)) == ("quorum", Severity.NOT_YET)
    assert refusing(proof(checkpoint=few)) == ["witness"]


def test_too_few_witnesses_on_the_head_refuse_alone() -> None:
    leaves = [*FIRST, rebuilt("anna"), rebuilt("bert")]
    few = opened(checkpoint(leaves, FRESH, witnesses=2))

    assert no("witness", viewed(head=few)) == ("quorum", Severity.NOT_YET)
    assert refusing(viewed(head=few)) == ["witness"]


def test_the_users_own_quorum_is_asked_for_too() -> None:
    own = parse_policy(policy_text("quorum f1", witnesses={"f1": witness(7)}))
    asked = replace(EVIDENCE, tightening=Tightening(policy=own))

    assert no("witness", asked) == ("quorum", Severity.NOT_YET)
    assert refusing(asked) == ["witness"]


def test_a_head_signed_by_nobody_known_refuses() -> None:
    forged = replace(opened(note()), note=note().replace(b"\n2\n", b"\n3\n"))

    assert no("witness", viewed(head=forged)) == ("log-signature", Severity.REFUSED)


def test_the_witnesses_are_named() -> None:
    assert "3 witnesses: w1.example/bt" in sentence("witness", EVIDENCE)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"fresh_at": NOW - 30 * DAY - 1}, "stale"),
        ({"fresh_at": None}, "stale"),
        ({"behind_peers": 9}, "behind-peers"),
    ],
)
def test_an_old_view_of_the_log_refuses(change: dict[str, Any], code: str) -> None:
    assert no("fresh", viewed(**change)) == (code, Severity.NOT_YET)


def test_a_stale_log_whose_release_is_old_refuses_freshness_alone() -> None:
    late = replace(EVIDENCE, now=FRESH + 30 * DAY + 1)

    assert refusing(late) == ["fresh"]


def test_a_head_that_lags_behind_peers_refuses_alone() -> None:
    assert refusing(viewed(behind_peers=9)) == ["fresh"]


def test_a_log_that_gets_old_is_said_to() -> None:
    late = replace(EVIDENCE, now=FRESH + 8 * DAY)

    assert sentence("fresh", late).endswith("; that is late")
    assert not sentence("fresh", EVIDENCE).endswith("late")
