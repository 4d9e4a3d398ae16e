"""Checkpoints and cosignatures (C2SP tlog-checkpoint v1.0.0, tlog-cosignature).

A checkpoint is what a log signs of itself: its origin, its size and its root, as the
text of a note. A cosignature says that a witness saw only consistent checkpoints of
that log, and that this one was the largest at a time.

    bt.example/ringfence/1
    3
    NmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE=

The origin of a log is the name of its key, compared byte for byte. The format, to the
byte: docs/formats/log.md.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from updater.errors import MalformedError, SignatureError
from updater.shape import base64_text, unbase64
from updater.transparency.key import Kind, SigningKey, VerifierKey
from updater.transparency.merkle import HASH_SIZE, MAX_SIZE
from updater.transparency.note import (
    MAX_LINES,
    MAX_NOTE,
    Note,
    SignatureLine,
    format_note,
    open_parsed,
    parse_lines,
    parse_note,
    sign_line,
)

NUMBER = re.compile("0|[1-9][0-9]{0,18}")
"""A size or an index: decimal, without a second spelling, below 2^63 once checked."""
_ED25519_HEADER = b"cosignature/v1\n"
_ML_DSA_HEADER = b"subtree/v1\n\0"
_LONGEST = 255  # a name or an origin has a one-byte length in an ML-DSA message


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's size and root at one moment."""

    origin: str
    size: int
    root: bytes = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class OpenedCheckpoint:
    """A checkpoint that its log signed, with the witnesses that cosigned it."""

    checkpoint: Checkpoint
    note: bytes
    """As it came, with the lines of strangers."""
    cosignatures: Mapping[VerifierKey, tuple[int, ...]] = field(kw_only=True)
    """Each wanted witness key that signed, with its times in POSIX seconds, ascending.

    They are valid, but do not all count: see `policy.counting_times`.
    """


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Read the text of a checkpoint: exactly three lines.

    Extension lines are refused, since nobody can audit them.

    Raises:
        MalformedError: anything that `format_checkpoint` does not write.
    """
    checkpoint = parse_extended(text)
    if text.count(b"\n") != 3:
        raise MalformedError("checkpoint: expected three lines, came more")
    return checkpoint


def parse_extended(text: bytes) -> Checkpoint:
    """Read the text of a checkpoint that may have extension lines, for a witness.

    Raises:
        MalformedError: it is none.
    """
    try:
        *lines, rest = text.decode().split("\n")
    except UnicodeDecodeError:
        raise MalformedError("checkpoint: expected UTF-8") from None
    if len(lines) < 3 or rest or not all(lines):
        raise MalformedError("checkpoint: expected at least three lines, none empty")
    origin, size, root = lines[:3]
    # A root at size 0 that is not the empty one parses: it is evidence against its log.
    return Checkpoint(
        origin,
        parse_number(size, "checkpoint size"),
        root=unbase64(root, "checkpoint root", size=HASH_SIZE),
    )


def format_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Write the text of a checkpoint."""
    root = base64_text(checkpoint.root)
    return f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n".encode()


def parse_number(text: str, where: str) -> int:
    """Read a size or an index: decimal, no leading zero, below 2^63.

    Raises:
        MalformedError: it is something else.
    """
    # int() alone takes underscores, signs, spaces and the digits of other scripts.
    if not NUMBER.fullmatch(text) or int(text) > MAX_SIZE:
        raise MalformedError(f"{where}: expected a decimal number, came {text[:40]!r}")
    return int(text)


