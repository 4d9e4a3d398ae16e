"""Where builds are made, and with what. Carrier."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reproducible.builds.plan import Plan, choose_interpreter
from reproducible.fetch.cache import Cache, Supply
from reproducible.sandbox.choose import Choice, choose
from reproducible.sandbox.host import Host
from reproducible.sandbox.levels import Level
from reproducible.sandbox.roots import unpack_root
from reproducible.sandbox.run import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What there is to build with.

    Attributes:
        scratch: a folder for what only lives during a run, closed to other users.
        supplies: where locked files may be had, asked in this order.
        now: gives POSIX seconds.
        level: of the sandbox; None is the most closed one that works here.
        root: the tar of the Debian root that recipes lock, for level 2.
        environment: the user's; what says how git reaches the network is taken from it.
        tell: is told in a few words what is being done.
    """

    host: Host
    scratch: Path
    cache: Cache
    supplies: Sequence[Supply]
    now: Callable[[], float]
    level: Level | None = None
    root: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    tell: Callable[[str], None] = field(default=lambda _: None)

    def sandbox(self, plan: Plan) -> Choice:
        """Make the sandbox for a plan, with the newest interpreter that it allows.

        Raises:
            InputError: the root is not the one that the recipe locks.
            IsolationError: there is none of this level, or any at all.
            MissingError: there is no such interpreter.
        """
        recipe = plan.recipe
        site = Site(
            host=self.host,
            interpreter=choose_interpreter(recipe, self.host.newest_first()),
            scratch=self.scratch,
            limits=recipe.limits,
            root=self._root(plan),
        )
        return choose(self.level, site)

    def _root(self, plan: Plan) -> Path | None:
        """Unpack the root of a plan, afresh for each run, from the bytes it locks."""
        if self.root is None or plan.root is None or self.level in {0, 1}:
            return None
        folder = self.scratch / f"root-{plan.root.tar_sha256}"
        if not folder.exists():
            part = Path(tempfile.mkdtemp(dir=self.scratch))
            unpack_root(self.root, plan.root, part).rename(folder)
        return folder
