"""How weak a telephone leg is, by what was checked of it.

Rules. The exchange hears everything in any case; the question is who else may. ::

    keying  exchange authenticated     good suite  mark
    sdes    yes: TLS, chain and name   yes         to the exchange only
    sdes    no                         yes         not encrypted: the keys went in clear
    dtls    yes                        yes         to the exchange only
    dtls    no                         yes         the same, and it is said that whoever
                                                   is on the path may be it
    any     any                        no          not encrypted
"""

from voip.gateway.sip.account import SipAccount
from voip.gateway.sip.statements import Keying
from voip.signalling.legs import Mark

DTLS_SUITE = "DTLS-SRTP"
"""The stack does not say which suite DTLS chose; it offers the four good ones alone."""
GOOD_SUITES = frozenset(
    {
        "AEAD_AES_256_GCM",  # RFC 7714
        "AEAD_AES_128_GCM",
        "AES_CM_128_HMAC_SHA1_80",  # RFC 4568 §6.2
        "AES_CM_128_HMAC_SHA1_32",
        DTLS_SUITE,
    }
)
"""All others, NULL among them, are taken for no encryption."""

_USUAL = {
    Keying.SDES: "AES_CM_128_HMAC_SHA1_80",
    Keying.DTLS: DTLS_SUITE,
    Keying.NONE: "",
}


def mark_of(keying: Keying, suite: str, *, is_authenticated: bool) -> Mark:
    """Say how weak a leg is; `suite` as the stack said, empty where it said none."""
    if suite not in GOOD_SUITES:
        return Mark.NOT_ENCRYPTED
    match keying:
        case Keying.DTLS:
            return Mark.TO_PBX
        case Keying.SDES if is_authenticated:
            # RFC 4568 §8.3: whoever reads the signalling reads the keys.
            return Mark.TO_PBX
        case _:
            return Mark.NOT_ENCRYPTED


def expected(account: SipAccount) -> Mark:
    """Say how weak a leg will be if all goes well; nothing was checked yet."""
    return mark_with(account, _USUAL[account.keying])


def may_be_called(account: SipAccount, *, allowed: bool) -> bool:
    """Say whether a call may be made or taken; `allowed` is the user's word for it."""
    is_weak = expected(account) is Mark.NOT_ENCRYPTED
    return not is_weak or (allowed and account.may_be_plain)


def mark_with(account: SipAccount, suite: str) -> Mark:
    """Say how weak a leg of this account is with a suite; empty where there is none."""
    return mark_of(account.keying, suite, is_authenticated=account.is_authenticated)
