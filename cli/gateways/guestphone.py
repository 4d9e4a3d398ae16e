"""A telephone in a call of browser guests, who press its keys."""

import time

from cli.gateways.phoneview import facts, line_of, mark_facts, mark_line
from cli.gateways.saying import refuse, tell
from cli.output import escape
from voip.errors import CallError
from voip.gateway.bridge import Bridge
from voip.gateway.joined import Joined
from voip.gateway.sip.asking import uri_of
from voip.gateway.sip.call import CallOver, Happened, Secured
from voip.gateway.sip.telephone import Line, Telephone, who_is
from voip.signalling.legs import Digits

TONES_PER_S = 5  # a tone and the pause after it take some 0.2 s
MAX_AT_ONCE = 32  # as many as one message holds


class GuestPhone:
    """One call to a telephone, beside the guests."""

    def __init__(self, line: Line, bridge: Bridge, joined: Joined, who: str) -> None:
        """Take whom to call: a URI, a number, or a name in the account's file."""
        self._credit, self._credit_at = float(MAX_AT_ONCE), time.monotonic()
        self._uri = uri_of(line.account, who)
        port = bridge.port("telephone")
        self._telephone = Telephone(line, joined, port, tell=self._happened)

    async def call(self) -> None:
        """Call, once all have seen that it will be there, and hold it to its end.

        What goes wrong is said, and ends no call of the guests.
        """
        telephone = self._telephone
        try:
            ticket = telephone.announce(who_is(self._uri))
            tell({"event": "announced", **mark_facts(ticket)}, mark_line(ticket))
            over = await telephone.dial(self._uri)
            tell(facts(over, ticket), line_of(over))
        except CallError as error:
            refuse(f"{escape(self._uri)}: {escape(str(error))}")
        finally:
            telephone.hang_up()

    def press(self, pressed: Digits) -> None:
        """Send touch tones of a guest; nothing if he means another leg."""
        ticket = self._telephone.ticket
        if ticket is None or pressed.leg != ticket.leg.id:
            return
        if not self._may_press(len(pressed.digits)):
            refuse("a guest presses keys faster than a telephone can hear them")
            return
        try:
            self._telephone.press(pressed.digits)
        except CallError as error:
            refuse(f"{escape(self._uri)}: {escape(str(error))}")

    def _may_press(self, count: int) -> bool:
        """Bound what a guest makes the telephone's program keep."""
        now = time.monotonic()
        earned = (now - self._credit_at) * TONES_PER_S
        self._credit = min(self._credit + earned, MAX_AT_ONCE)
        self._credit_at = now
        if count > self._credit:
            return False
        self._credit -= count
        return True

    def _happened(self, happened: Happened) -> None:
        ticket = self._telephone.ticket
        if ticket is None or isinstance(happened, CallOver):
            return  # its end is told once
        is_mark = isinstance(happened, Secured)
        line = mark_line(ticket) if is_mark else line_of(happened)
        tell(facts(happened, ticket), line)
