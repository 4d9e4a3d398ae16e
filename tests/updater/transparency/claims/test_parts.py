"""The parts of claims: one spelling each, and at least one digest."""

import pytest

from updater.errors import MalformedError
from updater.jcs import Json
from updater.transparency.claims import parts
from updater.transparency.claims.parts import Head, Ref, Resource


def test_a_place_in_a_log_is_read_back() -> None:
    place = Ref(7, b"\x07" * 32)

    assert parts.ref(parts.ref_json(place), "previous") == place


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"index": 7},
        {"index": -1, "leafHash": "07" * 32},
        {"index": 7, "leafHash": "07" * 31},
        {"index": 7, "leafHash": "07" * 32, "extra": 1},
    ],
    ids=repr,
)
def test_another_place_is_malformed(value: Json) -> None:
    with pytest.raises(MalformedError, match="previous"):
        parts.ref(value, "previous")


def test_a_head_is_read_back() -> None:
    head = Head("bt.example/ringfence/1", 3, b"\x07" * 32)

    assert parts.head(parts.head_json(head), "floor") == head


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "x" * 201])
def test_a_head_s_origin_is_the_name_of_a_key(origin: str) -> None:
    value = parts.head_json(Head(origin, 3, b"\x07" * 32))

    with pytest.raises(MalformedError, match="floor origin"):
        parts.head(value, "floor")


@pytest.mark.parametrize(
    "described",
    [
        Resource(sha256="ab" * 32),
        Resource(sha512="ab" * 64, name="folder/file"),
        Resource(git_commit="ab" * 20, uri="git+https://git.example/x"),
        Resource(sha256="ab" * 32, sha512="ab" * 64, git_commit="ab" * 32),
    ],
)
def test_a_resource_is_read_back(described: Resource) -> None:
    assert parts.resource(parts.resource_json(described), "source") == described


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"digest": {}},
        {"digest": {"md5": "ab" * 16}},
        {"digest": {"sha512": "ab" * 32}},
        {"digest": {"gitCommit": "ab" * 16}},
        {"digest": {"sha256": "ab" * 32}, "name": None},
        {"digest": {"sha256": "ab" * 32}, "uri": "no uri"},
    ],
    ids=repr,
)
def test_another_resource_is_malformed(value: Json) -> None:
    with pytest.raises(MalformedError, match="source"):
        parts.resource(value, "source")


def test_text_may_have_lines_and_is_bounded() -> None:
    assert parts.TEXT.fullmatch("a\nb" + "c" * 497)
    assert not parts.TEXT.fullmatch("c" * 501)
