"""`ringfence gateway sip`, with a real telephone on loopback."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.gateways.operators import free_address, named, read_pages
from tests.cli.side import Side, save
from tests.voip.gateway.phones import (
    Phone,
    free_ports,
    make_authority,
    need_baresip,
    need_stack,
    running_phone,
)
from tests.voip.people import introduce, person
from voip.identity.card import parse_relay

WEAK = "NOT ENCRYPTED past here"
MEDIA = ("--audio-in=tone", "--audio-out=null", "--json")


def account(folder: Path, phone: Phone, *lines: str) -> list[str]:
    """Write an account whose exchange is the telephone; gives the options."""
    path = folder / "pbx.account"
    said = [
        f"account sip:gateway@localhost:{phone.port_for('tls')}",
        "register never",
        f"number office {phone.uri()}",
        *lines,
    ]
    path.write_text("\n".join(said))
    ca_file = folder / "authority" / "ca.pem"
    return [
        f"--account={path}",
        f"--sip-ca={ca_file}",
        "--sip-interface=127.0.0.1",
    ]


async def with_phone(folder: Path, start: Start, *options: str) -> tuple[Side, int]:
    """Call a telephone, press keys, hang up; gives what was said and the exit code."""
    need_baresip()
    authority = make_authority(folder / "authority")
    async with running_phone(folder / "phone", authority) as phone:
        said = account(folder, phone)
        side = Side(start("alice", "gateway", "sip", *said, *options, *MEDIA))
        await asyncio.to_thread(side.until, event="secured")
        side.say("digits 7")
        await phone.saw("received event: '7'")
        side.say("dance")
        await asyncio.to_thread(side.until, event="error")
        side.say("hangup")
        await asyncio.to_thread(side.until, event="ended")
        return side, await asyncio.to_thread(side.end)


@pytest.mark.slow
async def test_a_telephone_is_called_by_its_name(tmp_path: Path, start: Start) -> None:
    side, code = await with_phone(tmp_path, start, "--dial=office")

    marks = [each["mark"] for each in side.seen if "mark" in each]
    assert (code, set(marks)) == (Code.DONE, {"encrypted to PBX only"})


@pytest.mark.slow
async def test_pages_for_operators_count_a_telephone_and_name_nobody(
    tmp_path: Path, start: Start
) -> None:
    need_baresip()
    authority = make_authority(tmp_path / "authority")
    pages_at = free_address()
    async with running_phone(tmp_path / "phone", authority) as phone:
        options = [*account(tmp_path, phone), "--dial=office", *MEDIA]
        metrics = f"--metrics={pages_at}"
        side = Side(start("alice", "gateway", "sip", metrics, *options))
        await asyncio.to_thread(side.until, event="secured")
        pages = await read_pages(pages_at)
        side.say("hangup")
        code = await asyncio.to_thread(side.end)

    leg = 'ringfence_gateway_legs{kind="sip",mark="pbx_only"} 1.0'
    assert (code, leg in pages) == (Code.DONE, True)
    assert named(pages, "office", "localhost", "127.0.0.1", phone.uri()) == []


@pytest.mark.slow
async def test_a_contact_is_joined_with_a_telephone(
    tmp_path: Path, start: Start, relay_line: str
) -> None:
    relay = parse_relay(relay_line)
    alice, bob = person("alice", relay), person("bob", relay)
    introduce(alice, bob)
    save(tmp_path / "alice", alice.vault)
    save(tmp_path / "bob", bob.vault)
    there = Side(start("bob", "answer", "--once", "--loopback", *MEDIA))
    await asyncio.to_thread(there.until, event="listening")
    answering = asyncio.create_task(asyncio.to_thread(accept, there))
    side, code = await with_phone(
        tmp_path, start, "--dial=office", "--with=bob", "--loopback"
    )
    told = await answering
    await asyncio.to_thread(there.end)

    assert (code, told["mark"]) == (Code.DONE, "encrypted to PBX only")
    assert any(each.get("alias") == "bob" for each in side.seen)


def accept(side: Side) -> dict[str, object]:
    told = side.until(event="legs")
    side.say("accept")
    return told


@contextmanager
def refused(start: Start, *options: str) -> Iterator[tuple[str, int]]:
    process = start("alice", "gateway", "sip", *options)
    _, said = process.communicate(timeout=20)
    yield said, process.returncode


@pytest.mark.parametrize(
    ("lines", "more", "why", "code"),
    [
        ("account sip:a@pbx.example\ndance\n", (), "line 2: expected one of", 1),
        (
            "account sip:a@pbx.example\ntransport udp\n",
            (),
            "can be heard on their way (sdes over udp)",
            8,
        ),
        (
            "account sip:a@pbx.example\npassword-file missing\n",
            (),
            "cannot read",
            69,
        ),
        (
            "account sip:a@pbx.example\n",
            ("--ring=bob",),
            "--dial makes a call and --ring takes them",
            64,
        ),
    ],
    ids=["file", "weak", "password", "usage"],
)
def test_a_call_that_cannot_be_is_refused_with_a_code(
    tmp_path: Path, start: Start, lines: str, more: tuple[str, ...], why: str, code: int
) -> None:
    need_stack()
    path = tmp_path / "pbx.account"
    path.write_text(lines)
    options = (f"--account={path}", "--dial=sip:b@pbx.example", *more)
    with refused(start, *options) as (said, ended):
        assert why in said
        assert ended == code


def test_a_password_that_others_can_read_is_refused(
    tmp_path: Path, start: Start
) -> None:
    need_stack()
    path = tmp_path / "pbx.account"
    path.write_text("account sip:a@pbx.example\npassword-file secret\n")
    (tmp_path / "secret").write_text("hunter2\n")
    (tmp_path / "secret").chmod(0o644)
    options = (f"--account={path}", "--dial=sip:b@pbx.example")
    with refused(start, *options) as (said, ended):
        assert "chmod 600" in said
        assert "hunter2" not in said
        assert ended == Code.REFUSED


@pytest.mark.slow
async def test_a_telephone_that_calls_rings_a_contact(
    tmp_path: Path, start: Start, relay_line: str
) -> None:
    need_baresip()
    relay = parse_relay(relay_line)
    alice, bob = person("alice", relay), person("bob", relay)
    introduce(alice, bob)
    save(tmp_path / "alice", alice.vault)
    save(tmp_path / "bob", bob.vault)
    there = Side(start("bob", "answer", "--once", "--loopback", *MEDIA))
    await asyncio.to_thread(there.until, event="listening")
    authority, port = make_authority(tmp_path / "authority"), free_ports()
    path = tmp_path / "trunk.account"
    path.write_text(
        "account sip:gateway@127.0.0.1\nregister never\ntransport udp\n"
        f"unencrypted allowed\nlisten {port}\nring bob\n"
    )
    options = (
        f"--account={path}",
        f"--sip-ca={authority.ca_file}",
        "--sip-interface=127.0.0.1",
        "--allow-unencrypted",
        "--loopback",
    )
    here = Side(start("alice", "gateway", "sip", *options, *MEDIA))
    async with running_phone(tmp_path / "phone", authority) as phone:
        await asyncio.to_thread(here.until, event="registered")
        await phone.command("dial", f"sip:gateway@127.0.0.1:{port}")
        await asyncio.to_thread(here.until, event="incoming")
        told = await asyncio.to_thread(accept, there)
        await asyncio.to_thread(here.until, event="secured")
        there.say("hangup")
        await asyncio.to_thread(there.end)
        ended = await asyncio.to_thread(here.until, event="ended", mark=WEAK)
        here.process.terminate()
        code = await asyncio.to_thread(here.end)

    assert (told["mark"], ended["reason"], code) == (WEAK, "normal", Code.DONE)


@pytest.mark.slow
async def test_a_contact_who_cannot_be_called_ends_no_gateway(
    tmp_path: Path, start: Start, relay_line: str
) -> None:
    need_baresip()
    relay = parse_relay(relay_line)
    alice, bob = person("alice", relay), person("bob", relay)
    introduce(alice, bob)  # who has never been on the network
    save(tmp_path / "alice", alice.vault)
    authority, port = make_authority(tmp_path / "authority"), free_ports()
    path = tmp_path / "trunk.account"
    path.write_text(
        "account sip:gateway@127.0.0.1\nregister never\ntransport udp\n"
        f"unencrypted allowed\nlisten {port}\nring bob\n"
    )
    options = (
        f"--account={path}",
        f"--sip-ca={authority.ca_file}",
        "--sip-interface=127.0.0.1",
        "--allow-unencrypted",
    )
    here = Side(start("alice", "gateway", "sip", *options, *MEDIA))
    async with running_phone(tmp_path / "phone", authority) as phone:
        await asyncio.to_thread(here.until, event="registered")
        await phone.command("dial", f"sip:gateway@127.0.0.1:{port}")
        said = await asyncio.to_thread(here.until, event="error")
        await phone.saw("session closed")
        here.process.terminate()
        code = await asyncio.to_thread(here.end)

    assert ("no device that can be called" in said["sentence"], code) == (
        True,
        Code.DONE,
    )
