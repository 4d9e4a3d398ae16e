"""How trust is said: four words that never stand for each other, with why and since."""

from cli.output import alarm, day
from voip.identity.contact import Contact
from voip.identity.trust import Trust, TrustState


def say_of(contact: Contact) -> str:
    """Say how far a contact is trusted: by the worst of their devices, if any."""
    if contact.trust is not None:
        return say(contact.trust)
    if contact.number_verified_at is not None:
        return f"number compared on {day(contact.number_verified_at)}; no call yet"
    return "new: no call yet"


def say(trust: Trust) -> str:
    """Say how far one device is trusted."""
    since = day(trust.since)
    match trust.state:
        case TrustState.NEW:
            return f"new since {since}: {trust.reason}; compare the words"
        case TrustState.CONTINUOUS:
            return f"continuous since {since}: {trust.reason}"
        case TrustState.VERIFIED:
            return f"verified on {since}: {trust.reason}"
        case TrustState.BROKEN:
            return alarm(f"BROKEN since {since}: {trust.reason}")
