import contextlib
import gc
import sys
import threading
from pathlib import Path

import pytest

from voip.errors import MissingError
from voip.media.ends.listed import SoundDevice, Way
from voip.media.ends.sound import MiniaudioSound

WAIT_S = 5.0  # only a failing test waits this long


def nothing() -> None:
    """Take no notice of a device that ends."""


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

    assert [(device.name, device.backend) for device in listed] == [
        (f"NULL {'Capture' if way is Way.IN else 'Playback'} Device", "Null")
    ]


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
    running = silent_clock.record(device, push, nothing)
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
        return bytes(2 * size)

    running = silent_clock.play(None, pull, nothing)
    came = enough.wait(WAIT_S)
    running.close()

    assert came
    assert all(size % 480 == 0 for size in asked)


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
        MiniaudioSound(["ALSA"]).record(None, lambda _: None, nothing).close()

    assert capfd.readouterr().err == ""


def test_a_sound_system_that_is_not_there_lists_nothing() -> None:
    pytest.importorskip("miniaudio")
    elsewhere = "WINMM" if sys.platform != "win32" else "COREAUDIO"

    assert MiniaudioSound([elsewhere]).devices(Way.IN) == []


def test_a_sound_system_that_is_not_there_opens_nothing() -> None:
    pytest.importorskip("miniaudio")
    elsewhere = "WINMM" if sys.platform != "win32" else "COREAUDIO"

    with pytest.raises(MissingError, match="cannot open the sound device"):
        MiniaudioSound([elsewhere]).play(None, bytes, nothing)


def test_a_device_that_the_list_has_lost_cannot_be_opened() -> None:
    pytest.importorskip("miniaudio")
    gone = SoundDevice("Gone", "ALSA", id=b":77,0")

    with pytest.raises(MissingError, match="cannot open the sound device"):
        MiniaudioSound(["ALSA"]).record(gone, lambda _: None, nothing)


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted in /proc")
@pytest.mark.parametrize("backend", ["NULL", "ALSA"])
def test_what_was_opened_and_closed_leaves_no_descriptor_behind(backend: str) -> None:
    pytest.importorskip("miniaudio")
    sound = MiniaudioSound([backend])

    def use() -> int:
        for _ in range(5):
            sound.devices(Way.IN)
            with contextlib.suppress(MissingError):
                sound.record(None, lambda _: None, nothing).close()
        return len(list(Path("/proc/self/fd").iterdir()))

    gc.disable()  # nor may it wait until somebody collects
    before, after = use(), use()
    gc.enable()

    assert before == after


def test_the_private_names_we_rely_on_are_there() -> None:
    """`sound.py` uses them; a new miniaudio that lost them fails here first."""
    miniaudio = pytest.importorskip("miniaudio")

    assert callable(miniaudio.Devices._get_info)
    assert miniaudio.ffi.sizeof("ma_device_id") == 256
    assert callable(miniaudio.lib.ma_context_uninit)
    assert "stop_callback" in vars(miniaudio.CaptureDevice.__mro__[1]())
