"""What can go wrong with an update; every error of `updater` is an `UpdateError`.

::

    UpdateError
    ├── UnreachableError         could not ask: no answer, or not in time; try again
    │   └── FetchError           one transfer failed; `kind` says how
    ├── BusyError                another process holds the lock; try again
    ├── MissingError             a library, an interpreter or a helper is not there
    ├── NotYetError              nothing is wrong, but it is too early; ask again later
    ├── RefusedError             do not retry, do not proceed
    │   ├── MalformedError       bytes or text that do not parse
    │   ├── SignatureError       a signature that is missing, foreign or wrong
    │   ├── ProofError           a Merkle proof that does not hold
    │   ├── RepositoryError      TUF metadata that does not hold; `detail` says why
    │   ├── QuorumError          too few witnesses, operators or keys stand behind it
    │   ├── SigstoreError        a Sigstore bundle that vouches not; `detail` says why
    │   ├── DeclinedError        a witness says no; `status` says why, as in HTTP
    │   ├── LimitError           over a size, a count or a rate
    │   ├── PatchError           a patch that does not give the bundle; fetch that
    │   └── UnhealthyError       a version that failed its own test
    ├── MisbehaviourError        somebody signed a contradiction; carries the `report`
    └── StoreError               a folder, file or disk of ours cannot be used

Messages are lower case, say what was expected and what came, and hold no secret.
"""

from typing import Literal

FetchKind = Literal[
    "unreachable", "tls", "status", "redirect", "too-long", "cut", "slow", "proxy"
]
SigstoreDetail = Literal[
    "form", "chain", "sct", "time", "timestamp", "identity", "issuer", "extension",
    "signature", "digest", "entry-count", "entry-kind", "body", "origin", "size",
    "inclusion", "hint", "foreign-error",
]  # fmt: skip


class UpdateError(Exception):
    """Anything `updater` raises on purpose."""


class UnreachableError(UpdateError):
    """Nobody answered, or not in time; trying again later is right."""


class FetchError(UnreachableError):
    """A transfer that failed; nothing of it counts.

    `kind` tells callers how, and `status` is the HTTP status, or 0 without one.
    """

    def __init__(self, kind: FetchKind, text: str, *, status: int = 0) -> None:
        super().__init__(text)
        self.kind = kind
        self.status = status


class BusyError(UpdateError):
    """Another process is at work on the same folder."""


class MissingError(UpdateError):
    """Something this machine needs for the update is not there."""


class NotYetError(UpdateError):
    """Right, but too early: time or further signatures will settle it."""


class RefusedError(UpdateError):
    """Looked at and refused; trying again without a change is wrong."""


class MalformedError(RefusedError):
    """Bytes or text that are not what their format says."""


class SignatureError(RefusedError):
    """A signature that is missing, of a foreign key, or wrong."""


class ProofError(RefusedError):
    """A Merkle proof that does not hold."""


RepositoryDetail = Literal[
    "unsigned", "threshold", "rollback", "expired", "mismatch", "length", "syntax",
    "layout", "lifetime", "missing", "state",
]  # fmt: skip


class RepositoryError(RefusedError):
    """TUF metadata, or a file it lists, that does not hold.

    `detail` is a stable word for programs.
    """

    def __init__(self, detail: RepositoryDetail, text: str) -> None:
        super().__init__(text)
        self.detail = detail


class QuorumError(RefusedError):
    """Fewer parties stand behind something than the policy asks for."""


class SigstoreError(RefusedError):
    """A Sigstore bundle that does not vouch for the file; nothing of it counts.

    `detail` is stable and names the check that failed; `foreign-error` is any exception
    of a library that is not one of its own refusals.
    """

    def __init__(self, detail: SigstoreDetail, text: str) -> None:
        super().__init__(f"sigstore: {detail}: {text}")
        self.detail = detail


class DeclinedError(RefusedError):
    """A witness does not cosign what it was asked to.

    `status` is the HTTP status that says why (C2SP tlog-witness), and `size` the tree
    size that it knows, where the status is 409.
    """

    def __init__(self, text: str, *, status: int, size: int = 0) -> None:
        super().__init__(text)
        self.status = status
        self.size = size


class LimitError(RefusedError):
    """Over a size, a count or a rate."""


class PatchError(RefusedError):
    """A patch that does not give the bundle; fetching the bundle itself will."""


class UnhealthyError(RefusedError):
    """A version that was run and did not pass its own test."""


class MisbehaviourError(UpdateError):
    """Somebody signed two things that cannot both be true.

    `report` is the evidence as bytes, which a stranger can check offline.
    """

    def __init__(self, text: str, report: bytes) -> None:
        super().__init__(text)
        self.report = report


class StoreError(UpdateError):
    """A folder, a file or the disk cannot be read, written or trusted."""
