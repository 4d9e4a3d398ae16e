"""One socket: media told from STUN, and what is shown before it leaves."""

import asyncio

from aioice import stun

from tests.voip.media.connect.virtual import Address, Network, run
from voip.media.connect.agent import CallIce
from voip.media.connect.config import IceConfig
from voip.media.connect.sockets import CallSocket, open_socket

HERE, THERE = "192.0.2.1", ("192.0.2.2", 9)
Came = tuple[str, object]


class _Owner:
    """Writes down what its socket hands on."""

    def __init__(self) -> None:
        self.came: list[Came] = []

    def take(self, _: CallSocket, data: bytes, source: Address) -> None:
        self.came.append(("data", (data, source)))

    def answer_received(
        self, _: CallSocket, message: stun.Message, __: Address
    ) -> None:
        self.came.append(("answer", message.transaction_id))

    def request_received(self, message: stun.Message, *_: object) -> None:
        self.came.append(("request", message.transaction_id))

    def send_failed(self, _: CallSocket) -> None:
        self.came.append(("failed", None))


def _take(*datagrams: bytes, source: tuple[object, ...] = THERE) -> list[Came]:
    async def main() -> list[Came]:
        owner = _Owner()
        agent = CallIce(IceConfig(), controlling=True)
        socket = await open_socket(lambda: CallSocket(agent, owner, None), HERE)
        for datagram in datagrams:
            socket.datagram_received(datagram, source)
        await socket.close()
        await agent.close()
        return owner.came

    return run(Network(), main())


def _message(kind: stun.Class) -> stun.Message:
    return stun.Message(stun.Method.BINDING, kind, b"transaction0")


def test_what_does_not_begin_as_stun_is_media() -> None:
    assert _take(b"\x80 sound", b"\x04") == [
        ("data", (b"\x80 sound", THERE)),
        ("data", (b"\x04", THERE)),
    ]


def test_an_ipv6_source_is_told_by_address_and_port() -> None:
    assert _take(b"\x80", source=("2001:db8::2", 9, 0, 0)) == [
        ("data", (b"\x80", ("2001:db8::2", 9)))
    ]


def test_checks_and_answers_are_told_apart() -> None:
    kinds = (stun.Class.REQUEST, stun.Class.RESPONSE, stun.Class.ERROR)

    assert _take(*(bytes(_message(kind)) for kind in kinds)) == [
        ("request", b"transaction0"),
        ("answer", b"transaction0"),
        ("answer", b"transaction0"),
    ]


def test_what_is_neither_is_dropped() -> None:
    # PRIORITY of one byte, which aioice unpacks all the same.
    short = bytearray(bytes(_message(stun.Class.REQUEST)) + b"\0\x24\0\1\0\0\0\0")
    short[3] = 8
    indication = bytes(_message(stun.Class.INDICATION))

    assert _take(b"", b"\x00", indication, bytes(short)) == []


def test_each_datagram_is_shown_before_it_leaves() -> None:
    network = Network()
    shown: list[tuple[bytes, Address, int]] = []

    async def main() -> None:
        agent = CallIce(IceConfig(), controlling=True)
        socket = await open_socket(
            lambda: CallSocket(
                agent,
                _Owner(),
                lambda data, to: shown.append((data, to, len(network.carried))),
            ),
            HERE,
        )
        socket.send(b"\x80 sound", THERE)
        await socket.close()
        await agent.close()

    run(network, main())

    assert shown == [(b"\x80 sound", THERE, 0)]
    assert len(network.carried) == 1


def test_a_refusal_of_the_system_is_handed_on() -> None:
    async def main() -> list[Came]:
        owner = _Owner()
        agent = CallIce(IceConfig(), controlling=True)
        socket = await open_socket(lambda: CallSocket(agent, owner, None), HERE)
        socket.error_received(OSError("network is unreachable"))
        await asyncio.gather(socket.close(), agent.close())
        return owner.came

    assert run(Network(), main()) == [("failed", None)]
