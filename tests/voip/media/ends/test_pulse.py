"""Microphone and speaker through a real sound server, without a sound card."""

import threading
import time
from collections.abc import Iterator
from queue import Queue

import numpy as np
import numpy.typing as npt
import pytest

from tests.voip.media.ends.pulse import WAIT_S, Pulse, serving
from tests.voip.media.scores import RATE, score, speech
from voip.media.ends.devices import Microphone, Speaker
from voip.media.ends.keeping import Change, DeviceChange
from voip.media.ends.listed import SoundDevice, Way, select
from voip.media.ends.remember import VoiceSettings
from voip.media.ends.sound import MiniaudioSound
from voip.media.ends.voice import Voice

pytestmark = [pytest.mark.slow, pytest.mark.realtime]

Pcm = npt.NDArray[np.int16]


@pytest.fixture
def pulse(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pulse]:
    pytest.importorskip("miniaudio")
    with serving("room", "headset") as pulse:
        monkeypatch.setenv("PULSE_SERVER", pulse.address)
        yield pulse


@pytest.fixture
def sound(pulse: Pulse) -> MiniaudioSound:
    assert pulse.address
    return MiniaudioSound(["PULSEAUDIO"])


def device(sound: MiniaudioSound, way: Way, part: str) -> SoundDevice:
    listed = {one.id: one for one in sound.devices(way)}
    return listed[part.encode()]


class Heard:
    """Everything a microphone gives, on the times at which it gave it."""

    def __init__(self, microphone: Microphone) -> None:
        self._microphone = microphone
        self._frames: list[bytes] = []
        self._more = threading.Condition()
        microphone.pace(self._wake)

    def wait(self, seconds: float) -> Pcm:
        """Wait until so much was heard, and give it."""
        frames = round(seconds * 50)
        with self._more:
            assert self._more.wait_for(
                lambda: len(self._frames) >= frames, seconds + WAIT_S
            )
            return np.frombuffer(b"".join(self._frames[:frames]), np.int16)

    def _wake(self) -> None:
        with self._more:
            self._frames.append(self._microphone.read())
            self._more.notify_all()


class Mouth:
    """Plays silence until it clicks; gives what it is told to say."""

    def __init__(self, pcm: Pcm | None = None) -> None:
        self._rest = b"" if pcm is None else pcm.tobytes()

    def pull(self, samples: int) -> bytes:
        said, self._rest = self._rest[: 2 * samples], self._rest[2 * samples :]
        return said.ljust(2 * samples, b"\0")


def noise(seconds: float, loudness: int = 4000) -> Pcm:
    random = np.random.default_rng(1)
    return random.normal(0, loudness, round(seconds * 48_000)).astype(np.int16)


def test_sinks_and_monitors_are_listed(sound: MiniaudioSound) -> None:
    listed = {way: [one.id for one in sound.devices(way)] for way in Way}

    assert listed == {
        Way.IN: [b"room.monitor", b"headset.monitor"],
        Way.OUT: [b"room", b"headset"],
    }


def test_a_device_is_found_by_a_part_of_its_name(sound: MiniaudioSound) -> None:
    found = select(sound.devices(Way.IN), "of room", Way.IN)

    assert found is not None
    assert found.id == b"room.monitor"


def test_from_mouth_to_ear_it_takes_at_most_150_ms(sound: MiniaudioSound) -> None:
    """The time from a sample's leaving the call to its coming back into one."""
    said: list[float] = []
    heard: list[float] = []
    came = threading.Event()
    click = noise(0.02, 8000).tobytes()
    now = threading.Event()

    def pull(samples: int) -> bytes:
        if not now.is_set() or said:
            return bytes(2 * samples)
        said.append(time.monotonic())
        return click[: 2 * samples].ljust(2 * samples, b"\0")

    def wake() -> None:
        pcm = np.frombuffer(microphone.read(), np.int16)
        if said and np.abs(pcm).max(initial=0) > 2000 and not heard:
            heard.append(time.monotonic())
            came.set()

    microphone = Microphone(sound, device(sound, Way.IN, "room.monitor"))
    speaker = Speaker(sound, device(sound, Way.OUT, "room"))
    speaker.drive(pull)
    microphone.pace(wake)
    threading.Event().wait(1.0)  # both run
    now.set()
    assert came.wait(WAIT_S)
    microphone.close()
    speaker.close()

    assert heard[0] - said[0] <= 0.15


