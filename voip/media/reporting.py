"""What the two sides tell each other about packets: RTCP, out and in.

Out on a fixed beat, so that a report tells an observer nothing; in to whoever acts on
it: the steering of our own streams, and the senders of pictures.
"""

from collections.abc import Callable
from typing import Protocol, assert_never

from voip.media.flow import report
from voip.media.flow.arrivals import Arrived, Departed, Reporter, Window
from voip.media.sources import SAMPLE_RATE
from voip.media.steering import Steering

PICTURE_RATE = 90_000  # Hz, of RTP timestamps (RFC 7741, and AV1's payload format)
FEEDBACK_EVERY_S = 0.02
"""Feedback that comes oftener, for longer than `FEEDBACK_BURST_S`, is not looked at: we
send ten a second, and working one through takes longer than opening it."""
FEEDBACK_BURST_S = 0.2
"""What a path held back comes at once: ten of them are a second of a picture call."""


class PictureSender(Protocol):
    """A stream of ours that can be asked for repair; see `VideoSender`."""

    def nack(self, sequences: tuple[int, ...], now: float) -> None:
        """Send these again."""

    def lost(self, sequences: tuple[int, ...], now: float) -> None:
        """Hear which did not arrive."""

    def pli(self, now: float) -> None:
        """Send a key frame."""


class Reporting:
    """The reports of one call; pure but for `send`."""

    def __init__(
        self,
        own_ssrc: int,
        steering: Steering,
        *,
        send: Callable[[bytes], None],
        now: float,
        offset_s: float,
    ) -> None:
        """Report as our audio stream, with clocks moved by a random offset."""
        self._own_ssrc = own_ssrc
        self._steering = steering
        self._send = send
        self._reporter = Reporter(own_ssrc, now, offset_s=offset_s)
        # When the last one was due at the quickest pace.
        self._feedback_due = now - FEEDBACK_BURST_S
        self._senders: dict[int, PictureSender] = {}
        self._departed: dict[int, Departed] = {
            own_ssrc: self._reporter.send(own_ssrc, SAMPLE_RATE)
        }

    def expect(self, ssrc: int, window: Window, clock_rate: int) -> Arrived:
        """Report on a stream of the other side; `note` what comes of it."""
        return self._reporter.expect(ssrc, window, clock_rate)

    def serve(self, ssrc: int, sender: PictureSender) -> None:
        """Let this answer what is asked about a stream of ours."""
        self._senders[ssrc] = sender
        self._departed[ssrc] = self._reporter.send(ssrc, PICTURE_RATE)

    def sent(self, ssrc: int, octets: int, timestamp: int, now: float) -> None:
        """Take note of a packet that left, with so many octets of payload."""
        departed = self._departed.get(ssrc)
        if departed is not None:
            departed.note(octets, timestamp, now)

    def ask_again(self, ssrc: int, sequences: tuple[int, ...]) -> None:
        """Ask for packets to be sent again."""
        nack = report.Nack(self._own_ssrc, ssrc, sequences)
        self._send(report.format_nack(nack))

    def ask_picture(self, ssrc: int, *, steady: bool) -> None:
        """Ask for a key frame; of a steady stream within the next report."""
        if steady:
            self._reporter.want_picture(ssrc)
        else:
            wanted = report.PictureLoss(self._own_ssrc, ssrc)
            self._send(report.format_picture_loss(wanted))

    def tick(self, now: float) -> None:
        """Send what is due; called every 20 ms."""
        for packet in self._reporter.due(now, slow=self._steering.slow_reports):
            self._send(packet)

    def receive(self, datagram: bytes, now: float) -> None:
        """Take a decrypted RTCP datagram.

        Raises:
            MalformedError: not RTCP, or about what was never sent.
        """
        for each in report.parse(datagram):
            match each:
                case report.Feedback():
                    self._take_feedback(each, now)
                case report.Compound():
                    self._reporter.heard(each, now)
                case report.Nack(ssrc=ssrc, sequences=sequences):
                    if ssrc in self._senders:
                        self._senders[ssrc].nack(sequences, now)
                case report.PictureLoss(ssrc=ssrc):
                    if ssrc in self._senders:
                        self._senders[ssrc].pli(now)
                case _:
                    assert_never(each)

    def _take_feedback(self, feedback: report.Feedback, now: float) -> None:
        due = max(self._feedback_due, now - FEEDBACK_BURST_S) + FEEDBACK_EVERY_S
        if due > now:
            return
        self._feedback_due = due
        for ssrc, sequence in self._steering.feedback(feedback, now):
            if ssrc in self._senders:
                self._senders[ssrc].lost((sequence,), now)
