"""Which managed folder a command is about, and the updater that works on it."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import paths
from cli.home import Home
from updater.install.root import Root

if TYPE_CHECKING:  # a status imports none of these
    from cli.update_view import Progress
    from updater.driver.anchor import Anchor
    from updater.driver.session import Surroundings
    from updater.driver.update import Updater

_FOLDER = click.Path(file_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Place:
    """A managed folder, and how its repository is reached."""

    folder: Path
    repositories: tuple[str, ...] = ()
    is_dev: bool = False

    @property
    def root(self) -> Root:
        """The folder; nothing is read yet."""
        return Root(self.folder, now=time.time, entropy=os.urandom)

    @property
    def settings_file(self) -> Path:
        """Where the user says what is asked of the updater."""
        return self.folder / "update.toml"

    def anchor(self) -> "Anchor":
        """Give where trust begins for what lives there.

        A program that runs from there brings its own along; else it is what the folder
        was made with, or ours.

        Raises:
            MissingError: there is none.
        """
        from updater.driver.embedded import anchor_of, built_in_anchor  # noqa: PLC0415

        if paths.slot_root(Path(__file__)) == self.folder.resolve():
            return built_in_anchor()
        return anchor_of(self.folder)

    def updater(self, progress: "Progress", *, copy: str = "") -> "Updater":
        """Open the updater; `copy` is the address of a copy of the repository."""
        from updater.driver.update import Updater  # noqa: PLC0415 - takes tuf with it

        return Updater(self.root, self.anchor(), self.surroundings(progress, copy=copy))

    def surroundings(self, progress: "Progress", *, copy: str = "") -> "Surroundings":
        """Give what an updater needs to know of this machine and its user."""
        from importlib.metadata import version  # noqa: PLC0415

        from updater.driver.session import Surroundings  # noqa: PLC0415
        from updater.driver.settings import MAX_BYTES, parse_settings  # noqa: PLC0415
        from updater.errors import MalformedError  # noqa: PLC0415
        from updater.fetch.fetch import Network  # noqa: PLC0415
        from updater.fetch.proxy import Proxies, read_proxies  # noqa: PLC0415
        from updater.offer.product import RINGFENCE, platform_tag  # noqa: PLC0415
        from updater.transparency.policy import MAX_POLICY, parse_policy  # noqa: PLC0415

        root = self.root
        data = root.files.read_if_there(self.settings_file, most=MAX_BYTES)
        try:
            settings = parse_settings(data or b"")
        except MalformedError as error:
            raise click.UsageError(f"{self.settings_file}: {error}") from error
        own = None
        if settings.witness_policy is not None:
            path = self.folder / Path(settings.witness_policy).expanduser()
            own = parse_policy(root.files.read(path, most=MAX_POLICY))
        proxies = read_proxies(os.environ)
        if settings.proxy is not None:
            proxies = Proxies(settings.proxy, proxies.direct)
        is_ours = self.anchor().product.project == RINGFENCE.project
        return Surroundings(
            network=Network(proxies=proxies, loopback=self.is_dev, copies=bool(copy)),
            platform=platform_tag(sys.version_info.minor, os.uname().machine),
            repositories=(copy,) if copy else self.repositories,
            is_copy=bool(copy),
            running=version("ringfence") if is_ours else None,
            python=Path(sys.executable).resolve(),
            settings=settings,
            own_policy=own,
            progress=progress,
        )


def place_options(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Give a command the options that say where, as one `Place`."""

    @click.option("--root", type=_FOLDER, help="The managed folder.  [default: yours]")
    @click.option(
        "--repository",
        "repositories",
        multiple=True,
        help="Ask this address instead of the usual ones.",
    )
    @click.option("--dev", is_flag=True, help="Allow http to this machine.")
    @wraps(command)
    @click.pass_obj
    def with_place(
        home: Home,
        /,
        *,
        root: Path | None,
        repositories: tuple[str, ...],
        dev: bool,
        **others: object,
    ) -> int | None:
        bases = tuple(each.rstrip("/") + "/" for each in repositories)
        folder = (
            root or paths.slot_root(Path(__file__)) or paths.update_root(home.folder)
        )
        return command(Place(folder, bases, dev), **others)

    return with_place
