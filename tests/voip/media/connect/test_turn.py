"""Allocations at a real relay: ways to it, what vouches for it, what goes wrong."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path as Folder
from typing import Any, cast

import pytest
from aioice import stun

from tests.voip.media.connect.relays import (
    Turn,
    running_turn,
    until,
    write_certificates,
)
from voip.description import Description
from voip.errors import CallError, MissingError, RefusedError, UnreachableError
from voip.leak import _watching
from voip.media.connect import turn
from voip.media.connect.candidates import parse_candidate
from voip.media.connect.config import IceConfig, IceServer
from voip.media.connect.path import Path
from voip.media.connect.turn import failure

SOUND = b"\x80 sound"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def coturn(
    anyio_backend: str,  # noqa: ARG001 -- runs beside it
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Turn]:
    async with running_turn(tmp_path_factory.mktemp("coturn")) as server:
        yield server


@asynccontextmanager
async def _relayed(*servers: IceServer) -> AsyncIterator[tuple[Path, Description]]:
    path = Path(
        IceConfig(servers=servers, relay_only=True, loopback=True), controlling=True
    )
    try:
        yield path, await path.gather()
    finally:
        await path.close()


async def _talk(server: IceServer) -> tuple[list[bytes], list[bytes], list[str]]:
    """Connect through a relay and say something both ways."""
    async with _relayed(server) as (ours, mine):
        theirs = Path(IceConfig(loopback=True), controlling=False)
        try:
            yours = await theirs.gather()
            async with asyncio.timeout(5):
                await asyncio.gather(ours.connect(yours), theirs.connect(mine))
            heard = await asyncio.gather(_hear(ours, theirs), _hear(theirs, ours))
            return heard[0], heard[1], [ours.kind, theirs.kind]
        finally:
            await theirs.close()


async def _hear(path: Path, other: Path) -> list[bytes]:
    heard: list[bytes] = []
    arrived = asyncio.Event()

    def take(datagram: bytes) -> None:
        heard.append(datagram)
        arrived.set()

    path.receive = take
    other.send(SOUND)
    async with asyncio.timeout(5):
        await arrived.wait()
    return heard


@pytest.mark.parametrize("way", ["udp", "tcp", "tls with our CA", "tls with a pin"])
async def test_a_call_goes_through_a_relay(coturn: Turn, way: str) -> None:
    server = {
        "udp": coturn.udp(),
        "tcp": coturn.tcp(),
        "tls with our CA": coturn.tls(ca_file=coturn.ca_file),
        "tls with a pin": coturn.tls(pin=coturn.pin),
    }[way]

    assert await _talk(server) == ([SOUND], [SOUND], ["relay", "relay"])


async def _why_not(server: IceServer) -> CallError:
    with pytest.raises(CallError) as caught:
        async with _relayed(server):
            pass  # pragma: no cover
    return caught.value


async def test_another_authority_s_certificate_is_refused(
    coturn: Turn, tmp_path: Folder
) -> None:
    other, _ = write_certificates(tmp_path)
    error = await _why_not(coturn.tls(ca_file=other))

    assert isinstance(error, RefusedError)
    assert "its certificate does not hold: unable to get local issuer" in str(error)


async def test_a_private_certificate_is_refused_without_its_authority(
    coturn: Turn,
) -> None:
    error = await _why_not(coturn.tls())

    assert "its certificate does not hold" in str(error)


async def test_a_certificate_for_another_name_is_refused(coturn: Turn) -> None:
    server = coturn.tls(ca_file=coturn.ca_file)
    error = await _why_not(
        replace(server, url=server.url.replace("127.0.0.1", "localhost"))
    )

    assert "its certificate does not hold: hostname mismatch" in str(error).lower()


async def test_another_key_than_the_pinned_one_is_refused(coturn: Turn) -> None:
    error = await _why_not(coturn.tls(pin=bytes(32)))

    assert isinstance(error, RefusedError)
    assert f"its key has SHA-256 {coturn.pin.hex()}, which is not" in str(error)


async def test_a_pin_does_not_replace_an_authority_that_is_wanted_as_well(
    coturn: Turn, tmp_path: Folder
) -> None:
    other, _ = write_certificates(tmp_path)
    error = await _why_not(coturn.tls(ca_file=other, pin=coturn.pin))

    assert "its certificate does not hold" in str(error)


@pytest.mark.parametrize("there", [True, False], ids=["no PEM", "no file"])
async def test_a_ca_file_that_cannot_be_read_is_missing(
    coturn: Turn,
    tmp_path: Folder,
    there: bool,  # noqa: FBT001 -- a row of the table
) -> None:
    ca_file = tmp_path / "ca.pem"
    if there:
        ca_file.write_text("nothing")
    error = await _why_not(coturn.tls(ca_file=str(ca_file)))

    assert isinstance(error, MissingError)
    assert "cannot read CA file" in str(error)


async def test_a_wrong_password_is_refused(coturn: Turn) -> None:
    error = await _why_not(coturn.udp(password="wrong"))

    assert isinstance(error, RefusedError)
    assert "it refuses the user or password" in str(error)


async def test_nothing_of_ours_shows_but_the_relay(coturn: Turn) -> None:
    async with _relayed(coturn.udp()) as (_, offered):
        (candidate,) = offered.candidates

        assert "typ relay raddr 0.0.0.0 rport 9" in candidate


async def test_relay_only_sends_to_the_relay_and_nowhere_else(coturn: Turn) -> None:
    sent_to: set[tuple[str, int]] = set()
    ours = Path(
        IceConfig(
            servers=(coturn.udp(), IceServer(url="stun:127.0.0.1:9")),
            relay_only=True,
            loopback=True,
        ),
        controlling=True,
        trace=lambda _, to: sent_to.add(to),
    )
    theirs = Path(IceConfig(loopback=True), controlling=False)
    mine, yours = await ours.gather(), await theirs.gather()
    seen_from: set[int] = set()
    (port,) = theirs._agent._protocols
    receive = port.datagram_received

    def watched(data: bytes | str, addr: Any) -> None:
        seen_from.add(addr[1])
        receive(data, addr)

    port.datagram_received = watched  # type: ignore[method-assign]
    with _watching() as interpreter:
        async with asyncio.timeout(5):
            await asyncio.gather(ours.connect(yours), theirs.connect(mine))
        await _hear(theirs, ours)
    await asyncio.gather(ours.close(), theirs.close())

    relayed = int(mine.candidates[0].split()[5])
    assert sent_to == {("127.0.0.1", coturn.port)}
    assert seen_from == {relayed}
    # Whatever any library sent: what the callee sends goes to the relay.
    assert {each.to for each in interpreter.reached} == {("127.0.0.1", relayed)}


async def test_a_dead_server_delays_nothing(coturn: Turn) -> None:
    loop = asyncio.get_running_loop()
    took_s = []
    dead = IceServer(url="turn:127.0.0.1:9", username="u", password="p")
    for servers in ((coturn.udp(),), (dead, coturn.udp())) * 3:
        began = loop.time()
        async with _relayed(*servers):
            took_s.append(loop.time() - began)

    assert min(took_s[1::2]) < 1.2 * max(took_s[0::2]) + 0.05


async def test_every_relay_offers_an_address(coturn: Turn) -> None:
    found: list[str] = []
    path = Path(
        IceConfig(
            servers=(coturn.udp(), coturn.tls(pin=coturn.pin)),
            relay_only=True,
            loopback=True,
        ),
        controlling=True,
        on_candidate=found.append,
    )
    offered = await path.gather()
    await until(lambda: len(offered.candidates) + len(found) == 2)
    await path.close()

    kinds = [candidate.split()[7] for candidate in (*offered.candidates, *found)]
    assert kinds == ["relay", "relay"]


async def test_a_relay_that_comes_late_is_used_all_the_same(coturn: Turn) -> None:
    server = coturn.udp()
    ours = Path(
        IceConfig(
            servers=(IceServer(url=f"stun:127.0.0.1:{coturn.port}"), server),
            loopback=True,
        ),
        controlling=True,
    )
    agent = ours._agent
    await agent.gather_candidates()
    await until(lambda: agent.gathering.is_done)
    kinds = sorted(candidate.type for candidate in agent.local_candidates)
    await ours.close()

    assert kinds == ["host", "relay"]  # no NAT here, so that STUN adds nothing


async def test_a_relay_that_is_stopped_counts_as_a_failure(tmp_path: Folder) -> None:
    async with (
        running_turn(tmp_path) as server,
        _relayed(server.tcp()) as (ours, mine),
    ):
        theirs = Path(IceConfig(loopback=True), controlling=False)
        yours = await theirs.gather()
        async with asyncio.timeout(5):
            await asyncio.gather(ours.connect(yours), theirs.connect(mine))
        (port,) = ours._agent._protocols
        cast("turn.Allocation", port.transport)._client.transport.close()
        await until(lambda: ours.has_failed)
        ours.send(SOUND)  # goes nowhere, and raises nothing
        failed = ours.has_failed
        await theirs.close()

    assert failed


async def test_packets_before_the_channel_are_held_and_then_sent(coturn: Turn) -> None:
    async with _relayed(coturn.udp()) as (ours, _):
        (port,) = ours._agent._protocols
        heard: list[bytes] = []
        loop = asyncio.get_running_loop()
        transport, _protocol = await loop.create_datagram_endpoint(
            lambda: _Ear(heard), local_addr=("127.0.0.1", 0)
        )
        to = transport.get_extra_info("sockname")
        for number in range(turn.MAX_HELD + 2):
            port.transport.sendto(bytes([number]), to)
        allocation = cast("turn.Allocation", port.transport)
        await allocation.bound(to)
        port.transport.sendto(b"after", to)
        await until(lambda: b"after" in heard)
        transport.close()

    held = [bytes([number]) for number in range(2, turn.MAX_HELD + 2)]
    assert heard == [*held, b"after"]


async def test_the_first_packet_does_not_wait_for_its_channel(coturn: Turn) -> None:
    left: list[bytes] = []
    ours = Path(
        IceConfig(servers=(coturn.udp(),), relay_only=True, loopback=True),
        controlling=True,
        trace=lambda datagram, _: left.append(datagram),
    )
    await ours.gather()
    (port,) = ours._agent._protocols
    own = port.transport.get_extra_info("sockname")
    await cast("turn.Allocation", port.transport).bound(own)
    left.clear()
    port.transport.sendto(SOUND, ("127.0.0.1", 9))
    for _ in range(3):
        await asyncio.sleep(0)  # a few turns of the loop; no answer came yet
    request, data = left[:2]
    await ours.close()

    assert stun.parse_message(request).message_method == stun.Method.CHANNEL_BIND
    assert data == b"\x40\x01\x00\x07" + SOUND


async def test_relays_of_one_server_are_open_to_each_other_at_once(
    coturn: Turn,
) -> None:
    async with (
        _relayed(coturn.udp()) as (ours, mine),
        _relayed(coturn.udp()) as (theirs, _),
    ):
        heard: list[bytes] = []
        ours.receive = heard.append
        to = parse_candidate(mine.candidates[0])
        (port,) = theirs._agent._protocols
        async with asyncio.timeout(5):
            while not heard:  # ours may still be asking its relay to open
                port.transport.sendto(SOUND, (to.host, to.port))
                await asyncio.sleep(0.05)

    assert set(heard) == {SOUND}


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, heard: list[bytes]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, _: object) -> None:
        self._heard.append(data)


async def test_a_channel_is_refreshed_while_packets_go_on(coturn: Turn) -> None:
    async with _relayed(coturn.udp()) as (ours, _):
        (port,) = ours._agent._protocols
        allocation = cast("turn.Allocation", port.transport)
        client = allocation._client
        await allocation.bound(("127.0.0.1", 9))
        number = client.peer_to_channel["127.0.0.1", 9]
        client.channel_refresh_at[number] = 0.0
        allocation.sendto(SOUND, ("127.0.0.1", 9))
        allocation.sendto(SOUND, ("127.0.0.1", 9))
        refreshing = len(client._binding)
        await allocation.bound(("127.0.0.1", 9))

        assert refreshing == 1
        assert client.channel_refresh_at[number] > 0


async def test_a_peer_that_the_relay_refuses_gets_nothing(coturn: Turn) -> None:
    async with _relayed(coturn.udp()) as (ours, _):
        (port,) = ours._agent._protocols
        allocation = cast("turn.Allocation", port.transport)
        allocation.sendto(SOUND, ("0.0.0.1", 9))
        await allocation.bound(("0.0.0.1", 9))

        assert ("0.0.0.1", 9) not in allocation._client.peer_to_channel


async def test_what_a_server_sends_that_is_no_stun_is_dropped(coturn: Turn) -> None:
    async with _relayed(coturn.udp()) as (ours, _):
        (port,) = ours._agent._protocols
        client = cast("turn.Allocation", port.transport)._client
        lifetime = struct.pack("!HH", 0x000D, 2) + bytes(4)  # two bytes instead of four
        header = struct.pack("!HHI12s", 0x0104, len(lifetime), 0x2112A442, bytes(12))
        for datagram in (
            header + lifetime,
            b"\x40",
            b"\x40\x00\x00\xff",
            b"",
            b"x" * 40,
        ):
            client.datagram_received(datagram, client.server)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (stun.TransactionTimeout(), UnreachableError, "does not answer"),
        (TimeoutError(), UnreachableError, "does not answer"),
        (OSError(111, "Connection refused"), UnreachableError, "connection refused"),
        (OSError("all failed"), UnreachableError, "all failed"),
        (ValueError("odd"), UnreachableError, "odd"),
    ],
    ids=["silent", "slow", "refused", "several", "other"],
)
def test_what_went_wrong_is_said(
    error: Exception, kind: type[CallError], said: str
) -> None:
    told = failure("turn:t.example", error)

    assert isinstance(told, kind)
    assert str(told) == f"ice server turn:t.example: {said}" or said in str(told)


@pytest.mark.parametrize(
    ("code", "kind"),
    [(401, RefusedError), (441, RefusedError), (486, UnreachableError)],
)
def test_an_error_of_the_server_is_said(code: int, kind: type[CallError]) -> None:
    answer = stun.Message(stun.Method.ALLOCATE, stun.Class.ERROR)
    answer.attributes["ERROR-CODE"] = (code, "")

    assert isinstance(failure("turn:t.example", stun.TransactionFailed(answer)), kind)


class _Liar(asyncio.DatagramProtocol):
    """A relay that lends an address of its choice, to whoever asks."""

    def __init__(self, relayed: tuple[str, int], lifetimes: list[int]) -> None:
        self.asked = 0
        self._relayed, self._lifetimes = relayed, lifetimes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked += 1
        request = stun.parse_message(data)
        answer = stun.Message(
            request.message_method, stun.Class.RESPONSE, request.transaction_id
        )
        answer.attributes["XOR-RELAYED-ADDRESS"] = self._relayed
        answer.attributes["XOR-MAPPED-ADDRESS"] = addr
        # One that ends at once would have us ask for the next without a pause.
        lifetime = self._lifetimes[min(self.asked, len(self._lifetimes)) - 1]
        answer.attributes["LIFETIME"] = lifetime
        self._transport.sendto(bytes(answer), addr)


@asynccontextmanager
async def _lying(
    relayed: tuple[str, int], *lifetimes: int
) -> AsyncIterator[tuple[_Liar, IceServer]]:
    transport, liar = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Liar(relayed, list(lifetimes)), local_addr=("127.0.0.1", 0)
    )
    port = transport.get_extra_info("sockname")[1]
    try:
        url = f"turn:127.0.0.1:{port}"
        yield liar, IceServer(url=url, username="u", password="p")
    finally:
        transport.close()


@pytest.mark.parametrize(
    "relayed",
    [("127.0.0.1", 0), ("0.0.0.0", 9), ("::ffff:127.0.0.1", 9)],
    ids=["no port", "nowhere", "in disguise"],
)
async def test_an_address_that_no_peer_could_use_is_not_offered(
    relayed: tuple[str, int],
) -> None:
    async with _lying(relayed, 600) as (_, server):
        error = await _why_not(server)

    assert isinstance(error, UnreachableError)
    assert f"ice server {server.url}: candidate" in str(error)


async def test_a_relay_that_lends_for_a_moment_is_not_used() -> None:
    async with _lying(("127.0.0.1", 9), 0) as (liar, server):
        error = await _why_not(server)
        asked = liar.asked

    assert "lends an address for 0 s only" in str(error)
    assert asked == 1
