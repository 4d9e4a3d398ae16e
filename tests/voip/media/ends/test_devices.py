import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.voip.media.ends.machine import WAIT_S, Machine
from voip.media.ends.devices import MIC_RING, Microphone, Speaker
from voip.media.ends.listed import Way
from voip.media.ends.meter import FLOOR_DB
from voip.media.ends.remember import VoiceSettings
from voip.media.ends.voice import Voice
from voip.media.sources import FRAME_BYTES, SILENCE, DrivenSink, PacedSource


@pytest.fixture
def machine() -> Machine:
    return Machine("first", "second")


@pytest.fixture
def microphone(machine: Machine) -> Iterator[Microphone]:
    microphone = Microphone(machine)
    yield microphone
    microphone.close()


@pytest.fixture
def speaker(machine: Machine) -> Iterator[Speaker]:
    speaker = Speaker(machine)
    yield speaker
    speaker.close()


def loud(samples: int) -> bytes:
    return b"\0\x40" * samples


def test_both_have_clocks_of_their_own(
    microphone: Microphone, speaker: Speaker
) -> None:
    assert isinstance(microphone, PacedSource)
    assert isinstance(speaker, DrivenSink)


def test_a_microphone_is_off_until_it_is_paced(
    machine: Machine, microphone: Microphone
) -> None:
    before = len(machine.opened)
    microphone.pace(lambda: None)
    machine.wait()

    assert (before, len(machine.opened)) == (0, 1)


def test_a_microphone_that_is_read_is_on(
    machine: Machine, microphone: Microphone
) -> None:
    microphone.read()
    machine.wait()

    assert len(machine.opened) == 1


def test_what_the_microphone_hears_is_read(
    machine: Machine, microphone: Microphone
) -> None:
    first = microphone.read()
    device = machine.wait()
    device.push(b"ab" * 480)
    device.push(b"cd" * 480)

    assert first == SILENCE
    assert microphone.read() == b"ab" * 480 + b"cd" * 480
    assert microphone.read() == SILENCE


@pytest.mark.parametrize("block", [1, 479, 480, 2400])
def test_the_call_is_woken_once_for_each_20_ms(
    machine: Machine, microphone: Microphone, block: int
) -> None:
    woken: list[int] = []
    microphone.pace(lambda: woken.append(1))
    device = machine.wait()
    for _ in range(9600 // block):
        device.push(bytes(2 * block))

    assert len(woken) == 9600 // block * block // 960


def test_a_reader_that_stalled_hears_the_newest(
    machine: Machine, microphone: Microphone
) -> None:
    microphone.read()
    device = machine.wait()
    for number in range(20):
        device.push(bytes([number]) * FRAME_BYTES)

    assert microphone.read() == bytes([20 - MIC_RING // FRAME_BYTES]) * FRAME_BYTES


def test_a_speaker_plays_what_it_pulls_at_once(
    machine: Machine, speaker: Speaker
) -> None:
    speaker.drive(lambda samples: b"ab" * samples)

    assert machine.wait().pull(37) == b"ab" * 37


def test_gain_changes_what_is_heard_and_what_is_said(
    machine: Machine, microphone: Microphone, speaker: Speaker
) -> None:
    microphone.gain.db = speaker.gain.db = -6.0206
    microphone.read()
    heard = machine.wait()
    heard.push(loud(960))
    speaker.drive(loud)
    played = machine.wait().pull(1)

    assert (microphone.read(), played) == (b"\0\x20" * 960, b"\0\x20")


def test_meters_show_how_loud_it_is(
    machine: Machine, microphone: Microphone, speaker: Speaker
) -> None:
    before = microphone.level.peak_db
    microphone.read()
    machine.wait().push(loud(960))
    speaker.drive(loud)
    machine.wait().pull(960)

    assert before == FLOOR_DB
    assert microphone.level.rms_db == pytest.approx(-6, abs=0.1)
    assert speaker.level.peak_db == pytest.approx(-6, abs=0.1)


def test_the_default_device_has_no_name_of_its_own(
    machine: Machine, microphone: Microphone
) -> None:
    before = microphone.device
    microphone.read()
    machine.wait()
    device = wait_for_name(microphone)

    assert (before, device) == (None, "default")


def wait_for_name(end: Microphone | Speaker) -> str:
    """The thread that opened it says so a moment later."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        if end.device is not None:
            return end.device
        time.sleep(0.001)
    raise AssertionError("no device was opened")


def test_what_is_played_is_known_again_as_echo(machine: Machine) -> None:
    pytest.importorskip("pywebrtc_audio")
    voice = Voice(VoiceSettings(noise=False, gain=False), with_speaker=True)
    microphone, speaker = (
        Microphone(machine, voice=voice),
        Speaker(machine, voice=voice),
    )
    noise = np.random.default_rng(5).normal(0, 3000, 4 * 48_000).astype(np.int16)
    sound = noise.tobytes()
    at = iter(range(0, len(sound), 960))
    speaker.drive(lambda samples: sound[(start := next(at)) : start + 2 * samples])
    mouth = machine.wait()
    microphone.read()
    ear = machine.wait()
    late = [bytes(960)] * 5
    heard = bytearray()
    for _ in range(len(sound) // 960):
        late.append(mouth.pull(480))
        ear.push(late.pop(0))
        if len(late) % 2:
            heard += microphone.read()
    microphone.close()
    speaker.close()
    residue = np.frombuffer(bytes(heard[-96_000:]), np.int16)

    assert residue.std() < noise.std() / 20


def test_both_say_which_way_they_are(machine: Machine) -> None:
    seen: list[Way] = []
    for end in (Microphone(machine), Speaker(machine)):
        end.on_change(lambda change: seen.append(change.way))
        if isinstance(end, Microphone):
            end.read()
        else:
            end.drive(loud)
        machine.wait()
        wait_for_name(end)
        end.close()

    assert seen == [Way.IN, Way.OUT]


def test_another_microphone_can_be_chosen_during_the_call(
    machine: Machine, microphone: Microphone
) -> None:
    microphone.read()
    machine.wait()
    chosen = microphone.listed()[1]
    microphone.choose(chosen)

    assert machine.wait().device == chosen
    assert microphone.way is Way.IN
