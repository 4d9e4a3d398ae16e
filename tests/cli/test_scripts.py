r"""Runs the program as a user does: each file in scripts/ is one session in a folder.

A script is a list of commands, then files inline, each after a line `-- name --`, or
`-- [name] --` for one without a newline at its end::

    ringfence ARGUMENTS     must succeed; `! ringfence …` must fail
    exit N                  the last command's exit code was N
    stdout 'REGEX'          the last command printed it; `! stdout …`: it did not
    stderr 'REGEX'          likewise on stderr
    stdin FILE              what the next command reads
    save FILE               keep what the last command printed
    cmp FILE FILE           both hold the same; `! cmp …`: they differ
    mode FILE 600           who may read it
    exists FILE             it is there; `! exists …`: it is not

`#` starts a comment, quotes are a shell's, `(?i)` and the like are re's, and ^ and $
match at each line.
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_SCRIPTS = sorted(Path(__file__).parent.glob("scripts/*.txt"))
_PROGRAM = Path(sys.executable).with_name("ringfence")


@pytest.mark.parametrize("script", _SCRIPTS, ids=lambda path: path.stem)
def test_script(script: Path, tmp_path: Path) -> None:
    commands, *files = re.split(r"(?m)^-- (\S+) --\n", script.read_text())
    for name, content in zip(files[::2], files[1::2], strict=True):
        path = tmp_path / name.strip("[]")
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_text(content[:-1] if name.startswith("[") else content)
        path.chmod(0o600)
    session = Session(tmp_path)
    for number, line in enumerate(commands.splitlines(), 1):
        words = shlex.split(line, comments=True)
        if words:
            assert session.obey(words), f"{script.name}:{number}: {line}\n{session}"


@pytest.mark.parametrize(
    "line",
    [
        "ringfence nonsense",
        "! ringfence --version",
        "exit 1",
        "stdout 'no such text'",
        "! stdout 'some text'",
        "stderr '.'",
        "cmp one other",
        "! cmp one one",
        "mode one 777",
        "exists nothing",
        "! exists one",
    ],
)
def test_the_runner_says_no(tmp_path: Path, line: str) -> None:
    (tmp_path / "one").write_text("1")
    (tmp_path / "other").write_text("2")
    session = Session(tmp_path, said={"stdout": "some text", "stderr": ""})

    assert not session.obey(shlex.split(line))


@dataclass
class Session:
    """One user in one folder, and what the last command said."""

    folder: Path
    stdin: bytes = b""
    code: int = 0
    said: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"exit {self.code}\n" + "\n".join(map(": ".join, self.said.items()))

    def obey(self, words: list[str]) -> bool:
        """Carry out one line; false where it does not hold."""
        match words:
            case ["!", *rest]:
                return not self.obey(rest)
            case ["ringfence", *arguments]:
                self.run(arguments)
                return self.code == 0
            case ["exit", number]:
                return self.code == int(number)
            case ["stdout" | "stderr" as stream, regex]:
                return re.search(regex, self.said[stream], re.MULTILINE) is not None
            case ["stdin", name]:
                self.stdin = (self.folder / name).read_bytes()
                return True
            case ["save", name]:
                return (self.folder / name).write_text(self.said["stdout"]) >= 0
            case ["cmp", one, other]:
                return self.read(one) == self.read(other)
            case ["mode", name, mode]:
                return (self.folder / name).stat().st_mode & 0o777 == int(mode, 8)
            case ["exists", name]:
                return (self.folder / name).exists()
            case _:
                raise AssertionError(f"no such script command: {words}")

    def read(self, name: str) -> bytes:
        """Read a file of this session."""
        return (self.folder / name).read_bytes()

    def run(self, arguments: list[str]) -> None:
        """Run the real program, with nothing in its environment but a home."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        done = subprocess.run(
            [_PROGRAM, *arguments],
            cwd=self.folder,
            env=environment,
            input=self.stdin,
            capture_output=True,
            timeout=30,
            check=False,
        )
        self.stdin = b""
        self.code = done.returncode
        self.said = {"stdout": done.stdout.decode(), "stderr": done.stderr.decode()}
