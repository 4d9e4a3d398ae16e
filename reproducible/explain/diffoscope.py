"""A second opinion from diffoscope, where that is installed. Carrier.

The program takes apart hundreds of formats with dozens of helpers, some of them written
in C and all of them fed by strangers here. So it runs behind the wall, without network
and within limits, and it is never imported or required.
"""

import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from reproducible.errors import BuildFailedError, MissingError
from reproducible.explain.explaining import Explained
from reproducible.inputs.recipe import Limits
from reproducible.sandbox.choose import choose
from reproducible.sandbox.host import Host
from reproducible.sandbox.run import Ran, Site

LIMITS: Final = Limits(timeout_s=120, memory_mib=1024, output_mib=1024)
"""A wheel takes it one to three seconds; it may hang no run."""

_MOST_BYTES: Final = 4 * 1024 * 1024  # of its report; what is longer it cuts itself
_MOST_WARNINGS: Final = 20
_WITHIN: Final = "/usr/"  # all of the host that every wall shows
_WARNING: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [WEC]: (.*)")
_SAYS_DIFFERENT: Final = 1
# Behind the wall is no cache of the linker, in which its binding looks for the library.
_ENV: Final = ("/usr/bin/env", "LIBARCHIVE=libarchive.so.13")


def ask_diffoscope(
    explained: Explained, published: Path, rebuilt: Path, *, host: Host
) -> Explained:
    """Add what diffoscope says of two files; what it could not do becomes a warning.

    Raises:
        MissingError: it is not installed, or no interpreter is.
        IsolationError: there is no wall to run it behind.
    """
    program = shutil.which("diffoscope", path=host.search)
    if program is None or not program.startswith(_WITHIN):
        raise MissingError(
            f"expected the program diffoscope in {_WITHIN}, found {program or 'none'}"
        )
    interpreters = host.interpreters()
    if not interpreters:
        raise MissingError("expected a Python of the system, found none")
    with tempfile.TemporaryDirectory() as scratch:
        folder, room = Path(scratch, "files"), Path(scratch, "room")
        room.mkdir()
        files = []
        for side, path in (("published", published), ("rebuilt", rebuilt)):
            (folder / side).mkdir(parents=True)
            shutil.copyfile(path, folder / side / path.name)
            files.append(f"{side}/{path.name}")
        site = Site(host=host, interpreter=interpreters[0], scratch=room, limits=LIMITS)
        size = str(_MOST_BYTES)
        options = ("--no-progress", "--max-text-report-size", size)
        try:
            sandbox = choose(None, site).sandbox
            ran = sandbox.run_tool((*_ENV, program, *options, *files), folder=folder)
        except BuildFailedError as error:
            # Of a build, this would be a verdict.
            return _warned(explained, [f"diffoscope: {error}"])
    return heard(explained, ran)


def heard(explained: Explained, ran: Ran) -> Explained:
    """Add what it printed; its warnings, as of formats it skipped, become ours."""
    lines = ran.log.decode(errors="replace").splitlines()
    warnings = [found[1] for line in lines if (found := _WARNING.fullmatch(line))]
    said = "\n".join(line for line in lines if not _WARNING.fullmatch(line))
    if ran.code != _SAYS_DIFFERENT:
        warnings.append(f"expected the exit code {_SAYS_DIFFERENT}, came {ran.code}")
    told = _warned(explained, [f"diffoscope: {each}" for each in warnings])
    return replace(told, diffoscope=said)


def _warned(explained: Explained, warnings: list[str]) -> Explained:
    comparison = explained.comparison
    every = (*comparison.warnings, *warnings[:_MOST_WARNINGS])
    return replace(explained, comparison=replace(comparison, warnings=every))
