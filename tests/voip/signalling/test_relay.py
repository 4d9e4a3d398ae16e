"""What a relay does to clients that misbehave."""

import asyncio
import os
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from aiohttp import WSMessage, WSMsgType, web

from voip.errors import RefusedError, StoreError, UnreachableError
from voip.signalling.envelope import mailbox_tag
from voip.signalling.frames import (
    PATH,
    Get,
    GetDone,
    Parcel,
    Put,
    Reply,
    Request,
    Status,
    Stored,
    format_request,
    parse_reply,
)
from voip.signalling.mailbox import Limits
from voip.signalling.relay import MAX_PER_ADDRESS, RunningRelay, serve_relay
from voip.signalling.store_sqlite import open_sqlite
from voip.signalling.tls import TlsFiles
from voip.signalling.visitor import Room, Visitor

FETCH = b"\x01" * 32
BLOB = b"\x05" * 4096
PUT = Put(mailbox_tag(FETCH), BLOB)


def url(running: RunningRelay) -> str:
    return f"ws://{running.address.netloc}{PATH}"


async def ask(socket: aiohttp.ClientWebSocketResponse, request: Request) -> None:
    await socket.send_bytes(format_request(request, os.urandom))


async def reply(socket: aiohttp.ClientWebSocketResponse) -> Reply:
    return parse_reply(await socket.receive_bytes(timeout=5))


@pytest.mark.parametrize("junk", [b"", b"x", bytes(4204), bytes(4205)], ids=len)
async def test_a_frame_that_does_not_parse_ends_the_connection(
    tmp_path: Path, junk: bytes
) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as socket,
    ):
        await socket.send_bytes(junk)
        message = await socket.receive(timeout=5)

    assert message.type is WSMsgType.CLOSE


async def test_text_ends_the_connection(tmp_path: Path) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as socket,
    ):
        await socket.send_str("hello")
        message = await socket.receive(timeout=5)

    assert (message.type, message.data) == (WSMsgType.CLOSE, 1002)


async def test_a_newer_get_ends_the_wait_of_the_one_before(tmp_path: Path) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as socket,
    ):
        await ask(socket, Get((b"\x02" * 32,), 25))
        await ask(socket, Get((b"\x03" * 32,), 0))
        replies = [await reply(socket), await reply(socket)]

    assert replies == [GetDone(), GetDone()]


class Deaf:
    """A client that asks and asks, and reads no answer."""

    def __init__(self) -> None:
        self.asked = 0

    def __aiter__(self) -> "Deaf":
        return self

    async def __anext__(self) -> WSMessage:
        if self.asked == 30:
            await asyncio.Event().wait()
        self.asked += 1
        frame = format_request(Get((FETCH,), 0), os.urandom)
        return WSMessage(WSMsgType.BINARY, frame, None)

    async def send_bytes(self, _: bytes) -> None:
        await asyncio.Event().wait()


async def test_who_reads_no_answers_is_not_listened_to(tmp_path: Path) -> None:
    """Or each GET would be one more task that waits for its answer to leave."""
    client = Deaf()
    async with open_sqlite(
        tmp_path / "spool", limits=Limits(), entropy=os.urandom
    ) as store:
        visitor = Visitor(Room(store), cast("web.WebSocketResponse", client))
        serving = asyncio.create_task(visitor.serve())
        await asyncio.sleep(0.3)
        serving.cancel()
        await asyncio.wait([serving])

    assert client.asked == 2


async def test_a_put_is_answered_while_a_get_waits(tmp_path: Path) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as socket,
    ):
        await ask(socket, Get((b"\x02" * 32,), 25))
        await ask(socket, PUT)
        answer = await reply(socket)

    assert answer == Stored(Status.OK)


async def test_a_put_wakes_a_get_of_another_connection(tmp_path: Path) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as reader,
        session.ws_connect(url(running)) as writer,
    ):
        await ask(reader, Get((FETCH,), 25))
        await ask(writer, PUT)
        parcel = await reply(reader)

    assert isinstance(parcel, Parcel)


async def test_a_relay_sees_what_another_process_took(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    async with (
        serve_relay(spool, plain=True) as one,
        serve_relay(spool, plain=True) as other,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(one)) as writer,
        session.ws_connect(url(other)) as reader,
    ):
        await ask(writer, PUT)
        await reply(writer)
        await ask(reader, Get((FETCH,), 0))
        parcel = await reply(reader)

    assert isinstance(parcel, Parcel)


async def test_a_flood_is_slowed_down(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as socket,
    ):
        before = loop.time()
        for _ in range(50):
            await ask(socket, PUT)
        for _ in range(50):
            await reply(socket)
        took = loop.time() - before

    assert took >= 0.45  # 40 at once, the other 10 at 20 a second


async def test_one_address_has_a_bounded_number_of_connections(tmp_path: Path) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        sockets = [
            await session.ws_connect(url(running)) for _ in range(MAX_PER_ADDRESS)
        ]
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await session.ws_connect(url(running))
        await sockets.pop().close()
        again = await session.ws_connect(url(running))
        closed = again.closed

    assert not closed


async def test_a_stopping_relay_says_goodbye(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        async with serve_relay(tmp_path / "spool", plain=True) as running:
            socket = await session.ws_connect(url(running))
            await ask(socket, Get((FETCH,), 25))
            farewell = asyncio.ensure_future(socket.receive())
            await asyncio.sleep(0)
        message = await farewell

    assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)


async def test_another_path_is_not_served(tmp_path: Path) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
        session.get(f"http://{running.address.netloc}/") as response,
    ):
        status = response.status

    assert status == 404


async def test_plain_is_for_loopback_only(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"expected a loopback address, came '0\.0"):
        async with serve_relay(tmp_path / "spool", host="0.0.0.0", plain=True):
            pass


async def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    async with serve_relay(tmp_path / "one", plain=True) as running:
        with pytest.raises(UnreachableError, match=r"cannot listen on 127\.0\.0\.1:"):
            async with serve_relay(
                tmp_path / "two", port=running.address.port, plain=True
            ):
                pass


async def test_an_operators_own_key_must_be_there(tmp_path: Path) -> None:
    files = TlsFiles(certificate=tmp_path / "a.pem", key=tmp_path / "b.pem")

    with pytest.raises(StoreError, match="relay key"):
        async with serve_relay(tmp_path / "spool", tls=files):
            pass


async def test_what_the_block_raises_comes_out_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="mine"):
        async with serve_relay(tmp_path / "spool", plain=True):
            raise RefusedError("mine")
