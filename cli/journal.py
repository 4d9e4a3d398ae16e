"""The log of a process that serves: one JSON object per line, with nobody in it.

What is written is chosen from a closed list, so that no sentence of a library, with an
address or a tag in it, gets into a file that is kept for years.
"""

import json
import time
from enum import StrEnum

import click


class Event(StrEnum):
    """Everything that a log may say."""

    STARTED = "started"
    READY = "ready"
    NOT_READY = "not_ready"
    DRAINING = "draining"
    STOPPED = "stopped"
    WORKER_STARTED = "worker_started"
    WORKER_ENDED = "worker_ended"


class Journal:
    """Writes to stderr, or nowhere where the user reads sentences."""

    def __init__(self, *, is_json: bool) -> None:
        self._is_json = is_json

    def write(
        self, event: Event, *, level: str = "info", **facts: str | float | list[str]
    ) -> None:
        """Write one line: ``ts level event``, and numbers or words of closed lists."""
        if self._is_json:
            line = {
                "ts": round(time.time(), 3),
                "level": level,
                "event": event,
                **facts,
            }
            click.echo(json.dumps(line), err=True)
