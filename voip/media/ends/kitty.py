"""Pictures in a terminal that understands kitty's graphics protocol.

Pure: https://sw.kovidgoyal.net/kitty/graphics-protocol/. A picture is RGB, compressed
by zlib, in base64, in chunks of 4096 bytes.
"""

import zlib
from base64 import b64encode

from voip.media.ends.terminal import Place, shrink
from voip.media.sources import Picture

MAX_WIDTH, MAX_HEIGHT = 320, 240
"""Pixels: 4 ms and 190 kB a picture; the terminal scales it up to the place."""
CHUNK_BYTES = 4096  # the protocol's limit for one escape code
_FASTEST = 1  # zlib's level: a picture lives for 80 ms

CLEAR = b"\x1b_Ga=d,d=A,q=2\x1b\\"
"""Takes every picture away, and frees what the terminal kept of it."""


class KittyPictures:
    """One picture after the other in one place."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def draw(self, picture: Picture) -> bytes:
        """Write one picture; it replaces the one before, as both have the number 1.

        `q=2` keeps the terminal from answering: its answer would be taken for keys.
        """
        scale = min(MAX_WIDTH / picture.width, MAX_HEIGHT / picture.height, 1.0)
        width = max(int(picture.width * scale), 1)
        height = max(int(picture.height * scale), 1)
        pixels = shrink(picture, width, height).tobytes()
        data = b64encode(zlib.compress(pixels, _FASTEST))
        place = self._place
        control = b"a=T,f=24,o=z,i=1,p=1,q=2,C=1,s=%d,v=%d,c=%d,r=%d" % (
            *(width, height),
            *(place.columns, place.rows),
        )
        return b"\x1b[%d;%dH" % (place.top, place.left) + _escaped(control, data)


def _escaped(control: bytes, data: bytes) -> bytes:
    starts = range(0, len(data), CHUNK_BYTES)
    last = len(data) - CHUNK_BYTES
    return b"".join(
        b"\x1b_G%b,m=%d;%b\x1b\\"
        % (
            control if start == 0 else b"q=2",
            start < last,
            data[start : start + CHUNK_BYTES],
        )
        for start in starts
    )
