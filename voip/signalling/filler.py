"""Bytes that look random, for what a frame does not use.

The keystream of AES-256 in counter mode, under a key of its own for each run: nobody
tells it from random bytes, and from those of a sealed blob, and it costs a tenth of
asking the system for four kilobytes a frame. Not for keys or names: who learns the key
knows all that was made before, which matters for nothing that means nothing.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from voip.identity.keys import Entropy

KEY_BYTES = 32
_ZEROS = bytes(8192)


class Filler:
    """Gives bytes to fill up with; use it as `Entropy` where frames are written."""

    def __init__(self, entropy: Entropy) -> None:
        """Draw a key of 32 bytes from `entropy`."""
        key = algorithms.AES(entropy(KEY_BYTES))
        self._stream = Cipher(key, modes.CTR(bytes(16))).encryptor()

    def __call__(self, count: int) -> bytes:
        """Give the next `count` bytes, at most 8192."""
        assert count <= len(_ZEROS)
        return self._stream.update(_ZEROS[:count])
