"""What a person chose for sound, and the text it is kept as.

Rules. The text is JSON with one spelling; it holds names of devices and nothing that
is secret, and lies unsealed in the user's home folder.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from voip.errors import MalformedError
from voip.media.ends.listed import MAX_ID_BYTES, SoundDevice

MAX_TEXT = 8192
"""Two devices of the longest names fit in a quarter of this."""
MAX_NAME = 512
MAX_GAIN_DB = 20.0
"""More than this makes noise louder, not speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceSettings:
    """What is done to the sound of a microphone.

    Attributes:
        echo: take out what comes from the own speaker.
        noise: take out fans, streets and keys.
        high_pass: take out rumble, below the voice.
        gain: bring all voices to one loudness.
        headphones: nothing of the speaker reaches the microphone, so there is no echo
            to take out, and speaking while the other speaks stays unharmed.
    """

    echo: bool = True
    noise: bool = True
    high_pass: bool = True
    gain: bool = True
    headphones: bool = False

    def cancels_echo(self, *, with_speaker: bool) -> bool:
        """Say whether there is an echo that is to be taken out."""
        return with_speaker and self.echo and not self.headphones

    def does_anything(self, *, with_speaker: bool) -> bool:
        """Say whether sound is changed at all."""
        others = self.noise or self.high_pass or self.gain
        return others or self.cancels_echo(with_speaker=with_speaker)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundSettings:
    """What to hear and speak with; a device of None is the system's default.

    Attributes:
        microphone: chosen one.
        speaker: chosen one.
        microphone_db: made louder by so many dB, after voice processing.
        speaker_db: likewise.
        voice: what is done to the sound of the microphone.
    """

    microphone: SoundDevice | None = None
    speaker: SoundDevice | None = None
    microphone_db: float = 0.0
    speaker_db: float = 0.0
    voice: VoiceSettings = VoiceSettings()


def format_settings(settings: SoundSettings) -> str:
    """Write settings down.

    Raises:
        MalformedError: they would not be read again: a gain or a name out of bounds.
    """
    facts = {
        "microphone": _device_facts(settings.microphone),
        "speaker": _device_facts(settings.speaker),
        "microphone_db": settings.microphone_db,
        "speaker_db": settings.speaker_db,
        "voice": asdict(settings.voice),
    }
    text = json.dumps(facts, indent=2, sort_keys=True) + "\n"
    parse_settings(text)
    return text


def parse_settings(text: str) -> SoundSettings:
    """Read what `format_settings` wrote.

    Raises:
        MalformedError: it is something else.
    """
    if len(text) > MAX_TEXT:
        raise MalformedError(f"sound settings: expected at most {MAX_TEXT} characters")
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedError("sound settings: expected JSON") from None
    names = {each.name for each in fields(SoundSettings)}
    _check_keys(facts, names, "sound settings")
    return SoundSettings(
        microphone=_parse_device(facts["microphone"]),
        speaker=_parse_device(facts["speaker"]),
        microphone_db=_parse_gain(facts["microphone_db"]),
        speaker_db=_parse_gain(facts["speaker_db"]),
        voice=_parse_voice(facts["voice"]),
    )


def _device_facts(device: SoundDevice | None) -> dict[str, str] | None:
    if device is None:
        return None
    return {"backend": device.backend, "id": device.id.hex(), "name": device.name}


def _parse_device(facts: Any) -> SoundDevice | None:
    if facts is None:
        return None
    _check_keys(facts, {"backend", "id", "name"}, "device")
    for name, value in facts.items():
        if not isinstance(value, str) or len(value) > MAX_NAME:
            raise MalformedError(f"device: expected a short text as {name}")
    try:
        device_id = bytes.fromhex(facts["id"])
    except ValueError:
        raise MalformedError("device: expected hex digits as id") from None
    assert len(device_id) <= MAX_NAME // 2 == MAX_ID_BYTES
    return SoundDevice(facts["name"], facts["backend"], id=device_id)


def _parse_gain(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not abs(value) <= MAX_GAIN_DB:
        raise MalformedError(
            f"gain: expected -{MAX_GAIN_DB} to {MAX_GAIN_DB} dB, came {value!r}"
        )
    return float(value)


def _parse_voice(facts: Any) -> VoiceSettings:
    _check_keys(facts, {each.name for each in fields(VoiceSettings)}, "voice")
    for name, value in facts.items():
        if not isinstance(value, bool):
            raise MalformedError(f"voice: expected true or false as {name}")
    return VoiceSettings(**facts)


def _check_keys(facts: Any, names: set[str], what: str) -> None:
    if not isinstance(facts, dict) or set(facts) != names:
        raise MalformedError(f"{what}: expected {', '.join(sorted(names))}")
