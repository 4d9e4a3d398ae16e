"""Finds the codec libraries that PyAV's wheel brings, for the doors that call them.

Carrier: it looks at file names and loads nothing.
"""

import ctypes.util
import importlib.util
from pathlib import Path

_PLACES = ("../av.libs", ".dylibs")
"""Where auditwheel and delvewheel, and where delocate, put what a wheel needs; beside
the package, and inside it."""


def find_library(name: str) -> str | None:
    """Give the path or name of library `name`, as in `vpx`: the wheel's, else any."""
    spec = importlib.util.find_spec("av")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        for place in _PLACES:
            # A hash stands between the name and the end: libvpx-edb6de90.so.12.0.0
            found = sorted((package / place).glob(f"lib{name}[-.]*"))
            if found:
                return str(found[0].resolve())
    return ctypes.util.find_library(name)
