"""What a log lets in, and what it must remember of itself to judge that.

An entry is for ever, so each is checked as the strictest client would: its form, who
signed it, that no version gets a second file, and that nothing follows a successor.
The `Register` is what that takes to know, beside the log itself.
"""

from dataclasses import dataclass, field

from updater import jcs, shape
from updater.errors import MalformedError, RefusedError
from updater.transparency.claims.parts import Head, head, head_json
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.claims.successor import SuccessorClaim
from updater.transparency.entry import Entry, parse_entry, read_entry
from updater.transparency.trust import Trust, check_entry

MAX_BYTES = 64 << 20
"""Of the file: some 300,000 versions and platforms."""

_SCHEMA = "ringfence-bt-register/1"
_KEYS = ("closed", "predecessor", "schema", "size", "versions")


@dataclass(slots=True)
class Register:
    """What the first `size` entries of a log say, as far as later ones depend on it."""

    size: int = 0
    versions: dict[str, str] = field(default_factory=dict, kw_only=True)
    """SHA-256 of the one file of a package URL and platform, a space between; those of
    logs before this one too."""
    predecessor: Head | None = field(default=None, kw_only=True)
    """The last head of the log that this one follows on."""
    is_closed: bool = field(default=False, kw_only=True)
    """Whether a successor stands in it: then it is the last entry."""

    def admit(self, leaf: bytes, trust: Trust) -> Entry:
        """Check a leaf as the next entry, and take it in.

        Raises:
            MalformedError: it is not whole.
            SignatureError: who signed it may not claim this.
            QuorumError: too few of those who may have signed.
            RefusedError: it contradicts an entry before it, or follows a successor.
        """
        entry = parse_entry(leaf)
        check_entry(trust, entry)
        if self.is_closed:
            raise RefusedError("the log is closed: a successor is its last entry")
        if self.size == 0 and self.predecessor is not None:
            _check_begins(entry, self.predecessor)
        if isinstance(entry.claim, ReleaseClaim):
            self._check_unique(entry.claim)
        self._take(entry)
        return entry

    def read(self, leaf: bytes) -> None:
        """Take in an entry that is in the log already, whatever it is."""
        entry = read_entry(leaf)
        if isinstance(entry, Entry):
            self._take(entry)
        else:
            self.size += 1

    def _take(self, entry: Entry) -> None:
        self.size += 1
        match entry.claim:
            case ReleaseClaim() as release:
                for key, sha256 in _files(release).items():
                    self.versions.setdefault(key, sha256)
            case SuccessorClaim():
                self.is_closed = True
            case _:
                return

    def _check_unique(self, release: ReleaseClaim) -> None:
        for key, sha256 in _files(release).items():
            if (known := self.versions.get(key, sha256)) != sha256:
                raise RefusedError(
                    f"{key} is {known[:16]} for ever, came {sha256[:16]}: a version"
                    " has one file"
                )


def format_register(register: Register) -> bytes:
    """Write a register as `parse_register` reads it."""
    versions: dict[str, jcs.Json] = dict(register.versions)
    after = register.predecessor
    before: jcs.Json = None if after is None else head_json(after)
    return jcs.write(
        {
            "closed": register.is_closed,
            "predecessor": before,
            "schema": _SCHEMA,
            "size": register.size,
            "versions": versions,
        }
    )


def parse_register(data: bytes) -> Register:
    """Read a register.

    Raises:
        MalformedError: it is none.
    """
    value = jcs.parse_canonical(data, most=MAX_BYTES)
    found = shape.record(value, "register", _KEYS)
    shape.one_of(found["schema"], "schema", _SCHEMA)
    versions, after = found["versions"], found["predecessor"]
    if not isinstance(versions, dict):
        raise MalformedError("versions: expected an object")
    return Register(
        shape.integer(found["size"], "size"),
        versions={
            key: shape.text(sha256, key, shape.SHA256)
            for key, sha256 in versions.items()
        },
        predecessor=None if after is None else head(after, "predecessor"),
        is_closed=shape.flag(found["closed"], "closed"),
    )


def _files(release: ReleaseClaim) -> dict[str, str]:
    return {
        f"{release.purl} {each.platform}": each.sha256 for each in release.artifacts
    }


def _check_begins(entry: Entry, predecessor: Head) -> None:
    """Expect the entry that ties a new log to the one before it."""
    claim = entry.claim
    if not isinstance(claim, PolicyClaim) or claim.predecessor != predecessor:
        raise RefusedError(
            "the first entry must be a policy whose predecessor is"
            f" {predecessor.origin!r} at size {predecessor.size}"
        )
