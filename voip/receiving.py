"""What comes from the other side: blobs and records, and the messages in them.

Carrier. Whatever is acknowledged has happened on disk already, or a crash would look
like a thief to the other side. What a message means for the call is the machine's to
say, what it means for the media is the line's.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine

from voip import events as ev
from voip.asides import Aside
from voip.assurance import Assurance
from voip.call import State
from voip.errors import (
    CallError,
    HandshakeError,
    MalformedError,
    RefusedError,
    TrustError,
)
from voip.frames import Frames
from voip.gate import Gate
from voip.handshake.payload import Answer, Readiness
from voip.handshake.schedule import Role
from voip.identity.trust import Reason
from voip.leg import Leg
from voip.line import Line
from voip.news import News, PeerCompared, Warned
from voip.signalling.control import parse_control
from voip.signalling.messages import (
    Accept,
    Alerting,
    Confirm,
    Gossip,
    Hangup,
    Message,
    Restart,
    RestartAck,
    SasResult,
    Select,
)
from voip.standing import Standing


class Receiving:
    """Takes what the other side says, for all legs of a call."""

    def __init__(  # noqa: PLR0913 -- whom a message may concern
        self,
        standing: Standing,
        assurance: Assurance,
        frames: Frames,
        gate: Gate,
        *,
        feed: Callable[[ev.Event], None],
        tell: Callable[[News], None],
        wake: Callable[[], None],
        spawn: Callable[[Coroutine[None, None, None]], None],
        on_confirm: Callable[[], None] | None,
    ) -> None:
        """Take the call and what a message may lead to.

        `feed` takes events for the machine, which may have no place for them any more;
        `wake` sends what was queued; `spawn` runs beside what takes long; `on_confirm`
        hears that a caller is who he says.
        """
        self._standing = standing
        self._assurance = assurance
        self._frames = frames
        self._gate = gate
        self._feed = feed
        self._tell = tell
        self._wake = wake
        self._spawn = spawn
        self._on_confirm = on_confirm
        self._alerting_seq: int | None = None
        self._confirm_seq: dict[bytes, int] = {}
        self._confirmed: set[bytes] = set()
        self._taken = asyncio.Event()

    def confirm_sent(self, leg: Leg, seq: int) -> None:
        """Note the number of our CONFIRM: who acknowledges it has kept its secret."""
        self._confirm_seq[leg.device] = seq

    def alerting_sent(self, seq: int) -> None:
        """Note the number of our ALERTING."""
        self._alerting_seq = seq

    def hears_us(self, leg: Leg) -> bool:
        """Whether a device proved to be there, or will when it reads what we sent."""
        return leg.device in self._confirm_seq or self._is_confirmed(leg)

    async def acknowledged(self, leg: Leg, seq: int) -> None:
        """Wait until the other side has taken a message of ours."""
        while not leg.delivery.is_acknowledged(seq):
            self._taken.clear()
            await self._taken.wait()

    async def take(self, leg: Leg, blob: bytes) -> None:
        """Take a blob that came into the mailbox of a leg; anybody can write there."""
        try:
            if not leg.has_keys:
                await self._take_ringing(leg, leg.receive_ringing(blob, now=_unix()))
                return
            ctl = leg.open(blob)
        except (HandshakeError, MalformedError):
            return  # not from the other side of this leg
        await self.take_verified(leg, ctl)

    async def take_verified(self, leg: Leg, ctl: bytes) -> None:
        """Take a control message that only the other side can have sealed."""
        try:
            await self._take_control(leg, ctl)
        except MalformedError:
            self._feed(ev.SecurityFailed(leg.device))  # nobody honest sends it

    async def _take_ringing(self, leg: Leg, answer: Answer) -> None:
        if answer.readiness is not Readiness.WILL_RING:
            busy = answer.readiness is Readiness.BUSY
            end = ev.End.BUSY if busy else ev.End.NOT_TAKEN
            self._feed(ev.Unavailable(leg.device, end))
            return
        if self._gate.needs_telling and not leg.can_be_told:
            # Nobody is to hear of it from us: it would ring, and say nothing of legs.
            self._tell(Warned("one of their devices cannot be told of legs"))
            self._feed(ev.Unavailable(leg.device, ev.End.NOT_TAKEN))
            return
        await self._assurance.judged(leg)
        if self._standing.leg is leg:
            self._assurance.show(leg)
        self._feed(ev.WillRing(leg.device))

    async def _take_control(self, leg: Leg, ctl: bytes) -> None:
        """Take a message: first onto disk, then into the sequence."""
        control = parse_control(ctl)
        is_over = self._standing.call.state is State.ENDED
        if isinstance(control.message, Confirm) and not self._is_confirmed(leg):
            if not await self._check_confirm(leg, control.message):
                return
        elif self._acknowledges_confirm(leg, control.ack):
            if is_over and control.seq:
                # Too late to keep the secret, for a newer call may have kept its own;
                # so this is not acknowledged either, and the callee keeps both.
                return
            # An acknowledged CONFIRM means that the callee has the secret on disk.
            if not is_over:
                self._confirmed.add(leg.device)
                await self._assurance.committed(leg)
        for message in leg.delivery.receive(ctl, asyncio.get_running_loop().time()):
            await self._take_message(leg, message)
        self._taken.set()
        if self._alerting_seq is not None and leg.delivery.is_acknowledged(
            self._alerting_seq
        ):
            self._alerting_seq = None
            await self._assurance.alerting_acked(leg)

    def _acknowledges_confirm(self, leg: Leg, ack: int) -> bool:
        # A device that woke too late gets a HANGUP and no CONFIRM, and acknowledges it.
        sent = self._confirm_seq.get(leg.device)
        return sent is not None and sent <= ack and not self._is_confirmed(leg)

    def _is_confirmed(self, leg: Leg) -> bool:
        return leg.device in self._confirmed

    async def _check_confirm(self, leg: Leg, message: Confirm) -> bool:
        if leg.role is Role.CALLER:
            return False
        try:
            leg.check_confirm(message)
        except TrustError:
            await self._assurance.broken(leg, Reason.COMMITMENT)
            self._feed(ev.SecurityFailed(leg.device))
            return False
        self._confirmed.add(leg.device)
        if self._on_confirm is not None:
            self._on_confirm()
        await self._assurance.committed(leg)
        self._assurance.show(leg)
        return True

    async def _take_message(  # noqa: C901 -- one case per message
        self, leg: Leg, message: Message
    ) -> None:
        line = self._standing.line
        match message:
            case Confirm():
                self._feed(ev.Confirmed(leg.device))
            case Alerting():
                self._feed(ev.Alerted(leg.device))
            case Accept(media):
                self._feed(ev.Accepted(leg.device, media))
            case Select(media):
                self._feed(ev.Selected(leg.device, media))
            case Hangup(reason):
                self._feed(ev.HungUp(leg.device, reason))
            case SasResult(matched):
                self._tell(PeerCompared(matched))
            case _ if isinstance(message, Aside):
                self._take_aside(leg, message)
            case _ if line is None or leg is not self._standing.chosen:
                pass
            case Gossip(frame):
                if self._standing.is_up:
                    self._frames.take(frame)
            case Restart() | RestartAck():
                # Finding a path takes long; a newer try replaces an older one.
                self._spawn(self._take_line_message(line, message))
            case _:
                await self._take_line_message(line, message)

    def _take_aside(self, leg: Leg, message: Aside) -> None:
        if self._is_confirmed(leg):  # else nobody proved to be live
            self._gate.take(leg, message)

    async def _take_line_message(self, line: Line, message: Message) -> None:
        try:
            event = await line.take(message)
        except RefusedError:
            event = ev.SecurityFailed(line.leg.device)
        except CallError as error:
            self._tell(Warned(str(error)))
            event = None
        if event is not None:
            self._feed(event)
        if line.is_recorded_there:
            await self._assurance.recorded(there=True)
        self._wake()


def _unix() -> int:
    return int(time.time())
