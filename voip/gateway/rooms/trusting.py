"""What may pass in a room to whom we trust how far.

Pure; one's own word only: what another says of somebody changes nothing.
"""

from typing import Final

from voip.identity.trust import TrustState

_RECOGNISED: Final = frozenset({TrustState.CONTINUOUS, TrustState.VERIFIED})


def may_introduce(trust: TrustState) -> bool:
    """Whether somebody so trusted may introduce another to us, or be introduced.

    Who was never recognised could be anybody, and so could all whom he brings.
    """
    return trust in _RECOGNISED


def is_doubted(trust: TrustState, *, strict: bool) -> bool:
    """Whether somebody so trusted hears nothing of us until the user settles it.

    `strict`: the user speaks to nobody with whom words were never compared.
    """
    return trust is TrustState.BROKEN or (strict and trust is TrustState.NEW)
