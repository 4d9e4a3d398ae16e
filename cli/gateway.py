"""`ringfence gateway`: people with a browser, a telephone, or in a room."""

from typing import ClassVar

import click

from cli.lazy import LazyGroup


class _Gateway(LazyGroup):
    package = "cli.gateways"
    listed: ClassVar = {
        "browser": "Invite somebody who has nothing but a browser.",
        "invites": "List and revoke the links of browser guests.",
        "sip": "Call telephones, and be called by them.",
        "room": "Talk with several people; no server, or one that hears nothing.",
        "check": "Look at a page for guests from outside, as browsers do.",
        "status": "See how a gateway or a relay does.",
    }


@click.group(cls=_Gateway, epilog="Example: ringfence gateway room open bob carol")
def gateway() -> None:
    """People with a browser, a telephone, or in a room.

    Each way but a room of Ringfence devices is weaker than a call between two of
    them. Everybody in the call is told how much weaker, before they are heard.
    """
