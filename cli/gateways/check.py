"""`ringfence gateway check`: look at a page for guests from outside, as browsers do."""

import asyncio
import os
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import aiohttp
import click

from cli.output import day, json_option, show
from voip.errors import MissingError, RefusedError, UnreachableError
from voip.gateway.guests.invite import parse_origin
from voip.gateway.guests.pages import Page, fingerprint, read_pages
from voip.gateway.guests.served import Answer, check_answer, check_stranger
from voip.gateway.guests.server import PATH

_PATIENCE_S: Final = 10.0  # of each answer, as browsers' users have
_STRANGER: Final = "https://elsewhere.invalid"  # RFC 2606 §2
_MAX_VALUE: Final = 8192  # of a header


@click.command(epilog="Example: ringfence gateway check https://talk.example")
@click.argument("url")
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Believe certificates of this authority (PEM), and no others.",
)
@json_option
def command(url: str, *, ca: Path | None) -> None:
    """See whether URL serves guests the page of this version, unchanged.

    Fetches every file as a browser would, and holds it and its headers against those
    that this version of Ringfence brings; then opens the guests' socket as the page
    would, and as another website would. Run it from where your guests are: a proxy may
    change what passes it.
    """
    origin = parse_origin(url)
    pages = read_pages()
    until = asyncio.run(check_page(origin, pages, ca))
    facts = {
        "url": origin,
        "version": version("ringfence"),
        "sha256": fingerprint(pages),
        "files": len(pages),
        "certificate_until": None if until is None else until.timestamp(),
    }
    lines = [
        f"{origin} serves the page of ringfence {facts['version']}, unchanged",
        f"{len(pages)} files, sha256 {facts['sha256']}",
        "its socket takes guests from this page alone",
    ]
    if until is not None:
        lines.append(f"its certificate is valid until {day(int(until.timestamp()))}")
    show(facts, *lines)


async def check_page(
    origin: str, pages: Mapping[str, Page], ca: Path | None = None
) -> datetime | None:
    """Look at everything; gives until when the certificate is valid.

    Raises:
        RefusedError: something is not as this version serves it.
        MissingError: `ca` holds no certificates.
        UnreachableError: no answer within 10 s, or the certificate does not hold.
    """
    is_secure = origin.startswith("https:")
    try:
        context = ssl.create_default_context(cafile=ca)
    except ssl.SSLError as error:
        raise MissingError(f"{ca}: expected certificates as PEM") from error
    try:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context),
            timeout=aiohttp.ClientTimeout(total=_PATIENCE_S),
            auto_decompress=False,  # what is asked for as it is must come as it is
            headers={"Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            max_field_size=_MAX_VALUE,
        ) as session:
            for path, page in pages.items():
                answer = await _fetch(session, origin + path, len(page.body))
                check_answer(pages, path, answer, is_secure=is_secure)
            async with session.ws_connect(origin + PATH, origin=origin) as socket:
                until = _valid_until(socket.get_extra_info("ssl_object"))
            check_stranger(await _as_stranger(session, origin + PATH))
    except aiohttp.WSServerHandshakeError as error:
        raise RefusedError(
            f"{origin}{PATH}: expected a socket for guests, came http status "
            f"{error.status}"
        ) from error
    except aiohttp.ClientConnectorCertificateError as error:
        raise UnreachableError(
            f"{origin}: its certificate is not valid for this name: "
            f"{error.certificate_error}"
        ) from error
    except (aiohttp.ClientError, OSError) as error:
        raise UnreachableError(f"{origin}: {_reason(error)}") from error
    return until


def _reason(error: aiohttp.ClientError | OSError) -> str:
    match error:
        case TimeoutError():
            return f"no answer within {_PATIENCE_S:.0f} s"
        case OSError() if error.errno:
            return os.strerror(error.errno).lower()
        case _:
            return f"no answer of a web server: {type(error).__name__}"


async def _fetch(session: aiohttp.ClientSession, url: str, size: int) -> Answer:
    """Get a file, and one byte more of it than there should be."""
    async with session.get(url, allow_redirects=False) as response:
        body = bytearray()
        while len(body) <= size and (more := await response.content.read(size + 1)):
            body += more
        sent = {
            name: ", ".join(response.headers.getall(name)) for name in response.headers
        }
        return Answer(response.status, sent, bytes(body))


async def _as_stranger(session: aiohttp.ClientSession, url: str) -> int:
    """Ask for the guests' socket as another website would; gives the status."""
    try:
        async with session.ws_connect(url, origin=_STRANGER):
            return 101  # Switching Protocols: it was let in
    except aiohttp.WSServerHandshakeError as error:
        return error.status


def _valid_until(tls: ssl.SSLObject | None) -> datetime | None:
    if tls is None:
        return None
    certificate = tls.getpeercert()
    assert certificate is not None  # the context demands one
    until = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    return datetime.fromtimestamp(until, UTC)
