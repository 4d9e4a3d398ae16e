"""A log, its witnesses and its project in memory, for whoever attacks them.

Everything can be changed: `log.append(leaf)`, `log.fork()`, `witness.cosign(note, at)`,
`log.hidden.add(path)`, `log.altered[path] = data`. A `World` is a log with four
witnesses, of which three suffice, and the claimants' keys.
"""

import random
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.updater.transparency import claimants
from tests.updater.transparency.logs import nodes_of
from updater.errors import FetchError, ProofError
from updater.statement import Subject
from updater.transparency.checkpoint import (
    Checkpoint,
    cosign,
    format_checkpoint,
    merge_lines,
    parse_checkpoint,
    sign_checkpoint,
)
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.entry import WholeClaim
from updater.transparency.honour import POLICY, TRUST, TrustSet, read_set
from updater.transparency.key import Kind, SigningKey
from updater.transparency.merkle import (
    hash_leaf,
    hash_tree,
    prove_consistency,
    prove_inclusion,
    root_at,
)
from updater.transparency.note import parse_note
from updater.transparency.proof import LogProof
from updater.transparency.tiles import WIDTH, files_of, format_bundle
from updater.transparency.trust import Trust, format_trust

ORIGIN = "bt.example/ringfence/1"
KEY = SigningKey(ORIGIN, Kind.LOG, seed=bytes([1]) * 32)
START = 1_790_000_000
DAY = 86_400
PLATFORM = claimants.ARTIFACT.platform


@dataclass
class Log:
    """A log of whatever leaves it is given; its files are made when they are asked for.

    `note` is what it shows as its checkpoint; `publish` signs the tree as it is.
    """

    key: SigningKey = KEY
    leaves: list[bytes] = field(default_factory=list)
    note: bytes = b""
    hidden: set[str] = field(default_factory=set)
    """Paths that are answered with 404."""
    altered: dict[str, bytes] = field(default_factory=dict)
    """Paths that are answered with something else."""
    asked: list[str] = field(default_factory=list)
    """Every path that was asked for."""

    @property
    def origin(self) -> str:
        return self.key.name

    @property
    def size(self) -> int:
        return len(self.leaves)

    @property
    def root(self) -> bytes:
        return self.root_at(self.size)

    def append(self, leaf: bytes) -> int:
        """Add an entry and give its index."""
        self.leaves.append(leaf)
        return self.size - 1

    def fork(self) -> "Log":
        """Give a second log with the same key and, until now, the same entries."""
        return Log(self.key, list(self.leaves), self.note)

    def checkpoint(self, size: int | None = None) -> bytes:
        """Sign the tree as it is, or was at a size, and show nobody."""
        size = self.size if size is None else size
        head = Checkpoint(self.origin, size, root=self.root_at(size))
        return sign_checkpoint(head, self.key)

    def publish(self, *witnesses: "Witness", at: int, size: int | None = None) -> bytes:
        """Sign, have it cosigned by whoever does so at a time, and show that."""
        note = self.checkpoint(size)
        for witness in witnesses:
            note = merge_lines(note, witness.cosign(note, at))
        self.note = note
        return note

    def root_at(self, size: int) -> bytes:
        return root_at(size, nodes_of(self._hashes()))

    def prove(self, old: int, new: int | None = None) -> list[bytes]:
        """Prove a size against a later one, or against all there is."""
        new = self.size if new is None else new
        return prove_consistency(old, new, nodes_of(self._hashes()))

    def proof(self, index: int, note: bytes | None = None) -> LogProof:
        """Give the proof file of an entry under a note, or under the one shown."""
        note = self.note if note is None else note
        size = parse_checkpoint(parse_note(note).text).size
        path = prove_inclusion(index, size, nodes_of(self._hashes()))
        return LogProof(index, tuple(path), checkpoint=note)

    def get(self, path: str, max_bytes: int) -> bytes:
        """Serve a file, as `client.Source`."""
        self.asked.append(path)
        data = self.altered.get(path, self._file(path))
        if data is None or path in self.hidden:
            raise FetchError("status", f"{path}: 404", status=404)
        if len(data) > max_bytes:
            raise FetchError("too-long", f"{path}: more than {max_bytes} bytes")
        return data

    def files(self) -> dict[str, bytes]:
        """Give every file of the public folder, for a test that writes it."""
        found = {"checkpoint": self.note}
        size = parse_checkpoint(parse_note(self.note).text).size
        for file in files_of(size):
            data = self._file(file.path)
            assert data is not None
            found[file.path] = data
        return found

    def _hashes(self) -> list[bytes]:
        return [hash_leaf(leaf) for leaf in self.leaves]

    def _file(self, path: str) -> bytes | None:
        if path == "checkpoint":
            return self.note or None
        # Partial files of every size are there, as in a folder that is never pruned.
        kind, row, place = (*path.split("/", 2), "", "")[:3]
        return self._tile(row, *_place(place)) if kind == "tile" else None

    def _tile(self, row: str, index: int, width: int) -> bytes | None:
        at = slice(index * WIDTH, index * WIDTH + width)
        if row == "entries":
            leaves = self.leaves[at]
            return format_bundle(leaves) if len(leaves) == width else None
        hashes = self._hashes()
        for _ in range(int(row)):
            full = len(hashes) // WIDTH * WIDTH
            hashes = [hash_tree(hashes[i : i + WIDTH]) for i in range(0, full, WIDTH)]
        found = hashes[at]
        return b"".join(found) if len(found) == width else None


