"""Whose releases are rebuilt, and who says what is found: options of two commands."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cli import paths
from cli.home import Home
from cli.updating import Place

if TYPE_CHECKING:  # help needs none of these
    from contextlib import AbstractContextManager

    from cli.update_view import Progress
    from reproducible.drive.finding import Signer
    from updater.driver.anchor import Anchor
    from updater.driver.published import Releases

_Command = TypeVar("_Command", bound=Callable[..., Any])  # click's own signature

_FOLDER = click.Path(file_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Where releases are looked for; nothing need be installed.

    Attributes:
        folder: a managed folder; None picks one.
        anchor: a folder with where trust begins; None is that of the managed folder.
    """

    home: Home
    folder: Path | None
    anchor: Path | None
    repositories: tuple[str, ...]
    is_dev: bool

    def read_anchor(self) -> "Anchor":
        """Give where trust begins.

        Raises:
            MissingError: there is none.
        """
        from updater.driver.embedded import read_anchor  # noqa: PLC0415

        if self.anchor is not None:
            return read_anchor(self.anchor)
        return Place(self.folder or self._installed).anchor()

    def place(self, anchor: "Anchor", own: Path | None = None) -> Place:
        """Give the managed folder, made if it is not there.

        Whoever has the program installed goes on with what is remembered of the log
        there; `own` is for who must not share it.
        """
        from updater.driver.session import begin  # noqa: PLC0415

        picked = own or paths.rebuild_root(self.home.folder, anchor.product.name)
        is_shared = own is None and self.anchor is None
        if is_shared and Place(self._installed).root.state_file.exists():
            picked = self._installed
        place = Place(self.folder or picked, self.repositories, self.is_dev)
        if not place.root.state_file.exists():
            begin(place.root, anchor)
        return place

    @property
    def _installed(self) -> Path:
        here = paths.slot_root(Path(__file__).parent)
        return here or paths.update_root(self.home.folder)


def opener(
    place: Place, progress: "Progress"
) -> "Callable[[], AbstractContextManager[Releases]]":
    """Give what opens the releases of a managed folder, each time anew."""
    from updater.driver.published import open_releases  # noqa: PLC0415

    return lambda: open_releases(
        place.root, place.anchor(), place.surroundings(progress)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attesting:
    """Who signs, if anybody."""

    home: Home
    key: Path | None
    operator: str | None
    machine: str | None

    def signer(self) -> "Signer | None":
        """Open the key.

        Raises:
            RefusedError: it is none, or has another passphrase.
            click.UsageError: there is a key and no name, or the other way round.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PrivateKey,
        )

        from cli.keys import read_key  # noqa: PLC0415
        from reproducible.drive.finding import Signer  # noqa: PLC0415
        from reproducible.drive.tool import this_program  # noqa: PLC0415
        from updater.transparency.key import Kind  # noqa: PLC0415

        if self.key is None or self.operator is None:
            if self.key or self.operator or self.machine:
                raise click.UsageError("expected --attest and --operator together")
            return None
        key = read_key(self.home, self.key, self.operator, Kind.LOG)
        return Signer(
            operator=self.operator,
            machine=self.machine or f"{self.operator}/1",
            tool=this_program(),
            key=Ed25519PrivateKey.from_private_bytes(key.seed),
        )


def publication_options(command: _Command) -> _Command:
    """Give a command the options of a `Publication`."""

    @click.option(
        "--at",
        type=_FOLDER,
        help="The managed folder of the updater.  [default: yours, or a new one]",
    )
    @click.option(
        "--anchor",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Where trust begins: a folder from the publisher.",
    )
    @click.option(
        "--repository",
        "repositories",
        multiple=True,
        help="Ask this address instead of the usual ones.",
    )
    @click.option("--dev", is_flag=True, help="Allow http to this machine.")
    @wraps(command)
    @click.pass_obj
    def with_publication(
        home: Home,
        /,
        *,
        at: Path | None,
        anchor: Path | None,
        repositories: tuple[str, ...],
        dev: bool,
        **others: object,
    ) -> Any:
        publication = Publication(
            home=home,
            folder=at,
            anchor=anchor,
            repositories=tuple(each.rstrip("/") + "/" for each in repositories),
            is_dev=dev,
        )
        return command(publication=publication, **others)

    return with_publication  # type: ignore[return-value] # click calls it by its options


def attesting_options(command: _Command) -> _Command:
    """Give a command the options of `Attesting`."""

    @click.option(
        "--attest",
        "key",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="KEY",
        help="Sign what is found with this key, whatever it is.",
    )
    @click.option(
        "--operator", help="Who you are, as the publisher's policy names you."
    )
    @click.option(
        "--id",
        "machine",
        metavar="NAME",
        help="Of this machine.  [default: OPERATOR/1]",
    )
    @wraps(command)
    @click.pass_obj
    def with_attesting(
        home: Home,
        /,
        *,
        key: Path | None,
        operator: str | None,
        machine: str | None,
        **others: object,
    ) -> Any:
        attesting = Attesting(home=home, key=key, operator=operator, machine=machine)
        return command(attesting=attesting, **others)

    return with_attesting  # type: ignore[return-value] # click calls it by its options
