"""The sessions of one member of a room: calls made, taken and turned away.

Carrier. Whom to call and whom to let in is `voip.gateway.rooms.roster`'s to say.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import replace

from voip.conversation import Conversation
from voip.endpoint import Endpoint
from voip.errors import CallError, MissingError, RefusedError, UnexpectedEventError
from voip.events import End
from voip.gateway import counts
from voip.gateway.bridge import Bridge, Port
from voip.gateway.rooms.acquaintances import Acquaintances
from voip.gateway.rooms.carried import Carried
from voip.gateway.rooms.companion import Companion, Said, key_of, trust_of
from voip.gateway.rooms.news import NotComing, RoomNews, RoomWarned, TurnedAway
from voip.gateway.rooms.roster import IDENTITY_BYTES, Membership
from voip.handshake.payload import Media
from voip.identity.keys import format_identity
from voip.media.plan import MediaPlan
from voip.news import LegsChanged
from voip.signalling.legs import LegsAck

DIAL_AGAIN_S = (5.0, 15.0, 45.0)  # after a call to a member that came to nothing
_OTHER_KIND = "it is a call of another kind of room"
_ENDS: Mapping[End | None, counts.End] = {
    End.LOST: counts.End.LOST,
    End.SECURITY: counts.End.SECURITY,
}
"""How a session that worked is counted; any other end is of somebody's will."""


