"""Joins those in one call: each gets a plan of media that hears the others.

Carrier, for it is used from many threads and shows pictures on a loop. Whoever carries
media (a call, a browser's leg, a telephone's, a member of a room) is handed a
`MediaPlan` of a `Port` and cannot tell it from a microphone and a speaker. The bridge
has no clock of its own: sound moves when somebody writes or reads. ::

    async with Bridge() as bridge:
        await endpoint.dial("bob", plan=bridge.port("bob").plan)
        tasks.create_task(bridge.attach(bridge.port("me"), plan))

A port is shut until `open`: what it says is dropped, what it hears is silence, and it
neither shows nor sees a picture. Nobody at the other side can tell it from a pause.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from voip.errors import MalformedError, UnexpectedEventError
from voip.gateway.ends import Ear, Eye, Face, Mouth, carry_pictures, carry_sound
from voip.gateway.mixing import View, Waiting, faded, mix
from voip.media.plan import MediaPlan
from voip.media.sources import (
    FRAME_BYTES,
    SILENCE,
    Picture,
)

SHOWN_S = 2.0
"""After its last picture a port is one that shows none: whoever speaks without a camera
keeps nobody else off the screen."""

Hears = Callable[[str, str], bool]
"""Whether the first, by name, may hear and see the second."""


def everybody(one: str, other: str) -> bool:
    """Let each hear all others."""
    return one != other


class Port:
    """One place in a bridge; made by `Bridge.port`.

    Attributes:
        name: its own in the bridge.
        is_muted: what it says is dropped, what it hears is not.
        is_presenting: it shows a screen, which goes before everybody's camera.
        level: how loud it is lately, 0 to 32768.
    """

    def __init__(self, bridge: "Bridge", name: str) -> None:
        self.name = name
        self.is_muted = self.is_presenting = False
        self.level = 0.0
        self._bridge = bridge
        self._is_open = False
        self._is_closed = False
        self._hears: tuple[Waiting, ...] = ()
        self._heard_by: tuple[Waiting, ...] = ()
        self._view = View()
        self._eyes: tuple[Eye, ...] = ()
        self._shown_at = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether anything passes."""
        return self._is_open

    @property
    def loudness(self) -> float:
        """How loud it is lately, in dB of full scale; -96 is silence."""
        return 20 * math.log10(max(self.level, 0.5) / 32768)

    @property
    def dropped(self) -> int:
        """Frames to this port that it read too late, or never."""
        return sum(each.dropped for each in self._hears)

    def plan(self, *, video: bool = False) -> MediaPlan:
        """Give the ends of this port; closing them leaves the port in the bridge.

        With `video`, it takes pictures and shows those of whoever speaks.
        """
        if not video:
            return MediaPlan(audio_source=Ear(self.listen), audio_sink=Mouth(self.say))
        eye = Eye(closed=self._look_away)
        self._eyes = (*self._eyes, eye)
        return MediaPlan(
            audio_source=Ear(self.listen),
            audio_sink=Mouth(self.say),
            video_source=eye,
            video_sink=Face(self.show),
        )

    def open(self) -> None:
        """Let sound and pictures pass from now on; nothing of before."""
        for each in self._hears:
            each.clear()
        self._is_open = not self._is_closed

    def shut(self) -> None:
        """Let nothing pass, either way, at once."""
        self._is_open = False
        self.level = 0.0
        for each in self._heard_by:
            each.clear()

    def close(self) -> None:
        """Leave the bridge for good."""
        self.shut()
        self._is_closed = True
        self._bridge.leave(self)

    def say(self, frame: bytes) -> None:
        """Say 20 ms, from any thread; nothing while shut or muted.

        Raises:
            MalformedError: a frame of another size; all others would hear noise.
        """
        if len(frame) != FRAME_BYTES:
            raise MalformedError(
                f"sound: expected {FRAME_BYTES} bytes, came {len(frame)}"
            )
        if not self._is_open or self.is_muted:
            return
        self.level = faded(self.level, frame)
        for each in self._heard_by:
            each.put(frame)

    def listen(self) -> bytes:
        """Give the next 20 ms of what it hears, from any thread; silence if nothing."""
        frames = [frame for each in self._hears if (frame := each.take()) is not None]
        return mix(frames) if self._is_open else SILENCE

    def show(self, picture: Picture) -> None:
        """Show a picture to whoever sees this port now; from any thread."""
        if self._is_open:
            self._shown_at = time.monotonic()
            self._bridge.show(self, picture)

    def see(self, picture: Picture) -> None:
        """Take a picture that somebody shows us."""
        for eye in self._eyes:
            eye.take(picture)

    def join(self, hears: tuple[Waiting, ...], heard_by: tuple[Waiting, ...]) -> None:
        """Take who is heard and who hears, from the bridge."""
        self._hears, self._heard_by = hears, heard_by

    def sees(self, name: str, others: "dict[str, Port]") -> bool:
        """Say whether this port shows its user what `name` shows, now."""
        if not (self._is_open and self._eyes):
            return False
        showing = {each: port for each, port in others.items() if port.shows_pictures}
        presented = [each for each, port in showing.items() if port.is_presenting]
        levels = {each: port.level for each, port in showing.items()}
        seen = self._view.choose(presented or showing, levels, time.monotonic())
        return seen == name

    @property
    def shows_pictures(self) -> bool:
        """Whether pictures come of this port, lately."""
        return self._is_open and time.monotonic() - self._shown_at < SHOWN_S

    @property
    def watched(self) -> str | None:
        """Whose pictures it sees; None: nobody's come."""
        name = self._view.shown
        return name if name is not None and self._bridge.shows(name) else None

    def _look_away(self, eye: Eye) -> None:
        self._eyes = tuple(each for each in self._eyes if each is not eye)


