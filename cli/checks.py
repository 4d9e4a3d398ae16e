"""What `ringfence doctor` looks at: each check says how it is, and what to do."""

import asyncio
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from importlib.util import find_spec
from pathlib import Path

from cli import paths
from cli.codes import Code, judge
from cli.home import Home
from cli.output import day
from cli.sound import sound_settings
from voip.errors import CallError
from voip.identity.callkey import live, rotation_due
from voip.identity.card import format_relay
from voip.identity.keys import format_identity
from voip.identity.unlock import keyring_name
from voip.identity.vault import Candidates, Vault
from voip.media.audio.opus import backend, check_opus
from voip.media.codecs import check_av1, check_vp8
from voip.media.connect.gathering import local_addresses
from voip.media.ends.camera import list_cameras
from voip.media.ends.listed import SoundDevice, Way, find_again, label
from voip.media.ends.remember import SoundSettings
from voip.media.ends.sound import MiniaudioSound
from voip.signalling.channel import open_channel

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_EXTRAS = {
    "devices": ("miniaudio", "microphone, speaker, voice processing"),
    "keyring": ("keyring", "the system's keyring"),
    "lan": ("zeroconf", "finding listeners on the local network"),
    "code": ("spake2", "meeting by a spoken code"),
    "openssh": ("bcrypt", "OpenSSH keys with a passphrase"),
}


class Level(Enum):
    """How bad it is; the value is what is printed."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: `advice` says what helps, `code` how the program ends on a failure."""

    what: str
    level: Level
    said: str
    advice: str = ""
    code: Code = Code.DONE


def examine(home: Home) -> Iterator[Finding]:
    """Look at everything, one after the other.

    Nothing is changed; besides the user's own relay nobody is asked.
    """
    vault = None
    yield _about_folder(home)
    if paths.store(home.folder).exists():
        vault, finding = _open(home)
        yield finding
    if vault is not None:
        now = int(time.time())
        yield _about_call_key(vault, now)
        yield _about_clock(vault, now)
        yield _about_relay(vault)
    chosen, finding = _about_choice(home)
    yield finding
    yield _about_sound(Way.IN, chosen.microphone)
    yield _about_sound(Way.OUT, chosen.speaker)
    yield _about_voice()
    yield _about_cameras()
    yield tried("opus", _about_opus)
    yield tried("vp8", lambda: Finding("vp8", Level.OK, check_vp8()))
    yield _about_av1()
    yield from map(_about_extra, _EXTRAS)
    yield _about_keyring()
    yield _about_addresses(vault)


def tried(what: str, look: Callable[[], Finding]) -> Finding:
    """Look; an expected error is a failure with its usual hint and exit code."""
    try:
        return look()
    except CallError as error:
        verdict = judge(error)
        assert verdict is not None
        return Finding(what, Level.FAIL, str(error), verdict.hint, verdict.code)


def _about_opus() -> Finding:
    check_opus()
    return Finding("opus", Level.OK, backend())


def _about_av1() -> Finding:
    """See to AV1, without which calls have VP8: its lack is no failure."""
    try:
        return Finding("av1", Level.OK, check_av1())
    except CallError as error:
        return Finding("av1", Level.WARN, str(error), "calls with pictures take VP8")


def _about_folder(home: Home) -> Finding:
    folder, store = home.folder, paths.store(home.folder)
    if not store.exists():
        return Finding(
            "home",
            Level.FAIL,
            f"no store in {folder}",
            "'ringfence identity create' makes one",
            Code.MISSING,
        )
    open_ones = [str(path) for path in (folder, store) if _is_open(path)]
    if open_ones:
        return Finding(
            "home",
            Level.FAIL,
            f"others can read {', '.join(open_ones)}",
            f"chmod go= {' '.join(open_ones)}",
            Code.STORE,
        )
    return Finding("home", Level.OK, f"{folder}, for you alone")


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & _OTHERS)


def _open(home: Home) -> tuple[Vault | None, Finding]:
    if not home.can_unlock:
        return None, Finding(
            "store",
            Level.WARN,
            "not opened: nothing tells its passphrase",
            "give --passphrase-file, --passphrase-fd or --keyring",
        )
    opened: list[Vault] = []

    def look() -> Finding:
        vault = home.open().read()
        opened.append(vault)
        name = format_identity(vault.identity)
        contacts = len(vault.contacts.contacts)
        return Finding("store", Level.OK, f"{vault.alias}, {name}, {contacts} contacts")

    finding = tried("store", look)
    return (opened[0] if opened else None), finding


