"""For tests whose time is real, on machines that somebody else may be using."""

from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

P = ParamSpec("P")


def in_two_tries(test: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """Let a test of times be held once more, all of it, where the first run missed.

    A neighbour can spoil a second; what is slow by itself is slow twice. Takes a test
    with the fixture `tmp_path`, and gives the second run a folder of its own.
    """

    @wraps(test)
    async def again(*args: P.args, **fixtures: P.kwargs) -> None:
        try:
            await test(*args, **fixtures)
        except AssertionError:
            folder = fixtures["tmp_path"]
            assert isinstance(folder, Path)
            fixtures["tmp_path"] = folder / "again"
            (folder / "again").mkdir()
            await test(*args, **fixtures)

    return again
