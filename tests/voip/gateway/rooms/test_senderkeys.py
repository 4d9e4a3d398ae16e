"""Sender keys: who comes cannot open what was, who goes cannot open what will be."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import LimitError, MalformedError, RefusedError
from voip.gateway.rooms.senderkeys import (
    MAX_AHEAD,
    MAX_CANDIDATES,
    MAX_MEMBERS,
    MAX_OLD,
    MAX_TOLD,
    OLD_KEY_S,
    SWITCH_S,
    HeardKeys,
    InUse,
    SendingKey,
    frame_kid,
    ratchet,
    room_index,
)
from voip.media.sframe import Sealer, parse_header
from voip.signalling.group import SenderKey

GROUP = bytes(range(16))
ALICE, BOB, CAROL = (bytes([each]) * 48 for each in (1, 2, 3))
METADATA = b"\x01"


def seal(in_use: InUse, said: bytes = b"hello") -> bytes:
    return Sealer(*in_use).seal(said, METADATA)


def opens(keys: HeardKeys, sealed: bytes, now: float = 0.0) -> tuple[bytes, bytes]:
    return keys.open(parse_header(sealed), sealed, METADATA, now)


@pytest.fixture
def alice(entropy: Callable[[int], bytes]) -> SendingKey:
    return SendingKey(GROUP, ALICE, entropy=entropy)


def heard(*told: SenderKey, now: float = 0.0) -> HeardKeys:
    keys = HeardKeys(GROUP)
    for each in told:
        keys.take(ALICE, each, now)
    return keys


def test_a_member_opens_what_another_one_says(alice: SendingKey) -> None:
    keys = heard(alice.joined())

    assert opens(keys, seal(alice.in_use)) == (ALICE, b"hello")


def test_who_told_no_key_is_missed(alice: SendingKey) -> None:
    keys = heard(alice.joined())

    assert keys.has_all([ALICE])
    assert not keys.has_all([ALICE, BOB])


def test_the_index_is_two_bytes_of_a_hash_of_room_and_member() -> None:
    assert room_index(GROUP, ALICE) == 0x0393
    assert frame_kid(0x0393, 0x1FE) == 0x0393FE


def test_a_key_ratchets_as_the_format_says() -> None:
    assert ratchet(bytes(range(64)), 1).hex()[:32] == "83d1efcc4d03c778b53957313fe2883b"


def test_who_comes_cannot_open_what_was_said_before(alice: SendingKey) -> None:
    alice.joined()
    before = seal(alice.in_use)
    keys = heard(alice.joined())

    with pytest.raises(MalformedError, match="no member's key"):
        opens(keys, before)


def test_who_was_there_ratchets_when_somebody_comes(alice: SendingKey) -> None:
    keys = heard(alice.joined())
    alice.joined()

    assert opens(keys, seal(alice.in_use)) == (ALICE, b"hello")


def test_who_goes_cannot_open_what_is_said_after_the_switch(alice: SendingKey) -> None:
    leaver = heard(alice.joined())
    alice.left([CAROL], now=0.0)
    alice.tick(SWITCH_S)

    with pytest.raises(MalformedError, match="no member's key"):
        opens(leaver, seal(alice.in_use))


def test_the_old_key_is_in_use_until_all_who_stay_have_the_new_one(
    alice: SendingKey,
) -> None:
    before = alice.in_use
    told = alice.left([BOB, CAROL], now=0.0)
    alice.acknowledged(BOB, told.epoch, now=0.1)

    assert alice.in_use == before


def test_the_new_key_is_used_once_all_who_stay_have_it(alice: SendingKey) -> None:
    told = alice.left([BOB, CAROL], now=0.0)
    alice.acknowledged(BOB, told.epoch, now=0.1)
    alice.acknowledged(CAROL, told.epoch, now=0.2)

    assert alice.in_use.key == told.key


def test_the_new_key_is_used_at_once_if_nobody_stays(alice: SendingKey) -> None:
    told = alice.left([], now=0.0)

    assert (alice.in_use.key, alice.epoch) == (told.key, 1)


def test_nobody_waits_for_one_more_who_goes(alice: SendingKey) -> None:
    first = alice.left([BOB, CAROL], now=0.0)
    alice.acknowledged(BOB, first.epoch, now=0.1)
    alice.gone(CAROL)
    alice.tick(0.2)

    assert alice.in_use.key == first.key


def test_an_acknowledgement_of_an_older_key_is_none_of_a_newer(
    alice: SendingKey,
) -> None:
    first = alice.left([BOB], now=0.0)
    second = alice.left([BOB], now=0.1)
    alice.acknowledged(BOB, first.epoch, now=0.2)

    assert alice.in_use.key == first.key
    assert second.epoch == first.epoch + 1


def test_a_second_who_goes_does_not_give_the_first_more_time(alice: SendingKey) -> None:
    told = alice.left([BOB, CAROL], now=0.0)
    alice.left([BOB], now=0.9)
    alice.tick(1.0)

    assert alice.in_use.key == told.key


def test_a_key_that_is_due_makes_older_ones_forgotten(alice: SendingKey) -> None:
    alice.left([BOB, CAROL], now=0.0)
    second = alice.left([BOB], now=0.1)
    alice.acknowledged(BOB, second.epoch, now=0.2)
    alice.tick(SWITCH_S)

    assert alice.in_use.key == second.key


def test_who_comes_while_a_key_is_new_gets_one_made_of_it(alice: SendingKey) -> None:
    stays = heard(alice.joined())
    new = alice.left([BOB], now=0.0)
    stays.take(ALICE, new, 0.0)
    comes = heard(alice.joined())
    alice.acknowledged(BOB, new.epoch, now=0.1)
    sealed = seal(alice.in_use)

    assert opens(stays, sealed) == opens(comes, sealed) == (ALICE, b"hello")


def test_a_leaver_cannot_ratchet_to_what_who_comes_next_is_told(
    alice: SendingKey,
) -> None:
    leaver = heard(alice.joined())
    alice.left([CAROL], now=0.0)
    alice.joined()
    alice.tick(SWITCH_S)

    with pytest.raises(MalformedError, match="no member's key"):
        opens(leaver, seal(alice.in_use))


def test_what_was_on_its_way_opens_for_a_while(alice: SendingKey) -> None:
    keys = heard(alice.joined())
    late = seal(alice.in_use)
    keys.take(ALICE, alice.left([BOB], now=0.0), 0.0)

    assert opens(keys, late, now=OLD_KEY_S - 0.1) == (ALICE, b"hello")


def test_an_old_key_opens_nothing_after_its_time(alice: SendingKey) -> None:
    keys = heard(alice.joined())
    late = seal(alice.in_use)
    keys.take(ALICE, alice.left([BOB], now=0.0), 0.0)

    with pytest.raises(MalformedError, match="no member's key"):
        opens(keys, late, now=OLD_KEY_S)


def test_an_old_key_is_forgotten_after_its_time(alice: SendingKey) -> None:
    keys = heard(alice.joined())
    late = seal(alice.in_use)
    keys.take(ALICE, alice.left([BOB], now=0.0), 0.0)
    keys.tick(1.0)
    keys.tick(OLD_KEY_S)

    with pytest.raises(MalformedError, match="no member's key"):
        opens(keys, late, now=1.0)


def test_a_frame_opens_once(alice: SendingKey) -> None:
    keys = heard(alice.joined())
    sealed = seal(alice.in_use)
    opens(keys, sealed)

    with pytest.raises(MalformedError, match="no member's key"):
        opens(keys, sealed)


def test_a_frame_of_an_epoch_far_ahead_is_not_looked_for(alice: SendingKey) -> None:
    keys = heard(alice.joined())
    for _ in range(MAX_AHEAD + 1):
        alice.joined()

    with pytest.raises(MalformedError, match="no member's key"):
        opens(keys, seal(alice.in_use))


def test_a_forged_epoch_moves_nobody_on(alice: SendingKey) -> None:
    keys = heard(alice.joined())
    kid = alice.in_use.kid
    forged = Sealer(bytes(64), kid + 1).seal(b"x", METADATA)
    with pytest.raises(MalformedError, match="no member's key"):
        opens(keys, forged)

    assert opens(keys, seal(alice.in_use)) == (ALICE, b"hello")


def test_a_key_of_the_same_epoch_again_is_fine(alice: SendingKey) -> None:
    told = alice.joined()
    keys = heard(told, told)

    assert opens(keys, seal(alice.in_use)) == (ALICE, b"hello")


def test_a_key_that_goes_back_is_refused(alice: SendingKey) -> None:
    first, second = alice.joined(), alice.joined()

    with pytest.raises(RefusedError, match="expected an epoch after 2, came 1"):
        heard(second, first)


def test_another_key_for_an_epoch_is_refused(alice: SendingKey) -> None:
    told = alice.joined()
    other = SenderKey(GROUP, told.index, epoch=told.epoch, key=bytes(64))

    with pytest.raises(RefusedError, match="expected an epoch after"):
        heard(told, other)


def test_a_key_for_the_index_of_somebody_else_is_refused(alice: SendingKey) -> None:
    with pytest.raises(RefusedError, match="expected index"):
        HeardKeys(GROUP).take(BOB, alice.joined(), 0.0)


def test_a_key_of_another_room_is_refused(entropy: Callable[[int], bytes]) -> None:
    elsewhere = SendingKey(bytes(16), ALICE, entropy=entropy)

    with pytest.raises(RefusedError, match="expected index"):
        heard(elsewhere.joined())


def test_more_members_than_a_room_has_are_refused(
    entropy: Callable[[int], bytes],
) -> None:
    keys = HeardKeys(GROUP)
    others = [bytes([each]) * 48 for each in range(MAX_MEMBERS)]
    for each in others[:-1]:
        keys.take(each, SendingKey(GROUP, each, entropy=entropy).joined(), 0.0)
    one_more = SendingKey(GROUP, others[-1], entropy=entropy)

    with pytest.raises(LimitError, match="more than 15"):
        keys.take(others[-1], one_more.joined(), 0.0)


def test_nothing_of_who_left_opens(alice: SendingKey) -> None:
    keys = heard(alice.joined())
    keys.drop(ALICE)

    with pytest.raises(MalformedError, match="no member's key"):
        opens(keys, seal(alice.in_use))


def test_dropping_somebody_unknown_does_nothing() -> None:
    keys = HeardKeys(GROUP)
    keys.drop(BOB)

    with pytest.raises(MalformedError, match="no member's key"):
        opens(keys, seal(InUse(bytes(64), 5)))


def same_index(count: int) -> list[bytes]:
    """Find members that share an index."""
    found: dict[int, list[bytes]] = {}
    for number in range(1_000_000):
        member = number.to_bytes(4) * 12
        sharing = found.setdefault(room_index(GROUP, member), [])
        sharing.append(member)
        if len(sharing) == count:
            return sharing
    raise AssertionError("nobody shares an index")


def test_two_who_share_an_index_are_told_apart_by_their_keys(
    entropy: Callable[[int], bytes],
) -> None:
    keys = HeardKeys(GROUP)
    pair = same_index(2)
    own = {each: SendingKey(GROUP, each, entropy=entropy) for each in pair}
    for member, key in own.items():
        keys.take(member, key.joined(), 0.0)

    assert [opens(keys, seal(own[each].in_use))[0] for each in pair] == pair


def test_of_many_who_share_an_index_the_first_are_tried(
    entropy: Callable[[int], bytes],
) -> None:
    keys = HeardKeys(GROUP)
    sharing = same_index(MAX_CANDIDATES + 1)
    last = SendingKey(GROUP, sharing[-1], entropy=entropy)
    for member in sharing[:-1]:
        keys.take(member, SendingKey(GROUP, member, entropy=entropy).joined(), 0.0)
    keys.take(sharing[-1], last.joined(), 0.0)

    with pytest.raises(MalformedError, match="no member's key"):
        opens(keys, seal(last.in_use))


def test_old_keys_are_bounded(alice: SendingKey) -> None:
    keys = heard(alice.joined())
    first = seal(alice.in_use)
    for _ in range(MAX_OLD + 1):
        keys.take(ALICE, alice.joined(), 0.0)

    with pytest.raises(MalformedError, match="no member's key"):
        opens(keys, first)


def test_an_epoch_may_wrap_in_a_frame(alice: SendingKey) -> None:
    keys = HeardKeys(GROUP)
    for _ in range(300):
        told = alice.joined()
        keys.take(ALICE, told, 0.0)

    assert opens(keys, seal(alice.in_use)) == (ALICE, b"hello")


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "later"])
def test_a_key_of_an_epoch_that_nobody_reaches_is_refused(
    alice: SendingKey, *, is_first: bool
) -> None:
    keys = HeardKeys(GROUP) if is_first else heard(alice.joined())
    told = SenderKey(GROUP, room_index(GROUP, ALICE), epoch=MAX_TOLD + 1, key=bytes(64))

    with pytest.raises(RefusedError, match="expected an epoch of at most 2147483648"):
        keys.take(ALICE, told, 0.0)


def test_no_epoch_is_looked_for_after_the_last_one(alice: SendingKey) -> None:
    keys = heard(alice.joined())
    keys._chains[ALICE].newest.epoch = 2**32 - 1
    beyond = InUse(bytes(64), frame_kid(room_index(GROUP, ALICE), 2**32 + 3))

    with pytest.raises(MalformedError, match="no member's key"):
        opens(keys, seal(beyond))


def test_a_key_shows_nothing_of_itself(alice: SendingKey) -> None:
    assert repr(alice) == "SendingKey(epoch 0, 0 to come)"


@given(st.integers(0, 2**32), st.integers(5, 60))
def test_members_who_come_and_go_open_what_they_should_and_nothing_else(
    seed: int, steps: int
) -> None:
    """Of one sender; every frame is tried by all who ever were there."""
    luck = random.Random(seed)
    sender = SendingKey(GROUP, ALICE, entropy=luck.randbytes)
    now = 0.0
    sealers: dict[InUse, Sealer] = {}

    def say(said: bytes) -> bytes:
        in_use = sender.in_use
        sealer = sealers.setdefault(in_use, Sealer(*in_use))
        return sealer.seal(said, METADATA)

    inside: dict[int, HeardKeys] = {}
    since: dict[int, int] = {}  # the first epoch that each was told of
    outside: dict[int, tuple[HeardKeys, float]] = {}
    waiting: list[tuple[int, SenderKey]] = []  # told, and not taken yet
    for number in range(steps):
        now += luck.random()
        sender.tick(now)
        if luck.random() < 0.4 and len(inside) < 6:
            newcomer = inside[number] = HeardKeys(GROUP)
            missed = say(b"missed")
            told = sender.joined()
            since[number] = told.epoch
            newcomer.take(ALICE, told, now)
            with pytest.raises(MalformedError):
                opens(newcomer, missed, now)
        elif luck.random() < 0.4 and inside:
            gone = luck.choice(sorted(inside))
            outside[gone] = inside.pop(gone), now
            waiting = [(who, told) for who, told in waiting if who != gone]
            sender.gone(bytes([gone]) * 48)
            told = sender.left((bytes([each]) * 48 for each in inside), now)
            waiting += [(each, told) for each in inside]
        else:
            for who, told in waiting:
                inside[who].take(ALICE, told, now)
                sender.acknowledged(bytes([who]) * 48, told.epoch, now)
            waiting = []
        sealed = say(bytes([number]))
        in_use = sender.in_use.kid & 0xFF  # of fewer than 256 epochs
        late = {who for who, _ in waiting} | {w for w in since if since[w] > in_use}
        for who, keys in inside.items():
            if who not in late:
                assert opens(keys, sealed, now) == (ALICE, bytes([number]))
        for keys, left_at in outside.values():
            if now - left_at >= SWITCH_S:
                with pytest.raises(MalformedError):
                    opens(keys, sealed, now)
