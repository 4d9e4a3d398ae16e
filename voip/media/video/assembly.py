"""Packets of pictures, put together to frames in order.

Packets come late, twice, out of order or never. What is missing is asked for until it
could not be shown any more; then everything up to the next whole picture is dropped,
and one is asked for. Nothing here decodes: frames leave in decoding order, each with
the time at which it is to be shown.

All times are seconds of one monotonic clock.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class PayloadFormat(Protocol):
    """How frames lie in packets: the modules `vp8` and `av1` are two."""

    def starts_key(self, payload: bytes, /) -> bool:
        """Say whether a payload begins a whole picture, or raise MalformedError."""

    def depacketize(self, payloads: Sequence[bytes], /) -> bytes:
        """Join the payloads of one frame, or raise MalformedError."""


class Frame(NamedTuple):
    """A frame for the decoder.

    `timestamp` is RTP's, 32 bits at 90 kHz; `show_at` never decreases.
    """

    data: bytes
    timestamp: int
    key: bool
    show_at: float


class Wants(NamedTuple):
    """What the other side is to be asked for.

    Attributes:
        missing: sequence numbers, 16 bits, for one NACK.
        key: a whole picture (PLI).
    """

    missing: tuple[int, ...]
    key: bool


class Assembly:
    """The receiver's side of one stream of pictures.

    Attributes:
        round_trip_s: to be kept up to date by the caller.
        audio_offset_s: how much later sound is played than a picture of the same
            moment would be shown (see `shows_at`); pictures follow by at most 80 ms.
        freezes: gaps in what is shown, over 200 ms.
        frozen_s: how long they lasted together.
        malformed: packets and frames that did not parse.
    """

    def __init__(
        self, payload_format: PayloadFormat, *, requests: bool = True
    ) -> None:
        """Begin without a picture.

        `requests`: what is missing is asked for by number. Without, as in a steady
        stream, the sender learns of it from reports.
        """
        raise NotImplementedError

    def receive(
        self, sequence: int, timestamp: int, marker: bool, payload: bytes, *, now: float
    ) -> None:
        """Take one packet of the stream; then look at `frames` and `tick`.

        Raises:
            MalformedError: not what the format says; nothing else changed.
        """
        raise NotImplementedError

    def receive_again(
        self, timestamp: int, marker: bool, payload: bytes, *, now: float
    ) -> None:
        """Take one packet of the stream of repeats (RFC 4588).

        Raises:
            MalformedError: as `receive`.
        """
        raise NotImplementedError

    def frames(self, now: float) -> list[Frame]:
        """Give the frames that became whole, in order; each is given once."""
        raise NotImplementedError

    def tick(self, now: float) -> Wants:
        """Say what to ask for: after each packet, and at `wake_at`."""
        raise NotImplementedError

    @property
    def wake_at(self) -> float | None:
        """When `tick` has something to say even if no packet comes."""
        raise NotImplementedError

    def shows_at(self, timestamp: int) -> float | None:
        """Say when a picture of this timestamp is shown if sound is not looked at.

        None before the first frame.
        """
        raise NotImplementedError

    def pause(self) -> None:
        """Note that the sender shows nothing on purpose: the gap is no freeze."""
        raise NotImplementedError
