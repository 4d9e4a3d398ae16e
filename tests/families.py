"""The family of errors that a package has, and the one that its docstring draws."""

import inspect
from types import ModuleType


def drawn(errors: ModuleType) -> list[tuple[str, str]]:
    """List each error in the tree of the docstring with the one above it."""
    assert errors.__doc__ is not None
    found: list[tuple[str, str]] = []
    above: list[str] = []
    for line in errors.__doc__.splitlines():
        words = line.lstrip(" │├└─").split()
        if not words or not words[0].endswith("Error"):
            continue
        depth = (len(line) - len(line.lstrip(" │├└─"))) // 4
        above[depth - 1 :] = [words[0]]
        found.append((words[0], above[-2] if depth > 1 else "Exception"))
    return sorted(found)


def family(errors: ModuleType) -> list[tuple[str, str]]:
    """List each error of a module with its base."""
    return sorted(
        (name, kind.__bases__[0].__name__)
        for name, kind in inspect.getmembers(errors, inspect.isclass)
    )
