"""What was sent, and what the reports of the other side say became of it.

Pure; seconds throughout. A report counts only for packets that left within the last
10 s, each once, so that a forged one cannot claim more than was sent.
"""

from typing import NamedTuple

from voip.media.flow.report import Feedback


class Acked(NamedTuple):
    """A packet that came; a tuple, since each one sent makes one."""

    sent_at: float
    arrived_at: float
    size: int


class Outcome(NamedTuple):
    """What one report said that was not known."""

    acked: tuple[Acked, ...]
    lost: int
    round_trip_s: float | None


class Losses:
    """The fate of the last 1000 packets of one stream."""

    def note(self, *, lost: bool) -> None:
        """Take note of the next packet's fate."""
        raise NotImplementedError

    @property
    def share(self) -> float:
        """Share of the last 500, or of the last 100 if worse and three are lost."""
        raise NotImplementedError

    @property
    def run(self) -> float:
        """Mean length of a run of losses among the last 1000; 0.0 without any."""
        raise NotImplementedError


class History:
    """Everything sent in the last 10 s."""

    def sent(self, ssrc: int, sequence: int, size: int, now: float) -> None:
        """Take note of a packet that left, `size` bytes of datagram."""
        raise NotImplementedError

    def match(self, feedback: Feedback, now: float) -> Outcome:
        """Take a report.

        Raises:
            MalformedError: it tells of a packet that was never sent.
        """
        raise NotImplementedError
