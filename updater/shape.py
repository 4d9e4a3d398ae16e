"""The shape of values that came from outside: each part is what its format says.

Every check takes the value and `where` it stands, for the sentence, and gives it back
with its type, or raises. They are hand-written rather than a JSON Schema, because what
decides over an update imports nothing that it does not need.
"""

import base64
import binascii
import re
from collections.abc import Collection
from datetime import UTC, datetime

from updater.errors import MalformedError
from updater.jcs import MAX_INTEGER, Json

SHA256 = re.compile("[0-9a-f]{64}")
"""A SHA-256 digest, lower hexadecimal."""

_MOMENT = re.compile(
    # Newer Pythons take 24:00 as well, which is a second spelling of the next day.
    "20[0-9]{2}-[01][0-9]-[0-3][0-9]T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"
)
_SHOWN = 40  # characters of a wrong value that a sentence quotes


def record(
    value: Json, where: str, required: Collection[str], optional: Collection[str] = ()
) -> dict[str, Json]:
    """Expect an object with all required keys, and no others but the optional ones.

    Raises:
        MalformedError: it is none, lacks a key or has one too many.
    """
    found = fields(value, where, required)
    for key in found:
        if key not in required and key not in optional:
            raise MalformedError(f"{where}: {key[:_SHOWN]!r} has no place there")
    return found


def fields(value: Json, where: str, required: Collection[str]) -> dict[str, Json]:
    """Expect an object with all required keys, whatever else it has.

    For what restricts: an unknown field must not disarm a warning.

    Raises:
        MalformedError: it is none, or lacks a key.
    """
    if not isinstance(value, dict):
        raise MalformedError(f"{where}: expected an object, came {_kind(value)}")
    for key in required:
        if key not in value:
            raise MalformedError(f"{where}: {key!r} is missing")
    return value


def items(value: Json, where: str, *, least: int = 0, most: int) -> list[Json]:
    """Expect an array of `least` to `most` items.

    Raises:
        MalformedError: it is none, or of another length.
    """
    if not isinstance(value, list):
        raise MalformedError(f"{where}: expected an array, came {_kind(value)}")
    if not least <= len(value) <= most:
        raise MalformedError(
            f"{where}: expected {least} to {most} items, came {len(value)}"
        )
    return value


def text(value: Json, where: str, pattern: re.Pattern[str]) -> str:
    """Expect a string that the pattern matches as a whole.

    Raises:
        MalformedError: it is none, or does not match.
    """
    if not isinstance(value, str):
        raise MalformedError(f"{where}: expected a string, came {_kind(value)}")
    if not pattern.fullmatch(value):
        raise MalformedError(
            f"{where}: {value[:_SHOWN]!r} does not match {pattern.pattern}"
        )
    return value


def one_of(value: Json, where: str, *choices: str) -> str:
    """Expect one of a few words.

    Raises:
        MalformedError: it is something else.
    """
    if not isinstance(value, str) or value not in choices:
        came = repr(value[:_SHOWN]) if isinstance(value, str) else _kind(value)
        raise MalformedError(f"{where}: expected {' or '.join(choices)}, came {came}")
    return value


def integer(value: Json, where: str, *, least: int = 0, most: int = MAX_INTEGER) -> int:
    """Expect an integer from `least` to `most`.

    Raises:
        MalformedError: it is none, or out of range.
    """
    # bool is a subclass of int, and true is not 1 to other readers.
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedError(f"{where}: expected an integer, came {_kind(value)}")
    if not least <= value <= most:
        raise MalformedError(f"{where}: expected {least} to {most}, came {value}")
    return value


def flag(value: Json, where: str) -> bool:
    """Expect true or false.

    Raises:
        MalformedError: it is neither.
    """
    if not isinstance(value, bool):
        raise MalformedError(f"{where}: expected true or false, came {_kind(value)}")
    return value


def unbase64(value: Json, where: str, *, size: int | None = None) -> bytes:
    """Expect canonical base64 (RFC 4648 section 4) of `size` bytes, where given.

    Raises:
        MalformedError: it is something else, or has a second spelling.
    """
    if not isinstance(value, str):
        raise MalformedError(f"{where}: expected a string, came {_kind(value)}")
    try:
        decoded = base64.b64decode(value.encode("ascii"), validate=True)
    except (UnicodeError, binascii.Error):
        raise MalformedError(f"{where}: expected base64") from None
    # `validate` lets trailing bits through that are not zero: a second spelling.
    if base64.b64encode(decoded).decode() != value:
        raise MalformedError(f"{where}: expected canonical base64")
    if size is not None and len(decoded) != size:
        raise MalformedError(f"{where}: expected {size} bytes, came {len(decoded)}")
    return decoded


def base64_text(data: bytes) -> str:
    """Write bytes as `unbase64` reads them."""
    return base64.b64encode(data).decode()


def moment(value: Json, where: str) -> int:
    """Expect a UTC time of this century, `2026-11-22T01:02:03Z`; POSIX seconds.

    Raises:
        MalformedError: it is something else, or a day that no calendar has.
    """
    written = text(value, where, _MOMENT)
    try:
        return int(datetime.fromisoformat(written).timestamp())
    except ValueError:
        raise MalformedError(f"{where}: {written!r} is no time") from None


def moment_text(seconds: int) -> str:
    """Write POSIX seconds as `moment` reads them."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _kind(value: Json) -> str:
    """Name a JSON type as JSON does."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
