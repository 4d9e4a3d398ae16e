"""What a contact asks a gateway to dial, and what they are told where it does not.

Rules. Who asks is known by their keys; what they ask for is a stranger's text all the
same. In this order, each check before what costs more than it::

    too many questions            so that nobody makes us answer all day
    kind, trust, grant            `voip.gateway.admission.check_asker`
    a name of the account, a number or a URI: one spelling, and a rule that allows it
    two at once

How long they may is not known here: `voip.gateway.quota`.
"""

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from voip.errors import MalformedError, NotAllowedError
from voip.gateway.admission import admitted, check_asker
from voip.gateway.sip.account import SipAccount, parse_uri
from voip.identity.contact import Grant
from voip.identity.trust import Trust, TrustState
from voip.signalling.legs import LegAsk, LegKind, LegReason

AT_ONCE: Final = 2  # a call, and one to ask back with
ASKS: Final = 8
ASKS_S: Final = 60.0
"""So many questions a contact and minute: more than a person types, and each is little
work. They count across their calls."""

_NUMBER: Final = re.compile(r"\+?[0-9*#(). /-]*[0-9*#][0-9*#(). /-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, by the address book as it is now.

    Attributes:
        identity: 32 bytes.
        trust: in the device that they call with, now; None before anything is known.
        grant: whom they may have joined.
    """

    identity: bytes
    trust: Trust | None
    grant: Grant


@dataclass(frozen=True, slots=True)
class Wanted:
    """A telephone that may be called, and the name under which it is announced."""

    uri: str
    name: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Nobody is called.

    Attributes:
        reason: for the other side.
        text: for the other side, at most 64 bytes; says nothing that is only ours.
        why: for whoever runs the gateway; holds their words, so escape it.
    """

    reason: LegReason
    text: str
    why: str


@dataclass(slots=True)
class _Asked:
    """What one contact asked for: when, and how many calls of theirs are up."""

    at: deque[float] = field(default_factory=lambda: deque(maxlen=ASKS))
    up: int = 0


class Asking:
    """What contacts ask one gateway for; times are seconds of any steady clock."""

    def __init__(self, account: SipAccount) -> None:
        self._account = account
        self._asked: dict[bytes, _Asked] = {}

    def judge(self, ask: LegAsk, asker: Asker, now: float) -> Wanted | Refused:
        """Say what follows from a question.

        After `Wanted` a place is taken; give it back by `over`.
        """
        # As many entries as contacts: nobody else gets as far as to ask.
        asked = self._asked.setdefault(asker.identity, _Asked())
        if len(asked.at) == ASKS and now - asked.at[0] < ASKS_S:
            return _refused("too many questions; wait a minute")
        asked.at.append(now)
        if ask.kind is not LegKind.SIP:
            kind = ask.kind.name.lower()
            return _refused(f"this gateway joins telephones, no {kind}")
        if refused := _check(asker):
            return refused
        try:
            uri = parse_uri(
                admitted(uri_of(self._account, ask.target), self._account.rules)
            )
        except (NotAllowedError, MalformedError) as error:
            return _refused("this number may not be called by this gateway", str(error))
        if asked.up == AT_ONCE:
            return _refused(f"{AT_ONCE} telephones at once are enough")
        asked.up += 1
        return Wanted(uri, self._name_of(ask.target, uri))

    def over(self, identity: bytes) -> None:
        """Take note that a call of a contact is over."""
        self._asked[identity].up -= 1

    def _name_of(self, said: str, uri: str) -> str:
        if self._account.number_of(said) is not None:
            return said
        return uri.removeprefix("sip:").partition("@")[0]


def uri_of(account: SipAccount, said: str) -> str:
    """Give whom somebody means: a name in the account's file, a number, or a URI.

    A bare number is one of the account's exchange. Nothing is checked yet.
    """
    if (named := account.number_of(said)) is not None:
        return named
    if _NUMBER.fullmatch(said):
        number = re.sub("[ /]", "", said)
        return f"sip:{number}@{account.host}"
    return said


def may_call(trust: Trust | None, grant: Grant) -> bool:
    """Say whether a contact's call to the gateway is taken.

    Also one of a device that was never met: it is known by its second call, for which
    there must be a first.
    """
    is_broken = trust is not None and trust.state is TrustState.BROKEN
    return not is_broken and grant in (Grant.SIP, Grant.ALL)


def _check(asker: Asker) -> Refused | None:
    trust = asker.trust
    if trust is None or trust.state is TrustState.NEW:
        return _refused("your device is new here: hang up, and call again")
    try:
        check_asker(trust, asker.grant, LegKind.SIP)
    except NotAllowedError as error:
        return _refused("nobody allowed you to ask for a telephone here", str(error))
    return None


def _refused(text: str, why: str = "") -> Refused:
    return Refused(LegReason.NOT_ALLOWED, text, why or text)
