"""`ringfence demo`: a call and an update on this machine, looked at from all sides.

Nothing is staged: everybody has a home of their own and runs this program as separate
processes, with real sockets, files, codecs and clocks, on loopback only.
"""

import asyncio
import contextlib
import shutil
import signal
import tempfile
from collections.abc import Coroutine, Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TypeVar

import click

from cli.output import json_option, show
from cli.stories import call_proof, update_proof
from cli.stories.call import RECORDINGS, hold_a_call
from cli.stories.mitm import attack
from cli.stories.scenes import Teller
from voip.errors import MissingError, RefusedError

_Told = TypeVar("_Told")

_LIBRARIES = ("asn1crypto", "rfc8785", "sigstore", "tuf")
"""What the update takes besides the call: extras of ours."""


@click.command(epilog="Example: ringfence demo --keep recordings")
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    help="New folder for the recordings.  [default: ringfence-demo-1, -2, ...]",
)
@click.option("--only", type=click.Choice(["call", "update"]), help="Play one half.")
@click.option("--mitm", is_flag=True, help="Put an attacker with stolen keys between.")
@json_option
def demo(*, keep: Path | None, only: str | None, mitm: bool) -> None:
    """Watch an encrypted call and a verified update on this machine.

    Takes less than a minute, talks to nobody but itself, and leaves what was heard and
    seen for you to play. With --mitm, whoever runs the relay attacks the call, and
    nothing is left.
    """
    if (mitm or only == "update") and keep:
        what = "--mitm" if mitm else "--only update"
        raise click.UsageError(f"{what} records nothing: leave --keep out")
    if mitm and only == "update":
        raise click.UsageError("--mitm is about the call: leave --only out")
    if keep and keep.exists():
        raise RefusedError(f"{str(keep)!r} exists already")
    if mitm:
        with _scratch() as folder:
            _play(attack(folder, Teller()))
        return
    if only != "call" and any(find_spec(each) is None for each in _LIBRARIES):
        raise MissingError(
            "the update needs: pip install 'ringfence[update,testing]'; without, there"
            " is --only call"
        )
    if only != "update":
        _call(keep)
    if only != "call":
        _update()


def _call(keep: Path | None) -> None:
    """Play the call, say what was proven, and keep what was recorded."""
    tell = Teller()
    with _scratch() as folder:
        proof = _play(hold_a_call(folder, tell))
        kept = _keep(folder, keep)
    files = [str(kept / name) for name in RECORDINGS]
    show(
        {**call_proof.facts(proof, tell.seconds), "recordings": files},
        *call_proof.lines(proof, tell.seconds),
        f"to play   {files[0]}",
        *(f"          {name}" for name in files[1:]),
    )


def _update() -> None:
    """Play the update, and say what was proven."""
    from cli.stories.update import release_and_update  # noqa: PLC0415 - see above

    tell = Teller()
    with _scratch() as folder:
        proof = _play(release_and_update(folder, tell))
    show(
        update_proof.facts(proof, tell.seconds),
        *update_proof.lines(proof, tell.seconds),
    )


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ringfence-") as scratch:
        yield Path(scratch)


def _play(story: Coroutine[None, None, _Told]) -> _Told:
    """Play a story; a wish to stop is as good as Ctrl-C, and ends every process."""
    return asyncio.run(_until_told(story))


async def _until_told(story: Coroutine[None, None, _Told]) -> _Told:
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    return await story


def _keep(folder: Path, wanted: Path | None) -> Path:
    """Move the recordings to a fresh folder."""
    try:
        kept = _fresh(wanted)
        for name in RECORDINGS:
            shutil.move(folder / name, kept / name)
    except OSError as error:
        where = error.filename or wanted
        raise MissingError(
            f"cannot keep the recordings in {str(where)!r}: {error.strerror}"
        ) from error
    return kept


def _fresh(wanted: Path | None) -> Path:
    """Make the folder that was asked for, or one of the next free number."""
    if wanted is not None:
        wanted.mkdir(mode=0o700, parents=True)
        return wanted
    for number in count(1):
        with contextlib.suppress(FileExistsError):
            numbered = Path(f"ringfence-demo-{number}")
            numbered.mkdir(mode=0o700)
            return numbered
    raise AssertionError("there is always a next number")
