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

from voip.gateway.sip.account import Keying
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
