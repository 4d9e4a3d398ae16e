"""A page for guests is looked at from outside: by its host, or by anybody."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from cli.codes import Code
from cli.gateways.check import check_page
from tests.cli.conftest import Start
from tests.cli.gateways.operators import free_address
from voip.errors import MissingError, RefusedError, UnreachableError
from voip.gateway.guests.invite import Invites
from voip.gateway.guests.pages import headers, read_pages
from voip.gateway.guests.server import PATH, BrowserGateway
from voip.signalling.tls import TlsFiles, make_key, server_context

PAGES = read_pages()


@asynccontextmanager
async def proxied(
    meddle: Callable[[web.Response], None], socket_for: str = "same"
) -> AsyncIterator[str]:
    """Serve the page, but for what meddles with it; `socket_for` whom it lets in."""
    origin = f"http://{free_address()}"

    async def page(request: web.Request) -> web.Response:
        found = PAGES[request.path]
        answer = web.Response(
            body=found.body, headers={"Content-Type": found.content_type}
        )
        answer.headers.update(headers(PAGES, is_secure=False))
        meddle(answer)
        return answer

    async def socket(request: web.Request) -> web.StreamResponse:
        is_ours = request.headers["Origin"] == origin
        if socket_for == "nobody" or (socket_for == "same" and not is_ours):
            raise web.HTTPForbidden
        opened = web.WebSocketResponse()
        await opened.prepare(request)
        await opened.receive()
        return opened

    app = web.Application()
    app.add_routes([web.get(path, page) for path in PAGES])
    app.router.add_get(PATH, socket)
    runner = web.AppRunner(app)
    await runner.setup()
    host, _, port = origin.removeprefix("http://").partition(":")
    await web.TCPSite(runner, host, int(port)).start()
    try:
        yield origin
    finally:
        await runner.cleanup()


def as_it_is(_: web.Response) -> None:
    """Change nothing."""


def with_a_script(answer: web.Response) -> None:
    assert isinstance(answer.body, bytes)
    answer.body += b"<script src=https://count.example/a.js></script>"


def without_its_policy(answer: web.Response) -> None:
    del answer.headers["Content-Security-Policy"]


def with_a_second_policy(answer: web.Response) -> None:
    answer.headers.add("Referrer-Policy", "unsafe-url")


def as_an_error(answer: web.Response) -> None:
    answer.set_status(502)


async def test_a_page_that_passes_unchanged_is_well() -> None:
    async with proxied(as_it_is) as origin:
        assert await check_page(origin, PAGES) is None


@pytest.mark.parametrize(
    ("meddle", "sentence"),
    [
        (with_a_script, "/: expected sha256"),
        (without_its_policy, "/: expected Content-Security-Policy"),
        (with_a_second_policy, "/: expected Referrer-Policy"),
        (as_an_error, "came 502"),
    ],
)
async def test_a_page_that_was_changed_on_its_way_is_refused(
    meddle: Callable[[web.Response], None], sentence: str
) -> None:
    async with proxied(meddle) as origin:
        with pytest.raises(RefusedError, match=sentence):
            await check_page(origin, PAGES)


@pytest.mark.parametrize(
    ("socket_for", "sentence"),
    [
        ("nobody", "expected a socket for guests, came http status 403"),
        ("all", "403 for a page of another origin, came 101"),
    ],
)
async def test_a_socket_for_nobody_or_for_everybody_is_refused(
    socket_for: str, sentence: str
) -> None:
    async with proxied(as_it_is, socket_for) as origin:
        with pytest.raises(RefusedError, match=sentence):
            await check_page(origin, PAGES)


async def test_an_authority_that_is_none_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    with pytest.raises(MissingError, match=r"ca\.pem: expected certificates as PEM"):
        await check_page("https://talk.example", PAGES, tmp_path / "ca.pem")


async def test_where_nobody_serves_nothing_is_said_of_the_page() -> None:
    with pytest.raises(UnreachableError, match="connection refused"):
        await check_page(f"http://{free_address()}", PAGES)


@asynccontextmanager
async def with_certificate(folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """Serve the page by the gateway itself over HTTPS; the certificate has no name."""
    files = TlsFiles(folder / "cert.pem", folder / "key.pem")
    make_key(files)
    address = free_address()
    host, _, port = address.partition(":")
    async with BrowserGateway(Invites(f"https://{address}"), alias="alice") as gateway:
        await gateway.listen(host, int(port), server_context(files)[0])
        yield f"https://{address}", files.certificate


async def test_a_certificate_that_does_not_name_the_host_is_refused(
    tmp_path: Path,
) -> None:
    async with with_certificate(tmp_path) as (origin, certificate):
        with pytest.raises(UnreachableError, match="not valid for this name"):
            await check_page(origin, PAGES, certificate)


@pytest.mark.slow
def test_the_command_says_what_is_served(start: Start) -> None:
    address = free_address()
    with start("alice", "identity", "create", "--alias=alice", "--kdf-mib=64") as made:
        assert made.wait() == 0
    silent = "--audio-in=silence", "--audio-out=null"
    serving = start("alice", "gateway", "browser", f"--url=http://{address}", *silent)
    assert serving.stdout is not None
    serving.stdout.readline()  # the link: the page is served now
    with start("bob", "gateway", "check", f"http://{address}", "--json") as looking:
        said, _ = looking.communicate()
    serving.terminate()
    serving.communicate()

    assert looking.returncode == Code.DONE
    assert json.loads(said)["files"] == len(PAGES)
