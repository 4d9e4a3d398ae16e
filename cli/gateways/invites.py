"""`ringfence gateway invites`: which links browser guests can still use."""

import time
from dataclasses import replace

import click

from cli.grouped import GroupedCommand
from cli.home import Home
from cli.output import escape, json_option, show
from voip.identity.guestlink import GuestLink, live, revoked


@click.command(
    cls=GroupedCommand,
    epilog="Example: ringfence gateway invites --revoke 2",
)
@click.option(
    "--revoke",
    type=click.IntRange(min=1),
    metavar="N",
    help="Let nobody use link N any more; a call that it opened goes on.",
)
@json_option
@click.pass_obj
def command(home: Home, /, *, revoke: int | None) -> None:
    """List the links of browser guests that have not expired.

    The links themselves cannot be shown again: whoever reads this list is no guest.
    A gateway that is running learns of a revoked link within some seconds.
    """
    store, now = home.open(), int(time.time())
    if revoke is not None:
        store.change(
            lambda vault: replace(
                vault, guest_links=revoked(vault.guest_links, revoke, now)
            )
        )
        show({"event": "revoked", "number": revoke}, f"link {revoke} is revoked")
        return
    links = live(store.read().guest_links, now)
    for link in links:
        _show(link)
    if not links:
        show({"event": "no links"}, "no link can be used")


def _show(link: GuestLink) -> None:
    until = time.strftime("%d %b %H:%M", time.localtime(link.expires))
    state = "used" if link.spent else f"can be used until {until}"
    show(
        {
            "event": "link",
            "number": link.number,
            "origin": link.origin,
            "expires": link.expires,
            "used": link.spent,
        },
        f"link {link.number}  {escape(link.origin)}  {state}",
    )
