"""The options that `call`, `answer` and `listen` share: sound, pictures, network."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from cli import paths
from cli.gossip import Gossip
from cli.home import Home
from cli.servers import read_servers, server_options
from cli.sound import sound_settings
from cli.talk import Manners
from voip.identity.vault import Candidates, Vault
from voip.media.connect.config import IceConfig
from voip.media.ends.choice import Choice, parse_choice
from voip.media.ends.open import Ends, check_ends, open_ends
from voip.upkeep import VaultKeeper

F = TypeVar("F", bound=Callable[..., Any])  # click's own signature


def _home() -> Path:
    home = click.get_current_context().find_object(Home)
    return home.folder if home else paths.home()  # parsed alone it has no home


def _update_root() -> Path:
    return paths.slot_root(Path(__file__)) or paths.update_root(_home())


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
    server_options,
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

    def open_ends(self) -> Ends:
        """Open what to hear and show with, with the devices chosen for all calls.

        Raises:
            MalformedError: what `parse_choice` and `sound_settings` raise.
            CallError: what `voip.media.ends.open.open_ends` raises.
        """
        settings = sound_settings(_home())
        return open_ends(self.choice(), overwrite=self.overwrite, settings=settings)

    def check_ends(self) -> None:
        """See whether it could be opened; raises what `open_ends` does."""
        check_ends(self.choice(), settings=sound_settings(_home()))

    def ice(self, vault: Vault) -> IceConfig:
        """Say how to find a path; whether addresses are hidden, the store says.

        Raises:
            MalformedError: the login is not ``USER:PASSWORD``.
        """
        return IceConfig(
            servers=read_servers(self.ice_servers, self.turn_login),
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
