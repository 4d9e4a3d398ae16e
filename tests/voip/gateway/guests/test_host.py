"""Which servers guests are told of."""

from voip.errors import UnreachableError
from voip.gateway.guests.host import Host
from voip.gateway.guests.messages import MAX_SERVERS, Server
from voip.media.connect.config import IceConfig, IceServer

STUN = IceServer(url="stun:192.0.2.1")
TURN = IceServer(url="turn:192.0.2.1", username="bob", password="secret")


def host(*servers: IceServer) -> Host:
    return Host(
        origin="https://talk.example", alias="alice", ice=IceConfig(servers=servers)
    )


def test_guests_are_told_of_relays_alone() -> None:
    told = host(STUN, TURN).relays()

    assert told == (Server("turn:192.0.2.1", "bob", credential="secret"),)


def test_guests_are_told_of_relays_that_are_lent() -> None:
    assert len(host(TURN).relays([TURN])) == 2


def test_guests_are_not_told_of_more_relays_than_a_message_holds() -> None:
    assert len(host(TURN).relays([TURN] * 8)) == MAX_SERVERS


async def test_a_relay_that_lends_nothing_leaves_our_own() -> None:
    async def lend() -> tuple[IceServer, ...]:
        raise UnreachableError("no answer")

    why: list[str] = []
    ice = IceConfig(servers=(TURN,), lender=lend)
    given = Host(origin="https://talk.example", alias="alice", ice=ice).servers(
        why.append
    )

    assert await anext(given) == (Server("turn:192.0.2.1", "bob", credential="secret"),)
    assert why == ["no turn server was lent: no answer"]


async def test_without_a_lender_servers_are_told_once() -> None:
    given = host(TURN).servers(lambda _: None)

    assert len([each async for each in given]) == 1
