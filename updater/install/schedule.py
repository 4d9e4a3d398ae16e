"""Background checks, by the timer or the cron of the user; only when asked for.

Carrier. The timer spreads its runs over three hours, and cron sleeps a random while, so
that neither a mirror nor somebody who watches it learns anything from the minute.
"""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from updater.errors import MissingError, StoreError, UnreachableError
from updater.files import Files

EVERY_H: Final = 6
SPREAD_S: Final = 3 * 3600
"""Longest delay of a run: long enough to hide in, short against the six hours."""

_WAIT_S: Final = 30.0  # systemctl and crontab answer at once, or hang
_WAITING, _NOT_ASKED = 3, 75  # exit codes that mean: nothing is wrong, another time
_NO_CRONTAB: Final = ("no crontab", "no such file")
"""In what `crontab -l` says of a user without one: Vixie's and cronie; busybox."""

Run = Callable[[Sequence[str], str], "tuple[int, str]"]
"""Runs a command with this input; gives its exit code and output."""

_SERVICE: Final = """\
[Unit]
Description=Update of {name}

[Service]
Type=oneshot
ExecStart={command}
SuccessExitStatus={waiting} {not_asked}
"""
_TIMER: Final = """\
[Unit]
Description=Update of {name}, four times a day

[Timer]
OnCalendar=*-*-* 00/{hours}:00:00
RandomizedDelaySec={spread}
Persistent=true

[Install]
WantedBy=timers.target
"""


def service_text(name: str, command: Sequence[str]) -> str:
    """Write the systemd service that runs `command`."""
    return _SERVICE.format(
        name=name,
        command=" ".join(_for_systemd(word) for word in command),
        waiting=_WAITING,
        not_asked=_NOT_ASKED,
    )


def timer_text(name: str) -> str:
    """Write the systemd timer that starts the service."""
    return _TIMER.format(name=name, hours=EVERY_H, spread=SPREAD_S)


def cron_line(name: str, command: Sequence[str], minute: int, sleep_s: int) -> str:
    """Write the line of a crontab; it ends with a mark by which it is found again."""
    words = " ".join(_for_cron(word) for word in command)
    return f"{minute} */{EVERY_H} * * * sleep {sleep_s} && {words} {_mark(name)}"


class Schedule:
    """Background runs of one program's updater, for the user that runs this.

    `units` is the folder of the user's systemd units; `entropy` gives random bytes.
    A program that does not answer in time is an `UnreachableError` of each method.
    """

    def __init__(  # noqa: PLR0913 - the last two have defaults, for tests
        self,
        name: str,
        command: Sequence[str],
        *,
        units: Path,
        entropy: Callable[[int], bytes],
        run: Run | None = None,
        files: Files | None = None,
    ) -> None:
        self._name = f"{name}-update"
        self._command = command
        self._units = units
        self._entropy = entropy
        self._run = run or _run
        self._files = files or Files()

    def use_timer(self) -> None:
        """Write the units and start the timer.

        Raises:
            MissingError: there is no systemd for users.
            StoreError: the units cannot be written.
        """
        self._files.make_folder(self._units)
        for path, text in self._texts().items():
            self._files.replace(path, text.encode(), 0o644)
        self._systemctl("daemon-reload")
        self._systemctl("enable", "--now", f"{self._name}.timer")

    def use_cron(self) -> None:
        """Add a line to the user's crontab, or put it in the place of the former.

        Raises:
            MissingError: there is no cron, or it refuses this user.
        """
        minute = int.from_bytes(self._entropy(2), "big") % 60
        sleep_s = int.from_bytes(self._entropy(4), "big") % SPREAD_S
        line = cron_line(self._name, self._command, minute, sleep_s)
        self._write_crontab([*self._other_lines(), line])

    def off(self) -> None:
        """Stop and remove what either of the two made; all right if there is nothing.

        Raises:
            MissingError: there are units, but no systemd to stop them; or a crontab
                that cannot be read.
            StoreError: the units cannot be removed.
        """
        paths = [path for path in self._texts() if path.exists()]
        if paths:
            self._systemctl("disable", "--now", f"{self._name}.timer")
            for path in paths:
                self._files.remove(path)
            self._systemctl("daemon-reload")
        lines = self._crontab()
        if any(line.endswith(_mark(self._name)) for line in lines):
            self._write_crontab(self._other_lines())

    def _texts(self) -> dict[Path, str]:
        return {
            self._units / f"{self._name}.service": service_text(
                self._name, self._command
            ),
            self._units / f"{self._name}.timer": timer_text(self._name),
        }

    def _systemctl(self, *words: str) -> None:
        code, said = self._run(["systemctl", "--user", *words], "")
        if code != 0:
            raise MissingError(f"systemctl --user {words[0]}: {_last_line(said)}")

    def _crontab(self) -> list[str]:
        """Read the user's crontab; a user without one has no lines.

        Raises:
            MissingError: there may be one, and it cannot be read: what is written in
                its place would lose its lines.
        """
        try:
            code, said = self._run(["crontab", "-l"], "")
        except MissingError:
            return []
        if code == 0:
            return said.splitlines()
        if any(words in said.lower() for words in _NO_CRONTAB):
            return []
        raise MissingError(f"crontab -l: {_last_line(said)}")

    def _other_lines(self) -> list[str]:
        mark = _mark(self._name)
        return [line for line in self._crontab() if not line.endswith(mark)]

    def _write_crontab(self, lines: Sequence[str]) -> None:
        text = "".join(f"{line}\n" for line in lines)
        code, said = self._run(["crontab", "-"], text)
        if code != 0:
            raise MissingError(f"crontab: {_last_line(said)}")


def _mark(name: str) -> str:
    return f"# {name}"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["failed"])[-1]


def _for_systemd(word: str) -> str:
    """Quote a word as systemd.syntax(7) says; percent and dollar have a meaning."""
    _check_plain(word)
    quoted = word.replace("\\", r"\\").replace('"', r"\"")
    return '"' + quoted.replace("%", "%%").replace("$", "$$") + '"'


def _for_cron(word: str) -> str:
    """Quote a word for a shell in a crontab (crontab(5)), where % is a line feed."""
    _check_plain(word)
    return "'" + word.replace("'", "'\\''").replace("%", r"'\%'") + "'"


def _check_plain(word: str) -> None:
    if not word.isprintable():
        raise StoreError(f"{word!r}: expected a path without control characters")


def _run(command: Sequence[str], text: str) -> tuple[int, str]:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, found on the user's path
            command,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_WAIT_S,
            check=False,
        )
    except OSError as error:
        raise MissingError(f"{command[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        raise UnreachableError(f"{command[0]}: no answer in {_WAIT_S:g} s") from None
    return done.returncode, done.stdout
