"""What a telephone call looks like at the console, and what can be asked of it."""

import pytest

from cli.codes import Code
from cli.gateways.phoneview import (
    Act,
    Digits,
    Order,
    Transfer,
    code_of,
    facts,
    line_of,
    mark_facts,
    mark_line,
    parse_order,
)
from tests.voip.simulated import simulated
from voip.errors import MalformedError
from voip.gateway.bridge import Bridge
from voip.gateway.joined import Joined
from voip.gateway.sip.call import (
    Answered,
    CallOver,
    EarlyMedia,
    Happened,
    Held,
    Pressed,
    Referred,
    Rings,
    Secured,
    TransferFailed,
    Unsecured,
)
from voip.gateway.tickets import LegTicket
from voip.signalling.legs import LegKind, LegReason, Mark

SUITE = "AES_CM_128_HMAC_SHA1_80"


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("digits 12#", Digits("12#")),
        (" transfer sip:7@pbx.example ", Transfer("sip:7@pbx.example")),
        *((act.value, act) for act in Act),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_order_is_a_line(line: str, order: Order) -> None:
    assert parse_order(line) == order


@pytest.mark.parametrize("line", ["", "dance", "digits", "hold on", "transfer "])
def test_anything_else_names_the_orders(line: str) -> None:
    with pytest.raises(MalformedError, match="expected one of accept, decline"):
        parse_order(line)


CODES = {
    LegReason.NORMAL: 0,
    LegReason.DECLINED: 1,
    LegReason.BUSY: 3,
    LegReason.NO_ANSWER: 2,
    LegReason.REFUSED_BY_PEER: 1,
    LegReason.NO_ENCRYPTION: 7,
    LegReason.NOT_ALLOWED: 8,
    LegReason.UNREACHABLE: 75,
    LegReason.LOST: 75,
    LegReason.SECURITY: 4,
}


@pytest.mark.parametrize("reason", LegReason)
def test_each_reason_has_its_exit_code(reason: LegReason) -> None:
    assert code_of(CallOver(reason, 0, "")) == CODES[reason]


def test_a_certificate_that_is_not_accepted_is_distrust() -> None:
    over = CallOver(LegReason.UNREACHABLE, 0, "", is_certificate=True)

    assert code_of(over) is Code.DISTRUST


HAPPENED: list[tuple[Happened, str, str]] = [
    (Rings(), "ringing", "it rings there"),
    (
        EarlyMedia(Mark.NOT_ENCRYPTED, ""),
        "early-media",
        "a sound before the answer: NOT ENCRYPTED past here",
    ),
    (
        Answered(),
        "answered",
        "answered; nothing passes before the encryption is known",
    ),
    (
        Secured(Mark.TO_PBX, SUITE),
        "secured",
        f"encrypted to PBX only ({SUITE})",
    ),
    (Secured(Mark.NOT_ENCRYPTED, ""), "secured", "NOT ENCRYPTED past here"),
    (Unsecured(), "unsecured", "nothing passes: they agree on other media"),
    (Held(on=True), "held", "they put us on hold"),
    (Held(on=False), "resumed", "they took us off hold"),
    (Pressed("5"), "digit", "they pressed 5"),
    (Referred("sip:\x1b7@a"), "referred", r"they ask us to call sip:\x1b7@a"),
    (TransferFailed(486), "transfer-failed", "they did not call whom we named: 486"),
    (TransferFailed(0), "transfer-failed", "they did not call whom we named"),
    (
        CallOver(LegReason.BUSY, 486, "the line is busy"),
        "ended",
        "over: the line is busy (486)",
    ),
    (CallOver(LegReason.NORMAL, 0, ""), "ended", "over"),
]


@pytest.mark.parametrize(
    ("happened", "event", "line"), HAPPENED, ids=range(len(HAPPENED))
)
def test_everything_that_happens_has_a_line_and_an_event(
    happened: Happened, event: str, line: str
) -> None:
    assert (facts(happened, None)["event"], line_of(happened)) == (event, line)


async def ticket() -> LegTicket:
    return Joined().want(
        LegKind.SIP,
        Bridge().port("telephone"),
        mark=Mark.TO_PBX,
        host="pbx.example",
        suite=SUITE,
        name="200",
        authenticated=True,
    )


@simulated
async def test_programs_read_how_weak_the_call_is_in_every_event() -> None:
    told = facts(Rings(), await ticket())

    assert (told["code"], told["mark"]) == (3, "encrypted to PBX only")
    assert "legs" in told


@simulated
async def test_people_read_how_weak_the_call_is() -> None:
    line = mark_line(await ticket())

    assert line == (
        f"leg 1, sip '200': encrypted to PBX only ({SUITE}), via this gateway; joined"
    )


def test_before_a_leg_there_is_no_mark() -> None:
    assert mark_facts(None) == {}
