"""What can go wrong with a rebuild; every error of `reproducible` is a `RebuildError`.

::

    RebuildError
    ├── RecipeError        a recipe, lock or option that cannot be used
    ├── SourceError        source, recipe or lock is not the claimed one
    ├── UnsupportedError   it is not rebuilt here, by design; `reason` says why
    ├── BuildFailedError   the build gave nothing; `reason` says how, `log` what it said
    ├── IsolationError     no wall of the asked height, or one with a hole
    │   └── NoWallError    none at all: a lower one may still do
    ├── MissingError       an interpreter or helper program is not there
    └── InputError         an input is not to be had, or has a wrong hash

A `SourceError`, `UnsupportedError` and `BuildFailedError` end in a verdict that can be
signed; the others never do. Bytes that are not what their format says are
`updater.errors.MalformedError`, since its readers are used here, and files of ours that
cannot be read or written are its `StoreError`.

Messages are lower case, say what was expected and what came, and hold no secret.
"""

from typing import Literal

UnsupportedReason = Literal[
    "no-sdist", "no-wheel", "platform-wheel", "toolchain-gone",
    "toolchain-needs-build", "backend", "source-form",
]  # fmt: skip
"""Why something is not rebuilt; a stable word for programs and statements."""

FailureReason = Literal[
    "exit", "timeout", "memory", "no-output", "too-large", "bad-output",
]  # fmt: skip
"""How a build failed; likewise."""


class RebuildError(Exception):
    """Anything `reproducible` raises on purpose."""


class RecipeError(RebuildError):
    """A file written by people, or a wish of theirs, that cannot be used."""


class SourceError(RebuildError):
    """What should be built is not what the release claims to be built from."""


class UnsupportedError(RebuildError):
    """Not rebuilt here, by design; this is said, never passed over."""

    def __init__(self, reason: UnsupportedReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class BuildFailedError(RebuildError):
    """The build gave nothing that could be compared.

    `log` is what the build said, as it came; show it escaped.
    """

    def __init__(self, reason: FailureReason, text: str, log: bytes = b"") -> None:
        super().__init__(text)
        self.reason = reason
        self.log = log


class IsolationError(RebuildError):
    """There is no sandbox of this level here, or a network was seen inside."""


class NoWallError(IsolationError):
    """This machine cannot make such a wall; nothing was seen that should not be."""


class MissingError(RebuildError):
    """Something this machine needs for the rebuild is not there."""


class InputError(RebuildError):
    """An input that could not be had, or not with the right hash.

    A bad transport must not look like a bad release, so this is never a verdict.
    """
