from dataclasses import replace

from tests.updater.gates.asking import ask, no, passes, refusing, sentence
from tests.updater.gates.cases import (
    DAY,
    PUBLIC,
    SHA256,
    TRUST,
    good,
    honoured,
    rebuilt,
)
from updater.findings import Failed, Proof, Severity
from updater.gates.evidence import Evidence, Tightening, Wish
from updater.transparency.index import LoggedYank
from updater.transparency.trust import Trust
from updater.transparency.view import LogView

EVIDENCE = good()


def log() -> LogView:
    assert not isinstance(EVIDENCE.log, Failed)
    return EVIDENCE.log


def trusting(trust: Trust) -> Evidence:
    return replace(EVIDENCE, log=replace(log(), honoured=honoured(trust)))


def withdrawn(sha256: str, **said: str | None) -> Evidence:
    place = replace(log().index.files[0].place, index=9)
    yank = LoggedYank(
        place,
        bytes(32),
        files=(sha256,),
        reason=said.get("reason"),
        notice=None,
        replacement=said.get("replacement"),
        advisory=None,
    )
    return replace(
        EVIDENCE, log=replace(log(), index=replace(log().index, yanks=(yank,)))
    )


def test_a_withdrawn_file_refuses_alone() -> None:
    yanked = withdrawn(SHA256)

    assert no("yank", yanked) == ("yanked", Severity.REFUSED)
    assert refusing(yanked) == ["yank"]
    assert sentence("yank", yanked) == "withdrawn in entry 9: no reason"


def test_a_withdrawal_says_why_and_what_to_take_instead() -> None:
    yanked = withdrawn(SHA256, reason="backdoor", replacement="1.4.1")

    assert sentence("yank", yanked) == "withdrawn in entry 9: backdoor; take 1.4.1"


def test_a_withdrawal_of_another_file_is_none() -> None:
    assert passes("yank", withdrawn("ff" * 32))


def test_a_release_that_nobody_had_time_to_look_at_refuses_alone() -> None:
    early = replace(EVIDENCE, log=replace(log(), fresh_at=PUBLIC + 7 * DAY - 1))

    assert no("cooldown", early) == ("cooldown", Severity.NOT_YET)
    assert refusing(early) == ["cooldown"]


def test_a_release_of_exactly_that_age_passes() -> None:
    assert passes(
        "cooldown", replace(EVIDENCE, log=replace(log(), fresh_at=PUBLIC + 7 * DAY))
    )


def test_without_a_fresh_time_no_cooldown_has_passed() -> None:
    timeless = replace(EVIDENCE, log=replace(log(), fresh_at=None))

    assert no("cooldown", timeless) == ("cooldown", Severity.NOT_YET)


def test_breaking_the_glass_is_a_waiver_with_its_reason() -> None:
    early = replace(
        EVIDENCE,
        log=replace(log(), fresh_at=PUBLIC),
        wish=Wish(break_glass="the fix is for us"),
        tightening=Tightening(peers=5),
    )
    answer = ask("cooldown", early)

    assert isinstance(answer, Proof)
    assert answer.waived
    assert "the fix is for us" in answer.text


def test_contacts_must_have_agreed_where_the_user_wants_it() -> None:
    wanted = replace(EVIDENCE, tightening=Tightening(peers=2))
    agreed = replace(wanted, log=replace(log(), agreements=(2, 1, 9)))

    assert no("cooldown", wanted) == ("peer-gate", Severity.NOT_YET)
    assert refusing(wanted) == ["cooldown"]
    assert passes("cooldown", agreed)


def test_rebuilders_are_named() -> None:
    assert "2 independent operators: anna, bert" in sentence("rebuild", EVIDENCE)


def test_one_rebuild_too_few_refuses_alone() -> None:
    short = replace(EVIDENCE, rebuilds=((rebuilt("anna"), 2),))

    assert no("rebuild", short) == ("rebuild-quorum", Severity.NOT_YET)
    assert refusing(short) == ["rebuild"]


def test_other_bytes_from_the_same_source_veto_alone() -> None:
    both = replace(
        EVIDENCE,
        rebuilds=(
            (rebuilt("anna"), 2),
            (rebuilt("bert"), 3),
            (rebuilt("carl", "ff" * 32), 4),
        ),
    )

    assert no("rebuild", both) == ("rebuild-veto", Severity.REFUSED)
    assert refusing(both) == ["rebuild"]
    assert sentence("rebuild", both) == "built to other bytes by carl"


def test_where_nobody_must_rebuild_it_is_said() -> None:
    lenient = replace(TRUST, rebuilders=replace(TRUST.rebuilders, is_enforced=False))
    alone = replace(trusting(lenient), rebuilds=())

    assert sentence("rebuild", alone).endswith("required: none")


def test_the_user_may_ask_for_more_rebuilders() -> None:
    wanted = replace(EVIDENCE, tightening=Tightening(rebuild_threshold=3))

    assert no("rebuild", wanted) == ("rebuild-quorum", Severity.NOT_YET)


def test_a_flood_of_statements_refuses() -> None:
    flood = tuple((b"%d" % number, None) for number in range(1_025))

    assert no("rebuild", replace(EVIDENCE, rebuilds=flood)) == (
        "rebuild-quorum",
        Severity.REFUSED,
    )


def test_times_are_those_of_the_witnesses() -> None:
    assert sentence("cooldown", EVIDENCE) == "public for 9 d 23 h, asked are 7 d"
