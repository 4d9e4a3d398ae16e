"""One build: probed, laid out, run behind the wall, packed, recorded.

Carrier. The network is used before, for files by their hashes, and never again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reproducible.builds.plan import Plan
from reproducible.fetch.cache import Cache, Supply
from reproducible.inputs.recipe import OutputKind
from reproducible.record.buildinfo import Buildinfo
from reproducible.sandbox.levels import Conditions
from reproducible.sandbox.run import Sandbox

BUILDINFO: Final = "buildinfo.json"
LOG: Final = "build.log"
"""What stands beside the outputs, also where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A file that was built; hashes in lower hexadecimal.

    `raw_sha256` is of what the backend wrote, before it was packed anew.
    """

    kind: OutputKind
    name: str
    path: Path
    size: int
    sha256: str
    raw_sha256: str | None = None
    platform: str | None = None
    """Of a bundle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a build gave, in the order of the recipe."""

    outputs: tuple[Output, ...]
    buildinfo: Buildinfo
    log: bytes = field(repr=False)
    """What the build said, as it came: show it escaped."""


def build(  # noqa: PLR0913 - what one build needs
    plan: Plan,
    *,
    sandbox: Sandbox,
    cache: Cache,
    supplies: Sequence[Supply],
    out: Path,
    now: Callable[[], float],
    conditions: Conditions | None = None,
    prepare: Callable[[Path], None] | None = None,
) -> Result:
    """Build all outputs of a plan into the folder `out`, which is made.

    `conditions` stands for what the recipe says of the environment, and `prepare` is
    called with the source once it lies there: so variations are made. `now` gives POSIX
    seconds. `BUILDINFO` and `LOG` are written also when the build fails.

    Raises:
        BuildFailedError: it gave nothing that can be compared.
        InputError: a locked file is not to be had.
        IsolationError: the sandbox is not closed; nothing was run.
        StoreError: the disk refuses.
    """
    raise NotImplementedError
