"""Who may be reached, whatever tricks a URI is written with, and for how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError, NotAllowedError
from voip.gateway.admission import (
    Rule,
    admitted,
    check_asker,
    normalised,
)
from voip.identity.contact import Grant
from voip.identity.trust import Reason, Trust, TrustState
from voip.signalling.legs import LegKind

BOB = bytes(32)
BERLIN = (
    Rule("sip:+49301*@pbx.example", allows=False),
    Rule("sip:+4930*@pbx.example", allows=True),
    Rule("sip:*@sales.example:5070", allows=True),
)


def trust(state: TrustState) -> Trust:
    return Trust(state, Reason.SAME, since=0)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sip:bob@pbx.example", "sip:bob@pbx.example"),
        ("SIPS:Bob@PBX.Example.", "sips:Bob@pbx.example"),
        ("sip:+49(30)1-2.3@pbx.example", "sip:+4930123@pbx.example"),
        ("sip:john.doe@pbx.example", "sip:john.doe@pbx.example"),
        ("sip:1@pbx.example:5070", "sip:1@pbx.example:5070"),
        ("sip:1@192.0.2.7", "sip:1@192.0.2.7"),
        ("sip:1@[2001:DB8:0::1]:5061", "sip:1@[2001:db8::1]:5061"),
        ("sip:1@a;User=phone;transport=TLS", "sip:1@a;transport=tls;user=phone"),
    ],
)
def test_a_target_has_one_spelling(written: str, meant: str) -> None:
    assert normalised(written) == meant


@pytest.mark.parametrize(
    "trick",
    [
        "",
        "tel:+4930",
        "bob@pbx.example",
        "sip:pbx.example",
        "sip:@pbx.example",
        "sip:bob@pbx@evil.example",
        "sip:bob:secret@pbx.example",
        "sip:bob%40evil@pbx.example",
        "sip:%2b4930@pbx.example",
        "sip:bob@pbx.example?Route=evil",
        "sip:bob@pbx.example;maddr=192.0.2.1",
        "sip:bob@pbx.example;method=REFER",
        "sip:bob@pbx.example;transport=tls;transport=udp",
        "sip:bob@pbx.example;transport",
        "sip:bob@pbx.example;",
        "sip:bob;phone-context=evil@pbx.example",
        "sip:bob @pbx.example",
        "sip:bob@pbx.example\r\nRoute: evil",
        "sip:\N{ARABIC-INDIC DIGIT FOUR}\N{ARABIC-INDIC DIGIT NINE}@pbx.example",
        "sip:\N{FULLWIDTH DIGIT FOUR}@pbx.example",
        "sip:bob@pbx\N{IDEOGRAPHIC FULL STOP}example",
        "sip:+@pbx.example",
        "sip:()@pbx.example",
        "sip:bob@",
        "sip:bob@.",
        "sip:bob@-pbx.example",
        "sip:bob@pbx..example",
        "sip:bob@127.1",
        "sip:bob@0x7f000001",
        "sip:bob@2130706433",
        "sip:bob@010.0.0.1",
        "sip:bob@pbx.example:0",
        "sip:bob@pbx.example:65536",
        "sip:bob@pbx.example:05060",
        "sip:bob@[::1",
        "sip:bob@[fe80::1%eth0]",
        "sip:bob@a]b:1",
        "<sip:bob@pbx.example>",
        "sip:" + "1" * 130 + "@a",
    ],
)
def test_a_trick_is_refused(trick: str) -> None:
    with pytest.raises(NotAllowedError, match="target: expected"):
        normalised(trick)


@given(st.text(max_size=60).map("sip:{}".format) | st.text(max_size=60))
def test_any_text_has_one_spelling_or_is_refused(text: str) -> None:
    try:
        once = normalised(text)
    except NotAllowedError:
        return

    assert normalised(once) == once


@pytest.mark.parametrize(
    "target",
    ["sip:+49 302".replace(" ", "-") + "@PBX.example", "sip:1@sales.example:5070"],
)
def test_a_target_that_a_rule_allows_is_admitted(target: str) -> None:
    assert admitted(target, BERLIN) == normalised(target)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("sip:+493012@pbx.example", r"denied by 'sip:\+49301\*@pbx.example'"),
        ("sip:+4989@pbx.example", "allowed by no rule"),
        ("sips:+49302@pbx.example", "allowed by no rule"),
        ("sip:+49302@pbx.example:5061", "allowed by no rule"),
        ("sip:+49302@pbx.example.evil", "allowed by no rule"),
        ("sip:1@sales.example", "allowed by no rule"),
    ],
)
def test_a_target_is_reached_only_by_a_rule_that_allows_it(
    target: str, why: str
) -> None:
    with pytest.raises(NotAllowedError, match=why):
        admitted(target, BERLIN)


NO_900 = (
    Rule("sip:+49900*@pbx.example", allows=False),
    Rule("sip:+49*@pbx.example", allows=True),
    Rule("sip:*@pbx.example", allows=True),
)


@pytest.mark.parametrize(
    "user",
    [
        "+49-900-123x",
        "+49.900123~",
        "+49!900123",
        "+49*900123",
        "+49+900",
        "49-900-123x",
        "*31#+49900123",
        "(+49900123)x",
    ],
)
def test_one_more_character_does_not_pass_a_rule_that_denies(user: str) -> None:
    with pytest.raises(NotAllowedError, match="allowed by no rule"):
        admitted(f"sip:{user}@pbx.example", NO_900)


@pytest.mark.parametrize("user", ["+4930123", "0301", "bob.2", "alice+work"])
def test_a_star_stands_for_the_digits_of_a_number_and_for_any_name(user: str) -> None:
    target = f"sip:{user}@pbx.example"

    assert admitted(target, NO_900) == target


def test_what_is_no_digit_is_dialled_where_a_rule_says_it() -> None:
    rule = Rule("sip:0#*@pbx.example", allows=True)

    assert admitted("sip:0#30@pbx.example", [rule]) == "sip:0#30@pbx.example"


def test_a_rule_that_denies_fits_whatever_the_star_stands_for() -> None:
    rules = Rule("sip:0*@a", allows=False), Rule("sip:0#30@a", allows=True)

    with pytest.raises(NotAllowedError, match="denied by"):
        admitted("sip:0#30@a", rules)


def test_a_star_does_not_cross_an_at() -> None:
    assert not Rule("sip:*@pbx.example", allows=True).fits(
        "sip:a@evil.example@pbx.example"
    )


def test_a_star_in_a_host_stands_for_its_labels() -> None:
    assert Rule("sip:*@*.pbx.example", allows=True).fits("sip:1@a.b.pbx.example")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("sip:*@*", "four numbers"),
        ("+4930*", "begins with sip:"),
        ("sip:+49-30*@pbx.example", "the spelling"),
        ("sip:*@PBX.example", "the spelling"),
    ],
)
def test_a_pattern_that_nothing_fits_is_malformed(pattern: str, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        Rule(pattern, allows=True)


@pytest.mark.parametrize("state", [TrustState.CONTINUOUS, TrustState.VERIFIED])
def test_a_contact_that_was_granted_it_may_ask(state: TrustState) -> None:
    check_asker(trust(state), Grant.SIP, LegKind.SIP)


@pytest.mark.parametrize("state", [TrustState.NEW, TrustState.BROKEN])
def test_nobody_may_ask_whose_device_is_not_known(state: TrustState) -> None:
    with pytest.raises(NotAllowedError, match="met before"):
        check_asker(trust(state), Grant.ALL, LegKind.SIP)


@pytest.mark.parametrize(
    ("grant", "kind"),
    [
        (Grant.NONE, LegKind.BROWSER),
        (Grant.BROWSER, LegKind.SIP),
        (Grant.SIP, LegKind.BROWSER),
        (Grant.SIP, LegKind.ROOM),
    ],
)
def test_nobody_may_ask_for_what_was_not_granted(grant: Grant, kind: LegKind) -> None:
    with pytest.raises(NotAllowedError, match="its grant is"):
        check_asker(trust(TrustState.VERIFIED), grant, kind)
