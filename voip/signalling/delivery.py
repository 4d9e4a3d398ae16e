"""Control messages each once, in order, over paths that lose, repeat and reorder.

One `Delivery` per session, the same one whether messages travel by mailbox or as media
records. It is fed what was opened (`receive`) and asked what to seal and send (`due`)::

    delivery.send(Alerting())
    for ctl in delivery.due(now, Path.MAILBOX): ...seal, put...
    for message in delivery.receive(opened, now): ...

What must be on disk before a message is acknowledged is written between `receive` and
the next `due` or `ping`: only these two let an acknowledgement out.

PING and PONG have seq 0. They are sent once, not resent, not acknowledged and not
counted: counting them would let one lost PING hold back `ack` for good. Format and
rules: docs/formats/signalling.md.
"""

from dataclasses import dataclass
from enum import Enum

from voip.errors import LimitError, MalformedError
from voip.signalling.control import Control, format_control, parse_control
from voip.signalling.messages import (
    Hangup,
    Message,
    Ping,
    Pong,
)

WINDOW = 64
"""Messages out of order that a receiver keeps, and so the most a sender may have open.

A call has a handful; 64 leaves room for trickled candidates and bounds memory."""


class Path(Enum):
    """How control messages travel now; the value is the waits between resends, in s.

    The last wait repeats until the session gives up. A relay adds round trips and
    counts frames, so the mailbox is asked less often. By hand everything leaves once,
    for nobody wants to paste it again: the wait is as long as the call is tried.
    """

    RECORD = (1.0, 2.0, 4.0)
    MAILBOX = (2.0, 4.0, 8.0)
    HAND = (900.0,)


ACK_DELAY_S = 0.2
"""How long an acknowledgement by mailbox waits for a message to travel with."""


@dataclass(slots=True)
class _Outgoing:
    """A message that is not acknowledged yet."""

    seq: int
    message: Message
    sent_at: float | None = None
    times_sent: int = 0

    def due_at(self, path: Path) -> float:
        """When to (re)send; minus infinity if it never left."""
        if self.sent_at is None:
            return float("-inf")
        waits: tuple[float, ...] = path.value
        return self.sent_at + waits[min(self.times_sent, len(waits)) - 1]


class Delivery:
    """The sequence numbers, acknowledgements and resends of one session, one side."""

    def __init__(self) -> None:
        self._last_seq = 0
        self._outgoing: list[_Outgoing] = []
        self._uncounted: list[Message] = []
        self._acknowledged_through = 0
        self._received_through = 0
        self._is_closed = False
        self._early: dict[int, Message] = {}
        self._ack_owed_since: float | None = None

    @property
    def acknowledged_through(self) -> int:
        """The highest own seq up to which the peer has acknowledged everything."""
        return self._acknowledged_through

    @property
    def is_idle(self) -> bool:
        """Whether neither side waits for an acknowledgement of the other."""
        return not self._outgoing and self._ack_owed_since is None

    def is_acknowledged(self, seq: int) -> bool:
        """Whether the peer has acknowledged `seq` (what `send` returned)."""
        return seq <= self.acknowledged_through

    def send(self, message: Message) -> int:
        """Queue a message and return its seq; 0 for PING and PONG.

        Raises:
            LimitError: 64 messages are open, so the peer has long stopped answering;
                a HANGUP can be sent even then.
        """
        if isinstance(message, Ping | Pong):
            self._uncounted = [*self._uncounted, message][-WINDOW:]
            return 0
        if len(self._outgoing) >= WINDOW and not isinstance(message, Hangup):
            raise LimitError(f"{WINDOW} control messages wait for an acknowledgement")
        self._last_seq += 1
        self._outgoing.append(_Outgoing(self._last_seq, message))
        return self._last_seq

    def receive(self, raw: bytes, now: float) -> list[Message]:
        """Take one opened control message; return what is now in order, each once.

        Raises:
            MalformedError: it does not parse, or acknowledges what was never sent.
        """
        control = parse_control(raw)
        if control.ack > self._last_seq:
            raise MalformedError(
                f"control: ack {control.ack} of at most {self._last_seq} sent"
            )
        self._acknowledged_through = max(self._acknowledged_through, control.ack)
        self._outgoing = [each for each in self._outgoing if each.seq > control.ack]
        if control.seq == 0:
            return [control.message]
        # A duplicate says that our acknowledgement may be lost: it is owed again.
        if self._ack_owed_since is None:
            self._ack_owed_since = now
        at_once = self._close(control.message)
        # Beyond the window nothing is kept; the sender will send it again.
        if 0 < control.seq - self._received_through <= WINDOW:
            self._early[control.seq] = control.message
        in_order: list[Message] = []
        while (
            message := self._early.pop(self._received_through + 1, None)
        ) is not None:
            self._received_through += 1
            if not isinstance(message, Hangup):
                in_order.append(message)
        return in_order + at_once

    def _close(self, message: Message) -> list[Message]:
        """Hand the first HANGUP up at once: it waits for no lost message.

        What is still on its way takes its place in the sequence as ever: `ack` must not
        cover a CONFIRM before it was handed up and its secret kept.
        """
        if self._is_closed or not isinstance(message, Hangup):
            return []
        self._is_closed = True
        self._outgoing.clear()  # the peer has gone
        return [message]

    def hurry(self) -> None:
        """Make everything unacknowledged due at once, by another path perhaps."""
        for each in self._outgoing:
            each.sent_at = None

    def due(self, now: float, path: Path) -> list[bytes]:
        """Give what must leave now, oldest first.

        By mailbox an acknowledgement owed for 0.2 s that nothing carries leaves as a
        PING. By record it waits for the `ping` of the next idle second: a packet of its
        own would show an observer that something was received.
        """
        leaving = [
            Control(seq=0, ack=self._received_through, message=message)
            for message in self._uncounted
        ]
        self._uncounted = []
        for each in self._outgoing:
            if each.due_at(path) <= now:
                each.sent_at, each.times_sent = now, each.times_sent + 1
                leaving.append(
                    Control(
                        seq=each.seq, ack=self._received_through, message=each.message
                    )
                )
        if not leaving and path is Path.MAILBOX and self._ack_due_at() <= now:
            return [self.ping()]
        if leaving:
            self._ack_owed_since = None
        return [format_control(control) for control in leaving]

    def ping(self) -> bytes:
        """Give a PING that carries the acknowledgement and asks for no PONG."""
        self._ack_owed_since = None
        return format_control(
            Control(seq=0, ack=self._received_through, message=Ping())
        )

    def deadline(self, path: Path) -> float | None:
        """When `due` next has something for this path; None while there is nothing."""
        times = [each.due_at(path) for each in self._outgoing]
        if self._uncounted:
            times.append(float("-inf"))
        if path is Path.MAILBOX and self._ack_owed_since is not None:
            times.append(self._ack_due_at())
        return min(times, default=None)

    def _ack_due_at(self) -> float:
        if self._ack_owed_since is None:
            return float("inf")
        return self._ack_owed_since + ACK_DELAY_S
