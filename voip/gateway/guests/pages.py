"""The page of a browser guest, as it is served: files, types, headers.

Everything a guest's browser runs is in this list, read once from the installed package;
nothing else is served, so no path of a request ever becomes the name of a file. The
gateway prints `sha256` of each at start: that is what the page was, not a proof of what
one guest got, for whoever serves it can serve something else to one of them. Files that
are not those of this version are not served at all.

The policy allows scripts, workers and connections of the page's own origin alone, and
its one style block by hash. Trusted Types make a string an error where the browser
would run it. Sources: Content Security Policy Level 3, Trusted Types, HTML §7 (the
cross-origin policies).
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from voip.errors import MalformedError, RefusedError

_HTML: Final = "text/html; charset=utf-8"
_SCRIPT: Final = "text/javascript; charset=utf-8"
_TEXT: Final = "text/plain; charset=utf-8"
_PICTURE: Final = "image/svg+xml"

_SCRIPTS: Final = (
    "link.js",
    "bytes.js",
    "noise.js",
    "messages.js",
    "line.js",
    "sframe.js",
    "worker.js",
    "tally.js",
    "features.js",
    "devices.js",
    "own.js",
    "media.js",
    "call.js",
    "screens.js",
    "company.js",
    "pad.js",
    "guest.js",
)

_PUBLISHED: Final = "a4e470d71c2575fe45c1b9393beae967a6441067c8a38e74d49cd89f7aecf479"
"""`fingerprint` of this version's files: a page that somebody changed on the disk, or
half of an update, would else speak for us in a guest's browser."""

_STYLE: Final = re.compile(rb"<style>(.*?)</style>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Page:
    """One file as it is served; `path` starts with a slash."""

    path: str
    content_type: str
    body: bytes = field(kw_only=True, repr=False)

    @property
    def sha256(self) -> str:
        """What the gateway prints at start, in hexadecimal."""
        return hashlib.sha256(self.body).hexdigest()


def read_pages() -> Mapping[str, Page]:
    """Read the files of the page, by path: ``/``, the scripts, ``/words.txt``."""
    folder = files("voip.gateway.guests").joinpath("page")
    words = files("voip.identity").joinpath("words.txt").read_bytes()
    pages = [
        Page("/", _HTML, body=folder.joinpath("index.html").read_bytes()),
        *(
            Page(f"/{name}", _SCRIPT, body=folder.joinpath(name).read_bytes())
            for name in _SCRIPTS
        ),
        Page("/icon.svg", _PICTURE, body=folder.joinpath("icon.svg").read_bytes()),
        Page("/words.txt", _TEXT, body=words),
    ]
    return MappingProxyType({page.path: page for page in pages})


def check_pages(pages: Mapping[str, Page]) -> None:
    """Demand the files of this version.

    Raises:
        RefusedError: one was changed, added or left out.
    """
    came = fingerprint(pages)
    if came != _PUBLISHED:
        raise RefusedError(
            f"page for guests: expected files with sha256 {_PUBLISHED}, came {came}; "
            "install ringfence again"
        )


def fingerprint(pages: Mapping[str, Page]) -> str:
    """Give one SHA-256 for all files, in hexadecimal: of their lines in `sha256sum`."""
    lines = (f"{page.sha256}  {path}\n" for path, page in sorted(pages.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def headers(pages: Mapping[str, Page], *, is_secure: bool) -> dict[str, str]:
    """Give the headers that go with every file of the page.

    `is_secure` says whether it is served over HTTPS: RFC 6797 §7.2 forbids
    Strict-Transport-Security elsewhere.
    """
    given = {
        "Content-Security-Policy": content_policy(pages["/"].body),
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": (
            "camera=(self), microphone=(self), display-capture=(self), geolocation=()"
        ),
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    if is_secure:
        given["Strict-Transport-Security"] = "max-age=31536000"
    return given


def content_policy(html: bytes) -> str:
    """Give the Content-Security-Policy of a page with exactly one style block.

    Raises:
        MalformedError: no style block or several; only one would be allowed.
    """
    styles = _STYLE.findall(html)
    if len(styles) != 1:
        raise MalformedError(f"page: expected 1 style block, came {len(styles)}")
    digest = base64.b64encode(hashlib.sha256(styles[0]).digest()).decode("ascii")
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "worker-src 'self'",
            "connect-src 'self'",
            f"style-src 'sha256-{digest}'",
            "img-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types ringfence",
        )
    )
