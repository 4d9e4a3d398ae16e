"""The family of errors, which callers act on by its roots."""

import inspect

from tests.families import drawn, family
from voip import errors


def test_the_tree_in_the_docstring_is_the_family() -> None:
    assert drawn(errors) == family(errors)


def test_could_not_ask_and_refused_are_never_both() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]

    assert not [
        kind
        for kind in kinds
        if issubclass(kind, errors.UnreachableError)
        and issubclass(kind, errors.RefusedError)
    ]
