"""Claims that somebody changed, and the JSON Schema as the judge of our reading.

The schema says what the shape of a claim is, the hand-written checks decide. Whatever
the schema refuses, they refuse. What they refuse beyond it has a sentence of its own.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package apart

import updater.transparency
from updater.errors import MalformedError
from updater.jcs import write
from updater.statement import Statement, format_statement, parse_statement

T = TypeVar("T")

SCHEMA = Path(updater.transparency.__file__).with_name("schemas") / "statement.json"

_ODD: list[Any] = [
    None,
    True,
    False,
    -1,
    0,
    1,
    3,
    2**53 - 1,
    "",
    "x",
    "x\n",
    "x" * 201,
    "x" * 501,
    "../x",
    "a//b",
    "a..b",
    "/x",
    "Abc",
    "pkg:" + "x" * 251,
    "https:x y",
    "0" * 63,
    "0" * 64,
    "0" * 128,
    "A" * 43 + "=",
    "A" * 42 + "B=",
    "2026-11-22T01:02:03Z",
    "2026-02-31T01:02:03Z",
    "2026-11-22T01:02:60Z",
    [],
    [1],
    {},
    {"x": 1},
]


def validator(kind: str) -> jsonschema.Draft202012Validator:
    """Give the judge of one predicate type: the schema without the four others."""
    # "Patterns mean the whole string": Python's `$` also matches before a last newline.
    schema = json.loads(SCHEMA.read_text().replace('$"', '\\\\Z"'))
    schema["allOf"] = [
        branch
        for branch in schema.pop("oneOf")
        if branch["properties"]["predicateType"]["const"] == kind
    ]
    return jsonschema.Draft202012Validator(schema)


def changed(value: Any) -> Iterator[Any]:  # Any: JSON that is about to be broken
    """Give a JSON value with one place in it changed, in every way for every place."""
    for odd in _ODD:
        if odd != value or type(odd) is not type(value):
            yield odd
    if isinstance(value, dict):
        yield {**value, "zz": 1}
        for key, inner in value.items():
            yield {name: each for name, each in value.items() if name != key}
            for other in changed(inner):
                yield {**value, key: other}
    if isinstance(value, list):
        yield value * 65
        yield [*value, *value]
        for at, inner in enumerate(value):
            for other in changed(inner):
                yield [*value[:at], other, *value[at + 1 :]]


def disagreements(
    parse: Callable[[Statement], T],
    write_claim: Callable[[T], Statement],
    claim: T,
    *,
    beyond: str,
) -> list[str]:
    """Read every changed form of a claim and list where schema and reading differ.

    `beyond` matches the sentences of what is refused beyond the schema.
    """
    found = []
    good = write_claim(claim)
    schema = validator(good.predicate_type)
    for document in changed(json.loads(format_statement(good))):
        payload = write(document)
        valid = schema.is_valid(document)
        try:
            statement = parse_statement(payload)
            if statement.predicate_type != good.predicate_type:
                continue  # of another kind, so for another reader
            read = parse(statement)
        except MalformedError as error:
            if valid and not re.match(beyond, str(error)):
                found.append(f"only we refuse: {error}: {payload!r}")
        else:
            if not valid:
                found.append(f"only the schema refuses: {payload!r}")
            if format_statement(write_claim(read)) != payload:
                found.append(f"a second spelling: {payload!r}")
    return found
