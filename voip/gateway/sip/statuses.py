"""What an exchange's answers mean to the people of a call.

Rules. An answer is a status of SIP (RFC 3261 §21), or, where there is none, the words
in which the stack says why.
"""

from voip.errors import CallError, NotAllowedError, TrustError, UnreachableError
from voip.gateway.sip.account import SipAccount
from voip.gateway.sip.frames import Event
from voip.gateway.sip.statements import Transport
from voip.signalling.legs import LegReason

# The stack's words.
_NO_CODECS = "No common audio or video codecs"  # of an offer without keys, too
_TLS = "Protocol error"  # of a certificate or a name that it does not accept

_NO_LOGIN = frozenset({401, 403, 407})
_REASONS = {
    401: (LegReason.NOT_ALLOWED, "the password is not accepted"),
    403: (LegReason.DECLINED, "the exchange does not allow this call"),
    404: (LegReason.DECLINED, "nobody has this number"),
    407: (LegReason.NOT_ALLOWED, "the password is not accepted"),
    408: (LegReason.NO_ANSWER, "nobody answers"),
    480: (LegReason.NO_ANSWER, "nobody is there"),
    484: (LegReason.DECLINED, "the number is not complete"),
    486: (LegReason.BUSY, "the line is busy"),
    487: (LegReason.NO_ANSWER, "nobody answers"),
    488: (LegReason.NO_ENCRYPTION, ""),
    600: (LegReason.BUSY, "the line is busy"),
    603: (LegReason.DECLINED, "the call was declined"),
    606: (LegReason.NO_ENCRYPTION, ""),
}


def meaning_of(event: Event, account: SipAccount) -> tuple[LegReason, str]:
    """Say why nobody answered: a reason, and a sentence of ours.

    Args:
        event: how the call was closed; its status is 0 where SIP gave none.
        account: whose exchange it was.
    """
    status, host = event.status, account.exchange.name
    if is_certificate(event, account):
        return LegReason.UNREACHABLE, f"certificate of {host} not accepted"
    no_keys = status == 0 and _NO_CODECS in event.text
    reason, text = _REASONS.get(status, (LegReason.DECLINED, "the call was declined"))
    if no_keys or reason is LegReason.NO_ENCRYPTION:
        return LegReason.NO_ENCRYPTION, f"{host} offers no encryption"
    if status == 0 or 500 <= status < 600:
        return LegReason.UNREACHABLE, f"{host} does not answer, or cannot"
    return reason, text


def is_certificate(event: Event, account: SipAccount) -> bool:
    """Whether the stack did not accept the certificate of the exchange."""
    is_tls = account.transport is Transport.TLS
    return event.status == 0 and is_tls and _TLS in event.text


def why_unregistered(event: Event, account: SipAccount) -> CallError:
    """Say why the exchange does not know us; a refusal is not to be tried again."""
    host = account.exchange.name
    if event.status in _NO_LOGIN:
        return NotAllowedError(f"{host} does not accept the password: {event.status}")
    if is_certificate(event, account):
        return TrustError(f"certificate of {host} not accepted")
    status = f": {event.status}" if event.status else ""
    return UnreachableError(f"{host} does not register us{status}")
