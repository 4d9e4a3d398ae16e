"""Opens rooms, and comes to them: what `room open` and `room join` do."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from typing import NamedTuple

from cli.calling import signer_of
from cli.codes import Code
from cli.gateways.larger import Server, end_room, larger_room, make_room
from cli.gateways.roomdesk import RoomDesk
from cli.output import escape, is_for_programs, note, show
from cli.serve import serve_operations
from cli.stage import Stage
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
from voip.open import open_endpoint
from voip.upkeep import VaultKeeper


async def open_room(
    store: VaultKeeper,
    members: Sequence[str],
    wishes: Wishes,
    server: Server,
    metrics: str | None,
) -> Code:
    """Open a room, ask these contacts to come, and stay until the user leaves.

    `metrics`, serve the operator's pages there.

    Raises:
        RefusedError: there is no such contact, or there are too many.
        MissingError: a device is not there; nobody was called.
        CallError: the server, if one is named, makes no room.
    """
    contacts = store.read().contacts
    named = {contacts.find(name).identity for name in members}
    limit = MeshRoom.limit if server.url is None else LargerRoom.limit
    if len(named) >= limit:
        kind = "without" if server.url is None else "over"
        raise RefusedError(
            f"a room {kind} a server holds {limit} people, you included; "
            f"came {len(named)} to ask"
        )
    async with _place(store, wishes, metrics) as place:
        endpoint, plan, stage, counted = place
        await endpoint.listening()
        if server.url is None:
            async with _room(place, store, wishes, group_id=None) as room:
                return await RoomDesk(room, stage).hold(ask=members)
        made = await make_room(server)
        ticket = made.ticket
        larger = larger_room(
            endpoint,
            store,
            plan,
            server,
            ice=wishes.ice(store.read()),
            video=wishes.video,
            group_id=ticket.group_id,
            ticket=ticket,
            counted=counted,
        )
        async with larger:
            code = await RoomDesk(larger, stage).hold(ask=members)
        if larger.was_last:
            await end_room(server, made)
        return code


async def join_room(
    store: VaultKeeper,
    inviter: str | None,
    wishes: Wishes,
    server: Server,
    metrics: str | None,
) -> Code:
    """Wait for an invitation, take it, and stay until the user leaves.

    `inviter`, take only theirs; `metrics`, serve the operator's pages there.

    Raises:
        RefusedError: there is no such contact.
        MissingError: a device is not there.
    """
    only = None if inviter is None else store.read().contacts.find(inviter).identity
    async with _place(store, wishes, metrics) as place:
        endpoint, plan, stage, counted = place
        await endpoint.listening()
        if is_for_programs():
            show({"event": "listening"})
        else:
            note("waiting to be asked into a room; Ctrl-C stops")
        invitation = await _invitation(endpoint, only)
        assert invitation.group is not None
        # Calls of a room over a server carry no sound: that goes by the server.
        room = (
            _room(place, store, wishes, group_id=invitation.group)
            if Media.AUDIO in invitation.media_asked
            else larger_room(
                endpoint,
                store,
                plan,
                server,
                ice=wishes.ice(store.read()),
                video=wishes.video,
                group_id=invitation.group,
                counted=counted,
            )
        )
        async with room:
            return await RoomDesk(room, stage).hold(invitation=invitation)


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


class _Place(NamedTuple):
    """Where a room is held: pictures are drawn on `stage`, if on the terminal."""

    endpoint: Endpoint
    plan: MediaPlan
    stage: Stage | None
    counted: GatewayCounts


def _nothing() -> MediaPlan:
    """Let a call that is not of the room neither hear nor be heard."""
    return MediaPlan(audio_source=Silence(), audio_sink=Discard())


@asynccontextmanager
async def _place(
    store: VaultKeeper, wishes: Wishes, metrics: str | None
) -> AsyncIterator[_Place]:
    """Put a person on the network, with what the room hears and shows with."""
    # A service manager's wish to stop is as good as the user's.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    ice = wishes.ice(store.read())
    check_config(ice)
    stage = wishes.open_stage()
    with closing(wishes.open_ends(stage)) as ends:
        plan = wishes.plan(ends)
        settings = Settings(plan=_nothing, ice=ice, can_ask=False)
        counted = GatewayCounts()
        async with (
            serve_operations(metrics, counted),
            open_endpoint(store, settings, signer=signer_of(store)) as endpoint,
            asyncio.TaskGroup() as tasks,
        ):
            telling = tasks.create_task(_tell_problems(endpoint))
            yield _Place(endpoint, plan, stage, counted)
            telling.cancel()


async def _tell_problems(endpoint: Endpoint) -> None:
    async for sentence in endpoint.problems():
        if is_for_programs():
            show({"event": "problem", "sentence": sentence})
        else:
            note(escape(sentence))


def _room(
    place: _Place, store: VaultKeeper, wishes: Wishes, *, group_id: bytes | None
) -> MeshRoom:
    return MeshRoom(
        place.endpoint,
        store,
        plan=place.plan,
        group_id=group_id or os.urandom(ID_BYTES),
        is_opener=group_id is None,
        video=wishes.video,
        counted=place.counted,
    )
