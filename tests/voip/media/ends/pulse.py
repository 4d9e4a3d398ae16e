"""A PulseAudio of a test's own: two null sinks, no D-Bus, no hardware.

What is played to a null sink can be recorded from its monitor, so a loop from speaker
to microphone exists without a sound card.
"""

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

WAIT_S = 10.0  # only a failing test waits this long


class Pulse:
    """The server; sinks come and go by `plug` and `unplug`."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "native"
        self._modules: dict[str, str] = {}
        programs = {name: shutil.which(name) for name in ("pulseaudio", "pactl")}
        missing = [name for name, path in programs.items() if path is None]
        if missing:
            pytest.skip(f"{' and '.join(missing)} not installed")
        self._environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder),
            "PULSE_SERVER": f"unix:{self._socket}",
        }
        self._server = subprocess.Popen(
            [
                *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1"),
                *("--use-pid-file=no", "--disable-shm=yes"),
                *("-L", f"module-native-protocol-unix socket={self._socket}"),
            ],
            env=self._environment,
            stderr=subprocess.DEVNULL,
        )

    @property
    def address(self) -> str:
        return f"unix:{self._socket}"

    def wait(self) -> None:
        pause = threading.Event()
        for _ in range(round(WAIT_S / 0.02)):
            if self._server.poll() is not None:
                pytest.skip("pulseaudio does not start here")
            if self._socket.exists():
                return
            pause.wait(0.02)
        raise AssertionError("pulseaudio opened no socket")

    def plug(self, name: str) -> None:
        # Without rewinds its latency is 50 ms, like a sound card's; else 2 s.
        self._modules[name] = self._control(
            "load-module",
            "module-null-sink",
            f"sink_name={name}",
            f"sink_properties=device.description={name.capitalize()}",
            "norewinds=1",
        )

    def unplug(self, name: str) -> None:
        self._control("unload-module", self._modules.pop(name))

    def join(self, source: str, sink: str, delay_ms: int) -> None:
        """Let what `source` gives be heard at `sink`, so much later."""
        self._control(
            "load-module",
            "module-loopback",
            f"source={source}",
            f"sink={sink}",
            f"latency_msec={delay_ms}",
        )

    def close(self) -> None:
        self._server.terminate()
        self._server.wait(WAIT_S)

    def _control(self, *arguments: str) -> str:
        done = subprocess.run(
            ["pactl", *arguments],
            env=self._environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
        )
        return done.stdout.strip()


@contextmanager
def serving(*sinks: str) -> Iterator[Pulse]:
    """Start a server with these sinks, the first of them its default."""
    # Not pytest's folder: the path of a socket is at most 107 bytes long.
    with tempfile.TemporaryDirectory(prefix="pulse-") as folder:
        pulse = Pulse(Path(folder))
        try:
            pulse.wait()
            for name in sinks:
                pulse.plug(name)
            yield pulse
        finally:
            pulse.close()
