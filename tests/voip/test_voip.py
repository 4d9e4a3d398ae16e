"""The front door of the library: names that load what they need when asked for."""

import ast
from pathlib import Path

import pytest

import voip

NAMES: list[str] = vars(voip)["__all__"]


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_there_and_listed(name: str) -> None:
    assert getattr(voip, name) is not None
    assert name in dir(voip)


def test_type_checkers_are_told_the_same_names() -> None:
    stub = Path(voip.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    told = {
        alias.asname or alias.name
        for node in ast.walk(ast.parse(stub))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert told == set(NAMES)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'voip' has no attribute 'nobody'"):
        voip.nobody  # type: ignore[attr-defined] # noqa: B018 -- asking is the test
