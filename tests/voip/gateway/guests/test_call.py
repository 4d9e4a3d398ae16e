"""The life of a guest's call, told as what goes in and what comes out."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from voip.description import Kind
from voip.errors import CallError, HandshakeError, RefusedError, TrustError
from voip.gateway.guests import handshake as guest
from voip.gateway.guests.call import (
    CONFIRM_S,
    DOOR_S,
    MAX_OFFERS,
    OFFER_S,
    OFFERS_S,
    QUIET_S,
    RESUME_S,
    SPEND_S,
    GuestCall,
    Stage,
)
from voip.gateway.guests.commands import (
    AskHost,
    Command,
    End,
    Pass,
    Say,
    Spend,
    StartMedia,
    UseKeys,
    Warn,
)
from voip.gateway.guests.handshake import GuestKeys, Hello, Media, Role
from voip.gateway.guests.messages import (
    Accept,
    Answer,
    Count,
    Counts,
    Direction,
    GuestMessage,
    Happening,
    Notice,
    Offer,
    Rekey,
    RekeyAck,
    Server,
)
from voip.gateway.guests.rekeying import REKEY_EVERY_S, REKEY_S
from voip.signalling.legs import Digits, Legs, LegsAck, Shown
from voip.signalling.messages import (
    Alerting,
    Confirm,
    Hangup,
    HangupReason,
    Ping,
    Pong,
    SasResult,
    State,
    Unknown,
)

NONCE, E_G = b"\xaa" * 32, b"\x11" * 32
KEYS = GuestKeys(bytes(range(64)), b"\xbb" * 32)
HELLO = Hello(guest.commitment(NONCE, E_G), bytes(32), media=Media.AUDIO, name="Bob")
NORMAL = Hangup(HangupReason.NORMAL, bytes(16))


def confirming() -> GuestCall:
    return GuestCall(
        HELLO, E_G, KEYS, now=0.0, entropy=random.Random("guest").randbytes
    )


def at_door() -> GuestCall:
    call = confirming()
    call.receive(Confirm(NONCE), 0.0)
    call.spent(0.0)
    return call


def accepted() -> GuestCall:
    call = at_door()
    call.accept(0.0)
    call.equip(())
    return call


def talking() -> GuestCall:
    call = accepted()
    call.receive(Offer("offer"), 0.0)
    call.answered("answer", 0.0)
    call.connected()
    return call


def alive(call: GuestCall, now: float) -> list[Command]:
    """Let a guest who speaks reach a time."""
    call.receive(Counts(()), now)
    return call.tick(now)


def ends(commands: Sequence[Command]) -> list[tuple[HangupReason, str]]:
    return [(each.reason, each.why) for each in commands if isinstance(each, End)]


def spending() -> GuestCall:
    call = confirming()
    call.receive(Confirm(NONCE), 0.0)
    return call


def test_a_link_is_spent_before_anybody_hears_that_it_worked() -> None:
    call = confirming()

    assert call.receive(Confirm(NONCE), 1.0) == [Spend()]
    assert call.tell(Legs(1)) == []


def test_a_spent_link_brings_the_guest_to_the_door() -> None:
    assert spending().spent(1.0) == [AskHost(KEYS.sas(NONCE)), Say(Alerting())]


def test_a_guest_who_left_while_his_link_was_noted_is_not_at_the_door() -> None:
    call = spending()
    call.receive(NORMAL, 1.0)

    assert call.spent(1.0) == []


def test_confirm_while_the_link_is_noted_is_refused() -> None:
    with pytest.raises(RefusedError, match="CONFIRM came twice"):
        spending().receive(Confirm(NONCE), 1.0)


def test_another_nonce_than_promised_is_an_attack() -> None:
    with pytest.raises(TrustError, match="not the one that was committed to"):
        confirming().receive(Confirm(bytes(32)), 1.0)


def test_confirm_twice_is_refused() -> None:
    with pytest.raises(RefusedError, match="CONFIRM came twice"):
        at_door().receive(Confirm(NONCE), 1.0)


@pytest.mark.parametrize(
    "message", [Offer("v"), SasResult(matched=True), Counts(())], ids=["o", "s", "c"]
)
def test_nothing_comes_before_confirm(message: GuestMessage) -> None:
    with pytest.raises(RefusedError, match="while confirming"):
        confirming().receive(message, 1.0)


def test_accept_tells_the_guest_which_servers_to_use() -> None:
    server = Server("turn:talk.example", "1:a", credential="b")

    call = at_door()
    call.accept(1.0)

    assert call.equip((server,)) == [Say(Accept((server,)))]


def test_a_guest_in_the_call_hears_of_fresh_servers() -> None:
    assert talking().equip(()) == [Say(Accept(()))]


def test_nobody_outside_hears_of_servers() -> None:
    call = accepted()
    call.receive(NORMAL, 1.0)

    assert (at_door().equip(()), call.equip(())) == ([], [])


@pytest.mark.parametrize("make", [confirming, accepted, talking])
def test_nobody_is_let_in_who_is_not_at_the_door(make: type[GuestCall]) -> None:
    with pytest.raises(CallError, match="accepted while"):
        make().accept(1.0)  # type: ignore[call-arg]  # a function, not the class


def test_no_media_before_the_host_accepts() -> None:
    with pytest.raises(RefusedError, match="Offer while at the door"):
        at_door().receive(Offer("v=0"), 1.0)


def test_an_offer_starts_media() -> None:
    assert accepted().receive(Offer("v=0"), 1.0) == [StartMedia("v=0")]


def test_the_answer_is_sent() -> None:
    call = accepted()
    call.receive(Offer("v=0"), 1.0)

    assert (call.answered("v=1", 1.0), call.stage) == (
        [Say(Answer("v=1"))],
        Stage.TALKING,
    )


def test_a_further_answer_is_sent_likewise() -> None:
    assert talking().answered("v=2", 5.0) == [Say(Answer("v=2"))]


def test_an_answer_after_the_end_is_not_sent() -> None:
    call = talking()
    call.hang_up(HangupReason.NORMAL, "enough")

    assert call.answered("v=1", 1.0) == []


def test_a_further_offer_starts_anew_with_new_keys() -> None:
    commands = talking().receive(Offer("again"), 1.0)

    assert [type(each) for each in commands] == [StartMedia, Say]


def test_a_further_offer_while_keys_change_does_not_change_them_twice() -> None:
    call = talking()
    call.receive(Offer("again"), 1.0)

    assert call.receive(Offer("once more"), 2.0) == [StartMedia("once more")]


def test_offers_without_end_are_refused() -> None:
    call = accepted()
    for _ in range(MAX_OFFERS):
        call.receive(Offer("v=0"), 1.0)

    with pytest.raises(RefusedError, match="more than 20 connections in 300 s"):
        call.receive(Offer("v=0"), 1.0)


def test_a_long_call_may_lose_its_way_more_often() -> None:
    call = accepted()
    for number in range(2 * MAX_OFFERS):
        call.receive(Offer("v=0"), number * OFFERS_S / MAX_OFFERS)

    assert call.stage is Stage.ACCEPTED


@pytest.mark.parametrize(
    ("make", "after_s", "reason", "why"),
    [
        (confirming, CONFIRM_S, HangupReason.TIMEOUT, "the guest did not confirm"),
        (
            spending,
            SPEND_S,
            HangupReason.LOST,
            "the store of the host does not answer",
        ),
        (at_door, DOOR_S, HangupReason.TIMEOUT, "nobody opened the door"),
        (accepted, OFFER_S, HangupReason.TIMEOUT, "the guest set up no media"),
    ],
    ids=["confirm", "store", "door", "offer"],
)
def test_each_step_has_its_time(
    make: type[GuestCall], after_s: float, reason: HangupReason, why: str
) -> None:
    call = make()  # type: ignore[call-arg]  # a function, not the class
    call.receive(Ping(0), after_s - 0.1)
    before = ends(call.tick(after_s - 0.1))

    assert (before, ends(call.tick(after_s))) == ([], [(reason, why)])


def test_a_call_without_media_for_long_is_lost() -> None:
    call = talking()
    call.disconnected(10.0)

    assert (
        ends(alive(call, 10.0 + RESUME_S - 1)),
        ends(alive(call, 10 + RESUME_S)),
    ) == (
        [],
        [(HangupReason.LOST, "there is no way to the guest")],
    )


def test_a_call_whose_media_came_back_goes_on() -> None:
    call = talking()
    call.disconnected(10.0)
    call.connected()

    assert ends(alive(call, 10.0 + RESUME_S)) == []


def test_a_line_that_does_not_come_back_is_lost() -> None:
    call = talking()
    call.line_lost(5.0)

    assert ends(call.tick(5.0 + RESUME_S)) == [
        (HangupReason.LOST, "the guest's line is gone")
    ]


def test_a_line_that_comes_back_goes_on() -> None:
    call = talking()
    call.line_lost(5.0)
    call.resumed(5.0 + RESUME_S - 1)

    assert call.tick(5.0 + RESUME_S) == []


def test_a_guest_who_says_nothing_is_asked_and_then_lost() -> None:
    call = talking()
    asked = call.tick(QUIET_S)

    assert (asked, ends(call.tick(QUIET_S + RESUME_S))) == (
        [Say(Ping(1))],
        [(HangupReason.LOST, "the guest's line is gone")],
    )


def test_a_guest_who_answers_is_there() -> None:
    call = talking()
    call.tick(QUIET_S)
    call.receive(Pong(1), QUIET_S + 1)

    assert ends(alive(call, QUIET_S + RESUME_S)) == []


def test_a_ping_is_answered_if_it_asks() -> None:
    call = talking()

    assert (call.receive(Ping(7), 1.0), call.receive(Ping(0), 1.0)) == (
        [Say(Pong(7))],
        [],
    )


def test_a_message_of_a_later_version_is_ignored() -> None:
    assert talking().receive(Unknown(200, b""), 1.0) == []


@pytest.mark.parametrize(
    "message",
    [
        LegsAck(1, Shown.SHOWN),
        State(1, muted=True),
        Digits(1, "5"),
        SasResult(matched=True),
    ],
    ids=["legs", "state", "digits", "words"],
)
def test_what_is_for_others_is_handed_on(
    message: LegsAck | State | Digits | SasResult,
) -> None:
    assert talking().receive(message, 1.0) == [Pass(message)]


def test_other_words_at_the_guest_end_it() -> None:
    with pytest.raises(TrustError, match="the guest reads other words"):
        talking().receive(SasResult(matched=False), 1.0)


@pytest.mark.parametrize(
    "message",
    [
        LegsAck(1, Shown.SHOWN),
        State(1, muted=True),
        Digits(1, "5"),
        SasResult(matched=True),
        Counts(()),
        RekeyAck(bytes(36)),
    ],
    ids=["legs", "state", "digits", "words", "counts", "rekey"],
)
def test_who_is_at_the_door_has_nothing_to_say(message: GuestMessage) -> None:
    with pytest.raises(RefusedError, match="while at the door"):
        at_door().receive(message, 1.0)


def test_who_is_at_the_door_may_ask_whether_it_is_there_and_answer() -> None:
    call = at_door()
    said = [
        call.receive(each, 1.0)
        for each in (Ping(1), Pong(1), Unknown(200, b""), NORMAL)
    ]

    assert said[:3] == [[Say(Pong(1))], [], []]
    assert ends(said[3]) == [(HangupReason.NORMAL, "the guest hung up")]


def test_a_state_is_handed_on_only_if_it_is_another_one() -> None:
    call = talking()
    said = [
        call.receive(each, 1.0)
        for each in (
            State(1, muted=True),
            State(2, muted=True),
            State(3),
            State(4, muted=True),
        )
    ]

    assert [bool(each) for each in said] == [True, False, True, True]


def test_nothing_starts_after_the_end() -> None:
    call = talking()
    call.receive(NORMAL, 1.0)

    with pytest.raises(RefusedError, match="while ended"):
        call.receive(Offer("v"), 1.0)


@pytest.mark.parametrize(
    "message",
    [Alerting(), Accept(), Answer("v"), Notice(Happening.OPENED_AGAIN), Legs(1)],
    ids=["alerting", "accept", "answer", "notice", "legs"],
)
def test_what_only_a_gateway_says_is_refused(message: GuestMessage) -> None:
    with pytest.raises(RefusedError, match="is not for a guest to say"):
        talking().receive(message, 1.0)


def test_a_guest_hangs_up() -> None:
    commands = talking().receive(NORMAL, 1.0)

    assert commands == [End(HangupReason.NORMAL, "the guest hung up", by_guest=True)]


def test_the_host_hangs_up_once() -> None:
    call = talking()
    first = call.hang_up(HangupReason.DECLINED, "declined")

    assert (first, call.hang_up(HangupReason.NORMAL, "again"), call.tick(1e6)) == (
        [
            Say(Hangup(HangupReason.DECLINED, bytes(16))),
            End(HangupReason.DECLINED, "declined"),
        ],
        [],
        [],
    )


def test_equal_words_are_told() -> None:
    assert talking().compared(matched=True) == [Say(SasResult(matched=True))]


def test_other_words_at_the_host_end_it() -> None:
    commands = talking().compared(matched=False)

    assert (commands[0], ends(commands)) == (
        Say(SasResult(matched=False)),
        [(HangupReason.SECURITY, "the words differ")],
    )


def test_both_are_told_that_the_link_was_opened_again() -> None:
    what = Happening.OPENED_AGAIN

    assert talking().opened_again() == [Say(Notice(what)), Warn(what)]


def test_a_guest_is_told_of_legs_once_he_is_at_the_door() -> None:
    assert (confirming().tell(Legs(1)), at_door().tell(Legs(1))) == (
        [],
        [Say(Legs(1))],
    )


def counted(sframe: int, rtp: int) -> Count:
    return Count(Kind.AUDIO, Direction.RECEIVED, sframe, 0, rtp)


def test_counts_are_told() -> None:
    assert talking().count([counted(5, 5)]) == [Say(Counts((counted(5, 5),)))]


def test_without_media_there_is_nothing_to_count() -> None:
    assert at_door().count([counted(5, 5)]) == []


def test_frames_that_nobody_sealed_end_it() -> None:
    call = talking()
    call.count([counted(100, 200)])

    with pytest.raises(TrustError, match="400 frames, 200 of them sealed"):
        call.count([counted(200, 400)])


def test_what_the_guest_counted_is_looked_at() -> None:
    call = talking()
    call.receive(Counts((counted(9, 9),)), 1.0)
    ours = counted(8, 8)._replace(direction=Direction.SENT)

    with pytest.raises(TrustError, match="the guest opened 9 frames"):
        call.count([ours])


def test_a_second_connection_has_no_patience() -> None:
    call = talking()
    call.receive(Offer("again"), 1.0)

    with pytest.raises(TrustError, match="none sealed"):
        call.count([counted(0, 200)])


def rekeyed(call: GuestCall, asked: Command, key: X25519PrivateKey) -> list[Command]:
    assert isinstance(asked, Say)
    assert isinstance(asked.message, Rekey)
    epoch = int.from_bytes(asked.message.fields[:4])
    return call.receive(RekeyAck(guest.rekey_fields(epoch, key)), 121.0)


def test_keys_change_every_two_minutes() -> None:
    call, key = talking(), X25519PrivateKey.from_private_bytes(b"\x77" * 32)
    (asked,) = alive(call, REKEY_EVERY_S)
    assert isinstance(asked, Say)
    assert isinstance(asked.message, Rekey)
    ack = guest.rekey_fields(1, key)
    secret = guest.next_secret(
        KEYS.call_secret, key, rekey=asked.message.fields, ack=ack
    )

    assert rekeyed(call, asked, key) == [
        UseKeys(
            (guest.frame_key(secret, Role.GATEWAY, 1), 3),
            (guest.frame_key(secret, Role.GUEST, 1), 2),
        )
    ]


def test_keys_change_again_two_minutes_later() -> None:
    call, key = talking(), X25519PrivateKey.from_private_bytes(b"\x77" * 32)
    (asked,) = alive(call, REKEY_EVERY_S)
    rekeyed(call, asked, key)
    (again,) = alive(call, 121.0 + REKEY_EVERY_S)
    assert isinstance(again, Say)
    assert isinstance(again.message, Rekey)

    assert again.message.fields[:4] == b"\0\0\0\2"


def test_a_guest_who_takes_no_new_keys_is_left() -> None:
    call = talking()
    alive(call, REKEY_EVERY_S)

    assert ends(alive(call, REKEY_EVERY_S + REKEY_S)) == [
        (HangupReason.SECURITY, "the guest takes no new keys")
    ]


def test_an_answer_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(RefusedError, match="REKEY_ACK without REKEY"):
        talking().receive(RekeyAck(bytes(36)), 1.0)


def test_a_bad_point_is_refused() -> None:
    call = talking()
    alive(call, REKEY_EVERY_S)

    with pytest.raises(HandshakeError):
        call.receive(RekeyAck(b"\0\0\0\1" + bytes(32)), 121.0)


def test_first_keys_are_those_of_the_handshake() -> None:
    secret = KEYS.call_secret

    assert confirming().rekeying.keys() == UseKeys(
        (guest.frame_key(secret, Role.GATEWAY, 0), 1),
        (guest.frame_key(secret, Role.GUEST, 0), 0),
    )


def test_keys_are_not_shown() -> None:
    assert repr(confirming().rekeying.keys()) == "UseKeys()"


SAID: list[GuestMessage] = [
    Confirm(NONCE),
    Offer("v=0"),
    SasResult(matched=True),
    Counts(()),
    RekeyAck(bytes(36)),
    LegsAck(1, Shown.SHOWN),
    Ping(1),
    Accept(),
]


@given(st.lists(st.sampled_from(SAID), max_size=8))
def test_no_order_of_messages_starts_media_before_the_host_accepts(
    said: list[GuestMessage],
) -> None:
    call = confirming()
    commands: list[Command] = []
    try:
        for message in said:
            commands += call.receive(message, 1.0)
            commands += call.spent(1.0)
    except CallError:
        pass

    assert not [each for each in commands if isinstance(each, StartMedia)]


def test_what_the_guest_said_first_is_kept() -> None:
    assert confirming().hello == replace(HELLO)
