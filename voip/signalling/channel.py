"""One WebSocket to a relay: requests out, replies matched to them.

The frames carry no numbers: replies of one kind come in the order of the requests. So
an answer that does not come in time, or that nobody asked for, ends the connection,
since everything after it could be taken for something else.
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from socket import AF_INET, AF_INET6, SOCK_DGRAM
from socket import socket as open_socket
from typing import Any

import aiohttp

from voip.errors import MalformedError, RefusedError, UnreachableError
from voip.identity.card import RelayAddress
from voip.identity.keys import Entropy
from voip.signalling.frames import (
    FRAME_BYTES,
    MAX_PARCELS,
    PATH,
    Ack,
    BoardGet,
    BoardPut,
    BoardSlot,
    Get,
    GetDone,
    Parcel,
    Put,
    Request,
    Stored,
    Turn,
    TurnGrant,
    format_request,
    parse_reply,
)
from voip.signalling.tls import check_pin, client_context, is_plain

CONNECT_S = 10.0
HEARTBEAT_S = 20.0  # finds a relay, or a network, that went without a word
ROAMED_S = 0.1  # a call whose path is gone waits for word by another connection
CLOSE_S = 1.0
MAX_GETS = 2  # one that waits, and a newer one that ends its wait

Answer = Stored | BoardSlot | TurnGrant
News = Parcel | GetDone


class Channel:
    """A connection that is up.

    Attributes:
        has_roamed: it ended with the address of this machine that it was made from.
    """

    def __init__(
        self,
        address: RelayAddress,
        socket: aiohttp.ClientWebSocketResponse,
        entropy: Entropy,
    ) -> None:
        self._address = address
        self._socket = socket
        self._entropy = entropy
        self._sending = asyncio.Lock()
        self._stored: deque[asyncio.Future[Answer]] = deque()
        self._slots: deque[tuple[BoardGet, asyncio.Future[Answer]]] = deque()
        self._grants: deque[asyncio.Future[Answer]] = deque()
        self._gets = 0
        self._parcels = 0
        self._gave_up = asyncio.Event()
        self._is_lost = False
        self.has_roamed = False

    @property
    def gets(self) -> int:
        """How many GETs wait for their end."""
        return self._gets

    async def ask(self, request: Put | Ack | BoardPut | BoardGet | Turn) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            ConnectionError: the connection was lost before it came.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        async with self._sending:
            if self._is_lost:
                raise ConnectionResetError
            if isinstance(request, BoardGet):
                self._slots.append((request, answer))
            elif isinstance(request, Turn):
                self._grants.append(answer)
            else:
                self._stored.append(answer)
            await self._send(request)
        return await answer

    async def get(self, request: Get) -> None:
        """Ask for parcels; they come through `run`, and a `GetDone` after them.

        Raises:
            UnreachableError: the connection is closed.
        """
        assert self._gets < MAX_GETS  # our own caller counts
        self._gets += 1
        try:
            async with self._sending:
                await self._send(request)
        except ConnectionError as error:
            raise self._closed() from error

    def give_up(self) -> None:
        """End the connection: an answer is overdue."""
        self._gave_up.set()

    async def run(self, take: Callable[[News], None]) -> None:
        """Read replies until the connection ends, which it does with an error.

        Raises:
            UnreachableError: it was closed, by either side, or ended with the address
                of this machine that it was made from.
            MalformedError: the relay broke the format.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read(take))
            tasks.create_task(self._notice_roaming())
            await self._gave_up.wait()
            raise UnreachableError(
                f"relay {self._address.netloc}: an answer is overdue"
            )

    async def _notice_roaming(self) -> None:
        """End a connection whose own address left this machine.

        TCP itself says nothing for minutes: what it sends goes nowhere.
        """
        name = self._socket.get_extra_info("sockname")
        while name is None or _is_ours(name):  # noqa: ASYNC110 -- nothing tells us
            await asyncio.sleep(ROAMED_S)
        self.has_roamed = True
        raise UnreachableError(
            f"relay {self._address.netloc}: this machine has another address now"
        )

    def lose(self) -> None:
        """Fail everything that waits for an answer."""
        self._is_lost = True
        slots = (answer for _, answer in self._slots)
        for answer in [*self._stored, *slots, *self._grants]:
            if not answer.done():
                answer.set_exception(ConnectionResetError())
                answer.exception()  # seen: who asked may be gone, and that is all right

    async def _send(self, request: Request) -> None:
        await self._socket.send_bytes(format_request(request, self._entropy))

    async def _read(self, take: Callable[[News], None]) -> None:
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.BINARY:
                raise MalformedError("frame: expected binary, came text")
            asked = self._slots[0][0] if self._slots else None
            self._match(parse_reply(message.data, asked), take)
        raise self._closed()

    def _closed(self) -> UnreachableError:
        return UnreachableError(f"relay {self._address.netloc}: closed the connection")

    def _match(self, reply: Answer | News, take: Callable[[News], None]) -> None:
        match reply:
            case Stored():
                if not self._stored:
                    raise MalformedError("stored: nobody asked for it")
                _answer(self._stored.popleft(), reply)
            case BoardSlot():
                _answer(self._slots.popleft()[1], reply)
            case TurnGrant():
                if not self._grants:
                    raise MalformedError("turn: nobody asked for it")
                _answer(self._grants.popleft(), reply)
            case Parcel():
                self._parcels += 1
                if not self._gets or self._parcels > MAX_PARCELS:
                    raise MalformedError("parcel: nobody asked for it")
                take(reply)
            case GetDone():
                if not self._gets:
                    raise MalformedError("get done: nobody asked for it")
                self._gets, self._parcels = self._gets - 1, 0
                take(reply)


