"""Processes of a rehearsal: what they say, how they end, and that they do."""

import asyncio
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from cli.stories.rehearsal import Person, Program, run_module, run_program
from voip.errors import RefusedError

_FAILURE = 'raise SystemExit("ringfence: error: no such relay")'
_SLEEPER = """
import os, time
print('{"event": "up", "pid": %d}' % os.getpid(), flush=True)
time.sleep(60)
"""

Play = Callable[[str], AbstractAsyncContextManager[Program]]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Give a function that runs a text as a module."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def run(text: str) -> AbstractAsyncContextManager[Program]:
        (tmp_path / "player.py").write_text(text)
        return run_module("player", "player", cwd=tmp_path)

    return run


async def test_an_event_may_have_come_before_it_is_waited_for(play: Play) -> None:
    async with play(
        'print(\'{"event": "a", "n": 1}\', \'{"event": "a", "n": 2}\', sep="\\n")\n'
    ) as program:
        await program.ended()
        event = await program.hear("a", where=lambda it: it["n"] == 2)

    assert event == {"event": "a", "n": 2}


async def test_what_is_ordered_arrives_as_a_line(play: Play) -> None:
    async with play('print(\'{"event": "%s"}\' % input())\n') as program:
        await program.order("mute")

        assert await program.first() == {"event": "mute"}


async def test_the_last_words_of_a_program_are_the_last_that_are_no_event(
    tmp_path: Path,
) -> None:
    say = ("sh", "-c", "echo one; echo two; echo '{}'")
    async with run_program("a program", *say, cwd=tmp_path) as program:
        await program.expect(0)

    assert program.last_words == "two"


async def test_a_program_that_says_nothing_has_no_last_words(tmp_path: Path) -> None:
    async with run_program("a program", "true", cwd=tmp_path) as program:
        await program.expect(0)

    assert not program.last_words


async def test_a_process_that_died_is_quoted(play: Play) -> None:
    async with play(_FAILURE) as program:
        with pytest.raises(RefusedError) as raised:
            await program.hear("listening")

    assert str(raised.value) == (
        "player: ended with exit code 1 before it said 'listening'; "
        "its last words: ringfence: error: no such relay"
    )


async def test_a_process_that_died_silently_is_told(play: Play) -> None:
    async with play("") as program:
        with pytest.raises(RefusedError) as raised:
            await program.first()

    assert str(raised.value) == (
        "player: ended with exit code 0 before it said anything"
    )


async def test_another_exit_code_is_told(play: Play) -> None:
    async with play("raise SystemExit(4)\n") as program:
        with pytest.raises(RefusedError) as raised:
            await program.expect(0)

    assert str(raised.value) == "player: expected exit code 0, came 4"


async def test_the_error_of_a_process_is_known(play: Play) -> None:
    async with play(_FAILURE) as program:
        await program.ended()

    assert program.complaint == "no such relay"


async def test_an_order_to_a_dead_process_is_refused(play: Play) -> None:
    async with play("") as program:
        await program.ended()
        with pytest.raises(RefusedError, match="before it could be told 'mute'"):
            await program.order("mute")


async def test_no_process_outlives_its_block(play: Play) -> None:
    async with play(_SLEEPER) as program:
        pid = (await program.hear("up"))["pid"]
        assert isinstance(pid, int)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_cancelled_rehearsal_leaves_no_process(play: Play) -> None:
    up: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def rehearse() -> None:
        async with play(_SLEEPER) as program:
            up.set_result(int(str((await program.hear("up"))["pid"])))
            await program.hear("nothing of the kind")

    rehearsal = asyncio.create_task(rehearse())
    pid = await up
    rehearsal.cancel()
    await asyncio.wait([rehearsal])

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_what_is_no_json_is_quoted_as_well(play: Play) -> None:
    async with play("print('Segmentation fault')") as program:
        with pytest.raises(RefusedError, match="last words: Segmentation fault"):
            await program.first()


async def test_a_person_runs_the_program_with_a_home_of_their_own(
    tmp_path: Path,
) -> None:
    alice = Person.move_in("alice", tmp_path)
    await alice.run("identity", "create", "--alias=alice", "--kdf-mib=64", "--json")
    (said,) = await alice.run("identity", "show", "--json")

    assert (said["alias"], alice.path("home").exists()) == ("alice", True)
