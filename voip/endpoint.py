"""One person's place on the network: reads mailboxes, dials, and takes calls.

Carrier. Which INVITE deserves an answer is `voip.reception`'s to say, whom a call rings
`voip.dialling`'s; each call then runs in a `Session` of its own.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from voip.call import INVITE_TTL_S
from voip.conversation import Conversation
from voip.dialling import dial_legs
from voip.errors import CallError, HandshakeError
from voip.events import Dialled, InviteAnswered
from voip.handshake.exchange import Received, consume_invite
from voip.handshake.kem import encapsulate
from voip.handshake.payload import Answer, Media, Offer, Readiness
from voip.handshake.replay import BY_HAND_WINDOW_MS, WINDOW_MS, ReplayGuard
from voip.identity.callkey import live
from voip.identity.calllog import Direction
from voip.identity.card import RelayAddress
from voip.identity.keys import Entropy
from voip.identity.signer import Signer
from voip.identity.trust import TrustState
from voip.identity.vault import OUR_CAPS, OnLegs, Vault
from voip.leg import Leg
from voip.logline import LogLine
from voip.lookup import Lookup
from voip.media.connect.config import IceConfig
from voip.media.connect.sockets import Trace
from voip.media.plan import MediaPlan
from voip.media.streams import MediaSession
from voip.place import Place
from voip.reception import (
    Ignore,
    NoteBroken,
    NoteMissed,
    NoteStranger,
    Respond,
    judge_invite,
)
from voip.session import Session
from voip.signalling.address import Address, Mailbox
from voip.signalling.board import format_entry
from voip.signalling.post import Post
from voip.switchboard import Switchboard
from voip.unrung import Unrung
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
PUBLISH_AGAIN_S = 7 * 86400  # long before the relay's 45 days are over


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this place hears, shows and finds paths.

    Attributes:
        plan: opens what a call hears and shows with, when it is accepted or chosen.
        ice: servers and candidates.
        data: offer a channel for text and files; its packet sizes then show.
        by_hand: people carry the blobs (`voip.signalling.paste`): one call with one
            device at a time, and 15 minutes for each step.
        on_datagram: sees every datagram of media as it leaves.
        media: makes the media of a call.
        can_ask: somebody is there to agree to a gateway's legs; else those that the
            user wants to be asked about are refused.
    """

    plan: Callable[[], MediaPlan]
    ice: IceConfig = field(default_factory=IceConfig)
    data: bool = False
    by_hand: bool = False
    on_datagram: Trace | None = None
    media: type[MediaSession] = MediaSession
    can_ask: bool = True


