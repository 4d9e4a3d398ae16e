"""The two folders of a log: what is in them, under which names.

Carrier. The public one is static and can be served by anything; the private one is
the operator's. Both are described in docs/formats/log-folder.md. Nothing is decided
here but what belongs where and how long it may be.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from updater import jcs, shape
from updater.errors import MalformedError, RefusedError, StoreError
from updater.files import Files
from updater.transparency import addresses, admission, journal
from updater.transparency.addresses import Address, parse_addresses
from updater.transparency.admission import Register, format_register, parse_register
from updater.transparency.growth import File
from updater.transparency.journal import Journal, format_journal, parse_journal
from updater.transparency.key import Kind, VerifierKey, parse_vkey
from updater.transparency.merkle import hash_leaf
from updater.transparency.note import MAX_NOTE
from updater.transparency.policy import MAX_POLICY, Policy, parse_policy
from updater.transparency.proof import MAX_FILE, parse_proof
from updater.transparency.tiles import MAX_ENTRY
from updater.transparency.trust import MAX_TRUST_BYTES, Trust, parse_trust

CHECKPOINT = "checkpoint"
PENDING = "checkpoint.pending"

_PUBLIC = 0o644
_PUBLIC_FOLDER = 0o755
_MAX_FACTS = 8_192
_DIGITS = 12  # of a name in the queue, so that names sort as numbers
_SCHEMA = "ringfence-bt-log/1"


@dataclass(frozen=True, slots=True)
class Facts:
    """What ``log.json`` says: a hint to readers, trusted for nothing by them."""

    key: VerifierKey
    """The log's own; its name is the origin."""
    contact: str = field(default="", kw_only=True)


class LogFolder:
    """A log on this machine's disk."""

    def __init__(self, public: Path, private: Path, files: Files | None = None) -> None:
        self.public = public
        self.private = private
        self.files = files or Files()

    def create(
        self,
        facts: Facts,
        *,
        policy: bytes,
        trust: bytes,
        register: Register,
        witnesses: dict[str, Address],
    ) -> None:
        """Make both folders of an empty log.

        Raises:
            MalformedError: the policy or the trust file is none.
            RefusedError: there is a log already, or the policy does not list this one.
            StoreError: the disk refuses.
        """
        if facts.key not in parse_policy(policy).log_keys:
            raise RefusedError(f"the policy does not list {facts.key.name!r}")
        parse_trust(trust)
        self.files.make_folder(self.public, _PUBLIC_FOLDER)
        self.files.make_folder(self.private)
        self.files.make_folder(self._queue)
        if self._private("journal").exists() or self.read(CHECKPOINT, MAX_NOTE):
            raise RefusedError(f"{self.private}: there is a log already")
        self.write([File("policy", policy), File("trust.json", trust)])
        self.write([File("log.json", _format_facts(facts))])
        self.store_register(register)
        self._store("witnesses.json", addresses.format_addresses(witnesses))
        self.store_journal(journal.start(facts.key.name))  # last: now it is a log

    # The public folder

    def read(self, path: str, most: int) -> bytes | None:
        """Read a public file, as `tiles.Read`."""
        target = self.public / path
        try:
            return self.files.read_if_there(target, most=most)
        except StoreError:
            if target.parent.is_dir():
                raise
            return None

    def write(self, files: Iterable[File]) -> None:
        """Write public files, each whole and synced, in this order."""
        for path, data in files:
            target = self.public / path
            if not target.parent.is_dir():
                self.files.make_folder(target.parent, _PUBLIC_FOLDER)
            self.files.replace(target, data, _PUBLIC)

    def drop_pending(self) -> None:
        """Remove the checkpoint that pull witnesses read, as it is public now."""
        self.files.remove(self.public / PENDING)

    def facts(self) -> Facts:
        """Read who this log is."""
        return _parse_facts(self._public("log.json", _MAX_FACTS))

    def policy(self) -> Policy:
        """Read the witness policy that the log publishes under."""
        return parse_policy(self._public("policy", MAX_POLICY))

    def trust(self) -> Trust:
        """Read who may claim what."""
        return parse_trust(self._public("trust.json", MAX_TRUST_BYTES))

    def index_of(self, name: str) -> int | None:
        """Give the index of an entry, by its leaf hash or by a file it names first.

        Both in lower hexadecimal; None if the log has no such entry.
        """
        data = self.read(f"proofs/{name}.tlog-proof", MAX_FILE)
        return None if data is None else parse_proof(data).index

    # The private folder

    @property
    def lock(self) -> Path:
        """What whoever writes the log holds."""
        return self._private("lock")

    @property
    def key(self) -> Path:
        """The log's private key."""
        return self._private("key")

    def journal(self) -> Journal:
        """Read the journal."""
        path = self._private("journal")
        self.files.check_private(path)
        return parse_journal(self.files.read(path, most=journal.MAX_BYTES))

    def store_journal(self, new: Journal) -> None:
        """Replace the journal; it is on disk afterwards."""
        self._store("journal", format_journal(new))

    def register(self) -> Register:
        """Read what the log must remember of itself."""
        path = self._private("register.json")
        return parse_register(self.files.read(path, most=admission.MAX_BYTES))

    def store_register(self, register: Register) -> None:
        """Replace the register."""
        self._store("register.json", format_register(register))

    def addresses(self) -> dict[str, Address]:
        """Read where witnesses are asked."""
        path = self._private("witnesses.json")
        return parse_addresses(self.files.read(path, most=addresses.MAX_BYTES))

    def queue(self) -> list[Path]:
        """List the claims that wait, in the order in which they will be appended."""
        names = [each for each in self.files.names(self._queue) if each[0].isdigit()]
        return [self._queue / each for each in names if each.endswith(".json")]

    def read_queued(self, path: Path) -> bytes:
        """Read a claim that waits."""
        return self.files.read(path, most=MAX_ENTRY)

    def enqueue(self, leaf: bytes) -> None:
        """Let a claim wait behind all others."""
        waiting = self.queue()
        number = int(waiting[-1].stem) + 1 if waiting else 1
        self.files.create(self._queue / f"{number:0{_DIGITS}}.json", leaf)

    def unqueue(self, leaf_hashes: Iterable[bytes]) -> None:
        """Drop the claims that are in the log now."""
        done = set(leaf_hashes)
        for path in self.queue():
            if hash_leaf(self.read_queued(path)) in done:
                self.files.remove(path)

    @property
    def _queue(self) -> Path:
        return self._private("queue")

    def _private(self, name: str) -> Path:
        return self.private / name

    def _store(self, name: str, data: bytes) -> None:
        self.files.replace(self._private(name), data)

    def _public(self, name: str, most: int) -> bytes:
        return self.files.read(self.public / name, most=most)


def _format_facts(facts: Facts) -> bytes:
    return jcs.write(
        {
            "contact": facts.contact,
            "origin": facts.key.name,
            "schema": _SCHEMA,
            "vkey": str(facts.key),
        }
    )


def _parse_facts(data: bytes) -> Facts:
    found = shape.record(
        jcs.parse(data, most=_MAX_FACTS),
        "log.json",
        ("contact", "origin", "schema", "vkey"),
    )
    shape.one_of(found["schema"], "schema", _SCHEMA)
    vkey, contact = found["vkey"], found["contact"]
    if not isinstance(vkey, str) or not isinstance(contact, str):
        raise MalformedError("log.json: expected texts")
    key = parse_vkey(vkey)
    if found["origin"] != key.name or key.kind is not Kind.LOG:
        raise MalformedError("log.json: expected the key of a log, named as its origin")
    return Facts(key, contact=contact)
