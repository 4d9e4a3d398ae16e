"""The program: its commands, and the one boundary where errors become exit codes.

A command parses, calls one library function and prints; there is no `try` in any.
Command modules are imported when asked for, so that help is there at once.
"""

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click
from click.shell_completion import get_completion_class, shell_complete

from cli import output, paths
from cli.codes import Code, judge
from cli.home import Home
from cli.lazy import LazyGroup
from reproducible.errors import RebuildError
from updater.errors import UpdateError
from voip.errors import CallError

_COMPLETE = "_RINGFENCE_COMPLETE"
_EXPECTED = (CallError, UpdateError, RebuildError, BrokenPipeError)

COMMANDS = {
    "identity": "Who you are to others: keys, card, backup.",
    "contact": "Who others are to you: cards, trust, safety numbers.",
    "call": "Call a contact, on all their devices.",
    "answer": "Wait for calls, and take them; also those that ask you into a room.",
    "listen": "Take calls without anybody's relay.",
    "calls": "List past and missed calls.",
    "paste": "Call without a relay, by texts that two people pass on.",
    "sound": "Choose microphone and speaker, and how your voice is treated.",
    "doctor": "See what this machine can do, and what a call would show.",
    "gateway": "People with a browser, a telephone, or in a room.",
    "relay": "Serve or check a relay, which carries what it cannot read.",
    "update": "Install new versions, when everything speaks for them.",
    "release": "Publish releases that nobody can aim at one person.",
    "log": "Write, witness and check the public log of releases.",
    "rebuild": "Build releases and packages again, compare bit for bit, say so.",
    "demo": "Watch an encrypted call and a verified update on this machine.",
    "completion": "Print the script that lets a shell complete commands.",
}
"""Name and first line of help; the command is ``cli.NAME.NAME``, or in this file."""

_STDERR = 2

_HIDDEN = frozenset({"conformance"})  # for other people's test suites


_EXTRAS = {
    "asn1crypto": "testing",
    "backports": "update",
    "baresip": "sip",
    "packaging": "rebuild",
    "pkcs11": "hsm",
    "prometheus_client": "gateway",
    "redis": "relay",
    "rfc8785": "update",
    "securesystemslib": "update",
    "segno": "gateway",
    "sigstore": "update",
    "tomli_w": "rebuild",
    "tuf": "update",
    "uv": "pypi",
    "uvloop": "relay",
}
"""What an import that a command needs comes with, where it is no dependency."""


class _Ringfence(LazyGroup):
    package = "cli"
    listed = COMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command, which has the command's name."""
        if cmd_name in _HIDDEN:
            return self.load(cmd_name)
        return super().get_command(ctx, cmd_name)

    def load(self, name: str, command: str = "") -> click.Command:
        """Import a module, and give its command of the same name."""
        return super().load(name, command or name)


@click.group(cls=_Ringfence, epilog="Example: ringfence identity create --alias alice")
@click.version_option(package_name="ringfence", message="ringfence %(version)s")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of your store.  [default: RINGFENCE_HOME, or the XDG data folder]",
)
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the store's passphrase from this file.",
)
@click.option(
    "--passphrase-fd",
    type=click.IntRange(min=0),
    help="Read the store's passphrase from this descriptor.",
)
@click.option("--keyring", is_flag=True, help="The system's keyring opens the store.")
@click.option("--verbose", is_flag=True, help="Show what the libraries log.")
@click.pass_context
def ringfence(  # noqa: PLR0913 - one argument for each option
    ctx: click.Context,
    *,
    home: Path | None,
    passphrase_file: Path | None,
    passphrase_fd: int | None,
    keyring: bool,
    verbose: bool,
) -> None:
    """Encrypted calls between people who hold keys, not numbers."""
    if sum([passphrase_file is not None, passphrase_fd is not None, keyring]) > 1:
        raise click.UsageError(
            "give one of --passphrase-file, --passphrase-fd and --keyring"
        )
    # Off by default: what libraries log names addresses, and scripts keep stderr.
    logging.basicConfig(level=logging.INFO if verbose else logging.CRITICAL)
    ctx.obj = Home(
        paths.home(home),
        passphrase_file=passphrase_file,
        passphrase_fd=passphrase_fd,
        keyring=keyring,
    )


@ringfence.command(epilog='Example: eval "$(ringfence completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that lets a shell complete commands."""
    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(ringfence, {}, "ringfence", _COMPLETE).source())


def main(args: Sequence[str]) -> int:
    """Run one command line and give its exit code."""
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks must not end the program.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # TextIO in the stubs, a TextIOWrapper here
    try:
        if request := paths.completion_request(_COMPLETE):
            return shell_complete(ringfence, {}, "ringfence", _COMPLETE, request)
        # click's own `main` would end with 1 on a broken pipe and 2 on wrong usage.
        with ringfence.make_context("ringfence", list(args)) as ctx:
            code = ringfence.invoke(ctx)
        sys.stdout.flush()
    except click.exceptions.Exit as wanted:  # --help and --version
        return wanted.exit_code
    except (KeyboardInterrupt, click.Abort):
        return Code.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the one boundary
        return _explain(error)
    return Code.DONE if code is None else int(code)


def _open_streams() -> None:
    """Put the null device where whoever started us closed a stream.

    A file that is opened later would get its number, and what is printed with it; and
    the crash for want of a stream would end with 1, which is an answer.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(opened, True)  # noqa: FBT003 - the library's
    os.close(opened)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            nowhere = Path(os.devnull).open(mode)  # noqa: SIM115 - open to the end
            setattr(sys, name, nowhere)


def _explain(error: Exception) -> int:  # noqa: PLR0911 - a table
    """Say on stderr what went wrong, and give the exit code for it."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.ctx.get_help(), err=True)
            return Code.USAGE
        case click.ClickException():
            ctx = error.ctx if isinstance(error, click.UsageError) else None
            hint = f"see '{ctx.command_path} --help'" if ctx else ""
            output.complain(_our_tone(error.format_message()), hint)
            return Code.USAGE
        case BrokenPipeError():
            # Who read our output has seen enough; nor may the flush at exit complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Code.INTERRUPTED
        case ExceptionGroup() if error.split(_EXPECTED)[1] is None:
            return _explain(error.exceptions[0])  # nothing in it but expected errors
        case ModuleNotFoundError() if extra := _extra_of(error):
            output.complain(
                f"expected the library {error.name}, found none",
                f"pip install 'ringfence[{extra}]'",
            )
            return Code.MISSING
        case CallError() | UpdateError() | RebuildError() if verdict := judge(error):
            output.complain(str(error), verdict.hint)
            return verdict.code
        case _:
            traceback.print_exception(error)
            output.complain(
                f"this is a bug in ringfence: {type(error).__name__}",
                "please report it, with the lines above",
            )
            return Code.BUG


def _extra_of(error: ModuleNotFoundError) -> str | None:
    """Name the extra of ours that a library comes with; None is our bug."""
    return _EXTRAS.get((error.name or "").partition(".")[0])


def _our_tone(sentence: str) -> str:
    """Write click's sentences as we write ours: lower case, no full stop."""
    return sentence[:1].lower() + sentence[1:].removesuffix(".")


def run() -> None:
    """Be the program `ringfence`; a version that was just installed proves itself."""
    here = Path(__file__)
    if paths.slot_root(here) is None:
        sys.exit(main(sys.argv[1:]))
    from updater.install.proving import Proving  # noqa: PLC0415 - most starts need it not

    with Proving.of(here) as proving:
        sys.exit(proving.ended(main(sys.argv[1:])))
