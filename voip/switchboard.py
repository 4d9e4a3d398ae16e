"""The calls that run at one place: who gets which parcel, and what goes on."""

import asyncio
from collections.abc import Callable, Coroutine
from hashlib import sha256

from voip.call import State
from voip.conversation import Conversation
from voip.errors import CallError, LimitError
from voip.events import Dialled, InviteAnswered, Superseded
from voip.identity.contact import Contact
from voip.reception import Ongoing, Respond
from voip.session import Session
from voip.signalling.address import Mailbox
from voip.signalling.envelope import mailbox_tag
from voip.signalling.frames import Parcel

MAX_CALLS = 16  # at once, ended ones that linger included
MAX_OPENINGS = 256  # INVITEs remembered, to answer a repeated one alike
_QUIET = (State.ANSWERED, State.ENDED)


class Switchboard:
    """Joins parcels to the calls they belong to.

    `spawn` runs a call in the task group of the place; `changed` is called whenever
    there are other mailboxes to read.
    """

    def __init__(
        self,
        *,
        spawn: Callable[[Coroutine[None, None, None]], None],
        changed: Callable[[], None],
    ) -> None:
        self.incoming: asyncio.Queue[Conversation] = asyncio.Queue(MAX_CALLS)
        self._spawn = spawn
        self._changed = changed
        self._calls: dict[bytes, tuple[Session, Conversation]] = {}
        self._tags: dict[bytes, tuple[Session, bytes]] = {}
        self._openings: dict[bytes, Callable[[], None]] = {}

    def check_room(self) -> None:
        """Check that another call may begin.

        Raises:
            LimitError: there are too many.
        """
        if len(self._calls) >= MAX_CALLS:
            raise LimitError(f"{MAX_CALLS} calls at once are enough")

    def check_free(self, contact: Contact) -> None:
        """Check that no call with this contact is under way.

        Two handshakes of one pair of devices at a time could make each side keep the
        secret of another one, which looks like a thief.

        Raises:
            LimitError: there is one.
        """
        for session, _ in self._calls.values():
            ended = session.call.state is State.ENDED
            if session.identity == contact.identity and not ended:
                raise LimitError(f"a call with {contact.alias!r} is under way")

    def conversation(self, call_id: bytes) -> Conversation:
        """Find a running call, as its user holds it."""
        return self._calls[call_id][1]

    def mailboxes(self) -> list[Mailbox]:
        """List the mailboxes that the running calls read."""
        return [
            leg.mailbox
            for session, _ in self._calls.values()
            for leg in session.legs.values()
        ]

    def ongoing(self) -> list[Ongoing]:
        """Say what goes on, as far as another INVITE is concerned."""
        return [
            Ongoing(
                call_id,
                _devices(session),
                answered_ts_ms=max(leg.answered_ts_ms for leg in session.legs.values()),
                is_active=session.call.state not in _QUIET,
            )
            for call_id, (session, _) in self._calls.items()
        ]

    def deliver(self, parcel: Parcel) -> bool:
        """Hand a parcel to its call; False if it belongs to none, as INVITEs do."""
        owner = self._tags.get(parcel.tag)
        repeated = self._openings.get(sha256(parcel.blob).digest())
        if owner is not None:
            session, device = owner
            session.take(device, parcel.blob)
        elif repeated is not None:
            repeated()
        return owner is not None or repeated is not None

    def remember(self, invite: bytes, answer_again: Callable[[], None]) -> None:
        """Have this INVITE answered alike if it comes again."""
        if len(self._openings) == MAX_OPENINGS:
            del self._openings[next(iter(self._openings))]
        self._openings[sha256(invite).digest()] = answer_again

    def settle(self, decision: Respond, call_id: bytes) -> Session | None:
        """End unconfirmed calls that another replaces; give ours, if both dialled."""
        for replaced in decision.supersedes:
            session, _ = self._calls[replaced]
            if session.call.state is State.ANSWERED:
                session.feed_if_fitting(Superseded())
        if decision.concedes is None:
            return None
        conceded, _ = self._calls[decision.concedes]
        conceded.concede(call_id)
        return conceded

    def confirmed(self, decision: Respond) -> None:
        """End all that this call replaces, now that its caller proved to be live."""
        for replaced in decision.supersedes:
            if replaced in self._calls:
                self._calls[replaced][0].feed_if_fitting(Superseded())

    def rings(self, conversation: Conversation) -> None:
        """Tell the user of a call; one too many is missed."""
        if not self.incoming.full():
            self.incoming.put_nowait(conversation)

    def start(
        self,
        conversation: Conversation,
        session: Session,
        begin: Dialled | InviteAnswered,
        *,
        invite: bytes = b"",
    ) -> None:
        """Run a call to its end; `invite` is what it answers, if it came in."""
        if invite:
            self.remember(invite, session.repeat_opening)
        self._calls[conversation.call_id] = session, conversation
        for device, leg in session.legs.items():
            self._tags[mailbox_tag(leg.mailbox.fetch)] = session, device
        self._changed()
        session.feed(begin)  # now, for its user may hang up before it runs
        self._spawn(self._run(session, begin, invite))

    async def hang_up_all(self) -> None:
        """End every call, and wait until the other sides know."""
        calls = tuple(self._calls.values())
        for _, conversation in calls:
            conversation.hang_up()
        for session, _ in calls:
            await session.finished.wait()

    async def _run(
        self, session: Session, begin: Dialled | InviteAnswered, invite: bytes
    ) -> None:
        try:
            await session.run(begin)
        except* CallError as failed:
            # The store cannot be written, and nothing may be said that is not in it.
            session.fail("; ".join(map(str, failed.exceptions)))
        finally:
            # The replay guard knows the INVITE; what is kept here holds keys.
            self._openings.pop(sha256(invite).digest(), None)
            del self._calls[session.log.record.call_id]
            for leg in session.legs.values():
                del self._tags[mailbox_tag(leg.mailbox.fetch)]
            self._changed()


def _devices(session: Session) -> dict[bytes, bytes | None]:
    """Say who takes part, and with which INVITE of ours unanswered; see `Ongoing`."""
    state = session.call.state
    if state is State.ENDED:
        return {}  # it lingers: the devices are free, its id is not
    # Both dialled at once only while nobody has answered us. Later, a device that kept
    # its answer back would be put through unasked, and listen beside the true one.
    unanswered = state is State.INVITED
    chosen = session.leg
    legs = session.legs if chosen is None else {chosen.device: chosen}
    return {
        device: leg.e_a if unanswered and not leg.has_keys else None
        for device, leg in legs.items()
    }
