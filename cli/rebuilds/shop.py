"""With what a commit or release is built: the options, and the workshop they make."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from cli import paths
from cli.home import Home
from cli.update_view import watched

if TYPE_CHECKING:  # help needs none of these
    from reproducible.builds.workshop import Workshop
    from reproducible.fetch.cache import Supply
    from reproducible.sandbox.levels import Level

_Command = TypeVar("_Command", bound=Callable[..., Any])  # click's own signature

_LEVELS: "Final[dict[str | None, Level | None]]" = {None: None, "0": 0, "1": 1, "2": 2}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_EITHER = click.Path(exists=True, path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Where locked files are bought, and how closed the sandbox is."""

    cache: Path
    level: "Level | None"
    root: Path | None
    wheels: tuple[Path, ...]
    index: str | None

    @contextmanager
    def workshop(self) -> Iterator["Workshop"]:
        """Open the workshop, and show what is done there."""
        from reproducible.builds.workshop import Workshop  # noqa: PLC0415
        from reproducible.fetch.cache import Cache  # noqa: PLC0415
        from reproducible.fetch.index import DEFAULT, Index  # noqa: PLC0415
        from reproducible.sandbox.host import Host  # noqa: PLC0415
        from updater.fetch.fetch import Fetcher, Network  # noqa: PLC0415
        from updater.fetch.proxy import read_proxies  # noqa: PLC0415
        from updater.files import Files  # noqa: PLC0415

        files, index = Files(), self.index or DEFAULT
        network = Network(
            proxies=read_proxies(os.environ), loopback=index.startswith("http:")
        )
        files.make_folder(self.cache)
        with (
            watched() as progress,
            Fetcher(files, network) as fetcher,
            tempfile.TemporaryDirectory(prefix="ringfence-") as scratch,
        ):
            yield Workshop(
                host=Host.here(),
                scratch=Path(scratch),
                cache=Cache(self.cache / "files", files, progress=progress),
                supplies=(*map(_supply, self.wheels), Index(fetcher, index)),
                now=time.time,
                level=self.level,
                root=self.root,
                environment=os.environ,
                tell=lambda step: progress(step, 0, 1),
            )


def shop_options(command: _Command) -> _Command:
    """Give a command the options of a `Shop`."""

    @click.option(
        "--level",
        type=click.Choice(["0", "1", "2"]),
        help="Of the sandbox.  [default: the most closed one here]",
    )
    @click.option("--root", type=_FILE, help="The tar of a Debian root, for level 2.")
    @click.option(
        "--wheels",
        type=_EITHER,
        multiple=True,
        help="A folder or tar with locked files: looked at first.",
    )
    @click.option("--index", help="Ask this index.  [default: PyPI]")
    @wraps(command)
    @click.pass_obj
    def with_shop(
        home: Home,
        /,
        *,
        level: str | None,
        root: Path | None,
        wheels: tuple[Path, ...],
        index: str | None,
        **others: object,
    ) -> Any:
        shop = Shop(
            cache=paths.rebuild_cache(home.folder),
            level=_LEVELS[level],
            root=root,
            wheels=wheels,
            index=index,
        )
        return command(shop=shop, **others)

    return with_shop  # type: ignore[return-value] # click calls it by its options


def _supply(path: Path) -> "Supply":
    from reproducible.fetch.cache import FolderSupply, TarSupply  # noqa: PLC0415
    from updater.files import Files  # noqa: PLC0415

    return (FolderSupply if path.is_dir() else TarSupply)(path, Files())
