"""Signed notes (C2SP signed-note v1.0.0).

A note is a text, an empty line, and signature lines of the form

    — <name> <base64: key id (4 bytes) || signature>

The text counts for nothing until `open_note` has found a good signature of a key that
the caller wants. The format, to the byte: docs/formats/log.md.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from updater.errors import MalformedError, SignatureError
from updater.shape import base64_text, unbase64
from updater.transparency.key import KEY_ID_SIZE, SigningKey, VerifierKey, check_name

MAX_NOTE = 262_144
"""Bytes of a note: 64 lines of the longest signatures, and some."""
MAX_LINES = 64
"""Signature lines of a note; 16 are a must (signed-note), a quorum has fewer."""
MAX_TIME = 2**63 - 1
"""The last time of a cosignature, POSIX seconds (tlog-cosignature)."""
_TIME_SIZE = 8
_DASH = "— "


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature line of a note, not checked by anybody yet."""

    name: str
    key_id: bytes
    payload: bytes = field(kw_only=True)
    """What follows the key id: a time, where the kind has one, and the signature."""

    def __str__(self) -> str:
        """Write it, with its newline."""
        return f"{_DASH}{self.name} {base64_text(self.key_id + self.payload)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note that parses; its text is not to be believed."""

    text: bytes
    lines: tuple[SignatureLine, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that was checked: whose it is, and when it says it was made."""

    key: VerifierKey
    time: int | None = None
    """POSIX seconds; None for a kind without a time."""


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A text, and the good signatures of wanted keys over it, at least one."""

    text: bytes
    signatures: tuple[Signed, ...]


Message = Callable[[VerifierKey, bytes, int | None], bytes]
"""Gives what a key signs, of a text and a time."""


def plain_message(key: VerifierKey, text: bytes, time: int | None) -> bytes:  # noqa: ARG001 - a Message
    """Give what a key of `Kind.LOG` signs: the text."""
    return text


def parse_note(data: bytes) -> Note:
    """Read a note without checking any signature.

    Raises:
        MalformedError: anything that `format_note` does not write.
    """
    if len(data) > MAX_NOTE:
        raise MalformedError(f"note: expected at most {MAX_NOTE} bytes")
    if any(byte < 0x20 and byte != 0x0A for byte in set(data)):
        raise MalformedError("note: expected no control characters")
    # The text may hold empty lines of its own, so it ends at the last one.
    text, found, signatures = data.rpartition(b"\n\n")
    if not found:
        raise MalformedError("note: expected a text, an empty line and signatures")
    try:
        text.decode()
    except UnicodeDecodeError:
        raise MalformedError("note: expected UTF-8") from None
    return Note(text + b"\n", parse_lines(signatures))


def parse_lines(data: bytes) -> tuple[SignatureLine, ...]:
    """Read signature lines as they end a note, or as a witness answers them.

    Raises:
        MalformedError: they are none, or 1 to 64 is not their number.
    """
    if len(data) > MAX_NOTE:
        raise MalformedError(f"note: expected at most {MAX_NOTE} bytes")
    try:
        *lines, rest = data.decode().split("\n")
    except UnicodeDecodeError:
        raise MalformedError("note: expected UTF-8") from None
    if rest:
        raise MalformedError("note: expected a newline at its end")
    if not 1 <= len(lines) <= MAX_LINES:
        raise MalformedError(
            f"note: expected 1 to {MAX_LINES} signature lines, came {len(lines)}"
        )
    return tuple(map(_parse_line, lines))


def format_note(note: Note) -> bytes:
    """Write a note."""
    return note.text + b"\n" + "".join(map(str, note.lines)).encode()


def sign_line(
    key: SigningKey,
    text: bytes,
    *,
    time: int | None = None,
    message: Message = plain_message,
) -> SignatureLine:
    """Sign a text; `time` in POSIX seconds for the kinds that carry one."""
    verifier = key.verifier
    assert verifier.kind.is_timed == (time is not None)
    stamp = b"" if time is None else time.to_bytes(_TIME_SIZE, "big")
    signature = key.sign(message(verifier, text, time))
    return SignatureLine(key.name, verifier.key_id, payload=stamp + signature)


def open_note(
    data: bytes, keys: Iterable[VerifierKey], *, message: Message = plain_message
) -> OpenedNote:
    """Check what wanted keys signed; lines of others are skipped.

    Raises:
        MalformedError: it is no note.
        SignatureError: no wanted key signed it, or a line of one is wrong: then the
            whole note is refused, as somebody tampered with it.
    """
    return open_parsed(parse_note(data), keys, message=message)


def open_parsed(
    note: Note, keys: Iterable[VerifierKey], *, message: Message = plain_message
) -> OpenedNote:
    """Check a note that was read already, as `open_note` does.

    Raises:
        SignatureError: as `open_note`.
    """
    wanted = {(key.name, key.key_id): key for key in keys}
    found = tuple(
        _open_line(wanted[line.name, line.key_id], line, note.text, message)
        for line in note.lines
        if (line.name, line.key_id) in wanted
    )
    if not found:
        names = ", ".join(sorted({name for name, _ in wanted}))
        raise SignatureError(f"note: expected a signature of {names or 'nobody'!r}")
    return OpenedNote(note.text, found)


def _open_line(
    key: VerifierKey, line: SignatureLine, text: bytes, message: Message
) -> Signed:
    time = None
    signature = line.payload
    if key.kind.is_timed:
        stamp, signature = signature[:_TIME_SIZE], signature[_TIME_SIZE:]
        time = int.from_bytes(stamp, "big")
    if len(signature) != key.kind.signature_size or (time or 0) > MAX_TIME:
        raise SignatureError(f"the signature of {key.name!r} has not the form of one")
    key.check(message(key, text, time), signature)
    return Signed(key, time)


def _parse_line(line: str) -> SignatureLine:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH):
        raise MalformedError(f"signature line {line[:80]!r}: expected '— ' first")
    check_name(name)
    raw = unbase64(encoded, f"signature line of {name[:80]!r}")
    if len(raw) <= KEY_ID_SIZE:
        raise MalformedError(f"signature line of {name[:80]!r}: expected a signature")
    return SignatureLine(name, raw[:KEY_ID_SIZE], payload=raw[KEY_ID_SIZE:])