class Endpoint:
    """Use as ``async with Endpoint(...) as endpoint``.

    Attributes:
        rooms: ids (16 bytes) of the rooms in which we are; calls that belong to one
            ring although another call goes on.
    """

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
        self.rooms: set[bytes] = set()
        self._store = store
        self._settings = settings
        self._boards = boards
        self._signer = signer
        self._guard = ReplayGuard(BY_HAND_WINDOW_MS if settings.by_hand else WINDOW_MS)
        self._entropy = entropy
        self._post = post
        self._place = Place(
            keep=self._keep,
            post=post,
            plan=settings.plan,
            ice=settings.ice,
            entropy=entropy,
            by_hand=settings.by_hand,
            on_datagram=settings.on_datagram,
            media=settings.media,
        )
        self._lookup = Lookup(store, boards, by_hand=settings.by_hand)
        self._unrung = Unrung(store)
        self._board = Switchboard(spawn=self._spawn, changed=self._watch)
        self._problems: asyncio.Queue[str] = asyncio.Queue(64)
        self._tasks = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()
        self._published = b"", 0.0
        self._listening = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._loop = asyncio.get_running_loop()
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
        if error is None:
            await self._board.hang_up_all()
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
            yield await self._board.incoming.get()

    async def problems(self) -> AsyncIterator[str]:
        """Give what goes wrong outside of calls, as sentences."""
        while True:
            yield await self._problems.get()

    def conversation(self, call_id: bytes) -> Conversation:
        """Find a call by its id, such as the successor of one that ended by glare."""
        return self._board.conversation(call_id)

    def announcement(self) -> bytes:
        """This device, for contacts whose messenger carries the signalling.

        To be handed to `voip.dialling.with_announcement` at their side; changes with
        each rotation of the call key.
        """
        return format_entry(own_entry(self._store.read()))

    async def dial(  # noqa: PLR0913 -- each is a wish of its own
        self,
        name: str,
        *,
        video: bool = False,
        muted: bool = False,
        device: bytes | None = None,
        relay: RelayAddress | None = None,
        plan: Callable[[], MediaPlan] | None = None,
        legs_follow: bool = False,
        group: bytes | None = None,
        is_silent: bool = False,
    ) -> Conversation:
        """Call a contact, on all devices.

        Args:
            name: alias, or identity in base32.
            video: also show our picture, once connected.
            muted: begin in silence.
            device: ring this one only (16 bytes).
            relay: where to leave the call, if not at the card's: a listener of theirs
                that was found (`voip.signalling.direct`).
            plan: opens what this call hears and shows with, in place of the endpoint's.
            legs_follow: we are a gateway: it rings there only once `Conversation.say`
                was given a list of legs, and on devices that can show it.
            group: the room that this call is a part of (16 bytes).
            is_silent: the call carries what is said about the room, and no media.

        Raises:
            RefusedError: there is no such contact; or, by hand, several devices, or
                legs; or none of their devices can be told of legs.
            UnreachableError: the relay does not answer, or has no device of theirs.
            LimitError: too many calls at once, or one with this contact already.
        """
        self._board.check_room()
        directory = await self._lookup.find(
            name, only=device, relay=relay, legs_follow=legs_follow
        )
        now_ms = _unix_ms()
        vault, contact = self._store.read(), directory.contact
        self._board.check_free(contact)
        asked = Media(0) if is_silent else Media.AUDIO | Media.VIDEO
        if legs_follow:
            asked |= Media.LEGS_FOLLOW
        if group is not None:
            asked |= Media.GROUP
        offer = Offer(
            call_id=self._entropy(16),
            ts_ms=now_ms,
            ttl_s=int(INVITE_TTL_S),
            media=asked,
            tag=bytes(16),
            alias=vault.alias,
            group=group,
        )
        session = Session(
            dial_legs(
                vault,
                directory,
                offer,
                entropy=self._entropy,
                encapsulate=encapsulate,
            ),
            identity=contact.identity,
            log=LogLine.of(
                offer.call_id,
                contact.identity,
                direction=Direction.OUTGOING,
                now=now_ms // 1000,
            ),
            place=self._place,
            media_asked=offer.media,
            group=offer.group,
            alias=contact.alias,
            strict=vault.settings.strict,
            on_legs=self._on_legs(vault),
        )
        session.gate.must_be_told = legs_follow
        session.plan = plan or session.plan
        session.wants_video = video
        session.wants_muted = muted
        conversation = Conversation(session, alias=contact.alias, is_outgoing=True)
        begin = Dialled(tuple(session.legs), by_hand=self._settings.by_hand)
        self._board.start(conversation, session, begin)
        return conversation

    def _on_legs(self, vault: Vault) -> OnLegs:
        wanted = vault.settings.legs
        if wanted is OnLegs.ASK and not self._settings.can_ask:
            return OnLegs.REFUSE
        return wanted

    # Taking calls.

    async def _receive(self) -> None:
        while True:
            parcel = await self._post.receive()
            if not self._board.deliver(parcel):
                await self._take_invite(parcel.blob)
            try:
                await self._post.done(parcel)
            except CallError as error:
                self._tell(str(error))  # it comes again, and is known then

    async def _take_invite(self, invite: bytes) -> None:
        now_ms = _unix_ms()
        try:
            vault = self._store.read()
            call_keys = live(vault.call_keys, now_ms // 1000)
            received = consume_invite(
                invite, call_keys, now_ms=now_ms, window_ms=self._guard.window_ms
            )
            await self._judge(received, vault, invite, now_ms)
        except HandshakeError:
            # Noise, not for this device, or keys that cannot be: no sign of life to
            # a network, but a person who pasted it must hear something.
            if self._settings.by_hand:
                self._tell("the text does not open on this device, or is damaged")
        except CallError as error:
            self._tell(str(error))  # one call that cannot be is no end of all others

    async def _judge(
        self, received: Received, vault: Vault, invite: bytes, now_ms: int
    ) -> None:
        decision = judge_invite(
            received,
            vault,
            self._guard,
            ongoing=self._board.ongoing(),
            now_ms=now_ms,
            rooms=self.rooms,
        )
        match decision:
            case Respond():
                self._respond(received, decision, vault, invite)
            case NoteStranger() | NoteMissed() | NoteBroken():
                sentence = await self._unrung.note(received.offer, decision)
                if sentence:
                    self._tell(sentence)
            case Ignore(reason):
                if reason:
                    self._tell(reason)

    def _respond(
        self, received: Received, decision: Respond, vault: Vault, invite: bytes
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
            to, ringing = leg.to, leg.opening
            self._board.remember(invite, lambda: self._spawn(self._send(to, ringing)))
            self._spawn(self._send(to, ringing))
            self._spawn(self._refuse(log))
            return
        self._board.check_room()
        session = Session(
            {device.device_id: leg},
            identity=received.certificate.identity,
            log=log,
            place=self._place,
            media_asked=offer.media,
            group=offer.group,
            alias=alias,
            strict=vault.settings.strict,
            on_legs=self._on_legs(vault),
            on_confirm=lambda: self._confirmed(received, decision),
            on_ring=lambda: self._board.rings(conversation),
        )
        conversation = Conversation(session, alias=alias, is_outgoing=False)
        conceded = self._board.settle(decision, offer.call_id)
        if conceded is not None:
            session.take_over(conceded)
        broken = leg.trust.trust.state is TrustState.BROKEN
        self._board.start(
            conversation,
            session,
            InviteAnswered(
                leg=device.device_id,
                ring_s=min(offer.ttl_s, INVITE_TTL_S),
                auto_accept=conceded is not None and not broken,
                by_hand=self._settings.by_hand,
                legs_follow=Media.LEGS_FOLLOW in offer.media,
            ),
            invite=invite,
        )

    def _confirmed(self, received: Received, decision: Respond) -> None:
        self._guard.confirm(received.certificate.identity, received.e_a)
        self._board.confirmed(decision)

    async def _send(self, to: Address, blob: bytes) -> None:
        try:
            await self._post.send(to, blob)
        except CallError as error:
            self._tell(str(error))

    async def _refuse(self, log: LogLine) -> None:
        await self._try(self._unrung.busy(log))

    # Upkeep.

    async def _look_after(self) -> None:
        while True:
            # A signer that is away (an agent not running) must not keep us from being
            # called under the keys that are still valid.
            await self._try(rotate_if_due(self._store, self._signer, self._entropy))
            if await self._try(self._publish_if_due()):
                self._listening.set()
                self._watch()
                await asyncio.sleep(UPKEEP_S)
            else:
                await asyncio.sleep(RETRY_UPKEEP_S)

    async def _try(self, work: Coroutine[None, None, None]) -> bool:
        try:
            await work
        except CallError as error:
            self._tell(str(error))
            return False
        return True

    async def _publish_if_due(self) -> None:
        """Publish at the start, after each rotation, and weekly."""
        if self._boards is None:
            return
        newest = own_entry(self._store.read()).bundle
        now = time.monotonic()
        key, at = self._published
        if key == newest and now - at < PUBLISH_AGAIN_S:
            return
        await publish_board(self._store, self._boards, self._entropy)
        self._published = newest, now

    def _watch(self) -> None:
        try:
            ours = own_mailboxes(self._store.read(), _unix())
            if self._settings.by_hand:
                ours = []  # a text is for the call that goes on, or begins one
            self._post.watch(ours + self._board.mailboxes())
        except CallError as error:
            self._tell(str(error))

    # The store.

    def _keep(self, change: Callable[[Vault], Vault]) -> Vault:
        """Apply a change of a call's, on a thread; it may name other mailboxes."""
        vault = self._store.change(change)
        self._loop.call_soon_threadsafe(self._watch)
        return vault

    def _tell(self, sentence: str) -> None:
        if not self._problems.full():
            self._problems.put_nowait(sentence)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


def _unix() -> int:
    return int(time.time())


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000
