"""Orders about guests: each reaches the one who is meant, or nobody."""

import asyncio
from collections.abc import AsyncIterator

import click
import pytest

from cli.gateways.guestview import Order
from cli.gateways.seats import Seats
from tests.voip.gateway.guest_peer import PythonGuest
from tests.voip.gateway.serving import Served, serving
from voip.errors import MalformedError
from voip.gateway.bridge import Bridge
from voip.gateway.guests.messages import Present
from voip.gateway.joined import Joined
from voip.signalling.messages import HangupReason

pytestmark = pytest.mark.slow


class Hosted:
    """A host of guests, and what he was told."""

    def __init__(self, served: Served, seats: Seats) -> None:
        self.served, self.seats = served, seats

    async def came(self, count: int) -> None:
        """Wait until so many were at the door."""
        async with asyncio.timeout(15):
            while self.seats.came < count:  # noqa: ASYNC110 - nobody says when
                await asyncio.sleep(0.02)


@pytest.fixture
async def host() -> AsyncIterator[Hosted]:
    """Give a host on loopback who sees who comes, and does what the test says."""
    with click.Context(click.Command("browser")):
        async with (
            serving(accept=None, video=False) as served,
            Bridge() as bridge,
            asyncio.TaskGroup() as tasks,
        ):
            seats = Seats(served.gateway, bridge, Joined())
            tasks.create_task(seats.welcome())
            yield Hosted(served, seats)
            seats.leave()


def another(host: Hosted) -> PythonGuest:
    return PythonGuest(host.served.gateway.invite())


async def test_an_order_without_a_number_means_the_only_one(host: Hosted) -> None:
    async with PythonGuest(host.served.link) as guest:
        await guest.join()
        await host.came(1)
        host.seats.obey(Order("accept"))

        assert host.seats.names == ("Bob",)


async def test_who_knocks_meanwhile_is_not_let_in_instead(host: Hosted) -> None:
    async with PythonGuest(host.served.link) as bob, another(host) as eve:
        await bob.join()
        await eve.join()
        await host.came(2)

        with pytest.raises(MalformedError, match="the number of a guest: 1, 2"):
            host.seats.obey(Order("accept"))
        assert host.seats.names == ()


async def test_who_is_at_the_door_is_not_hung_up_on_instead_of_who_is_in(
    host: Hosted,
) -> None:
    async with PythonGuest(host.served.link) as bob, another(host) as eve:
        await bob.join()
        await host.came(1)
        host.seats.obey(Order("accept"))
        await eve.join()
        await host.came(2)
        host.seats.obey(Order("hangup"))
        await bob.over.wait()

        assert not eve.over.is_set()


async def test_a_number_names_who_is_meant(host: Hosted) -> None:
    async with PythonGuest(host.served.link) as bob, another(host) as eve:
        await bob.join()
        await host.came(1)
        await eve.join()
        await host.came(2)
        host.seats.obey(Order("decline", 2))
        await eve.over.wait()

        assert eve.ended is not None
        assert eve.ended.reason is HangupReason.DECLINED


@pytest.mark.parametrize(
    "order", [Order("accept", 3), Order("hangup"), Order("choose", choice=0)], ids=repr
)
async def test_an_order_about_nobody_is_refused(host: Hosted, order: Order) -> None:
    with pytest.raises(MalformedError, match="there is no such guest"):
        host.seats.obey(order)


async def test_a_guest_is_told_who_is_there_once_he_is_let_in(host: Hosted) -> None:
    async with PythonGuest(host.served.link) as guest:
        host.seats.present(["alice", "bob"])
        await guest.join()
        await host.came(1)
        early = [each for each in guest.messages if isinstance(each, Present)]
        host.seats.obey(Order("accept"))
        host.seats.present(["alice"])
        said = [Present(("alice", "bob")), Present(("alice",))]
        await host.served.until(
            lambda: [m for m in guest.messages if m in said] == said
        )

        assert early == []
