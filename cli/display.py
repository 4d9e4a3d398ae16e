"""What the user sees of one call: news, answers and refusals pass through here."""

import time
from collections.abc import Callable

from cli.console import Front
from cli.output import escape
from cli.quality import Live
from cli.view import Seen, noted, own
from voip.news import Json, format_legs


class Display:
    """One call before its user.

    Attributes:
        seen: what is known of it so far.
    """

    def __init__(
        self,
        call_id: bytes,
        front: Front,
        *,
        seen: Seen,
        live: Callable[[], Live | None],
    ) -> None:
        """`live` says how the call goes at the moment it is asked."""
        self.seen = seen
        self._call_id = call_id
        self._front = front
        self._live = live

    def show(self, facts: Json, *lines: str) -> None:
        """Show what happened: its facts for a program, or its lines for a person."""
        stamp: Json = {
            "call_id": self._call_id.hex(),
            "time": round(time.time(), 3),
        }
        legs = {} if self.seen.legs is None else format_legs(self.seen.legs)
        self._front.show(self.seen, {**stamp, **legs, **facts}, *lines)
        self.draw()

    def answer(self, facts: Json, *lines: str) -> None:
        """Show what is not part of the state of the call."""
        self.seen = noted(self.seen, *lines)
        self.show(facts, *lines)

    def show_own(self, seen: Seen) -> None:
        """Show what our side shows, hears and keeps from now on."""
        self.seen = seen
        facts: Json = {
            "event": "own",
            "muted": seen.muted,
            "held": seen.held,
            "video": seen.video,
            "screen": seen.screen,
            "recording": bool(seen.recording),
        }
        self.show(facts, f"you: {own(seen)}")

    def refuse(self, sentence: str) -> None:
        """Say that an order cannot be."""
        self.seen = self._front.refuse(self.seen, sentence)
        self.draw()

    def warn(self, sentence: str) -> None:
        """Show what went wrong beside the call."""
        self.answer(
            {"event": "problem", "sentence": sentence}, f"problem: {escape(sentence)}"
        )

    def draw(self) -> None:
        """Show the call as it stands, where that is a thing of its own."""
        self._front.draw(self.seen, time.monotonic(), self._live())
