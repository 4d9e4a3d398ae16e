"""Invites: one call, once, before their expiry, whoever races for them."""

from collections.abc import Callable

import pytest

from voip.errors import LimitError, MalformedError, RefusedError
from voip.gateway.guests.handshake import invite_id, invite_psk
from voip.gateway.guests.invite import (
    HOLD_S,
    LONGEST_S,
    MAX_FAILURES,
    MAX_HELLOS,
    MAX_INVITES,
    Invite,
    Invites,
    InviteState,
    OpenedAgainError,
    format_link,
    host_of,
    parse_origin,
)

SECRET = bytes(range(32))
ORIGIN = "https://talk.example"
MADE, HELD, SPENT, DEAD = InviteState


def secret(_size: int) -> bytes:
    return SECRET


def made() -> Invite:
    _, invite = Invites(ORIGIN).make(
        1, 0.0, entropy=lambda _: SECRET, lifetime_s=3600.0
    )
    return invite


def hello(number: int) -> bytes:
    return number.to_bytes(32)


def test_the_link_is_frozen() -> None:
    link, _ = Invites(ORIGIN).make(1, 0.0, entropy=secret, lifetime_s=60.0)

    assert link == (
        "https://talk.example/#1aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq"
    )


def test_only_what_a_hello_proves_is_kept() -> None:
    invite = made()

    assert (invite.id, invite.psk) == (invite_id(SECRET), invite_psk(SECRET))


def test_secrets_are_not_shown() -> None:
    assert "psk" not in repr(made())


def test_an_invite_is_found_by_its_id() -> None:
    invites = Invites(ORIGIN)
    _, invite = invites.make(1, 0.0, entropy=secret, lifetime_s=60.0)

    assert invites.find(invite_id(SECRET)) is invite


def test_an_unknown_id_is_refused() -> None:
    with pytest.raises(RefusedError, match="none of this id"):
        Invites(ORIGIN).find(bytes(16))


def test_a_valid_hello_holds_it() -> None:
    invite = made()
    invite.hold(hello(1), 1.0)

    assert invite.state(1.0 + HOLD_S - 0.1) is HELD


def test_without_confirm_it_can_be_used_again() -> None:
    invite = made()
    invite.hold(hello(1), 1.0)

    assert invite.state(1.0 + HOLD_S) is MADE


def test_confirm_spends_it() -> None:
    invite = made()
    invite.spend(invite.hold(hello(1), 1.0), 2.0)

    assert invite.state(3.0) is SPENT


def test_a_late_confirm_does_not_spend_it() -> None:
    invite = made()
    holder = invite.hold(hello(1), 1.0)

    with pytest.raises(RefusedError, match="no longer held"):
        invite.spend(holder, 1.0 + HOLD_S)


def test_of_two_guests_the_later_one_gets_it() -> None:
    invite = made()
    first, second = invite.hold(hello(1), 1.0), invite.hold(hello(2), 1.5)
    with pytest.raises(RefusedError, match="no longer held by this connection"):
        invite.spend(first, 2.0)
    invite.spend(second, 2.0)

    assert invite.state(2.0) is SPENT


def test_a_spent_invite_says_that_it_was_opened_again() -> None:
    invite = made()
    invite.spend(invite.hold(hello(1), 1.0), 2.0)

    with pytest.raises(OpenedAgainError):
        invite.hold(hello(2), 3.0)


def test_a_spent_invite_stays_spent_after_its_expiry() -> None:
    invite = made()
    invite.spend(invite.hold(hello(1), 1.0), 2.0)

    assert invite.state(1e9) is SPENT


def test_a_hello_that_was_recorded_does_not_take_the_guests_place() -> None:
    invite = made()
    holder = invite.hold(hello(1), 1.0)
    with pytest.raises(RefusedError, match="this hello came before"):
        invite.hold(hello(1), 1.1)
    invite.spend(holder, 2.0)

    assert invite.state(2.0) is SPENT


def test_an_expired_invite_is_dead() -> None:
    invite = made()
    invite.check_open(3599.9)

    with pytest.raises(RefusedError, match="expired, or tried too often"):
        invite.check_open(3600.0)


