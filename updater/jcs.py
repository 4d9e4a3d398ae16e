"""JSON with exactly one spelling, because it is hashed and signed.

Written as RFC 8785 (JSON Canonicalization Scheme). Read more strictly than RFC 8259:
integers only, no key twice, bounded size and depth, so that two readers can never
disagree about what was signed.
"""

import json
from typing import NoReturn, TypeAlias

import rfc8785

from updater.errors import MalformedError

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8785)."""

_MAX_DIGITS = 17  # a sign and 16 digits; int() is quadratic in their number
_DEEPEST = 32  # deeper nesting has no place in our formats and exhausts the stack


def parse(data: bytes, *, most: int, depth: int = _DEEPEST) -> Json:
    """Read JSON of at most `most` bytes, nested at most `depth` deep.

    Raises:
        MalformedError: anything else.
    """
    if len(data) > most:
        raise MalformedError(f"JSON: expected at most {most} bytes, came {len(data)}")
    try:
        text = data.decode("utf-8")
        value: Json = json.loads(
            text,
            object_pairs_hook=_without_twins,
            parse_int=_integer,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
        _measure(value, depth)
        if "\\u" in text:
            # A lone surrogate, written \ud800, decodes but has no bytes.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"JSON: {_reason(error)}") from None
    return value


def parse_canonical(data: bytes, *, most: int, depth: int = _DEEPEST) -> Json:
    """Read JSON that is exactly what `write` writes.

    Raises:
        MalformedError: anything else.
    """
    value = parse(data, most=most, depth=depth)
    if write(value) != data:
        raise MalformedError("JSON: expected the canonical spelling of RFC 8785")
    return value


def write(value: Json) -> bytes:
    """Write a value as RFC 8785.

    The value is ours, or was parsed here: floats and large integers are our bugs.
    """
    # The standard library's writer is in C, 20 times as fast. In ASCII both write the
    # same; beyond, keys sort by UTF-16 units in RFC 8785, and by code points there.
    quick = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return quick.encode() if quick.isascii() else rfc8785.dumps(value)


def _measure(value: Json, depth: int) -> None:
    if not isinstance(value, dict | list):
        return
    if depth == 0:
        raise ValueError("nested too deep")
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            _measure(item, depth - 1)


def _without_twins(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS or abs(int(digits)) > MAX_INTEGER or digits == "-0":
        raise ValueError("expected integers within 2^53")
    return int(digits)


def _no_float(_: str) -> NoReturn:
    raise ValueError("expected integers, came another number")


def _reason(error: ValueError | RecursionError) -> str:
    match error:
        case UnicodeError():
            return "expected UTF-8"
        case json.JSONDecodeError():
            return f"not JSON at character {error.pos}"
        case RecursionError():
            return "nested too deep"
        case _:
            return str(error)
