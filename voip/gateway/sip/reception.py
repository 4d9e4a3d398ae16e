"""Takes calls of contacts without anybody there, and has them ask for telephones.

Carrier. Who runs one gives it an identity of its own: whoever calls that identity wants
the gateway, and nobody else's telephone stops ringing for it. ::

    keeper = NeverBusy(store)
    async with open_endpoint(keeper, ...) as endpoint:
        await Reception(endpoint, keeper, line, tell=...).serve()
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from voip.call import State
from voip.conversation import Conversation
from voip.endpoint import Endpoint
from voip.errors import CallError
from voip.gateway.counts import GatewayCounts
from voip.gateway.sip import caller
from voip.gateway.sip.asking import Asking, may_call
from voip.gateway.sip.caller import CLOSED, Caller
from voip.gateway.sip.telephone import Line
from voip.identity.contact import Grant
from voip.identity.vault import Busy, Vault
from voip.upkeep import VaultKeeper


@dataclass(frozen=True, slots=True)
class CallTaken:
    """A contact is in a call with the gateway; `alias` is our name for them."""

    alias: str


@dataclass(frozen=True, slots=True)
class CallLeft:
    """That call is over, or was not taken; `why` says so, and is empty if they left."""

    alias: str
    why: str


Told = CallTaken | CallLeft | caller.Told
Tell = Callable[[Told], None]


class NeverBusy:
    """A store whose owner takes a call beside others, whatever the user chose.

    Who serves one contact must ring for the next one, too.
    """

    def __init__(self, store: VaultKeeper) -> None:
        self._store = store

    def read(self) -> Vault:
        """Give what is kept now."""
        vault = self._store.read()
        return replace(vault, settings=replace(vault.settings, busy=Busy.RING))

    def change(self, change: Callable[[Vault], Vault]) -> Vault:
        """Apply a change; it is on disk when this returns."""
        return self._store.change(change)


class Reception:
    """Serves the contacts who may ask for a telephone, all of them at once.

    Attributes:
        serves: how many are in a call with us.
    """

    def __init__(  # noqa: PLR0913 -- who we are, and for whom
        self,
        endpoint: Endpoint,
        store: VaultKeeper,
        line: Line,
        *,
        counts: GatewayCounts | None = None,
        tell: Tell,
        is_closed: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take who we are, whom we know, and who dials; `tell` hears what happens.

        While it `is_closed`, nobody new is served; who is, stays.
        """
        self.serves = 0
        self._endpoint = endpoint
        self._store = store
        self._line = line
        self._counts = counts
        self._tell = tell
        self._is_closed = is_closed
        self._asking = Asking(line.account)

    async def serve(self) -> None:
        """Take calls until this is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            async for conversation in self._endpoint.incoming():
                tasks.create_task(self._take(conversation))

    async def _take(self, conversation: Conversation) -> None:
        alias = conversation.alias
        try:
            why = self._why_not(conversation)
            if why is None:
                why = await self._serve(conversation)
            elif conversation.state is State.RINGING:
                conversation.decline()
        except CallError as error:  # one call that cannot be is no end of all others
            why = str(error)
        self._tell(CallLeft(alias, why))

    async def _serve(self, conversation: Conversation) -> str:
        """Serve a contact to the end of their call; gives what there is to say of it.

        Raises what `Caller.run` does.
        """
        self._tell(CallTaken(conversation.alias))
        serving = Caller(
            conversation,
            self._line,
            self._asking,
            store=self._store,
            counts=self._counts,
            tell=self._tell,
            is_closed=self._is_closed,
        )
        self.serves += 1
        try:
            await serving.run()
        finally:
            self.serves -= 1
        return ""

    def _why_not(self, conversation: Conversation) -> str | None:
        """Say why a call is not taken; None if it is."""
        if conversation.state is not State.RINGING:
            return "they gave up"
        if self._is_closed():
            return CLOSED
        contact = self._store.read().contacts.by_identity(conversation.identity)
        grant = Grant.NONE if contact is None else contact.grant
        if not may_call(conversation.trust, grant):
            trust = conversation.trust
            state = "unknown" if trust is None else trust.state.value
            return f"they may not: trust {state!r}, grant {grant.value!r}"
        if not conversation.can_be_told:
            return "their device cannot be told of legs: it runs an older version"
        return None
