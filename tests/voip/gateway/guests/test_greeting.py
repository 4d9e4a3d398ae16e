"""An answer to HELLO: who has the link gets one, and nobody else."""

import random

import pytest

from tests.voip.gateway.guesthandshake import Asking
from voip.errors import HandshakeError, RefusedError
from voip.gateway.guests.greeting import Greeted, greet
from voip.gateway.guests.handshake import Media
from voip.gateway.guests.invite import MAX_FAILURES, Invite, Invites, OpenedAgainError

SECRET = bytes(range(32))
ORIGIN = "https://talk.example"
NONCE = b"\xaa" * 32


def made() -> Invite:
    invites = Invites(ORIGIN)
    return invites.make(1, 0.0, entropy=lambda _: SECRET, lifetime_s=3600.0)[1]


def greeted(invite: Invite, hello: bytes, *, origin: str = ORIGIN) -> Greeted:
    return greet(
        invite,
        hello,
        origin=origin,
        alias="alice",
        media=Media.AUDIO,
        fingerprint=b"\x66" * 32,
        now=1.0,
        entropy=random.Random("host").randbytes,
    )


def hello(asking: Asking) -> bytes:
    return asking.hello(NONCE, b"\x55" * 32, entropy=random.Random("guest").randbytes)


def test_guest_and_host_have_the_same_keys_and_names() -> None:
    asking = Asking(SECRET, ORIGIN)
    answer = greeted(made(), hello(asking))
    reply, keys = asking.finish(answer.reply)

    assert (reply.alias, reply.media, reply.fingerprint) == (
        "alice",
        Media.AUDIO,
        b"\x66" * 32,
    )
    assert (answer.resume_id, answer.call.hello.name) == (keys.resume_id, "Bob")


def test_who_greeted_holds_the_invite() -> None:
    invite = made()
    answer = greeted(invite, hello(Asking(SECRET, ORIGIN)))
    invite.spend(answer.holder, 2.0)

    assert invite.label == "link 1"


def test_a_hello_for_another_page_counts_as_a_wrong_tag() -> None:
    invite = made()
    wrong = hello(Asking(SECRET, "https://evil.example"))
    for _ in range(MAX_FAILURES):
        with pytest.raises(HandshakeError):
            greeted(invite, wrong)

    with pytest.raises(RefusedError, match="tried too often"):
        greeted(invite, hello(Asking(SECRET, ORIGIN)))


def test_a_link_that_was_spent_before_is_known_by_its_id() -> None:
    invite = made()
    invite.was_spent()

    assert invite.psk == b""
    with pytest.raises(OpenedAgainError):
        greeted(invite, hello(Asking(SECRET, ORIGIN)))
