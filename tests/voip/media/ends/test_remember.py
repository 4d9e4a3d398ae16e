import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.media.ends.listed import SoundDevice
from voip.media.ends.remember import (
    MAX_TEXT,
    SoundSettings,
    VoiceSettings,
    format_settings,
    parse_settings,
)

CHOSEN = SoundSettings(
    microphone=SoundDevice("Häadset", "PulseAudio", id=b"\0usb\xff"),
    microphone_db=-3.5,
    speaker_db=6,
    voice=VoiceSettings(noise=False, headphones=True),
)


@pytest.mark.parametrize("settings", [SoundSettings(), CHOSEN], ids=["usual", "chosen"])
def test_what_was_written_is_read_again(settings: SoundSettings) -> None:
    assert parse_settings(format_settings(settings)) == settings


def test_voice_processing_is_on_until_it_is_switched_off() -> None:
    assert SoundSettings().voice == VoiceSettings(
        echo=True, noise=True, high_pass=True, gain=True, headphones=False
    )


@pytest.mark.parametrize(
    ("settings", "with_speaker", "cancels"),
    [
        (VoiceSettings(), True, True),
        (VoiceSettings(), False, False),
        (VoiceSettings(echo=False), True, False),
        (VoiceSettings(headphones=True), True, False),
    ],
    ids=range(4),
)
def test_an_echo_needs_a_speaker_in_the_room(
    settings: VoiceSettings, *, with_speaker: bool, cancels: bool
) -> None:
    assert settings.cancels_echo(with_speaker=with_speaker) is cancels


def test_with_all_switched_off_nothing_is_done() -> None:
    off = VoiceSettings(noise=False, high_pass=False, gain=False)

    assert off.does_anything(with_speaker=True)
    assert not off.does_anything(with_speaker=False)


def test_what_could_not_be_read_is_not_written() -> None:
    with pytest.raises(MalformedError, match=r"gain: expected -20\.0 to 20\.0 dB"):
        format_settings(SoundSettings(speaker_db=21))


def changed(**facts: Any) -> str:
    return json.dumps(json.loads(format_settings(CHOSEN)) | facts)


DEVICE = {"backend": "b", "id": "00", "name": "n"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected JSON"),
        ("[" * 5000, "expected JSON"),
        (" " * (MAX_TEXT + 1), "expected at most 8192 characters"),
        ("[]", "sound settings: expected microphone"),
        (changed(colour="red"), "sound settings: expected microphone"),
        (changed(microphone={}), "device: expected backend, id, name"),
        (changed(speaker="default"), "device: expected backend, id, name"),
        (changed(speaker=DEVICE | {"id": "xy"}), "expected hex digits as id"),
        (changed(speaker=DEVICE | {"id": 5}), "expected a short text as id"),
        (changed(speaker=DEVICE | {"name": "n" * 513}), "a short text as name"),
        (changed(speaker_db="loud"), "gain: expected"),
        (changed(speaker_db=True), "gain: expected"),
        (changed(speaker_db=float("nan")), "gain: expected"),
        (changed(voice=[]), "voice: expected echo"),
        (changed(voice={}), "voice: expected echo"),
        (
            changed(voice=dict.fromkeys(json.loads(changed())["voice"], 1)),
            "voice: expected true or false as echo",
        ),
    ],
    ids=range(16),
)
def test_anything_else_is_refused(text: str, said: str) -> None:
    with pytest.raises(MalformedError, match=said):
        parse_settings(text)


@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner),
    ).map(json.dumps)
)
def test_any_text_gives_settings_or_one_error(text: str) -> None:
    try:
        parse_settings(text)
    except MalformedError:
        return
