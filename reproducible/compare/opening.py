"""Both files of a pair opened, or what is wrong with either."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from reproducible.compare.contents import describe
from reproducible.compare.verdict import Difference, Side
from reproducible.errors import InputError
from updater.errors import MalformedError

SIDES: tuple[Side, Side] = ("published", "rebuilt")

T = TypeVar("T")


def open_both(
    published: Callable[[], T], rebuilt: Callable[[], T], *, entry: str
) -> tuple[T, T] | list[Difference]:
    """Open both; give instead which of them are not what their format says, and why."""
    opened: list[T] = []
    wrong: list[Difference] = []
    for side, read in zip(SIDES, (published, rebuilt), strict=True):
        try:
            opened.append(read())
        except MalformedError as error:
            wrong.append(Difference("malformed", side, entry, str(error)))
    return wrong or (opened[0], opened[1])


def unopened(
    published: Iterable[bytes], rebuilt: Iterable[bytes], *, entry: str
) -> list[Difference]:
    """Say how files differ of which nothing but the bytes is known.

    Raises:
        InputError: they do not, though their hashes did.
    """
    found = describe(published, rebuilt)
    if found is None:
        raise InputError(f"{entry}: expected other bytes, came the same: they changed")
    return [Difference("container", "both", entry, found.words)]
