import contextlib
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from voip.errors import MissingError
from voip.media.ends.sound import (
    MIC_RING,
    SPEAKER_PRIME,
    Microphone,
    MiniaudioSound,
    SoundDevice,
    Speaker,
    Way,
)
from voip.media.sources import FRAME_BYTES, SILENCE

WAIT_S = 5.0  # only a failing test waits this long


class Opened:
    """One device that is running, with the test's finger on its callback."""

    def __init__(self, device: SoundDevice | None) -> None:
        self.device = device
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


class Machine:
    """A sound system whose devices come and go as the test says."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.broken: set[str | None] = set()
        self.opened: list[Opened] = []
        self.tried = threading.Semaphore(0)
        self.push: Callable[[bytes], None] = lambda _: None
        self.pull: Callable[[int], bytes] = bytes

    def devices(self, way: Way) -> list[SoundDevice]:
        return [SoundDevice(name, "test", way) for name in self.names]

    def record(
        self, device: SoundDevice | None, push: Callable[[bytes], None]
    ) -> Opened:
        self.push = push
        return self._open(device)

    def play(self, device: SoundDevice | None, pull: Callable[[int], bytes]) -> Opened:
        self.pull = pull
        return self._open(device)

    def wait(self, tries: int = 1) -> None:
        for _ in range(tries):
            assert self.tried.acquire(timeout=WAIT_S)

    def _open(self, device: SoundDevice | None) -> Opened:
        try:
            if (device.name if device else None) in self.broken:
                raise MissingError("cannot open the sound device: busy")
            self.opened.append(Opened(device))
            return self.opened[-1]
        finally:
            self.tried.release()


@pytest.fixture
def machine() -> Machine:
    return Machine(["first", "second"])


@pytest.fixture
def microphone(machine: Machine) -> Iterator[Microphone]:
    microphone = Microphone(machine, retry_s=0.01)
    yield microphone
    microphone.close()


@pytest.fixture
def speaker(machine: Machine) -> Iterator[Speaker]:
    speaker = Speaker(machine, retry_s=0.01)
    yield speaker
    speaker.close()


def test_a_microphone_is_off_until_it_is_read(
    machine: Machine, microphone: Microphone
) -> None:
    before = len(machine.opened)
    microphone.read()
    machine.wait()

    assert (before, len(machine.opened)) == (0, 1)


def test_what_the_microphone_hears_is_read(
    machine: Machine, microphone: Microphone
) -> None:
    first = microphone.read()
    machine.wait()
    machine.push(b"ab" * 480)
    machine.push(b"cd" * 480)

    assert first == SILENCE
    assert microphone.read() == b"ab" * 480 + b"cd" * 480
    assert microphone.read() == SILENCE


def test_a_reader_that_stalled_hears_the_newest(
    machine: Machine, microphone: Microphone
) -> None:
    microphone.read()
    machine.wait()
    for number in range(20):
        machine.push(bytes([number]) * FRAME_BYTES)

    assert microphone.read() == bytes([20 - MIC_RING // FRAME_BYTES]) * FRAME_BYTES


def test_a_speaker_is_off_until_it_is_written_to(
    machine: Machine, speaker: Speaker
) -> None:
    before = len(machine.opened)
    speaker.write(SILENCE)
    machine.wait()

    assert (before, len(machine.opened)) == (0, 1)


def test_a_speaker_starts_when_two_frames_are_in_hand(
    machine: Machine, speaker: Speaker
) -> None:
    speaker.write(b"ab" * 960)
    machine.wait()
    early = machine.pull(960)
    speaker.write(b"cd" * (SPEAKER_PRIME // 2 - 960))

    assert early == bytes(960)
    assert machine.pull(960) == b"ab" * 480


def test_a_device_that_cannot_be_opened_is_silence_with_a_reason(
    machine: Machine, microphone: Microphone
) -> None:
    machine.broken = {None}
    microphone.read()
    machine.wait(tries=2)

    assert microphone.read() == SILENCE
    assert microphone.failure == "no microphone: cannot open the sound device: busy"


def test_a_device_that_comes_back_is_opened_again(
    machine: Machine, microphone: Microphone
) -> None:
    machine.broken = {None}
    microphone.read()
    machine.wait(tries=2)
    machine.broken = set()
    while not machine.opened:
        machine.wait()
    machine.push(b"ab" * 960)

    assert microphone.read() == b"ab" * 960


def test_a_device_that_falls_silent_is_closed_and_opened_again(
    machine: Machine, microphone: Microphone
) -> None:
    microphone.read()
    machine.wait(tries=2)  # the second comes when no callback came

    assert machine.opened[0].closed.is_set()


def test_a_chosen_device_that_is_taken_gives_way_to_the_default(
    machine: Machine,
) -> None:
    machine.broken = {"second"}
    microphone = Microphone(machine, 1)
    microphone.read()
    machine.wait(tries=2)
    microphone.close()

    assert [opened.device for opened in machine.opened] == [None]


def test_a_chosen_device_is_opened(machine: Machine) -> None:
    speaker = Speaker(machine, 1)
    speaker.write(SILENCE)
    machine.wait()
    speaker.close()

    assert machine.opened[0].device == SoundDevice("second", "test", Way.OUT)


def test_closing_closes_the_device(machine: Machine) -> None:
    speaker = Speaker(machine)
    speaker.write(SILENCE)
    machine.wait()
    speaker.close()
    speaker.close()

    assert machine.opened[0].closed.is_set()


def test_what_was_closed_unused_is_never_opened(machine: Machine) -> None:
    speaker = Speaker(machine)
    speaker.close()
    speaker.write(SILENCE)

    assert machine.opened == []


@pytest.mark.parametrize(
    ("end", "text"), [(Microphone, "no microphone"), (Speaker, "no speaker")]
)
def test_a_machine_without_devices_is_told(
    end: type[Microphone | Speaker], text: str
) -> None:
    with pytest.raises(MissingError, match=f"{text}: the system lists none"):
        end(Machine([]))


def test_an_index_beyond_the_list_is_told(machine: Machine) -> None:
    with pytest.raises(MissingError, match="no speaker 2: the system lists 2, from 0"):
        Speaker(machine, 2)


def test_without_miniaudio_the_extra_to_install_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "miniaudio", None)

    with pytest.raises(MissingError, match=r"pip install 'ringfence\[devices\]'"):
        MiniaudioSound()


@pytest.fixture
def silent_clock() -> MiniaudioSound:
    """Miniaudio's null backend: real threads and callbacks, no hardware."""
    pytest.importorskip("miniaudio")
    return MiniaudioSound(["NULL"])


