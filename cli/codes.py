"""Exit codes: an interface, so one table, repeated for users in docs/exit-codes.md.

1 to 9 are verdicts, reached by looking. 64 and up mean that no verdict was reached, so
that a crash, a wrong flag or a dead network never passes for an answer.
"""

import enum
from typing import NamedTuple

from reproducible import errors as rebuilds
from reproducible.errors import RebuildError
from updater import errors as updates
from updater.errors import UpdateError
from voip.errors import (
    CallError,
    MissingError,
    NoEncryptionError,
    NotAllowedError,
    RefusedError,
    RollbackError,
    StoreError,
    TrustError,
    UnreachableError,
)


class Code(enum.IntEnum):
    """What the program says to the script that ran it."""

    DONE = 0
    REFUSED = 1
    DIFFERENT = 1
    NO_ANSWER = 2
    AVAILABLE = 2
    WITH_EXCEPTIONS = 2
    BUSY = 3
    NOT_YET = 3
    UNSUPPORTED = 3
    DISTRUST = 4
    MISBEHAVIOUR = 4
    BUILD_FAILED = 4
    STORE = 5
    OTHER_SOURCE = 5
    NO_QUORUM = 6
    NO_ENCRYPTION = 7
    NOT_ALLOWED = 8
    USAGE = 64
    MISSING = 69
    BUG = 70
    UNREACHABLE = 75
    INTERRUPTED = 130


class Verdict(NamedTuple):
    """How the program ends on an expected error, and what may help."""

    code: Code
    hint: str = ""


class DiskError(RebuildError):
    """A file that cannot be read or written during a rebuild, where 5 is a verdict."""


_DISTRUST = Verdict(
    Code.DISTRUST,
    "do not go on before you know why; 'ringfence contact show' has the details",
)
_VERDICTS: dict[type[CallError], Verdict] = {  # the first that fits counts
    TrustError: _DISTRUST,
    RollbackError: _DISTRUST,
    NoEncryptionError: Verdict(
        Code.NO_ENCRYPTION,
        "--allow-unencrypted goes on without; everybody is told",
    ),
    NotAllowedError: Verdict(Code.NOT_ALLOWED),
    RefusedError: Verdict(Code.REFUSED),
    StoreError: Verdict(Code.STORE),
    MissingError: Verdict(Code.MISSING),
    UnreachableError: Verdict(Code.UNREACHABLE, "try again later"),
}


_UPDATE_VERDICTS: dict[type[UpdateError], Verdict] = {
    updates.MisbehaviourError: Verdict(
        Code.MISBEHAVIOUR, "the evidence is kept; show it to somebody you trust"
    ),
    updates.NotYetError: Verdict(
        Code.NOT_YET, "time or more signatures will settle it"
    ),
    updates.RefusedError: Verdict(Code.REFUSED),
    updates.StoreError: Verdict(Code.STORE),
    updates.MissingError: Verdict(Code.MISSING),
    updates.BusyError: Verdict(Code.UNREACHABLE, "try again later"),
    updates.UnreachableError: Verdict(Code.UNREACHABLE, "try again later"),
}


_REBUILD_VERDICTS: dict[type[RebuildError], Verdict] = {
    rebuilds.SourceError: Verdict(Code.OTHER_SOURCE),
    rebuilds.UnsupportedError: Verdict(Code.UNSUPPORTED),
    rebuilds.BuildFailedError: Verdict(Code.BUILD_FAILED),
    rebuilds.RecipeError: Verdict(Code.USAGE),
    rebuilds.IsolationError: Verdict(
        Code.MISSING,
        "nothing is built without a sandbox; docs/sandbox.md says what it needs",
    ),
    rebuilds.MissingError: Verdict(Code.MISSING),
    DiskError: Verdict(
        Code.MISSING, "nothing was found out; say another place, or make room there"
    ),
    rebuilds.InputError: Verdict(
        Code.UNREACHABLE,
        "nothing was found out; ask for something else, or try again later",
    ),
}


def judge(error: CallError | UpdateError | RebuildError) -> Verdict | None:
    """Look an error up; None is for those that nothing a user does should raise."""
    verdicts = [
        *_VERDICTS.items(),
        *_UPDATE_VERDICTS.items(),
        *_REBUILD_VERDICTS.items(),
    ]
    fitting = (verdict for kind, verdict in verdicts if isinstance(error, kind))
    return next(fitting, None)