class Company:
    """All our sessions with the others.

    Attributes:
        video: whether sessions show our picture from their start.
        muted: whether they begin in silence.
    """

    def __init__(  # noqa: PLR0913 -- where, with whom, and whom to tell
        self,
        endpoint: Endpoint,
        membership: Membership,
        book: Acquaintances,
        bridge: Bridge,
        carried: Carried,
        *,
        group_id: bytes,
        pictures: bool,
        is_silent: bool,
        counted: counts.GatewayCounts,
        came: Callable[[Companion], None],
        went: Callable[[Companion], None],
        said: Callable[[Companion, Said], None],
        tell: Callable[[RoomNews], None],
        spawn: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        """Begin with none.

        `pictures`, the sessions carry some at some time; `is_silent`, they carry no
        media at all; `counted` is where those that work are counted; `came` and `went`
        hear of sessions that began and ceased to work; `said` takes what the others
        say of the room; `spawn` runs beside.
        """
        self.video = self.muted = False
        self._endpoint = endpoint
        self._membership = membership
        self._book = book
        self._bridge = bridge
        self._carried = carried
        self._group_id = group_id
        self._pictures = pictures
        self._is_silent = is_silent
        self._counted = counted
        self._came, self._went = came, went
        self._said = said
        self._tell = tell
        self._spawn = spawn
        self._all: list[Companion] = []
        self._up: dict[bytes, Companion] = {}
        self._ports = 0
        self._is_over = False
        self._dialling: set[bytes] = set()
        self._tries: dict[bytes, tuple[int, float]] = {}
        self._waiting: list[tuple[Conversation, float]] = []

    def __iter__(self) -> Iterator[Companion]:
        """Go through the sessions that work."""
        return iter(tuple(self._up.values()))

    def find(self, key: bytes) -> Companion | None:
        """Find the session with a device (48 bytes); None if none works."""
        return self._up.get(key)

    def tell(self, now: float) -> None:
        """Tell the list of members to all who are in the room, or asked to come."""
        members, roster = self._membership.message(), self._membership.roster()
        for companion in self._all:
            companion.tell(members, roster, now)

    def each(self, act: Callable[[Conversation], None]) -> None:
        """Do this in every session that works."""
        for companion in self:
            with contextlib.suppress(MissingError):  # it ends at this moment
                act(companion.conversation)

    async def call(self, name: str, *, device: bytes | None = None) -> None:
        """Call somebody, into this room; `device` narrows it to one of theirs.

        Raises:
            CallError: what `Endpoint.dial` raises.
        """
        port = self._port()
        try:
            conversation = await self._endpoint.dial(
                name,
                video=self.video,
                muted=self.muted,
                device=device,
                plan=lambda: self._ends(port),
                group=self._group_id,
                is_silent=self._is_silent,
                legs_follow=self._carried.is_hosting,
            )
        except CallError:
            port.close()
            raise
        self._hold(Companion(conversation, port))

    def accept(
        self, conversation: Conversation, *, shown: LegsChanged | None = None
    ) -> None:
        """Take a call that rings; `shown` are the guests that our user agrees to.

        What they were told since then waits for an answer of its own.

        Raises:
            RefusedError: it would carry sound where the room's calls do not, or none.
            UnexpectedEventError: it does not ring any more.
        """
        if not self._is_ours(conversation):
            raise RefusedError(f"{conversation.alias!r}: {_OTHER_KIND}")
        legs, port = conversation.legs, self._port()
        agree = shown is not None and shown.legs == legs
        try:
            conversation.accept(
                video=self.video,
                muted=self.muted,
                plan=lambda: self._ends(port),
                agree=agree,
            )
        except UnexpectedEventError:
            port.close()
            raise
        companion = Companion(conversation, port)
        self._hold(companion)
        if shown is not None:
            news = replace(shown, legs=legs, asks=conversation.asks_about_legs)
            self._carried.heard_of(companion, news)

    async def admit(self) -> None:
        """Take note of every call that comes, until cancelled; `tick` judges it."""
        async for conversation in self._endpoint.incoming():
            if conversation.group != self._group_id:
                self._turn_away(conversation, "not a call of this room")
            elif not self._is_ours(conversation):
                self._turn_away(conversation, _OTHER_KIND)
            else:
                self._waiting.append((conversation, _now()))

    def end(self) -> Sequence[Companion]:
        """End all sessions at once; gives those that ended."""
        self._is_over = True
        ended = tuple(self._all)
        for companion in ended:
            companion.hang_up()
        return ended

    def tick(self, now: float) -> None:
        """Judge who rings, end what was lost, call members whom we do not hear."""
        self._judge_waiting(now)
        for companion in tuple(self._all):
            companion.watch(now)
        busy = {companion.conversation.identity for companion in self._all}
        for key in self._membership.to_dial():
            identity = key[:IDENTITY_BYTES]
            tries, at = self._tries.get(key, (0, now))
            if identity in busy or identity in self._dialling or now < at:
                continue
            again = DIAL_AGAIN_S[min(tries, len(DIAL_AGAIN_S) - 1)]
            self._tries[key] = tries + 1, now + again
            self._dialling.add(identity)
            self._spawn(self._meet(key))

    # What happens in a session; see `Host`.

    def up(self, companion: Companion) -> None:
        """See `Host`."""
        try:
            self._membership.linked(companion.key, _now())
        except RefusedError as error:
            self.warn(f"{companion.conversation.alias}: {error}")
            companion.hang_up()
            return
        if companion.key not in self._up:  # else one session replaces another
            self._counted.leg_joined(counts.Kind.ROOM, counts.Mark.END_TO_END)
        companion.count_in(self._counted)
        self._up[companion.key] = companion
        self._tries.pop(companion.key, None)
        self._carried.came(companion)
        self._came(companion)

    def down(self, companion: Companion) -> None:
        """See `Host`."""
        self._all.remove(companion)
        self._carried.went(companion)
        conversation = companion.conversation
        if self._up.get(companion.key) is companion:
            del self._up[companion.key]
            end = _ENDS.get(conversation.end, counts.End.NORMAL)
            self._counted.leg_ended(counts.Kind.ROOM, end, mark=counts.Mark.END_TO_END)
            self._membership.unlinked(companion.key, _now(), left=companion.left)
            self._went(companion)
        elif conversation.end is not None and not self._is_over:
            self._tell(NotComing(conversation.alias, conversation.end))

    def successor(self, call_id: bytes) -> Conversation | None:
        """See `Host`."""
        with contextlib.suppress(KeyError):  # is over already
            conversation = self._endpoint.conversation(call_id)
            if conversation.group == self._group_id and self._is_ours(conversation):
                return conversation
            conversation.hang_up()  # who calls us at this moment means another call
        return None

    def said(self, companion: Companion, message: Said) -> None:
        """See `Host`."""
        if message.group_id == self._group_id:
            self._said(companion, message)

    def carries(self, companion: Companion, news: LegsChanged) -> None:
        """See `Host`."""
        self._carried.heard_of(companion, news)

    def acknowledged(self, companion: Companion, ack: LegsAck) -> None:
        """See `Host`."""
        self._carried.acknowledged(companion, ack)

    def warn(self, sentence: str) -> None:
        """See `Host`."""
        self._tell(RoomWarned(sentence))

    async def _meet(self, key: bytes) -> None:
        identity, device = key[:IDENTITY_BYTES], key[IDENTITY_BYTES:]
        try:
            await self.call(format_identity(identity), device=device)
        except CallError as error:
            self.warn(f"{self._book.name(identity)}: {error}")
        finally:
            self._dialling.discard(identity)

    def _judge_waiting(self, now: float) -> None:
        """Let in who is in the room's list; nobody else, whatever he knows."""
        waiting, self._waiting = self._waiting, []
        for conversation, since in waiting:
            objection = self._membership.judge_caller(
                key_of(conversation),
                trust_of(conversation),
                sessions=len(self._all),
                waited_s=now - since,
            )
            if objection is None:
                self._waiting.append((conversation, since))
            elif objection:
                self._turn_away(conversation, objection)
            else:
                with contextlib.suppress(UnexpectedEventError):  # gave up meanwhile
                    self.accept(conversation)

    def _is_ours(self, conversation: Conversation) -> bool:
        """Whether it carries sound if and only if the room's calls do.

        With sound it would look for a path, and show our addresses to who asked for it.
        """
        return (Media.AUDIO in conversation.media_asked) != self._is_silent

    def _turn_away(self, conversation: Conversation, why: str) -> None:
        self._tell(TurnedAway(conversation.alias, why))
        with contextlib.suppress(UnexpectedEventError):  # likewise
            conversation.decline()

    def _hold(self, companion: Companion) -> None:
        self._all.append(companion)
        try:
            self._carried.began(companion)
        except CallError as error:  # an older device cannot be told of our guests
            self.warn(f"{companion.conversation.alias}: {error}")
            companion.hang_up()
        self._spawn(companion.run(self))

    def _port(self) -> Port:
        self._ports += 1
        return self._bridge.port(f"{self._ports}")

    def _ends(self, port: Port) -> MediaPlan:
        return port.plan(video=self._pictures)


def _now() -> float:
    return asyncio.get_running_loop().time()
