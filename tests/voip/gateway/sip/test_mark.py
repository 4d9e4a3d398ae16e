"""How weak a telephone leg is: the whole table."""

from itertools import product

import pytest

from voip.gateway.sip.account import SipAccount
from voip.gateway.sip.host import Host
from voip.gateway.sip.mark import GOOD_SUITES, expected, mark_of, may_be_called
from voip.gateway.sip.statements import Keying, Transport
from voip.signalling.legs import Mark

BAD_SUITES = ("", "NULL_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80", "aead_aes_256_gcm")
ENCRYPTED = {
    (Keying.SDES, True),
    (Keying.DTLS, True),
    (Keying.DTLS, False),
}


@pytest.mark.parametrize(
    ("keying", "proven", "suite"),
    [*product(Keying, (True, False), sorted(GOOD_SUITES))],
)
def test_a_good_suite_counts_where_nobody_else_has_the_keys(
    keying: Keying, *, proven: bool, suite: str
) -> None:
    mark = Mark.TO_PBX if (keying, proven) in ENCRYPTED else Mark.NOT_ENCRYPTED

    assert mark_of(keying, suite, is_authenticated=proven) is mark


@pytest.mark.parametrize(
    ("keying", "proven", "suite"), [*product(Keying, (True, False), BAD_SUITES)]
)
def test_another_suite_or_none_is_no_encryption(
    keying: Keying, *, proven: bool, suite: str
) -> None:
    assert mark_of(keying, suite, is_authenticated=proven) is Mark.NOT_ENCRYPTED


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


@pytest.mark.parametrize(
    ("of", "mark"),
    [
        (account(), Mark.TO_PBX),
        (account(Keying.DTLS, Transport.UDP), Mark.TO_PBX),
        (account(host="192.0.2.1"), Mark.NOT_ENCRYPTED),
        (account(Keying.NONE), Mark.NOT_ENCRYPTED),
    ],
    ids=["sdes", "dtls udp", "sdes to an address", "none"],
)
def test_what_an_account_leads_to_is_known_before(of: SipAccount, mark: Mark) -> None:
    assert expected(of) is mark


@pytest.mark.parametrize(
    ("of", "allowed", "may"),
    [
        (account(), False, True),
        (account(Keying.NONE, plain=True), True, True),
        (account(Keying.NONE, plain=True), False, False),
        (account(transport=Transport.UDP), True, False),
    ],
    ids=["good", "both", "file alone", "user alone"],
)
def test_a_weak_account_needs_the_user_and_the_file(
    of: SipAccount, *, allowed: bool, may: bool
) -> None:
    assert may_be_called(of, allowed=allowed) is may
