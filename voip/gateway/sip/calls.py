"""The calls of one line: who is in them, by the numbers that the worker goes by.

Carrier. A call that nobody here would hear of is ended at the worker at once: there it
would go on, unowned, and cost money.
"""

import asyncio
from collections.abc import Callable

from voip.gateway.counts import Direction, GatewayCounts, Kind
from voip.gateway.sip.account import SipAccount
from voip.gateway.sip.call import SipCall
from voip.gateway.sip.frames import (
    THEIRS,
    Command,
    Event,
    Order,
    Shown,
    Sound,
    format_command,
)
from voip.gateway.sip.leg import SipLeg
from voip.gateway.sip.mark import expected

MAX_LEGS = 64  # at once; a worker that tells of more has gone mad


class Calls:
    """The calls that stand, or are on their way."""

    def __init__(
        self,
        account: SipAccount,
        counts: GatewayCounts,
        *,
        may_be_weak: bool,
        send: Callable[[bytes], None],
        spare: Callable[[bytes], None],
    ) -> None:
        """Begin with none.

        Args:
            account: whose they are.
            counts: where to count.
            may_be_weak: the user's and the account's word for calls that others hear.
            send: takes an order to the worker.
            spare: takes sound and pictures there, unless it is behind.
        """
        self._account = account
        self._counts = counts
        self._may_be_weak = may_be_weak
        self._send, self._spare = send, spare
        self._legs: dict[int, SipLeg] = {}
        self._last = 0

    def dial(self, uri: str, *, video: bool) -> SipLeg:
        """Call somebody."""
        self._last = self._last % (THEIRS - 1) + 1
        leg = self._add(self._last, uri, came=False)
        self._send(format_command(Command(Order.DIAL, self._last, uri, video)))
        return leg

    def come(self, event: Event, waiting: int) -> SipLeg | None:
        """Take a call that comes, unless so many stand, or wait to be heard of."""
        if not self._is_new(event.call):
            return None
        if max(len(self._legs), waiting) >= MAX_LEGS:
            self._end(event.call)
            return None
        return self._add(event.call, event.text, came=True)

    def replace(self, event: Event) -> None:
        """Take the call that takes the place of one, for they transferred us."""
        if not self._is_new(event.call):
            return
        text = event.text
        number = int(text) if text.isascii() and text.isdecimal() else 0
        replaced = self._legs.get(number)
        peer = "" if replaced is None else replaced.referred_to
        if replaced is None or not peer or len(self._legs) >= MAX_LEGS:
            self._end(event.call)
            return
        replaced.replace(self._add(event.call, peer, came=False))

    def tell(self, event: Event) -> None:
        """Take what the worker says of a call."""
        if leg := self._legs.get(event.call):
            leg.tell(event)

    def hear(self, sounds: list[Sound]) -> None:
        """Take a beat: 20 ms of each call, answered by 20 ms for each."""
        legs, answers = self._legs, []
        for sound in sounds:
            leg = legs.get(sound.call)
            answer = None if leg is None else leg.hear(sound)
            if answer is not None:
                answers.append(answer)
        if answers:
            self._spare(b"".join(answers))

    def see(self, shown: Shown) -> None:
        """Take a picture of a call."""
        if leg := self._legs.get(shown.call):
            leg.see(shown)

    def lose(self) -> None:
        """Take that the worker is gone, and all calls with it."""
        for leg in tuple(self._legs.values()):
            leg.lose()

    def _is_new(self, number: int) -> bool:
        return THEIRS <= number not in self._legs

    def _end(self, number: int) -> None:
        self._send(format_command(Command(Order.END, number)))

    def _add(self, number: int, peer: str, *, came: bool) -> SipLeg:
        rules = SipCall(
            number,
            self._account,
            may_be_weak=self._may_be_weak,
            came=came,
            now=asyncio.get_running_loop().time(),
        )
        leg = self._legs[number] = SipLeg(
            number,
            rules,
            peer=peer,
            is_incoming=came,
            mark=expected(self._account),
            send=self._send,
            spare=self._spare,
            over=self._forget,
            heard=self._counts.frames(Kind.SIP, Direction.IN),
            said=self._counts.frames(Kind.SIP, Direction.OUT),
        )
        return leg

    def _forget(self, number: int) -> None:
        del self._legs[number]
