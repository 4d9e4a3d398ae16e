"""`ringfence sound`: the microphone and speaker of calls, and how voices are treated.

What was chosen lies in the home folder as text, beside the store and not in it: it is
no secret, and a call on the command line must not ask for a passphrase to find its
headset.
"""

import os
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import click

from cli import paths
from cli.home import Home
from cli.output import escape, json_option, show
from voip.errors import MalformedError
from voip.media.ends.listed import SoundDevice, Way, label, select
from voip.media.ends.remember import (
    MAX_GAIN_DB,
    MAX_TEXT,
    SoundSettings,
    VoiceSettings,
    format_settings,
    parse_settings,
)
from voip.media.ends.sound import MiniaudioSound

_GAIN = click.FloatRange(-MAX_GAIN_DB, MAX_GAIN_DB)
_USUAL = "default"


@click.command(epilog="Example: ringfence sound --microphone headset --headphones")
@click.option("--microphone", help="Number or part of the name; 'default': the usual.")
@click.option("--speaker", help="Likewise.")
@click.option("--microphone-db", type=_GAIN, help="Make your voice louder by so many.")
@click.option("--speaker-db", type=_GAIN, help="Make others louder by so many.")
@click.option(
    "--headphones/--no-headphones", default=None, help="You wear them: no echo."
)
@click.option("--echo/--no-echo", default=None, help="Take out echo.")
@click.option("--noise/--no-noise", default=None, help="Take out noise.")
@click.option("--high-pass/--no-high-pass", default=None, help="Take out rumble.")
@click.option("--gain/--no-gain", default=None, help="Bring voices to one loudness.")
@json_option
@click.pass_obj
def sound(home: Home, /, **wishes: Any) -> None:
    """Choose microphone and speaker, and how your voice is treated.

    It holds for all calls. Without an option it lists the devices and what was chosen.
    A call takes the chosen device back when it is plugged in again.
    """
    settings = sound_settings(home.folder)
    wanted = _changed(
        settings, {name: to for name, to in wishes.items() if to is not None}
    )
    if wanted != settings:
        keep_sound_settings(home.folder, wanted)
    _show(wanted)


def _changed(settings: SoundSettings, wishes: dict[str, Any]) -> SoundSettings:
    """Put the wishes in place of what was; their names are those of the settings."""
    for way in Way:
        if way.value in wishes:
            wishes[way.value] = _chosen(way, wishes[way.value])
    of_voice = {each.name for each in fields(VoiceSettings)}
    voice = {name: wishes.pop(name) for name in of_voice & wishes.keys()}
    return replace(settings, voice=replace(settings.voice, **voice), **wishes)


def sound_settings(folder: Path) -> SoundSettings:
    """Read what was chosen; the usual if nothing was.

    Raises:
        MalformedError: the file was changed by hand, and says nothing we know.
    """
    path = paths.sound(folder)
    if not path.exists():
        return SoundSettings()
    with path.open(encoding="utf-8", errors="replace") as file:
        text = file.read(MAX_TEXT + 1)
    try:
        return parse_settings(text)
    except MalformedError as error:
        raise MalformedError(f"{path}: {error}") from error


def keep_sound_settings(folder: Path, settings: SoundSettings) -> None:
    """Write down what was chosen, whole or not at all."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = paths.sound(folder)
    beside = path.with_suffix(".new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(format_settings(settings))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _chosen(way: Way, text: str) -> SoundDevice | None:
    if text == _USUAL:
        return None
    listed = MiniaudioSound().devices(way)
    return select(listed, int(text) if text.isdecimal() else text, way)


def _show(settings: SoundSettings) -> None:
    system = MiniaudioSound()
    for way, chosen, db in (
        (Way.IN, settings.microphone, settings.microphone_db),
        (Way.OUT, settings.speaker, settings.speaker_db),
    ):
        listed = system.devices(way)
        name = chosen.name if chosen else None
        facts = {
            "sound": way.value,
            "devices": [label(*each) for each in enumerate(listed)],
            "chosen": name,
            "db": db,
        }
        lines = [f"  {escape(label(*each))}" for each in enumerate(listed)] or [
            "  none"
        ]
        usual = "the system's default" if name is None else escape(name)
        show(facts, f"{way.value}: {usual}, {db:+g} dB", *lines)
    voice = asdict(settings.voice)
    said = ", ".join(
        f"{name.replace('_', ' ')} {_on(on)}" for name, on in voice.items()
    )
    show({"sound": "voice", **voice}, f"voice: {said}")


def _on(is_on: bool) -> str:  # noqa: FBT001 - it is the value that is put into words
    return "on" if is_on else "off"
