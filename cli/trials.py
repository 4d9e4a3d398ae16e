"""What `ringfence doctor` tries out when asked to: sound, camera, network.

These switch devices on or ask servers, so none of them runs unasked.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from cli.checks import Finding, Level, tried
from cli.codes import Code
from cli.sound import sound_settings
from voip.errors import MissingError
from voip.media.connect.config import IceConfig
from voip.media.connect.findings import ServerFinding
from voip.media.connect.probing import probe
from voip.media.ends.camera import open_camera
from voip.media.ends.devices import Microphone, Speaker
from voip.media.ends.listed import Way, find_again, select
from voip.media.ends.remember import SoundSettings
from voip.media.ends.sound import MiniaudioSound, Sound
from voip.media.ends.trial import Verdict, judge_loop, judge_microphone
from voip.media.ends.trying import listen, loop, play
from voip.media.sources import Picture

SPEAK_S = 3.0
CAMERA_S = 5.0
"""How long a camera may take to its first picture; some need seconds to wake up."""
DARK = 24
"""Mean luma of a covered lens; black is 16."""
LOOP_CALLBACKS = 250
MAX_LATE = 25
"""One time in twenty, during 2.5 s at 10 ms: more is heard as gaps."""
LATE_MS = 150.0
"""Through both devices alone; a call adds network and buffer to it."""

Tell = Callable[[str], None]


def try_sound(
    folder: Path, tell: Tell, sound: Sound | None = None
) -> Iterator[Finding]:
    """Hear the user, let them hear themselves, and let the machine hear itself.

    `tell` gets what the user is to do; `sound` stands in for the machine's.

    Raises:
        MissingError: no sound library, or no device of one kind.
        MalformedError: unreadable sound settings.
    """
    trial = _SoundTrial(sound or MiniaudioSound(), sound_settings(folder))
    tell(f"speak now, for {SPEAK_S:.0f} s")
    yield tried("microphone", trial.about_microphone)
    if not trial.heard:
        return
    tell("now you hear yourself")
    yield tried("speaker", trial.about_speaker)
    tell("now the microphone hears the speaker: do not speak")
    yield tried("loop", trial.about_loop)


def try_camera(index: int | None = None) -> Iterator[Finding]:
    """Take one picture; the light goes on for a moment."""

    def look() -> Finding:
        picture = asyncio.run(_picture(index))
        luma = picture.i420[: picture.width * picture.height]
        said = f"a picture of {picture.width}x{picture.height}"
        if sum(luma) < DARK * len(luma):
            advice = "uncover the lens, or choose another with --video-in camera:N"
            return Finding("camera", Level.WARN, f"{said}, black", advice)
        return Finding("camera", Level.OK, said)

    yield tried("camera", look)


def try_network(config: IceConfig) -> Iterator[Finding]:
    """Ask each configured server once, and say what a path would be like.

    Raises:
        MalformedError, LimitError, MissingError: what `check_config` raises.
    """
    found = asyncio.run(probe(config))
    for server in found.servers:
        yield _about_server(server)
    families = " and ".join(found.families) or "neither IPv4 nor IPv6"
    works = found.families and any(server.problem is None for server in found.servers)
    level = Level.OK if works else Level.WARN
    yield Finding("network", level, f"{families}, {found.mapping}", found.advice)


class _SoundTrial:
    """The three parts of a trial, each with devices that it opens and closes."""

    def __init__(self, sound: Sound, settings: SoundSettings) -> None:
        self.heard = b""
        self._sound = sound
        self._settings = settings
        self._devices = {
            way: (find_again(usual, sound.devices(way)) if usual else None)
            for way, usual in (
                (Way.IN, settings.microphone),
                (Way.OUT, settings.speaker),
            )
        }
        for way in Way:
            select(sound.devices(way), None, way)  # told before anybody speaks

    def about_microphone(self) -> Finding:
        heard = listen(self._microphone(), SPEAK_S)
        trial = judge_microphone(heard)
        said = f"peaks at {trial.peak_db:.0f} dB, on average {trial.rms_db:.0f} dB"
        advice = trial.verdict.value
        if trial.verdict in (Verdict.DEAD, Verdict.SILENT):
            return Finding(
                "microphone", Level.FAIL, "nothing heard", advice, Code.MISSING
            )
        self.heard = heard
        level = Level.OK if trial.verdict is Verdict.GOOD else Level.WARN
        return Finding("microphone", level, said, advice)

    def about_speaker(self) -> Finding:
        play(self._speaker(), self.heard)
        return Finding(
            "speaker",
            Level.OK,
            "played what you said",
            "if you heard nothing, choose another: 'ringfence sound --speaker'",
        )

    def about_loop(self) -> Finding:
        microphone, speaker = self._microphone(), self._speaker()
        trial = judge_loop(*loop(microphone, speaker))
        late = microphone.late + speaker.late
        if late > MAX_LATE:
            return Finding(
                "loop",
                Level.WARN,
                f"{late} of {2 * LOOP_CALLBACKS} times sound came or went late",
                "the machine is busy: end other programs, or expect gaps",
            )
        if trial.delay_ms is None:
            return Finding(
                "loop",
                Level.OK,
                "the microphone does not hear the speaker",
                "with headphones that is right; without, turn the speaker up",
            )
        said = f"the microphone hears the speaker after {trial.delay_ms:.0f} ms"
        if trial.delay_ms > LATE_MS:
            advice = "another device, perhaps one with a cable, would be quicker"
            return Finding("loop", Level.WARN, said, advice)
        if find_spec("pywebrtc_audio") is None:
            advice = "others will hear themselves: use headphones"
            return Finding("loop", Level.WARN, said, advice)
        return Finding("loop", Level.OK, f"{said}; calls take that echo out")

    def _microphone(self) -> Microphone:
        gain_db = self._settings.microphone_db
        return Microphone(self._sound, self._devices[Way.IN], gain_db=gain_db)

    def _speaker(self) -> Speaker:
        gain_db = self._settings.speaker_db
        return Speaker(self._sound, self._devices[Way.OUT], gain_db=gain_db)


async def _picture(index: int | None) -> Picture:
    with closing(open_camera(index)) as camera:
        latest = first = await camera.picture()
        async with asyncio.timeout(CAMERA_S):
            while latest is first:  # black, until the camera gives one
                latest = await camera.picture()
                if camera.failure is not None:
                    raise MissingError(camera.failure)
        return latest


def _about_server(server: ServerFinding) -> Finding:
    what = f"server {server.url}"
    if server.problem is not None:
        return Finding(what, Level.FAIL, server.problem, "", Code.UNREACHABLE)
    parts = [f"answers in {server.round_trip_ms} ms"]
    if server.mapped is not None:
        host, port = server.mapped
        parts.append(f"sees you as {host} port {port}")
    relay = server.relay
    if relay is not None:
        parts.append(f"relays with {relay.loss:.0%} loss")
    if relay is not None and relay.round_trip_ms is not None:
        parts.append(f"{relay.round_trip_ms} ms, jitter {relay.jitter_ms} ms")
    return Finding(what, Level.OK, ", ".join(parts))
