"""A sound system whose devices come, go, stall and stammer as a test says."""

import threading
from collections.abc import Callable

from voip.errors import MissingError
from voip.media.ends.listed import SoundDevice, Way

WAIT_S = 5.0  # only a failing test waits this long


class Opened:
    """One device that is running, with the test's finger on its callbacks."""

    def __init__(
        self,
        way: Way,
        device: SoundDevice | None,
        callback: Callable[..., bytes | None],
        ended: Callable[[], None],
    ) -> None:
        self.way = way
        self.device = device
        self.callback = callback
        self.ended = ended
        self.closed = threading.Event()

    def push(self, pcm: bytes) -> None:
        self.callback(pcm)

    def pull(self, samples: int) -> bytes:
        pcm = self.callback(samples)
        assert pcm is not None
        return pcm

    def close(self) -> None:
        self.closed.set()


class Machine:
    """The sound system; `opened` lists what was opened, in order."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.broken: set[str | None] = set()
        self.opened: list[Opened] = []
        self._tried = threading.Semaphore(0)

    def devices(self, way: Way) -> list[SoundDevice]:
        id_of = f"{way.value}-".encode()
        return [
            SoundDevice(name, "test", id=id_of + name.encode()) for name in self.names
        ]

    def record(
        self,
        device: SoundDevice | None,
        push: Callable[[bytes], None],
        ended: Callable[[], None],
    ) -> Opened:
        return self._open(Way.IN, device, push, ended)

    def play(
        self,
        device: SoundDevice | None,
        pull: Callable[[int], bytes],
        ended: Callable[[], None],
    ) -> Opened:
        return self._open(Way.OUT, device, pull, ended)

    def wait(self, tries: int = 1) -> Opened:
        """Wait until a device was tried so often; give what was opened last."""
        for _ in range(tries):
            assert self._tried.acquire(timeout=WAIT_S)
        return self.opened[-1]

    def _open(
        self,
        way: Way,
        device: SoundDevice | None,
        callback: Callable[..., bytes | None],
        ended: Callable[[], None],
    ) -> Opened:
        try:
            if (device.name if device else None) in self.broken:
                raise MissingError("cannot open the sound device: busy")
            self.opened.append(Opened(way, device, callback, ended))
            return self.opened[-1]
        finally:
            self._tried.release()


class Room:
    """Runs all devices of a machine, faster than real ones.

    The microphone hears what the speaker plays 50 ms later, and `noise`.
    """

    def __init__(self, noise: bytes = bytes(960)) -> None:
        self.machine = Machine("only")
        self.played = bytearray()
        self.noise = noise
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        air = [bytes(960)] * 5
        while not self._stop.wait(0.0002):
            heard = air.pop(0)
            said = bytes(960)
            for opened in list(self.machine.opened):
                if opened.closed.is_set():
                    continue
                if opened.way is Way.OUT:
                    said = opened.pull(480)
                    self.played += said
                else:
                    opened.push(heard if any(heard) else self.noise)
            air.append(said)