def _about_call_key(vault: Vault, now: int) -> Finding:
    keys = live(vault.call_keys, now)
    if not keys:
        return Finding(
            "call key",
            Level.FAIL,
            "expired: nobody can call you, nor you them",
            "'ringfence answer' makes a new one when it starts",
            Code.MISSING,
        )
    ends = f"good until {day(keys[0].certificate.naf)}"
    if rotation_due(keys, now):
        advice = "'ringfence answer' rotates it when it starts"
        return Finding("call key", Level.WARN, f"{ends}, but over a week old", advice)
    return Finding("call key", Level.OK, ends)


def _about_clock(vault: Vault, now: int) -> Finding:
    """Compare the clock with our own past: asking a server would tell it of us."""
    newest = max((key.certificate.nbf for key in vault.call_keys), default=0)
    said = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if now < newest:
        return Finding(
            "clock",
            Level.FAIL,
            f"{said}, before your newest call key was made",
            "set it: an INVITE is refused when clocks are over a minute apart",
            Code.MISSING,
        )
    return Finding("clock", Level.OK, f"{said}; calls need it right to the minute")


def _about_relay(vault: Vault) -> Finding:
    relay = vault.relay
    if relay is None:
        return Finding(
            "relay",
            Level.WARN,
            "none: only 'listen' and 'paste' can call",
            "'ringfence identity change --relay' takes one",
        )

    def look() -> Finding:
        took_s = asyncio.run(_round_trip())
        return Finding(
            "relay", Level.OK, f"{format_relay(relay)} answers in {took_s:.3f} s"
        )

    async def _round_trip() -> float:
        began = time.monotonic()
        async with open_channel(relay, os.urandom):
            return time.monotonic() - began

    return tried("relay", look)


def _about_choice(home: Home) -> tuple[SoundSettings, Finding]:
    read: list[SoundSettings] = []

    def look() -> Finding:
        read.append(sound_settings(home.folder))
        return Finding("sound", Level.OK, "settings are readable")

    finding = tried("sound", look)
    return (read[0] if read else SoundSettings()), finding


def _about_sound(way: Way, chosen: SoundDevice | None) -> Finding:
    option = {Way.IN: "--audio-in", Way.OUT: "--audio-out"}[way]
    advice = f"without one, {option} takes a file"
    if find_spec("miniaudio") is None:
        return Finding(way.value, Level.WARN, "cannot look for one", advice)

    def look() -> Finding:
        listed = MiniaudioSound().devices(way)
        said = "; ".join(label(*each) for each in enumerate(listed))
        if not listed:
            return Finding(way.value, Level.WARN, "none", advice)
        if chosen is None:
            return Finding(way.value, Level.OK, said)
        found = find_again(chosen, listed)
        if found is not None:
            return Finding(way.value, Level.OK, f"{said}; yours is {found.name}")
        gone = f"{said}; yours, {chosen.name}, is away"
        return Finding(
            way.value, Level.WARN, gone, "plug it in, or choose: 'ringfence sound'"
        )

    return tried(way.value, look)


def _about_voice() -> Finding:
    if find_spec("pywebrtc_audio") is None:
        return Finding(
            "voice processing",
            Level.WARN,
            "no echo cancellation: use headphones",
            "pip install 'ringfence[devices]'",
        )
    said = "echo cancellation, noise suppression, gain control"
    return Finding("voice processing", Level.OK, said)


def _about_cameras() -> Finding:
    names = [camera.name for camera in list_cameras()]
    if not names:
        advice = "without one, --video-in takes a file or 'pattern'"
        return Finding("camera", Level.WARN, "none", advice)
    said = "; ".join(f"{index} {name}" for index, name in enumerate(names))
    return Finding("camera", Level.OK, said)


def _about_extra(extra: str) -> Finding:
    module, use = _EXTRAS[extra]
    if find_spec(module) is None:
        return Finding(
            f"extra {extra}",
            Level.WARN,
            f"not installed: no {use}",
            f"pip install 'ringfence[{extra}]'",
        )
    return Finding(f"extra {extra}", Level.OK, use)


def _about_keyring() -> Finding:
    try:
        return Finding("keyring", Level.OK, keyring_name())
    except CallError as error:
        return Finding("keyring", Level.WARN, str(error), "a passphrase does as well")


def _about_addresses(vault: Vault | None) -> Finding:
    if vault is not None and vault.settings.candidates is Candidates.RELAY_ONLY:
        return Finding("addresses", Level.OK, "none of yours: relay-only")
    found = sorted(local_addresses())
    if not found:
        return Finding(
            "addresses",
            Level.WARN,
            "none at which a call could come in",
            "join a network; --loopback rehearses on this machine",
        )
    said = f"shown to whom you call or accept: {', '.join(found)}"
    return Finding("addresses", Level.OK, said)
