"""A comparison for a terminal: verdict, causes, then what differs."""

from reproducible.explain.explaining import Explained

MOST_ENTRIES = 20


def format_text(
    explained: Explained, *, with_excerpts: bool = False
) -> tuple[str, ...]:
    """Write lines for people; nothing foreign in them can act on a terminal.

    At most 20 entries, and with excerpts at most 50 members of 200 lines.
    """
    raise NotImplementedError
