"""The options that `call`, `answer` and `listen` share: sound, pictures, network."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from cli import paths
from cli.gossip import Gossip
from cli.home import Home
from cli.talk import Manners
from voip.errors import MalformedError
from voip.identity.vault import Candidates, Vault
from voip.media.connect.config import IceConfig, IceServer
from voip.media.ends.choice import Choice, parse_choice
from voip.upkeep import VaultKeeper

F = TypeVar("F", bound=Callable[..., Any])  # click's own signature
_LOGIN_BYTES = 1024  # user and password; a larger file is not one


def _update_root() -> Path:
    home = click.get_current_context().find_object(Home)
    folder = home.folder if home else paths.home()  # parsed alone it has no home
    return paths.slot_root(Path(__file__)) or paths.update_root(folder)


_OPTIONS = [
    click.option("--audio-in", default="mic", show_default=True, help="Sound to send."),
    click.option(
        "--audio-out", default="speaker", show_default=True, help="Where sound goes."
    ),
    click.option("--video", is_flag=True, help="Show your picture from the start."),
    click.option(
        "--video-in", help="Pictures to send.  [default: camera with --video, or none]"
    ),
    click.option(
        "--video-out", default="null", show_default=True, help="Where pictures go."
    ),
    click.option("--overwrite", is_flag=True, help="Record over existing files."),
    click.option(
        "--data", is_flag=True, help="Carry text and files; shows when you use it."
    ),
    click.option(
        "--files",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Save files that come into this folder.  [default: refuse them]",
    ),
    click.option("--show-words", is_flag=True, help="With --json: tell the words."),
    click.option(
        "--ice-server",
        "ice_servers",
        multiple=True,
        help="stun:HOST:PORT or turn:HOST:PORT to find a path; nobody is asked else.",
    ),
    click.option(
        "--turn-login",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="File with USER:PASSWORD for the TURN server.",
    ),
    click.option(
        "--trace",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the size and destination of each packet that leaves.",
    ),
    click.option(
        "--update-root",
        type=click.Path(path_type=Path),
        default=_update_root,
        help="Managed folder of your updater.  [default: that of your home]",
    ),
    click.option(
        "--no-gossip",
        is_flag=True,
        help="Do not compare update logs with the other side.",
    ),
    click.option(
        "--gossip-after",
        type=click.FloatRange(min=0),
        hidden=True,  # for rehearsals; at random it tells an observer nothing
        help="Compare after so many seconds.",
    ),
    click.option(
        "--loopback", is_flag=True, help="Rehearse: both sides on this machine."
    ),
]


def call_options(command: F) -> F:
    """Give a command the options; it hands them to `Wishes` by name."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the options say, by their names."""

    audio_in: str
    audio_out: str
    video: bool
    video_in: str | None
    video_out: str
    overwrite: bool
    data: bool
    files: Path | None
    show_words: bool
    ice_servers: tuple[str, ...]
    turn_login: Path | None
    trace: Path | None
    update_root: Path
    no_gossip: bool
    gossip_after: float | None
    loopback: bool

    def choice(self) -> Choice:
        """Read what to hear and show with; raises what `parse_choice` raises."""
        return parse_choice(
            self.audio_in,
            self.audio_out,
            video_in=self._pictures,
            video_out=self.video_out,
        )

    def ice(self, vault: Vault) -> IceConfig:
        """Say how to find a path; whether addresses are hidden, the store says.

        Raises:
            MalformedError: the login is not ``USER:PASSWORD``.
        """
        user, password = self._login()
        return IceConfig(
            servers=tuple(
                IceServer(url=url, username=user, password=password)
                if url.startswith("turn")
                else IceServer(url=url)
                for url in self.ice_servers
            ),
            relay_only=vault.settings.candidates is Candidates.RELAY_ONLY,
            loopback=self.loopback,
        )

    def manners(self, store: VaultKeeper, *, auto: bool = False) -> Manners:
        """Say how calls are held."""
        gossip = Gossip(root=self.update_root, store=store, after_s=self.gossip_after)
        return Manners(
            video=self.video,
            has_pictures=self._pictures != "none",
            auto=auto,
            files=self.files,
            show_words=self.show_words,
            gossip=None if self.no_gossip else gossip,
        )

    @property
    def _pictures(self) -> str:
        return self.video_in or ("camera" if self.video else "none")

    def _login(self) -> tuple[str | None, str | None]:
        if self.turn_login is None:
            return None, None
        with self.turn_login.open(encoding="utf-8", errors="replace") as file:
            user, colon, password = file.read(_LOGIN_BYTES).strip().partition(":")
        if not colon:
            raise MalformedError(f"{self.turn_login}: expected USER:PASSWORD")
        return user, password
