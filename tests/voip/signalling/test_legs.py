"""What is said of a gateway's legs: to the byte, and nothing else is taken."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.io_map import CHECKOUT
from tests.voip.signalling.codec import changed, check_read_or_refused, parse
from voip.errors import MalformedError
from voip.signalling.legs import (
    LEG_READERS,
    MAX_LEGS,
    MAX_VERSION,
    Digits,
    LegAsk,
    LegEnd,
    LegKind,
    LegMessage,
    LegReason,
    Legs,
    LegsAck,
    LegStage,
    ListedLeg,
    Mark,
    Shown,
    format_leg_message,
)

PHONE = ListedLeg(
    1,
    LegKind.SIP,
    mark=Mark.TO_PBX,
    stage=LegStage.JOINED,
    authenticated=True,
    host="pbx.example",
    suite="AES_CM_128_HMAC_SHA1_80",
    name="Büro",
)
GUEST = ListedLeg(
    2,
    LegKind.BROWSER,
    mark=Mark.BROWSER_GUEST,
    audio=False,
    video=True,
    words_matched=True,
)
FIXED: dict[str, tuple[LegMessage, str]] = {
    "no legs": (Legs(1), "0000000100"),
    "legs": (
        Legs(258, (PHONE, GUEST)),
        (
            "0000010202"
            "01020305020b7062782e6578616d706c65"
            "174145535f434d5f3132385f484d41435f534841315f3830"
            "0542c3bc726f"
            "0201020a01000000"
        ),
    ),
    "shown": (LegsAck(258, Shown.SHOWN), "0000010201"),
    "refused": (LegsAck(258, Shown.REFUSED), "0000010202"),
    "digits": (Digits(3, "1#A"), "0303312341"),
    "ask": (LegAsk(LegKind.SIP, "sip:a@b"), "02077369703a614062"),
    "end": (LegEnd(1, LegReason.BUSY, status=486, text="no"), "010301e6026e6f"),
}


@pytest.mark.parametrize("name", FIXED)
def test_a_message_is_written_to_the_byte(name: str) -> None:
    message, fields = FIXED[name]
    _, written = format_leg_message(message)

    assert written.hex() == fields


@pytest.mark.parametrize("name", FIXED)
def test_a_message_is_read_back(name: str) -> None:
    message, _ = FIXED[name]

    assert parse(LEG_READERS, *format_leg_message(message)) == message


@given(st.sampled_from(sorted(LEG_READERS)), st.binary(max_size=120))
def test_any_bytes_are_a_message_or_malformed(kind: int, fields: bytes) -> None:
    check_read_or_refused(LEG_READERS, format_leg_message, kind, fields)


@given(st.sampled_from(sorted(FIXED)), st.data())
def test_a_changed_byte_is_another_message_or_malformed(
    name: str, data: st.DataObject
) -> None:
    kind, fields = format_leg_message(FIXED[name][0])

    check_read_or_refused(LEG_READERS, format_leg_message, kind, changed(fields, data))


MISFITS: dict[str, Callable[[], object]] = {
    "leg 0": lambda: replace(PHONE, id=0),
    "leg 256": lambda: replace(PHONE, id=256),
    "long host": lambda: replace(PHONE, host="a" * 65),
    "host with an escape": lambda: replace(PHONE, host="\x1b[2J"),
    "host beyond ASCII": lambda: replace(PHONE, host="pbx.exämple"),
    "long suite": lambda: replace(PHONE, suite="a" * 41),
    "long name": lambda: replace(PHONE, name="ä" * 25),
    "name of half a pair": lambda: replace(PHONE, name="\ud800"),
    "version 0": lambda: Legs(0),
    "version of 33 bits": lambda: Legs(MAX_VERSION + 1),
    "legs out of order": lambda: Legs(1, (GUEST, PHONE)),
    "one leg twice": lambda: Legs(1, (PHONE, PHONE)),
    "nine legs": lambda: Legs(1, tuple(replace(PHONE, id=n) for n in range(1, 10))),
    "no digits": lambda: Digits(1, ""),
    "33 digits": lambda: Digits(1, "1" * 33),
    "no touch tone": lambda: Digits(1, "E"),
    "no target": lambda: LegAsk(LegKind.SIP, ""),
    "long target": lambda: LegAsk(LegKind.SIP, "a" * 129),
    "long text": lambda: LegEnd(1, LegReason.LOST, text="a" * 65),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_a_field_out_of_its_bounds_is_refused(misfit: str) -> None:
    with pytest.raises(MalformedError):
        MISFITS[misfit]()


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        (21, "0000000109", f"at most {MAX_LEGS}, came 9"),
        (21, "00000001010102031001000000", "unknown flags in 0x10"),
        (21, "00000001010104030101000000", "LegKind: 4 is unknown"),
        (21, "00000001010102050101000000", "Mark: 5 is unknown"),
        (21, "00000001010102030104000000", "LegStage: 4 is unknown"),
        (22, "0000000103", "Shown: 3 is unknown"),
        (24, "0201ff", "expected UTF-8"),
        (25, "010b000000", "LegReason: 11 is unknown"),
    ],
)  # fmt: skip
def test_a_value_that_has_no_meaning_is_malformed(
    kind: int, fields: str, reason: str
) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse(LEG_READERS, kind, bytes.fromhex(fields))


def test_the_worked_example_of_the_document_is_true() -> None:
    example = (CHECKOUT / "docs" / "formats" / "legs.md").read_text()
    leg = replace(PHONE, stage=LegStage.ANNOUNCED, name="Office")
    written = [
        format_leg_message(message)[1].hex()
        for message in (
            Legs(7, (leg,)),
            LegsAck(7, Shown.SHOWN),
            LegEnd(1, LegReason.BUSY, status=486, text="Busy Here"),
        )
    ]
    block = example.split("```")[1]
    shown = re.split(r"LEGS_ACK|LEG_END|LEGS", block)[1:]

    assert ["".join(each.split()) for each in shown] == written
