"""Somebody who updates from a world: the real updater, on real files.

::

    client = Client(world, tmp_path)
    client.check(world)              # {} or {gate: code} of whatever refuses
"""

import copy
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.updater.places import APP, PLATFORM, PYTHON, place
from tests.updater.world import World
from updater.driver.conclusion import NOT_FETCHED, Report
from updater.driver.following import NOBODY, log_client
from updater.driver.session import Surroundings, begin
from updater.driver.settings import Settings
from updater.driver.update import Updater
from updater.fetch.fetch import Network
from updater.findings import Refusal, Result
from updater.gates.evidence import Wish
from updater.install.root import Root
from updater.transparency.client import LogClient

if TYPE_CHECKING:
    from updater.files import Files
    from updater.transparency.policy import Policy

HERE = Network(copies=True, loopback=True)


class Client:
    """A managed folder, a clock, and the folder that is served to it.

    `now` is the clock's, POSIX seconds; None follows the world that is looked at. With
    `is_there`, it goes on with a folder that another one made.
    """

    def __init__(self, world: World, folder: Path, *, is_there: bool = False) -> None:
        self.folder = folder
        self.now: float | None = None
        self.anchor = world.anchor
        self.settings = Settings()
        self.network = HERE
        self.own_policy: Policy | None = None
        self.files: Files | None = None
        self.bases: tuple[str, ...] = ()
        """Asked instead of the served folder."""
        self.is_copy = False
        self.seen = world.now
        if not is_there:
            begin(self.root, self.anchor)

    def copy(self, folder: Path) -> "Client":
        """Give a second one, which remembers the same."""
        shutil.copytree(self.folder, folder, symlinks=True)
        made = copy.copy(self)
        made.folder = folder
        return made

    @property
    def site(self) -> Path:
        """What is served to it."""
        return self.folder / "site"

    @property
    def root(self) -> Root:
        return place(self.folder / "root", now=self._clock, files=self.files)

    @property
    def given(self) -> Surroundings:
        """What its updater is given."""
        return Surroundings(
            network=self.network,
            platform=PLATFORM,
            repositories=self.bases or (f"file://{self.site}/",),
            is_copy=self.is_copy,
            python=PYTHON,
            settings=self.settings,
            own_policy=self.own_policy,
        )

    @property
    def updater(self) -> Updater:
        """The updater as a new process has it."""
        return Updater(self.root, self.anchor, self.given)

    @property
    def log(self) -> LogClient:
        """What it remembers of the log; nobody is asked."""
        root = self.root
        return log_client(root, self.anchor, NOBODY, NOBODY.trust_file)

    def start(self) -> str:
        """Start the program as a user does, and give what it prints."""
        command = [str(PYTHON), "-I", "-S", str(self.root.folder / APP.launcher_name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() or f"{done.returncode}: {done.stderr}"

    def see(self, world: World) -> "Client":
        """Be served this world, at its time."""
        world.write(self.site)
        self.seen = world.now
        return self

    def check(self, world: World | None = None, **wish: object) -> dict[str, str]:
        """Check, in a world or as it was left; gives the code of each gate's no."""
        if world is not None:
            self.see(world)
        return refusals(self.updater.check(Wish(**wish)).results)  # type: ignore[arg-type]  # any field

    def apply(self, world: World | None = None, **wish: object) -> Report:
        """Install what may be installed."""
        if world is not None:
            self.see(world)
        return self.updater.apply(Wish(**wish))  # type: ignore[arg-type]  # any field

    def _clock(self) -> float:
        return self.seen if self.now is None else self.now


def refusals(results: Sequence[Result]) -> dict[str, str]:
    """Give the code of each refusal by its gate, but for what is not fetched yet."""
    return {
        each.gate: each.outcome.code
        for each in results
        if isinstance(each.outcome, Refusal) and each.outcome.code != NOT_FETCHED
    }
