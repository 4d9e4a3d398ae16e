"""The family of errors, which callers act on by its roots."""

import inspect

import pytest

from tests.families import drawn, family
from updater import errors


def test_the_tree_in_the_docstring_is_the_family() -> None:
    assert drawn(errors) == family(errors)


def test_could_not_ask_refused_and_misbehaviour_are_never_two_at_once() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    roots = (errors.UnreachableError, errors.RefusedError, errors.MisbehaviourError)

    assert not [
        kind for kind in kinds if sum(issubclass(kind, root) for root in roots) > 1
    ]


@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (
            errors.FetchError("status", "came 404", status=404),
            {"kind": "status", "status": 404},
        ),
        (errors.RepositoryError("rollback", "came 3"), {"detail": "rollback"}),
        (errors.SigstoreError("identity", "another"), {"detail": "identity"}),
        (
            errors.DeclinedError("came size 7", status=409, size=9),
            {"status": 409, "size": 9},
        ),
        (errors.MisbehaviourError("two roots", b"evidence"), {"report": b"evidence"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_caller_acts_on_is_in_the_error(
    error: errors.UpdateError, facts: dict[str, object]
) -> None:
    carried = {name: getattr(error, name) for name in facts}

    assert carried == facts
    assert str(error)
