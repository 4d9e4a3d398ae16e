"""Runs one call: waits for a message, the user, the media or a deadline.

Carrier. What is to be done is `voip.call`'s to say; here it is done. One task takes one
thing at a time, so nothing is decided twice; what would make it wait (a relay, ICE)
runs beside it in the same task group and comes back as another thing to take.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass

from voip import events as ev
from voip.assurance import Assurance
from voip.call import Call, State
from voip.description import Description
from voip.errors import (
    CallError,
    HandshakeError,
    LimitError,
    MalformedError,
    MissingError,
    RefusedError,
    TrustError,
    UnexpectedEventError,
)
from voip.frames import Frames
from voip.handshake.payload import Answer, Readiness
from voip.handshake.schedule import Role
from voip.identity.keys import Entropy
from voip.identity.trust import Reason
from voip.leg import Leg
from voip.line import Line
from voip.logline import LogLine
from voip.media.events import ControlReceived, MediaEvent, MediaFailed
from voip.media.sources import Recorder
from voip.media.streams import MediaSession
from voip.news import (
    Ended,
    FileArrived,
    News,
    PeerCompared,
    StateChanged,
    Warned,
)
from voip.place import Place
from voip.sending import Sending
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
from voip.signalling.outbox import Outbox

RECORD_S = 5.0  # for the other side's device to acknowledge that it was told
LINGER_S = 5.0  # how long an ended call waits for its HANGUP to be acknowledged
MAX_NEWS = 512  # unread by the user; then the oldest goes
MAX_UNREAD_FILES = 8  # of 1 MiB at most
MAX_JOBS = 256  # from outside, waiting to be taken


@dataclass(frozen=True, slots=True)
class _Parcel:
    device: bytes
    blob: bytes


@dataclass(frozen=True, slots=True)
class _Woken:
    """Something was queued for the other side."""


_LegCommand = (
    ev.SendConfirm
    | ev.SendAlerting
    | ev.SendAccept
    | ev.SendSelect
    | ev.SendHangup
    | ev.StartMedia
)
_CallCommand = (
    ev.Ring
    | ev.OpenMicrophone
    | ev.RestartPath
    | ev.StartRekey
    | ev.TellUnreachable
    | ev.Finish
)
_Job = _LegCommand | _CallCommand | _Parcel | _Woken | MediaEvent | CallError


class Session:
    """One call, run; its user holds it through a `Conversation`."""

    def __init__(  # noqa: PLR0913 -- who, where, and whom to tell
        self,
        legs: Mapping[bytes, Leg],
        *,
        identity: bytes,
        log: LogLine,
        place: Place,
        strict: bool = False,
        on_confirm: Callable[[], None] | None = None,
        on_ring: Callable[[], None] | None = None,
    ) -> None:
        self.identity = identity
        self.log = log
        self.call = Call()
        self.line: Line | None = None
        self.frames = Frames()
        self.news: asyncio.Queue[News] = asyncio.Queue(MAX_NEWS)
        self._unread_files = 0
        self.finished = asyncio.Event()
        self.wants_video = self.wants_muted = False
        self._legs = dict(legs)
        self._place = place
        self._assurance = Assurance(
            identity, log, keep=place.keep, tell=self.tell, strict=strict
        )
        self._on_confirm = on_confirm
        self._on_ring = on_ring
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        # The queue itself has no bound: the machine's commands must always fit. What
        # the other side can add to it has.
        self._room = asyncio.Semaphore(MAX_JOBS)
        self._outbox = Outbox(place.post, lambda trouble: self.tell(Warned(trouble)))
        self._sending = Sending(
            self._legs, self._outbox, entropy=place.entropy, by_hand=place.by_hand
        )
        self._helpers: set[asyncio.Task[None]] = set()
        self._chosen: Leg | None = None
        self._alerting_seq: int | None = None
        self._confirm_seq: dict[bytes, int] = {}
        self._confirmed: set[bytes] = set()
        self._control_taken = asyncio.Event()
        self._microphone_due = False
        self._over_at: float | None = None
        self._successor: bytes | None = None

    @property
    def legs(self) -> Mapping[bytes, Leg]:
        """By the other side's device."""
        return self._legs

    @property
    def entropy(self) -> Entropy:
        """Random bytes, of the place it runs in."""
        return self._place.entropy

    @property
    def leg(self) -> Leg | None:
        """The leg in view: the chosen one, or the only one."""
        if self._chosen is not None:
            return self._chosen
        return next(iter(self._legs.values())) if len(self._legs) == 1 else None

    @property
    def is_up(self) -> bool:
        """Whether both sides have proved themselves to each other by media."""
        return self.call.state in (State.ACTIVE, State.RECONNECTING)

    # What comes from outside; each returns at once.

    def feed(self, event: ev.Event) -> None:
        """Hand an event to the call machine; what follows is done in turn.

        Raises:
            UnexpectedEventError: nothing changed; it has no place now.
        """
        before = self.call.state
        for command in self.call.receive(event, _now()):
            self._jobs.put_nowait(command)
        if self.call.state is not before:
            self.tell(StateChanged(self.call.state))

    def feed_if_fitting(self, event: ev.Event) -> None:
        """Hand over what may come too late, from the network or the clock."""
        with contextlib.suppress(UnexpectedEventError):
            self.feed(event)

    def take(self, device: bytes, blob: bytes) -> None:
        """Take a blob that came into the mailbox of this device's leg.

        One too many is dropped; its sender sends it again.
        """
        if self._jobs.qsize() < MAX_JOBS:
            self._jobs.put_nowait(_Parcel(device, blob))

    def wake(self) -> None:
        """Send what was queued for the other side."""
        self._jobs.put_nowait(_Woken())

    def concede(self, successor: bytes) -> None:
        """End this call for one that replaces it: both dialled at once."""
        self._successor = successor
        self.feed_if_fitting(ev.GlareLost())

    def tell(self, news: News) -> None:
        """Tell the user; if nobody listens, the oldest news goes."""
        if isinstance(news, FileArrived) and self._unread_files == MAX_UNREAD_FILES:
            news = Warned("a file came and was dropped: those before it are unread")
        if self.news.full():
            self._read(self.news.get_nowait())
        self._unread_files += isinstance(news, FileArrived)
        self.news.put_nowait(news)

    async def next_news(self) -> News:
        """Give the oldest news that was not read yet."""
        return self._read(await self.news.get())

    def _read(self, news: News) -> News:
        self._unread_files -= isinstance(news, FileArrived)
        return news

    def fail(self, sentence: str) -> None:
        """Tell the user why the call stopped without a word to the other side."""
        self.feed_if_fitting(ev.UserHungUp())
        self.tell(Warned(sentence))
        self.tell(Ended(self.call.end or ev.End.LOST, self._successor))

    def repeat_opening(self) -> None:
        """Send INVITE or RINGING again: the other side seems not to have it."""
        self._sending.repeat_openings()

    async def compared(self, *, matched: bool) -> None:
        """Take what the user found when comparing the words.

        Raises:
            UnexpectedEventError: there are no words yet.
        """
        leg = self.leg
        if leg is None:
            raise UnexpectedEventError("words compared before a device was chosen")
        if not matched and self.line is not None:
            self.line.close_sources()  # first: a full disk must not keep them open
        await self._assurance.compared(leg, matched=matched)
        if matched:
            self._open_microphone()
        with contextlib.suppress(LimitError):  # they acknowledge nothing; it is theirs
            leg.delivery.send(SasResult(matched))
        self.wake()

    def speak_anyway(self) -> None:
        """Open the microphone although the trust is broken, for this call only."""
        self._assurance.settle_for_now()
        self._open_microphone()

    async def record(self, begin: Callable[[], Recorder]) -> None:
        """Tell the other side, and `begin` once its device has acknowledged that.

        Raises:
            MissingError: the call is not connected, or nothing was acknowledged in 5 s.
            UnexpectedEventError: it is being recorded already.
        """
        line, leg = self.line, self._chosen
        if line is None or leg is None or not self.is_up:
            raise MissingError("the call is not connected")
        if line.shown.recording:
            raise UnexpectedEventError("the call is being recorded already")
        line.shown.recording = True
        told = line.show()
        self.wake()
        begun = False
        try:
            await self._acknowledged(leg, told)
            line.record(begin())
            begun = True
            await self._assurance.recorded(there=False)
        finally:
            if not begun:
                line.stop_recording()  # they must not go on believing it
            self.wake()

    def stop_recording(self) -> None:
        """Finish the recording, if there is one."""
        if self.line is not None:
            self.line.stop_recording()
            self.wake()

    async def _acknowledged(self, leg: Leg, seq: int | None) -> None:
        try:
            async with asyncio.timeout(RECORD_S):
                while seq is None or not leg.delivery.is_acknowledged(seq):
                    self._control_taken.clear()
                    await self._control_taken.wait()
        except TimeoutError:
            raise MissingError("the other side did not hear of the recording") from None

    # The one task.

    async def run(self, begin: ev.Dialled | ev.InviteAnswered) -> None:
        """Run the call to its end; `begin` was fed already."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._spawn(self._outbox.run())
            try:
                if isinstance(begin, ev.Dialled):
                    await self._assurance.begun()
                if self.call.state is not State.ENDED:
                    self._sending.open(_now())
                while not self._is_over():
                    await self._step()
                assert self._over_at is not None
                await self._outbox.sent(self._over_at - _now())
            finally:
                for helper in tuple(self._helpers):
                    helper.cancel()
                if self.line is not None:
                    await self.line.close()
                self.frames.close()
                self.finished.set()

    async def _step(self) -> None:
        try:
            async with asyncio.timeout_at(self._wake_at()):
                job = await self._jobs.get()
        except TimeoutError:
            job = _Woken()
        await self._do(job)
        self.feed_if_fitting(ev.TimePassed())
        self._pump()

    async def _do(self, job: _Job) -> None:
        if isinstance(job, _LegCommand):
            await self._act(job, self._legs[job.leg])
        elif isinstance(job, _CallCommand):
            await self._act_on_call(job)
        elif isinstance(job, _Parcel):
            await self._take_parcel(self._legs[job.device], job.blob)
        elif isinstance(job, CallError):
            self.tell(Warned(str(job)))
            self.feed_if_fitting(ev.MediaLost())
        elif not isinstance(job, _Woken):
            self._room.release()
            if self.line is not None:
                await self._take_media_event(self.line, job)

    # What the machine wants done.

    async def _act(  # noqa: C901 -- one case per command
        self, command: _LegCommand, leg: Leg
    ) -> None:
        match command:
            case ev.SendConfirm():
                self._confirm_seq[leg.device] = leg.delivery.send(leg.confirm())
            case ev.SendAlerting():
                self._alerting_seq = leg.delivery.send(Alerting())
            case ev.SendAccept():
                self._chosen = leg
                if (media := await self._open_line(leg)) is not None:
                    leg.delivery.send(Accept(media))
            case ev.SendSelect():
                in_view, self._chosen = self.leg is leg, leg
                if not in_view:
                    self._assurance.show(leg)
                if (media := await self._open_line(leg, command.offer)) is not None:
                    leg.delivery.send(Select(media))
            case ev.SendHangup():
                if leg.has_keys:
                    leg.delivery.send(Hangup(command.reason, leg.device))
            case ev.StartMedia():
                if self.line is not None:
                    self._spawn(self._connect(self.line, command.media))

    async def _act_on_call(self, command: _CallCommand) -> None:
        match command:
            case ev.Ring():
                await self._assurance.begun()
                if self._on_ring is not None:
                    self._on_ring()
            case ev.OpenMicrophone():
                self._assurance.answered()
                self._microphone_due = True
                self._open_microphone()
            case ev.RestartPath():
                if self.line is not None:
                    self._spawn(self._restart(self.line))
            case ev.StartRekey():
                if self.line is not None:
                    self.line.rekey()
            case ev.TellUnreachable():
                self.tell(Warned("no device has answered so far"))
            case ev.Finish():
                await self._finish(command.end)

    async def _open_line(
        self, leg: Leg, offered: Description | None = None
    ) -> Description | None:
        """Open what the call hears and shows with, and describe it."""
        try:
            session = self._place.media(
                leg.role,
                leg.call_secret,
                self._place.plan(),
                self._place.ice,
                entropy=self._place.entropy,
                idle_control=leg.delivery.ping,
                on_datagram=self._place.on_datagram,
                # By hand each address would have to be pasted.
                trickle=not self._place.by_hand,
            )
            self.line = Line(leg, session, entropy=self._place.entropy, tell=self.tell)
            self.line.shown.muted = self.wants_muted
            leg.forget_call_secret()
            self._spawn(self._listen(session))
            return await self.line.describe(offered)
        except RefusedError:
            self.feed_if_fitting(ev.SecurityFailed(leg.device))
            return None
        except CallError as error:
            self._jobs.put_nowait(error)
            return None

    async def _listen(self, session: MediaSession) -> None:
        while True:
            await self._room.acquire()  # more wait in the session, which has a bound
            self._jobs.put_nowait(await session.event())

    async def _connect(self, line: Line, remote: Description) -> None:
        try:
            await line.connect(remote)
        except RefusedError:
            assert self._chosen is not None
            self.feed_if_fitting(ev.SecurityFailed(self._chosen.device))
        except CallError as error:
            self._jobs.put_nowait(error)

    async def _restart(self, line: Line) -> None:
        try:
            await line.restart()
        except CallError as error:
            self.tell(Warned(str(error)))
        self.wake()

    async def _finish(self, end: ev.End) -> None:
        self._over_at = _now() + LINGER_S
        self.frames.close()
        self._pump()
        if self.line is not None:
            line, self.line = self.line, None
            await line.close()
        await self._assurance.finished(end)
        self.tell(Ended(end, self._successor))

    # What the other side says.

    async def _take_parcel(self, leg: Leg, blob: bytes) -> None:
        try:
            if not leg.has_keys:
                answer = leg.receive_ringing(blob, now=_unix())
                await self._take_ringing(leg, answer)
                return
            ctl = leg.open(blob)
        except (HandshakeError, MalformedError):
            return  # not from the other side of this leg: anybody can write there
        await self._take_verified(leg, ctl)

    async def _take_verified(self, leg: Leg, ctl: bytes) -> None:
        try:
            await self._take_control(leg, ctl)
        except MalformedError:
            # Only the other side can have sealed it, and nobody honest sends it.
            self.feed_if_fitting(ev.SecurityFailed(leg.device))

    async def _take_ringing(self, leg: Leg, answer: Answer) -> None:
        if answer.readiness is not Readiness.WILL_RING:
            busy = answer.readiness is Readiness.BUSY
            end = ev.End.BUSY if busy else ev.End.NOT_TAKEN
            self.feed_if_fitting(ev.Unavailable(leg.device, end))
            return
        await self._assurance.judged(leg)
        if self.leg is leg:
            self._assurance.show(leg)
        self.feed_if_fitting(ev.WillRing(leg.device))

    async def _take_control(self, leg: Leg, ctl: bytes) -> None:
        """Take a message that verified: first onto disk, then into the sequence.

        Whatever is acknowledged must have happened on disk already, or a crash here
        would look like a thief to the other side.
        """
        control = parse_control(ctl)
        if isinstance(control.message, Confirm) and not self._is_confirmed(leg):
            if not await self._check_confirm(leg, control.message):
                return
        elif self._acknowledges_confirm(leg, control.ack):
            if self.call.state is State.ENDED and control.seq:
                # Too late to keep the secret, for a newer call may have kept its own;
                # so this is not acknowledged either, and the callee keeps both.
                return
            # An acknowledged CONFIRM means that the callee has the secret on disk.
            if self.call.state is not State.ENDED:
                self._confirmed.add(leg.device)
                await self._assurance.committed(leg)
        for message in leg.delivery.receive(ctl, _now()):
            await self._take_message(leg, message)
        self._control_taken.set()
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
            self.feed_if_fitting(ev.SecurityFailed(leg.device))
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
        match message:
            case Confirm():
                self.feed_if_fitting(ev.Confirmed(leg.device))
            case Alerting():
                self.feed_if_fitting(ev.Alerted(leg.device))
            case Accept(media):
                self.feed_if_fitting(ev.Accepted(leg.device, media))
            case Select(media):
                self.feed_if_fitting(ev.Selected(leg.device, media))
            case Hangup(reason):
                self.feed_if_fitting(ev.HungUp(leg.device, reason))
            case SasResult(matched):
                self.tell(PeerCompared(matched))
            case _ if self.line is None or leg is not self._chosen:
                pass
            case Gossip(frame):
                if self.is_up:
                    self.frames.take(frame)
            case Restart() | RestartAck():
                # Finding a path takes long; a newer try replaces an older one.
                self._spawn(self._take_line_message(self.line, message))
            case _:
                await self._take_line_message(self.line, message)

    async def _take_line_message(self, line: Line, message: Message) -> None:
        try:
            event = await line.take(message)
        except RefusedError:
            assert self._chosen is not None
            event = ev.SecurityFailed(self._chosen.device)
        except CallError as error:
            self.tell(Warned(str(error)))
            event = None
        if event is not None:
            self.feed_if_fitting(event)
        if line.is_recorded_there and not self.log.record.recorded_there:
            await self._assurance.recorded(there=True)
        self.wake()

    async def _take_media_event(self, line: Line, event: MediaEvent) -> None:
        if isinstance(event, ControlReceived):
            assert self._chosen is not None
            await self._take_verified(self._chosen, event.ctl)
            return
        if isinstance(event, MediaFailed):
            self._jobs.put_nowait(MissingError(event.reason))
            return
        followed = line.take_event(event)
        if followed is not None:
            self.feed_if_fitting(followed)

    # Sending, and time.

    @property
    def _talking(self) -> Leg | None:
        """The leg that media flows with, or by hand once did: nothing else carries."""
        flows = self.call.state is State.ACTIVE
        lost = self._place.by_hand and self.call.state is State.RECONNECTING
        return self._chosen if flows or lost else None

    def _pump(self) -> None:
        # By mailbox each would be a blob more that a relay could count.
        if self._chosen is not None and self.call.state is State.ACTIVE:
            self.frames.send_next(self._chosen.delivery)
        self._sending.pump(_now(), self._talking, self.line)

    def _wake_at(self) -> float | None:
        sending = self._sending.deadline(self._talking)
        times = (self.call.deadline, self._over_at, sending)
        return min((at for at in times if at is not None), default=None)

    def _is_over(self) -> bool:
        """An ended call lingers until its last word is acknowledged, or 5 s."""
        if self._over_at is None:
            return False
        if self._place.by_hand:
            return True  # an acknowledgement would have to be pasted
        return self._sending.is_done() or _now() >= self._over_at

    def _open_microphone(self) -> None:
        """Let the other side hear and see the user, if it is time and they may."""
        if self.leg is None or self.line is None or not self._microphone_due:
            return
        if self._assurance.may_speak(self.leg):
            self.line.open_sources(video=self.wants_video)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._tasks.create_task(work)
        self._helpers.add(task)
        task.add_done_callback(self._helpers.discard)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _unix() -> int:
    return int(time.time())
