"""A town: a publisher of a program, its source in git, and people who rebuild it.

What is published is a `World` of the updater; what is built is `projects.tally` under
the name of the world's program, in a sandbox of this machine.
"""

import hashlib
import os
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from reproducible.builds.commit import build_commit
from reproducible.builds.workshop import Workshop
from reproducible.drive.finding import Signer
from reproducible.drive.rebuilding import rebuild_release
from reproducible.drive.telling import Told
from reproducible.fetch.cache import Cache, FolderSupply
from reproducible.sandbox.host import Host
from reproducible.sandbox.levels import Level
from tests.reproducible import projects
from tests.updater.clients import Client
from tests.updater.places import GOOD, PLATFORM
from tests.updater.transparency.claimants import OPERATOR_KEYS
from tests.updater.world import Release, World
from updater.driver.published import Releases, open_releases
from updater.files import Files
from updater.transparency.claims.parts import Resource
from updater.transparency.claims.release import Build, Source

TOOL = Resource(name="ringfence-0", sha256="7" * 64)
RECIPE, BUILD_LOCK = projects.RECIPE, projects.BUILD_LOCK
LEVEL: Level = 1
CLAIMED = "the claimed one"


def program(version: str, code: str = GOOD) -> dict[str, bytes]:
    """Give the source of the world's program, with a recipe for this platform."""
    files = {
        _named(path): _named(data.decode()).encode()
        for path, data in projects.tally(version).items()
    }
    return {**files, "app/main.py": code.replace("{version}", version).encode()}


def _named(text: str) -> str:
    return text.replace("tally", "app").replace(projects.PLATFORM, PLATFORM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A commit and the bundle that it builds; SHA-256 of tree, recipe and lock."""

    version: str
    commit: str
    bundle: bytes = field(repr=False)
    tree: str
    recipe: str
    lock: str


def disguised(bad: Made, good: Made) -> bytes:
    """Give the bundle of one source that says it was built from another."""
    inside = bad.bundle.replace(bad.commit.encode(), good.commit.encode())
    return inside.replace(bad.tree.encode(), good.tree.encode())


class Quarry:
    """A repository of sources, and what was built of them; each commit once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "source"
        self._made: dict[str, Made] = {}

    def commit(self, files: dict[str, bytes], tag: str | None = None) -> str:
        """Commit exactly these files."""
        return projects.commit(self.repository, files, tag=tag)

    def make(self, version: str, code: str = GOOD) -> Made:
        """Commit and build a version."""
        files = program(version, code)
        commit = self.commit(files, tag=f"v{version}")
        if commit not in self._made:
            out = self.folder / f"built-{commit}"
            built = build_commit(
                self.repository,
                commit,
                recipe=RECIPE,
                workshop=workshop(self.folder / "shop"),
                out=out,
            )
            made = next(x for x in built.result.outputs if x.kind == "bundle")
            self._made[commit] = Made(
                version=version,
                commit=commit,
                bundle=made.path.read_bytes(),
                tree=built.plan.source.tree_sha256 or "",
                recipe=hashlib.sha256(files[RECIPE]).hexdigest(),
                lock=hashlib.sha256(files[BUILD_LOCK]).hexdigest(),
            )
        return self._made[commit]


def workshop(
    folder: Path, *, now: float = projects.EPOCH, search: str | None = None
) -> Workshop:
    """Give a workshop; `search` is a PATH in the place of this machine's."""
    for name in ("scratch", "cache"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    projects.wheels_folder(folder / "wheels")
    return Workshop(
        host=Host(search=os.environ["PATH"] if search is None else search, home=folder),
        scratch=folder / "scratch",
        cache=Cache(folder / "cache", Files()),
        supplies=[FolderSupply(folder / "wheels", Files())],
        now=lambda: now,
        level=LEVEL,
    )


@dataclass
class Town:
    """A world, the source of what is published in it, and who looks at both."""

    world: World
    quarry: Quarry
    folder: Path
    search: str | None = None

    def __post_init__(self) -> None:
        self.client = Client(self.world, self.folder / "rebuilder")
        self.shop = workshop(
            self.folder / "shop", now=self.world.now, search=self.search
        )

    def publish(
        self,
        made: Made,
        bundle: bytes | None = None,
        *,
        repository: str = "https://git.example/app",
        **claimed: object,
    ) -> Release:
        """Publish a bundle, as if it were what was made; `claimed` changes `made`."""
        world, data = self.world, bundle or made.bundle
        said = {"commit": made.commit, "recipe": made.recipe, "lock": made.lock}
        said |= {name: str(value) for name, value in claimed.items()}
        world.list_release(made.version, data)
        leaf = world.claim(
            made.version,
            data,
            source=Source(
                repository=repository, commit=said["commit"], tag=f"v{made.version}"
            ),
            build=Build(
                recipe=said["recipe"],
                lock=said["lock"],
                image="0" * 64,
                source_date_epoch=projects.EPOCH,
            ),
        )
        release = world.log_release(made.version, data, leaf)
        world.offer(made.version)
        world.publish()
        return release

    def releases(self) -> AbstractContextManager[Releases]:
        """Open what is published now, as a rebuilder does."""
        client = self.client.see(self.world)
        return open_releases(client.root, client.anchor, client.given)

    def rebuild(
        self, version: str, operator: str = "anna", *, source: Path | str = ""
    ) -> Told:
        """Fetch a release and build it again."""
        with self.releases() as releases:
            published = releases.fetch(version, PLATFORM)
        return rebuild_release(
            published,
            self.shop,
            self.out(version, operator),
            source=None if source == CLAIMED else source or self.quarry.repository,
            signer=signer(operator),
        )

    def out(self, version: str, operator: str = "anna") -> Path:
        """Say where a rebuild leaves its files."""
        return self.folder / f"out-{operator}-{version}"

    def log(self, told: Told) -> None:
        """Have the publisher log what a rebuilder says, as he must."""
        assert told.leaf is not None
        self.world.submit(told.leaf)
        self.world.publish()


def signer(operator: str) -> Signer:
    """Give an operator of the world."""
    return Signer(
        operator=operator,
        machine=f"{operator}/1",
        tool=TOOL,
        key=OPERATOR_KEYS[operator],
    )
