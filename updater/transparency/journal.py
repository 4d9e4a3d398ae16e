"""The log writer's memory of what it has signed.

A log that signs two roots for one size is dead, so every step that cannot be undone is
written here first, and synced. One file, replaced whole, in canonical JSON; its form is
in docs/formats/log-folder.md::

    published --prepare--> prepared --sign--> signed --publish--> published
    published --refresh---------------------> signed --sign-----> signed

`prepared` is the promise that this size has this root for ever, `signed` keeps the very
bytes that may have left the machine, `published` says that the world can see them.
"""

import re
from dataclasses import KW_ONLY, dataclass, replace
from typing import Literal, TypeAlias, cast

from updater import jcs, shape
from updater.errors import MalformedError, RefusedError
from updater.jcs import Json
from updater.transparency.merkle import EMPTY_ROOT

State: TypeAlias = Literal["prepared", "signed", "published"]

MAX_BATCH = 100_000
"""Entries of one append: as many as a client reads in one run."""

MAX_BYTES = 8 << 20
"""Of a journal: 67 bytes for each hash of the largest batch, and the largest note."""

_SCHEMA = "ringfence-bt-journal/1"
_KEYS = ("batch", "note", "origin", "root", "schema", "size", "state")
_ORIGIN = re.compile("[!-*,-~]{1,200}")
_NOTE = re.compile(r"[^\x00-\x09\x0b-\x1f]{1,262144}")  # as every signed note

_Step: TypeAlias = Literal["prepare", "sign", "publish", "refresh"]
_NEXT: dict[tuple[State, _Step], State] = {
    ("published", "prepare"): "prepared",
    ("published", "refresh"): "signed",
    ("prepared", "sign"): "signed",
    ("signed", "sign"): "signed",
    ("signed", "publish"): "published",
}


@dataclass(frozen=True, slots=True)
class Journal:
    """The tree that was last promised, signed or shown."""

    origin: str
    size: int
    _: KW_ONLY
    root: bytes
    """32 bytes."""
    state: State
    batch: tuple[bytes, ...]
    """Leaf hashes of the entries that made the tree this size; none on a refresh."""
    note: str | None
    """The signed checkpoint with the cosignatures got so far; None before it is."""

    @property
    def text(self) -> str:
        """The three lines that are, or will be, signed."""
        return f"{self.origin}\n{self.size}\n{shape.base64_text(self.root)}\n"

    @property
    def old_size(self) -> int:
        """Entries before the batch."""
        return self.size - len(self.batch)


def start(origin: str) -> Journal:
    """Begin the journal of an empty log; nothing is signed for size 0."""
    return Journal(origin, 0, root=EMPTY_ROOT, state="published", batch=(), note=None)


def prepare(journal: Journal, batch: tuple[bytes, ...], root: bytes) -> Journal:
    """Promise that the log, grown by these leaf hashes, has this root for ever.

    Raises:
        RefusedError: the last tree is not published yet, or nothing is added: a size
            that was promised never gets a second root.
    """
    state = _next(journal, "prepare")
    if not 1 <= len(batch) <= MAX_BATCH:
        raise RefusedError(f"expected 1 to {MAX_BATCH} new entries, came {len(batch)}")
    size = journal.size + len(batch)
    return Journal(journal.origin, size, root=root, state=state, batch=batch, note=None)


def sign(journal: Journal, note: str) -> Journal:
    """Keep the signed note, first bare and then with ever more cosignatures.

    Raises:
        RefusedError: nothing is promised, or the note is of another tree.
    """
    state = _next(journal, "sign")
    _check_note(journal, note)
    return replace(journal, state=state, note=note)


def publish(journal: Journal) -> Journal:
    """Say that the note can be seen by everybody.

    Raises:
        RefusedError: there is no signed note.
    """
    return replace(journal, state=_next(journal, "publish"))


def refresh(journal: Journal, note: str) -> Journal:
    """Start to collect new cosignatures on the published tree, from its bare note.

    Raises:
        RefusedError: a tree is on its way, nothing was ever published, or the note is
            of another tree.
    """
    state = _next(journal, "refresh")
    if journal.note is None:
        raise RefusedError("nothing to refresh: the log is empty")
    _check_note(journal, note)
    return replace(journal, state=state, note=note, batch=())


def format_journal(journal: Journal) -> bytes:
    """Write a journal as `parse_journal` reads it."""
    return jcs.write(
        {
            "batch": [leaf_hash.hex() for leaf_hash in journal.batch],
            "note": journal.note,
            "origin": journal.origin,
            "root": shape.base64_text(journal.root),
            "schema": _SCHEMA,
            "size": journal.size,
            "state": journal.state,
        }
    )


def parse_journal(data: bytes) -> Journal:
    """Read a journal.

    Raises:
        MalformedError: it is none, or contradicts itself.
    """
    found = shape.record(jcs.parse_canonical(data, most=MAX_BYTES), "journal", _KEYS)
    shape.one_of(found["schema"], "schema", _SCHEMA)
    batch = shape.items(found["batch"], "batch", most=MAX_BATCH)
    state = shape.one_of(found["state"], "state", "prepared", "signed", "published")
    journal = Journal(
        shape.text(found["origin"], "origin", _ORIGIN),
        shape.integer(found["size"], "size"),
        root=shape.unbase64(found["root"], "root", size=32),
        state=cast("State", state),  # one of its words, as was just checked
        batch=tuple(_leaf_hash(each) for each in batch),
        note=_note(found["note"]),
    )
    _check_consistent(journal)
    return journal


def _leaf_hash(value: Json) -> bytes:
    return bytes.fromhex(shape.text(value, "batch", shape.SHA256))


def _note(value: Json) -> str | None:
    return None if value is None else shape.text(value, "note", _NOTE)


def _check_consistent(journal: Journal) -> None:
    """Expect what the steps above can lead to, and nothing else.

    Raises:
        MalformedError: no sequence of steps leads to this journal.
    """
    if journal.old_size < 0:
        raise MalformedError(
            f"journal: {len(journal.batch)} entries in a log of {journal.size}"
        )
    if (journal.size == 0) != (journal.root == EMPTY_ROOT):
        raise MalformedError("journal: the root is not of this size")
    if journal.size == 0 and journal.state != "published":
        raise MalformedError("journal: expected no promise for size 0")
    has_note = journal.size > 0 and journal.state != "prepared"
    if (journal.note is not None) != has_note:
        raise MalformedError(f"journal: a {journal.state} tree with a wrong note")
    if journal.state == "prepared" and not journal.batch:
        raise MalformedError("journal: a promise without new entries")
    if journal.note is not None and not _is_of(journal, journal.note):
        raise MalformedError("journal: the note is of another tree")


def _check_note(journal: Journal, note: str) -> None:
    if not _is_of(journal, note):
        raise RefusedError("the note is of another tree than the journal's")


def _is_of(journal: Journal, note: str) -> bool:
    return note.startswith(journal.text + "\n")


def _next(journal: Journal, step: _Step) -> State:
    try:
        return _NEXT[journal.state, step]
    except KeyError:
        raise RefusedError(f"cannot {step} a tree that is {journal.state}") from None
