"""Background checks: the texts, who is asked to run them, and that they go away."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from updater.errors import MissingError, StoreError
from updater.install.schedule import Schedule, cron_line, service_text, timer_text

COMMAND = ("/home/a b/ringfence", "update", "apply", "--scheduled")


class Machine:
    """Stands in for systemctl and crontab, and remembers."""

    def __init__(
        self,
        *,
        crontab: str | None = None,
        code: int = 0,
        without: str = "no crontab for user",
    ) -> None:
        self.asked: list[list[str]] = []
        self.crontab = crontab
        self._code = code
        self._without = without

    def run(self, command: Sequence[str], text: str) -> tuple[int, str]:
        self.asked.append(list(command))
        if command[:2] == ["crontab", "-l"]:
            return (1, self._without) if self.crontab is None else (0, self.crontab)
        if command[0] == "crontab":
            self.crontab = text
        return self._code, "Failed to connect to bus"


def _schedule(folder: Path, machine: Machine) -> Schedule:
    return Schedule(
        "ringfence",
        COMMAND,
        units=folder / "systemd/user",
        entropy=lambda size: b"\1" * size,
        run=machine.run,
    )


def test_the_service_runs_the_launcher_and_knows_what_is_no_failure() -> None:
    text = service_text("ringfence-update", COMMAND)

    assert 'ExecStart="/home/a b/ringfence" "update" "apply" "--scheduled"\n' in text
    assert "SuccessExitStatus=3 75\n" in text


def test_the_timer_runs_four_times_a_day_and_never_at_the_same_minute() -> None:
    text = timer_text("ringfence-update")

    assert "OnCalendar=*-*-* 00/6:00:00\n" in text
    assert "RandomizedDelaySec=10800\n" in text
    assert "Persistent=true\n" in text


def test_what_systemd_would_replace_is_quoted() -> None:
    assert r'ExecStart="/a\"b\\c%%d$$e"' in service_text("x", ['/a"b\\c%d$e'])


def test_what_a_shell_would_replace_is_quoted() -> None:
    line = cron_line("x", ["/a b/$c'd", "%"], 5, 7)
    command = line.partition(" * * * ")[2].replace(r"\%", "%")  # as cron does
    printed = subprocess.run(
        ["sh", "-c", command.replace("sleep 7 &&", "printf '%s|'")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert line.startswith("5 */6 * * * sleep 7 && ")
    assert printed == "/a b/$c'd|%|"


@pytest.mark.parametrize("word", ["a\nb", "a\0"])
def test_a_path_that_would_begin_a_line_is_refused(word: str) -> None:
    with pytest.raises(StoreError, match="without control characters"):
        service_text("x", [word])


def test_the_timer_is_written_and_started(tmp_path: Path) -> None:
    machine = Machine()
    _schedule(tmp_path, machine).use_timer()

    assert sorted(path.name for path in (tmp_path / "systemd/user").iterdir()) == [
        "ringfence-update.service",
        "ringfence-update.timer",
    ]
    assert machine.asked == [
        ["systemctl", "--user", "daemon-reload"],
        ["systemctl", "--user", "enable", "--now", "ringfence-update.timer"],
    ]


def test_without_systemd_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="daemon-reload: Failed to connect to bus"):
        _schedule(tmp_path, Machine(code=1)).use_timer()


def test_a_line_is_added_to_the_crontab_once(tmp_path: Path) -> None:
    machine = Machine(crontab="0 1 * * * backup\n")
    for _ in range(2):
        _schedule(tmp_path, machine).use_cron()

    assert machine.crontab is not None
    assert machine.crontab.count("\n") == 2
    assert machine.crontab.startswith("0 1 * * * backup\n17 */6 * * * sleep ")


def test_a_user_without_a_crontab_gets_one(tmp_path: Path) -> None:
    machine = Machine()
    _schedule(tmp_path, machine).use_cron()

    assert (machine.crontab or "").endswith("# ringfence-update\n")


def test_busybox_says_it_in_other_words(tmp_path: Path) -> None:
    said = "crontab: can't open 'user': No such file or directory"
    machine = Machine(without=said)
    _schedule(tmp_path, machine).use_cron()

    assert (machine.crontab or "").endswith("# ringfence-update\n")


def test_a_crontab_that_cannot_be_read_is_not_written_over(tmp_path: Path) -> None:
    machine = Machine(without="crontab: Input/output error")
    with pytest.raises(MissingError, match="crontab -l: crontab: Input/output error"):
        _schedule(tmp_path, machine).use_cron()

    assert machine.crontab is None


def test_cron_that_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="crontab: Failed"):
        _schedule(tmp_path, Machine(code=1)).use_cron()


def test_off_removes_what_was_made_and_nothing_else(tmp_path: Path) -> None:
    machine = Machine(crontab="0 1 * * * backup\n")
    schedule = _schedule(tmp_path, machine)
    schedule.use_timer()
    schedule.use_cron()
    schedule.off()

    assert list((tmp_path / "systemd/user").iterdir()) == []
    assert machine.crontab == "0 1 * * * backup\n"
    assert machine.asked[-3:-1] == [["crontab", "-l"], ["crontab", "-l"]]


def test_off_with_nothing_to_remove_stops_nothing(tmp_path: Path) -> None:
    machine = Machine()
    _schedule(tmp_path, machine).off()

    assert machine.asked == [["crontab", "-l"]]


def test_a_machine_without_either_program_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    schedule = Schedule("x", COMMAND, units=tmp_path / "units", entropy=bytes)
    schedule.off()

    with pytest.raises(MissingError, match="systemctl: No such file"):
        schedule.use_timer()
