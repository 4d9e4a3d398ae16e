"""Commitment to the caller's nonce, so that the words cannot be steered.

The caller commits to nonce_A in INVITE and shows it in CONFIRM, after the callee's
nonce_B is fixed. A man in the middle must then settle both handshakes before he can
know either string, so one try in 2^33 gives equal words (ZRTP's argument, RFC 6189
§4.4.1.1).
"""

import hmac

from voip.errors import TrustError
from voip.identity.keys import T


def commitment(nonce_a: bytes, e_a: bytes) -> bytes:
    """Commit (32 bytes) to the caller's nonce and ephemeral key, 32 bytes each."""
    return T(b"sas-commit", nonce_a + e_a)


def check_commitment(committed: bytes, nonce_a: bytes, e_a: bytes) -> None:
    """Check the nonce shown in CONFIRM against what INVITE promised.

    Raises:
        TrustError: the caller shows another nonce; nobody honest does.
    """
    if not hmac.compare_digest(committed, commitment(nonce_a, e_a)):
        raise TrustError("nonce of the caller is not the one that was committed to")
