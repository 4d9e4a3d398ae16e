"""What a relay does to clients that misbehave."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import WSMessage, WSMsgType, web

from voip.errors import RefusedError, StoreError, UnreachableError
from voip.signalling.counts import Call, Op, Turned
from voip.signalling.envelope import mailbox_tag
from voip.signalling.frames import (
    MAX_PARCELS,
    PATH,
    Ack,
    BoardGet,
    Get,
    GetDone,
    Parcel,
    Put,
    Reply,
    Request,
    Status,
    Stored,
    Turn,
    TurnGrant,
    TurnStatus,
    format_request,
    parse_reply,
)
from voip.signalling.mailbox import Limits
from voip.signalling.relay import (
    MAX_OPEN_PER_PREFIX,
    MAX_PER_ADDRESS,
    RunningRelay,
    Service,
    check_service,
    serve_relay,
    serve_store,
)
from voip.signalling.room import Room
from voip.signalling.store_sqlite import open_sqlite
from voip.signalling.tls import TlsFiles
from voip.signalling.turn import TurnOffer
from voip.signalling.visitor import Visitor

FETCH = b"\x01" * 32
BLOB = b"\x05" * 4096
PUT = Put(mailbox_tag(FETCH), BLOB)


def url(running: RunningRelay) -> str:
    return f"ws://{running.address.netloc}{PATH}"


async def connect(
    running: RunningRelay,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(running.address.host, running.address.port)


async def hello(running: RunningRelay) -> bytes:
    """Ask for anything at all; give how the answer begins."""
    reader, writer = await connect(running)
    try:
        async with asyncio.timeout(5):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            return await reader.readexactly(4)
    finally:
        writer.close()


async def until_let_in(running: RunningRelay) -> bytes:
    """Ask until the relay has seen that others went."""
    async with asyncio.timeout(5):
        while True:
            with contextlib.suppress(ConnectionResetError, asyncio.IncompleteReadError):
                return await hello(running)


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


def looks(running: RunningRelay) -> int:
    """How often the store was asked for blobs."""
    return sum(running.counts.store_s[Call.COLLECT].buckets)


async def test_who_asks_again_at_once_costs_the_store_nothing(tmp_path: Path) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as socket,
    ):
        for _ in range(5):
            await ask(socket, Get((FETCH,), 0))
            await reply(socket)

        assert looks(running) == 1


async def test_who_asks_for_something_else_is_looked_for(tmp_path: Path) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as socket,
    ):
        replies = []
        for request in (PUT, Get((b"\x02" * 32,), 0), Get((FETCH,), 0)):
            await ask(socket, request)
            replies.append(await reply(socket))

    assert [type(each) for each in replies] == [Stored, GetDone, Parcel]


async def test_what_comes_between_two_gets_is_found_by_the_second(
    tmp_path: Path,
) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as socket,
    ):
        replies = []
        for request in (Get((FETCH,), 0), PUT, Get((FETCH,), 0)):
            await ask(socket, request)
            replies.append(await reply(socket))

    assert [type(each) for each in replies] == [GetDone, Stored, Parcel]


async def test_more_than_fits_one_answer_is_fetched_by_the_next(
    tmp_path: Path,
) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as socket,
    ):
        for _ in range(MAX_PARCELS + 1):
            await ask(socket, PUT)
            await reply(socket)
        given = []
        for _ in range(2):
            await ask(socket, Get((FETCH,), 0))
            while isinstance(await reply(socket), Parcel):
                given.append(1)

    assert len(given) == MAX_PARCELS + 1


async def test_who_left_is_told_of_nothing(tmp_path: Path) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as socket,
    ):
        await ask(socket, Get((FETCH,), 0))
        await reply(socket)

    assert running._room._waiting == {}


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


async def test_addresses_of_one_household_are_bounded_together(
    tmp_path: Path,
) -> None:
    """Or whoever has an IPv6 address, which is many, had no bound at all."""
    async with (
        serving(tmp_path, Service(is_proxied=True)) as running,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):

        async def connect(number: int) -> aiohttp.ClientWebSocketResponse:
            place = {"X-Forwarded-For": f"2001:db8:7:{number:x}::1"}
            return await session.ws_connect(url(running), headers=place)

        inside = [await connect(number) for number in range(MAX_PER_ADDRESS)]
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await connect(MAX_PER_ADDRESS)
        elsewhere = await connect(0x100)
        closed = [each.closed for each in (*inside, elsewhere)]

    assert not any(closed)


@pytest.mark.parametrize("said", [b"", b"GET / HT"], ids=["nothing", "half a line"])
async def test_a_connection_that_asks_for_nothing_is_closed(
    tmp_path: Path, said: bytes
) -> None:
    async with serving(tmp_path, Service(silence_s=0.05)) as running:
        reader, writer = await connect(running)
        writer.write(said)
        async with asyncio.timeout(5):
            left = await reader.read()
        writer.close()

    assert left == b""


async def test_connections_that_ask_for_nothing_are_bounded_too(
    tmp_path: Path,
) -> None:
    async with serve_relay(tmp_path / "spool", plain=True) as running:
        silent = [await connect(running) for _ in range(MAX_OPEN_PER_PREFIX)]
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await hello(running)
        silent[0][1].close()
        await silent[0][1].wait_closed()
        again = await until_let_in(running)
        for _, writer in silent:
            writer.close()

    assert (again, running.counts.turned_away[Turned.ADDRESS] > 0) == (b"HTTP", True)


async def test_a_stopping_relay_says_goodbye(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        async with serve_relay(tmp_path / "spool", plain=True) as running:
            socket = await session.ws_connect(url(running))
            await ask(socket, Get((FETCH,), 25))
            farewell = asyncio.ensure_future(socket.receive())
            await asyncio.sleep(0)
        message = await farewell

    assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)


@asynccontextmanager
async def serving(tmp_path: Path, service: Service) -> AsyncIterator[RunningRelay]:
    async with (
        open_sqlite(tmp_path / "spool", limits=Limits(), entropy=os.urandom) as store,
        serve_store(store, service) as running,
    ):
        yield running


async def test_a_draining_relay_lets_nobody_in(tmp_path: Path) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
    ):
        await running.drain(0.0)
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.ws_connect(url(running))


async def test_a_draining_relay_sends_clients_away_one_after_another(
    tmp_path: Path,
) -> None:
    loop = asyncio.get_running_loop()
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
    ):
        sockets = [await session.ws_connect(url(running)) for _ in range(4)]

        async def leave(socket: aiohttp.ClientWebSocketResponse) -> float:
            await socket.receive(timeout=5)
            return loop.time()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(running.drain(0.4))
            leaving = [tasks.create_task(leave(socket)) for socket in sockets]
        left = [task.result() for task in leaving]

    assert max(left) - min(left) >= 0.2


async def test_clients_and_requests_are_counted(tmp_path: Path) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as socket,
    ):
        await ask(socket, PUT)
        await reply(socket)
        counts = running.counts
        seen = (
            counts.connections,
            counts.frames[Op.PUT, Status.OK],
            sum(counts.store_s[Call.PUT].buckets),
        )

    assert seen == (1, 1, 1)


async def test_a_relay_checks_its_store(tmp_path: Path) -> None:
    async with serve_relay(tmp_path / "spool", plain=True) as running:
        await running.check()

    assert sum(running.counts.store_s[Call.CHECK].buckets) == 1


async def test_turn_is_not_offered_unless_the_operator_does(tmp_path: Path) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as socket,
    ):
        await ask(socket, Turn(300))
        answer = await reply(socket)

    assert answer == TurnGrant(TurnStatus.NOT_OFFERED)


OFFER = TurnOffer(("turn:turn.example",), b"0123456789abcdef")


async def grants(
    running: RunningRelay, *, connections: int, place: str = ""
) -> list[TurnStatus]:
    """Ask for TURN five times on each of some connections."""
    statuses = []
    async with aiohttp.ClientSession(headers={"X-Forwarded-For": place}) as session:
        for _ in range(connections):
            async with session.ws_connect(url(running)) as socket:
                for _ in range(5):
                    await ask(socket, Turn(300))
                    answer = await reply(socket)
                    assert isinstance(answer, TurnGrant)
                    statuses.append(answer.status)
    return statuses


async def test_a_connection_is_granted_turn_four_times_a_minute(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, Service(turn=OFFER)) as running:
        statuses = await grants(running, connections=1)

    assert statuses == [TurnStatus.OK] * 4 + [TurnStatus.SLOW_DOWN]


async def test_a_household_is_granted_turn_thirty_times_an_hour(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, Service(turn=OFFER)) as running:
        statuses = await grants(running, connections=10)

    assert statuses.count(TurnStatus.OK) == 30


async def test_behind_a_proxy_clients_are_told_apart_by_its_word(
    tmp_path: Path,
) -> None:
    """The last address is the proxy's; what comes before, the client made up."""
    async with serving(tmp_path, Service(turn=OFFER, is_proxied=True)) as running:
        one = await grants(running, connections=9, place="203.0.113.9, 192.0.2.1")
        lying = await grants(running, connections=1, place="203.0.113.7, 192.0.2.1")
        other = await grants(running, connections=1, place="192.0.2.2")

    assert [each.count(TurnStatus.OK) for each in (one, lying, other)] == [30, 0, 4]


