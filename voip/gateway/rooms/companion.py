"""One session of a room: a call between this member and another one.

Carrier. What is said in it about the room is the room's to judge; here it is read,
bounded and written. Nothing is sent but what changed, and once a second at most: a
record carries one such message a second, and an observer sees no difference.
"""

import asyncio
import contextlib
from dataclasses import replace
from typing import Protocol

from voip.call import State
from voip.conversation import Conversation
from voip.errors import CallError, LimitError, MissingError
from voip.events import End
from voip.gateway.bridge import Port
from voip.gateway.counts import GatewayCounts
from voip.gateway.mixing import QUIET
from voip.gateway.rooms.framecounts import FrameCounts, Frames
from voip.gateway.rooms.news import MemberSeen
from voip.gateway.rooms.roster import LOST_S
from voip.gateway.rooms.trusting import is_doubted
from voip.identity.trust import TrustState
from voip.news import Ended, LegsChanged, News, PeerChanged, StateChanged, Warned
from voip.signalling.group import Introduce, Members, Room, Roster, SenderKey
from voip.signalling.legs import LegsAck

SAY_EVERY_S = 1.0
_ALONE = PeerChanged(held=False, muted=False, video=False)

Said = Members | Roster | Introduce | SenderKey | Room


class Host(Protocol):
    """The room, as its sessions need it; each of these returns at once."""

    def up(self, companion: "Companion") -> None:
        """Hear that the session works, for the first time."""

    def down(self, companion: "Companion") -> None:
        """Hear that the session is over, or came to nothing."""

    def said(self, companion: "Companion", message: Said) -> None:
        """Hear what they say about the room."""

    def warn(self, sentence: str) -> None:
        """Hear what the user should know."""

    def carries(self, companion: "Companion", news: LegsChanged) -> None:
        """Hear whom they carry into the room."""

    def acknowledged(self, companion: "Companion", ack: LegsAck) -> None:
        """Hear what they say to those whom we carry; raises `MalformedError`."""

    def successor(self, call_id: bytes) -> Conversation | None:
        """Find the call that replaces one, because both sides called at once."""


def key_of(conversation: Conversation) -> bytes:
    """Give identity and device id, 48 bytes; the identity alone before one answered."""
    return conversation.identity + (conversation.device or b"")


def trust_of(conversation: Conversation) -> TrustState:
    """Give how far the device is trusted; new before one answered."""
    trust = conversation.trust
    return TrustState.NEW if trust is None else trust.state


