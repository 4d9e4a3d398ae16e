"""Those who build a release again, for `ringfence demo`, and what they type."""

from dataclasses import dataclass
from pathlib import Path
from shutil import which

from cli.output import escape
from cli.stories import tally
from cli.stories.rehearsal import Person
from reproducible.errors import IsolationError, MissingError
from reproducible.inputs.recipe import Limits
from reproducible.sandbox.choose import choose
from reproducible.sandbox.host import Host
from reproducible.sandbox.run import Site
from updater.shape import unbase64
from updater.statement import MAX_ENVELOPE_BYTES
from updater.transparency.claims.rebuild import RebuildClaim
from updater.transparency.entry import parse_entry
from voip.errors import RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What somebody found, and where their statement lies.

    Attributes:
        level: how closed the sandbox was.
        difference: the first one, if there are any.
    """

    who: str
    verdict: str
    level: int
    difference: str
    statement: Path

    def __str__(self) -> str:
        """Say it in a few words."""
        words = f"{self.verdict} (in a sandbox of level {self.level})"
        return f"{words}, {escape(self.difference)}" if self.difference else words


def lacks_wall(folder: Path) -> str:
    """Say why nothing can be built in a sandbox here; empty where it can."""
    if which("git") is None:
        return "there is no git"
    host, scratch = Host.here(), folder / "wall"
    scratch.mkdir(mode=0o700)
    try:
        site = Site(
            host=host,
            interpreter=host.interpreters()[0],
            scratch=scratch,
            limits=Limits(),
        )
        choose(None, site)
    except (IsolationError, MissingError) as error:
        return f"no sandbox can be made: {error}"
    return ""


async def new_operator(person: Person) -> bytes:
    """Make the key of somebody who rebuilds; gives its public half, 32 bytes."""
    options = ("--out=key", "--insecure-plain-key", "--json")
    (said,) = await person.run("rebuild", "keygen", *options)
    return unbase64(str(said["key"]), "key")


async def build_again(person: Person, source: Path, version: str) -> Found:
    """Build a version on somebody's machine, and sign what comes of it.

    Who is nobody's operator signs with a new key, which counts for nobody.

    Raises:
        RefusedError: there was no verdict.
    """
    if not person.path("key").exists():
        await new_operator(person)
    out = person.path(f"rebuilt-{version}")
    async with person.start(
        *("rebuild", version, "--anchor=anchor", "--dev", f"--source={source}"),
        *("--attest=key", f"--operator={person.name}", f"--out={out}", "--json"),
    ) as program:
        code = await program.ended()
        name = tally.TALLY.artifact(version, tally.platform())
        statement = out / f"{name}.rebuild-{person.name}.claim.json"
        if not statement.exists():
            raise RefusedError(
                f"{person.name} found nothing, with code {code}: {program.complaint}"
            )
    data = statement.read_bytes()
    assert len(data) <= MAX_ENVELOPE_BYTES
    claim = parse_entry(data).claim
    assert isinstance(claim, RebuildClaim)
    return Found(
        who=person.name,
        verdict=claim.verdict,
        level=claim.environment.level,
        difference=next(iter(claim.comparison.differences or ()), ""),
        statement=statement,
    )
