"""Device ids, as the program writes and reads them."""

from voip.errors import MalformedError

_DIGITS = frozenset("0123456789abcdef")


def parse_device(text: str) -> bytes:
    """Read a device id as `contact show` writes it: 32 hex digits.

    Raises:
        MalformedError: it is something else.
    """
    if len(text) != 32 or not set(text) <= _DIGITS:
        raise MalformedError(f"device: expected 32 hex digits, came {text!r}")
    return bytes.fromhex(text)
