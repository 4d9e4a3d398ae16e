"""A gateway's legs before somebody who answers calls with the program."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.side import Side, save
from tests.voip.people import at_home, introduce, person
from voip.conversation import Conversation
from voip.events import End
from voip.identity.card import parse_relay
from voip.signalling.legs import (
    LegKind,
    Legs,
    LegsAck,
    LegStage,
    ListedLeg,
    Mark,
    Shown,
)

PHONE = ListedLeg(
    1,
    LegKind.SIP,
    mark=Mark.TO_PBX,
    stage=LegStage.JOINED,
    host="pbx.example",
    suite="AES_CM_128_HMAC_SHA1_80",
    authenticated=True,
    name="Office",
)
GUEST = ListedLeg(2, LegKind.BROWSER, mark=Mark.BROWSER_GUEST, host="talk.example")
_MEDIA = ("--audio-in=tone", "--audio-out=null", "--loopback")


@asynccontextmanager
async def gateway_and_bob(
    tmp_path: Path, start: Start, relay_line: str, *options: str
) -> AsyncIterator[tuple[Conversation, Side]]:
    """Bob waits for calls; alice, a gateway, calls him and says whom she joins."""
    relay = parse_relay(relay_line)
    alice, bob = person("alice", relay), person("bob", relay)
    introduce(alice, bob)
    save(tmp_path / "bob", bob.vault)
    side = Side(start("bob", "answer", "--once", *options, *_MEDIA))
    try:
        process = side.process
        waits = process.stdout if "--json" in options else process.stderr
        assert waits is not None
        await asyncio.to_thread(waits.readline)
        async with at_home(alice) as endpoint:
            theirs = await endpoint.dial("bob", legs_follow=True)
            theirs.say(Legs(1, (PHONE,)))
            yield theirs, side
    finally:
        side.process.kill()
        side.process.communicate()


async def test_legs_are_shown_agreed_to_and_logged(
    tmp_path: Path, start: Start, relay_line: str
) -> None:
    bob_and_alice = gateway_and_bob(tmp_path, start, relay_line, "--auto", "--json")
    async with bob_and_alice as (theirs, bob):
        said = theirs.heard()
        rung = await asyncio.to_thread(bob.until, event="legs")
        bob.say("accept")
        accepted = await anext(said)
        active = await asyncio.to_thread(bob.until, event="state", state="active")
        theirs.say(Legs(2, (PHONE, GUEST)))
        asked = await asyncio.to_thread(bob.until, event="legs", asks=True)
        bob.say("legs refuse")
        refused = await anext(said)
        answered = await asyncio.to_thread(bob.until, event="legs-answered")
        bob.say("hangup")
        code = await asyncio.to_thread(bob.process.wait, 20)

    calls = start("bob", "calls")
    out, _ = calls.communicate(timeout=20)
    assert (rung["asks"], rung["mark"], rung["code"]) == (
        True,
        "encrypted to PBX only",
        3,
    )
    assert active["legs"] == rung["legs"]
    assert [leg["id"] for leg in asked["legs"]] == [1, 2]
    assert answered["accepted"] is False
    assert (accepted, refused) == (LegsAck(1, Shown.SHOWN), LegsAck(2, Shown.REFUSED))
    assert code == Code.DONE
    assert "from alice: ended" in out
    assert "encrypted to PBX only" in out


async def test_where_nobody_can_be_asked_a_gateway_is_refused(
    tmp_path: Path, start: Start, relay_line: str
) -> None:
    bob_and_alice = gateway_and_bob(tmp_path, start, relay_line, "--auto")
    async with bob_and_alice as (theirs, _):
        said = await anext(theirs.heard())
        theirs.hang_up()

        assert said == LegsAck(1, Shown.REFUSED)
        assert theirs.end is End.CANCELLED
