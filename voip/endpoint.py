"""One person's place on the network: reads mailboxes, dials, and takes calls.

Carrier. Which INVITE deserves an answer is `voip.reception`'s to say, whom a call rings
`voip.dialling`'s; each call then runs in a `Session` of its own.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field, replace
from hashlib import sha256
from types import TracebackType
from typing import Self

from voip.call import INVITE_TTL_S, State
from voip.conversation import Conversation
from voip.dialling import Directory, Reachable, invite_addresses, reachable, read_board
from voip.errors import CallError, HandshakeError, LimitError, UnreachableError
from voip.events import Dialled, End, InviteAnswered, Superseded
from voip.handshake.exchange import Received, consume_invite
from voip.handshake.kem import encapsulate
from voip.handshake.payload import Answer, Media, Offer, Readiness
from voip.handshake.replay import ReplayGuard
from voip.handshake.schedule import Role
from voip.identity.callkey import live
from voip.identity.calllog import Direction
from voip.identity.contact import Contact
from voip.identity.keys import Entropy
from voip.identity.signer import Signer
from voip.identity.trust import TrustState
from voip.identity.vault import OUR_CAPS, Vault
from voip.leg import Leg
from voip.logline import LogLine
from voip.media.ice import IceConfig, Trace
from voip.media.streams import MediaPlan
from voip.place import Place
from voip.reception import (
    Ignore,
    NoteBroken,
    NoteMissed,
    NoteStranger,
    Ongoing,
    Respond,
    judge_invite,
)
from voip.session import Session
from voip.signalling.address import Mailbox
from voip.signalling.board import format_entry
from voip.signalling.envelope import mailbox_tag
from voip.signalling.frames import Parcel
from voip.signalling.post import Post
from voip.upkeep import (
    Boards,
    VaultKeeper,
    own_entry,
    own_mailboxes,
    publish_board,
    rotate_if_due,
)

UPKEEP_S = 600.0  # how often keys, board and mailboxes are looked after
RETRY_UPKEEP_S = 15.0  # after a relay that did not answer
MAX_CALLS = 16  # at once, ended ones that linger included
MAX_OPENINGS = 256  # INVITEs remembered, to answer a repeated one alike
PUBLISH_AGAIN_S = 7 * 86400  # long before the relay's 45 days are over
_OURS_IN_MIND = (State.INVITED, State.CONFIRMED, State.ALERTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this place hears, shows and finds paths.

    Attributes:
        plan: opens what a call hears and shows with, when it is accepted or chosen.
        ice: servers and candidates.
        data: offer a channel for text and files; its packet sizes then show.
        on_datagram: sees every datagram of media as it leaves.
    """

    plan: Callable[[], MediaPlan]
    ice: IceConfig = field(default_factory=IceConfig)
    data: bool = False
    on_datagram: Trace | None = None


