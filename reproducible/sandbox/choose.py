"""Which sandbox this machine can make: the most closed one whose probe passes.

Carrier.
"""

from dataclasses import dataclass

from reproducible.errors import IsolationError, NoWallError
from reproducible.sandbox.levels import LEVELS, Level
from reproducible.sandbox.probe import Facts
from reproducible.sandbox.run import Sandbox, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A sandbox that works, and why it is not a more closed one.

    Attributes:
        facts: what its probe found.
        fallen: one sentence per level that was tried in vain.
    """

    sandbox: Sandbox
    facts: Facts
    fallen: tuple[str, ...]


def choose(wanted: Level | None, site: Site) -> Choice:
    """Make the wanted sandbox, or the most closed one that works here.

    Level 2 is only tried where the site has a root.

    Raises:
        IsolationError: no wall of the asked height, or any at all, with what to
            install; or a wall that has a hole, which is never passed over.
    """
    fallen: list[str] = []
    for level in LEVELS if wanted is None else (wanted,):
        if level == 2 and site.root is None and wanted is None:
            continue
        sandbox = Sandbox(level, site)
        try:
            facts = sandbox.probe().facts
        except NoWallError as error:
            fallen.append(str(error))
        else:
            return Choice(sandbox=sandbox, facts=facts, fallen=tuple(fallen))
    raise IsolationError("; ".join(fallen))
