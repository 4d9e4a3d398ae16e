"""Those around a release, for `ringfence demo`, and what they type."""

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from textwrap import wrap
from typing import Final

from cli.output import escape
from cli.stories import tally
from cli.stories.rehearsal import Person, run_program
from cli.stories.scenes import Teller
from cli.stories.update_proof import Answer, read_answer

AT: Final = ("--root=tally", "--dev", "--json")
"""Where carol's copy lives; --dev allows http, as all of it is on this machine."""

_WIDTH: Final = 48  # beside time, gate and answer, in a terminal of 80 columns
_ANSWERS: Final = {"not-yet": "not yet", "refused": "no", "misbehaviour": "NO"}


class People:
    """Everybody, with a home each."""

    def __init__(self, folder: Path) -> None:
        self.maintainer = Person.move_in("maintainer", folder)
        self.witnesses = [Person.move_in(each, folder) for each in ("w1", "w2", "w3")]
        self.operators = [Person.move_in(each, folder) for each in ("anna", "ben")]
        self.carol = Person.move_in("carol", folder)
        self.dave = Person.move_in("dave", folder)
        self.mallory = Person.move_in("mallory", folder)


def witness_name(witness: Person) -> str:
    """Give the name of a witness, as in its vkey."""
    return f"{witness.name}.example/bt"


async def serve_witnesses(
    witnesses: Mapping[str, tuple[Person, Path]], running: AsyncExitStack
) -> dict[str, str]:
    """Start witnesses by name, each by who runs it with which key; gives their URLs."""
    programs = {}
    for name, (person, key) in witnesses.items():
        db = person.path(f"{key.parent.name}.sqlite")
        command = (
            *("log", "witness", "serve", f"--name={name}", f"--key={key}"),
            *("--logs=policy", f"--db={db}", "--port=0", "--json"),
            "--tofu",  # the log is as new as they are
        )
        programs[name] = await running.enter_async_context(person.start(*command))
    return {
        name: str((await program.first())["url"]) for name, program in programs.items()
    }


async def ask_updater(carol: Person, command: str) -> Answer:
    """Run a command of `ringfence update`, which may end as it likes."""
    async with carol.start("update", command, *AT) as program:
        return read_answer(await program.ended(), program.said)


async def start_tally(carol: Person, tell: Teller) -> str:
    """Start the program as its user does; gives what it says of itself."""
    path = carol.path("tally") / tally.TALLY.launcher_name
    async with run_program("tally", str(path), cwd=carol.folder) as program:
        await program.expect(0)
    tell(f"carol starts tally, which says: {program.last_words}")
    return program.last_words


def read_changes(carol: Person, count: int) -> tuple[str, ...]:
    """Read the last changes of what runs out of carol's audit file."""
    rows = map(json.loads, carol.path("tally/audit.jsonl").read_text().splitlines())
    told = {"switch": "to", "rollback": "from"}
    changes = [
        f"{row['event']} {end} {row['data'][end].partition('-')[0]}"
        for row in rows
        if (end := told.get(row["event"]))
    ]
    return tuple(changes[-count:])


def show_gates(answer: Answer, tell: Teller, *says: str) -> None:
    """Show the gates that gave one of these answers."""
    for each in answer.gates:
        if each.says not in says:
            continue
        said = _ANSWERS.get(each.says, each.says)
        tell.show(
            {"event": "gate", "gate": each.name, "says": each.says, "text": each.text},
            *_row(each.name, said, escape(each.text)),
        )


def _row(name: str, said: str, text: str) -> list[str]:
    first, *more = wrap(
        text, _WIDTH, break_long_words=False, break_on_hyphens=False
    ) or [""]
    return [f"{name:12} {said:8} {first}", *(f"{'':22}{line}" for line in more)]
