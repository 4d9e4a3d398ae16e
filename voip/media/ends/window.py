"""Pictures in a window of their own, where there is a display and Python has tkinter.

Carrier. The window is another process, which this module also is
(``python -m voip.media.ends.window``): a window system that hangs holds nothing up, and
no toolkit runs beside the call. Pictures go to it as binary PPM, the newest only.
"""

import contextlib
import importlib
import os
import subprocess
import sys
import threading
from typing import Any, BinaryIO

from voip.errors import MissingError
from voip.media.i420 import frame_of
from voip.media.sources import MAX_HEIGHT, MAX_WIDTH, Picture

TITLE = "Ringfence"
POLL_MS = 40
"""How often the window looks for a picture: 25 a second."""
START_S = 10.0
"""How long a window may take to appear, on a busy machine."""
_READY = b"ready\n"


class Window:
    """A `VideoSink` that is a window; closing it ends the showing, not the call."""

    def __init__(self) -> None:
        """Open the window.

        Raises:
            MissingError: there is no display, or Python has no tkinter.
        """
        self.failure: str | None = None
        self._newest: Picture | None = None
        self._wanted = threading.Condition()
        self._closed = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "voip.media.ends.window"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # An installed version finds its packages by a path that we were given.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self._expect_ready()
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._thread.start()

    def show(self, picture: Picture) -> None:
        """See `VideoSink`."""
        with self._wanted:
            self._newest = picture
            self._wanted.notify()

    def close(self) -> None:
        """Close the window; a second call does nothing."""
        with self._wanted:
            self._closed = True
            self._wanted.notify()
        self._thread.join(timeout=1.0)
        self._process.kill()
        self._process.communicate()  # closes the pipes and takes the exit status

    def _expect_ready(self) -> None:
        assert self._process.stdout is not None
        late = threading.Timer(START_S, self._process.kill)
        late.start()
        try:
            ready = self._process.stdout.readline() == _READY
        finally:
            late.cancel()
        if not ready:
            self._process.kill()
            _, said = self._process.communicate()
            lines = said.decode("utf-8", "replace").strip().splitlines() or [
                "no answer"
            ]
            raise MissingError(f"cannot open a window: {lines[-1]}")

    def _feed(self) -> None:
        assert self._process.stdin is not None
        while True:
            with self._wanted:
                self._wanted.wait_for(lambda: self._closed or self._newest is not None)
                picture, self._newest = self._newest, None
            if self._closed or picture is None:
                return
            try:
                self._process.stdin.write(_ppm(picture))
                self._process.stdin.flush()
            except OSError:
                self.failure = "the window was closed"
                return


def _ppm(picture: Picture) -> bytes:
    """Write a picture as binary PPM (netpbm's ppm(5)), preceded by its length."""
    width, height = picture.width, picture.height
    plane = frame_of(picture).reformat(format="rgb24").planes[0]
    rows = memoryview(bytes(plane))
    pixels = b"".join(
        rows[start : start + 3 * width]
        for start in range(0, plane.line_size * height, plane.line_size)
    )
    ppm = b"P6 %d %d 255\n" % (width, height) + pixels
    return len(ppm).to_bytes(4, "big") + ppm


class _Newest:
    """The last picture that came on a pipe, read on a thread."""

    def __init__(self, pipe: BinaryIO) -> None:
        self.is_over = False
        self._pipe = pipe
        self._ppm: bytes | None = None
        threading.Thread(target=self._read, daemon=True).start()

    def take(self) -> bytes | None:
        ppm, self._ppm = self._ppm, None
        return ppm

    def _read(self) -> None:
        most = 3 * MAX_WIDTH * MAX_HEIGHT + 100
        while size := int.from_bytes(self._pipe.read(4), "big"):
            self._ppm = self._pipe.read(min(size, most))
        self.is_over = True


def _run() -> None:
    """Be the window, until the pipe ends."""
    try:
        tkinter: Any = importlib.import_module("tkinter")
        root = tkinter.Tk(className=TITLE)
    except ImportError:
        sys.exit("this Python has no tkinter")
    except Exception as error:  # noqa: BLE001 -- TclError has no type before the import
        sys.exit(str(error))
    root.title(TITLE)
    label = tkinter.Label(root, borderwidth=0, background="black")
    label.pack()
    newest = _Newest(sys.stdin.buffer)

    def look() -> None:
        if newest.is_over:
            root.destroy()
            return
        if (ppm := newest.take()) is not None:
            label.image = tkinter.PhotoImage(data=ppm, format="PPM")
            label.configure(image=label.image)
        root.after(POLL_MS, look)

    look()
    root.update()
    os.write(1, _READY)
    with contextlib.suppress(KeyboardInterrupt):  # it is for the call that opened us
        root.mainloop()


if __name__ == "__main__":
    _run()
