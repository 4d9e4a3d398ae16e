"""A host of browser guests, and a contact whose program misbehaves."""

from collections.abc import AsyncIterator
from typing import Any

import click
import pytest

from cli.gateways.hosting import keep_told
from voip.asides import Aside
from voip.errors import LimitError
from voip.gateway.bridge import Bridge
from voip.gateway.joined import Joined


class Flooding:
    """A call whose other side says more than anybody reads."""

    alias = "mallory\x1b"
    call_id = bytes(16)
    is_outgoing = can_be_told = True
    is_over = False
    read: tuple[Aside, ...] = ()

    def say(self, _message: Any) -> None:
        """Take a list of legs."""

    async def heard(self) -> AsyncIterator[Aside]:
        for each in self.read:
            yield each
        raise LimitError("64 were unread")

    def hang_up(self) -> None:
        self.is_over = True


async def test_a_contact_who_says_too_much_is_hung_up_on_and_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call = Flooding()
    with click.Context(click.Command("browser")):
        async with Bridge() as bridge:
            port = bridge.port("contact")
            await keep_told(Joined(), call, port)  # type: ignore[arg-type]  # of a call

    assert call.is_over
    assert "mallory\\x1b: 64 were unread" in capsys.readouterr().err