class Companion:
    """A call with somebody who is in the room, or may come to be.

    Attributes:
        conversation: the call.
        port: their place in our bridge; open while the session works, and they have
            shown whom we carry.
        is_up: the session works, or did so in the last 30 s.
        is_hushed: we chose not to hear them.
        peer: what they show, hear and keep, as they say.
    """

    def __init__(self, conversation: Conversation, port: Port) -> None:
        """Take a call that was dialled, or accepted."""
        self.conversation = conversation
        self.port = port
        self.is_up = False
        self.peer = _ALONE
        self._quiet_since: float | None = None
        self._is_ours_to_end = self._rings = False
        self._is_settled = self._differs = False
        self._told_members: Members | None = None
        self._told_roster: Roster | None = None
        self._told_at = 0.0
        self._stands = asyncio.Event()
        self._carried = Frames()
        self._frame_counts: FrameCounts | None = None

    @property
    def key(self) -> bytes:
        """See `key_of`."""
        return key_of(self.conversation)

    @property
    def trust(self) -> TrustState:
        """See `trust_of`."""
        return trust_of(self.conversation)

    @property
    def is_hushed(self) -> bool:
        """Whether we chose not to hear them."""
        return self.port.is_muted

    @property
    def left(self) -> bool:
        """Whether it ended because their user hung up."""
        return self.conversation.end is End.HUNG_UP and not self._is_ours_to_end

    def hang_up(self) -> None:
        """End the session; nothing of ours leaves from here on."""
        self._is_ours_to_end = True
        self.port.shut()
        self.conversation.hang_up()

    def may_hear(self, *, strict: bool) -> bool:
        """Whether they may hear us: trusted, or the user speaks all the same."""
        if self._differs:
            return False
        return self._is_settled or not is_doubted(self.trust, strict=strict)

    def speak_anyway(self) -> None:
        """Let them hear us although the trust is in doubt, in this call only."""
        self._is_settled, self._differs = True, False
        self.conversation.speak_anyway()

    def note_compared(self, *, matched: bool) -> None:
        """Note what the user found; the store may take a while to say so."""
        self._is_settled = self._is_settled and matched
        self._differs = not matched

    def count_in(self, counted: GatewayCounts) -> None:
        """Have `watch` count from now on what the media carries."""
        self._frame_counts = FrameCounts(counted, self._frames)

    def _frames(self) -> Frames:
        stats = self.conversation.stats
        if stats is not None:  # else it is closed: what it was when last looked at
            opened = stats.received - stats.dropped
            self._carried = Frames(stats.sent, opened, stats.dropped)
        return self._carried

    def watch(self, now: float) -> None:
        """Count what the session carried, and end it if its path was lost for 30 s."""
        if self._frame_counts is not None:
            self._frame_counts.note()
        if self._quiet_since is not None and now - self._quiet_since >= LOST_S:
            self.hang_up()

    def tell(self, members: Members, roster: Roster, now: float) -> None:
        """Tell the list and what follows from it, as far as it is news to them.

        Who is being asked to come is told the list, too. Who acknowledges nothing is
        told nothing: then they see something else, and that shows.
        """
        if not (self.is_up or self._rings) or now - self._told_at < SAY_EVERY_S:
            return
        with contextlib.suppress(LimitError, MissingError):
            if members != self._told_members:
                self.conversation.say(members)
                self._told_members, self._told_at = members, now
            if roster != self._told_roster and self.is_up:
                self.conversation.say(roster)
                self._told_roster, self._told_at = roster, now

    def introduce(self, message: Introduce) -> None:
        """Hand over somebody's card; who acknowledges nothing gets none."""
        with contextlib.suppress(LimitError, MissingError):
            self.conversation.say(message)

    def seen(self, member: MemberSeen, watched: str | None) -> MemberSeen:
        """Add what this session shows of a member; `watched` is the port on screen."""
        return replace(
            member,
            is_heard=True,
            is_lost=self._quiet_since is not None,
            is_speaking=self.port.level >= QUIET and not self.is_hushed,
            is_seen=watched == self.port.name,
            is_hushed=self.is_hushed,
            is_muted=self.peer.muted,
            is_held=self.peer.held,
            shows_video=self.peer.video,
            shows_screen=self.peer.screen,
            is_recording=self.peer.recording,
        )

    async def run(self, host: Host) -> None:
        """Hold the call, and one that replaces it, until the other side knows."""
        successor = await self._hold(host)
        while successor is not None:
            self.conversation = successor
            successor = await self._hold(host)

    async def _hold(self, host: Host) -> Conversation | None:
        conversation = self.conversation
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read(host))
            successor = None
            async for news in conversation.news():
                if isinstance(news, Ended) and news.successor is not None:
                    successor = host.successor(news.successor)
                self._take(news, host)
            if successor is None:
                self.port.close()
                host.down(self)
                self.is_up = False
                await conversation.finished()
            reading.cancel()
        return successor

    def _take(self, news: News, host: Host) -> None:
        match news:
            case StateChanged(State.ACTIVE):
                self._quiet_since = None
                if not self.is_up:
                    self.is_up = True
                    # What their screen was told as it rang their room has not read.
                    self._told_members = None
                    host.up(self)
                    self._stands.set()
            case StateChanged(State.ALERTED):
                self._rings = True
            case StateChanged(State.RECONNECTING):
                self._quiet_since = asyncio.get_running_loop().time()
            case PeerChanged():
                self.peer = news
                self.port.is_presenting = news.screen
            case LegsChanged():
                host.carries(self, news)
            case Warned(sentence):
                host.warn(f"{self.conversation.alias}: {sentence}")
            case _:
                pass

    async def _read(self, host: Host) -> None:
        await self._stands.wait()  # their first words may come before
        try:
            async for message in self.conversation.heard():
                if isinstance(message, LegsAck):
                    host.acknowledged(self, message)
                elif isinstance(message, Said) and self.is_up:
                    host.said(self, message)
        except CallError as error:
            # With a gap in what they say their list could be anything.
            host.warn(f"{self.conversation.alias}: {error}")
            self.hang_up()
