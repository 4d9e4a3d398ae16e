"""TOML that may come from anybody, read into plain values in bounded time."""

import tomllib
from typing import Final

from updater.errors import MalformedError
from updater.jcs import MAX_INTEGER, Json

MAX_DOTS: Final = 200  # in a line
"""What the standard library's reader takes for a table grows with the parts of its name
times its keys: in 1 MiB, this bounds it to seconds where it would be hours."""

_DEEPEST: Final = 32  # deeper nesting has no place in our formats


def parse_toml(data: bytes, *, most: int) -> dict[str, Json]:
    """Read TOML 1.0 of at most `most` bytes, nested at most 32 deep.

    Dates and numbers with a fraction have no place in our formats; they are given as
    text, so that whoever wants neither refuses them where they stand.

    Raises:
        MalformedError: anything else, integers beyond 2^53 included.
    """
    if len(data) > most:
        raise MalformedError(f"TOML: expected at most {most} bytes, came {len(data)}")
    if any(line.count(b".") > MAX_DOTS for line in data.splitlines()):
        raise MalformedError(f"TOML: expected at most {MAX_DOTS} dots in a line")
    try:
        found = tomllib.loads(data.decode())
    except UnicodeDecodeError:
        raise MalformedError("TOML: expected UTF-8") from None
    except ValueError as error:
        raise MalformedError(f"TOML: {str(error)[:200]}") from None
    except RecursionError:
        raise MalformedError("TOML: nested too deep") from None
    return _table(found, _DEEPEST)


def _table(found: dict[str, object], depth: int) -> dict[str, Json]:
    return {key: _plain(value, depth - 1) for key, value in found.items()}


def _plain(value: object, depth: int) -> Json:
    if depth == 0 and isinstance(value, dict | list):
        raise MalformedError("TOML: nested too deep")
    match value:
        case dict():
            return _table(value, depth)
        case list():
            return [_plain(each, depth - 1) for each in value]
        case int() if abs(value) > MAX_INTEGER:
            raise MalformedError("TOML: expected integers within 2^53")
        case str() | int():  # and bool
            return value
        case _:
            return str(value)
