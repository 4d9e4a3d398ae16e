"""Canonical JSON of frozen dataclasses: one value, one spelling, strictly read.

Keys sorted, no spaces, UTF-8. Bytes are base64 (RFC 4648 §4), tuples are lists, enums
are their values, None is null. Reading follows the types of the class, and what was
read is written again and must be the same bytes.

A field that a class got later is `ADDED`: it is left out while it has its default, so
what was written before is read as ever, and still has one spelling.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from voip.errors import MalformedError

V = TypeVar("V")

ADDED: Mapping[str, bool] = {"added": True}
"""Metadata of a dataclass field that the format did not have at first."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a class that has a text or binary form of its own is written."""

    format: Callable[[Any], str | bytes]
    parse: Callable[[Any], object]
    form: type[str] | type[bytes]


Spellings = Mapping[type, Spelling]


def format_canonical(value: object, label: str, spellings: Spellings) -> bytes:
    """Write a dataclass of str, int, bool, bytes, enums, tuples and dataclasses.

    `label` names the format and its version.
    """
    tree = {"format": label, "value": _encode(value, spellings)}
    return json.dumps(
        tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def parse_canonical(kind: type[V], raw: bytes, label: str, spellings: Spellings) -> V:
    """Read what `format_canonical` wrote for a `kind` under the same label.

    Raises:
        MalformedError: anything else. The message does not repeat values, which may be
            secret.
    """
    try:
        tree = json.loads(raw)
        value = _decode(kind, tree["value"], spellings)
        again = format_canonical(value, label, spellings)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise MalformedError(
            f"expected {label!r} in JSON, came something else"
        ) from None
    if again != raw:
        raise MalformedError(f"expected {label!r} in canonical JSON, came another")
    return value  # type: ignore[no-any-return] # `_decode` gives a `kind` for a `kind`


def _encode(value: object, spellings: Spellings) -> object:
    if type(value) in spellings:
        value = spellings[type(value)].format(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, tuple):
        return [_encode(item, spellings) for item in value]
    kind: type = type(value)
    if is_dataclass(kind):
        held = {name: getattr(value, name) for name in _fields(kind)}
        added = _added(kind)
        return {
            name: _encode(each, spellings)
            for name, each in held.items()
            if not (name in added and each == added[name])
        }
    return value


def _decode(kind: Any, tree: Any, spellings: Spellings) -> Any:  # noqa: PLR0911 - a table
    if kind in spellings:
        spelling = spellings[kind]
        return spelling.parse(_decode(spelling.form, tree, spellings))
    if get_origin(kind) is UnionType:  # only ever `X | None`
        if tree is None:
            return None
        (kind,) = (arm for arm in get_args(kind) if arm is not NoneType)
        return _decode(kind, tree, spellings)
    if get_origin(kind) is tuple:  # only ever `tuple[X, ...]`
        return tuple(
            _decode(get_args(kind)[0], item, spellings) for item in _typed(list, tree)
        )
    if kind is bytes:
        return base64.b64decode(_typed(str, tree), validate=True)
    if issubclass(kind, StrEnum):
        return kind(_typed(str, tree))
    if is_dataclass(kind):
        return _decode_fields(kind, _typed(dict, tree), spellings)
    return _typed(kind, tree)


def _decode_fields(kind: Any, tree: dict[str, Any], spellings: Spellings) -> Any:
    return kind(
        **{
            name: _decode(inner, tree[name], spellings)
            for name, inner in _fields(kind).items()
            if name in tree or name not in _added(kind)
        }
    )


@cache  # a full store has thousands of values of some twenty classes
def _fields(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


@cache
def _added(kind: Any) -> dict[str, Any]:
    """Give the defaults of the fields that are left out while they have them."""
    return {
        field.name: field.default for field in fields(kind) if "added" in field.metadata
    }


def _typed(kind: type, tree: Any) -> Any:
    if type(tree) is not kind:  # exactly: True is an int, and no int here
        raise TypeError
    return tree
