"""Where the user of a call sees it and steers it: a screen, or lines.

Off a terminal each piece of news is a line, or with `--json` an object, and each line
of standard input an order. On a terminal one region is drawn again and again, and keys
are orders. The end of standard input ends nothing: a pipe may close early.
"""

import asyncio
import contextlib
import os
import select
import shutil
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import click

from cli.keyboard import Keyboard
from cli.orders import Misspelt, Order, parse_order
from cli.output import complain, is_for_programs, show
from cli.quality import Live
from cli.stage import Stage
from cli.view import Seen, noted, render
from voip.errors import MalformedError
from voip.news import Json

_CHUNK = 4096  # bytes; a line may come in several
_MAX_LINE = 8192  # bytes; the longest order is a text of 4000
_MAX_CHUNKS = 256  # unread, when nobody is in a call; what comes then is dropped
_STDOUT = 1
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"  # a long line ends at the edge


class Front(Protocol):
    """Shows a call."""

    def show(self, seen: Seen, facts: Json, *lines: str) -> None:
        """Show what happened: its facts for a program, or its lines for a person."""

    def refuse(self, seen: Seen, sentence: str) -> Seen:
        """Say that an order cannot be; gives what is seen then."""

    def draw(self, seen: Seen, now: float, live: Live | None) -> None:
        """Show the call as it stands, where that is a thing of its own."""

    def take(self, raw: bytes, seen: Callable[[], Seen]) -> Iterator[Order]:
        """Read orders from what was typed."""


@dataclass(frozen=True, slots=True)
class Console:
    """A front, and what is typed at it."""

    front: Front
    typed: asyncio.Queue[bytes]
    """In pieces as they come; an empty piece is the end of the input."""


@contextmanager
def open_console(stage: Stage | None = None) -> Iterator[Console]:
    """Open the console of this process; to be used in the event loop.

    Pictures appear on `stage`.
    """
    typed = read_input()
    if is_screen():
        with _key_by_key():
            try:
                yield Console(Screen(stage), typed)
            finally:
                if stage is not None:
                    stage.leave()
    else:
        yield Console(Lines(), typed)


def is_screen() -> bool:
    """Tell whether calls are drawn on a terminal."""
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return on_terminal and not is_for_programs()


class Lines:
    """One line, or one object, for each thing that happens."""

    def __init__(self) -> None:
        self._rest = b""

    def show(self, seen: Seen, facts: Json, *lines: str) -> None:  # noqa: ARG002 - the facts hold it
        """See `Front`."""
        show(facts, *lines)

    def refuse(self, seen: Seen, sentence: str) -> Seen:
        """See `Front`."""
        if is_for_programs():
            show({"event": "error", "sentence": sentence})
        else:
            complain(sentence)
        return seen

    def draw(self, seen: Seen, now: float, live: Live | None) -> None:
        """See `Front`; lines that were printed stand."""

    def take(self, raw: bytes, seen: Callable[[], Seen]) -> Iterator[Order]:  # noqa: ARG002 - for keys
        """See `Front`; the start of a line waits for its end."""
        *lines, self._rest = (self._rest + raw).split(b"\n")
        if len(self._rest) > _MAX_LINE:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            try:
                yield parse_order(line.decode(errors="replace"))
            except MalformedError as error:
                yield Misspelt(str(error))


class Screen:
    """One region at the bottom of a terminal, drawn again at each change.

    While the other side shows pictures, and there is a stage, all is drawn there.
    """

    def __init__(self, stage: Stage | None = None) -> None:
        self._stage = stage
        self._height = 0
        self._is_over = False
        self._keyboard = Keyboard()
        self._rest = b""

    def show(self, seen: Seen, facts: Json, *lines: str) -> None:
        """See `Front`; what happened is part of what is seen."""

    def refuse(self, seen: Seen, sentence: str) -> Seen:
        """See `Front`."""
        return noted(seen, f"not done: {sentence}")

    def draw(self, seen: Seen, now: float, live: Live | None) -> None:
        """See `Front`."""
        lines = render(seen, now, live=live, entry=self._keyboard.line)
        if self._stage is not None:
            if seen.sees_pictures and self._stage.draw(lines):
                return
            self._stage.leave()
        if seen.end is None and not _takes_output():
            return  # nobody shall be silent because a terminal was stopped
        if self._is_over and seen.end is None:
            self._height = 0  # what is over stays; the next call is drawn below
        self._is_over = seen.end is not None
        lines = lines[1 - shutil.get_terminal_size().lines :]  # or it would scroll
        up = f"\x1b[{self._height}A" if self._height else ""
        body = "".join(f"\r\x1b[K{line}\n" for line in lines)
        click.echo(f"{_NO_WRAP}{up}{body}\x1b[J{_WRAP}", nl=False, color=True)
        self._height = len(lines)

    def take(self, raw: bytes, seen: Callable[[], Seen]) -> Iterator[Order]:
        """See `Front`; a character may come in two pieces."""
        raw = self._rest + raw
        text = raw.decode(errors="ignore")
        whole = len(text.encode())
        self._rest = raw[whole:] if len(raw) - whole < 4 else b""
        for key in text:
            try:
                order = self._keyboard.press(key, seen())
            except MalformedError as error:
                order = Misspelt(str(error))
            if order is not None:
                yield order


def _takes_output() -> bool:
    """Tell whether the terminal takes more now, or is behind or stopped (Ctrl-S)."""
    return bool(select.select([], [_STDOUT], [], 0)[1])


def read_input() -> asyncio.Queue[bytes]:
    """Read standard input on a thread of its own: epoll refuses files.

    Gives what is typed in pieces as they come; an empty one is the end.
    """
    loop = asyncio.get_running_loop()
    typed: asyncio.Queue[bytes] = asyncio.Queue(_MAX_CHUNKS)

    def take(chunk: bytes) -> None:
        if not typed.full():
            typed.put_nowait(chunk)

    def read() -> None:
        # After the loop is closed there is nobody to tell; and a standard input that
        # was never open has nothing to say.
        with contextlib.suppress(RuntimeError, OSError):
            while chunk := os.read(0, _CHUNK):
                loop.call_soon_threadsafe(take, chunk)
            loop.call_soon_threadsafe(take, b"")

    threading.Thread(target=read, name="standard input", daemon=True).start()
    return typed


@contextmanager
def line_by_line() -> Iterator[None]:
    """Let the user of an open console type whole lines, within a block.

    A terminal shows and edits them itself then, as a shell's does.
    """
    if not is_screen():
        yield
        return
    before = termios.tcgetattr(0)
    lines = [*before]
    lines[3] |= termios.ICANON | termios.ECHO
    termios.tcsetattr(0, termios.TCSADRAIN, lines)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextmanager
def _key_by_key() -> Iterator[None]:
    """Take each key as it is pressed; the terminal is put back whatever happens."""
    before = termios.tcgetattr(0)
    tty.setcbreak(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
