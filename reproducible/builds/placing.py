"""Where the files of a wheel go (PyPA, "Binary distribution format", Spread).

For one folder that imports come from, and `bin` below it for programs. Headers and data
files would go beside it, where no build backend looks for anything; they are left out.
"""

from dataclasses import dataclass, field

from reproducible.archive.wheels import open_wheel
from reproducible.inputs.lock import LockedWheel
from updater.errors import MalformedError

_SPREAD = {"purelib": "", "platlib": "", "scripts": "bin/"}


@dataclass(frozen=True, slots=True)
class Placed:
    """A file at a path below the folder."""

    path: str
    data: bytes = field(repr=False)
    executable: bool = field(kw_only=True)


def place(wheel: LockedWheel, data: bytes) -> tuple[Placed, ...]:
    """Give the files of a wheel where they belong.

    Raises:
        MalformedError: it is not of the strict form.
    """
    opened = open_wheel(wheel.file, data)
    apart = opened.about.removesuffix(".dist-info") + ".data"
    placed = []
    for entry in opened.entries:
        path = _path(entry.name, apart)
        if path is not None and not entry.is_folder:
            executable = entry.executable or path.startswith("bin/")
            placed.append(Placed(path, opened.data(entry), executable=executable))
    return tuple(placed)


def merge(wheels: "dict[str, tuple[Placed, ...]]") -> tuple[Placed, ...]:
    """Put the files of wheels, by their names, into one folder.

    Raises:
        MalformedError: two have the same file with other bytes.
    """
    taken: dict[str, tuple[str, Placed]] = {}
    for name, files in wheels.items():
        for file in files:
            first, found = taken.setdefault(file.path, (name, file))
            if found.data != file.data:
                raise MalformedError(
                    f"toolchain: {file.path!r} of {name} is another one than in {first}"
                )
    return tuple(file for _, file in taken.values())


def _path(name: str, apart: str) -> str | None:
    top, _, rest = name.partition("/")
    if top != apart:
        return name
    kind, _, path = rest.partition("/")
    return _SPREAD[kind] + path if kind in _SPREAD and path else None
