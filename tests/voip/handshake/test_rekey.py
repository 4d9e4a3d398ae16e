from collections.abc import Callable

import pytest

from voip.errors import HandshakeError, MalformedError
from voip.handshake import kem
from voip.handshake.rekey import ACK_BYTES, REKEY_BYTES, NewEpoch, Rekeying
from voip.handshake.schedule import Role

Entropy = Callable[[int], bytes]
S_0 = b"s" * 64


@pytest.fixture
def caller() -> Rekeying:
    return Rekeying(Role.CALLER, S_0)


@pytest.fixture
def callee() -> Rekeying:
    return Rekeying(Role.CALLEE, S_0)


def answer(
    side: Rekeying, fields: bytes, entropy: Entropy
) -> tuple[bytes | None, NewEpoch | None]:
    return side.receive_rekey(fields, entropy=entropy, encapsulate=kem.encapsulate)


def rekey(
    initiator: Rekeying, responder: Rekeying, entropy: Entropy
) -> tuple[NewEpoch, NewEpoch]:
    """One exchange without trouble."""
    ack, theirs = answer(responder, initiator.start(entropy), entropy)
    assert ack is not None
    assert theirs is not None
    return initiator.receive_ack(ack), theirs


def test_both_sides_get_the_same_secret(
    caller: Rekeying, callee: Rekeying, entropy: Entropy
) -> None:
    ours, theirs = rekey(caller, callee, entropy)

    assert ours.secret == theirs.secret != S_0
    assert (ours.number, theirs.number) == (1, 1)
    assert (ours.initiator, theirs.initiator) == (True, False)


def test_either_side_may_start_and_epochs_go_on(
    caller: Rekeying, callee: Rekeying, entropy: Entropy
) -> None:
    rekey(caller, callee, entropy)
    ours, theirs = rekey(callee, caller, entropy)

    assert ours.secret == theirs.secret
    assert ours.number == 2


def test_messages_have_their_sizes(
    caller: Rekeying, callee: Rekeying, entropy: Entropy
) -> None:
    fields = caller.start(entropy)
    ack, _ = answer(callee, fields, entropy)

    assert ack is not None
    assert (len(fields), len(ack)) == (REKEY_BYTES, ACK_BYTES) == (1220, 1124)


def test_the_same_kem_and_seeds_give_the_same_bytes(callee: Rekeying) -> None:
    def replay(_: bytes) -> tuple[bytes, bytes]:
        return b"\x44" * 32, b"\x88" * 1088

    fields = Rekeying(Role.CALLER, S_0).start(lambda size: b"\x01" * size)
    ack, epoch = callee.receive_rekey(
        fields, entropy=lambda size: b"\x02" * size, encapsulate=replay
    )

    assert ack is not None
    assert ack[36:] == b"\x88" * 1088
    assert epoch is not None
    assert epoch.secret[:16].hex() == "a4802b5144a6ad5a85395a1aa10271a9"


def test_starting_again_gives_the_same_bytes(
    caller: Rekeying, entropy: Entropy
) -> None:
    first = caller.start(entropy)

    assert caller.start(entropy) == first
    assert caller.is_pending


def test_the_same_rekey_again_gets_the_same_answer(
    caller: Rekeying, callee: Rekeying, entropy: Entropy
) -> None:
    fields = caller.start(entropy)
    ack, _ = answer(callee, fields, entropy)

    assert answer(callee, fields, entropy) == (ack, None)


def test_when_both_start_the_callers_rekey_counts(
    caller: Rekeying, callee: Rekeying, entropy: Entropy
) -> None:
    from_caller, from_callee = caller.start(entropy), callee.start(entropy)

    assert answer(caller, from_callee, entropy) == (None, None)
    ack, theirs = answer(callee, from_caller, entropy)
    assert ack is not None
    assert theirs is not None
    assert caller.receive_ack(ack).secret == theirs.secret
    assert not callee.is_pending


def test_a_rekey_for_an_epoch_that_is_there_is_ignored(
    caller: Rekeying, callee: Rekeying, entropy: Entropy
) -> None:
    lost_glare = callee.start(entropy)
    ack, _ = answer(callee, caller.start(entropy), entropy)
    assert ack is not None
    caller.receive_ack(ack)

    assert answer(caller, lost_glare, entropy) == (None, None)


def test_a_rekey_for_a_later_epoch_is_refused(
    callee: Rekeying, entropy: Entropy
) -> None:
    ahead = Rekeying(Role.CALLER, S_0)
    rekey(ahead, Rekeying(Role.CALLEE, S_0), entropy)

    with pytest.raises(HandshakeError, match="expected epoch 1, came 2"):
        answer(callee, ahead.start(entropy), entropy)


def test_an_answer_nobody_asked_for_is_refused(caller: Rekeying) -> None:
    with pytest.raises(HandshakeError, match="nothing was asked"):
        caller.receive_ack(b"\0\0\0\1" + bytes(ACK_BYTES - 4))


def test_an_answer_for_another_epoch_is_refused(
    caller: Rekeying, callee: Rekeying, entropy: Entropy
) -> None:
    ack, _ = answer(callee, caller.start(entropy), entropy)
    assert ack is not None

    with pytest.raises(HandshakeError, match="expected epoch 1, came 2"):
        caller.receive_ack(b"\0\0\0\2" + ack[4:])


def test_a_doctored_answer_gives_different_secrets(
    caller: Rekeying, callee: Rekeying, entropy: Entropy
) -> None:
    ack, theirs = answer(callee, caller.start(entropy), entropy)
    assert ack is not None
    assert theirs is not None

    ours = caller.receive_ack(ack[:-1] + bytes([ack[-1] ^ 1]))

    assert ours.secret != theirs.secret


def test_a_low_order_point_is_refused_and_nothing_changes(
    caller: Rekeying, callee: Rekeying, entropy: Entropy
) -> None:
    fields = caller.start(entropy)
    ack, _ = answer(callee, fields, entropy)
    assert ack is not None

    with pytest.raises(HandshakeError, match="public key refused"):
        answer(
            Rekeying(Role.CALLEE, S_0), fields[:4] + bytes(32) + fields[36:], entropy
        )
    with pytest.raises(HandshakeError, match="public key refused"):
        caller.receive_ack(ack[:4] + bytes(32) + ack[36:])
    assert caller.receive_ack(ack).number == 1


def test_a_bad_kem_key_is_refused(
    caller: Rekeying, callee: Rekeying, entropy: Entropy
) -> None:
    fields = caller.start(entropy)

    with pytest.raises(HandshakeError, match="encapsulation key refused"):
        answer(callee, fields[:36] + b"\xff" * 1184, entropy)


@pytest.mark.parametrize("change", [-1, 1])
def test_another_length_is_malformed(
    caller: Rekeying, entropy: Entropy, change: int
) -> None:
    with pytest.raises(MalformedError, match="expected 1220 bytes"):
        answer(caller, bytes(REKEY_BYTES + change), entropy)
    with pytest.raises(MalformedError, match="expected 1124 bytes"):
        caller.receive_ack(bytes(ACK_BYTES + change))


def test_secrets_are_not_shown(caller: Rekeying, entropy: Entropy) -> None:
    caller.start(entropy)
    epoch = NewEpoch(1, b"s" * 64, initiator=True)

    assert repr(epoch) == "NewEpoch(number=1, initiator=True)"
    assert "sss" not in repr(caller)
