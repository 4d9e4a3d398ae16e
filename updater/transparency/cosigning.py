"""What a witness checks before it signs, in order (C2SP tlog-witness v1.0.0).

A witness promises one thing: that it signs no tree of a log that does not contain the
tree it signed before. So it compares with what it stored, and stores before it
answers::

    asker                                       witness
      | POST add-checkpoint: old, proof, note      |  check_post
      |------------------------------------------->|  open_submission: form, log's line
      |                                            |  check_growth:    old, proof
      |                                            |  ... store, commit, sign ...
      |<--- 200, own signature lines --------------|
      |<--- 409, the size it knows ----------------|  or what else `DeclinedError` says

Each check raises `DeclinedError` with the HTTP status that the specification names. The
format is in docs/formats/log-folder.md.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TypeAlias

from updater import shape
from updater.errors import DeclinedError, MalformedError, ProofError, SignatureError
from updater.transparency.checkpoint import Checkpoint, parse_extended, parse_number
from updater.transparency.key import Kind, VerifierKey
from updater.transparency.merkle import (
    EMPTY_ROOT,
    HASH_SIZE,
    MAX_PROOF,
    check_consistency,
)
from updater.transparency.note import Note, format_note, open_note, parse_note

MAX_BODY = 262_144
"""Bytes of a request: a note of the largest size leaves no room for a proof, and needs
none, since real notes have a few hundred bytes."""

SIZE_TYPE = "text/x.tlog.size"
"""Content type of the answer that tells the size a witness knows."""

REPEAT_S = 60
"""The same text within so many seconds gets the same lines again."""

RATE_S = 6
"""Seconds that one commit costs an origin; a log has a few a day."""

BURST_S = 120
"""Seconds that an origin may be ahead: twenty commits at once."""

Logs: TypeAlias = Mapping[str, Collection[VerifierKey]]
"""The logs a witness knows: origin to the keys of kind LOG that may sign for it."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What is asked of a witness: to cosign a note, given the size it knows."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Opened:
    """A submission whose note the log signed; only the growth is unchecked."""

    checkpoint: Checkpoint
    text: bytes
    """What is cosigned, extension lines included."""
    note: bytes = field(kw_only=True)
    """The text with the log's own lines and no others."""
    old: int = field(default=0, kw_only=True)
    proof: tuple[bytes, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class Head:
    """The tree that a witness cosigned last, of one log."""

    size: int
    root: bytes


NOTHING = Head(0, EMPTY_ROOT)
"""What a witness knows of a log that it never cosigned."""


def format_submission(submission: Submission) -> bytes:
    """Write the body of a request."""
    hashes = "".join(f"{shape.base64_text(each)}\n" for each in submission.proof)
    return f"old {submission.old}\n{hashes}\n".encode() + submission.note


def parse_submission(body: bytes) -> Submission:
    """Read the body of a request; the note is only cut off.

    Raises:
        MalformedError: anything that `format_submission` does not write.
    """
    # The note may hold empty lines itself, so the first one ends the proof.
    head, found, note = body.partition(b"\n\n")
    if not found:
        raise MalformedError("submission: expected an empty line before the note")
    try:
        old, *hashes = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise MalformedError("submission: expected ASCII before the note") from None
    if not old.startswith("old "):
        raise MalformedError(f"submission: expected 'old <size>', came {old[:40]!r}")
    if len(hashes) > MAX_PROOF:
        raise MalformedError(
            f"submission: expected at most {MAX_PROOF} hashes, came {len(hashes)}"
        )
    return Submission(
        parse_number(old.removeprefix("old "), "old size"),
        tuple(shape.unbase64(each, "proof", size=HASH_SIZE) for each in hashes),
        note=note,
    )


def place_of(origin: str) -> str:
    """Name a log in the path of a monitoring file: lower hex SHA-256 of its origin."""
    return sha256(origin.encode()).hexdigest()


def check_post(method: str, size: int) -> None:
    """Check what is known before a byte of the body is read.

    Raises:
        DeclinedError: 405 for another method than POST, 413 for a large body.
    """
    if method != "POST":
        raise DeclinedError(f"expected POST, came {method!r}", status=405)
    if size > MAX_BODY:
        raise DeclinedError(
            f"expected a body of at most {MAX_BODY} bytes, came {size}", status=413
        )


def open_submission(body: bytes, logs: Logs) -> Opened:
    """Check form, log and signature of a request, in the order of the specification.

    Raises:
        DeclinedError: 400 for the form, 404 for an unknown log, 403 for a note that no
            key of the log signed or that has a wrong line of one, 400 for an old size
            above the new one.
    """
    try:
        submission = parse_submission(body)
    except MalformedError as error:
        raise DeclinedError(str(error), status=400) from error
    opened = open_checkpoint(submission.note, logs)
    if submission.old > opened.checkpoint.size:
        raise DeclinedError(
            f"old size {submission.old} is above the checkpoint's"
            f" {opened.checkpoint.size}",
            status=400,
        )
    return replace(opened, old=submission.old, proof=submission.proof)


def open_checkpoint(data: bytes, logs: Logs) -> Opened:
    """Check that a known log signed a checkpoint, which may have extension lines.

    Raises:
        DeclinedError: 400, 404 or 403, as in `open_submission`.
    """
    try:
        note = parse_note(data)
        checkpoint = parse_extended(note.text)
    except MalformedError as error:
        raise DeclinedError(str(error), status=400) from error
    keys = [key for key in logs.get(checkpoint.origin, ()) if key.kind is Kind.LOG]
    if not keys:
        raise DeclinedError(f"unknown log {checkpoint.origin!r}", status=404)
    try:
        open_note(data, keys)
    except SignatureError as error:
        raise DeclinedError(str(error), status=403) from error
    return Opened(checkpoint, note.text, note=_only_lines_of(note, keys))


def check_growth(opened: Opened, head: Head) -> None:
    """Check that the new tree contains the one that was cosigned last.

    Raises:
        DeclinedError: 409 with the size that is known if the request assumes another,
            422 for a proof that does not hold: keep that note, it may be evidence.
    """
    if opened.old != head.size:
        raise DeclinedError(
            f"{opened.checkpoint.origin!r} is known at size {head.size}, not"
            f" {opened.old}",
            status=409,
            size=head.size,
        )
    try:
        check_prefix(head, opened.checkpoint, opened.proof)
    except ProofError as error:
        raise DeclinedError(str(error), status=422) from error


def check_prefix(head: Head, new: Checkpoint, proof: tuple[bytes, ...]) -> None:
    """Check that a tree begins with the one that is known, which may be empty.

    Raises:
        ProofError: it does not, as far as this proof shows.
    """
    if new.size == 0 and new.root != EMPTY_ROOT:
        raise ProofError("expected the empty root at size 0")
    if head.size > 0:
        check_consistency(head.size, new.size, head.root, new.root, proof)
    elif proof:
        # Everything begins with nothing; a proof of that would be accepted unread.
        raise ProofError(f"from size 0: expected no hashes, came {len(proof)}")


def is_repeated(opened: Opened, known: bytes, time: int, now: int) -> bool:
    """Tell whether this very text was cosigned just now, at `time`.

    Then the same lines are the answer: a stranger who sends a public checkpoint again
    and again costs no write, and uses up nobody's rate.
    """
    return known.startswith(opened.text + b"\n") and now - time < REPEAT_S


def check_clock(now: int, last: int) -> None:
    """Check that the own clock has not fallen behind a time that was signed already.

    Raises:
        DeclinedError: 503; a time that falls would make an old tree look newer.
    """
    if now <= 0 or now < last:
        raise DeclinedError(
            f"the clock says {now}, but time {last} was signed already", status=503
        )


def check_rate(full_at: float, now: float) -> float:
    """Count one commit of an origin; both times in seconds of any steady clock.

    `full_at` is what the last call for this origin gave back; give 0 the first time.

    Raises:
        DeclinedError: 429; it used up its commits for now.
    """
    paid = max(full_at, now) + RATE_S
    if paid > now + BURST_S:
        raise DeclinedError("too many checkpoints of this log, try later", status=429)
    return paid


def _only_lines_of(note: Note, keys: Collection[VerifierKey]) -> bytes:
    """Leave out lines of strangers: what is stored and shown is what was checked."""
    wanted = {(key.name, key.key_id) for key in keys}
    lines = tuple(line for line in note.lines if (line.name, line.key_id) in wanted)
    return format_note(replace(note, lines=lines))
