"""Opens rooms, and comes to them: what `room open` and `room join` do."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass

from cli.calling import can_ask, signer_of
from cli.codes import Code
from cli.gateways.larger import Server, end_room, make_room
from cli.gateways.roomdesk import Left, RoomDesk
from cli.gateways.roomplace import Place
from cli.gateways.serving import Serving, read_certificate, serve_guests
from cli.output import escape, is_for_programs, note, show
from cli.serve import Reason, serve_operations
from cli.wishes import Wishes
from voip.conversation import Conversation
from voip.endpoint import Endpoint, Settings
from voip.errors import RefusedError, UnexpectedEventError
from voip.gateway.counts import GatewayCounts
from voip.gateway.rooms.larger import LargerRoom
from voip.gateway.rooms.mesh import MeshRoom
from voip.handshake.payload import ID_BYTES, Media
from voip.identity.trust import TrustState
from voip.media.connect.config import check_config
from voip.media.pattern import Discard, Silence
from voip.media.plan import MediaPlan
from voip.news import LegsChanged
from voip.open import open_endpoint
from voip.upkeep import VaultKeeper


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants who opens a room or comes to one.

    Attributes:
        wishes: sound, pictures and network.
        server: over which, if any.
        serving: where browser guests find the page, and how many are asked.
        metrics: ``HOST:PORT`` for the operator's pages; None: there are none.
    """

    wishes: Wishes
    server: Server
    serving: Serving
    metrics: str | None


async def open_room(store: VaultKeeper, members: Sequence[str], wanted: Wanted) -> Code:
    """Open a room, ask these contacts to come, and stay until the user leaves.

    Raises:
        RefusedError: there is no such contact, or there are too many.
        MissingError: a device is not there; nobody was called.
        CallError: the server, if one is named, makes no room.
    """
    contacts = store.read().contacts
    named = {contacts.find(name).identity for name in members}
    server = wanted.server
    limit = MeshRoom.limit if server.url is None else LargerRoom.limit
    if len(named) >= limit:
        kind = "without" if server.url is None else "over"
        raise RefusedError(
            f"a room {kind} a server holds {limit} people, you included; "
            f"came {len(named)} to ask"
        )
    async with _place(store, wanted) as place:
        await place.endpoint.listening()
        if server.url is None:
            group_id = os.urandom(ID_BYTES)
            async with place.mesh(group_id, is_opener=True) as room:
                return (await _desk(room, place).hold(ask=members)).code
        made = await make_room(server)
        async with place.larger(made.ticket.group_id, server, made) as larger:
            code = (await _desk(larger, place).hold(ask=members)).code
        if larger.was_last:
            await end_room(server, made)
        return code


async def join_room(store: VaultKeeper, inviter: str | None, wanted: Wanted) -> Code:
    """Wait for an invitation, take it, and stay until the user leaves.

    `inviter`, take only theirs.

    Raises:
        RefusedError: there is no such contact.
        MissingError: a device is not there.
    """
    only = None if inviter is None else store.read().contacts.find(inviter).identity
    async with _place(store, wanted) as place:
        await place.endpoint.listening()
        if is_for_programs():
            show({"event": "listening"})
        else:
            note("waiting to be asked into a room; Ctrl-C stops")
        invitation = await _invitation(place.endpoint, only)
        return (await enter(place, invitation, wanted.server)).code


async def enter(
    place: Place,
    invitation: Conversation,
    server: Server,
    *,
    shown: LegsChanged | None = None,
    typed: asyncio.Queue[bytes] | None = None,
) -> Left:
    """Come to a room, and stay until the user leaves.

    `shown` is whom the inviter carries, if the user has agreed to them by coming;
    `typed` is what the user types, if somebody reads it already.

    Raises:
        UnexpectedEventError: nobody asks any more.
    """
    assert invitation.group is not None
    # Calls of a room over a server carry no sound: that goes by the server.
    if Media.AUDIO in invitation.media_asked:
        room = place.mesh(invitation.group)
    else:
        room = place.larger(invitation.group, server)
    async with room:
        return await _desk(room, place, typed).hold(invitation=invitation, shown=shown)


def _desk(
    room: MeshRoom, place: Place, typed: asyncio.Queue[bytes] | None = None
) -> RoomDesk:
    return RoomDesk(room, place.stage, gateway=place.gateway, typed=typed)


async def _invitation(endpoint: Endpoint, only: bytes | None) -> Conversation:
    """Wait for a call into a room, from whom we want one; other calls are declined."""
    async for conversation in endpoint.incoming():
        trust = conversation.trust
        is_room = conversation.group is not None
        if (
            is_room
            and only in (None, conversation.identity)
            and trust is not None
            and trust.state is not TrustState.BROKEN
        ):
            return conversation
        what = "who asks you into a room" if is_room else "who calls you"
        facts = {"event": "turned-away", "alias": conversation.alias}
        show(facts, f"turned away {escape(conversation.alias)}, {what}")
        with contextlib.suppress(UnexpectedEventError):  # gave up meanwhile
            conversation.decline()
    raise AssertionError("calls without an end")


def _nothing() -> MediaPlan:
    """Let a call that is not of the room neither hear nor be heard."""
    return MediaPlan(audio_source=Silence(), audio_sink=Discard())


@asynccontextmanager
async def _place(store: VaultKeeper, wanted: Wanted) -> AsyncIterator[Place]:
    """Put a person on the network, with what the room hears and shows with."""
    # A service manager's wish to stop is as good as the user's.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    wishes = wanted.wishes
    ice = wishes.ice(store.read())
    check_config(ice)
    stage = wishes.open_stage()
    counted = GatewayCounts()
    async with AsyncExitStack() as opened:
        ends = opened.enter_context(closing(wishes.open_ends(stage)))
        settings = Settings(plan=_nothing, ice=ice, can_ask=can_ask())
        gateway, checks = None, {}
        if wanted.serving.guests:
            certificate = read_certificate(wanted.serving)
            if certificate is not None:
                checks[Reason.CERTIFICATE] = certificate.check
            gateway = await opened.enter_async_context(
                serve_guests(
                    wanted.serving,
                    store,
                    ice=ice,
                    counted=counted,
                    certificate=certificate,
                )
            )
        await opened.enter_async_context(
            serve_operations(wanted.metrics, counted, checks)
        )
        endpoint = await opened.enter_async_context(
            open_endpoint(store, settings, signer=signer_of(store))
        )
        tasks = await opened.enter_async_context(asyncio.TaskGroup())
        telling = tasks.create_task(_tell_problems(endpoint))
        yield Place(
            endpoint,
            store,
            wishes.plan(ends),
            ice=ice,
            video=wishes.video,
            stage=stage,
            counted=counted,
            gateway=gateway,
        )
        telling.cancel()


async def _tell_problems(endpoint: Endpoint) -> None:
    async for sentence in endpoint.problems():
        if is_for_programs():
            show({"event": "problem", "sentence": sentence})
        else:
            note(escape(sentence))
