"""Links that outlive the program that made them."""

import time
from dataclasses import replace

import pytest

from tests.voip.people import person
from voip.errors import RefusedError
from voip.gateway.guests.invite import Invite, Invites, InviteState, OpenedAgainError
from voip.gateway.guests.linkbook import LinkBook
from voip.identity import guestlink
from voip.upkeep import VaultKeeper

ORIGIN = "https://talk.example"
SECRET = bytes(range(32))


@pytest.fixture
def store() -> VaultKeeper:
    """Give the store of somebody who has guests."""
    return person("alice", None)


def made(number: int = 1) -> Invite:
    invites = Invites(ORIGIN)
    return invites.make(number, 0.0, entropy=lambda _: SECRET, lifetime_s=60.0)[1]


def revoke(store: VaultKeeper, number: int) -> None:
    store.change(
        lambda vault: replace(
            vault,
            guest_links=guestlink.revoked(vault.guest_links, number, int(time.time())),
        )
    )


def test_a_link_is_there_when_the_program_starts_again(store: VaultKeeper) -> None:
    LinkBook(store, ORIGIN).add(made(), 60.0)
    (again,) = LinkBook(store, ORIGIN).invites(1000.0)

    assert (again.id, again.psk, again.label) == (made().id, made().psk, "link 1")
    assert 1050.0 < again.expires <= 1060.0


def test_a_link_of_another_page_is_not_served(store: VaultKeeper) -> None:
    LinkBook(store, ORIGIN).add(made(), 60.0)

    assert LinkBook(store, "https://other.example").invites(0.0) == []


def test_an_expired_link_is_not_served(store: VaultKeeper) -> None:
    LinkBook(store, ORIGIN).add(made(), 0.5)

    assert LinkBook(store, ORIGIN).invites(0.0) == []


async def test_a_spent_link_stays_spent(store: VaultKeeper) -> None:
    LinkBook(store, ORIGIN).add(made(), 60.0)
    await LinkBook(store, ORIGIN).spend(made())
    (again,) = LinkBook(store, ORIGIN).invites(0.0)

    assert again.state(0.0) is InviteState.SPENT
    with pytest.raises(OpenedAgainError):
        again.hold(bytes(32), 0.0)


async def test_two_programs_do_not_spend_one_link(store: VaultKeeper) -> None:
    LinkBook(store, ORIGIN).add(made(), 60.0)
    await LinkBook(store, ORIGIN).spend(made())

    with pytest.raises(RefusedError, match="revoked, used or expired"):
        await LinkBook(store, ORIGIN).spend(made())


async def test_a_revoked_link_is_not_spent(store: VaultKeeper) -> None:
    book = LinkBook(store, ORIGIN)
    book.add(made(), 60.0)
    revoke(store, 1)

    assert made().id not in book.unused()
    with pytest.raises(RefusedError, match="revoked, used or expired"):
        await book.spend(made())


def test_numbers_go_on_where_they_were(store: VaultKeeper) -> None:
    book = LinkBook(store, ORIGIN)
    numbers = [book.next_number()]
    book.add(made(1), 60.0)

    assert [*numbers, book.next_number()] == [1, 2]


async def test_of_a_spent_link_no_key_is_kept(store: VaultKeeper) -> None:
    LinkBook(store, ORIGIN).add(made(), 60.0)
    await LinkBook(store, ORIGIN).spend(made())
    (link,) = store.read().guest_links

    assert link.psk == b""


def test_the_secret_of_a_link_is_not_kept(store: VaultKeeper) -> None:
    LinkBook(store, ORIGIN).add(made(), 60.0)
    (link,) = store.read().guest_links

    assert SECRET not in (link.psk, link.invite_id)
