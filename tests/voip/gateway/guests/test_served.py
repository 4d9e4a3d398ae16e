"""A page is taken for ours only if every byte and header of it is."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from voip.errors import RefusedError
from voip.gateway.guests.pages import headers, read_pages
from voip.gateway.guests.served import LEADS_AWAY, Answer, check_answer, check_stranger

PAGES = read_pages()


def answer_to(path: str, *, is_secure: bool = True) -> Answer:
    given = headers(PAGES, is_secure=is_secure)
    page = PAGES[path]
    return Answer(200, {**given, "Content-Type": page.content_type}, page.body)


def without(found: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in found.items() if key != name}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_as_we_serve_it_is_taken(path: str) -> None:
    check_answer(PAGES, path, answer_to(path), is_secure=True)


def test_names_of_headers_may_have_any_case() -> None:
    answer = answer_to("/")
    lower = {name.lower(): value for name, value in answer.headers.items()}

    check_answer(PAGES, "/", answer._replace(headers=lower), is_secure=True)


def test_another_status_is_refused() -> None:
    with pytest.raises(RefusedError, match="/: expected http status 200, came 502"):
        check_answer(PAGES, "/", answer_to("/")._replace(status=502), is_secure=True)


@pytest.mark.parametrize("body", [b"", b"<script>", PAGES["/"].body + b"\n"])
def test_other_bytes_are_refused(body: bytes) -> None:
    came = replace(PAGES["/"], body=body).sha256

    with pytest.raises(RefusedError, match=f"of this version, came {came}"):
        check_answer(PAGES, "/", answer_to("/")._replace(body=body), is_secure=True)


@pytest.mark.parametrize("name", sorted(answer_to("/").headers))
def test_a_header_that_is_missing_or_weaker_is_refused(name: str) -> None:
    answer = answer_to("/")
    others = without(answer.headers, name)

    for headers_of in (others, {**others, name: "*"}):
        with pytest.raises(RefusedError, match=f"/: expected {name}: "):
            check_answer(
                PAGES, "/", answer._replace(headers=headers_of), is_secure=True
            )


@pytest.mark.parametrize("name", LEADS_AWAY)
def test_a_header_that_leads_away_is_refused(name: str) -> None:
    answer = answer_to("/")
    more = {**answer.headers, name: "0;url=https://count.example"}

    with pytest.raises(RefusedError, match=f"/: expected no {name}"):
        check_answer(PAGES, "/", answer._replace(headers=more), is_secure=True)


def test_on_loopback_nothing_demands_https() -> None:
    plain = answer_to("/", is_secure=False)

    check_answer(PAGES, "/", plain, is_secure=False)


@pytest.mark.parametrize("status", [101, 200, 404])
def test_a_socket_that_lets_other_pages_in_is_refused(status: int) -> None:
    with pytest.raises(RefusedError, match=f"another origin, came {status}"):
        check_stranger(status)


def test_a_socket_that_keeps_other_pages_out_is_well() -> None:
    check_stranger(403)
