"""The options that `call`, `answer` and `listen` share: sound, pictures, network."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from cli import paths
from cli.gossip import Gossip
from cli.grouped import group
from cli.home import Home
from cli.manners import Manners
from cli.pictures import display_on, open_stage
from cli.report import Report
from cli.servers import read_lender, read_servers, server_options
from cli.sound import sound_settings
from cli.stage import Stage
from voip.identity.vault import Candidates, Vault
from voip.media.connect.config import IceConfig
from voip.media.ends.choice import Choice, Screen, parse_choice
from voip.media.ends.open import Ends, check_ends, open_ends
from voip.media.ends.remember import MAX_GAIN_DB, SoundSettings, VoiceSettings
from voip.media.plan import MediaPlan
from voip.upkeep import VaultKeeper

F = TypeVar("F", bound=Callable[..., Any])  # click's own signature


_RAW = VoiceSettings(echo=False, noise=False, high_pass=False, gain=False)


def _home() -> Path:
    home = click.get_current_context().find_object(Home)
    return home.folder if home else paths.home()  # parsed alone it has no home


def _update_root() -> Path:
    return paths.slot_root(Path(__file__)) or paths.update_root(_home())


_SOUND, _PICTURES, _RECORDS, _NETWORK = map(
    group, ("Sound", "Pictures", "Figures and files", "Network")
)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)

_OPTIONS = [
    _SOUND(
        "--audio-in",
        default="mic",
        help="mic[:N|:NAME], tone, silence or file:PATH.  [default: mic]",
    ),
    _SOUND(
        "--audio-out",
        default="speaker",
        help="speaker[:N|:NAME], null or file:PATH.wav.  [default: speaker]",
    ),
    _SOUND("--headphones", is_flag=True, help="You wear them: there is no echo."),
    _SOUND("--raw", is_flag=True, help="Leave your voice as the microphone heard it."),
    _SOUND(
        "--gain",
        type=click.FloatRange(-MAX_GAIN_DB, MAX_GAIN_DB),
        metavar="DB",
        help="Make your voice louder.",
    ),
    _SOUND("--push-to-talk", is_flag=True, help="Be heard while you hold space."),
    _PICTURES("--video", is_flag=True, help="Show your picture from the start."),
    _PICTURES("--screen", is_flag=True, help="Show your screen from the start."),
    _PICTURES(
        "--video-in",
        help="camera[:N], screen, pattern, none or file:PATH.  [default: camera with"
        " --video, or none]",
    ),
    _PICTURES(
        "--video-out",
        default="null",
        help="terminal, kitty, window, null or file:PATH (.mkv, .y4m).",
    ),
    _PICTURES("--steady", is_flag=True, help="Hide how much moves; costs more."),
    _RECORDS("--overwrite", is_flag=True, help="Record over existing files."),
    _RECORDS(
        "--stats",
        "stats_s",
        type=click.FloatRange(min=1),
        metavar="SECONDS",
        help="Say so often how the call goes.",
    ),
    _RECORDS("--quality-csv", type=_NEW_FILE, help="Keep each second's figures."),
    _RECORDS("--quality-plot", type=_NEW_FILE, help="Draw them, as PNG."),
    _RECORDS(
        "--data", is_flag=True, help="Carry text and files; shows when you use it."
    ),
    _RECORDS(
        "--files",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Save files that come here.  [default: refuse them]",
    ),
    _RECORDS("--show-words", is_flag=True, help="With --json: tell the words."),
    server_options,
    _NETWORK(
        "--relay-only", is_flag=True, help="Keep your addresses from them: TURN only."
    ),
    _NETWORK(
        "--trace", type=_NEW_FILE, help="Write size and destination of each packet."
    ),
    _NETWORK(
        "--update-root",
        type=click.Path(path_type=Path),
        default=_update_root,
        help="Your updater's folder.  [default: that of your home]",
    ),
    _NETWORK("--no-gossip", is_flag=True, help="Do not compare update logs with them."),
    _NETWORK(
        "--gossip-after",
        type=click.FloatRange(min=0),
        hidden=True,  # for rehearsals; at random it tells an observer nothing
        help="Compare after so many seconds.",
    ),
    _NETWORK("--loopback", is_flag=True, help="Rehearse: both sides on this machine."),
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
    headphones: bool
    raw: bool
    gain: float | None
    push_to_talk: bool
    video: bool
    screen: bool
    video_in: str | None
    video_out: str
    steady: bool
    overwrite: bool
    stats_s: float | None
    quality_csv: Path | None
    quality_plot: Path | None
    data: bool
    files: Path | None
    show_words: bool
    ice_servers: tuple[str, ...]
    turn: str
    turn_login: Path | None
    turn_ca: Path | None
    turn_pin: str | None
    relay_only: bool
    trace: Path | None
    update_root: Path
    no_gossip: bool
    gossip_after: float | None
    loopback: bool

    def choice(self) -> Choice:
        """Read what to hear and show with; raises what `parse_choice` raises."""
        pictures = self.video_in or ("camera" if self.video else "none")
        choice = parse_choice(
            self.audio_in,
            self.audio_out,
            video_in=pictures,
            video_out=self.video_out,
        )
        return replace(choice, screen=Screen(None)) if self.screen else choice

    def sound(self) -> SoundSettings:
        """Read the devices of all calls, and what is done to voices in this one.

        Raises:
            MalformedError: what `sound_settings` raises.
        """
        settings = sound_settings(_home())
        voice = _RAW if self.raw else settings.voice
        if self.headphones:
            voice = replace(voice, headphones=True)
        if self.gain is not None:
            settings = replace(settings, microphone_db=self.gain)
        return replace(settings, voice=voice)

    def check_report(self) -> None:
        """See whether the files about quality could be written; see `Report.check`."""
        self._report.check()

    def open_stage(self) -> Stage | None:
        """Prepare the terminal, if pictures are to be drawn there.

        Raises:
            MissingError: this program does not run on one.
        """
        return open_stage(self.choice().video_out)

    def open_ends(self, stage: Stage | None) -> Ends:
        """Open what to hear and show with, with the devices chosen for all calls.

        Raises:
            MalformedError: what `parse_choice` and `sound_settings` raise.
            CallError: what `voip.media.ends.open.open_ends` raises.
        """
        return open_ends(
            self.choice(),
            overwrite=self.overwrite,
            settings=self.sound(),
            display=display_on(stage),
        )

    def check_ends(self) -> None:
        """See whether it could be opened; raises what `open_ends` does."""
        check_ends(self.choice(), settings=self.sound())

    def plan(self, ends: Ends) -> MediaPlan:
        """Say what a call does with these ends."""
        return ends.plan(steady=self.steady, data=self.data)

    def ice(self, vault: Vault) -> IceConfig:
        """Say how to find a path; the store may say that addresses are hidden always.

        Raises:
            MalformedError: what `read_servers` raises.
            MissingError: what `read_lender` raises.
        """
        hidden = vault.settings.candidates is Candidates.RELAY_ONLY
        return IceConfig(
            servers=read_servers(
                self.ice_servers,
                turn_login=self.turn_login,
                turn_ca=self.turn_ca,
                turn_pin=self.turn_pin,
            ),
            relay_only=self.relay_only or hidden,
            loopback=self.loopback,
            lender=read_lender(self.turn, vault),
        )

    def manners(self, store: VaultKeeper, *, auto: bool = False) -> Manners:
        """Say how calls are held; raises what `parse_choice` raises."""
        gossip = Gossip(root=self.update_root, store=store, after_s=self.gossip_after)
        is_screen = isinstance(self.choice().video_in, Screen)
        return Manners(
            video=self.video and not is_screen,
            screen=self.screen or (self.video and is_screen),
            push_to_talk=self.push_to_talk,
            auto=auto,
            files=self.files,
            show_words=self.show_words,
            stats_s=self.stats_s,
            overwrite=self.overwrite,
            report=self._report,
            gossip=None if self.no_gossip else gossip,
        )

    @property
    def _report(self) -> Report:
        return Report(
            table=self.quality_csv, plot=self.quality_plot, overwrite=self.overwrite
        )
