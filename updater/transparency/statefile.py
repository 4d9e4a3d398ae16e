"""A client's state as a file: canonical JSON, replaced whole.

Its form, to the byte: docs/formats/log-client.md.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

from updater import jcs, shape
from updater.errors import MalformedError
from updater.jcs import Json
from updater.transparency.checkpoint import Checkpoint, parse_checkpoint
from updater.transparency.claims import parts
from updater.transparency.honour import MAX_SETS
from updater.transparency.index import Place, index_json, read_index
from updater.transparency.merkle import EMPTY_ROOT, HASH_SIZE
from updater.transparency.note import parse_note
from updater.transparency.state import (
    MAX_AGREED,
    MAX_EVIDENCE,
    MAX_HISTORY,
    MAX_LEARNED,
    MAX_LOGS,
    Agreement,
    Installed,
    Kept,
    Memory,
    Seen,
    State,
)

MAX_BYTES = 64 << 20
"""Of a state: some 300,000 entries; 10,000 take 2 MB."""
SALT_BYTES = 32

_SCHEMA = "ringfence-bt-state/1"
_NOTE = re.compile(r"[^\x00-\x09\x0b-\x1f]{1,262144}")  # as every signed note
_KIND = re.compile("duplicate-release|fork|local")
_T = TypeVar("_T")


def format_state(state: State) -> bytes:
    """Write a state as `parse_state` reads it."""
    return jcs.write(
        {
            "agreed": [
                [each.peer, each.size, each.origin, each.at] for each in state.agreed
            ],
            "evidence": [
                [each.sha256, each.kind, each.is_settled] for each in state.evidence
            ],
            "installed": (
                None
                if state.installed is None
                else {
                    "index": state.installed.place.index,
                    "leafHash": state.installed.place.leaf_hash.hex(),
                    "origin": state.installed.place.origin,
                    "version": state.installed.version,
                }
            ),
            "logs": [_memory_json(each) for each in state.logs],
            "rev": state.rev,
            "salt": shape.base64_text(state.salt),
            "schema": _SCHEMA,
        }
    )


def parse_state(data: bytes) -> State:
    """Read a state.

    Raises:
        MalformedError: it is none, or contradicts itself.
    """
    found = shape.record(
        jcs.parse_canonical(data, most=MAX_BYTES),
        "state",
        ("agreed", "evidence", "installed", "logs", "rev", "salt", "schema"),
    )
    shape.one_of(found["schema"], "schema", _SCHEMA)
    logs = _each(found["logs"], "logs", MAX_LOGS, _memory)
    _expect_rising("logs", [each.origin.encode() for each in logs])
    return State(
        salt=shape.unbase64(found["salt"], "salt", size=SALT_BYTES),
        rev=shape.integer(found["rev"], "rev"),
        logs=logs,
        installed=_optional(found["installed"], _installed),
        agreed=_each(found["agreed"], "agreed", MAX_AGREED, _agreement),
        evidence=_each(found["evidence"], "evidence", MAX_EVIDENCE, _kept),
    )


def _memory_json(memory: Memory) -> Json:
    return {
        "blockedBy": memory.blocked_by,
        "floor": _seen_json(memory.floor),
        "frozenBy": memory.frozen_by,
        "history": [_seen_json(each) for each in memory.history],
        "honouredAt": list(memory.honoured_at),
        "index": index_json(memory.index),
        "judgedBy": list(memory.judged_by),
        "learned": [each.decode() for each in memory.learned],
        "nextEntry": memory.next_entry,
        "note": None if memory.note is None else memory.note.decode(),
        "origin": memory.origin,
        "succeededAt": memory.succeeded_at,
    }


def _memory(value: Json) -> Memory:
    found = shape.record(value, "log", _MEMORY)
    origin = shape.text(found["origin"], "origin", parts.ORIGIN)
    memory = Memory(
        origin,
        floor=_seen(found["floor"]),
        note=_optional(found["note"], _note),
        next_entry=shape.integer(found["nextEntry"], "nextEntry"),
        history=_each(found["history"], "history", MAX_HISTORY, _seen),
        learned=_each(found["learned"], "learned", MAX_LEARNED, _note),
        frozen_by=_optional(found["frozenBy"], _sha256),
        blocked_by=_optional(found["blockedBy"], _sha256),
        succeeded_at=shape.integer(found["succeededAt"], "succeededAt"),
        index=read_index(found["index"], origin),
        honoured_at=_each(
            found["honouredAt"],
            "honouredAt",
            MAX_SETS,
            lambda at: shape.integer(at, "honouredAt"),
        ),
        judged_by=_each(found["judgedBy"], "judgedBy", MAX_SETS, _sha256),
    )
    _check_consistent(memory)
    return memory


_MEMORY = (
    "blockedBy",
    "floor",
    "frozenBy",
    "history",
    "honouredAt",
    "index",
    "judgedBy",
    "learned",
    "nextEntry",
    "note",
    "origin",
    "succeededAt",
)


def _check_consistent(memory: Memory) -> None:
    """Expect what a client can have written, and nothing else.

    Raises:
        MalformedError: no run leads to this.
    """
    # The floor may lie above: a newer program brought it, and has not run yet.
    sizes = [each.size.to_bytes(8, "big") for each in memory.history]
    _expect_rising("history", sizes)
    if (memory.note is None) != (not memory.history):
        raise MalformedError("log: expected a note with a history, and only then")
    if memory.note is not None:
        head = _head_of(memory.note)
        if head != Checkpoint(memory.origin, memory.head.size, root=memory.head.root):
            raise MalformedError("log: the note is not of the last head")
    if any(_head_of(each).origin != memory.origin for each in memory.learned):
        raise MalformedError("learned: expected heads of this log")
    if memory.next_entry > memory.head.size:
        raise MalformedError("nextEntry: expected none beyond the head")


def _head_of(note: bytes) -> Checkpoint:
    return parse_checkpoint(parse_note(note).text)


def _seen_json(seen: Seen) -> Json:
    return [seen.size, shape.base64_text(seen.root), seen.seen_at]


def _seen(value: Json) -> Seen:
    size, root, seen_at = shape.items(value, "head", least=3, most=3)
    seen = Seen(
        shape.integer(size, "size"),
        shape.unbase64(root, "root", size=HASH_SIZE),
        seen_at=_optional(seen_at, lambda time: shape.integer(time, "time", least=1)),
    )
    if seen.size == 0 and seen.root != EMPTY_ROOT:
        raise MalformedError("head: expected the empty root at size 0")
    return seen


def _installed(value: Json) -> Installed:
    found = shape.record(value, "installed", ("index", "leafHash", "origin", "version"))
    place = Place(
        shape.text(found["origin"], "origin", parts.ORIGIN),
        shape.integer(found["index"], "index"),
        leaf_hash=bytes.fromhex(_sha256(found["leafHash"])),
    )
    return Installed(place, shape.text(found["version"], "version", parts.VERSION))


def _agreement(value: Json) -> Agreement:
    peer, size, origin, at = shape.items(value, "agreed", least=4, most=4)
    return Agreement(
        _sha256(peer),
        shape.integer(size, "size"),
        origin=shape.text(origin, "origin", parts.ORIGIN),
        at=shape.integer(at, "time"),
    )


def _kept(value: Json) -> Kept:
    sha256, kind, is_settled = shape.items(value, "evidence", least=3, most=3)
    return Kept(
        _sha256(sha256),
        shape.text(kind, "kind", _KIND),
        is_settled=shape.flag(is_settled, "settled"),
    )


def _note(value: Json) -> bytes:
    return shape.text(value, "note", _NOTE).encode()


def _sha256(value: Json) -> str:
    return shape.text(value, "digest", shape.SHA256)


def _optional(value: Json, read: Callable[[Json], _T]) -> _T | None:
    return None if value is None else read(value)


def _each(
    value: Json, where: str, most: int, read: Callable[[Json], _T]
) -> tuple[_T, ...]:
    return tuple(read(each) for each in shape.items(value, where, most=most))


def _expect_rising(where: str, values: list[bytes]) -> None:
    if any(left >= right for left, right in pairwise(values)):
        raise MalformedError(f"{where}: expected rising order, none twice")
