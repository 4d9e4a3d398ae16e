"""Calls without anybody's relay: a listener of one's own, found on the local network.

A listener is a small relay in the process that takes calls. On the local network it is
announced by zeroconf (RFC 6763) under a random name, with a tag that only holders of
the owner's card recognise and that changes every day::

    t = base32(T("lan", card key || be32(day))[:8])     p = base32(pin)

The pin is as trustworthy as the network it came over. That is enough: a relay, and so a
listener, is trusted with nothing.
"""

import asyncio
import contextlib
import ipaddress
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from voip.errors import MalformedError, MissingError, UnreachableError
from voip.identity.card import RelayAddress
from voip.identity.keys import Entropy, T, format_base32, parse_base32
from voip.signalling.mailbox import Limits
from voip.signalling.relay import RunningRelay, serve_relay
from voip.wire import be32

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

SERVICE = "_ringfence._tcp.local."
LISTENER_LIMITS = Limits(stored_bytes=16 << 20)  # 4000 blobs: one person's calls
FIND_S = 5.0  # a listener on the same network answers within one
_RESOLVE_MS = 2000
_TAG_BYTES = 8
_LABEL = b"lan"
_DAY_S = 86400
_RENEW_S = 600.0  # how late the tag of a new day may be; finders try three days


def listen(
    database: Path, *, host: str, port: int
) -> AbstractAsyncContextManager[RunningRelay]:
    """Run a listener for the length of a block; raises what `serve_relay` raises.

    Any tag may be used, since callers choose their own for the answers; what keeps
    strangers from living here is the small quota.
    """
    return serve_relay(database, host=host, port=port, limits=LISTENER_LIMITS)


@asynccontextmanager
async def announce(
    listener: RelayAddress,
    card_key: bytes,
    *,
    entropy: Entropy,
    interfaces: Sequence[str] | None = None,
) -> AsyncIterator[None]:
    """Announce a listener on the local network for the length of a block.

    Args:
        listener: where it listens; an unspecified address stands for all of ours.
        card_key: the 32-byte key in the owner's card.
        entropy: random bytes for the name.
        interfaces: addresses of the interfaces to use; all by default.

    Raises:
        MissingError: the library `zeroconf` is not installed.
    """
    name = format_base32(entropy(_TAG_BYTES))
    zeroconf = _zeroconf(interfaces)
    try:
        info = _service(name, listener, card_key)
        # The name is random, so nobody is asked whether it is taken.
        await (await zeroconf.async_register_service(info, cooperating_responders=True))
        # Owned by this block: a task group would wrap what the caller raises.
        renewing = asyncio.create_task(_renew(zeroconf, name, listener, card_key))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])
            await (await zeroconf.async_unregister_service(info))
    finally:
        await zeroconf.async_close()


async def find(
    card_key: bytes,
    *,
    interfaces: Sequence[str] | None = None,
    patience_s: float = FIND_S,
) -> RelayAddress:
    """Find the listener of a card's owner on the local network, by default within 5 s.

    Raises:
        UnreachableError: it is not there.
        MissingError: the library `zeroconf` is not installed.
    """
    zeroconf = _zeroconf(interfaces)
    # What is found faster than it is looked at waits here, and is not much: a flood
    # of services that are not ours ends with the 5 s.
    names: asyncio.Queue[str] = asyncio.Queue()

    def found(name: str, **_: object) -> None:
        names.put_nowait(name)

    try:
        from zeroconf.asyncio import (  # noqa: PLC0415 - an extra, see `_zeroconf`
            AsyncServiceBrowser,
            AsyncServiceInfo,
        )

        browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE, handlers=[found])
        try:
            async with asyncio.timeout(patience_s):
                while True:
                    info = AsyncServiceInfo(SERVICE, await names.get())
                    await info.async_request(zeroconf.zeroconf, _RESOLVE_MS)
                    with contextlib.suppress(MalformedError):
                        return _address(info, card_key)
        except TimeoutError:
            raise UnreachableError("no listener on the local network") from None
        finally:
            await browser.async_cancel()
    finally:
        await zeroconf.async_close()


def lan_tag(card_key: bytes, day: int) -> str:
    """Give the tag of a listener on a day (unix seconds // 86400)."""
    return format_base32(T(_LABEL, card_key + be32(day))[:_TAG_BYTES])


def _today() -> int:
    return int(time.time()) // _DAY_S


async def _renew(
    zeroconf: "AsyncZeroconf", name: str, listener: RelayAddress, card_key: bytes
) -> None:
    day = _today()
    while True:
        await asyncio.sleep(_RENEW_S)
        if _today() != day:
            day = _today()
            info = _service(name, listener, card_key)
            await (await zeroconf.async_update_service(info))


def _service(name: str, listener: RelayAddress, card_key: bytes) -> "AsyncServiceInfo":
    from zeroconf.asyncio import (  # noqa: PLC0415 - an extra, see `_zeroconf`
        AsyncServiceInfo,
    )

    text = {"t": lan_tag(card_key, _today())}
    if listener.pin is not None:
        text["p"] = format_base32(listener.pin)
    return AsyncServiceInfo(
        SERVICE,
        f"{name}.{SERVICE}",
        port=listener.port,
        properties=text,
        server=f"{name}.local.",  # not the machine's own name
        parsed_addresses=_own_addresses(listener.host),
    )


def _own_addresses(host: str) -> list[str]:
    if not ipaddress.ip_address(host).is_unspecified:
        return [host]
    import ifaddr  # noqa: PLC0415 - comes with zeroconf

    addresses = [
        str(ip.ip if ip.is_IPv4 else ip.ip[0])
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    ]
    return [
        address
        for address in addresses
        if not ipaddress.ip_address(address).is_loopback
        and not ipaddress.ip_address(address).is_link_local  # useless without a scope
    ]


def _address(info: "AsyncServiceInfo", card_key: bytes) -> RelayAddress:
    """Read what a service says of itself, if it is the one we look for.

    Raises:
        MalformedError: it is not, or says nothing usable.
    """
    properties = info.decoded_properties
    today = _today()
    tags = {lan_tag(card_key, day) for day in (today - 1, today, today + 1)}
    addresses = info.parsed_addresses()
    if properties.get("t") not in tags or not addresses or not info.port:
        raise MalformedError("service: not the one we look for")
    pin = properties.get("p")
    return RelayAddress(
        addresses[0], info.port, pin=None if pin is None else parse_base32(pin, 32)
    )


def _zeroconf(interfaces: Sequence[str] | None) -> "AsyncZeroconf":
    try:
        from zeroconf import InterfaceChoice  # noqa: PLC0415 - an extra: only for `lan`
        from zeroconf.asyncio import AsyncZeroconf  # noqa: PLC0415 - likewise
    except ImportError:
        raise MissingError(
            "the local network needs the library zeroconf: install ringfence[lan]"
        ) from None
    return AsyncZeroconf(
        interfaces=InterfaceChoice.All if interfaces is None else list(interfaces)
    )
