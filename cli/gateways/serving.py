"""The page of a host's guests: served, with a link for each, until the host leaves."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.gateways import guestview
from cli.gateways.certificate import Certificate
from cli.gateways.saying import tell
from cli.output import note, show
from voip.errors import MissingError, RefusedError
from voip.gateway.counts import GatewayCounts
from voip.gateway.guests.handshake import Media
from voip.gateway.guests.invite import Invites
from voip.gateway.guests.linkbook import LinkBook
from voip.gateway.guests.pages import fingerprint
from voip.gateway.guests.server import BrowserGateway
from voip.media.connect.config import IceConfig
from voip.upkeep import VaultKeeper


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Where the page is, and how many are invited to it.

    Attributes:
        url: where guests find the page.
        listen: host and port to serve it on.
        cert, key: PEM files; both or none.
        expires_s: how long a link lives.
        guests: how many links.
        qr: draw links for a telephone's camera.
    """

    url: str
    listen: tuple[str, int]
    cert: Path | None
    key: Path | None
    expires_s: float
    guests: int
    qr: bool


def read_certificate(serving: Serving) -> Certificate | None:
    """Read the certificate, if there is one; and again whenever SIGHUP comes.

    Raises:
        MissingError: it cannot be read.
    """
    if serving.cert is None or serving.key is None:
        return None
    certificate = Certificate(serving.cert, serving.key)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, certificate.renew)
    return certificate


@asynccontextmanager
async def serve_guests(  # noqa: PLR0913 - where, to whom, and with what
    serving: Serving,
    store: VaultKeeper,
    *,
    ice: IceConfig,
    counted: GatewayCounts,
    certificate: Certificate | None,
    video: bool = True,
) -> AsyncIterator[BrowserGateway]:
    """Serve the page and print the links; at the end all guests are hung up on.

    `video`: guests may show and see pictures.

    Raises:
        MalformedError: a URL that means nothing.
        RefusedError: plain HTTP beyond this machine; or nobody could come.
        MissingError: the port is taken.
    """
    invites = Invites(serving.url)
    gateway = BrowserGateway(
        invites,
        alias=store.read().alias,
        media=Media.AUDIO | Media.VIDEO if video else Media.AUDIO,
        ice=ice,
        counted=counted,
        book=LinkBook(store, invites.origin),
        reopened=lambda label: tell(
            {"event": "link opened again", "invite": label}, guestview.reopened(label)
        ),
    )
    async with gateway:
        try:
            context = None if certificate is None else certificate.context
            await gateway.listen(*serving.listen, context)
        except OSError as error:
            where = "{}:{}".format(*serving.listen)
            raise MissingError(f"cannot serve on {where}: {error.strerror}") from error
        whole = fingerprint(gateway.site.pages)
        files = [f"{page.sha256}  {path}" for path, page in gateway.site.pages.items()]
        tell(
            {"event": "serving", "sha256": whole, "files": files},
            f"serving this version's page, sha256 {whole}",
        )
        _print_links(gateway, serving)
        yield gateway
    if gateway.open_links():
        note(
            "a link that nobody used can still be: 'ringfence gateway browser' serves"
            " it again, 'ringfence gateway invites' revokes it"
        )


def _print_links(gateway: BrowserGateway, serving: Serving) -> None:
    before = gateway.open_links()
    if not before and not serving.guests:
        raise RefusedError("no link of before can be used, and none was asked for")
    if before:
        tell(
            {"event": "links of before", "invites": before},
            f"{', '.join(before)} of before can still be used:"
            " 'ringfence gateway invites' lists and revokes",
        )
    for _ in range(serving.guests):
        link = gateway.invite(lifetime_s=serving.expires_s)
        expires = int(time.time() + serving.expires_s)
        show({"event": "link", "link": link, "expires": expires}, link)
        if serving.qr:
            _draw(link)
    note(
        "each link is for one person and one call; whoever gets it first is your"
        " guest, so send it on a way that you trust"
    )


def _draw(link: str) -> None:
    import segno  # noqa: PLC0415 - an extra

    segno.make(link, error="m").terminal(sys.stderr, compact=True)
