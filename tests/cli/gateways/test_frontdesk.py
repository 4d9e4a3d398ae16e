"""Alice's gateway serves; bob calls it with the program, and types `dial office`."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.gateways.test_sip import MEDIA, account
from tests.cli.side import Side, save
from tests.voip.gateway.phones import (
    Phone,
    make_authority,
    need_baresip,
    need_stack,
    running_phone,
)
from tests.voip.people import introduce, person
from voip.identity.card import parse_relay
from voip.identity.contact import Grant
from voip.identity.person import change_contact

CALL = ("call", "reception", "--loopback", *MEDIA)


def people(folder: Path, relay_line: str, grant: Grant) -> None:
    """Make a gateway with an identity of its own, and bob, who may ask it."""
    relay = parse_relay(relay_line)
    gateway, bob = person("reception", relay), person("bob", relay)
    introduce(gateway, bob)
    gateway.vault = change_contact(
        gateway.vault, "bob", lambda found: replace(found, grant=grant)
    )
    save(folder / "gateway", gateway.vault)
    save(folder / "bob", bob.vault)


def serve(folder: Path, start: Start, phone: Phone, *options: str) -> Side:
    said = account(folder, phone, f"allow {phone.uri()}")
    return Side(
        start("gateway", "gateway", "sip", "--serve", *said, "--json", *options)
    )


@pytest.mark.slow
async def test_a_contact_dials_by_the_gateway_and_is_told_how_weak_it_is(
    tmp_path: Path, start: Start, relay_line: str
) -> None:
    need_baresip()
    people(tmp_path, relay_line, Grant.SIP)
    authority = make_authority(tmp_path / "authority")
    async with running_phone(tmp_path / "phone", authority) as phone:
        here = serve(tmp_path, start, phone, "--loopback")
        await asyncio.to_thread(here.until, event="serving")
        first = Side(start("bob", *CALL))
        await asyncio.to_thread(first.until, event="state", state="active")
        first.say("dial office")
        new = await asyncio.to_thread(first.until, event="leg-ended")
        first.say("hangup")
        await asyncio.to_thread(first.end)

        bob = Side(start("bob", *CALL))
        await asyncio.to_thread(bob.until, event="state", state="active")
        bob.say("dial 0190666")
        denied = await asyncio.to_thread(bob.until, event="leg-ended")
        bob.say("dial office")
        asked = await asyncio.to_thread(bob.until, event="leg-asked", target="office")
        await asyncio.to_thread(here.until, event="secured")
        bob.say("tone 7")
        await phone.saw("received event: '7'")
        bob.say("legs end 1")
        ended = await asyncio.to_thread(bob.until, event="leg-ended", id=1)
        bob.say("hangup")
        code = await asyncio.to_thread(bob.end)
        here.process.terminate()
        gone = await asyncio.to_thread(here.end)

    refused = [each for each in here.seen if each["event"] == "ask-refused"]
    joined = [each for each in bob.seen if each["event"] == "legs" and each.get("legs")]
    assert new["sentence"] == "your device is new here: hang up, and call again"
    assert denied["sentence"] == "this number may not be called by this gateway"
    assert [each["target"] for each in refused] == ["office", "0190666"]
    assert asked["kind"] == "sip"
    assert {each["mark"] for each in joined} == {"encrypted to PBX only"}
    assert joined[-1]["legs"][0]["name"] == "office"
    assert ended["reason"] == "normal"
    assert (code, gone) == (Code.DONE, Code.DONE)


@pytest.mark.slow
async def test_a_gateway_that_is_to_stop_waits_for_who_is_there(
    tmp_path: Path, start: Start, relay_line: str
) -> None:
    need_stack()
    people(tmp_path, relay_line, Grant.SIP)
    make_authority(tmp_path / "authority")
    phone = Phone(port=9, folder=tmp_path / "none", control=9)
    here = serve(tmp_path, start, phone, "--loopback")
    await asyncio.to_thread(here.until, event="serving")
    bob = Side(start("bob", *CALL))
    await asyncio.to_thread(bob.until, event="state", state="active")
    here.process.terminate()
    bob.say("dial office")
    refused = await asyncio.to_thread(bob.until, event="leg-ended")
    bob.say("hangup")
    await asyncio.to_thread(bob.end)
    code = await asyncio.to_thread(here.end)

    assert (refused["sentence"], code) == ("this gateway is about to stop", Code.DONE)


@pytest.mark.slow
async def test_who_was_granted_nothing_is_declined_and_the_gateway_says_why(
    tmp_path: Path, start: Start, relay_line: str
) -> None:
    need_stack()
    people(tmp_path, relay_line, Grant.NONE)
    make_authority(tmp_path / "authority")
    phone = Phone(port=9, folder=tmp_path / "none", control=9)
    here = serve(tmp_path, start, phone, "--loopback")
    await asyncio.to_thread(here.until, event="serving")
    bob = Side(start("bob", *CALL))
    left = await asyncio.to_thread(here.until, event="caller-left")
    code = await asyncio.to_thread(bob.end)
    here.process.terminate()
    await asyncio.to_thread(here.end)

    assert "grant 'none'" in left["sentence"]
    assert code == Code.REFUSED


def test_dialling_and_serving_are_two_things(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "pbx.account"
    path.write_text("account sip:a@pbx.example\n")
    process = start(
        "gateway", "gateway", "sip", f"--account={path}", "--serve", "--dial=sip:b@c.de"
    )
    _, said = process.communicate(timeout=20)

    assert process.returncode == Code.USAGE
    assert "--serve takes them" in said
