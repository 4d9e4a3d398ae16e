"""What a metadata file says, as values: who lists what, until when, signed by whom.

Rules. Reading and writing the files is `metadata`, the door to python-tuf.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from updater.publish.roles import Signers


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as a role lists it; `sha256` in lower hexadecimal."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFile:
    """What one metadata file says; `expires` in POSIX seconds."""

    kind: str
    version: int
    expires: int
    files: Mapping[str, Listed] = field(default_factory=dict)
    """Of a role that lists targets: the files, by their paths."""
    roles: Mapping[str, int] = field(default_factory=dict)
    """Of snapshot and timestamp: the versions of the roles in it."""
    signers: Mapping[str, Signers] = field(default_factory=dict)
    """Of root and targets: who signs which role."""
    patterns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of targets: what each role may list."""
    is_consistent: bool = True
    """Of a root: whether names hold versions and hashes."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Which keys (DER SubjectPublicKeyInfo) have signed a file, and which have not."""

    threshold: int
    signed: frozenset[bytes]
    unsigned: frozenset[bytes] = field(kw_only=True)

    @property
    def missing(self) -> int:
        """How many signatures are still needed."""
        return max(0, self.threshold - len(self.signed))


def list_file(data: bytes) -> Listed:
    """Describe a file as a role lists it."""
    return Listed(len(data), hashlib.sha256(data).hexdigest())
