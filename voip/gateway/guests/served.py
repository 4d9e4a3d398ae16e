"""What a browser would get from a gateway, held against the page of this version.

Pure. Whoever serves a page for guests can serve another one to one guest at one moment;
nothing here stops that. It shows whether the page that *we* get, from where we are and
now, is the published one, and whether a proxy has changed it on its way or has taken
away a header that the page relies on.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from voip.errors import RefusedError
from voip.gateway.guests.pages import Page, headers

OK: Final = 200
LEADS_AWAY: Final = ("Refresh", "Link", "Set-Cookie", "Service-Worker-Allowed")
"""Headers that have a browser load or keep what is not in the page."""
FORBIDDEN: Final = 403


class Answer(NamedTuple):
    """An answer to GET: header names in any case, of the body what was asked for."""

    status: int
    headers: Mapping[str, str]  # one sent twice has both values, with a comma
    body: bytes


def check_answer(
    pages: Mapping[str, Page], path: str, answer: Answer, *, is_secure: bool
) -> None:
    """Demand one file of the page as this version has it, with the headers it needs.

    Raises:
        RefusedError: another status, other bytes, or a header that is missing, changed
            or leads a browser away.
    """
    page = pages[path]
    if answer.status != OK:
        raise RefusedError(f"{path}: expected http status 200, came {answer.status}")
    came = Page(path, page.content_type, body=answer.body).sha256
    if came != page.sha256:
        raise RefusedError(
            f"{path}: expected sha256 {page.sha256} of this version, came {came}"
        )
    sent = {name.lower(): value for name, value in answer.headers.items()}
    wanted = {
        "Content-Type": page.content_type,
        **headers(pages, is_secure=is_secure),
    }
    for name, value in wanted.items():
        if sent.get(name.lower()) != value:
            raise RefusedError(
                f"{path}: expected {name}: {value}, came {sent.get(name.lower())}"
            )
    for name in LEADS_AWAY:
        if name.lower() in sent:
            raise RefusedError(f"{path}: expected no {name}, which leads away")


def check_stranger(status: int) -> None:
    """Demand that a page of another origin was kept out of the guests' socket.

    Raises:
        RefusedError: any website could speak for a guest who is visiting it.
    """
    if status != FORBIDDEN:
        raise RefusedError(
            f"socket for guests: expected http status 403 for a page of another "
            f"origin, came {status}"
        )
