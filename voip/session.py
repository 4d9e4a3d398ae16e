"""Runs one call: waits for a message, the user, the media or a deadline.

Carrier. What is to be done is `voip.call`'s to say; here it is done. One task takes one
thing at a time, so nothing is decided twice; what would make it wait (a relay, ICE)
runs beside it in the same task group and comes back as another thing to take.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass

from voip import events as ev
from voip.asides import Aside, Asides
from voip.assurance import Assurance
from voip.bulletin import Bulletin
from voip.call import Call, State
from voip.description import Description
from voip.errors import (
    CallError,
    LimitError,
    MissingError,
    RefusedError,
    UnexpectedEventError,
)
from voip.frames import Frames
from voip.gate import Gate
from voip.handshake.payload import Media
from voip.identity.keys import Entropy
from voip.identity.vault import OnLegs
from voip.leg import Leg
from voip.line import Line
from voip.logline import LogLine
from voip.media.events import ControlReceived, MediaEvent, MediaFailed
from voip.media.nomedia import NoMedia
from voip.media.streams import MediaSession
from voip.news import Ended, News, StateChanged, Warned
from voip.place import Place
from voip.receiving import Receiving
from voip.recording import Recording
from voip.sending import Sending
from voip.signalling.legs import Legs
from voip.signalling.messages import Accept, Alerting, Hangup, SasResult, Select
from voip.signalling.outbox import Outbox
from voip.standing import Standing

LINGER_S = 5.0  # how long an ended call waits for its HANGUP to be acknowledged
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
    | ev.MeetCaller
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
    """One call, run; its user holds it through a `Conversation`.

    Attributes:
        plan: opens what the call hears and shows with.
        media_asked: what the INVITE asked for.
        group: the room that the call is a part of, 16 bytes.
    """

    def __init__(  # noqa: PLR0913 -- who, where, and whom to tell
        self,
        legs: Mapping[bytes, Leg],
        *,
        identity: bytes,
        log: LogLine,
        place: Place,
        media_asked: Media = Media.AUDIO | Media.VIDEO,
        group: bytes | None = None,
        alias: str = "",
        strict: bool = False,
        on_legs: OnLegs = OnLegs.ASK,
        on_confirm: Callable[[], None] | None = None,
        on_ring: Callable[[], None] | None = None,
    ) -> None:
        self.identity = identity
        self.log = log
        self.plan = place.plan
        self.media_asked = media_asked
        self.group = group
        self.asides = Asides()
        self.frames = Frames()
        self.bulletin = Bulletin()
        self.finished = asyncio.Event()
        self.wants_video = self.wants_muted = False
        self._standing = Standing(dict(legs))
        self._place = place
        self._assurance = Assurance(
            identity, log, keep=place.keep, tell=self.tell, strict=strict
        )
        self.gate = Gate(
            self._standing,
            self.asides,
            log,
            on_legs=on_legs,
            feed=self.feed_if_fitting,
            tell=self.tell,
            alias=alias,
        )
        self._receiving = Receiving(
            self._standing,
            self._assurance,
            self.frames,
            self.gate,
            feed=self.feed_if_fitting,
            tell=self.tell,
            wake=self.wake,
            spawn=self._spawn,
            on_confirm=on_confirm,
        )
        self.recording = Recording(
            self._standing, self._assurance, self._receiving, self.wake
        )
        self._on_ring = on_ring
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        # The queue itself has no bound: the machine's commands must always fit. What
        # the other side can add to it has.
        self._room = asyncio.Semaphore(MAX_JOBS)
        self._outbox = Outbox(place.post, lambda trouble: self.tell(Warned(trouble)))
        self._sending = Sending(
            self.legs, self._outbox, entropy=place.entropy, by_hand=place.by_hand
        )
        role = next(iter(legs.values())).role
        # A room over a server: its members say things to each other, no more.
        is_silent = Media.GROUP in media_asked and Media.AUDIO not in media_asked
        self._media = NoMedia if is_silent else place.media
        self._ahead = self._media.ahead(role, place.ice, on_datagram=place.on_datagram)
        self._helpers: set[asyncio.Task[None]] = set()
        self._microphone_due = False
        self._over_at: float | None = None
        self._successor: bytes | None = None

    @property
    def legs(self) -> Mapping[bytes, Leg]:
        """By the other side's device."""
        return self._standing.legs

    @property
    def call(self) -> Call:
        """The machine."""
        return self._standing.call

    @property
    def line(self) -> Line | None:
        """The media, from describing them to the end of the call."""
        return self._standing.line

    @property
    def entropy(self) -> Entropy:
        """Random bytes, of the place it runs in."""
        return self._place.entropy

    @property
    def leg(self) -> Leg | None:
        """The leg in view: the chosen one, or the only one."""
        return self._standing.leg

    @property
    def is_up(self) -> bool:
        """Whether both sides have proved themselves to each other by media."""
        return self._standing.is_up

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

    def say(self, message: Aside) -> int:
        """Say what the program around the call wants said; see `Conversation.say`."""
        if self.call.state is State.ENDED:
            raise MissingError("the call is over")
        if self._place.by_hand and self._talking is None:
            raise MissingError("by hand, nothing but the call itself is passed on")
        if isinstance(message, Legs):
            self.gate.keep(message)
        chosen = self._standing.chosen
        legs = [chosen] if chosen is not None else list(self.legs.values())
        there = [leg for leg in legs if self._receiving.hears_us(leg)]
        if not there and not isinstance(message, Legs):
            raise MissingError("no device of theirs has answered yet")
        number = 0
        for leg in there:
            if isinstance(message, Legs):
                self.gate.tell(leg)
            else:
                number = leg.delivery.send(message)
        self.wake()
        return number

    def has_taken(self, number: int) -> bool:
        """Whether the chosen device acknowledged a message by its number."""
        chosen = self._standing.chosen
        return chosen is not None and chosen.delivery.is_acknowledged(number)

    def answer_legs(self, *, accept: bool) -> None:
        """Answer to what the other side's gateway wants to join."""
        self.gate.answer(accept=accept)
        self.wake()

    def take_over(self, conceded: "Session") -> None:
        """Go on as our user wished for the call that this one replaces."""
        self.wants_video = conceded.wants_video
        self.plan = conceded.plan
        self.gate.must_be_told = conceded.gate.must_be_told
        if conceded.gate.ours is not None:
            self.gate.keep(conceded.gate.ours)

    def concede(self, successor: bytes) -> None:
        """End this call for one that replaces it: both dialled at once."""
        self._successor = successor
        self.feed_if_fitting(ev.GlareLost())

    def tell(self, news: News) -> None:
        """Tell the user."""
        self.bulletin.tell(news)

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
                await self._ahead.close()
                self.frames.close()
                self.asides.close()
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
            await self._act(job, self.legs[job.leg])
        elif isinstance(job, _CallCommand):
            await self._act_on_call(job)
        elif isinstance(job, _Parcel):
            await self._receiving.take(self.legs[job.device], job.blob)
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
                self._receiving.confirm_sent(leg, leg.delivery.send(leg.confirm()))
                self._tell_legs(leg)
                self._look_ahead()
            case ev.SendAlerting():
                self._receiving.alerting_sent(leg.delivery.send(Alerting()))
            case ev.SendAccept():
                if not self._tell_legs(leg):
                    return
                self._choose(leg)
                if (media := await self._open_line(leg)) is not None:
                    leg.delivery.send(Accept(media))
            case ev.SendSelect():
                in_view = self.leg is leg
                self._choose(leg)
                if not in_view:
                    self._assurance.show(leg)
                if (media := await self._open_line(leg, command.offer)) is not None:
                    leg.delivery.send(Select(media))
            case ev.SendHangup():
                if leg.has_keys:
                    leg.delivery.send(Hangup(command.reason, leg.device))
            case ev.MeetCaller():
                self._connect(None)
            case ev.StartMedia():
                self._connect(command.media)

    def _choose(self, leg: Leg) -> None:
        self._standing.chosen = leg
        self.asides.choose(leg.device)

    def _tell_legs(self, leg: Leg) -> bool:
        """Say which legs we have, before anything else; else there is no call."""
        try:
            self.gate.tell(leg)
        except RefusedError as error:
            self.tell(Warned(str(error)))
            self.feed_if_fitting(ev.UserHungUp())
            return False
        return True

    async def _act_on_call(self, command: _CallCommand) -> None:
        match command:
            case ev.Ring():
                await self._assurance.begun()
                self._look_ahead()
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

    def _look_ahead(self) -> None:
        """Find addresses while it rings: who accepts then waits for no server."""
        # By hand nobody notices, and what is found would grow old before it is pasted.
        if not self._place.by_hand:
            self._ahead.begin()

    async def _open_line(
        self, leg: Leg, offered: Description | None = None
    ) -> Description | None:
        """Open what the call hears and shows with, and describe it."""
        first = await self._ahead.take()  # before a microphone is open
        try:
            session = self._media(
                leg.role,
                leg.call_secret,
                self.plan(),
                self._place.ice,
                entropy=self._place.entropy,
                idle_control=leg.delivery.ping,
                on_datagram=self._place.on_datagram,
                # By hand each address would have to be pasted.
                trickle=not self._place.by_hand,
                first=first,
                openings=leg.openings,
            )
            line = Line(leg, session, entropy=self._place.entropy, tell=self.tell)
            self._standing.line = line
            line.shown.muted = self.wants_muted
            self.gate.apply()
            leg.forget_call_secret()
            self._spawn(self._listen(session))
            return await line.describe(offered)
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

    def _connect(self, remote: Description | None) -> None:
        """Connect to who is described, or to who knocked, beside everything else."""
        if self.line is not None:
            self._spawn(self._connect_line(self.line, remote))

    async def _connect_line(self, line: Line, remote: Description | None) -> None:
        try:
            await (line.meet() if remote is None else line.connect(remote))
        except RefusedError:
            self.feed_if_fitting(ev.SecurityFailed(line.leg.device))
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
        self.asides.close()
        self._pump()
        if self.line is not None:
            line, self._standing.line = self.line, None
            await line.close()
        await self._ahead.close()
        await self._assurance.finished(end)
        self.tell(Ended(end, self._successor))

    async def _take_media_event(self, line: Line, event: MediaEvent) -> None:
        if isinstance(event, ControlReceived):
            await self._receiving.take_verified(line.leg, event.ctl)
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
        flows = self.call.state is State.ACTIVE and self._media.has_path
        lost = self._place.by_hand and self.call.state is State.RECONNECTING
        return self._standing.chosen if flows or lost else None

    def _pump(self) -> None:
        # By mailbox each would be a blob more that a relay could count.
        if self._standing.chosen is not None and self.call.state is State.ACTIVE:
            self.frames.send_next(self._standing.chosen.delivery)
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
