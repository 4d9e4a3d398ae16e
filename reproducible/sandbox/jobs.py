"""What the hook is told to do, and how it says that it could not."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Final, Literal

from reproducible.errors import BuildFailedError, FailureReason
from updater.jcs import parse
from updater.shape import items, text

Action = Literal["wheel", "sdist"]
Task = Literal[
    "probe", "wheel", "sdist", "requires-wheel", "requires-sdist", "tool"
]  # fmt: skip

GO: Final = b"go\n"
"""What the hook waits for after its report; anything else ends it."""

REASONS: Final[dict[int, FailureReason]] = {
    71: "memory", 72: "too-large", 73: "no-output", 74: "bad-output",
}  # fmt: skip
"""How the hook ended, if not for a reason of the backend's own (`exit`)."""

SUFFIXES: Final[dict[Action, str]] = {"wheel": ".whl", "sdist": ".tar.gz"}

# Names of files only: no separator can take a result elsewhere, no dot hides it.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,200}")
MAX_NAME_BYTES: Final = 255  # of Linux
MAX_REQUIRES_BYTES: Final = 1 << 16
_REQUIREMENT: Final = re.compile(r"[ -~]{1,300}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job of the hook; paths are those inside.

    Attributes:
        source, tools, out, tmp: folders.
        given: what is copied to `source` first, if anything.
        clock: the time that the backend is told, in POSIX seconds.
        home: the home folder of who started this, which must not be seen.
        report: the descriptor that the report goes to.
        argv: of a helper program.
    """

    task: Task
    source: str
    tools: str
    out: str
    tmp: str
    home: str
    report: int
    umask: int
    memory_mib: int
    output_mib: int
    given: str | None = None
    clock: int | None = None
    preload: str | None = None
    backend: str = ""
    backend_path: tuple[str, ...] = ()
    subdir: str = "."
    argv: tuple[str, ...] = ()


def format_job(job: Job) -> str:
    """Write a job as the hook reads it."""
    return json.dumps(asdict(job))


def check_ended(code: int, log: bytes) -> None:
    """Expect that a job ended well.

    Raises:
        BuildFailedError: it did not; the reason comes from the exit code.
    """
    if code:
        how = f"ended with {code}" if code > 0 else f"was ended by signal {-code}"
        raise BuildFailedError(REASONS.get(code, "exit"), f"the build {how}", log)


def check_name(name: bytes, action: Action, log: bytes) -> str:
    """Expect the file name of a result.

    Raises:
        BuildFailedError: `no-output` or `bad-output`.
    """
    if not name:
        raise BuildFailedError("no-output", "expected a file, came none", log)
    text = name.decode(errors="backslashreplace")
    if not _NAME.fullmatch(text) or not text.endswith(SUFFIXES[action]):
        sentence = f"expected a name *{SUFFIXES[action]}, came {text[:80]!r}"
        raise BuildFailedError("bad-output", sentence, log)
    return text


def parse_requires(data: bytes) -> tuple[str, ...]:
    """Read what a backend says it needs: a JSON array of at most 64 texts.

    Raises:
        MalformedError: it is something else.
    """
    listed = items(parse(data, most=MAX_REQUIRES_BYTES), "requires", most=64)
    return tuple(text(item, "requires", _REQUIREMENT) for item in listed)
