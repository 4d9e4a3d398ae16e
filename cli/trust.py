"""How trust is said: four words that never stand for each other, with why and since."""

from cli.output import alarm, day
from voip.identity.trust import Trust, TrustState


def say(trust: Trust | None) -> str:
    """Write a state of trust for a person; None is for nobody met in a call yet."""
    if trust is None:
        return "new: no call yet"
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
