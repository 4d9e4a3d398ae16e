"""How weak a telephone leg is: the whole table."""

from itertools import product

import pytest

from voip.gateway.sip.account import Keying
from voip.gateway.sip.mark import GOOD_SUITES, mark_of
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
    expected = Mark.TO_PBX if (keying, proven) in ENCRYPTED else Mark.NOT_ENCRYPTED

    assert mark_of(keying, suite, is_authenticated=proven) is expected


@pytest.mark.parametrize(
    ("keying", "proven", "suite"), [*product(Keying, (True, False), BAD_SUITES)]
)
def test_another_suite_or_none_is_no_encryption(
    keying: Keying, *, proven: bool, suite: str
) -> None:
    assert mark_of(keying, suite, is_authenticated=proven) is Mark.NOT_ENCRYPTED
