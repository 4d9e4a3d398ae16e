"""A desk with one account: one call at a time, however fast they come."""

import asyncio
from pathlib import Path

import click
import pytest

from cli.gateways.phonedesk import Desk
from cli.gateways.phoneside import Side
from tests.voip.gateway.phones import need_stack, python_worker
from voip.errors import RefusedError
from voip.gateway.sip.account import parse_account
from voip.gateway.sip.telephony import SipLine
from voip.media.plan import MediaPlan

TRUNK = parse_account(b"account sip:a@pbx.example\nregister never\n")
TWO_CALLS = """\
sock.sendall(
    format_event(Event(Said.READY))
    + format_event(Event(Said.INCOMING, 0x8001, 0, 'sip:first@pbx.example'))
    + format_event(Event(Said.INCOMING, 0x8002, 0, 'sip:second@pbx.example'))
)
while sock.recv(65536): pass
"""


def nobody() -> MediaPlan:
    raise RefusedError("nobody talks here")


@pytest.mark.slow
async def test_of_two_calls_that_come_at_once_the_second_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    need_stack()
    (tmp_path / "ca").touch()
    worker = python_worker(TWO_CALLS)
    line = SipLine(TRUNK, ca_file=tmp_path / "ca", worker=worker)
    with click.Context(click.Command("sip")):
        async with line:
            await line.registered()
            desk = Desk(line, Side(None, "", nobody, video=False))
            taking = asyncio.create_task(desk.take_calls())
            text = ""
            while "first@" not in text and not taking.done():
                await asyncio.sleep(0.02)
                text += capsys.readouterr().out
            desk.leave()
            await taking

    assert ("first@" in text, "second@" in text) == (True, False)
