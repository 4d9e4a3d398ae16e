"""Rooms through a real Janus: everybody hears and sees everybody else."""

import asyncio
import json
import sys
from typing import Any

import pytest

from tests.voip.gateway.janus_room import SKIPPED

APART_MS = 125
"""What sound may come later before somebody notices (ITU-R BT.1359-1)."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


async def room(number: int, seconds: float) -> dict[str, Any]:
    return await reported("janus_room", str(number), str(seconds))


async def scene(name: str) -> dict[str, Any]:
    return await reported("janus_scenes", name)


async def reported(module: str, *arguments: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"tests.voip.gateway.{module}", *arguments),
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


async def test_a_screen_is_seen_before_all_cameras_until_it_is_put_away() -> None:
    report = await scene("screens")

    assert report["one"] == ["alice's screen"]
    assert set(report["two"]) <= {"alice's screen", "bob's screen"}
    assert set(report["none"]) <= {"alice's camera", "bob's camera"}


async def test_who_knows_the_pin_and_is_no_member_is_removed() -> None:
    report = await scene("strangers")

    assert "a stranger was removed from the forwarding server" in report["alice"]
    assert report["in_the_room"] == [["bob"], ["alice"]]


async def test_sound_and_picture_of_one_member_are_played_together() -> None:
    report = await reported("janus_claps")

    assert abs(report["sound_ms"] - report["picture_ms"]) < APART_MS
