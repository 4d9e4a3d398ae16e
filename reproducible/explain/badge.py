"""A verdict as a small SVG picture."""

from updater.transparency.claims.rebuild import Verdict


def format_badge(verdict: Verdict) -> bytes:
    """Draw `rebuild | VERDICT`; readable without colours, and aloud."""
    raise NotImplementedError
