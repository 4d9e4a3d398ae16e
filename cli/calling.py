"""Places calls and takes them: what `call`, `answer` and `listen` have in common."""

import asyncio
import functools
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

from cli import paths
from cli.codes import Code
from cli.console import Console, open_console
from cli.lan import Lan
from cli.manners import Manners
from cli.output import escape, is_for_programs, note, show
from cli.stage import Stage
from cli.talk import Talk
from cli.trace import trace_to
from cli.wishes import Wishes
from voip.call import CONFIRM_S, State
from voip.conversation import Conversation
from voip.endpoint import Endpoint, Settings
from voip.errors import LimitError
from voip.identity.card import RelayAddress
from voip.identity.reach import reach
from voip.identity.signer import Signer
from voip.media.connect.config import check_config
from voip.media.ends.open import Ends
from voip.media.plan import MediaPlan
from voip.open import open_endpoint
from voip.signalling.post import Post
from voip.upkeep import VaultKeeper

if TYPE_CHECKING:
    from cli.gateways.roomdesk import Left


async def place_call(
    store: VaultKeeper, name: str, wishes: Wishes, *, lan: Lan | None = None
) -> Code:
    """Call a contact and hold the call to its end.

    With `lan`, their listener is looked for on the local network.

    Raises:
        UnreachableError: it is not there.
        RefusedError: there is no such contact, or the options mean nothing.
        MissingError: a device is not there; nobody was called.
        ExceptionGroup: of what `Endpoint.dial` raises.
    """
    vault = store.read()
    contact = vault.contacts.find(name)  # before a microphone is looked for
    ice = wishes.ice(vault)
    check_config(ice)
    wishes.check_report()
    stage = wishes.open_stage()
    relay = None if lan is None else await lan.find(contact)
    with (
        trace_to(wishes.trace) as trace,
        closing(wishes.open_ends(stage)) as ends,
    ):
        settings = Settings(
            plan=lambda: wishes.plan(ends),
            ice=ice,
            data=wishes.data,
            on_datagram=trace,
            can_ask=can_ask(),
        )
        manners = wishes.manners(store, auto=True)
        async with open_desk(
            store, settings, manners, lambda: ends, stage=stage
        ) as desk:
            talk = await desk.hold(await desk.reach(name, relay=relay))
            return talk.code


async def take_calls(
    store: VaultKeeper, wishes: Wishes, *, auto: bool, once: bool
) -> Code:
    """Take calls one after the other until interrupted, or `once`.

    Raises:
        RefusedError: the options mean nothing.
        MissingError: a device is not there.
        ExceptionGroup: of what went wrong beside the calls.
    """
    ice = wishes.ice(store.read())
    check_config(ice)
    wishes.check_report()
    ends = _Ends(wishes)
    with trace_to(wishes.trace) as trace:
        settings = Settings(
            plan=ends.open,
            ice=ice,
            data=wishes.data,
            on_datagram=trace,
            can_ask=can_ask(),
        )
        manners = wishes.manners(store, auto=auto)
        async with open_desk(
            store, settings, manners, lambda: ends.latest, stage=ends.stage
        ) as desk:

            async def meet(invitation: Conversation) -> "Left":
                # Few calls are rooms, and they load much that no other call needs.
                from cli.gateways.roomring import answer_invitation  # noqa: PLC0415

                return await answer_invitation(
                    invitation,
                    desk,
                    store,
                    ends.open,
                    ice=ice,
                    wishes=wishes,
                    auto=auto,
                )

            return await _take_calls(desk, meet, once=once)


