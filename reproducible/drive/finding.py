"""What came of a rebuild, and what is signed about it."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reproducible.builds.plan import Plan
from reproducible.explain.explaining import Explained
from reproducible.record.attest import Facts
from reproducible.record.buildinfo import Buildinfo
from updater import shape
from updater.statement import FILE
from updater.transparency.claims import parts
from updater.transparency.claims.parts import Resource
from updater.transparency.claims.rebuild import MAX_TOOLS, Environment, Rebuilder
from updater.transparency.claims.release import ReleaseClaim


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of a rebuild; times are POSIX seconds.

    Attributes:
        plan: what was to be built; None where the source already was not as claimed.
        buildinfo: how the build went, or that there was none.
    """

    claim: ReleaseClaim
    explained: Explained
    plan: Plan | None
    buildinfo: Buildinfo
    started: int
    finished: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who says what was found.

    Attributes:
        operator: as policies name them.
        machine: one of their machines or accounts, as `anna/desk`: a later statement
            replaces those that the same one made before.
        tool: the program that rebuilds.
    """

    operator: str
    machine: str
    tool: Resource
    key: Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        """Hold to what a statement can say, before anything is built.

        Raises:
            MalformedError: nobody can have such a name.
        """
        shape.text(self.operator, "operator", parts.WORD)
        shape.text(self.machine, "id", FILE)


def facts_of(
    finding: Finding,
    signer: Signer,
    *,
    buildinfo: Resource,
    report: Resource,
) -> Facts:
    """Say what stands in a statement besides the comparison.

    `buildinfo` and `report` are files beside.
    """
    release, walls = finding.claim, finding.buildinfo.sandbox
    source = finding.plan.source if finding.plan else None
    tools = finding.plan.tools.lock.packages if finding.plan else ()
    return Facts(
        source=Resource(
            uri=release.source.repository,
            git_commit=release.source.commit,
            sha256=source.tree_sha256 if source else None,
        ),
        recipe=Resource(sha256=release.build.recipe),
        buildinfo=buildinfo,
        environment=Environment(
            finding.buildinfo.runtime.arch,
            walls.level,
            Resource(sha256=walls.root_sha256) if walls.root_sha256 else None,
        ),
        rebuilder=Rebuilder(
            id=signer.machine, operator=signer.operator, tool=signer.tool
        ),
        started_on=finding.started,
        finished_on=finding.finished,
        toolchain=tuple(
            Resource(name=each.wheel.file, sha256=each.wheel.sha256)
            for each in tools[:MAX_TOOLS]
        ),
        report=report,
    )
