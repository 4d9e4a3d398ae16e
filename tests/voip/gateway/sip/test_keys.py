"""What is known of a call's keys, and how weak that makes it."""

import pytest

from voip.gateway.sip.account import SipAccount
from voip.gateway.sip.host import Host
from voip.gateway.sip.keys import StreamKeys
from voip.gateway.sip.statements import Keying
from voip.signalling.legs import Mark

SUITE = "AES_CM_128_HMAC_SHA1_80"


def account(keying: Keying = Keying.SDES) -> SipAccount:
    return SipAccount(user="alice", host=Host("pbx.example"), keying=keying)


def test_nothing_is_known_before_the_stack_tells() -> None:
    keys = StreamKeys(account())

    assert (keys.sound, keys.mark) == (None, Mark.NOT_ENCRYPTED)


def test_with_sdes_the_suite_is_told() -> None:
    keys = StreamKeys(account())
    keys.learn(f"0,audio,{SUITE}")

    assert (keys.sound, keys.mark) == (SUITE, Mark.TO_PBX)


def test_with_dtls_the_component_is_told() -> None:
    keys = StreamKeys(account(Keying.DTLS))
    told = keys.learn("0,audio,RTCP"), keys.learn("0,audio,RTP")

    assert (told, keys.sound) == ((False, True), "DTLS-SRTP")


def test_a_call_without_keys_knows_all_and_learns_nothing() -> None:
    keys = StreamKeys(account(Keying.NONE))
    learnt = keys.learn(f"0,audio,{SUITE}")

    assert (learnt, keys.sound, keys.mark) == (False, "", Mark.NOT_ENCRYPTED)
    assert keys.are_pictures_as_good


@pytest.mark.parametrize("text", ["", "0", "0,text,X", "audio,RTP"])
def test_a_word_of_another_stream_is_none_of_the_sound(text: str) -> None:
    keys = StreamKeys(account())

    assert (keys.learn(text), keys.sound) == (False, None)


@pytest.mark.parametrize(
    ("keying", "text", "left"),
    [(Keying.SDES, SUITE, None), (Keying.DTLS, "RTP", "DTLS-SRTP")],
    ids=["sdes", "dtls"],
)
def test_a_description_of_theirs_takes_the_keys_of_sdes_away(
    keying: Keying, text: str, left: str | None
) -> None:
    keys = StreamKeys(account(keying))
    keys.learn(f"0,audio,{text}")
    keys.describe()

    assert keys.sound == left


@pytest.mark.parametrize(
    ("suite", "are"), [(SUITE, True), ("NULL_HMAC_SHA1_80", False), ("", False)]
)
def test_pictures_weaker_than_the_sound_are_not_as_good(
    suite: str, *, are: bool
) -> None:
    keys = StreamKeys(account())
    keys.learn(f"0,audio,{SUITE}")
    keys.learn(f"1,video,{suite}")

    assert keys.are_pictures_as_good is are


def test_pictures_without_a_word_of_their_own_are_not_as_good() -> None:
    keys = StreamKeys(account())
    keys.learn(f"0,audio,{SUITE}")

    assert not keys.are_pictures_as_good
