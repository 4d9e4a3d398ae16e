"""What a guest's browser is served, and what it may do with it."""

import gzip
import hashlib
import re
from collections.abc import Callable

import pytest

from voip.errors import MalformedError, RefusedError
from voip.gateway.guests.pages import (
    Page,
    check_pages,
    content_policy,
    headers,
    read_pages,
)
from voip.identity.words import WORDS

PAGES = read_pages()
SCRIPTS = [path for path in PAGES if path.endswith(".js")]


def test_every_module_that_a_script_imports_is_served() -> None:
    imported = {
        "/" + name
        for path in SCRIPTS
        for name in re.findall(r'from "\./([^"]+)"', PAGES[path].body.decode())
    }

    assert imported <= set(PAGES)
    assert imported | {"/guest.js", "/worker.js"} == set(SCRIPTS)


def test_what_the_page_names_is_served() -> None:
    named = re.findall(r'(?:src|href)="(/[^"]*)"', PAGES["/"].body.decode())

    assert set(named) <= set(PAGES)


def test_nothing_of_another_origin_is_named() -> None:
    found = [
        (path, url)
        for path, page in PAGES.items()
        for url in re.findall(r"\b(?:https?:)?//[a-z0-9.-]+", page.body.decode())
        # An XML namespace is a name, never fetched; the rest are worked examples.
        if url not in {"http://www.w3.org", "https://talk.example"}
        and not url.startswith("//")
    ]

    assert found == []


def test_the_secret_is_taken_before_anything_else_runs() -> None:
    first = re.search(
        r'^import .*?from "([^"]+)"', PAGES["/guest.js"].body.decode(), re.MULTILINE
    )

    assert first is not None
    assert first[1] == "./link.js"


def test_the_words_are_those_of_every_call() -> None:
    assert tuple(PAGES["/words.txt"].body.decode().split()) == WORDS


def test_the_whole_page_is_small_on_the_wire() -> None:
    size = sum(len(gzip.compress(page.body)) for page in PAGES.values())

    assert size < 50_000


def test_a_page_is_known_by_its_digest() -> None:
    page = Page("/x", "text/plain", body=b"abc")

    assert page.sha256 == hashlib.sha256(b"abc").hexdigest()


def test_the_policy_is_the_strictest_that_works() -> None:
    policy = content_policy(b"<style>p{}</style>")

    assert policy == (
        "default-src 'none'; script-src 'self'; worker-src 'self'; "
        "connect-src 'self'; "
        "style-src 'sha256-gG2yISYereRMiG2lMXrbiUgi0Ubw9p7QCeWcroOvy9Y='; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types ringfence"
    )


@pytest.mark.parametrize(
    "html",
    [b"<p>", b"<style>a{}</style><style>b{}</style>"],
    ids=["no style", "two styles"],
)
def test_a_page_without_exactly_one_style_has_no_policy(html: bytes) -> None:
    with pytest.raises(MalformedError, match="expected 1 style block"):
        content_policy(html)


def test_headers_keep_the_page_alone_and_its_address_secret() -> None:
    given = headers(PAGES, is_secure=True)

    assert given | {"Content-Security-Policy": ""} == {
        "Content-Security-Policy": "",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": (
            "camera=(self), microphone=(self), display-capture=(self), geolocation=()"
        ),
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Strict-Transport-Security": "max-age=31536000",
    }


def test_plain_http_promises_no_https() -> None:
    # RFC 6797, 7.2: MUST NOT be sent over non-secure transport.
    given = headers(PAGES, is_secure=False)

    assert "Strict-Transport-Security" not in given


def test_text_of_others_never_becomes_html() -> None:
    sinks = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|Function\("
    )
    found = [path for path in SCRIPTS if re.search(sinks, PAGES[path].body.decode())]

    assert found == []


def test_nothing_is_stored_in_a_browser() -> None:
    stores = r"localStorage|sessionStorage|indexedDB|document\.cookie|serviceWorker"
    found = [path for path in SCRIPTS if re.search(stores, PAGES[path].body.decode())]

    assert found == []


def test_the_files_are_those_of_this_version() -> None:
    # Who changes the page on purpose writes what came here into `_PUBLISHED`.
    check_pages(PAGES)


def changed() -> dict[str, Page]:
    script = PAGES["/guest.js"]
    body = script.body.replace(b"\n", b"\r\n", 1)
    return {**PAGES, "/guest.js": Page(script.path, script.content_type, body=body)}


def left_out() -> dict[str, Page]:
    return {path: page for path, page in PAGES.items() if path != "/tally.js"}


def added() -> dict[str, Page]:
    return {**PAGES, "/more.js": Page("/more.js", "text/javascript", body=b"")}


@pytest.mark.parametrize("tampered", [changed, left_out, added])
def test_a_tampered_page_is_not_served(tampered: Callable[[], dict[str, Page]]) -> None:
    with pytest.raises(RefusedError, match="expected files with sha256"):
        check_pages(tampered())
