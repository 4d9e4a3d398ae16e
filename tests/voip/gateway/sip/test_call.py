"""What becomes of a telephone call, by what the worker tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.gateway.sip.account import SipAccount
from voip.gateway.sip.call import (
    AGREE_S,
    KEYS_S,
    RING_S,
    SETUP_S,
    Answered,
    CallOver,
    EarlyMedia,
    Happened,
    Held,
    Pressed,
    Referred,
    Rings,
    Secured,
    SipCall,
    TransferFailed,
    Unsecured,
    why_closed,
)
from voip.gateway.sip.frames import (
    OURS_SDP,
    THEIRS_SDP,
    Command,
    Event,
    Order,
    Said,
)
from voip.gateway.sip.host import Host
from voip.gateway.sip.statements import Keying, Transport
from voip.signalling.legs import LegReason, Mark

SUITE = "AES_CM_128_HMAC_SHA1_80"
UP = Event(Said.ESTABLISHED, 1)
RINGING = Event(Said.RINGING, 1)
PROGRESS = Event(Said.PROGRESS, 1)
SDES = Event(Said.ENCRYPTED, 1, 0, f"0,audio,{SUITE}")
DTLS = Event(Said.ENCRYPTED, 1, 0, "0,audio,RTP")
NULL = Event(Said.ENCRYPTED, 1, 0, "0,audio,NULL_HMAC_SHA1_80")
THEIR_OFFER = Event(Said.OFFER, 1, 0, THEIRS_SDP)
OUR_ANSWER = Event(Said.AGREED, 1, 0, OURS_SDP)
OUR_OFFER = Event(Said.OFFER, 1, 0, OURS_SDP)
THEIR_ANSWER = Event(Said.AGREED, 1, 0, THEIRS_SDP)
GOOD = Secured(Mark.TO_PBX, SUITE)
HANG_UP = Command(Order.END, 1)

Out = list[Happened | Command]


def account(
    keying: Keying = Keying.SDES,
    transport: Transport = Transport.TLS,
    host: str = "pbx.example",
    *,
    plain: bool = False,
) -> SipAccount:
    return SipAccount(
        user="alice",
        host=Host(host),
        transport=transport,
        keying=keying,
        may_be_plain=plain,
    )


def call(
    of: SipAccount | None = None, *, may_be_weak: bool = False, came: bool = False
) -> SipCall:
    return SipCall(1, of or account(), may_be_weak=may_be_weak, came=came, now=0.0)


def play(one: SipCall, *events: Event, now: float = 1.0) -> Out:
    return [each for event in events for each in one.receive(event, now)]


def no_encryption(text: str) -> Out:
    return [HANG_UP, CallOver(LegReason.NO_ENCRYPTION, 0, text)]


def test_a_call_with_sdes_is_safe_once_it_is_answered() -> None:
    one = call()
    before = play(one, RINGING, SDES), one.is_safe

    assert (before, play(one, UP), one.is_safe) == (
        ([Rings()], False),
        [Answered(), GOOD],
        True,
    )


def test_what_is_played_before_the_answer_is_heard_and_not_answered() -> None:
    one = call()
    early = play(one, RINGING, PROGRESS, THEIR_ANSWER, SDES)

    assert (early, one.may_hear, one.is_safe, one.is_ringing) == (
        [Rings(), EarlyMedia(Mark.TO_PBX, SUITE)],
        True,
        False,
        False,
    )


def test_a_call_rings_here_while_there_is_nothing_to_hear() -> None:
    one = call()
    dialled = one.is_ringing
    play(one, PROGRESS, THEIR_ANSWER)
    without_keys = one.is_ringing
    play(one, SDES, UP)

    assert (dialled, without_keys, one.is_ringing) == (False, True, False)


@pytest.mark.parametrize(
    ("of", "learnt"),
    [(account(transport=Transport.UDP), SDES), (account(), NULL)],
    ids=["keys in clear", "a bad suite"],
)
def test_an_early_sound_that_others_could_hear_is_not_heard(
    of: SipAccount, learnt: Event
) -> None:
    one = call(of)
    told = play(one, PROGRESS, THEIR_ANSWER, learnt)

    assert (told, one.may_hear, one.is_ringing) == ([Rings()], False, True)


def test_an_early_sound_in_plain_is_heard_where_the_user_allows_it() -> None:
    one = call(account(Keying.NONE, plain=True), may_be_weak=True)

    assert play(one, PROGRESS) == [Rings(), EarlyMedia(Mark.NOT_ENCRYPTED, "")]


def test_an_early_sound_whose_suite_turns_bad_is_heard_no_more() -> None:
    one = call()
    play(one, PROGRESS, SDES, NULL)

    assert not one.may_hear


def test_an_early_sound_of_somebody_else_waits_for_keys_of_its_own() -> None:
    one = call()
    play(one, PROGRESS, THEIR_ANSWER, SDES, PROGRESS, THEIR_ANSWER)
    shut = one.may_hear
    again = play(one, SDES)

    assert (shut, again, one.may_hear) == (False, [], True)


def test_a_ring_without_a_sound_ends_the_early_one() -> None:
    one = call()
    play(one, PROGRESS, THEIR_ANSWER, SDES, RINGING)

    assert (one.may_hear, one.is_ringing) == (False, True)


def test_an_answer_in_other_words_than_the_early_sound_needs_keys_of_its_own() -> None:
    one = call()
    play(one, PROGRESS, THEIR_ANSWER, SDES, THEIR_ANSWER, UP)

    assert (one.is_safe, one.may_hear) == (False, False)


def test_an_early_sound_is_no_answer() -> None:
    one = call()
    play(one, PROGRESS, THEIR_ANSWER, SDES, now=10.0)

    assert one.wait(10.0 + RING_S) == [
        HANG_UP,
        CallOver(LegReason.NO_ANSWER, 0, "nobody answers"),
    ]


def test_a_call_with_dtls_is_safe_once_the_stack_says_so() -> None:
    one = call(account(Keying.DTLS))
    answered = play(one, UP), one.is_safe
    secured = play(one, DTLS, Event(Said.ENCRYPTED, 1, 0, "0,audio,RTCP"))

    assert (answered, secured) == (
        ([Answered()], False),
        [Secured(Mark.TO_PBX, "DTLS-SRTP")],
    )


def test_an_answer_without_keys_ends_the_call_after_3_s() -> None:
    one = call()
    play(one, UP, now=5.0)

    assert one.deadline == 5.0 + KEYS_S
    assert one.wait(5.0 + KEYS_S) == no_encryption(
        "expected encrypted sound from pbx.example, came none that is known"
    )


def test_before_the_deadline_nothing_follows() -> None:
    one = call()

    assert one.wait(SETUP_S - 0.1) == []


def test_a_call_that_came_waits_for_us_for_ever() -> None:
    one = call(came=True)

    assert (one.deadline, one.wait(1e9)) == (None, [])


def test_an_answer_without_keys_is_mark_4_where_the_user_allows_it() -> None:
    one = call(account(plain=True), may_be_weak=True)
    play(one, UP, now=5.0)

    assert one.wait(9.0) == [Secured(Mark.NOT_ENCRYPTED, "")]


def test_an_unknown_suite_ends_the_call() -> None:
    assert play(call(), UP, NULL)[1:] == no_encryption(
        "expected encrypted sound from pbx.example, came none that is known"
    )


def test_keys_that_went_in_clear_end_the_call() -> None:
    one = call(account(transport=Transport.UDP))

    assert play(one, UP, SDES)[1:] == no_encryption(
        "keys of the sound would go to pbx.example in clear"
    )


def test_keys_that_went_in_clear_are_mark_4_where_the_user_allows_it() -> None:
    one = call(account(transport=Transport.UDP, plain=True), may_be_weak=True)

    assert play(one, UP, SDES)[1:] == [Secured(Mark.NOT_ENCRYPTED, SUITE)]


def test_plain_sound_passes_at_once_where_the_user_allows_it() -> None:
    one = call(account(Keying.NONE, plain=True), may_be_weak=True)

    assert play(one, UP, SDES) == [Answered(), Secured(Mark.NOT_ENCRYPTED, "")]


def test_what_the_stack_says_of_rtp_is_no_suite_with_sdes() -> None:
    assert HANG_UP in play(call(), UP, DTLS)


@pytest.mark.parametrize("text", ["", "0", "0,audio", "0,video,X", "audio,RTP"])
def test_a_stream_without_a_word_of_its_own_stays_shut(text: str) -> None:
    one = call(account(Keying.DTLS))
    play(one, UP, Event(Said.ENCRYPTED, 1, 0, text))

    assert not one.is_safe


def test_their_change_of_media_shuts_until_keys_are_told_anew() -> None:
    one = call()
    play(one, SDES, UP)
    shut = play(one, THEIR_OFFER), one.is_safe
    still = play(one, SDES), one.is_safe

    assert (shut, still, play(one, OUR_ANSWER)) == (
        ([Unsecured()], False),
        ([], False),
        [GOOD],
    )


def test_their_change_to_no_keys_ends_the_call() -> None:
    one = call()
    play(one, SDES, UP)
    play(one, THEIR_OFFER, OUR_ANSWER, now=10.0)

    assert one.wait(10.0 + KEYS_S)[0] == HANG_UP


def test_their_change_to_keys_in_a_bad_suite_ends_the_call() -> None:
    one = call()
    play(one, SDES, UP)

    assert HANG_UP in play(one, THEIR_OFFER, NULL, OUR_ANSWER)


def test_keys_told_with_our_offer_are_not_those_of_their_answer() -> None:
    one = call()
    play(one, SDES, UP, OUR_OFFER, SDES, THEIR_ANSWER)
    before = one.is_safe

    assert (before, play(one, SDES)) == (False, [GOOD])


def test_dtls_goes_on_through_a_change_of_media() -> None:
    one = call(account(Keying.DTLS))
    play(one, UP, DTLS)

    assert play(one, THEIR_OFFER, OUR_ANSWER) == [
        Unsecured(),
        Secured(Mark.TO_PBX, "DTLS-SRTP"),
    ]


def test_a_second_offer_shuts_nothing_twice() -> None:
    one = call()
    play(one, SDES, UP, THEIR_OFFER)

    assert play(one, THEIR_OFFER) == []


def test_an_answer_that_nobody_waits_for_changes_nothing_with_dtls() -> None:
    one = call(account(Keying.DTLS))
    play(one, UP, DTLS)

    assert (play(one, OUR_ANSWER), one.is_safe) == ([], True)


def test_an_offer_of_ours_that_they_do_not_take_changes_nothing() -> None:
    one = call()
    play(one, SDES, UP, OUR_OFFER, SDES, now=10.0)
    shut = one.deadline, one.is_safe

    assert (shut, one.wait(10.0 + AGREE_S), one.is_safe) == (
        (10.0 + AGREE_S, False),
        [GOOD],
        True,
    )


def test_an_offer_of_theirs_is_not_opened_by_waiting() -> None:
    one = call()
    play(one, SDES, UP, OUR_OFFER, THEIR_OFFER, now=10.0)

    assert (one.deadline, one.wait(1e9), one.is_safe) == (None, [], False)


def test_an_answer_that_comes_too_late_needs_keys_of_its_own() -> None:
    one = call()
    play(one, SDES, UP, OUR_OFFER, now=10.0)
    one.wait(10.0 + AGREE_S)
    late = play(one, THEIR_ANSWER, now=20.0), one.is_safe, one.deadline

    assert late == ([Unsecured()], False, 20.0 + KEYS_S)


def test_the_same_word_twice_is_told_once() -> None:
    one = call()
    play(one, SDES, UP)

    assert play(one, SDES) == []


def test_another_suite_in_a_call_is_told() -> None:
    one = call()
    play(one, SDES, UP)

    assert HANG_UP in play(one, NULL)


def test_pictures_pass_once_their_stream_has_keys() -> None:
    one = call()
    play(one, SDES, UP)
    before = one.may_show
    play(one, Event(Said.ENCRYPTED, 1, 0, f"1,video,{SUITE}"))

    assert (before, one.may_show) == (False, True)


@pytest.mark.parametrize("suite", ["NULL_HMAC_SHA1_80", "X"])
def test_pictures_weaker_than_the_leg_do_not_pass(suite: str) -> None:
    one = call(account(plain=True), may_be_weak=True)
    play(one, SDES, Event(Said.ENCRYPTED, 1, 0, f"1,video,{suite}"), UP)

    assert (one.is_safe, one.may_show) == (True, False)


def test_pictures_pass_in_a_leg_that_is_as_weak() -> None:
    one = call(account(plain=True), may_be_weak=True)
    play(one, NULL, Event(Said.ENCRYPTED, 1, 0, "1,video,NULL_HMAC_SHA1_80"), UP)

    assert one.may_show


def test_pictures_pass_in_plain_only_in_a_plain_call() -> None:
    one = call(account(Keying.NONE, plain=True), may_be_weak=True)
    play(one, UP)

    assert one.may_show


def test_a_telephone_that_says_nothing_is_given_up_after_32_s() -> None:
    assert call().wait(SETUP_S) == [
        HANG_UP,
        CallOver(LegReason.NO_ANSWER, 0, "nobody answers"),
    ]


def test_a_telephone_that_rings_has_two_minutes() -> None:
    one = call()
    play(one, RINGING, now=10.0)

    assert one.deadline == 10.0 + RING_S


def test_a_call_is_answered_and_rings_once() -> None:
    one = call()
    play(one, SDES, UP)

    assert play(one, UP, RINGING) == []


@pytest.mark.parametrize(
    ("event", "happened"),
    [
        (Event(Said.HELD, 1), Held(on=True)),
        (Event(Said.RESUMED, 1), Held(on=False)),
        (Event(Said.DIGIT, 1, 0, "#"), Pressed("#")),
        (Event(Said.REFERRED, 1, 0, "sip:x@y"), Referred("sip:x@y")),
        (Event(Said.TRANSFER_FAILED, 1, 486, ""), TransferFailed(486)),
    ],
    ids=["held", "resumed", "digit", "referred", "transfer"],
)
def test_what_the_other_side_does_is_told(event: Event, happened: Happened) -> None:
    assert play(call(), SDES, UP, event)[-1] == happened


@pytest.mark.parametrize(
    "event",
    [Event(Said.DIGIT, 1, 0, "x"), THEIR_OFFER],
    ids=["no digit", "first offer"],
)
def test_what_means_nothing_is_not_told(event: Event) -> None:
    assert play(call(), event) == []


def test_after_the_end_nothing_counts() -> None:
    one = call()
    play(one, Event(Said.CLOSED, 1, 486, "Busy Here"))

    assert (play(one, UP, SDES), one.is_safe, one.deadline) == ([], False, None)


@pytest.mark.parametrize(
    ("event", "up", "reason"),
    [
        (Event(Said.CLOSED, 1, 0, "rtp stream error"), True, LegReason.LOST),
        (Event(Said.CLOSED, 1, 0, "Call transfered"), True, LegReason.NORMAL),
        (
            Event(Said.CLOSED, 1, 0, "No common audio or video codecs"),
            False,
            LegReason.NO_ENCRYPTION,
        ),
        (Event(Said.CLOSED, 1, 0, "No route"), False, LegReason.UNREACHABLE),
    ],
    ids=["lost", "transferred", "no keys", "no route"],
)
def test_each_end_has_a_reason(event: Event, reason: LegReason, *, up: bool) -> None:
    assert why_closed(event, account(), up=up).reason is reason


TLS_ERROR = Event(Said.CLOSED, 1, 0, "Protocol error [71]")


def test_a_certificate_that_is_not_accepted_is_named() -> None:
    assert why_closed(TLS_ERROR, account(), up=False) == CallOver(
        LegReason.UNREACHABLE,
        0,
        "certificate of pbx.example not accepted",
        is_certificate=True,
    )


def test_without_tls_there_is_no_certificate_to_blame() -> None:
    udp = account(transport=Transport.UDP)

    assert not why_closed(TLS_ERROR, udp, up=False).is_certificate


EVENTS = [SDES, DTLS, NULL, UP, PROGRESS, RINGING]
EVENTS += [THEIR_OFFER, OUR_ANSWER, OUR_OFFER, THEIR_ANSWER]


@given(
    st.sampled_from([Keying.SDES, Keying.DTLS]),
    st.lists(st.sampled_from([*EVENTS, None]), max_size=12),
)
def test_no_trace_lets_anything_pass_without_keys_since_their_description(
    keying: Keying, events: list[Event | None]
) -> None:
    one, has_keys = call(account(keying)), False
    for at, event in enumerate(events):
        if event is None:
            one.wait(100.0 * at)
            continue
        one.receive(event, 100.0 * at)
        good = SDES if keying is Keying.SDES else DTLS
        if event is good:
            has_keys = True
        elif event.text == THEIRS_SDP and keying is Keying.SDES:
            has_keys = False

        assert has_keys or not (one.is_safe or one.may_hear)
        assert one.may_hear or not one.is_safe
