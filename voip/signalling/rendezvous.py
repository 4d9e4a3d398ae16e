"""Two people swap contact cards over a relay, by a spoken code."""

import asyncio
import time

from voip.errors import UnreachableError
from voip.identity.card import Card
from voip.identity.keys import Entropy
from voip.signalling.envelope import mailbox_tag
from voip.signalling.link import RelayLink
from voip.signalling.spoken import CardExchange, Code, Side, code_fetches

PATIENCE_S = 600.0  # as long as somebody stays on the telephone to spell two words


async def swap_cards(  # noqa: PLR0913 - one run of one code
    link: RelayLink,
    code: Code,
    side: Side,
    *,
    card: Card,
    entropy: Entropy,
    patience_s: float = PATIENCE_S,
) -> Card:
    """Give our card to whoever knows the code, and return theirs.

    Raises:
        UnreachableError: the relay is, or nobody came within `patience_s`.
        RefusedError: the words were not the same, or somebody guessed.
        MalformedError: the other side does not speak this protocol.
        MissingError: the library `spake2` is not installed.
    """
    exchange = CardExchange(code, side, entropy=entropy)
    now = int(time.time())
    fetches = code_fetches(code, side, now=now)
    tag = mailbox_tag(code_fetches(code, side.other, now=now)[1])
    link.watch(fetches)
    try:
        async with asyncio.timeout(patience_s):
            await link.put(tag, exchange.message)
            exchange.finish(await _next_blob(link))
            await link.put(tag, exchange.seal_card(card))
            return exchange.open_card(await _next_blob(link))
    except TimeoutError:
        raise UnreachableError(f"code: nobody came within {patience_s:g} s") from None
    finally:
        link.watch(())


async def _next_blob(link: RelayLink) -> bytes:
    parcel = await link.receive()
    await link.delete([parcel.message_id])
    return parcel.blob
