"""Paths within an archive, before any of them touches a disk.

One rule for wheels, tars and trees: relative, in one spelling, and no two of them the
same file for a file system that folds case or composes letters.
"""

import unicodedata
from collections.abc import Collection
from itertools import pairwise

from updater.errors import MalformedError

MAX_PATH_BYTES = 512
"""Twice the longest path of the wheels we ship, and far below any PATH_MAX."""

_SHOWN = 80  # characters of a refused path that a sentence quotes


def check_path(path: str) -> None:
    """Expect a relative path with `/` between its parts, and nothing clever.

    Raises:
        MalformedError: it is absolute, climbs (`..`), has an empty or `.` part, a
            backslash or colon (other systems' separators), a control character or a
            lone surrogate, or is longer than 512 bytes of UTF-8.
    """
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        raise MalformedError(f"path {path[:_SHOWN]!r}: expected Unicode") from None
    if length > MAX_PATH_BYTES:
        raise MalformedError(
            f"path {path[:_SHOWN]!r}: expected at most {MAX_PATH_BYTES} bytes,"
            f" came {length}"
        )
    if any(part in {"", ".", ".."} for part in path.split("/")):
        raise MalformedError(
            f"path {path[:_SHOWN]!r}: expected a relative path without empty parts,"
            " '.' and '..'"
        )
    if any(each in "\\:" or unicodedata.category(each) == "Cc" for each in path):
        raise MalformedError(
            f"path {path[:_SHOWN]!r}: expected no backslash, colon or control character"
        )


def check_together(files: Collection[str], folders: Collection[str] = ()) -> None:
    """Expect paths that can all exist in one folder, on any file system.

    Raises:
        MalformedError: two are the same after NFC and case folding, or one is a file
            where another needs a folder.
    """
    taken: dict[str, str] = {}
    for path in (*files, *folders):
        key = folded(path)
        if key in taken:
            raise MalformedError(
                f"path {path[:_SHOWN]!r}: expected once, came also as"
                f" {taken[key][:_SHOWN]!r}"
            )
        taken[key] = path
    known = {folded(path) for path in folders}
    # With the slash before every letter, what lies below a path follows it at once.
    ordered = sorted(taken, key=lambda key: key.replace("/", "\0"))
    for above, path in pairwise(ordered):
        if above not in known and path.startswith(f"{above}/"):
            raise MalformedError(
                f"path {taken[path][:_SHOWN]!r}: expected a folder above it, came the"
                f" file {taken[above][:_SHOWN]!r}"
            )


def folded(path: str) -> str:
    """Give what is equal for paths that some file system takes for the same."""
    if path.isascii():
        return path.lower()
    # Folding can leave a letter uncomposed, hence the second round.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