class _Ends:
    """What the calls of one listener hear and show with; each call opens its own."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        wishes.check_ends()
        self.stage = wishes.open_stage()
        self.latest: Ends | None = None

    def open(self) -> MediaPlan:
        self.latest = self._wishes.open_ends(self.stage)
        return self._wishes.plan(self.latest)


async def _take_calls(
    desk: "Desk", meet: Callable[[Conversation], Awaitable["Left"]], *, once: bool
) -> Code:
    """Take calls; `meet` takes those that ask us into a room."""
    await desk.endpoint.listening()
    if is_for_programs():
        show({"event": "listening"})
    else:
        note("waiting for calls; Ctrl-C stops")
    async for conversation in desk.endpoint.incoming():
        if conversation.state is not State.RINGING:
            continue  # gave up while we talked; it is in the call log
        desk.forget_typed()
        if conversation.group is not None:
            left = await meet(conversation)
            if once or left.is_interrupted:
                return left.code
            continue
        talk = await desk.hold(conversation)
        if once or talk.is_interrupted:
            return talk.code
    raise AssertionError("calls without an end")


class Desk:
    """One person's endpoint and console, for one call after the other."""

    def __init__(
        self,
        endpoint: Endpoint,
        console: Console,
        *,
        manners: Manners,
        ends: Callable[[], Ends | None],
    ) -> None:
        self.endpoint = endpoint
        self.console = console
        self._manners = manners
        self._ends = ends
        self._talk: Talk | None = None
        self._calls = 0

    async def reach(
        self, name: str, *, relay: RelayAddress | None = None
    ) -> Conversation:
        """Call a contact; or take the call, if they are calling at this moment.

        Raises:
            RefusedError: there is no such contact.
            UnreachableError: the relay does not answer, or no device can be called.
        """
        dial = functools.partial(
            self.endpoint.dial,
            name,
            video=self._manners.video,
            muted=self._manners.push_to_talk,
            relay=relay,
        )
        try:
            return await dial()
        except LimitError:
            theirs = asyncio.timeout(CONFIRM_S)
        try:
            async with theirs:
                return await anext(self.endpoint.incoming())
        except TimeoutError:
            return await dial()  # what came was not a call after all

    async def hold(self, conversation: Conversation) -> Talk:
        """Hold a call to its end, and the one that replaces it if both dialled."""
        while True:
            self._calls += 1
            self._talk = talk = Talk(
                conversation,
                self.console,
                manners=self._manners,
                ends=self._ends,
                number=self._calls,
            )
            ended = await talk.run()
            self._talk = None
            if ended.successor is None:
                return talk
            try:
                conversation = self.endpoint.conversation(ended.successor)
            except KeyError:
                return talk  # is over already

    def forget_typed(self) -> None:
        """Drop what was typed at nobody: it must not accept the next call."""
        while not self.console.typed.empty():
            self.console.typed.get_nowait()

    async def tell_problems(self) -> None:
        """Show what goes wrong beside the calls."""
        async for sentence in self.endpoint.problems():
            if self._talk is not None:
                self._talk.warn(sentence)
            elif is_for_programs():
                show({"event": "problem", "sentence": sentence})
            else:
                note(escape(sentence))


@asynccontextmanager
async def open_desk(  # noqa: PLR0913 -- what a desk stands on
    store: VaultKeeper,
    settings: Settings,
    manners: Manners,
    ends: Callable[[], Ends | None],
    *,
    stage: Stage | None = None,
    post: Post | None = None,
) -> AsyncIterator[Desk]:
    """Put a person on the network, and their console before them.

    `ends` gives those of the present call, once they are open; pictures appear on
    `stage`; `post` carries the signalling; by default the relays of both sides do.
    """
    # A service manager's wish to stop is as good as the user's.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    signer = signer_of(store)
    opened = (
        open_endpoint(store, settings, signer=signer)
        if post is None
        else Endpoint(store, post, settings=settings, entropy=os.urandom, signer=signer)
    )
    async with opened as endpoint:
        with open_console(stage) as console:
            desk = Desk(endpoint, console, manners=manners, ends=ends)
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(desk.tell_problems())
                yield desk
                telling.cancel()


def can_ask() -> bool:
    """Whether somebody is there to answer: a person, or a program that takes part."""
    return is_for_programs() or sys.stdin.isatty()


def signer_of(store: VaultKeeper) -> Callable[[], Signer]:
    """Reach the identity's key without asking anybody: a call may be going on."""

    def signer() -> Signer:
        vault = store.read()
        return reach(vault.signer, vault.identity, agent=paths.agent_socket(), ask=None)

    return signer
