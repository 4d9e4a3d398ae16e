"""What leaves for the other side: openings, control messages, and by which way."""

from collections.abc import Iterable, Mapping

from voip.handshake.schedule import Role
from voip.identity.keys import Entropy
from voip.leg import Leg
from voip.line import Line
from voip.signalling.control import parse_control
from voip.signalling.delivery import Path
from voip.signalling.messages import Hangup, Restart, RestartAck
from voip.signalling.outbox import Outbox

RESEND_OPENING_S = (4.0, 12.0, 28.0)  # a carrier may lose it; doubles are known
_URGENT = (Hangup, Restart, RestartAck)
"""Sent at once and by both ways: the path may be dead, or about to close."""


class Sending:
    """Sends for all legs of a call; times are the driver's seconds."""

    def __init__(
        self,
        legs: Mapping[bytes, Leg],
        outbox: Outbox,
        *,
        entropy: Entropy,
        by_hand: bool = False,
    ) -> None:
        """Take the legs of a call; `by_hand`, people carry what leaves, once each."""
        self._legs = legs
        self._outbox = outbox
        self._entropy = entropy
        self._by_hand = by_hand
        self._slow = Path.HAND if by_hand else Path.MAILBOX
        self._resend_at: dict[bytes, list[float]] = {}
        self._talked: Leg | None = None

    def open(self, now: float) -> None:
        """Send INVITE or RINGING, and the caller's again until there is an answer."""
        self.repeat_openings()
        for device, leg in self._legs.items():
            if leg.role is Role.CALLER and not self._by_hand:
                self._resend_at[device] = [now + after for after in RESEND_OPENING_S]

    def repeat_openings(self) -> None:
        """Send INVITE or RINGING again: the other side seems not to have it."""
        for leg in self._legs.values():
            self._send_opening(leg)

    def pump(self, now: float, talking: Leg | None, line: Line | None) -> None:
        """Let out what is due.

        To the leg we talk with by records, which an observer cannot tell from the ones
        that flow anyway; to others, and before there is sound, by mailbox.

        Args:
            now: the time.
            talking: the leg whose sound flows now, if any.
            line: the media of the chosen leg, if any.
        """
        if self._talked is not None and talking is None:
            # What waits went by a path that is dead or closing; a RESTART or HANGUP
            # behind it must not wait for its turn.
            self._talked.delivery.hurry()
        self._talked = talking
        for leg in self._with_keys():
            path = Path.RECORD if leg is talking else self._slow
            for ctl in leg.delivery.due(now, path):
                urgent = isinstance(parse_control(ctl).message, _URGENT)
                if line is not None and line.leg is leg and (urgent or leg is talking):
                    line.send(ctl, urgent=urgent)
                if urgent or leg is not talking:
                    self._outbox.put(leg.to, leg.seal(ctl, self._entropy))
        self._resend_openings(now)

    def deadline(self, talking: Leg | None) -> float | None:
        """When `pump` next has something to do; None while there is nothing."""
        times = [waiting[0] for waiting in self._resend_at.values() if waiting]
        for leg in self._with_keys():
            path = Path.RECORD if leg is talking else self._slow
            at = leg.delivery.deadline(path)
            if at is not None:
                times.append(at)
        return min(times, default=None)

    def is_done(self) -> bool:
        """Whether nobody waits for an acknowledgement any more."""
        return all(leg.delivery.is_idle for leg in self._with_keys())

    def _with_keys(self) -> Iterable[Leg]:
        return (leg for leg in self._legs.values() if leg.has_keys)

    def _send_opening(self, leg: Leg, *, everywhere: bool = False) -> None:
        addresses = leg.invites or (leg.to,)
        if self._by_hand:
            addresses = (leg.to,)  # the other side has one clipboard
        if everywhere and leg.last_resort is not None:
            addresses = (*addresses, leg.last_resort)
        for to in addresses:
            self._outbox.put(to, leg.opening)

    def _resend_openings(self, now: float) -> None:
        for device, times in self._resend_at.items():
            leg = self._legs[device]
            if leg.has_keys:
                times.clear()
            elif times and times[0] <= now:
                times.pop(0)
                # Nobody reads the mailbox of a secret that only we have: where a store
                # was copied or restored, the device's own mailbox still finds it, and
                # the copy is noticed.
                self._send_opening(leg, everywhere=True)
