"""A source on disk, changed in what should not matter: modes, times, owners, leftovers.

Carrier. The source is laid out afresh for each build, so nothing has to be undone.
"""

import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from reproducible.vary.arrangements import SourceChange

_IN_2001: Final = 986_000_000  # POSIX seconds; a date before any sane clock
_YEAR_S: Final = 31_536_000
_SOMEBODY: Final = 12_345  # a user and group that no system makes
_STALE: Final = b"not what the source compiles to\n"


def change_source(folder: Path, change: SourceChange) -> None:
    """Change a folder and all that lies below."""
    for path in (folder, *sorted(folder.rglob("*"))):
        _CHANGES[change](path)


def _close(path: Path) -> None:
    path.chmod(path.stat().st_mode & ~0o077)


def _open(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o020)


def _date_back(path: Path) -> None:
    os.utime(path, (_IN_2001, _IN_2001))


def _scatter(path: Path) -> None:
    moment = _IN_2001 + zlib.crc32(path.name.encode()) % (20 * _YEAR_S)
    os.utime(path, (moment, moment))


def _give_away(path: Path) -> None:
    os.chown(path, _SOMEBODY, _SOMEBODY)


def _compile_badly(path: Path) -> None:
    """Leave compiled code beside a module, as another build might have."""
    if path.suffix == ".py":
        folder = path.parent / "__pycache__"
        folder.mkdir(exist_ok=True)
        for tag in ("cpython-311", "cpython-312", "cpython-313"):
            (folder / f"{path.stem}.{tag}.pyc").write_bytes(_STALE)


_CHANGES: Final[Mapping[SourceChange, Callable[[Path], None]]] = {
    "private": _close,
    "shared": _open,
    "2001": _date_back,
    "scattered": _scatter,
    "owned": _give_away,
    "stale": _compile_badly,
}
