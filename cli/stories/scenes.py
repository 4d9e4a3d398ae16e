"""What the stories share: telling, doing things at a time, and the steps of a call."""

import asyncio
import time
from collections.abc import Coroutine, Iterable, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any, TypeVar

from cli.output import show
from cli.stories.rehearsal import Event, Person, Program

_WIDTH = 71  # beside the time, in a terminal of 80 columns

_One = TypeVar("_One")
_Other = TypeVar("_Other")

SPEECH = Path(__file__).parent.with_name("demo_media")

CALL = ("--json", "--show-words", "--loopback")
"""What each call and each answer of a rehearsal is started with."""


class Teller:
    """Says what happens while it happens, with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    def __call__(self, what: str) -> None:
        """Say it."""
        at = self.seconds
        first, *more = wrap(what, _WIDTH, break_long_words=False)
        show(
            {"event": "step", "at": round(at, 1), "what": what},
            f"{at:5.1f} s  {first}",
            *(f"{'':9}{line}" for line in more),
        )

    def show(self, facts: Mapping[str, object], *lines: str) -> None:
        """Say more about what happened last, below it."""
        show(facts, *(f"{'':9}{line}" for line in lines))


async def both(
    one: Coroutine[Any, Any, _One], other: Coroutine[Any, Any, _Other]
) -> tuple[_One, _Other]:
    """Do two things at a time; if one fails, the other is given up."""
    async with asyncio.TaskGroup() as tasks:
        first, second = tasks.create_task(one), tasks.create_task(other)
    return first.result(), second.result()


async def several(things: Iterable[Coroutine[Any, Any, _One]]) -> list[_One]:
    """Do some things of a kind at a time; if one fails, the others are given up."""
    async with asyncio.TaskGroup() as tasks:
        done = [tasks.create_task(each) for each in things]
    return [each.result() for each in done]


async def introduce(folder: Path, relay: str) -> tuple[Person, Person]:
    """Make alice and bob, each with an identity and the other's card."""
    alice, bob = Person.move_in("alice", folder), Person.move_in("bob", folder)
    await both(_create(alice, relay), _create(bob, relay))
    await both(_write_card(alice), _write_card(bob))
    await both(_add(alice, bob), _add(bob, alice))
    return alice, bob


async def _create(person: Person, relay: str) -> None:
    # The least memory that is allowed: nobody guesses the passphrase of a demo.
    await person.run(
        *("identity", "create", f"--alias={person.name}"),
        *(f"--relay={relay}", "--kdf-mib=64", "--json"),
    )


async def _write_card(person: Person) -> None:
    (said,) = await person.run("identity", "card", "--json")
    person.path("card").write_text(str(said["card"]))


async def _add(person: Person, other: Person) -> None:
    await person.run("contact", "add", str(other.path("card")), "--json")


async def trust_in(person: Person, other: Person) -> Event:
    """See how far somebody trusts the other, in their store."""
    (said,) = await person.run("contact", "show", other.name, "--json")
    return said


async def call_log(person: Person) -> tuple[tuple[str, str], ...]:
    """Read somebody's call log: id and outcome of each call."""
    said = await person.run("calls", "--json")
    return tuple((str(call["call"]), str(call["outcome"])) for call in said)


async def reach(state: str, *programs: Program) -> None:
    """Wait until the call has come so far on every side."""
    for program in programs:
        await program.hear("state", where=lambda event: event["state"] == state)


async def words_of(program: Program) -> str:
    """Read the words off somebody's screen."""
    words = (await program.hear("words"))["words"]
    assert isinstance(words, list)
    return " ".join(words)


async def compare(program: Program, theirs: str) -> bool:
    """Pick what the other side reads out of four sets, or none; tells if it matched."""
    await program.order("choices")
    options = (await program.hear("choices"))["options"]
    assert isinstance(options, list)
    number = options.index(theirs) + 1 if theirs in options else 0
    await program.order(f"choose {number}")
    return bool((await program.hear("compared"))["matched"])