def test_an_expired_invite_takes_no_hello() -> None:
    with pytest.raises(RefusedError, match="expired"):
        made().hold(hello(1), 3600.0)


def test_an_invite_that_was_guessed_at_is_dead() -> None:
    invite = made()
    for _ in range(MAX_FAILURES):
        assert invite.state(0.0) is MADE
        invite.failed()

    assert invite.state(0.0) is DEAD


def test_an_invite_takes_a_bounded_number_of_hellos() -> None:
    invite = made()
    for number in range(MAX_HELLOS):
        invite.hold(hello(number), 1.0)

    with pytest.raises(LimitError, match="opened 32 times"):
        invite.hold(hello(MAX_HELLOS), 1.0)


@pytest.mark.parametrize("lifetime_s", [0.0, -1.0, LONGEST_S + 1])
def test_a_life_out_of_bounds_is_refused(lifetime_s: float) -> None:
    with pytest.raises(LimitError, match="expected a life of at most 604800 s"):
        Invites(ORIGIN).make(1, 0.0, entropy=lambda _: SECRET, lifetime_s=lifetime_s)


def test_there_are_not_more_invites_than_a_gateway_holds(
    entropy: Callable[[int], bytes],
) -> None:
    invites = Invites(ORIGIN)
    for number in range(MAX_INVITES):
        invites.make(number, 0.0, entropy=entropy, lifetime_s=3600.0)

    with pytest.raises(LimitError, match="there are 256 already"):
        invites.make(300, 0.0, entropy=entropy, lifetime_s=3600.0)


def test_open_are_those_that_somebody_can_still_come_with(
    entropy: Callable[[int], bytes],
) -> None:
    invites = Invites(ORIGIN)
    one, two, three, four = (
        invites.make(number, 0.0, entropy=entropy, lifetime_s=60.0 * number)[1]
        for number in (1, 2, 3, 4)
    )
    two.spend(two.hold(hello(1), 1.0), 1.0)
    three.revoke()
    four.hold(hello(1), 60.0)

    assert (one.state(60.0), invites.open(60.0)) == (DEAD, [four])


def test_a_revoked_invite_is_dead() -> None:
    invite = made()
    invite.revoke()

    assert invite.state(1.0) is DEAD


def test_who_came_with_an_invite_before_it_was_revoked_stays() -> None:
    invite = made()
    invite.spend(invite.hold(hello(1), 1.0), 1.0)
    invite.revoke()

    assert invite.state(1.0) is SPENT


def test_an_invite_that_was_spent_before_is_opened_again() -> None:
    invite = made()
    invite.was_spent()

    with pytest.raises(OpenedAgainError):
        invite.hold(hello(1), 1.0)


def test_an_invite_is_called_by_its_number() -> None:
    assert made().label == "link 1"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://talk.example", "https://talk.example"),
        ("https://talk.example/", "https://talk.example"),
        ("https://talk.example:8443", "https://talk.example:8443"),
        ("http://127.0.0.1:8480", "http://127.0.0.1:8480"),
        ("http://localhost:8480", "http://localhost:8480"),
        ("http://[::1]:8480", "http://[::1]:8480"),
    ],
)
def test_an_origin_is_spelt_as_browsers_do(url: str, origin: str) -> None:
    assert parse_origin(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://talk.example",
        "ftp://talk.example",
        "talk.example",
        "https://",
        "https://Talk.example",
        "https://talk.example/room",
        "https://user@talk.example",
        "https://talk.example?x",
        "https://talk.example#x",
        "https://talk.example:443",
        "http://127.0.0.1:80",
        "https://talk.example:x",
        "https://täglich.example",
        "https://[::1",
        "https://" + "x" * 200,
        "https://" + "x" * 60 + ":8443",
    ],
    ids=range(16),
)
def test_what_no_browser_calls_an_origin_is_refused(url: str) -> None:
    with pytest.raises(MalformedError, match="url: "):
        parse_origin(url)


def test_the_host_is_what_guests_trust() -> None:
    assert host_of("https://talk.example:8443") == "talk.example:8443"


def test_a_link_is_the_origin_and_53_characters() -> None:
    link = format_link(ORIGIN, SECRET)

    assert len(link.partition("#")[2]) == 53
