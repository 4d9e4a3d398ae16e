"""Sound made shorter or longer without a change of pitch, by one period of the voice.

Sound is signed 16-bit mono at 48 kHz, 960 samples a frame.
"""


def shorten(frame: bytes) -> bytes | None:
    """Take one period of 2.5 to 10 ms out of a frame; None if it would be heard."""
    raise NotImplementedError


def lengthen(frame: bytes) -> bytes | None:
    """Repeat one period of 2.5 to 10 ms of a frame; None if it would be heard."""
    raise NotImplementedError


def cross_fade(old: bytes, new: bytes) -> bytes:
    """Begin `new` with its first 10 ms faded in over those of `old` faded out."""
    raise NotImplementedError
