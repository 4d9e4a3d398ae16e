"""What a relay can do to a connection: end it, and no more."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.realtime import in_two_tries
from tests.voip.signalling.relays import lying_relay, plain_server
from voip.errors import CallError, RefusedError, UnreachableError
from voip.identity.card import RelayAddress
from voip.signalling.board import publish
from voip.signalling.channel import _is_ours, open_channel
from voip.signalling.frames import (
    PATH,
    BoardGet,
    BoardSlot,
    Get,
    GetDone,
    Parcel,
    Put,
    Reply,
    Status,
    Stored,
    format_reply,
)
from voip.signalling.relay import serve_relay

GET = Get((bytes(32),), 0)
SLOT = publish(
    None,
    board=Ed25519PrivateKey.from_private_bytes(b"\x01" * 32),
    card_key=bytes(32),
    index=0,
    version=1,
    entropy=bytes,
)


def frame(reply: Reply) -> bytes:
    return format_reply(reply, os.urandom)


PARCEL = frame(Parcel(bytes(16), bytes(16), blob=bytes(4096)))
LIES: dict[str, tuple[Callable[[bytes], list[bytes | str]], str]] = {
    "text": (lambda _: ["hello"], "frame: expected binary, came text"),
    "short": (lambda raw: [raw[:-1]], "frame: expected 4204 bytes, came 4203"),
    "echo": (lambda raw: [raw], "frame: expected a reply, came op 0x02"),
    "version": (lambda raw: [b"\x02" + raw[1:]], "frame: expected version 1, came 2"),
    "slot": (lambda _: [frame(BoardSlot(SLOT))], "board slot: nobody asked for it"),
    "status": (lambda _: [frame(Stored(Status.OK))], "stored: nobody asked for it"),
    "end": (lambda _: [frame(GetDone())] * 2, "get done: nobody asked for it"),
    "late": (lambda _: [frame(GetDone()), PARCEL], "parcel: nobody asked for it"),
    "many": (lambda _: [PARCEL] * 33, "parcel: nobody asked for it"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_relay_that_breaks_the_format_is_left(lie: str) -> None:
    answer, reason = LIES[lie]
    async with (
        lying_relay(answer) as address,
        open_channel(address, os.urandom) as channel,
    ):
        await channel.get(GET)
        with pytest.RaisesGroup(pytest.RaisesExc(CallError, match=reason)):
            await channel.run(lambda _: None)


@pytest.mark.parametrize(
    "asked", [BoardGet(b"\x09" * 32, 0), BoardGet(SLOT.board, 1)], ids=["key", "slot"]
)
async def test_one_board_does_not_pass_for_another(asked: BoardGet) -> None:
    async with (
        lying_relay(lambda _: [frame(BoardSlot(SLOT))]) as address,
        open_channel(address, os.urandom) as channel,
    ):
        asking = asyncio.ensure_future(channel.ask(asked))
        with pytest.RaisesGroup(
            pytest.RaisesExc(CallError, match="not the one that was asked for")
        ):
            await channel.run(lambda _: None)
        asking.cancel()


async def test_a_lost_connection_fails_what_waits() -> None:
    async with lying_relay(lambda _: []) as address:
        async with open_channel(address, os.urandom) as channel:
            asking = asyncio.ensure_future(channel.ask(Put(bytes(16), bytes(4096))))
            await asyncio.sleep(0)

        with pytest.raises(ConnectionError):
            await asking


async def test_a_lost_connection_takes_no_new_request() -> None:
    async with lying_relay(lambda _: []) as address:
        async with open_channel(address, os.urandom) as channel:
            pass

        with pytest.raises(ConnectionError):
            await channel.ask(Put(bytes(16), bytes(4096)))


async def test_a_get_over_a_closed_connection_is_unreachable() -> None:
    async with lying_relay(lambda _: []) as address:
        async with open_channel(address, os.urandom) as channel:
            pass

        with pytest.raises(UnreachableError, match="closed the connection"):
            await channel.get(GET)


async def test_an_overdue_answer_ends_the_connection() -> None:
    async with (
        lying_relay(lambda _: []) as address,
        open_channel(address, os.urandom) as channel,
    ):
        channel.give_up()
        with pytest.RaisesGroup(
            pytest.RaisesExc(UnreachableError, match="an answer is overdue")
        ):
            await channel.run(lambda _: None)


async def test_nobody_listening_is_said_with_host_and_port() -> None:
    with pytest.raises(UnreachableError, match=r"relay 127\.0\.0\.1:9: .*refused"):
        async with open_channel(RelayAddress("127.0.0.1", 9), os.urandom):
            pass


async def test_a_web_server_that_is_no_relay_is_said() -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    async with plain_server(handle) as address:
        with pytest.raises(UnreachableError, match=r"not a relay, .* http status 200"):
            async with open_channel(address, os.urandom):
                pass


async def test_a_redirect_is_refused() -> None:
    async def handle(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/inside")

    async with plain_server(handle) as address:
        with pytest.raises(RefusedError, match="relay: redirects, which no relay does"):
            async with open_channel(address, os.urandom):
                pass


async def test_the_request_says_nothing_about_us() -> None:
    seen: dict[str, str] = {}

    async def handle(request: web.Request) -> web.Response:
        seen.update(request.headers)
        return web.Response()

    async with plain_server(handle) as address:
        with pytest.raises(UnreachableError):
            async with open_channel(address, os.urandom):
                pass

    assert sorted(name for name in seen if not name.startswith("Sec-WebSocket")) == [
        "Accept",
        "Accept-Encoding",
        "Connection",
        "Host",
        "Upgrade",
    ]


async def test_another_key_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    async with serve_relay(tmp_path / "spool") as running:
        wrong = replace(running.address, pin=bytes(32))
        with pytest.raises(RefusedError, match="not the key that the card pins"):
            async with open_channel(wrong, os.urandom):
                pass


async def test_without_a_pin_a_self_made_certificate_is_refused(
    tmp_path: Path,
) -> None:
    async with serve_relay(tmp_path / "spool", host="127.0.0.1") as running:
        unpinned = RelayAddress("localhost", running.address.port)
        with pytest.raises(UnreachableError, match="certificate is not valid"):
            async with open_channel(unpinned, os.urandom):
                pass


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        (("127.0.0.1", 5349), True),
        (("192.0.2.1", 5349), False),  # RFC 5737: for examples
        (("2001:db8::1", 5349, 0, 0), False),  # RFC 3849: likewise
    ],
)
def test_an_address_is_ours_for_as_long_as_this_machine_has_it(
    name: tuple[str | int, ...], *, ours: bool
) -> None:
    assert _is_ours(name) is ours


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue refuses")
@in_two_tries
async def test_a_lost_syn_costs_a_quarter_of_a_second_and_not_a_whole_one(
    tmp_path: Path,
) -> None:
    del tmp_path
    loop = asyncio.get_running_loop()
    with socket.socket() as listener, socket.socket() as first:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        first.connect(listener.getsockname())  # Linux drops a SYN for a full queue
        connecting = loop.create_task(_connect(listener.getsockname()[1]))
        await asyncio.sleep(0.1)
        listener.accept()[0].close()
        began = loop.time()
        async with _serving(listener):
            await connecting
        took_s = loop.time() - began

    assert took_s < 0.8


async def _connect(port: int) -> None:
    async with open_channel(RelayAddress("127.0.0.1", port), os.urandom):
        pass


@asynccontextmanager
async def _serving(listener: socket.socket) -> AsyncIterator[None]:
    async def handle(request: web.Request) -> web.WebSocketResponse:
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        async for _ in answer:
            pass
        return answer

    application = web.Application()
    application.router.add_get(PATH, handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield
    finally:
        await runner.cleanup()
