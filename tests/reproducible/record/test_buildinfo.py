"""How a build went has one spelling, and its schema is the judge of our reading."""

import json
from dataclasses import replace

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package apart
import pytest

from reproducible.record.buildinfo import (
    Buildinfo,
    format_buildinfo,
    parse_buildinfo,
)
from tests.io_map import CHECKOUT
from tests.reproducible.record.infos import INFO, STOPPED
from tests.updater.transparency.claims.corpus import changed
from tests.updater.transparency.mangled import assert_one_spelling
from updater.errors import MalformedError
from updater.jcs import write

_PAGE = (CHECKOUT / "docs/formats/buildinfo.md").read_text()
_EXAMPLE, _SCHEMA = (
    each.partition("\n```")[0] for each in _PAGE.split("```json\n")[1:]
)


@pytest.mark.parametrize("info", [INFO, STOPPED], ids=["built", "stopped"])
def test_a_damaged_buildinfo_is_malformed_or_another(info: Buildinfo) -> None:
    assert_one_spelling(parse_buildinfo, format_buildinfo, format_buildinfo(info))


def test_the_example_of_the_format_is_what_is_written() -> None:
    assert format_buildinfo(INFO).decode() == _EXAMPLE.replace("\n ", "")


@pytest.mark.parametrize("info", [INFO, STOPPED], ids=["built", "stopped"])
def test_what_the_schema_refuses_is_malformed_and_nothing_else(info: Buildinfo) -> None:
    # In Python `$` also matches before a last line feed.
    schema = json.loads(_SCHEMA.replace('$"', r'\\Z"'))
    judge = jsonschema.Draft202012Validator(schema)
    good = json.loads(format_buildinfo(info))
    disagreed = [
        each for each in changed(good) if judge.is_valid(each) != _is_read(write(each))
    ]

    # A schema knows no calendar.
    assert [each for each in disagreed if "-02-31T" not in json.dumps(each)] == []


def _is_read(data: bytes) -> bool:
    try:
        parse_buildinfo(data)
    except MalformedError:
        return False
    return True


def test_a_build_has_not_too_many_variables() -> None:
    crowded = replace(INFO, env={f"V{number}": "" for number in range(65)})

    with pytest.raises(MalformedError, match="at most 64 variables"):
        parse_buildinfo(format_buildinfo(crowded))