@pytest.mark.parametrize("way", list(Way))
def test_miniaudio_lists_devices(silent_clock: MiniaudioSound, way: Way) -> None:
    listed = silent_clock.devices(way)

    assert [device.backend for device in listed] == ["Null"]


@pytest.mark.parametrize("chosen", [True, False])
def test_miniaudio_records_10_ms_at_a_time(
    silent_clock: MiniaudioSound, *, chosen: bool
) -> None:
    heard: list[bytes] = []
    enough = threading.Event()

    def push(pcm: bytes) -> None:
        heard.append(pcm)
        if len(heard) == 3:
            enough.set()

    device = silent_clock.devices(Way.IN)[0] if chosen else None
    running = silent_clock.record(device, push)
    came = enough.wait(WAIT_S)
    running.close()

    assert came
    assert {len(pcm) for pcm in heard} == {960}


def test_miniaudio_plays_what_is_pulled(silent_clock: MiniaudioSound) -> None:
    asked: list[int] = []
    enough = threading.Event()

    def pull(size: int) -> bytes:
        asked.append(size)
        if len(asked) == 6:
            enough.set()
        return bytes(size)

    running = silent_clock.play(None, pull)
    came = enough.wait(WAIT_S)
    running.close()

    assert came
    assert all(size % 960 == 0 for size in asked)


@pytest.mark.skipif(sys.platform != "linux", reason="ALSA is of Linux")
def test_the_device_that_alsa_makes_up_is_not_listed() -> None:
    pytest.importorskip("miniaudio")
    listed = MiniaudioSound(["ALSA"]).devices(Way.IN)

    assert not [one.name for one in listed if one.name.startswith("Discard")]


def test_a_device_that_cannot_be_opened_writes_nothing_on_the_screen(
    capfd: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("miniaudio")
    with contextlib.suppress(MissingError):  # which a machine with sound does not raise
        MiniaudioSound(["ALSA"]).record(None, lambda _: None).close()

    assert capfd.readouterr().err == ""


def test_a_sound_system_that_is_not_there_lists_nothing() -> None:
    pytest.importorskip("miniaudio")
    elsewhere = "WINMM" if sys.platform != "win32" else "COREAUDIO"

    assert MiniaudioSound([elsewhere]).devices(Way.IN) == []


def test_a_sound_system_that_is_not_there_opens_nothing() -> None:
    pytest.importorskip("miniaudio")
    elsewhere = "WINMM" if sys.platform != "win32" else "COREAUDIO"

    with pytest.raises(MissingError, match="cannot open the sound device"):
        MiniaudioSound([elsewhere]).play(None, bytes)
