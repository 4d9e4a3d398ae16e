"""Telephones that our user asks the other side's gateway for, and ends.

Asking agrees to what was asked for: one telephone, no weaker than what is said before.
Anything else that the gateway lists is asked about, as always.
"""

from collections.abc import Sequence
from contextlib import suppress

from cli.display import Display
from cli.output import escape
from voip.asides import Aside
from voip.conversation import Conversation
from voip.errors import CallError, LimitError
from voip.marks import NAMES
from voip.news import LegsChanged
from voip.notice import is_weaker
from voip.signalling.legs import (
    LegAsk,
    LegEnd,
    LegKind,
    LegReason,
    ListedLeg,
    Mark,
)

_NO_GATEWAY = "nobody here dials for others"
_REASONS = {
    LegReason.NORMAL: "over",
    LegReason.DECLINED: "declined",
    LegReason.BUSY: "busy",
    LegReason.NO_ANSWER: "no answer",
    LegReason.REFUSED_BY_PEER: "refused by somebody in the call",
    LegReason.NO_ENCRYPTION: "no encryption offered",
    LegReason.NOT_ALLOWED: "not allowed",
    LegReason.UNREACHABLE: "not reached",
    LegReason.LOST: "lost",
    LegReason.SECURITY: "ended for safety",
}


class Telephoning:
    """What one call's user wants of the other side's gateway."""

    def __init__(self, conversation: Conversation, display: Display) -> None:
        self._conversation = conversation
        self._display = display
        self._asked = 0  # questions without an answer
        self._agreed: tuple[ListedLeg, ...] = ()

    def ask(self, target: str) -> None:
        """Ask for a telephone.

        Raises:
            MalformedError: longer than 128 bytes.
            MissingError: no device has answered yet, or the call is over.
            LimitError: the other side acknowledges nothing.
        """
        self._conversation.say(LegAsk(LegKind.SIP, target))
        self._asked += 1
        self._display.answer(
            {"event": "leg-asked", "kind": "sip", "target": target},
            f"asked for the telephone {escape(target)}",
            f"at best it is {NAMES[Mark.TO_PBX]}: the exchange and all behind it hear",
        )

    def end(self, number: int) -> None:
        """Have the gateway end one of its legs; raises what `ask` raises."""
        self._conversation.say(LegEnd(number, LegReason.NORMAL))

    def take(self, news: LegsChanged) -> None:
        """Agree to what was asked for, if the list has that and nothing else new."""
        legs = news.legs.legs
        # A list that came while this one was on its way to us is for the user.
        is_newest = self._conversation.legs == news.legs
        if (
            news.asks
            and self._asked
            and is_newest
            and self._conversation.asks_about_legs
            and is_asked_for(legs, self._agreed)
        ):
            self._conversation.answer_legs(accept=True)
        elif not news.asks:
            if _fresh(legs, self._agreed):
                self._asked = max(0, self._asked - 1)
            self._agreed = legs

    async def hear(self) -> None:
        """Show what the other side's program says of legs, until the call is over."""
        try:
            async for message in self._conversation.heard():
                self._hear(message)
        except LimitError:
            self._display.warn("their program says more than anybody reads")

    def _hear(self, message: Aside) -> None:
        match message:
            case LegEnd():
                self._show_end(message)
            case LegAsk():
                with suppress(CallError):  # who asks all day is told less often
                    self._conversation.say(
                        LegEnd(0, LegReason.NOT_ALLOWED, text=_NO_GATEWAY)
                    )
            case _:
                pass  # lists are news; rooms have programs of their own

    def _show_end(self, ended: LegEnd) -> None:
        if ended.id == 0:
            self._asked = max(0, self._asked - 1)
        what = f"leg {ended.id}" if ended.id else "no telephone"
        status = f" ({ended.status})" if ended.status else ""
        text = f": {escape(ended.text)}" if ended.text else ""
        self._display.answer(
            {
                "event": "leg-ended",
                "id": ended.id,
                "reason": ended.reason.name.lower(),
                "status": ended.status,
                "sentence": ended.text,
            },
            f"{what}: {_REASONS[ended.reason]}{status}{text}",
        )


def is_asked_for(legs: Sequence[ListedLeg], agreed: Sequence[ListedLeg]) -> bool:
    """Say whether a list has one telephone more than was agreed to, and no more.

    It must be as good as was said before: encrypted, by an exchange that proved who it
    is. A weaker one is for the user to look at.
    """
    fresh = _fresh(legs, agreed)
    return [_is_good(leg) for leg in fresh] == [True]


def _is_good(leg: ListedLeg) -> bool:
    return leg.kind is LegKind.SIP and leg.mark <= Mark.TO_PBX and leg.authenticated


def _fresh(legs: Sequence[ListedLeg], agreed: Sequence[ListedLeg]) -> list[ListedLeg]:
    known = {leg.id: leg for leg in agreed}
    return [leg for leg in legs if leg.id not in known or is_weaker(leg, known[leg.id])]
