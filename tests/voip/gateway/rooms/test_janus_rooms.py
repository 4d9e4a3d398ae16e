"""Rooms through a real Janus: everybody hears and sees everybody else."""

import asyncio
import json
import sys
from typing import Any

import pytest

from tests.voip.gateway.janus_room import SKIPPED

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


async def room(number: int, seconds: float) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.voip.gateway.janus_room"),
        *(str(number), str(seconds)),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode == SKIPPED:
        pytest.skip(said.decode().strip())

    assert process.returncode == 0
    report: dict[str, Any] = json.loads(said)
    return report


async def test_three_people_hear_and_see_each_other_and_not_themselves() -> None:
    report = await room(3, 6)

    assert report["hears"] == [[1, 2], [0, 2], [0, 1]]
    assert all(seen and me not in seen for me, seen in enumerate(report["sees"]))
    assert report["unopened"] == [0, 0, 0]


async def test_in_a_room_of_seven_every_packet_arrives_and_opens() -> None:
    report = await room(7, 10)

    expected = 6 * sum(report["sent"])
    arrived = sum(report["opened"])
    # Sent and opened are counted one after the other, while packets are on their way.
    assert abs(arrived - expected) <= 0.01 * expected
    assert sum(report["unopened"]) == 0
    assert all(len(heard) == 6 for heard in report["hears"])
