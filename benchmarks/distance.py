"""From accepting a call to sound on both sides, over real distances, against aiortc.

Two hosts, and the relay on a third in the middle; packets take as long, and are lost as
often, as between real places. Ours is a whole call: ACCEPT and SELECT pass the relay.
Stock aiortc has its offer at the callee when he accepts, and sends its answer straight
to the caller, over a connection that is open already. TCP is the kernel's: where
packets are lost, what is left to gain is ACCEPT, whose 4 kB wait for BBR's pace or,
with reno, for a window that losses have made small.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.figure import Figure, figure, left_out, ratios
from benchmarks.running import Running, running, wrtc
from tests.lab.network import Host, missing, network
from tests.lab.people import Person, Wishes, both_hear, couple, serving
from tests.voip.media.connect.relays import running_turn
from tests.voip.media.link import Conditions

TURNS = 12
TURNS_WITH_LOSS = 30
"""Times differ by round trips from one call to the next, by what was lost."""

RINGS_S = 0.3
LIMIT_S = 30.0

Contender = Callable[[], Awaitable[float]]
"""Makes a call; gives the seconds from its acceptance until both sides hear."""

PLACES: tuple[tuple[str, Conditions, float], ...] = (
    ("next door", Conditions(delay_s=0.0), 0.8),
    ("RTT 100 ms", Conditions(delay_s=0.05), 0.65),
    ("RTT 300 ms", Conditions(delay_s=0.15), 0.65),
    ("RTT 100 ms, 5 % lost", Conditions(delay_s=0.05, loss=0.05), 0.5),
    ("RTT 300 ms, 5 % lost", Conditions(delay_s=0.15, loss=0.05), 0.5),
)
"""Where the callee is, and what of aiortc's time we may take."""


def figures() -> list[Figure]:
    """Set up calls in turns, at each distance."""
    lack = missing()
    if lack is not None:
        return left_out("distance", lack)
    if wrtc() is None:
        left_out("wrtc", "not installed; WRTC_PYTHON names an interpreter that has it")
    return asyncio.run(_figures())


async def _figures() -> list[Figure]:
    found = []
    for name, conditions, bar in PLACES:
        found += await _at(name, conditions, bar)
    return found + await _relayed(Conditions(delay_s=0.05))


async def _at(name: str, conditions: Conditions, bar: float) -> list[Figure]:
    """Let everybody connect over one distance."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        net = await stack.enter_async_context(network())
        hosts = net.host("alice"), net.host("bob", conditions)
        server = net.host("server")
        relay = await stack.enter_async_context(
            serving(folder, server, server.addresses[0])
        )
        people = await stack.enter_async_context(couple(relay, hosts))
        contenders: list[Contender] = [lambda: _ours(*people)]
        engines: list[Sequence[str]] = [
            (sys.executable, "benchmarks/stock.py", "aiortc")
        ]
        beside = wrtc()
        if beside is not None:
            engines.append(beside)
        for port, engine in enumerate(engines, 5000):
            sides = await _stock_sides(stack, hosts, engine, port)
            contenders.append(lambda sides=sides: _stock(*sides))  # type: ignore[misc] # bound now
        turns = TURNS_WITH_LOSS if conditions.loss else TURNS
        ours, stock, *others = await _turns(contenders, turns)
    found = [
        figure(
            f"accept to sound on both sides, {name} / aiortc",
            ratios(ours, stock),
            bar=bar,
            note=f"{_milliseconds(ours)} against {_milliseconds(stock)}",
        )
    ]
    return found + [
        figure("the same / wrtc", ratios(ours, each), note=_milliseconds(each))
        for each in others
    ]


async def _relayed(conditions: Conditions) -> list[Figure]:
    """Connect by a TURN server only, and directly."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        net = await stack.enter_async_context(network())
        hosts = net.host("alice"), net.host("bob", conditions)
        server = net.host("server")
        at = server.addresses[0]
        relay = await stack.enter_async_context(serving(folder, server, at))
        turn = await stack.enter_async_context(
            running_turn(folder, at, on=server.command())
        )
        wishes = Wishes(), Wishes(servers=(turn.udp(),), relay_only=True)
        couples = [
            await stack.enter_async_context(couple(relay, hosts, each))
            for each in wishes
        ]
        direct, relayed = await _turns(
            [lambda people=people: _ours(*people) for people in couples]  # type: ignore[misc] # bound now
        )
    return [
        figure(
            "accept to sound by TURN only, RTT 100 ms / directly",
            ratios(relayed, direct),
            bar=1.3,
            note=f"{_milliseconds(relayed)} against {_milliseconds(direct)}",
        )
    ]


async def _turns(
    contenders: Sequence[Contender], turns: int = TURNS
) -> list[list[float]]:
    for each in contenders:
        await each()  # first uses import and open what later ones find there
    rounds = [[await each() for each in contenders] for _ in range(turns)]
    return [list(times) for times in zip(*rounds, strict=True)]


async def _ours(alice: Person, bob: Person) -> float:
    began = time.monotonic()
    await alice.do("dial", name="bob")
    await bob.until("rings", after=began)
    await alice.until("state", state="alerted", after=began)
    await asyncio.sleep(RINGS_S)
    await bob.do("accept")
    accepted = await bob.until("state", state="accepted", after=began)
    heard = await both_hear(alice, bob, after=accepted["at"], within_s=LIMIT_S)
    await alice.do("hang_up")
    for each in (alice, bob):
        await each.until("ended", after=began)
    return heard - float(accepted["at"])


async def _stock_sides(
    stack: AsyncExitStack, hosts: tuple[Host, Host], engine: Sequence[str], port: int
) -> tuple[Running, Running]:
    address = hosts[1].addresses[0]
    alice, bob = [
        await stack.enter_async_context(
            running(host, (*engine, name, address, str(port)))
        )
        for name, host in zip(("alice", "bob"), hosts, strict=True)
    ]
    for each in (alice, bob):
        await each.until("listening")
    return alice, bob


async def _stock(alice: Running, bob: Running) -> float:
    for each in (alice, bob):
        each.write("")
    await bob.until("rings")
    await asyncio.sleep(RINGS_S)
    bob.write("")
    accepted = await bob.until("accepts")
    async with asyncio.timeout(LIMIT_S):
        heard = [await each.until("hears") for each in (alice, bob)]
    for each in (alice, bob):
        each.write("")
        await each.until("ended")
    return max(float(each["at"]) for each in heard) - float(accepted["at"])


def _milliseconds(times: Sequence[float]) -> str:
    return f"{statistics.median(times) * 1e3:.0f} ms"
