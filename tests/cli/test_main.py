"""The one boundary: every way a command can end becomes a line and a code."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner

from cli import main
from cli.codes import Code
from voip.errors import KeyReuseError, TrustError, UnreachableError

Failing = Callable[[BaseException], tuple[int, str]]


@pytest.fixture
def failing(capsys: pytest.CaptureFixture[str]) -> Iterator[Failing]:
    """Give a function that runs a command which raises; it gives code and stderr."""

    def run(error: BaseException) -> tuple[int, str]:
        @main.ringfence.command("fail")
        def fail() -> None:
            raise error

        return main.main(["fail"]), capsys.readouterr().err

    yield run
    del main.ringfence.commands["fail"]


@pytest.mark.parametrize("name", main.COMMANDS)
def test_help_says_of_a_command_what_the_command_says(name: str) -> None:
    command = main.ringfence.get_command(click.Context(main.ringfence), name)

    assert command is not None
    assert command.get_short_help_str(200) == main.COMMANDS[name]


@pytest.mark.parametrize("name", main.COMMANDS)
def test_no_summary_is_cut_on_a_terminal_of_80_columns(name: str) -> None:
    said = CliRunner().invoke(main.ringfence, [name, "--help"], terminal_width=80)

    assert said.exit_code == 0
    assert "..." not in said.output.partition("Commands:")[2]


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_help_ends_with_an_example(name: str) -> None:
    command = main.ringfence.get_command(click.Context(main.ringfence), name)
    assert command is not None
    leaves = command.commands.values() if isinstance(command, click.Group) else ()
    silent = [
        each.name
        for each in [command, *leaves]
        if not (each.epilog or "").startswith("Example: ")
    ]

    assert silent == []


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            UnreachableError("relay a:1: no answer in 10 s"),
            Code.UNREACHABLE,
            "relay a:1: no answer in 10 s\nringfence: hint: try again later\n",
        ),
        (
            ExceptionGroup("tasks", [UnreachableError("no relay")]),
            Code.UNREACHABLE,
            "no relay\nringfence: hint: try again later\n",
        ),
        (
            click.FileError("card", "not a card"),
            Code.USAGE,
            "could not open file 'card': not a card\n",
        ),
    ],
)
def test_each_expected_error_is_a_line_and_a_code(
    failing: Failing, error: BaseException, code: Code, said: str
) -> None:
    assert failing(error) == (code, f"ringfence: error: {said}")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_needs_no_words(failing: Failing, error: BaseException) -> None:
    assert failing(error) == (Code.INTERRUPTED, "")


@pytest.mark.parametrize(
    ("name", "extra"),
    [("tuf.api", "update"), ("rfc8785", "update"), ("pkcs11", "hsm")],
)
def test_a_library_that_is_missing_is_named_with_its_extra(
    failing: Failing, name: str, extra: str
) -> None:
    code, said = failing(ModuleNotFoundError(f"No module named {name!r}", name=name))

    assert code == Code.MISSING
    assert said == (
        f"ringfence: error: expected the library {name}, found none\n"
        f"ringfence: hint: pip install 'ringfence[{extra}]'\n"
    )


def test_broken_trust_points_at_the_contact(failing: Failing) -> None:
    code, said = failing(TrustError("words differ"))

    assert (code, "'ringfence contact show'" in said) == (Code.DISTRUST, True)


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), KeyReuseError("key used")])
def test_our_bug_is_told_from_every_verdict(failing: Failing, error: Exception) -> None:
    code, said = failing(error)

    assert (code, said.startswith("Traceback"), "please report it" in said) == (
        Code.BUG,
        True,
        True,
    )


_HELP = "['--help']"
_CALL = """['fail']
@ringfence.command()
def fail():
    try:
        print("news", flush=True)
    except OSError as error:
        raise ExceptionGroup("call", [ExceptionGroup("task", [error])]) from None
"""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_changes_no_exit_code(closed: str) -> None:
    """Python's own 1 for a crash would say that something differs, or is refused."""
    program = "from cli.main import run; run()"
    script = f'exec "$0" -c "$1" --help {closed}'
    ended = subprocess.run(
        ["/bin/sh", "-c", script, sys.executable, program],
        check=False,
        capture_output=True,
    )

    assert ended.returncode == Code.DONE


@pytest.mark.parametrize("what", [_HELP, _CALL])
def test_a_reader_that_goes_away_is_no_crash(what: str) -> None:
    begin = "import sys; from cli.main import ringfence, run; sys.argv[1:] = "
    program = f"{begin}{what}\nrun()"
    reader = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert reader.stdout is not None
    reader.stdout.close()
    _, said = reader.communicate()

    assert (reader.returncode, said) == (Code.INTERRUPTED, b"")