class Endpoint:
    """Use as ``async with Endpoint(...) as endpoint``."""

    def __init__(  # noqa: PLR0913 -- everything that may be replaced
        self,
        store: VaultKeeper,
        post: Post,
        *,
        settings: Settings,
        entropy: Entropy,
        boards: Boards | None = None,
        signer: Callable[[], Signer] | None = None,
    ) -> None:
        """Take what the endpoint stands on.

        Args:
            store: keys, contacts and call log.
            post: carries sealed blobs.
            settings: media.
            entropy: random bytes; `os.urandom` outside of tests.
            boards: where devices are published; None if the application tells its
                contacts itself, by `announcement`.
            signer: reaches the identity's key for the weekly rotation; without it the
                call keys expire after 30 days.
        """
        self._store = store
        self._settings = settings
        self._boards = boards
        self._signer = signer
        self._guard = ReplayGuard()
        self._entropy = entropy
        self._post = post
        self._place = Place(
            keep=store.change,
            post=post,
            plan=settings.plan,
            ice=settings.ice,
            entropy=entropy,
            on_datagram=settings.on_datagram,
        )
        self._sessions: dict[bytes, Session] = {}
        self._conversations: dict[bytes, Conversation] = {}
        self._tags: dict[bytes, tuple[Session, bytes]] = {}
        self._openings: dict[bytes, Session] = {}
        self._incoming: asyncio.Queue[Conversation] = asyncio.Queue(MAX_CALLS)
        self._problems: asyncio.Queue[str] = asyncio.Queue(64)
        self._tasks = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()
        self._published = b"", 0.0
        self._listening = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._watch()
        self._spawn(self._receive())
        self._spawn(self._look_after())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for conversation in self._conversations.values():
            conversation.hang_up()
        if error is None:
            for session in tuple(self._sessions.values()):
                await session.finished.wait()
        for task in tuple(self._running):
            task.cancel()
        await self._tasks.__aexit__(kind, error, traceback)

    # For the application.

    async def listening(self) -> None:
        """Wait until contacts can call: the board is published."""
        await self._listening.wait()

    async def incoming(self) -> AsyncIterator[Conversation]:
        """Give each call as it begins to ring."""
        while True:
            yield await self._incoming.get()

    async def problems(self) -> AsyncIterator[str]:
        """Give what goes wrong outside of calls, as sentences."""
        while True:
            yield await self._problems.get()

    def conversation(self, call_id: bytes) -> Conversation:
        """Find a call by its id, such as the successor of one that ended by glare."""
        return self._conversations[call_id]

    def announcement(self) -> bytes:
        """This device, for contacts whose messenger carries the signalling.

        To be handed to `voip.dialling.with_announcement` at their side; changes with
        each rotation of the call key.
        """
        return format_entry(own_entry(self._store.read()))

    async def dial(self, name: str, *, video: bool = False) -> Conversation:
        """Call a contact, on all devices.

        Args:
            name: alias, or identity in base32.
            video: also show our picture, once connected.

        Raises:
            RefusedError: there is no such contact.
            UnreachableError: the relay does not answer, or no device can be called.
            LimitError: too many calls at once.
        """
        self._check_room()
        vault = self._store.read()
        contact = vault.contacts.find(name)
        directory = await self._directory(contact)
        session = self._prepare(vault, directory, video=video)
        conversation = Conversation(session, alias=contact.alias, is_outgoing=True)
        self._start(conversation, session, Dialled(tuple(session.legs)))
        return conversation

    # Dialling.

    async def _directory(self, contact: Contact) -> Directory:
        now = _unix()
        if self._boards is None or contact.card is None or contact.card.relay is None:
            directory = reachable(contact, now)
        else:
            slots = await self._boards.read_board(
                contact.card.relay, contact.card.board
            )
            directory = read_board(contact, slots, now)
        await self._keep_contact(directory.contact)
        if not directory.devices:
            reasons = "; ".join(directory.problems) or "none was ever published"
            raise UnreachableError(
                f"{contact.alias!r} has no device that can be called: {reasons}"
            )
        return directory

    def _prepare(self, vault: Vault, directory: Directory, *, video: bool) -> Session:
        now_ms = time.time_ns() // 1_000_000
        media = Media.AUDIO | Media.VIDEO
        if self._settings.data:
            media |= Media.DATA
        offer = Offer(
            call_id=self._entropy(16),
            ts_ms=now_ms,
            ttl_s=int(INVITE_TTL_S),
            media=media,
            tag=bytes(16),
            alias=vault.alias,
        )
        legs = {
            device.device.device_id: self._dial_leg(
                vault, directory.contact, device, offer=offer
            )
            for device in directory.devices
        }
        session = Session(
            legs,
            identity=directory.contact.identity,
            log=LogLine.of(
                offer.call_id,
                directory.contact.identity,
                direction=Direction.OUTGOING,
                now=now_ms // 1000,
            ),
            place=self._place,
        )
        session.wants_video = video
        return session

    def _dial_leg(
        self, vault: Vault, contact: Contact, to: Reachable, *, offer: Offer
    ) -> Leg:
        now = offer.ts_ms // 1000
        return Leg.dial(
            to.device,
            to.bundle,
            invites=invite_addresses(
                (vault.identity, vault.device_id), contact, to, now
            ),
            # We read the answers where we leave the INVITE: the other side answers at
            # its own relay and shows its address to nobody else.
            mailbox=Mailbox(self._entropy(32), to.relay),
            call_key=live(vault.call_keys, now)[0],
            offer=offer,
            entropy=self._entropy,
            encapsulate=encapsulate,
        )

    # Taking calls.

    async def _receive(self) -> None:
        while True:
            parcel = await self._post.receive()
            owner = self._tags.get(parcel.tag)
            if owner is not None:
                session, device = owner
                session.take(device, parcel.blob)
            else:
                await self._take_invite(parcel)
            try:
                await self._post.done(parcel)
            except CallError as error:
                self._tell(str(error))  # it comes again, and is known then

    async def _take_invite(self, parcel: Parcel) -> None:
        digest = sha256(parcel.blob).digest()
        known = self._openings.get(digest)
        if known is not None:
            known.repeat_opening()
            return
        vault = self._store.read()
        now_ms = time.time_ns() // 1_000_000
        try:
            received = consume_invite(
                parcel.blob, live(vault.call_keys, now_ms // 1000), now_ms=now_ms
            )
        except HandshakeError:
            return  # noise, or not for this device: no sign of life
        decision = judge_invite(
            received, vault, self._guard, ongoing=self._ongoing(), now_ms=now_ms
        )
        match decision:
            case Respond():
                self._respond(received, decision, vault, digest)
            case NoteStranger(identity, alias):
                await self._change(
                    lambda v: replace(
                        v, calls=v.calls.with_stranger(identity, alias, _unix())
                    )
                )
                self._tell("somebody who is not in the address book called")
            case NoteMissed(contact):
                await self._note_missed(received, contact, End.UNCONFIRMED)
            case NoteBroken(contact, device, trust):
                device = replace(device, trust=trust)
                await self._keep_contact(contact.with_device(device, _unix()))
                self._tell(
                    f"refused a call from {contact.alias!r}: {trust.trust.reason}"
                )
            case Ignore(reason):
                self._tell(reason)

    def _respond(
        self, received: Received, decision: Respond, vault: Vault, digest: bytes
    ) -> None:
        offer, device = received.offer, decision.device
        contact = vault.contacts.by_identity(received.certificate.identity)
        alias = (
            contact.alias if contact is not None else f"stranger {offer.alias or ''}"
        )
        now = _unix()
        leg = Leg.answer(
            device,
            received,
            Answer(
                readiness=decision.readiness,
                caps=received.caps & OUR_CAPS,
                ring_s=int(min(offer.ttl_s, INVITE_TTL_S)),
                tag=bytes(16),
            ),
            mailbox=Mailbox(self._entropy(32), vault.relay),
            now=now,
            entropy=self._entropy,
            encapsulate=encapsulate,
        )
        log = LogLine.of(
            offer.call_id,
            received.certificate.identity,
            direction=Direction.INCOMING,
            now=now,
        )
        if decision.readiness is not Readiness.WILL_RING:
            self._spawn(self._refuse(leg, log))
            return
        session = Session(
            {device.device_id: leg},
            identity=received.certificate.identity,
            log=log,
            place=self._place,
            on_confirm=lambda: self._guard.confirm(
                received.certificate.identity, received.e_a
            ),
            on_ring=lambda: self._rings(conversation),
        )
        conversation = Conversation(session, alias=alias, is_outgoing=False)
        conceded = self._settle_others(decision, offer.call_id)
        if conceded is not None:
            session.wants_video = conceded.wants_video
        broken = leg.trust.trust.state is TrustState.BROKEN
        self._remember_opening(digest, session)
        self._start(
            conversation,
            session,
            InviteAnswered(
                leg=device.device_id,
                ring_s=min(offer.ttl_s, INVITE_TTL_S),
                auto_accept=conceded is not None and not broken,
            ),
        )

    def _settle_others(self, decision: Respond, call_id: bytes) -> Session | None:
        """End the call that this one replaces; gives ours, if both dialled at once."""
        if decision.supersedes is not None:
            self._sessions[decision.supersedes].feed_if_fitting(Superseded())
        if decision.concedes is None:
            return None
        conceded = self._sessions[decision.concedes]
        conceded.concede(call_id)
        return conceded

    async def _refuse(self, leg: Leg, log: LogLine) -> None:
        try:
            await self._post.send(leg.to, leg.opening)
        except CallError as error:
            self._tell(str(error))
        await self._change(lambda vault: log.finished(vault, End.BUSY, _unix()))

    async def _note_missed(
        self, received: Received, contact: Contact, end: End
    ) -> None:
        call_id = received.offer.call_id
        if any(call.call_id == call_id for call in self._store.read().calls.calls):
            return
        log = LogLine.of(
            call_id,
            contact.identity,
            direction=Direction.INCOMING,
            now=received.offer.ts_ms // 1000,
        )
        await self._change(lambda vault: log.finished(vault, end, _unix()))
        self._tell(f"missed a call from {contact.alias!r} that came too late to answer")

    def _rings(self, conversation: Conversation) -> None:
        if not self._incoming.full():
            self._incoming.put_nowait(conversation)

    def _ongoing(self) -> list[Ongoing]:
        return [
            Ongoing(
                call_id,
                {
                    device: leg.e_a
                    if leg.role is Role.CALLER and not leg.has_keys
                    else None
                    for device, leg in session.legs.items()
                },
                is_active=session.call.state is not State.ANSWERED,
            )
            for call_id, session in self._sessions.items()
            if session.call.state is not State.ENDED
        ]

    # Running calls.

    def _check_room(self) -> None:
        if len(self._sessions) >= MAX_CALLS:
            raise LimitError(f"{MAX_CALLS} calls at once are enough")

    def _start(
        self,
        conversation: Conversation,
        session: Session,
        begin: Dialled | InviteAnswered,
    ) -> None:
        call_id = conversation.call_id
        self._sessions[call_id] = session
        self._conversations[call_id] = conversation
        for device, leg in session.legs.items():
            self._tags[mailbox_tag(leg.mailbox.fetch)] = session, device
        self._watch()
        self._spawn(self._run(call_id, session, begin))

    async def _run(
        self, call_id: bytes, session: Session, begin: Dialled | InviteAnswered
    ) -> None:
        try:
            await session.run(begin)
        finally:
            del self._sessions[call_id], self._conversations[call_id]
            for leg in session.legs.values():
                del self._tags[mailbox_tag(leg.mailbox.fetch)]
            self._watch()

    def _remember_opening(self, digest: bytes, session: Session) -> None:
        if len(self._openings) == MAX_OPENINGS:
            del self._openings[next(iter(self._openings))]
        self._openings[digest] = session

    # Upkeep.

    async def _look_after(self) -> None:
        while True:
            try:
                await rotate_if_due(self._store, self._signer, self._entropy)
                await self._publish_if_due()
            except CallError as error:
                self._tell(str(error))
                await asyncio.sleep(RETRY_UPKEEP_S)
            else:
                self._listening.set()
                self._watch()
                await asyncio.sleep(UPKEEP_S)

    async def _publish_if_due(self) -> None:
        """Publish at the start, after each rotation, and weekly."""
        if self._boards is None:
            return
        newest = self._store.read().call_keys[0].x25519_public
        now = time.monotonic()
        key, at = self._published
        if key == newest and now - at < PUBLISH_AGAIN_S:
            return
        await publish_board(self._store, self._boards, self._entropy)
        self._published = newest, now

    def _watch(self) -> None:
        mailboxes = own_mailboxes(self._store.read(), _unix())
        for session in self._sessions.values():
            mailboxes += [leg.mailbox for leg in session.legs.values()]
        self._post.watch(mailboxes)

    # The store.

    async def _keep_contact(self, contact: Contact) -> None:
        await self._change(
            lambda vault: replace(vault, contacts=vault.contacts.put(contact))
        )

    async def _change(self, change: Callable[[Vault], Vault]) -> None:
        await asyncio.to_thread(self._store.change, change)

    def _tell(self, sentence: str) -> None:
        if not self._problems.full():
            self._problems.put_nowait(sentence)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


def _unix() -> int:
    return int(time.time())