def cosigned_message(key: VerifierKey, text: bytes, time: int | None) -> bytes:
    """Give what a key signs of a checkpoint's text at a time, by its kind.

    Raises:
        MalformedError: it is for ML-DSA, and the text is no checkpoint or a name in it
            too long.
    """
    if key.kind is Kind.LOG:
        return text
    if key.kind is Kind.WITNESS:
        return _ED25519_HEADER + f"time {time}\n".encode() + text
    checkpoint = parse_extended(text)
    return b"".join(
        (
            _ML_DSA_HEADER,
            _prefixed(key.name),
            (time or 0).to_bytes(8, "big"),
            _prefixed(checkpoint.origin),
            bytes(8),  # the start of a subtree: a checkpoint's is leaf 0
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """Sign a checkpoint as its log, with a `Kind.LOG` key named as the origin.

    Gives the note. A second line by ML-DSA is made by `cosign` and `merge_lines`.
    """
    assert key.kind is Kind.LOG
    assert key.name == checkpoint.origin
    text = format_checkpoint(checkpoint)
    return format_note(Note(text, (sign_line(key, text),)))


def cosign(text: bytes, key: SigningKey, time: int) -> SignatureLine:
    """Cosign the text of a checkpoint, extension lines included.

    `time` in POSIX seconds; 0 would say nothing about when, so witnesses never sign it.
    """
    return sign_line(key, text, time=time, message=cosigned_message)


def open_checkpoint(
    data: bytes,
    log_keys: Iterable[VerifierKey],
    witness_keys: Iterable[VerifierKey] = (),
    *,
    is_extended: bool = False,
) -> OpenedCheckpoint:
    """Check who signed a checkpoint: its own log, which is a must, and witnesses.

    Args:
        data: the note.
        log_keys: of every log that is wanted; those named as the origin count.
        witness_keys: of every witness that is wanted.
        is_extended: whether extension lines are let through.

    Raises:
        MalformedError: it is no note, or no checkpoint.
        SignatureError: the log did not sign it, or a line of a wanted key is wrong.
    """
    note = parse_note(data)
    checkpoint = (parse_extended if is_extended else parse_checkpoint)(note.text)
    # Origin and key name are compared: a key of another log says nothing here.
    own = [key for key in log_keys if key.name == checkpoint.origin]
    if not own:
        raise SignatureError(f"checkpoint: {checkpoint.origin!r} is no wanted log")
    opened = open_parsed(note, [*own, *witness_keys], message=cosigned_message)
    if not any(each.key in own and each.time is None for each in opened.signatures):
        raise SignatureError(f"checkpoint: not signed by its log {checkpoint.origin!r}")
    times: dict[VerifierKey, list[int]] = {}
    for each in opened.signatures:
        if each.time is not None and each.key not in own:
            times.setdefault(each.key, []).append(each.time)
    found = {key: tuple(sorted(set(several))) for key, several in times.items()}
    return OpenedCheckpoint(checkpoint, data, cosignatures=found)


def merge_lines(data: bytes, lines: bytes) -> bytes:
    """Add the signature lines that a note has not yet, unchecked.

    Raises:
        MalformedError: one of the two does not parse, or the note would grow too large.
    """
    note = parse_note(data)
    both = tuple(dict.fromkeys((*note.lines, *parse_lines(lines))))
    if len(both) > MAX_LINES:
        raise MalformedError(f"note: expected at most {MAX_LINES} signature lines")
    merged = format_note(Note(note.text, both))
    if len(merged) > MAX_NOTE:
        raise MalformedError(f"note: expected at most {MAX_NOTE} bytes")
    return merged


def cut_note(
    data: bytes,
    log_key: VerifierKey,
    cosignatures: Mapping[VerifierKey, int] | None = None,
) -> bytes:
    """Leave only the log's own line, and each cosignature named with its time.

    Raises:
        MalformedError: it is no note.
        SignatureError: one of these lines is not there.
    """
    note = parse_note(data)
    wanted = [(log_key, b"")]
    wanted += [
        (key, time.to_bytes(8, "big")) for key, time in (cosignatures or {}).items()
    ]
    return format_note(
        Note(note.text, tuple(_line_of(note, key, stamp) for key, stamp in wanted))
    )


def _line_of(note: Note, key: VerifierKey, stamp: bytes) -> SignatureLine:
    for line in note.lines:
        is_its = (line.name, line.key_id) == (key.name, key.key_id)
        if is_its and line.payload.startswith(stamp):
            return line
    raise SignatureError(f"note: expected a signature of {key.name!r}")


def _prefixed(text: str) -> bytes:
    data = text.encode()
    if not 1 <= len(data) <= _LONGEST:
        raise MalformedError(f"ML-DSA: expected a name of 1 to {_LONGEST} bytes")
    return bytes([len(data)]) + data
