"""What is expected of each wheel, as a text that is kept beside a lock.

Rules. A line is a verdict, spaces, and the file name of a wheel; what follows it and
lines that begin with ``#`` are for people. So what `rebuild deps` prints is such a
text. A wheel that is not in it is expected to be identical.
"""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from reproducible.errors import RecipeError
from updater.transparency.claims.rebuild import VERDICTS, Verdict

MAX_BYTES: Final = 1024 * 1024

_WORSE: Final[tuple[Verdict, ...]] = (
    "identical", "identical-with-exceptions", "unsupported", "build-failed",
    "different",
)  # fmt: skip
"""Verdicts from what is hoped for to what has to be looked at, as exit codes are."""


def parse_expected(data: bytes) -> dict[str, Verdict]:
    """Read what is expected, by file name.

    Raises:
        RecipeError: a line is no verdict and wheel, or a wheel is named twice.
    """
    if len(data) > MAX_BYTES:
        raise RecipeError(
            f"expectations: expected at most {MAX_BYTES} bytes, came {len(data)}"
        )
    try:
        lines = data.decode().splitlines()
    except UnicodeDecodeError:
        raise RecipeError("expectations: expected UTF-8") from None
    found: dict[str, Verdict] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 2 or words[0] not in VERDICTS or words[1] in found:
            raise RecipeError(
                f"expectations: line {number}: expected a verdict and a wheel that is"
                f" named once, came {line[:80]!r}"
            )
        found[words[1]] = cast("Verdict", words[0])  # it is one of them
    return found


def format_expected(verdict: Verdict, wheel: str, note: str) -> str:
    """Write a line, without its end."""
    return f"{verdict:<25} {wheel}  {note}".rstrip()


def worse_than(
    expected: Mapping[str, Verdict], found: Iterable[tuple[str, Verdict]]
) -> list[tuple[str, Verdict]]:
    """Give the wheels whose verdict is worse than what is expected of them."""
    return [
        (wheel, verdict)
        for wheel, verdict in found
        if _WORSE.index(verdict) > _WORSE.index(expected.get(wheel, "identical"))
    ]
