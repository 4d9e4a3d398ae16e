"""Which part of an encoded frame is sealed, and what stays readable beside it.

::

    clear || SFrame( frame without clear, metadata = kind (1) || clear )

========  ==========================================  ==============================
kind      clear                                       plaintext
========  ==========================================  ==============================
audio     nothing                                     padded(Opus frame, 160 or 320)
video     VP8: 10 bytes of a key frame, 3 of another  the rest
screen    the same                                    the same
========  ==========================================  ==============================

Browsers and forwarding servers look at the first bytes of VP8 (RFC 6386 §9.1) for key
frames and sizes and go astray where they read noise, so these are authenticated only.
The kind keeps a frame of one stream from passing for one of another. Sound has one size
whatever the other encoder made of it: the length of an Opus frame tells speech apart.
"""

from collections.abc import Callable

from voip.description import Kind
from voip.errors import LimitError, MalformedError
from voip.media.sframe import Sealer
from voip.wire import pad, unpad

AUDIO_BYTES = 160
"""One size for Opus frames up to 158 bytes, which are 63 kb/s."""

LONG_AUDIO_BYTES = 320
"""The size of those few that are longer."""

_KEY_CLEAR, _CLEAR = 10, 3  # RFC 6386 §9.1: frame tag; start code and sizes
_INTER = 0x01  # bit 0 of a frame tag: no key frame


def seal_frame(sealer: Sealer, kind: Kind, frame: bytes) -> bytes:
    """Seal one frame: Opus for sound, else VP8.

    Raises:
        LimitError: an Opus frame of more than 318 bytes.
    """
    if kind is Kind.AUDIO:
        size = AUDIO_BYTES if len(frame) <= AUDIO_BYTES - 2 else LONG_AUDIO_BYTES
        if len(frame) > size - 2:
            raise LimitError(
                f"opus frame: expected at most {size - 2} bytes, came {len(frame)}"
            )
        return sealer.seal(pad(frame, size), _METADATA[kind])
    clear = frame[: clear_bytes(frame)]
    return clear + sealer.seal(frame[len(clear) :], _METADATA[kind] + clear)


def open_frame(
    kind: Kind, sealed: bytes, open_sealed: Callable[[bytes, bytes], bytes]
) -> bytes:
    """Open one frame: `open_sealed` gets an SFrame ciphertext and its metadata.

    Raises:
        MalformedError: `open_sealed` did, or the padding is not ours.
    """
    if kind is Kind.AUDIO:
        return unpad(open_sealed(sealed, _METADATA[kind]))
    clear = sealed[: clear_bytes(sealed)]
    return clear + open_sealed(sealed[len(clear) :], _METADATA[kind] + clear)


def clear_bytes(frame: bytes) -> int:
    """Say how many bytes of a VP8 frame stay readable, sealed or not.

    Raises:
        MalformedError: shorter than that: no VP8 frame.
    """
    size = _CLEAR if frame and frame[0] & _INTER else _KEY_CLEAR
    if len(frame) < size:
        raise MalformedError(f"vp8: expected at least {size} bytes, came {len(frame)}")
    return size


_METADATA = {kind: bytes([kind]) for kind in Kind}
