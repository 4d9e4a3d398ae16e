"""The media of a call, and what the two sides say to each other about it.

Joins a `MediaSession` to the control messages that steer it: candidates, restarts of
the path, rekeying, and what each side shows and hears. What a message or a media event
means for the call as a whole comes back as an event for the call machine.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from voip.description import Description, Kind
from voip.errors import (
    CallError,
    HandshakeError,
    LimitError,
    MalformedError,
    UnreachableError,
)
from voip.events import (
    Event,
    FirstPacketVerified,
    Knocked,
    PathFound,
    PathLost,
    PathRestored,
    SecurityFailed,
)
from voip.handshake.kem import encapsulate
from voip.handshake.rekey import NewEpoch, Rekeying
from voip.handshake.schedule import Role
from voip.identity.keys import Entropy
from voip.leg import Leg
from voip.media import events as happened
from voip.media.sources import Recorder
from voip.media.streams import MediaSession
from voip.news import (
    DigitArrived,
    EpochChanged,
    FileArrived,
    News,
    PathChanged,
    PathWeakened,
    PeerChanged,
    TextArrived,
    Warned,
)
from voip.signalling.messages import (
    Candidates,
    Message,
    Ping,
    Pong,
    Rekey,
    RekeyAck,
    Restart,
    RestartAck,
    State,
)

MAX_GENERATION = 0xFFFF  # searches for a path are counted in 16 bits
ANSWER_EVERY_S = 1.0
"""Between two searches that the other side asks for: each opens sockets here and asks
servers, and who is hostile asks as often as messages can carry."""


@dataclass(slots=True)
class Shown:
    """What we show, hear and keep, as the other side is told."""

    held: bool = False
    muted: bool = False
    video: bool = False
    screen: bool = False
    recording: bool = False


class Line:
    """One leg's media, once there are keys."""

    def __init__(
        self,
        leg: Leg,
        session: MediaSession,
        *,
        entropy: Entropy,
        tell: Callable[[News], None],
    ) -> None:
        self.leg = leg
        self._media = session
        self._entropy = entropy
        self._tell = tell
        self._rekeying = Rekeying(leg.role, leg.call_secret)
        self._generation = 0
        self._asked = 0  # the generation of our last RESTART
        self._unanswered: Restart | None = None
        self._answer_from = 0.0  # on the loop's clock
        self._their_state = 0
        self._our_state = 0
        self._is_up = False
        self._has_heard = self._owes_state = False
        self._may_speak = True
        self._is_open = True
        self.shown = Shown()
        self.is_recorded_there = False

    @property
    def media(self) -> MediaSession:
        """For what needs no word to the other side: sources, text, files, counts."""
        return self._media

    async def describe(self, offered: Description | None = None) -> Description:
        """Gather addresses and say what we may send: our ACCEPT, or SELECT to theirs.

        Raises:
            RefusedError: streams that cannot be.
            UnreachableError: this machine has no address to offer.
        """
        return await self._media.gather(offered)

    async def connect(self, remote: Description) -> None:
        """Find a way to the other side and start sending.

        Tries until the line is closed: further addresses may be on their way.

        Raises:
            RefusedError: streams or candidates that cannot be.
            UnreachableError: the line was closed.
        """
        await self._media.connect(remote, complete=False)
        self._is_up = True
        if self._has_heard:  # it was met before: only now pictures are agreed on
            self.show()

    async def meet(self) -> None:
        """Let the caller in who knocked, and start sending; `connect` brings the rest.

        Raises:
            UnreachableError: the line was closed.
        """
        await self._media.meet()
        self._is_up = True

    def send(self, ctl: bytes, *, urgent: bool) -> None:
        """Send a control message by record; nothing before there is a path."""
        if not self._is_up:
            return
        if urgent:
            self._media.send_control_now(ctl)
        else:
            self._media.send_control(ctl)

    async def close(self) -> None:
        """Stop everything."""
        await self._media.close()

    # What our side wants.

    def open_sources(self, *, video: bool) -> None:
        """Read the microphone from here on, and the camera if wanted."""
        self._media.open_sources()
        self._may_speak = True
        self.shown.video = self.shown.video or video
        self.show()

    def close_sources(self) -> None:
        """Let nothing more of the user out: who is there is in doubt.

        What the user does about mute and video counts from `open_sources` on.
        """
        self._media.close_sources()
        self._may_speak = False
        self.show()

    def set_open(self, *, on: bool) -> None:
        """Let sound and pictures pass, or none either way, as on hold.

        The other side is not told: what it is waiting for it knows.
        """
        if on is not self._is_open:
            self._is_open = on
            self._apply()

    def show(self) -> int | None:
        """Apply and tell what we show, hear and keep now.

        Gives the number of the message that tells it; None if there is no room for one,
        or it waits for their first packet: from then on it goes by record. Before, it
        would be a blob more for a relay to count.
        """
        shown, showing = self.shown, self._apply()
        if not self._has_heard:
            self._owes_state = True
            return None
        self._our_state += 1
        told = State(
            self._our_state,
            hold=shown.held,
            muted=shown.muted or not self._may_speak,
            video=Kind.VIDEO in showing,
            screen=Kind.SCREEN in showing,
            recording=shown.recording,
        )
        # Who acknowledges nothing is told nothing more, and holds nothing up.
        with contextlib.suppress(LimitError):
            return self.leg.delivery.send(told)
        return None

    def _apply(self) -> frozenset[Kind]:
        """Let the media do what we show and hear now; gives which pictures leave."""
        shown = self.shown
        still = shown.held or not self._is_open
        self._media.set_muted(shown.muted)
        self._media.set_held(still)
        wanted = {Kind.VIDEO: shown.video, Kind.SCREEN: shown.screen}
        return self._media.set_pictures(
            frozenset(kind for kind, on in wanted.items() if on and not still)
        )

    def record(self, recorder: Recorder) -> None:
        """Keep both sides from now on; the other side was told and knows.

        Raises:
            UnexpectedEventError: something is recorded already.
        """
        self._media.record(recorder)

    def stop_recording(self) -> None:
        """Finish a recording, if there is one, and say so."""
        self._media.stop_recording()
        if self.shown.recording:
            self.shown.recording = False
            self.show()

    def rekey(self) -> None:
        """Ask for a new epoch, unless two are live already."""
        if self._media.rekey_ready() and not self._rekeying.is_pending:
            self.leg.delivery.send(Rekey(self._rekeying.start(self._entropy)))

    async def restart(self) -> None:
        """Look for another path and ask the other side to do the same.

        Replaces a search that goes on: its addresses are those of a network that may
        be gone.

        Raises:
            UnreachableError: this machine has no address now, or the other side counted
                its searches up to the end.
        """
        if self._generation == MAX_GENERATION:
            raise UnreachableError("no number is left for another search for a path")
        self._generation += 1
        generation = self._generation
        try:
            path = await self._media.restart()
        except CallError:
            if self._generation != generation:
                return  # a newer search replaced this one
            self._generation -= 1  # nobody heard of it: theirs may have the number
            raise
        self._asked = generation
        self.leg.delivery.send(
            Restart(generation, path.ufrag, pwd=path.pwd, candidates=path.candidates)
        )

    # What the other side says.

    async def take(self, message: Message) -> Event | None:
        """Take a message about media; others mean nothing here."""
        match message:
            case Candidates():
                await self._take_candidates(message)
            case Restart():
                await self._take_restart(message)
            case RestartAck():
                await self._take_restart_ack(message)
            case Rekey() | RekeyAck():
                return self._take_rekey(message)
            case State() if message.version > self._their_state:
                self._their_state = message.version
                self.is_recorded_there = message.recording
                shown = {Kind.VIDEO: message.video, Kind.SCREEN: message.screen}
                self._media.expect_pictures(
                    frozenset(kind for kind, on in shown.items() if on)
                )
                self._tell(
                    PeerChanged(
                        held=message.hold,
                        muted=message.muted,
                        video=message.video,
                        screen=message.screen,
                        recording=message.recording,
                    )
                )
            case Ping() if message.t:
                self.leg.delivery.send(Pong(message.t))
            case _:
                pass
        return None

    async def _take_candidates(self, message: Candidates) -> None:
        if message.generation == self._generation:
            await self._media.add_candidates(message.candidates, last=message.last)

    async def _take_restart(self, message: Restart) -> None:
        # The higher generation wins; of two equal ones the caller's.
        generation = message.generation
        beaten = generation == self._asked and self.leg.role is Role.CALLEE
        if generation < self._generation or (
            generation == self._generation and not beaten
        ):
            return
        self._generation, self._asked = generation, 0
        before, self._unanswered = self._unanswered, message
        if before is None:  # else whoever waits answers the newest
            await self._answer()

    async def _answer(self) -> None:
        """Answer the newest RESTART as soon as it is time for one."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._answer_from - loop.time())
        message, self._unanswered = self._unanswered, None
        if message is None or message.generation != self._generation:
            return  # a search of ours came between
        self._answer_from = loop.time() + ANSWER_EVERY_S
        path = await self._media.restart()
        self.leg.delivery.send(
            RestartAck(
                message.generation,
                path.ufrag,
                pwd=path.pwd,
                candidates=path.candidates,
            )
        )
        await self._move(message)

    async def _take_restart_ack(self, message: RestartAck) -> None:
        if message.generation == self._generation == self._asked:
            self._asked = 0
            await self._move(message)

    async def _move(self, message: Restart | RestartAck) -> None:
        remote = Description(message.ufrag, message.pwd, candidates=message.candidates)
        try:
            await self._media.reconnect(remote)
        except UnreachableError:
            if self._generation == message.generation:
                raise  # else a newer search replaced this one

    def _take_rekey(self, message: Rekey | RekeyAck) -> Event | None:
        try:
            if isinstance(message, Rekey):
                ack, epoch = self._rekeying.receive_rekey(
                    message.fields, entropy=self._entropy, encapsulate=encapsulate
                )
                if epoch is not None:
                    self._install(epoch)
                if ack is not None:
                    self.leg.delivery.send(RekeyAck(ack))
            else:
                self._install(self._rekeying.receive_ack(message.fields))
        except (HandshakeError, MalformedError):
            # The other side is authenticated, so this is not a stranger's noise.
            return SecurityFailed(self.leg.device)
        return None

    def _install(self, epoch: NewEpoch) -> None:
        self._media.install_epoch(epoch.number, epoch.secret, initiator=epoch.initiator)

    # What the media says.

    def take_event(  # noqa: C901, PLR0911, PLR0912 -- one case per event
        self, event: happened.MediaEvent
    ) -> Event | None:
        """Take what happened to the media; gives what it means for the call."""
        match event:
            case happened.PathUp(kind):
                self._tell(PathChanged(kind))
                return PathFound()
            case happened.Knocked():
                return Knocked(self.leg.device)
            case happened.FirstVerified():
                self._has_heard = True
                if self._owes_state:
                    self.show()
                return FirstPacketVerified()
            case happened.HeardAgain():
                return PathRestored()
            case happened.AddressesChanged() | happened.PathFailed() | happened.Quiet():
                return PathLost()
            case happened.PathWeak(seconds):
                self._tell(PathWeakened(seconds))
            case happened.CandidateFound(candidate):
                # Who acknowledges nothing tries the addresses that it has.
                with contextlib.suppress(LimitError):
                    self.leg.delivery.send(
                        Candidates(
                            self._generation, last=False, candidates=(candidate,)
                        )
                    )
            case happened.SendEpoch(epoch):
                self._tell(EpochChanged(epoch))
            case happened.RekeyDue():
                self.rekey()
            case happened.RekeyLate(seconds, fatal):
                if fatal:
                    return SecurityFailed(self.leg.device)
                self._tell(
                    Warned(
                        f"no fresh keys for {seconds:.0f} s: the other side is "
                        "silent about them, or somebody drops them"
                    )
                )
            case happened.TextReceived(text):
                self._tell(TextArrived(text))
            case happened.FileReceived(name, data):
                self._tell(FileArrived(name, data))
            case happened.DigitReceived(digit):
                self._tell(DigitArrived(digit))
            case happened.RecordingFailed(reason):
                self.stop_recording()
                self._tell(Warned(f"the recording ended: {reason}"))
            case happened.ChannelRefused(reason):
                self._tell(
                    Warned(
                        "no text or file is taken from the other side any more, as it "
                        f"broke the rules: {reason}"
                    )
                )
            case happened.PicturesSlow():
                self._tell(
                    Warned("this machine is too slow for the pictures that come")
                )
            case (
                happened.EndFailed(reason)
                | happened.ServerFailed(reason)
                | happened.MediaFailed(reason)
            ):
                self._tell(Warned(reason))
            case _:
                pass
        return None
