"""Getting cosignatures: sending checkpoints to witnesses, and reading what they signed.

Carrier. Whatever a witness answers counts only once it opens, as one note with the
checkpoint, under that witness's key.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from updater.errors import (
    MalformedError,
    SignatureError,
    StoreError,
    UnreachableError,
    UpdateError,
)
from updater.files import Files
from updater.transparency.addresses import Address
from updater.transparency.asking import Answer, Ask
from updater.transparency.checkpoint import (
    Checkpoint,
    OpenedCheckpoint,
    cut_note,
    merge_lines,
    open_checkpoint,
    parse_checkpoint,
    parse_number,
)
from updater.transparency.cosigning import (
    SIZE_TYPE,
    Submission,
    format_submission,
    place_of,
)
from updater.transparency.key import VerifierKey
from updater.transparency.note import MAX_NOTE, parse_lines, parse_note
from updater.transparency.policy import Policy, Witness

Prove = Callable[[int], list[bytes]]
"""Proves a smaller size, above 0, against the tree that is to be cosigned."""


@dataclass(frozen=True, slots=True)
class Round:
    """What asking everybody once gave."""

    note: bytes
    """The note with every line that was got so far."""
    silent: dict[str, str] = field(kw_only=True)
    """Witnesses without a line, and why."""


class Gatherer:
    """Asks the witnesses of one policy about one log."""

    def __init__(
        self,
        policy: Policy,
        addresses: dict[str, Address],
        log_key: VerifierKey,
        *,
        ask: Ask,
        files: Files,
    ) -> None:
        self._witnesses = policy.witnesses
        self._addresses = addresses
        self._log_key = log_key
        self._ask = ask
        self._files = files

    def heads(self) -> tuple[dict[str, Checkpoint | None], dict[str, str]]:
        """Read what each witness has stored of the log; None where that is nothing.

        Also gives the witnesses that could not be asked, and why.
        """
        found: dict[str, Checkpoint | None] = {}
        silent: dict[str, str] = {}
        for witness in self._witnesses:
            try:
                data = self._read(witness)
                opened = None if data is None else self._open(data, witness)
                found[witness.name] = None if opened is None else opened.checkpoint
            except UpdateError as error:
                silent[witness.name] = str(error)
        return found, silent

    def gather(
        self, note: bytes, old: int, prove: Prove, has: Collection[str]
    ) -> Round:
        """Ask every witness once for its line on a note, but those in `has`.

        Args:
            note: the checkpoint, with the lines got before.
            old: the size that witnesses probably know.
            prove: makes consistency proofs towards the note's tree.
            has: names of the witnesses whose line is not needed any more.

        Raises:
            StoreError: `state-lost`: a witness signed a tree that is not the beginning
                of this one, so there is one that we have forgotten.
        """
        silent: dict[str, str] = {}
        for witness in self._witnesses:
            if witness.name in has:
                continue
            try:
                lines = self._lines(witness, note, old, prove)
                note = self._merge(note, lines, witness)
            except StoreError:
                raise
            except UpdateError as error:
                silent[witness.name] = str(error)
        return Round(note, silent=silent)

    def _lines(self, witness: Witness, note: bytes, old: int, prove: Prove) -> bytes:
        address = self._address(witness)
        if address.submission is not None:
            return self._submit(address.submission, note, old, prove)
        stored = self._read(witness)
        if stored is None or parse_note(stored).text != parse_note(note).text:
            raise UnreachableError("has not cosigned this tree yet")
        return stored.rpartition(b"\n\n")[2]

    def _submit(self, prefix: str, note: bytes, old: int, prove: Prove) -> bytes:
        """Send a checkpoint; once more if the witness knows another size."""
        size = parse_checkpoint(parse_note(note).text).size
        answer = self._post(prefix, note, old, prove)
        if (answer.status, answer.content_type) == (HTTPStatus.CONFLICT, SIZE_TYPE):
            known = _size_in(answer)
            if known > size:
                raise StoreError(
                    f"state-lost: {prefix} cosigned size {known}, we know of {size}"
                )
            answer = self._post(prefix, note, known, prove)
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise StoreError(f"state-lost: {prefix} cosigned another tree of ours")
        if answer.status != HTTPStatus.OK:
            raise UnreachableError(f"{prefix}: status {answer.status}")
        return answer.body

    def _post(self, prefix: str, note: bytes, old: int, prove: Prove) -> Answer:
        size = parse_checkpoint(parse_note(note).text).size
        proof = tuple(prove(old)) if 0 < old < size else ()
        bare = cut_note(note, self._log_key)
        request = format_submission(Submission(old, proof, note=bare))
        return self._ask("POST", f"{prefix}/add-checkpoint", request)

    def _read(self, witness: Witness) -> bytes | None:
        """Read what a witness shows of the log; None if it never saw it."""
        prefix = self._address(witness).monitoring
        if prefix is None:
            raise UnreachableError("has no monitoring prefix")
        path = f"{place_of(self._log_key.name)}/checkpoint"
        if "://" not in prefix:
            shown = Path(prefix, path)
            if not shown.parent.is_dir():
                return None
            return self._files.read_if_there(shown, most=MAX_NOTE)
        answer = self._ask("GET", f"{prefix}/{path}", None)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status != HTTPStatus.OK:
            raise UnreachableError(f"{prefix}: status {answer.status}")
        return answer.body

    def _address(self, witness: Witness) -> Address:
        """Look up a witness; a policy may name its submission prefix as well."""
        address = self._addresses.get(witness.name) or Address(witness.url)
        if address == Address():
            raise UnreachableError("has no address")
        return address

    def _open(self, note: bytes, witness: Witness) -> OpenedCheckpoint:
        """Open a note that the log and this witness signed.

        Raises:
            MalformedError, SignatureError: it is none.
        """
        opened = open_checkpoint(note, [self._log_key], [witness.key])
        if witness.key not in opened.cosignatures:
            raise SignatureError(f"not signed by {witness.key.name!r}")
        return opened

    def _merge(self, note: bytes, lines: bytes, witness: Witness) -> bytes:
        """Add a witness's own lines to a note, once they open."""
        own = (witness.key.name, witness.key.key_id)
        kept = [each for each in parse_lines(lines) if (each.name, each.key_id) == own]
        if not kept:
            raise SignatureError(f"expected a line of {witness.key.name!r}")
        merged = merge_lines(note, "".join(map(str, kept)).encode())
        self._open(merged, witness)
        return merged


def _size_in(answer: Answer) -> int:
    """Read the size that a witness knows: decimal, and a newline."""
    try:
        text = answer.body.decode("ascii")
    except UnicodeDecodeError:
        raise MalformedError("witness: expected a size") from None
    return parse_number(text.removesuffix("\n"), "size that a witness knows")
