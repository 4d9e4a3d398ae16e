import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.world import World
from updater import jcs
from updater.driver.anchor import (
    ANCHOR,
    FLOOR,
    ROOT,
    floor_of,
    format_anchor,
    parse_anchor,
)
from updater.errors import MalformedError, RefusedError
from updater.transparency.honour import TRUST

WORLD = World()
NOTE = WORLD.witness()
WHOLE = replace(WORLD.anchor, floor=NOTE, accepted=frozenset({"ab" * 32, "cd" * 32}))
PRODUCT = WHOLE.product
FILES = format_anchor(WHOLE)


def described(**changes: jcs.Json) -> Mapping[str, bytes]:
    """The files, with other values in anchor.json."""
    found = jcs.parse(FILES[ANCHOR], most=10_000)
    assert isinstance(found, dict)
    return {**FILES, ANCHOR: jcs.write({**found, **changes})}


def test_an_anchor_is_read_as_it_was_written() -> None:
    assert parse_anchor(FILES) == WHOLE


def test_a_log_may_be_followed_from_its_beginning() -> None:
    young = replace(WHOLE, floor=None)

    assert FLOOR not in format_anchor(young)
    assert parse_anchor(format_anchor(young)) == young
    assert floor_of(young) is None


def test_the_floor_is_a_checkpoint() -> None:
    floor = floor_of(WHOLE)

    assert floor is not None
    assert (floor.origin, floor.size) == (WHOLE.origin, WORLD.log.size)


@pytest.mark.parametrize("name", [ANCHOR, ROOT, TRUST, "policy"])
def test_every_file_is_needed(name: str) -> None:
    with pytest.raises(MalformedError):
        parse_anchor({key: data for key, data in FILES.items() if key != name})


def test_a_foreign_file_has_no_place() -> None:
    with pytest.raises(MalformedError, match="unexpected file 'notes'"):
        parse_anchor({**FILES, "notes": b""})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"schema": "ringfence-anchor/2"}, "schema"),
        ({"accepted": ["AB" * 32]}, "accepted"),
        ({"channel": "Stable"}, "channel"),
        ({"log": "other.example/1"}, "the policy knows no log other.example/1"),
        ({"repositories": []}, "repositories"),
        ({"repositories": ["https://updates.example"]}, "repository"),
        ({"repositories": ["gopher://updates.example/"]}, "repository"),
        ({"product": {}}, "product"),
        ({"more": 1}, "'more' has no place there"),
    ],
)
def test_what_is_not_of_the_form_is_refused(
    changes: dict[str, jcs.Json], sentence: str
) -> None:
    with pytest.raises(MalformedError, match=sentence):
        parse_anchor(described(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "App"}, {"module": "app main"}, {"module": "-c"}, {"probe": []},
        {"probe": ["\n"]}, {"probe": ["--self-test"]}, {"name": ""},
        {"launcher_name": "../app"},
    ],
)  # fmt: skip
def test_a_product_has_plain_names(changes: dict[str, object]) -> None:
    odd = replace(WHOLE, product=replace(PRODUCT, **changes))  # type: ignore[arg-type]  # any field

    with pytest.raises(MalformedError, match="anchor: product"):
        parse_anchor(format_anchor(odd))


def test_trust_files_of_another_project_are_refused() -> None:
    other = replace(WHOLE, product=replace(PRODUCT, project="pkg:pypi/other"))

    with pytest.raises(MalformedError, match="expected pkg:pypi/other"):
        parse_anchor(format_anchor(other))


def test_a_floor_of_another_log_is_refused() -> None:
    note = NOTE.replace(WHOLE.origin.encode(), b"other.example/1", 1)

    with pytest.raises(MalformedError, match="the floor is of 'other"):
        parse_anchor({**FILES, FLOOR: note})


def test_a_policy_that_protects_nobody_is_refused() -> None:
    weak = re.sub(rb"(group \w+) [0-9]+", rb"\1 1", WHOLE.trust.files["policy"])

    with pytest.raises(RefusedError, match="witness policy"):
        parse_anchor({**FILES, "policy": weak})


@given(st.data())
def test_no_part_and_no_changed_byte_passes_for_something_else(
    data: st.DataObject,
) -> None:
    name = data.draw(st.sampled_from(sorted(FILES)))
    at = data.draw(st.integers(0, len(FILES[name]) - 1))
    byte = data.draw(st.integers(0, 255))
    changed = FILES[name][:at] + bytes([byte]) + FILES[name][at + 1 :]
    files = {**FILES, name: data.draw(st.sampled_from([changed, FILES[name][:at]]))}
    try:
        assert format_anchor(parse_anchor(files)) == files
    except RefusedError:
        return
