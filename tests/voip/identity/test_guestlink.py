"""Links of browser guests in the store: one call each, forgotten when they expire."""

from dataclasses import replace

import pytest

from voip.errors import LimitError, MalformedError, RefusedError
from voip.identity.guestlink import (
    MAX_LINKS,
    GuestLink,
    added,
    live,
    next_number,
    revoked,
    spent,
)

NOW = 1_700_000_000


def link(number: int = 1, *, expires: int = NOW + 1) -> GuestLink:
    return GuestLink(
        number.to_bytes(16),
        bytes(32),
        origin="https://talk.example",
        number=number,
        expires=expires,
    )


def test_an_expired_link_is_forgotten() -> None:
    assert live((link(1, expires=NOW), link(2)), NOW) == (link(2),)


def test_numbers_are_those_of_no_other_link() -> None:
    assert (next_number(()), next_number((link(4), link(2)))) == (1, 5)


def test_an_added_link_is_the_last() -> None:
    assert added((link(1),), link(2), NOW) == (link(1), link(2))


def test_too_many_links_are_refused() -> None:
    links = tuple(map(link, range(1, MAX_LINKS + 1)))

    with pytest.raises(LimitError, match="there are 256 links"):
        added(links, link(300), NOW)


def test_expired_links_make_room() -> None:
    links = tuple(link(number, expires=NOW) for number in range(1, MAX_LINKS + 1))

    assert added(links, link(300), NOW) == (link(300),)


def test_a_spent_link_is_kept_and_marked() -> None:
    links = (link(1), link(2))

    assert spent(links, link(2).invite_id, NOW) == (
        link(1),
        replace(link(2), psk=b"", spent=True),
    )


@pytest.mark.parametrize(
    "links",
    [
        pytest.param((), id="revoked"),
        pytest.param((replace(link(), psk=b"", spent=True),), id="used"),
        pytest.param((link(expires=NOW),), id="expired"),
        pytest.param((link(2),), id="another"),
    ],
)
def test_what_opens_no_call_is_not_spent(links: tuple[GuestLink, ...]) -> None:
    with pytest.raises(RefusedError, match="revoked, used or expired"):
        spent(links, link().invite_id, NOW)


def test_a_revoked_link_is_gone() -> None:
    assert revoked((link(1), link(2)), 1, NOW) == (link(2),)


def test_a_link_that_is_not_there_is_not_revoked() -> None:
    with pytest.raises(RefusedError, match="there is no link 3"):
        revoked((link(1),), 3, NOW)


def test_the_secret_half_is_not_shown() -> None:
    assert "psk" not in repr(link())


@pytest.mark.parametrize(
    "change",
    [{"invite_id": b"x"}, {"psk": b"x"}, {"number": 0}, {"spent": True}],
    ids=["id", "psk", "number", "kept"],
)
def test_a_link_of_other_sizes_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(MalformedError, match="guest link: expected"):
        replace(link(), **change)  # type: ignore[arg-type]  # of each field's type
