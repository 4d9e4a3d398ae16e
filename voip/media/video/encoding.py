"""What an encoder of pictures does, whichever codec and library it is.

Carrier. `open_encoder` takes the best that this machine has.
"""

from typing import Protocol

from voip.description import Codec
from voip.media.sources import Picture

CLOCK_RATE = 90_000  # Hz; RFC 7741 §4.1 and the AV1 payload format say the same


class Encoder(Protocol):
    """Makes coded frames of pictures; used by one thread at a time."""

    def encode(self, picture: Picture, pts: int, *, key: bool = False) -> bytes:
        """Encode one picture, of the size set, shown at `pts` (90 kHz, rising).

        Gives nothing when the encoder leaves this picture out to keep its rate.
        """

    def set_rate(self, bps: int) -> None:
        """Aim at so many bits a second from the next picture on."""

    def set_size(self, width: int, height: int) -> None:
        """Expect pictures of this size from now on; the next is a key frame."""

    @property
    def quantizer(self) -> int | None:
        """How coarse the last frame was, 0 to 63; None where nobody can know."""

    def close(self) -> None:
        """Free it; a second call does nothing."""


def open_encoder(
    codec: Codec, width: int, height: int, *, bps: int, fps: int = 30
) -> Encoder:
    """Open the best encoder that there is.

    Raises:
        MissingError: this machine has none.
    """
    raise NotImplementedError
