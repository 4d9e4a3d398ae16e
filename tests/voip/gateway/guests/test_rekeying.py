"""The epochs of a guest's keys: asked for, answered, and due."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from voip.errors import HandshakeError, RefusedError
from voip.gateway.guests import handshake
from voip.gateway.guests.commands import UseKeys
from voip.gateway.guests.handshake import Role
from voip.gateway.guests.rekeying import REKEY_EVERY_S, REKEY_S, Rekeying

SECRET = bytes(range(64))
OURS = b"\x77" * 32
THEIRS = X25519PrivateKey.from_private_bytes(b"\x88" * 32)


def talking() -> Rekeying:
    rekeying = Rekeying(SECRET, lambda _: OURS)
    rekeying.talking(0.0)
    return rekeying


def keys(secret: bytes, epoch: int) -> UseKeys:
    send, receive = (
        (
            handshake.frame_key(secret, role, epoch),
            handshake.frame_kid(role, epoch),
        )
        for role in (Role.GATEWAY, Role.GUEST)
    )
    return UseKeys(send, receive)


def test_nothing_is_due_before_media() -> None:
    assert Rekeying(SECRET, lambda _: OURS).due_at == float("inf")


def test_the_first_keys_are_those_of_the_secret() -> None:
    assert talking().keys() == keys(SECRET, 0)


def test_an_answer_brings_the_next_epoch() -> None:
    rekeying = talking()
    asked = rekeying.ask(REKEY_EVERY_S)
    ack = handshake.rekey_fields(1, THEIRS)
    secret = handshake.next_secret(SECRET, THEIRS, rekey=asked.fields, ack=ack)

    assert rekeying.answered(ack, REKEY_EVERY_S) == keys(secret, 1)
    assert rekeying.epoch == 1


def test_what_is_due_is_an_answer_and_then_the_next_question() -> None:
    rekeying = talking()
    due = [(rekeying.due_at, rekeying.is_asked)]
    rekeying.ask(REKEY_EVERY_S)
    due.append((rekeying.due_at, rekeying.is_asked))
    rekeying.answered(handshake.rekey_fields(1, THEIRS), 130.0)
    due.append((rekeying.due_at, rekeying.is_asked))

    assert due == [
        (REKEY_EVERY_S, False),
        (REKEY_EVERY_S + REKEY_S, True),
        (130.0 + REKEY_EVERY_S, False),
    ]


def test_an_answer_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(RefusedError, match="REKEY_ACK without REKEY"):
        talking().answered(bytes(36), 1.0)


def test_a_bad_answer_changes_no_keys() -> None:
    rekeying = talking()
    rekeying.ask(1.0)
    with pytest.raises(HandshakeError):
        rekeying.answered(b"\0\0\0\1" + bytes(32), 2.0)

    assert (rekeying.epoch, rekeying.keys()) == (0, keys(SECRET, 0))
