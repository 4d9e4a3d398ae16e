"""Puts a person on the network in one step: `open_endpoint`.

Carrier. Joins an endpoint to what carries its signalling, a relay or a messenger. The
page docs/library.md shows both.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from voip.endpoint import Endpoint, Settings
from voip.identity.signer import Signer
from voip.signalling.post import Messenger, MessengerPost, RelayPost
from voip.upkeep import VaultKeeper


@asynccontextmanager
async def open_endpoint(
    store: VaultKeeper,
    settings: Settings,
    *,
    messenger: Messenger | None = None,
    signer: Callable[[], Signer] | None = None,
) -> AsyncIterator[Endpoint]:
    """Open a person's endpoint for the length of a block.

    Args:
        store: keys, contacts and call log.
        settings: media.
        messenger: carries the signalling; by default the relay in the store and those
            of the contacts do. Then no board is published: the application hands
            `Endpoint.announcement` to its contacts, and theirs to
            `voip.dialling.with_announcement`.
        signer: reaches the identity's key for the weekly rotation of the call key.

    Raises:
        ExceptionGroup: of what went wrong in the block or beside it.
    """
    if messenger is not None:
        post = MessengerPost(messenger)
        async with Endpoint(
            store, post, settings=settings, entropy=os.urandom, signer=signer
        ) as endpoint:
            yield endpoint
        return
    async with (
        RelayPost(entropy=os.urandom) as relays,
        Endpoint(
            store,
            relays,
            settings=settings,
            entropy=os.urandom,
            boards=relays,
            signer=signer,
        ) as endpoint,
    ):
        yield endpoint