def test_what_is_played_comes_back_whole(sound: MiniaudioSound) -> None:
    """Each tenth of a second is sought by itself: a busy machine makes gaps."""
    pcm = noise(4)
    microphone = Microphone(sound, device(sound, Way.IN, "room.monitor"))
    speaker = Speaker(sound, device(sound, Way.OUT, "room"))
    heard = Heard(microphone)
    speaker.drive(Mouth(pcm).pull)
    back = heard.wait(4).astype(np.float64)
    microphone.close()
    speaker.close()
    whole = 0
    for start in range(24_000, 120_000, 4_800):
        tenth = pcm[start : start + 4_800].astype(np.float64)
        at = int(np.argmax(np.correlate(back, tenth[:480], "valid")))
        same = back[at : at + 4_800]
        whole += bool(np.corrcoef(same, tenth[: len(same)])[0, 1] > 0.99)

    assert whole >= 15  # of 20


def test_speech_sounds_as_it_was(sound: MiniaudioSound) -> None:
    """The best of three: gaps of a busy machine are not the devices' doing."""
    pytest.importorskip("pesq", reason="pesq is not installed")
    said = speech()[: 12 * RATE]
    first = np.zeros(RATE // 4, np.int16)  # what may pass before the speaker runs
    best = 0.0
    for _ in range(3):
        microphone = Microphone(sound, device(sound, Way.IN, "room.monitor"))
        speaker = Speaker(sound, device(sound, Way.OUT, "room"))
        heard = Heard(microphone)
        heard.wait(0.1)
        speaker.drive(Mouth(np.concatenate([first, said])).pull)
        back = heard.wait(12.5)[RATE // 10 :]
        microphone.close()
        speaker.close()
        best = max(best, score(said, back).pesq)
        if best >= 3.4:
            break

    assert best >= 3.4


def test_an_unplugged_device_gives_way_and_is_taken_back(
    pulse: Pulse, sound: MiniaudioSound
) -> None:
    told: Queue[tuple[float, DeviceChange]] = Queue()

    def tell(change: DeviceChange) -> None:
        told.put((time.monotonic(), change))

    def next_change() -> tuple[float, Change, str | None]:
        at, change = told.get(timeout=WAIT_S)
        return at, change.change, change.name

    headset = device(sound, Way.OUT, "headset")
    speaker = Speaker(sound, headset)
    speaker.on_change(tell)
    speaker.drive(lambda samples: bytes(2 * samples))
    opened = next_change()
    threading.Event().wait(1.0)  # it runs
    began = time.monotonic()
    pulse.unplug("headset")
    lost, stand_in = next_change(), next_change()
    threading.Event().wait(1.0)  # the other one runs
    pulse.plug("headset")
    again = time.monotonic()
    back = next_change()
    speaker.close()

    assert opened[1:] == (Change.OPENED, headset.name)
    assert lost[1:] == (Change.LOST, headset.name)
    assert stand_in[1:] == (Change.OPENED, "default")
    assert stand_in[0] - began < 1.0
    assert back[1:] == (Change.OPENED, headset.name)
    assert 2.0 <= back[0] - again < 4.0


def test_an_echo_of_50_ms_is_taken_out(pulse: Pulse, sound: MiniaudioSound) -> None:
    """The speaker's sink is heard at the microphone's, as if in one room.

    Seconds are judged one by one: on a busy machine the room itself has gaps.
    """
    pytest.importorskip("pywebrtc_audio")
    pulse.join("room.monitor", "headset", 50)
    settings = VoiceSettings(noise=False, gain=False, high_pass=False)
    powers = []
    for voice in (None, Voice(settings, with_speaker=True)):
        microphone = Microphone(
            sound, device(sound, Way.IN, "headset.monitor"), voice=voice
        )
        speaker = Speaker(sound, device(sound, Way.OUT, "room"), voice=voice)
        heard = Heard(microphone)
        # As muffled as speech is, for two clocks tell on high notes.
        muffled = np.convolve(noise(9, 12_000), np.ones(8) / 8).astype(np.int16)
        speaker.drive(Mouth(muffled).pull)
        echo = heard.wait(8).astype(np.float64).reshape(8, -1)[2:]
        microphone.close()
        speaker.close()
        powers.append(float(np.median(np.mean(echo**2, axis=1))))

    assert 10 * np.log10(powers[0] / powers[1]) >= 25
