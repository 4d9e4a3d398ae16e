"""TURN servers that a relay lends: how often it is asked, and what it may answer."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path as Folder

import pytest

from tests.voip.people import LOOPBACK, at_home, introduce, person
from tests.voip.signalling.relays import lying_relay
from tests.voip.signalling.turnservers import SECRET, coturn
from voip.conversation import Conversation
from voip.errors import LimitError, MissingError, RefusedError, UnreachableError
from voip.identity.card import RelayAddress
from voip.lending import KEPT_S, RelayLender
from voip.media.connect.config import IceConfig, IceServer
from voip.media.connect.path import Path
from voip.news import PathChanged
from voip.signalling.frames import TurnGrant, TurnStatus, format_reply
from voip.signalling.mailbox import Limits
from voip.signalling.relay import RunningRelay, Service, serve_store
from voip.signalling.store_sqlite import open_sqlite
from voip.signalling.turn import TurnOffer, issue


class Clock:
    """Says what it was told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def lending_relay(
    folder: Folder, *, port: int = 3478, secret: bytes = SECRET
) -> AsyncIterator[RunningRelay]:
    offer = TurnOffer((f"turn:127.0.0.1:{port}",), secret)
    async with (
        open_sqlite(folder / "s", limits=Limits(), entropy=os.urandom) as store,
        serve_store(store, Service(turn=offer)) as running,
    ):
        yield running


def lender(relay: RelayAddress, clock: Clock | None = None) -> RelayLender:
    return RelayLender(relay, entropy=os.urandom, clock=clock or Clock())


async def test_a_relay_lends_a_server_with_user_and_password(tmp_path: Folder) -> None:
    async with lending_relay(tmp_path) as relay:
        (server,) = await lender(relay.address)()

    assert server.url == "turn:127.0.0.1:3478"
    assert server.username
    assert server.password


async def test_calls_that_begin_together_ask_once(tmp_path: Folder) -> None:
    async with lending_relay(tmp_path) as relay:
        lend = lender(relay.address)
        lent = await asyncio.gather(lend(), lend(), lend())

    assert relay.counts.turn_issued == 1
    assert lent[0] == lent[1] == lent[2]


async def test_a_grant_serves_for_half_of_its_life(tmp_path: Folder) -> None:
    clock = Clock()
    async with lending_relay(tmp_path) as relay:
        lend = lender(relay.address, clock)
        first = await lend()
        clock.now += KEPT_S - 1
        again = await lend()
        clock.now += 1
        fresh = await lend()

    assert again == first
    assert fresh[0].username != first[0].username


async def test_a_relay_without_turn_servers_is_no_lender(tmp_path: Folder) -> None:
    async with (
        open_sqlite(tmp_path / "s", limits=Limits(), entropy=os.urandom) as store,
        serve_store(store, Service()) as relay,
    ):
        with pytest.raises(MissingError, match="offers no turn server"):
            await lender(relay.address)()


async def test_a_grant_of_nothing_is_none() -> None:
    nothing = format_reply(TurnGrant(TurnStatus.OK, 2_000_000_000), os.urandom)
    async with lying_relay(lambda _: [nothing]) as address:
        with pytest.raises(MissingError, match="lends no turn server"):
            await lender(address)()


async def test_a_relay_may_ask_to_slow_down() -> None:
    late = format_reply(TurnGrant(TurnStatus.SLOW_DOWN), os.urandom)
    async with lying_relay(lambda _: [late]) as address:
        with pytest.raises(LimitError, match="asks to slow down"):
            await lender(address)()


# With a real server ----------------------------------------------------------------


async def _why_not(config: IceConfig) -> Exception:
    path = Path(config, controlling=True)
    try:
        with pytest.raises((RefusedError, UnreachableError, MissingError)) as caught:
            await path.gather()
    finally:
        await path.close()
    return caught.value


def _relay_only(relay: RelayAddress) -> IceConfig:
    return IceConfig(relay_only=True, loopback=True, lender=lender(relay))


@pytest.mark.slow
async def test_a_call_connects_by_a_lent_server_alone(tmp_path: Folder) -> None:
    async with (
        coturn(tmp_path) as port,
        lending_relay(tmp_path, port=port) as relay,
        AsyncExitStack() as homes,
    ):
        alice, bob = (person(name, relay.address) for name in ("alice", "bob"))
        introduce(alice, bob)
        caller, callee = [
            await homes.enter_async_context(
                at_home(who, replace(LOOPBACK, ice=_relay_only(relay.address)))
            )
            for who in (alice, bob)
        ]
        outgoing = await caller.dial("bob")
        incoming = await anext(callee.incoming())
        incoming.accept()
        kinds = [await _connected(each) for each in (outgoing, incoming)]
        issued = relay.counts.turn_issued

    assert (kinds, issued) == (["relay", "relay"], 2)


async def _connected(call: Conversation) -> str:
    async for news in call.news():
        if isinstance(news, PathChanged):
            return news.kind
    raise AssertionError("the call did not connect")


@pytest.mark.slow
async def test_a_server_with_another_secret_says_that_it_refuses(
    tmp_path: Folder,
) -> None:
    async with (
        coturn(tmp_path) as port,
        lending_relay(tmp_path, port=port, secret=b"another secret..") as relay,
    ):
        error = await _why_not(_relay_only(relay.address))

    assert isinstance(error, RefusedError)
    assert f"lent ice server turn:127.0.0.1:{port}: it refuses the user" in str(error)


@pytest.mark.slow
async def test_what_expired_is_refused_and_said_to_be(tmp_path: Folder) -> None:
    async with coturn(tmp_path) as port:
        offer = TurnOffer((f"turn:127.0.0.1:{port}",), SECRET)
        long_ago = int(time.time()) - 301
        ((old,),) = issue(offer, wanted_s=300, now=long_ago, entropy=os.urandom)[1:]

        lent = IceServer(url=old.url, username=old.username, password=old.credential)

        async def lend() -> tuple[IceServer, ...]:
            return (lent,)

        error = await _why_not(IceConfig(relay_only=True, loopback=True, lender=lend))

    assert isinstance(error, RefusedError)
    assert "lent ice server" in str(error)
