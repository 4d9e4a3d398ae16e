"""The family of errors, which callers act on by its roots."""

import inspect

from voip import errors


def test_the_tree_in_the_docstring_is_the_family() -> None:
    assert errors.__doc__ is not None
    drawn: list[tuple[str, str]] = []
    above: list[str] = []
    for line in errors.__doc__.splitlines():
        words = line.lstrip(" │├└─").split()
        if not words or not words[0].endswith("Error"):
            continue
        depth = (len(line) - len(line.lstrip(" │├└─"))) // 4
        above[depth - 1 :] = [words[0]]
        drawn.append((words[0], above[-2] if depth > 1 else "Exception"))

    family = [
        (name, kind.__bases__[0].__name__)
        for name, kind in inspect.getmembers(errors, inspect.isclass)
    ]
    assert sorted(drawn) == sorted(family)


def test_could_not_ask_and_refused_are_never_both() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]

    assert not [
        kind
        for kind in kinds
        if issubclass(kind, errors.UnreachableError)
        and issubclass(kind, errors.RefusedError)
    ]
