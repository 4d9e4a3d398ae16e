"""A bounded store of sound between two clocks: a device's and the call's.

Rules: no lock and no time; whoever shares it between threads locks around it.
"""

from voip.errors import MalformedError


class Ring:
    """The newest sound, oldest out first.

    When it is full the oldest goes, since sound that is late is worth less than sound
    that is now: a device whose clock runs fast, or a loop that stalled, costs a gap and
    never a delay that stays. When it runs dry, silence comes out until `prime` bytes
    are in again, so that one late frame makes one gap instead of many. `dropped` and
    `missing` count the bytes of both.
    """

    def __init__(self, capacity: int, prime: int = 0) -> None:
        """Hold at most `capacity` bytes; both numbers are of whole samples, even."""
        self.dropped = 0
        self.missing = 0
        self._capacity = capacity
        self._prime = prime
        self._primed = prime == 0
        self._held = bytearray()

    def __len__(self) -> int:
        return len(self._held)

    def push(self, pcm: bytes) -> None:
        """Put sound in.

        Raises:
            MalformedError: half a sample; all that follows would be noise.
        """
        if len(pcm) % 2:
            raise MalformedError(f"16-bit samples make an even length, got {len(pcm)}")
        self._held += pcm
        over = len(self._held) - self._capacity
        if over > 0:
            del self._held[:over]
            self.dropped += over
        self._primed = self._primed or len(self._held) >= self._prime

    def pull(self, size: int) -> bytes:
        """Take `size` bytes out, whole or as silence."""
        if not self._primed or len(self._held) < size:
            self._primed = self._prime == 0
            self.missing += size
            return bytes(size)
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken
