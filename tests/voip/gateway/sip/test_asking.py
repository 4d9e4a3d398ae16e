"""What contacts may have dialled, and what they hear where they may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.gateway.sip.account import parse_account
from voip.gateway.sip.asking import (
    ASKS,
    ASKS_S,
    AT_ONCE,
    Asker,
    Asking,
    Refused,
    Wanted,
    may_call,
    uri_of,
)
from voip.identity.contact import Grant
from voip.identity.trust import Reason, Trust, TrustState
from voip.signalling.legs import (
    MAX_TARGET_BYTES,
    MAX_TEXT_BYTES,
    LegAsk,
    LegKind,
    LegReason,
)

ACCOUNT = parse_account(
    b"""\
account sip:gateway@pbx.example
number office sip:+493012@pbx.example
number boss sip:+49900666@pbx.example
deny sip:+49900*@pbx.example
allow sip:+49*@pbx.example
allow sip:alice@pbx.example
"""
)
BOB = bytes([7]) * 32


def trust(state: TrustState) -> Trust:
    return Trust(state, Reason.FIRST_CALL, since=0)


def bob(
    state: TrustState | None = TrustState.CONTINUOUS,
    grant: Grant = Grant.SIP,
    identity: bytes = BOB,
) -> Asker:
    return Asker(identity, None if state is None else trust(state), grant)


def ask(
    target: str = "office",
    *,
    asker: Asker | None = None,
    asking: Asking | None = None,
    kind: LegKind = LegKind.SIP,
    now: float = 0.0,
) -> Wanted | Refused:
    asking = asking or Asking(ACCOUNT)
    return asking.judge(LegAsk(kind, target), asker or bob(), now)


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("office", Wanted("sip:+493012@pbx.example", "office")),
        ("sip:+49(30)1-2@PBX.example", Wanted("sip:+493012@pbx.example", "+493012")),
        ("+49 30/12", Wanted("sip:+493012@pbx.example", "+493012")),
        ("sip:alice@pbx.example", Wanted("sip:alice@pbx.example", "alice")),
    ],
    ids=["name", "uri", "number", "user"],
)
def test_who_may_be_called_is_called_under_one_spelling(
    target: str, wanted: Wanted
) -> None:
    assert ask(target) == wanted


@pytest.mark.parametrize(
    "target",
    [
        *("boss", "sip:+49900666@pbx.example", "+49900666"),
        *("sip:+493012@elsewhere.example", "sips:+493012@pbx.example"),
        *("sip:+493012@pbx.example;transport=udp", "sip:+493012@pbx.example?X=1"),
        *("somebody", "\x1b[2J", "sip:+493012%40evil@pbx.example", "+ /"),
    ],
)
def test_nobody_else_is_called_and_nothing_of_ours_is_told(target: str) -> None:
    refused = ask(target)

    assert isinstance(refused, Refused)
    assert (refused.reason, refused.text) == (
        LegReason.NOT_ALLOWED,
        "this number may not be called by this gateway",
    )


def test_a_name_of_the_account_passes_the_rules_like_any_other() -> None:
    refused = ask("boss")

    assert isinstance(refused, Refused)
    assert "is denied by" in refused.why
    assert "49900" not in refused.text


@pytest.mark.parametrize(
    ("asker", "text"),
    [
        (bob(None), "new here"),
        (bob(TrustState.NEW), "new here"),
        (bob(TrustState.BROKEN), "nobody allowed you"),
        (bob(grant=Grant.NONE), "nobody allowed you"),
        (bob(grant=Grant.BROWSER), "nobody allowed you"),
    ],
    ids=["unknown", "new", "broken", "none", "browser"],
)
def test_whom_nobody_allowed_to_ask_is_refused(asker: Asker, text: str) -> None:
    refused = ask(asker=asker)

    assert isinstance(refused, Refused)
    assert text in refused.text


@pytest.mark.parametrize("kind", [LegKind.BROWSER, LegKind.ROOM])
def test_other_kinds_are_not_joined(kind: LegKind) -> None:
    refused = ask(kind=kind)

    assert isinstance(refused, Refused)
    assert "joins telephones, no" in refused.text


def test_a_third_telephone_at_once_is_too_many() -> None:
    asking = Asking(ACCOUNT)
    first = [ask(asking=asking) for _ in range(AT_ONCE)]
    third = ask(asking=asking)
    asking.over(BOB)
    again = ask(asking=asking)

    assert [type(each) for each in (*first, third, again)] == [
        *[Wanted] * AT_ONCE,
        Refused,
        Wanted,
    ]


def test_each_contact_has_a_place_of_their_own() -> None:
    asking = Asking(ACCOUNT)
    for _ in range(AT_ONCE):
        ask(asking=asking)

    other = bob(identity=bytes([8]) * 32)
    assert isinstance(ask(asking=asking, asker=other), Wanted)


def test_questions_all_day_are_not_even_looked_at() -> None:
    asking = Asking(ACCOUNT)
    for each in range(ASKS):
        ask("boss", asking=asking, now=float(each))
    refused = ask(asking=asking, now=ASKS_S - 0.1)
    later = ask(asking=asking, now=ASKS_S)

    assert isinstance(refused, Refused)
    assert "too many questions" in refused.text
    assert isinstance(later, Wanted)


@given(st.text(min_size=1, max_size=MAX_TARGET_BYTES // 4))
def test_any_text_is_answered_in_few_bytes(target: str) -> None:
    refused = ask(target)

    assert isinstance(refused, Wanted) or len(refused.text.encode()) <= MAX_TEXT_BYTES


def test_a_number_is_one_of_the_exchange() -> None:
    assert uri_of(ACCOUNT, "(030) 12") == "sip:(030)12@pbx.example"


@pytest.mark.parametrize(
    ("state", "grant", "taken"),
    [
        (None, Grant.SIP, True),
        (TrustState.NEW, Grant.SIP, True),
        (TrustState.VERIFIED, Grant.ALL, True),
        (TrustState.BROKEN, Grant.ALL, False),
        (TrustState.VERIFIED, Grant.BROWSER, False),
        (TrustState.VERIFIED, Grant.NONE, False),
    ],
)
def test_calls_are_taken_of_those_who_may_ask(
    state: TrustState | None, grant: Grant, *, taken: bool
) -> None:
    known = None if state is None else trust(state)

    assert may_call(known, grant) is taken
