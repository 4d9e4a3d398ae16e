"""What a rehearsed update proved is looked at before it is said."""

from dataclasses import replace

import pytest

from cli.stories.rehearsal import Event
from cli.stories.update_proof import (
    GATES,
    Answer,
    Gate,
    UpdateProof,
    facts,
    lines,
    read_answer,
)
from voip.errors import RefusedError

YES = tuple(Gate(f"gate-{number}", "yes", "fine") for number in range(GATES))
EARLY = Answer(
    3,
    "not-yet",
    "1.1",
    (
        Gate("cooldown", "not-yet", "public for 0 s", "cooldown"),
        Gate("rebuild", "not-yet", "rebuilt by 0", "rebuild-quorum"),
        Gate("fetch", "unasked", "it is fetched later", "not-fetched"),
    ),
)
INSTALLED = Answer(0, "installed", "1.1", YES)
UNHEALTHY = Answer(
    1, "refused", "1.2", (*YES, Gate("health", "refused", "it crashed", "unhealthy"))
)
TARGETED = Answer(
    4,
    "misbehaviour",
    "1.3",
    (Gate("consistency", "misbehaviour", "two histories", "fork"),),
    "ab" * 32,
)
PROOF = UpdateProof(
    early=EARLY,
    installed=INSTALLED,
    unhealthy=UNHEALTHY,
    undone=("switch to 1.2", "rollback from 1.2"),
    targeted=TARGETED,
    rebuilt=("identical",) * 6,
    stranger="different",
    ran=("tally 1.1",) * 3,
    verified="fork",
    forged=1,
    audited=8,
)


def report(**changes: object) -> Event:
    gate = {"facts": {}, "gate": "clock", "says": "yes", "text": "fine"}
    return {"gates": [gate], "kind": "current", "offered": None, **changes}


def test_a_proof_is_said_in_calm_lines() -> None:
    assert lines(PROOF, 21.4) == [
        "proven in 21 s:",
        "  update    1.0 to 1.1, after 18 gates said yes; asked too early, it was not",
        "            yet: cooldown, rebuild-quorum",
        "  bad       1.2 does not start where it is installed; tally 1.1 is back",
        "  targeted  1.3 was made for carol alone, with every key of the maintainer,",
        "            the log and the witnesses; refused: fork",
        "  rebuilt   1.0, 1.1 and 1.2 came out bit for bit for two others who built",
        "            them from the source; 1.3 did not: different",
        "  evidence  a fork of the log, verified by a stranger with the key of the",
        "            log alone; a changed copy was rejected",
        "  audit     8 parts of carol's installation are as they were made",
    ]


def test_a_program_is_given_the_same_facts() -> None:
    assert facts(PROOF, 21.44) == {
        "event": "proven",
        "seconds": 21.4,
        "early": ["cooldown", "rebuild-quorum"],
        "gates": dict.fromkeys((each.name for each in YES), "yes"),
        "unhealthy": "it crashed",
        "targeted": ["fork"],
        "rebuilt": ["identical"] * 6,
        "stranger": "different",
        "runs": "tally 1.1",
        "evidence": "ab" * 32,
        "audited": 8,
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"early": INSTALLED}, "asking early: expected 3, came 0"),
        ({"early": replace(EARLY, gates=EARLY.gates[:1])}, "why it is early"),
        ({"rebuilt": ("identical",) * 5}, "what was rebuilt"),
        ({"rebuilt": ("identical",) * 5 + ("different",)}, "what was rebuilt"),
        ({"rebuilt": ()}, "asking early: expected 2"),
        ({"stranger": "identical"}, "who rebuilt: expected 'different'"),
        ({"installed": EARLY}, "the update: expected 'installed', came 'not-yet'"),
        (
            {"installed": replace(INSTALLED, gates=YES[1:])},
            "gates of the update: expected 18, came 17",
        ),
        (
            {"installed": replace(INSTALLED, gates=(*YES[1:], EARLY.gates[0]))},
            "refusals of the update",
        ),
        ({"unhealthy": INSTALLED}, "the bad release: expected 1"),
        ({"unhealthy": replace(UNHEALTHY, gates=YES)}, "why it is bad"),
        ({"undone": ("switch to 1.1", "switch to 1.2")}, "the audit file: expected"),
        ({"targeted": INSTALLED}, "the targeted release: expected"),
        ({"targeted": replace(TARGETED, gates=YES)}, "not recognised as a fork"),
        ({"ran": ("tally 1.1", "tally 1.2", "tally 1.1")}, "what runs: expected"),
        ({"verified": "duplicate-release"}, "the evidence: expected 'fork'"),
        ({"forged": 0}, "forged evidence: expected 1, came 0"),
    ],
)
def test_what_is_not_as_it_must_be_is_no_proof(
    changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(RefusedError, match=sentence):
        replace(PROOF, **changes)  # type: ignore[arg-type] # each of its field's type


def test_where_nobody_can_build_again_that_is_said() -> None:
    early = replace(EARLY, exit_code=2, gates=EARLY.gates[2:])
    alone = replace(PROOF, early=early, rebuilt=(), stranger="")

    said = lines(alone, 1.0)
    assert said[1] == "  update    1.0 to 1.1, after 18 gates said yes"
    assert "  rebuilt   nothing: this machine lets nobody make a sandbox" in said


def test_a_report_is_read_from_what_the_updater_says() -> None:
    refused = {
        "code": "fork",
        "facts": {"evidence": "cd" * 32},
        "gate": "consistency",
        "says": "misbehaviour",
        "text": "two histories",
    }
    said: list[Event] = [
        {"event": "progress"},
        report(gates=[refused], kind="misbehaviour"),
    ]

    assert read_answer(4, said) == Answer(
        4,
        "misbehaviour",
        None,
        (Gate("consistency", "misbehaviour", "two histories", "fork"),),
        "cd" * 32,
    )


def test_a_report_without_refusals_has_no_evidence() -> None:
    answer = read_answer(0, [report(offered="1.1")])

    assert (answer.offered, answer.evidence, answer.codes) == ("1.1", None, frozenset())


def test_an_updater_that_says_nothing_gave_no_answer() -> None:
    with pytest.raises(RefusedError, match="expected a report of the updater, came"):
        read_answer(70, [{"event": "progress"}])


def test_a_refusal_that_was_not_given_has_no_sentence() -> None:
    with pytest.raises(RefusedError, match="expected a refusal 'unhealthy', came"):
        EARLY.text_of("unhealthy")
