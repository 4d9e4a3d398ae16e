"""The commands that the documents show are commands of the program."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli import main

_ROOT = Path(__file__).parents[2]
_DOCUMENTS = sorted([*_ROOT.glob("*.md"), *_ROOT.glob("docs/*.md")])
_LONGEST_README = 150  # lines: what somebody reads before the first call
_every_document = pytest.mark.parametrize(
    "document", _DOCUMENTS, ids=lambda path: path.relative_to(_ROOT).as_posix()
)


def _blocks(document: Path) -> str:
    """Return what stands in fences, as one text."""
    return "\n".join(re.findall(r"(?ms)^```\w*\n(.*?)^```", document.read_text()))


def _shown(document: Path) -> list[str]:
    """Give the command lines of the program that are shown to be typed."""
    lines = [_arguments(line) for line in re.findall(r"\$ (.*)", _blocks(document))]
    return [line for line in lines if line]


def _arguments(line: str) -> str:
    """Cut out what follows the program's name, up to a pipe or a remark."""
    found = re.search(r"(?:^|[ /(])ringfence (.*?)(?=  |[|>&#)]|$)", line)
    return found[1] if found else ""


def _parse(words: list[str]) -> None:
    """Read a command line as the program does, and do nothing."""
    command: click.Command = main.ringfence
    context = command.make_context("ringfence", list(words))
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert found is not None
        command = found
        context = command.make_context(name, rest, parent=context)
    context.close()


def _is_known(said: str) -> bool:
    """Look whether there is such a command, and whether it has such options."""
    command: click.Command = main.ringfence
    for word in shlex.split(said.replace("VERSION", "1.0")):
        if word.startswith("--"):
            known = {flag for each in command.params for flag in each.opts}
            if word.partition("=")[0] not in {*known, "--help"}:
                return False
        elif isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            if found is None:
                return False
            command = found
    return True


@pytest.fixture(autouse=True)
def in_a_folder_with_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be where the files are that the commands read."""
    monkeypatch.chdir(tmp_path)
    cards = ("alice.card", "bob.card", "bob.txt", "alice.backup")
    gateways = ("pbx.account", "fullchain.pem", "privkey.pem", "janus.key")
    for name in (*cards, *gateways):
        (tmp_path / name).touch()
    (tmp_path / "log" / "public").mkdir(parents=True)
    (tmp_path / "app-anchor").mkdir()
    (tmp_path / "app").mkdir()
    (tmp_path / "dist" / "1.0").mkdir(parents=True)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "recipe.toml").touch()
    for name in ("build", "app-cp311-linux-x86_64"):
        (tmp_path / "requirements" / f"pylock.{name}.toml").touch()
    for folder in ("published", "rebuilt"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tally-1.0-py3-none-any.whl").touch()
    for name in ("claim.json", "successor.json", "policy", "trust.json", "app.tar"):
        (tmp_path / name).touch()
    for name in (
        "w1.key",
        "w2.key",
        "theirs",
        "logs",
        "checkpoint",
        "app.tar.claim.json",
        "app.tar.tlog-proof",
        "fork.json",
        "rebuilder.key",
        "pylock.names.toml",
    ):
        (tmp_path / name).touch()


@_every_document
def test_commands_shown_can_be_typed(document: Path) -> None:
    for line in _shown(document):
        _parse(shlex.split(line, comments=True))


def test_the_readme_shows_commands() -> None:
    assert len(_shown(_ROOT / "README.md")) > 5


@_every_document
def test_commands_named_in_a_sentence_exist(document: Path) -> None:
    said = re.findall(r"`ringfence ([^`]+)`", document.read_text())
    unknown = [each for each in said if not _is_known(each)]

    assert unknown == []


@pytest.mark.parametrize(
    "module", sorted((_ROOT / "cli").glob("*.py")), ids=lambda path: path.stem
)
def test_commands_named_in_notes_and_hints_exist(module: Path) -> None:
    said = re.findall(r"(?:['`(]|: )ringfence ([a-z][^'`\"\n{]*)", module.read_text())
    unknown = [each for each in said if not _is_known(each)]

    assert unknown == []


@_every_document
def test_targets_of_make_exist(document: Path) -> None:
    text = document.read_text()
    targets = set(re.findall(r"(?m)^([a-z-]+):", (_ROOT / "Makefile").read_text()))
    named = re.findall(r"`make ([a-z-]+)`", text)
    typed = re.findall(r"(?m)^\$ make ([a-z-]+)", _blocks(document))

    assert {*named, *typed} <= targets


def test_the_readme_is_short() -> None:
    lines = (_ROOT / "README.md").read_text().splitlines()

    assert len(lines) < _LONGEST_README


def _all_below(command: click.Command) -> Iterator[click.Command]:
    """Give a command and, if it is a group, every command of it."""
    yield command
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from _all_below(each)


@pytest.mark.parametrize("name", main.COMMANDS)
def test_the_example_of_each_help_can_be_typed(name: str) -> None:
    command = main.ringfence.get_command(click.Context(main.ringfence), name)
    assert command is not None
    for each in _all_below(command):
        example = _arguments(each.epilog or "")

        assert example
        _parse(shlex.split(example))
