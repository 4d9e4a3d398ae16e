"""The demo for real: it proves what it says, and leaves nothing behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_DEMO = (str(Path(sys.executable).with_name("ringfence")), "demo")
_PATIENCE_S = 180  # the demo takes a minute at most; other tests may run beside it

_PROVEN = re.compile(r"^proven in \d+ s:$", re.MULTILINE)

Demo = subprocess.Popen[str]
Start = Callable[..., Demo]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts the demo, its scratch folder inside the test's."""
    (tmp_path / "scratch").mkdir()
    (tmp_path / "here").mkdir()
    started: list[Demo] = []

    def run(*arguments: str, before: tuple[str, ...] = ()) -> Demo:
        demo = subprocess.Popen(
            [*before, *_DEMO, *arguments],
            cwd=tmp_path / "here",
            env={**os.environ, "TMPDIR": str(tmp_path / "scratch")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(demo)
        return demo

    yield run
    for demo in started:
        demo.kill()
        demo.communicate()


def told(said: str) -> str:
    """Join the lines that a terminal's width cut."""
    return " ".join(said.split())


def left_running(scratch: Path) -> list[str]:
    """List the processes that work on files in a folder (Linux)."""
    commands = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # gone since
        if str(scratch) in command:
            commands.append(command)
    return commands


@pytest.mark.slow
@pytest.mark.timeout(_PATIENCE_S + 30)
def test_the_demo_proves_a_call_and_leaves_the_recordings(
    start: Start, tmp_path: Path
) -> None:
    demo = start("--only=call")
    said, complaints = demo.communicate(timeout=_PATIENCE_S)
    kept = tmp_path / "here" / "ringfence-demo-1"

    assert (demo.returncode, complaints) == (0, "")
    assert len(_PROVEN.findall(said)) == 1
    assert re.search(
        r"^  sound     .* correlation 0\.[89]\d+ at bob's", said, re.MULTILINE
    )
    assert "one size for each state of redundancy" in " ".join(said.split())
    assert sorted(path.name for path in kept.iterdir()) == [
        "heard-by-alice.wav",
        "heard-by-bob.wav",
        "seen-by-bob.mkv",
    ]
    assert [*(tmp_path / "scratch").iterdir()] == []


@pytest.mark.slow
@pytest.mark.timeout(_PATIENCE_S + 30)
def test_the_demo_proves_an_update_and_leaves_nothing(
    start: Start, tmp_path: Path
) -> None:
    demo = start("--only=update")
    said, complaints = demo.communicate(timeout=_PATIENCE_S)

    assert (demo.returncode, complaints) == (0, "")
    assert len(_PROVEN.findall(said)) == 1
    assert len(re.findall(r"^ +[a-z]+ +yes  ", said, re.MULTILINE)) == 18
    assert re.search(r"^ +cooldown +not yet +public for 0 s", said, re.MULTILINE)
    assert re.search(r"^ +health +no +tally 1\.2: the probe ended", said, re.MULTILINE)
    assert re.search(r"^ +consistency +NO +log .* signed two", said, re.MULTILINE)
    for sentence in (
        "her audit file has both: switch to 1.2, rollback from 1.2",
        "the witnesses sign no second history: state-lost",
        "anna builds 1.1 again: identical (in a sandbox of level ",
        "it claims: different (in a sandbox of level ",
        "verifies the evidence she sends him: fork",
        "a copy with one changed digit is rejected: the signature of",
    ):
        assert sentence in told(said)
    assert said.count("says: tally 1.1\n") == 3
    assert [*(tmp_path / "here").iterdir()] == [*(tmp_path / "scratch").iterdir()] == []


@pytest.mark.slow
@pytest.mark.timeout(_PATIENCE_S + 30)
def test_a_program_is_told_each_step_gate_and_fact(start: Start) -> None:
    demo = start("--only=update", "--json")
    said, _ = demo.communicate(timeout=_PATIENCE_S)
    events = [json.loads(line) for line in said.splitlines()]

    assert {each["event"] for each in events} == {"step", "gate", "proven"}
    assert set(events[-1]["gates"].values()) == {"yes"}
    assert "fork" in events[-1]["targeted"]


@pytest.mark.slow
@pytest.mark.timeout(_PATIENCE_S + 30)
def test_an_attacker_with_the_relay_and_stolen_keys_fails(
    start: Start, tmp_path: Path
) -> None:
    demo = start("--mitm")
    said, complaints = demo.communicate(timeout=_PATIENCE_S)

    assert (demo.returncode, complaints) == (0, "")
    assert "board: not signed by the board's key" in told(said)
    assert "board: a device that another identity signed for" in told(said)
    assert told(said).count("is told: BROKEN, the words differ") == 2
    assert told(said).count("BROKEN, the secret kept from the last call does not") == 2
    assert "the attacks failed:" in said
    assert [*(tmp_path / "here").iterdir()] == []


@pytest.mark.slow
@pytest.mark.timeout(_PATIENCE_S + 30)
def test_the_demo_needs_no_network_but_loopback(start: Start, tmp_path: Path) -> None:
    alone = ("unshare", "--net", "--map-root-user", "sh", "-c")
    up = 'ip link set lo up && exec "$@"'
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("needs the programs unshare and ip")
    if subprocess.run([*alone, up, "sh", "true"], check=False).returncode:
        pytest.skip("this system lets nobody make a network of their own")
    demo = start(f"--keep={tmp_path / 'kept'}", before=(*alone, up, "sh"))
    said, complaints = demo.communicate(timeout=_PATIENCE_S)

    assert (demo.returncode, complaints) == (0, "")
    assert len(_PROVEN.findall(said)) == 2


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("half", "until"), [("call", "it rings"), ("update", "tally 1.0 is public")]
)
def test_an_interrupted_demo_leaves_nothing_behind(
    start: Start, tmp_path: Path, half: str, until: str, how: signal.Signals
) -> None:
    demo = start(f"--only={half}")
    assert demo.stdout is not None
    while until not in demo.stdout.readline():
        assert demo.poll() is None
    demo.send_signal(how)
    demo.communicate(timeout=30)

    assert demo.returncode == 130
    assert left_running(tmp_path / "scratch") == []
    assert [*(tmp_path / "scratch").iterdir()] == []


def test_nothing_is_recorded_over(start: Start, tmp_path: Path) -> None:
    demo = start(f"--keep={tmp_path}")
    _, complaints = demo.communicate(timeout=30)

    assert (demo.returncode, complaints) == (
        1,
        f"ringfence: error: {str(tmp_path)!r} exists already\n",
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--mitm", "--keep=x"), "--mitm records nothing: leave --keep out"),
        (
            ("--only=update", "--keep=x"),
            "--only update records nothing: leave --keep out",
        ),
        (("--mitm", "--only=update"), "--mitm is about the call: leave --only out"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(
    start: Start, arguments: tuple[str, ...], sentence: str
) -> None:
    demo = start(*arguments)
    _, complaints = demo.communicate(timeout=30)

    assert (demo.returncode, complaints.splitlines()[0]) == (
        64,
        f"ringfence: error: {sentence}",
    )


def test_who_lacks_a_library_is_told_before_anything_plays() -> None:
    code = (
        "import sys; sys.modules['asn1crypto'] = None\n"
        "from cli.main import main; sys.exit(main(['demo']))"
    )
    command = [sys.executable, "-c", code]
    demo = subprocess.run(command, capture_output=True, text=True, check=False)

    sentence = (
        "the update needs: pip install 'ringfence[update,testing]'; without, there is"
        " --only call"
    )

    assert (demo.returncode, demo.stdout) == (69, "")
    assert demo.stderr == f"ringfence: error: {sentence}\n"
