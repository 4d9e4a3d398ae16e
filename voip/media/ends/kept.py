"""One sound device kept running, or the best that can be had.

Carrier: does what `voip.media.ends.keeping` says, on a thread of its own, as opening a
device can take a second and must not hold up the call.
"""

import threading
import time
from collections.abc import Callable

from voip.errors import MissingError
from voip.media.ends.keeping import Change, DeviceChange, Keeper, Step
from voip.media.ends.listed import SoundDevice, Way, find_again
from voip.media.ends.sound import Running, Sound

LATE_S = 0.02
"""A callback this long after the one before is counted; they are due every 0.01 s."""

CLOSE_S = 1.0
"""How long closing waits for a driver that hangs, before it is left behind."""

Tell = Callable[[DeviceChange], None]


class Beat:
    """The sign of life of one opened device; its callbacks call it."""

    def __init__(self, closed: threading.Event) -> None:
        """Begin before the first callback; once `closed` is set, none counts."""
        self._closed = closed
        self.at = 0.0
        self.late = 0
        self.has_ended = False
        self._is_cut = False

    def __call__(self) -> bool:
        """Note a callback; False: the device was given up or closed."""
        now = time.monotonic()
        if self.at and now - self.at > LATE_S:
            self.late += 1
        self.at = now
        return not (self._is_cut or self._closed.is_set())

    def end(self) -> None:
        """Note that the system says the device has ended."""
        self.has_ended = True

    def cut(self) -> None:
        """Take nothing more from this device, nor give it anything."""
        self._is_cut = True


Opener = Callable[[Sound, SoundDevice | None, Beat], Running]


class Kept:
    """A device that is opened, watched and opened again.

    Attributes:
        device: name of what runs now, `default` for the system's; None while nothing
            does. It comes from the system: escape it before it is shown.
        failure: why there is silence now, in a sentence; None while a device runs.
        tells: hear of devices lost and found, from this thread.
    """

    def __init__(
        self, way: Way, sound: Sound, chosen: SoundDevice | None, opener: Opener
    ) -> None:
        """Keep `chosen`, or with None the system's default, once it is started."""
        self.device: str | None = None
        self.failure: str | None = None
        self.tells: list[Tell] = []
        self._way = way
        self._sound = sound
        self._wanted = self._chosen = chosen
        self._opener = opener
        self._closed = threading.Event()
        self._switched = threading.Event()
        self._beat = Beat(self._closed)
        self._late = 0
        self._running: Running | None = None
        # A daemon, since a driver can hang in a call that nothing interrupts.
        self._thread = threading.Thread(target=self._keep, daemon=True)

    @property
    def late(self) -> int:
        """How many callbacks came late."""
        return self._late + self._beat.late

    def start(self) -> None:
        """Begin to keep a device open, unless that was done before."""
        if self._thread.ident is None and not self._closed.is_set():
            self._thread.start()

    def listed(self) -> list[SoundDevice]:
        """List the devices that could be chosen; takes some milliseconds."""
        return self._sound.devices(self._way)

    def choose(self, device: SoundDevice | None) -> None:
        """Keep this one from now on, or with None the system's default."""
        self._wanted = device
        self._switched.set()

    def close(self) -> None:
        """Close the device; a second call does nothing."""
        self._closed.set()
        self._switched.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=CLOSE_S)

    def _keep(self) -> None:
        while not self._closed.is_set():
            self._switched.clear()
            self._chosen = self._wanted
            self._keep_chosen()
            self._leave()

    def _keep_chosen(self) -> None:
        keeper = Keeper(has_choice=self._chosen is not None, now=time.monotonic())
        while not (self._closed.is_set() or self._switched.is_set()):
            now = time.monotonic()
            if self._beat.has_ended:
                keeper.stopped()
            match keeper.step(now, self._beat.at):
                case None:
                    self._switched.wait(keeper.wait_s(now))
                case Step.OPEN_CHOSEN:
                    self._open(keeper, self._chosen)
                case Step.OPEN_DEFAULT:
                    self._open(keeper, None)
                case Step.GIVE_UP:
                    self._give_up()
                case Step.LEAVE:
                    self._leave()
                case Step.LOOK:
                    self._look(keeper)

    def _open(self, keeper: Keeper, device: SoundDevice | None) -> None:
        beat = Beat(self._closed)
        try:
            self._running = self._opener(self._sound, device, beat)
        except MissingError as error:
            keeper.refused(time.monotonic())
            if device is None:  # else the default is tried at once
                self._fail(f"no {self._way.value}: {error}", Change.FAILED)
            return
        self._late += self._beat.late
        self._beat = beat
        keeper.opened(time.monotonic())
        self.failure = None
        self.device = device.name if device else "default"
        self._say(Change.OPENED)

    def _give_up(self) -> None:
        self._fail(f"the {self._way.value} is gone", Change.LOST)
        running, self._running = self._running, None
        self._beat.cut()
        if running is not None:
            # Elsewhere, as the driver of a device that is gone may hang, and the
            # default shall be open within a second.
            threading.Thread(target=running.close, daemon=True).start()

    def _leave(self) -> None:
        self._beat.cut()
        if self._running is not None:
            self._running.close()
        self._running = self.device = None

    def _look(self, keeper: Keeper) -> None:
        assert self._chosen is not None  # or it is not looked for
        found = find_again(self._chosen, self._sound.devices(self._way))
        keeper.looked(time.monotonic(), is_there=found is not None)
        self._chosen = found or self._chosen  # in another socket it has another id

    def _fail(self, reason: str, change: Change) -> None:
        if self.failure is None:
            self.failure = reason
            self._say(change)
        self.failure, self.device = reason, None

    def _say(self, change: Change) -> None:
        for tell in self.tells:
            tell(DeviceChange(self._way, change, self.device))
