"""What a telephone call looks like, and what can be asked of it. Pure.

An order is a line::

    digits 123#    hold    resume    transfer sip:USER@HOST    mute    unmute
    accept    decline    hangup
"""

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from cli.codes import Code
from cli.output import escape
from voip.errors import MalformedError
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
from voip.marks import NAMES, leg_facts, sentence, weakest
from voip.signalling.legs import LegReason, Mark

Facts = dict[str, object]

_CODES = {
    LegReason.NORMAL: Code.DONE,
    LegReason.DECLINED: Code.REFUSED,
    LegReason.BUSY: Code.BUSY,
    LegReason.NO_ANSWER: Code.NO_ANSWER,
    LegReason.REFUSED_BY_PEER: Code.REFUSED,
    LegReason.NO_ENCRYPTION: Code.NO_ENCRYPTION,
    LegReason.NOT_ALLOWED: Code.NOT_ALLOWED,
    LegReason.UNREACHABLE: Code.UNREACHABLE,
    LegReason.LOST: Code.UNREACHABLE,
    LegReason.SECURITY: Code.DISTRUST,
}


class Act(Enum):
    """An order of one word; the value is its line."""

    ACCEPT = "accept"
    DECLINE = "decline"
    HANG_UP = "hangup"
    HOLD = "hold"
    RESUME = "resume"
    MUTE = "mute"
    UNMUTE = "unmute"


@dataclass(frozen=True, slots=True)
class Digits:
    """Press these keys."""

    digits: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Have them call somebody else."""

    uri: str


Order = Act | Digits | Transfer

_ACTS = {act.value: act for act in Act}


def parse_order(line: str) -> Order:
    """Read a line.

    Raises:
        MalformedError: it is no order; the message lists those that are.
    """
    word, _, rest = line.strip().partition(" ")
    if word == "digits" and rest:
        return Digits(rest)
    if word == "transfer" and rest:
        return Transfer(rest)
    if rest or word not in _ACTS:
        known = ", ".join([*_ACTS, "digits DIGITS", "transfer URI"])
        raise MalformedError(f"expected one of {known}; came {line.strip()!r}")
    return _ACTS[word]


def code_of(over: CallOver) -> Code:
    """Give the exit code of a call that ended so."""
    return Code.DISTRUST if over.is_certificate else _CODES[over.reason]


def facts(happened: Happened, ticket: LegTicket | None) -> Facts:
    """Give what programs are told of what happened, and of how weak the call is."""
    return {**_facts(happened), **mark_facts(ticket)}


def mark_facts(ticket: LegTicket | None) -> Facts:
    """Give how weak the call is now."""
    if ticket is None:
        return {}
    mark = weakest([ticket.leg])
    return {
        "code": int(mark),
        "mark": NAMES[mark],
        "legs": [leg_facts(ticket.leg, "")],
    }


def mark_line(ticket: LegTicket) -> str:
    """Say how weak the call is now."""
    return escape(sentence(ticket.leg, "this gateway"))


def _facts(happened: Happened) -> Facts:  # noqa: C901, PLR0911 -- a table
    match happened:
        case Rings():
            return {"event": "ringing"}
        case EarlyMedia(_, suite):
            return {"event": "early-media", "suite": suite}
        case Answered():
            return {"event": "answered"}
        case Secured(_, suite):
            return {"event": "secured", "suite": suite}
        case Unsecured():
            return {"event": "unsecured"}
        case Held(on):
            return {"event": "held" if on else "resumed"}
        case Pressed(digit):
            return {"event": "digit", "digit": digit}
        case Referred(uri):
            return {"event": "referred", "uri": uri}
        case TransferFailed(status):
            return {"event": "transfer-failed", "status": status}
        case CallOver(reason, status, text):
            return {
                "event": "ended",
                "reason": reason.name.lower(),
                "status": status,
                "sentence": text,
            }
        case _:
            assert_never(happened)


def line_of(happened: Happened) -> str:  # noqa: C901, PLR0911 -- a table
    """Say what happened."""
    match happened:
        case Rings():
            return "it rings there"
        case EarlyMedia(mark, suite):
            return f"a sound before the answer: {_keys(mark, suite)}"
        case Answered():
            return "answered; nothing passes before the encryption is known"
        case Secured(mark, suite):
            return _keys(mark, suite)
        case Unsecured():
            return "nothing passes: they agree on other media"
        case Held(on):
            return "they put us on hold" if on else "they took us off hold"
        case Pressed(digit):
            return f"they pressed {digit}"
        case Referred(uri):
            return f"they ask us to call {escape(uri)}"
        case TransferFailed(status):
            why = f": {status}" if status else ""
            return f"they did not call whom we named{why}"
        case CallOver(_, status, text):
            why = f"over: {text}" if text else "over"
            return f"{why} ({status})" if status else why
        case _:
            assert_never(happened)


def _keys(mark: Mark, suite: str) -> str:
    return f"{NAMES[mark]} ({suite})" if suite else NAMES[mark]