@dataclass
class Witness:
    """A witness; an honest one cosigns only what continues what it saw."""

    name: str
    key: SigningKey
    is_honest: bool = True
    is_silent: bool = False
    seen: tuple[int, bytes] | None = None

    def cosign(self, note: bytes, at: int, log: Log | None = None) -> bytes:
        """Give a signature line at a time, POSIX seconds.

        With `log`, an honest witness looks whether the note continues what it saw.
        """
        head = parse_checkpoint(parse_note(note).text)
        if self.is_honest and log is not None and self.seen is not None:
            size, root = self.seen
            if head.size < size or log.root_at(size) != root:
                raise ProofError(f"{self.name} saw another tree")
        self.seen = (head.size, head.root)
        return str(cosign(format_checkpoint(head), self.key, at)).encode()


class World:
    """A project with its log and witnesses, at `now`."""

    def __init__(self, trust: Trust | None = None) -> None:
        self.now = START
        self.log = Log()
        self.witnesses = [
            Witness(
                f"w{number}",
                SigningKey(
                    f"w{number}.example/bt",
                    Kind.WITNESS,
                    seed=bytes([100 + number]) * 32,
                ),
            )
            for number in range(1, 5)
        ]
        self.trust = trust or replace(
            claimants.TRUST, cooldown_group="most", requires_sigstore=False
        )
        self.trust_files: dict[str, bytes] = {}
        """What the repository delivers, by SHA-256."""

    @property
    def policy_text(self) -> bytes:
        rows = [f"log {self.log.key.verifier}"]
        rows += [f"witness {each.name} {each.key.verifier}" for each in self.witnesses]
        names = " ".join(each.name for each in self.witnesses)
        rows += [f"group most 3 {names}", "quorum most"]
        return "".join(f"{row}\n" for row in rows).encode()

    @property
    def trust_set(self) -> TrustSet:
        """The trust files as they are now."""
        return read_set({POLICY: self.policy_text, TRUST: format_trust(self.trust)})

    def witness(self, name: str) -> Witness:
        return next(each for each in self.witnesses if each.name == name)

    def publish(self, log: Log | None = None) -> bytes:
        """Show the log's tree as it is now, cosigned by everybody who is not silent."""
        awake = [each for each in self.witnesses if not each.is_silent]
        return (log or self.log).publish(*awake, at=self.now)

    def release(self, version: str, sha256: str, log: Log | None = None) -> int:
        """Log a release of one file; gives its index."""
        return (log or self.log).append(
            claimants.entry(self.release_claim(version, sha256), *RELEASE)
        )

    @staticmethod
    def release_claim(version: str, sha256: str) -> ReleaseClaim:
        artifact = replace(
            claimants.ARTIFACT,
            name=f"ringfence-{version}-{PLATFORM}.tar",
            sha256=sha256,
        )
        source = replace(claimants.RELEASE.source, tag=f"v{version}")
        return replace(
            claimants.RELEASE, version=version, artifacts=(artifact,), source=source
        )

    def yank(self, index: int, sha256: str) -> int:
        """Log a yank of the release at an index."""
        release = replace(
            claimants.YANK.release,
            index=index,
            leaf_hash=hash_leaf(self.log.leaves[index]),
        )
        claim = replace(
            claimants.YANK, release=release, subject=(Subject("file", sha256),)
        )
        return self.log.append(claimants.entry(claim, *YANK))

    def rebuild(self, sha256: str, operator: str = "anna") -> int:
        """Log that an operator rebuilt a file and got the same bytes."""
        return self.log.append(rebuilt(sha256, operator))

    def log_policy(self, files: TrustSet | None = None) -> int:
        """Log trust files, or those there are now, and have them delivered."""
        found = files or self.trust_set
        subject = tuple(
            Subject(name, digest) for name, digest in sorted(found.digests.items())
        )
        for name, digest in found.digests.items():
            self.trust_files[digest] = found.files[name]
        claim = replace(claimants.POLICY, files=subject)
        return self.log.append(claimants.entry(claim, *POLICY_ROLE))

    def trust_file(self, sha256: str) -> bytes:
        """Deliver a trust file, as `LogClient` asks for it."""
        if sha256 not in self.trust_files:
            raise FetchError("status", f"{sha256}: 404", status=404)
        return self.trust_files[sha256]


RELEASE = claimants.RELEASE_KEYS[:2]
YANK = claimants.YANK_KEYS[:1]
POLICY_ROLE = claimants.POLICY_KEYS


def entry(claim: WholeClaim, *keys: Ed25519PrivateKey) -> bytes:
    """Make the leaf of a claim that these keys sign."""
    return claimants.entry(claim, *keys)


def rebuilt(sha256: str, operator: str) -> bytes:
    """Make the leaf of a positive rebuild."""
    name = claimants.ARTIFACT.name
    file = replace(claimants.PUBLISHED, sha256=sha256)
    claim = replace(
        claimants.REBUILD,
        subject=Subject(name, sha256),
        published=file,
        rebuilt=file,
        rebuilder=replace(
            claimants.REBUILD.rebuilder, id=f"{operator}/machine-1", operator=operator
        ),
    )
    return claimants.entry(claim, claimants.OPERATOR_KEYS[operator])


def junk(seed: int, count: int) -> list[bytes]:
    """Make entries that are no claims."""
    luck = random.Random(seed)
    return [luck.randbytes(20) for _ in range(count)]


def _place(text: str) -> tuple[int, int]:
    """Read the index and the width out of the end of a tile's path."""
    index, _, width = text.partition(".p/")
    digits = "".join(group.removeprefix("x") for group in index.split("/"))
    return int(digits), int(width or WIDTH)