async def test_of_two_headers_the_last_is_the_proxys(tmp_path: Path) -> None:
    """A proxy may add a line of its own below what the client wrote."""
    async with (
        serving(tmp_path, Service(is_proxied=True)) as running,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):

        async def connect(number: int) -> aiohttp.ClientWebSocketResponse:
            lie, truth = f"198.51.100.{number}", "203.0.113.9, 192.0.2.1"
            places = [("X-Forwarded-For", place) for place in (lie, truth)]
            return await session.ws_connect(url(running), headers=places)

        inside = [await connect(number) for number in range(MAX_PER_ADDRESS)]
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await connect(MAX_PER_ADDRESS)
        closed = [each.closed for each in inside]

    assert not any(closed)


async def test_a_proxy_is_not_believed_where_clients_come_directly() -> None:
    files = TlsFiles(certificate=Path("a.pem"), key=Path("b.pem"))

    with pytest.raises(RefusedError, match="behind a proxy: expected no tls"):
        check_service(Service(tls=files, is_proxied=True))


class GoneStore:
    """A store whose engine has gone."""

    def __getattr__(self, _: str) -> Callable[..., object]:
        async def call(*_: object, **__: object) -> None:
            raise UnreachableError("redis: no answer: ConnectionError")

        return call

    def listen(self, _: Callable[[bytes], None]) -> None:
        pass


GONE: Any = GoneStore()


async def test_a_store_that_does_not_answer_is_never_called_stored() -> None:
    async with (
        serve_store(GONE, Service()) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as socket,
    ):
        await ask(socket, PUT)
        answer = await reply(socket)
        errors = running.counts.store_errors[Call.PUT]

    assert (answer, errors) == (Stored(Status.SLOW_DOWN), 1)


@pytest.mark.parametrize(
    "request_",
    [Get((FETCH,), 0), Ack((bytes(16),)), BoardGet(bytes(32), 0)],
    ids=["get", "ack", "board"],
)
async def test_who_reads_or_deletes_meanwhile_is_asked_to_come_back(
    request_: Request,
) -> None:
    """The client asks again on its next connection, as nothing was answered."""
    async with (
        serve_store(GONE, Service()) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(url(running)) as socket,
    ):
        await ask(socket, request_)
        message = await socket.receive(timeout=5)

    assert (message.type, message.data) == (WSMsgType.CLOSE, 1013)


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
