"""Paths come and go under a call, on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aioice import Candidate

from voip.description import Description
from voip.errors import UnexpectedEventError, UnreachableError
from voip.media.connect.config import IceConfig
from voip.media.connect.path import Path
from voip.media.events import CandidateFound, MediaEvent, PathUp
from voip.media.ways import Ways

Paths = list[Path]


class Side:
    def __init__(self, *, controlling: bool) -> None:
        self.events: list[MediaEvent] = []
        self.moved: Paths = []
        self.changes = 0
        self.ways = Ways(
            IceConfig(loopback=True),
            controlling=controlling,
            trace=None,
            emit=self.events.append,
            changed=self._changed,
        )

    def _changed(self) -> None:
        self.changes += 1


@pytest.fixture
async def sides() -> AsyncIterator[tuple[Side, Side]]:
    both = Side(controlling=True), Side(controlling=False)
    yield both
    for side in both:
        await side.ways.close()


async def _together(
    sides: tuple[Side, Side],
    gather: Callable[[Ways], "asyncio.Future[Description]"],
    connect: Callable[[Side, Description], "asyncio.Future[None]"],
) -> None:
    mine, theirs = await asyncio.gather(*(gather(side.ways) for side in sides))
    await asyncio.gather(connect(sides[0], theirs), connect(sides[1], mine))


async def _connect(sides: tuple[Side, Side]) -> None:
    await _together(
        sides,
        lambda ways: asyncio.ensure_future(ways.gather()),
        lambda side, remote: asyncio.ensure_future(
            side.ways.connect(remote, complete=True)
        ),
    )


async def _restart(sides: tuple[Side, Side]) -> None:
    await _together(
        sides,
        lambda ways: asyncio.ensure_future(ways.restart()),
        lambda side, remote: asyncio.ensure_future(
            side.ways.reconnect(remote, side.moved.append)
        ),
    )


async def test_a_call_moves_to_a_second_path(sides: tuple[Side, Side]) -> None:
    await _connect(sides)
    first = sides[0].ways.current
    await _restart(sides)

    assert sides[0].moved == [sides[0].ways.current]
    assert sides[0].ways.current is not first
    assert sides[0].events == [PathUp("direct"), PathUp("direct")]
    assert sides[0].changes == 2


async def test_a_newer_search_discards_an_older_one(sides: tuple[Side, Side]) -> None:
    await _connect(sides)
    here, there = sides
    await here.ways.restart()
    older = asyncio.ensure_future(
        here.ways.reconnect(await there.ways.restart(), here.moved.append)
    )
    await asyncio.sleep(0)
    await here.ways.restart()

    with pytest.raises(UnreachableError):
        await older
    assert here.moved == []


async def test_a_search_needs_addresses_of_its_own(sides: tuple[Side, Side]) -> None:
    with pytest.raises(UnexpectedEventError, match="without restart"):
        await sides[0].ways.reconnect(Description("abcd", "p" * 22), lambda _: None)


async def test_after_the_end_nothing_is_searched(sides: tuple[Side, Side]) -> None:
    await sides[0].ways.close()

    with pytest.raises(UnreachableError, match="closed"):
        await sides[0].ways.restart()


async def test_addresses_found_late_are_told_for_the_newest_path_only(
    sides: tuple[Side, Side],
) -> None:
    await _connect(sides)
    here = sides[0]
    old, told = here.ways.current, len(here.events)
    await here.ways.restart()
    for path, port in ((old, 1000), (here.ways._next, 2000)):
        assert path is not None
        report = path._agent._on_candidate
        assert report is not None
        report(Candidate.from_sdp(f"1 1 udp 1 192.0.2.7 {port} typ host"))

    assert here.events[told:] == [CandidateFound("1 1 udp 1 192.0.2.7 2000 typ host")]


async def test_without_trickling_no_address_is_told_late() -> None:
    ways = Ways(
        IceConfig(loopback=True),
        controlling=True,
        trace=None,
        emit=lambda _: None,
        changed=lambda: None,
        trickle=False,
    )
    late = ways.current._agent._on_candidate
    await ways.close()

    assert late is None


async def test_a_server_that_is_of_no_use_is_told_once(
    sides: tuple[Side, Side],
) -> None:
    ways = sides[0].ways
    ways.current._agent.gathering.problems.append(UnreachableError("no answer"))
    told = [ways.new_problems() for _ in range(2)]

    assert told == [("no answer",), ()]