class Bridge:
    """Those in one call, by name."""

    def __init__(self, hears: Hears = everybody) -> None:
        """`hears` says who may hear and see whom; by default all others."""
        self._may_hear = hears
        self._ports: dict[str, Port] = {}
        self._pairs: dict[tuple[str, str], Waiting] = {}
        self._lock = threading.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for port in tuple(self._ports.values()):
            port.close()

    def port(self, name: str) -> Port:
        """Make a place in the bridge; it is shut.

        Raises:
            UnexpectedEventError: the name is taken.
        """
        with self._lock:
            if name in self._ports:
                raise UnexpectedEventError(f"the bridge has a port {name!r} already")
            port = self._ports[name] = Port(self, name)
            self._wire()
        return port

    def leave(self, port: Port) -> None:
        """Forget a port that was closed."""
        with self._lock:
            if self._ports.get(port.name) is port:
                del self._ports[port.name]
                self._wire()

    def shows(self, name: str) -> bool:
        """Say whether pictures come of the port of this name."""
        port = self._ports.get(name)
        return port is not None and port.shows_pictures

    def rewire(self) -> None:
        """Join all pairs anew: whether some hear each other has changed."""
        with self._lock:
            self._wire()

    def show(self, port: Port, picture: Picture) -> None:
        """Show a picture to all who see this port now."""
        for name, other in tuple(self._ports.items()):
            if not (other is not port and self._may_hear(name, port.name)):
                continue
            others = {
                each: theirs
                for each, theirs in tuple(self._ports.items())
                if theirs is not other and self._may_hear(name, each)
            }
            if other.sees(port.name, others):
                other.see(picture)

    async def attach(self, port: Port, plan: MediaPlan) -> None:
        """Join a microphone, a speaker, a camera and a window to a port.

        Runs until it is cancelled, and closes the plan then. A microphone and a speaker
        keep their own pace; what has none is read and written every 20 ms.
        """
        ends = port.plan(video=bool(plan.video_source or plan.video_sink))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(carry_sound(port.say, port.listen, plan))
                if plan.video_source is not None:
                    tasks.create_task(carry_pictures(plan, ends))
                if plan.video_sink is not None:
                    tasks.create_task(carry_pictures(ends, plan))
        finally:
            ends.close()
            plan.close()

    def _wire(self) -> None:
        """Join all pairs anew; the sound that waits between them stays."""
        names = tuple(self._ports)
        before, self._pairs = self._pairs, {}
        for hearer in names:
            for heard in names:
                if hearer != heard and self._may_hear(hearer, heard):
                    pair = hearer, heard
                    self._pairs[pair] = before.get(pair) or Waiting()
        for name, port in self._ports.items():
            port.join(
                tuple(each for (one, _), each in self._pairs.items() if one == name),
                tuple(each for (_, two), each in self._pairs.items() if two == name),
            )