def _answer(waiting: asyncio.Future[Answer], answer: Answer) -> None:
    if not waiting.done():  # done: who asked was cancelled
        waiting.set_result(answer)


def _is_ours(name: tuple[Any, ...]) -> bool:
    """Tell whether this machine has the address of a socket's name (20 us)."""
    family = AF_INET if len(name) == 2 else AF_INET6
    with open_socket(family, SOCK_DGRAM) as probe:
        try:
            probe.bind((name[0], 0, *name[2:]))
        except OSError:
            return False
    return True


async def _refuse_redirect(*_: object) -> None:
    # A relay is not trusted to send us elsewhere, such as into the local network.
    raise RefusedError("relay: redirects, which no relay does")


class _Persistent(aiohttp.TCPConnector):
    """Asks for a connection once more after 250 ms; the first that comes about is it.

    A system repeats a lost SYN after 1 s (RFC 6298 §2.1), long for a call that waits
    for word by another network. aiohttp races the addresses of a host (RFC 8305); here
    each of them starts twice. The private name is held by test_channel.py.
    """

    async def _wrap_create_connection(
        self,
        *args: Any,
        addr_infos: list[Any],
        **named: Any,
    ) -> tuple[asyncio.Transport, Any]:
        return await super()._wrap_create_connection(
            *args, addr_infos=addr_infos * 2, **named
        )


@asynccontextmanager
async def open_channel(
    address: RelayAddress, entropy: Entropy
) -> AsyncIterator[Channel]:
    """Connect to a relay for the length of a block.

    Raises:
        UnreachableError: no connection within 10 s, or no relay at the other end.
        RefusedError: another key than the pinned one.
    """
    plain = is_plain(address)
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_refuse_redirect)
    async with aiohttp.ClientSession(
        connector=_Persistent(),
        skip_auto_headers=["User-Agent"],  # says which Python and aiohttp we run
        cookie_jar=aiohttp.DummyCookieJar(),  # a cookie would link our connections
        trace_configs=[trace],
    ) as session:
        try:
            async with asyncio.timeout(CONNECT_S):
                socket = await session.ws_connect(
                    f"{'ws' if plain else 'wss'}://{address.netloc}{PATH}",
                    ssl=True if plain else client_context(address),
                    heartbeat=HEARTBEAT_S,
                    max_msg_size=FRAME_BYTES + 1,  # aiohttp's bound is exclusive
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
                )
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise UnreachableError(
                f"relay {address.netloc}: {_reason(error)}"
            ) from error
        channel = Channel(address, socket, entropy)
        try:
            tls = socket.get_extra_info("ssl_object")
            check_pin(address, tls.getpeercert(binary_form=True) if tls else None)
            yield channel
        finally:
            channel.lose()
            await socket.close()


def _reason(error: Exception) -> str:
    match error:
        case TimeoutError():
            return f"no connection within {CONNECT_S:.0f} s"
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not valid for this address"
        case aiohttp.WSServerHandshakeError():
            return f"not a relay, or a full one: http status {error.status}"
        case OSError():
            # asyncio puts the address into the text; the number says what it was.
            known = os.strerror(error.errno) if error.errno else str(error)
            return known.lower()
        case _:
            return f"no connection: {type(error).__name__}"
