"""The frame keys of one sealed leg: one epoch to send in, two at most to receive.

Rules. A change of keys as the side that asks for it lives it: it installs the new
receiving key and sends under the new one when the other side has agreed; the old
receiving key goes 10 s after the first frame that opens under the new one.
"""

from voip.description import Kind
from voip.errors import MalformedError
from voip.media.sealing import open_frame, seal_frame
from voip.media.sframe import Opener, Sealers, parse_header

OLD_S = 10.0  # no frame of the old epoch travels for longer


class FrameKeys:
    """Seals what one side sends and opens what the other sent.

    It outlives the connections of a call: a counter begins at 0 once per key.
    """

    def __init__(self, *, send: tuple[bytes, int], receive: tuple[bytes, int]) -> None:
        """Take base key (32 bytes) and KID of each direction of the first epoch."""
        self._sealers = Sealers()
        self._sealer = self._sealers.take(*send)
        self._newest = Opener(*receive)
        self._old: Opener | None = None
        self._old_until: float | None = None

    def install(self, *, send: tuple[bytes, int], receive: tuple[bytes, int]) -> None:
        """Go to the next epoch, which the other side has agreed to.

        Raises:
            KeyReuseError: it was installed before.
        """
        self._sealer = self._sealers.take(*send)
        self._old, self._newest = self._newest, Opener(*receive)
        self._old_until = None

    def seal(self, kind: Kind, frame: bytes) -> bytes:
        """Seal one frame: Opus for sound, else VP8.

        Raises:
            LimitError: an Opus frame too long for its two sizes.
        """
        return seal_frame(self._sealer, kind, frame)

    def open(self, kind: Kind, sealed: bytes, now: float) -> bytes:
        """Open one frame; `now` in seconds.

        Raises:
            MalformedError: sealed by nobody we know, changed, or here before.
        """
        if self._old_until is not None and now >= self._old_until:
            self._old = self._old_until = None

        def open_sealed(data: bytes, metadata: bytes) -> bytes:
            header = parse_header(data)
            opener = self._opener(header.kid)
            plaintext = opener.open(header, data, metadata)
            if opener is self._newest and self._old and self._old_until is None:
                self._old_until = now + OLD_S
            return plaintext

        return open_frame(kind, sealed, open_sealed)

    def _opener(self, kid: int) -> Opener:
        for opener in (self._newest, self._old):
            if opener is not None and opener.kid == kid:
                return opener
        raise MalformedError(f"sframe: key {kid} is not one of this moment")
