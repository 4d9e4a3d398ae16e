"""The proof file beside a release (C2SP tlog-proof, text of 2026-05-22).

    c2sp.org/tlog-proof@v1
    index 1
    <base64 hash>           0 to 63 lines, the leaf's sibling first

    <the note of the checkpoint>

It says that an entry stands at an index of a log that witnesses saw. Nothing in it is
to be believed before the checkpoint is opened and the proof is checked under it. The
format, to the byte: docs/formats/log.md.
"""

from dataclasses import dataclass, field

from updater.errors import MalformedError, ProofError
from updater.shape import base64_text, unbase64
from updater.transparency.checkpoint import OpenedCheckpoint, parse_number
from updater.transparency.merkle import HASH_SIZE, MAX_PROOF, check_inclusion
from updater.transparency.note import MAX_NOTE

HEADER = "c2sp.org/tlog-proof@v1"
MAX_EXTRA = 65_536
"""Bytes of the line that is read past: nothing of ours is there."""
MAX_FILE = MAX_NOTE + MAX_EXTRA + MAX_PROOF * 45 + 64
"""Bytes of a proof file."""


@dataclass(frozen=True, slots=True)
class LogProof:
    """That an entry is in a log, as far as the checkpoint can be believed."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes = field(kw_only=True)
    """The note, as it came."""


def parse_proof(data: bytes) -> LogProof:
    """Read a proof file; its checkpoint is not opened.

    A line of extra data is read past and kept nowhere: nothing authenticates it.

    Raises:
        MalformedError: it is none.
    """
    if len(data) > MAX_FILE:
        raise MalformedError(f"proof: expected at most {MAX_FILE} bytes")
    head, found, checkpoint = data.partition(b"\n\n")  # the first empty line splits
    if not found or not checkpoint:
        raise MalformedError("proof: expected an empty line, then a checkpoint")
    try:
        header, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise MalformedError("proof: expected ASCII before the checkpoint") from None
    if header != HEADER:
        raise MalformedError(f"proof: expected {HEADER}, came {header[:40]!r}")
    if lines and lines[0].startswith("extra "):
        if len(lines[0]) > MAX_EXTRA:
            raise MalformedError(f"proof: expected at most {MAX_EXTRA} bytes of extra")
        unbase64(lines.pop(0).removeprefix("extra "), "proof extra")
    if not lines or not lines[0].startswith("index "):
        raise MalformedError("proof: expected a line of index")
    index = parse_number(lines[0].removeprefix("index "), "proof index")
    if len(lines) - 1 > MAX_PROOF:
        raise MalformedError(f"proof: expected at most {MAX_PROOF} hashes")
    hashes = tuple(unbase64(each, "proof", size=HASH_SIZE) for each in lines[1:])
    return LogProof(index, hashes, checkpoint=checkpoint)


def format_proof(proof: LogProof) -> bytes:
    """Write a proof file, without extra data."""
    hashes = "".join(f"{base64_text(each)}\n" for each in proof.hashes)
    return f"{HEADER}\nindex {proof.index}\n{hashes}\n".encode() + proof.checkpoint


def check_proof(proof: LogProof, leaf_hash: bytes, opened: OpenedCheckpoint) -> None:
    """Check that an entry stands where the proof says, under its opened checkpoint.

    Raises:
        ProofError: it does not, or the checkpoint is another.
    """
    if opened.note != proof.checkpoint:
        raise ProofError("proof: another checkpoint was opened than the one in it")
    tree = opened.checkpoint
    check_inclusion(leaf_hash, proof.index, tree.size, tree.root, proof.hashes)
