"""The media of a call, and what the two sides say to each other about it.

Joins a `MediaSession` to the control messages that steer it: candidates, restarts of
the path, rekeying, and what each side shows and hears. What a message or a media event
means for the call as a whole comes back as an event for the call machine.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from voip.description import Description
from voip.errors import CallError, HandshakeError, LimitError, MalformedError
from voip.events import (
    Event,
    FirstPacketVerified,
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
from voip.media.streams import MediaSession
from voip.news import (
    EpochChanged,
    FileArrived,
    News,
    PathChanged,
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

QUIET_S = 3.0  # sound always flows, so this long without a packet is a dead path


@dataclass(slots=True)
class Shown:
    """What we show and hear, as the other side is told."""

    held: bool = False
    muted: bool = False
    video: bool = False


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
        self._restarting = False
        self._their_state = 0
        self._our_state = 0
        self._is_up = False
        self._may_speak = True
        self.shown = Shown()

    @property
    def media(self) -> MediaSession:
        """For what needs no word to the other side: sources, text, files, counts."""
        return self._media

    async def describe(self) -> Description:
        """Gather addresses and say what we may send, for ACCEPT or SELECT."""
        return await self._media.gather()

    async def connect(self, remote: Description, *, patient: bool = False) -> None:
        """Find a way to the other side and start sending.

        `patient`: try until the line is closed, for the other side may begin late.

        Raises:
            RefusedError: streams or candidates that cannot be.
            UnreachableError: none of the ways works.
        """
        await self._media.connect(remote, complete=not patient)
        self._is_up = True

    async def send(self, ctl: bytes, *, urgent: bool) -> None:
        """Send a control message by record; nothing before there is a path."""
        if not self._is_up:
            return
        if urgent:
            await self._media.send_control_now(ctl)
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

    def show(self) -> None:
        """Apply and tell what we show and hear now."""
        shown = self.shown
        self._media.set_muted(shown.muted)
        self._media.set_held(shown.held)
        self._media.set_video(shown.video and not shown.held)
        self._our_state += 1
        told = State(
            self._our_state,
            hold=shown.held,
            muted=shown.muted or not self._may_speak,
            video=shown.video and not shown.held and self._may_speak,
        )
        # Who acknowledges nothing is told nothing more, and holds nothing up.
        with contextlib.suppress(LimitError):
            self.leg.delivery.send(told)

    def rekey(self) -> None:
        """Ask for a new epoch, unless two are live already."""
        if self._media.rekey_ready() and not self._rekeying.is_pending:
            self.leg.delivery.send(Rekey(self._rekeying.start(self._entropy)))

    async def restart(self) -> None:
        """Look for another path and ask the other side to do the same.

        Raises:
            UnreachableError: this machine has no address now.
        """
        if self._restarting:
            return
        self._restarting = True
        self._generation += 1
        try:
            path = await self._media.restart()
        except CallError:
            self._restarting = False
            self._generation -= 1  # nobody heard of it: theirs may have the number
            raise
        self.leg.delivery.send(
            Restart(
                self._generation, path.ufrag, pwd=path.pwd, candidates=path.candidates
            )
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
                self._tell(
                    PeerChanged(
                        held=message.hold, muted=message.muted, video=message.video
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
        if message.generation < self._generation or (
            message.generation == self._generation
            and (self.leg.role is Role.CALLER or not self._restarting)
        ):
            return
        self._generation = message.generation
        self._restarting = True
        try:
            path = await self._media.restart()
        except CallError:
            self._restarting = False
            raise
        self.leg.delivery.send(
            RestartAck(
                self._generation, path.ufrag, pwd=path.pwd, candidates=path.candidates
            )
        )
        await self._move(message)

    async def _take_restart_ack(self, message: RestartAck) -> None:
        if self._restarting and message.generation == self._generation:
            await self._move(message)

    async def _move(self, message: Restart | RestartAck) -> None:
        remote = Description(message.ufrag, message.pwd, candidates=message.candidates)
        try:
            await self._media.reconnect(remote)
        finally:
            self._restarting = False

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

    def take_event(  # noqa: C901, PLR0912 -- one case per event
        self, event: happened.MediaEvent
    ) -> Event | None:
        """Take what happened to the media; gives what it means for the call."""
        match event:
            case happened.PathUp(kind):
                self._tell(PathChanged(kind))
            case happened.FirstVerified():
                return FirstPacketVerified()
            case happened.HeardAgain():
                return PathRestored()
            case happened.AddressesChanged():
                return PathLost()
            case happened.Quiet(seconds) if seconds >= QUIET_S:
                return PathLost()
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
            case happened.MediaFailed(reason):
                self._tell(Warned(reason))
            case _:
                pass
        return None
