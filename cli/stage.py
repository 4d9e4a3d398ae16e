"""Pictures of a call on this program's own terminal, the call's lines below them.

A picture is written on a thread of its own: a terminal that is slow, far away or
stopped takes as long as it likes, the newest picture waits, and those between are left
out. The second screen of the terminal is used, and whatever happens the first one comes
back, with its cursor and colours.
"""

import contextlib
import os
import threading
from collections.abc import Sequence

from cli.canvas import ENTER, LEAVE, Canvas
from voip.media.ends.choice import Drawn
from voip.media.ends.terminal import Colours
from voip.media.sources import Picture

FRAME_S = 1 / 12
"""Terminals draw 12 pictures a second; more cost both sides time and show no more."""
LEAVE_S = 1.0
"""How long the end of a call waits for a terminal that takes nothing."""
_CHUNK = 4096  # bytes; between two it is looked whether the call is over


class Stage:
    """A `VideoSink` that is a part of the terminal.

    Once a picture came, `draw` takes the lines of the call to the second screen. After
    `close` another call may show its pictures.
    """

    def __init__(self, terminal: int, drawn: Drawn, colours: Colours) -> None:
        """Take the file descriptor of a terminal; nothing is written yet."""
        self._terminal = terminal
        self._drawn = drawn
        self._colours = colours
        self._changed = threading.Condition()
        self._newest: Picture | None = None
        self._lines: Sequence[str] = ()
        self._is_stale = False
        self._over: threading.Event | None = None
        self._thread: threading.Thread | None = None

    def show(self, picture: Picture) -> None:
        """See `VideoSink`; from any thread."""
        with self._changed:
            self._newest, self._is_stale = picture, True
            self._changed.notify_all()

    def draw(self, lines: Sequence[str]) -> bool:
        """Show these lines below the picture; False if there is none to show."""
        with self._changed:
            if self._newest is None:
                return False
            self._lines, self._is_stale = lines, True
            self._changed.notify_all()
        if self._thread is None:
            over = self._over = threading.Event()
            # A daemon, since a terminal that was stopped may never take another byte.
            self._thread = threading.Thread(
                target=self._run, args=(over,), daemon=True, name="terminal"
            )
            self._thread.start()
        return True

    def leave(self) -> None:
        """Give the terminal its first screen back; nothing if it has it."""
        thread, over = self._thread, self._over
        if thread is None or over is None:
            return
        self._thread = self._over = None
        with self._changed:
            over.set()
            self._changed.notify_all()
        thread.join(timeout=LEAVE_S)

    def close(self) -> None:
        """See `VideoSink`."""
        self.leave()
        with self._changed:
            self._newest = None

    def _run(self, over: threading.Event) -> None:
        canvas = Canvas(self._drawn, self._colours)
        with contextlib.suppress(OSError):  # the terminal is gone: nobody sees anything
            try:
                self._write(ENTER, over)
                while (scene := self._next(over)) is not None:
                    columns, rows = os.get_terminal_size(self._terminal)
                    # Some terminals do not know their size, and say 0.
                    self._write(canvas.draw(*scene, columns or 80, rows or 24), over)
                    over.wait(FRAME_S)
            finally:
                self._write(LEAVE)

    def _next(self, over: threading.Event) -> tuple[Picture, Sequence[str]] | None:
        """Wait for something new to show; None when the call is over."""
        with self._changed:
            self._changed.wait_for(lambda: over.is_set() or self._is_stale)
            self._is_stale = False
            if over.is_set() or self._newest is None:
                return None
            return self._newest, self._lines

    def _write(self, data: bytes, over: threading.Event | None = None) -> None:
        left = memoryview(data)
        while left and not (over is not None and over.is_set()):
            left = left[os.write(self._terminal, left[:_CHUNK]) :]
