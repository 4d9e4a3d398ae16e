"""Where packages are rebuilt: the options and the workshop of `pypi` and `deps`."""

import os
import tempfile
import time
from calendar import timegm
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from cli import paths
from cli.home import Home
from cli.output import escape, show

if TYPE_CHECKING:  # help needs none of these
    from cli.rebuilds.showing import Wanted
    from reproducible.pypi.results import Rebuilt
    from reproducible.pypi.trying import Workshop

_LEVELS: Final[dict[str | None, Literal[0, 1] | None]] = {None: None, "0": 0, "1": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where and with what packages are rebuilt, as the user wants it."""

    folder: Path
    """The cache: it may be emptied."""
    index: str | None
    level: Literal[0, 1] | None
    newest: int | None
    uv: str
    """The installer that resolves tools."""

    @property
    def results(self) -> Path:
        """Where results are kept."""
        return self.folder / "results"

    @contextmanager
    def workshop(
        self, tell: Callable[[str], None] = lambda _: None
    ) -> Iterator["Workshop"]:
        """Open a workshop for one thread."""
        from reproducible.fetch.cache import Cache  # noqa: PLC0415
        from reproducible.fetch.index import DEFAULT, Index  # noqa: PLC0415
        from reproducible.pypi.resolve import Resolver  # noqa: PLC0415
        from reproducible.pypi.trying import Workshop  # noqa: PLC0415
        from reproducible.sandbox.host import Host  # noqa: PLC0415
        from updater.fetch.fetch import Fetcher, Network  # noqa: PLC0415
        from updater.fetch.proxy import read_proxies  # noqa: PLC0415
        from updater.files import Files  # noqa: PLC0415

        files, host = Files(), Host.here()
        index = self.index or DEFAULT
        network = Network(
            proxies=read_proxies(os.environ), loopback=index.startswith("http:")
        )
        files.make_folder(self.folder)
        with (
            Fetcher(files, network) as fetcher,
            tempfile.TemporaryDirectory(prefix="ringfence-") as scratch,
        ):
            yield Workshop(
                host=host,
                level=self.level,
                pythons=host.interpreters(),
                scratch=Path(scratch),
                index=Index(fetcher, index),
                resolver=Resolver(
                    self.uv, index, machine=os.uname().machine, kept=self.folder / "uv"
                ),
                cache=Cache(self.folder / "files", files),
                newest=self.newest,
                now=time.time,
                tell=tell,
            )


def bench_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options that say with what it rebuilds, as one `Bench`."""

    @click.option("--index", help="Ask this index.  [default: PyPI]")
    @click.option(
        "--level",
        type=click.Choice(["0", "1"]),
        help="Of the sandbox.  [default: the more closed one here]",
    )
    @click.option(
        "--exclude-newer",
        type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ"]),
        help="Take no tool that was uploaded later.  [default: when the package was]",
    )
    @wraps(command)
    @click.pass_obj
    def with_bench(
        home: Home,
        /,
        *,
        index: str | None,
        level: str | None,
        exclude_newer: datetime | None,
        **others: object,
    ) -> int:
        from reproducible.fetch.installer import find_installer  # noqa: PLC0415 - slow

        bench = Bench(
            uv=find_installer(),
            folder=paths.rebuild_cache(home.folder),
            index=index,
            level=_LEVELS[level],
            newest=None if exclude_newer is None else timegm(exclude_newer.timetuple()),
        )
        return command(bench=bench, **others)

    return with_bench


def show_tries(rebuilt: "Rebuilt", wanted: "Wanted") -> None:
    """Print every recipe that was tried, and what it gave."""
    from reproducible.pypi.results import knobs  # noqa: PLC0415

    for stage in () if wanted.quiet else rebuilt.stages:
        for number, one in enumerate(stage.tries, 1):
            said = one.comparison
            facts = {
                "package": str(rebuilt.release),
                "stage": stage.stage,
                "try": number,
                "why": one.why,
                "knobs": knobs(one.recipe),
                "verdict": said.verdict,
                "reason": said.reason,
                "took_ms": one.took_ms,
            }
            show(
                facts,
                f"{stage.stage}: try {number}, {one.why}: {said.verdict}"
                f" ({escape(knobs(one.recipe))}; {one.took_ms / 1000:.1f} s)",
            )
