"""What this machine has: helper programs, interpreters.

Carrier.
"""

from pathlib import Path

from reproducible.sandbox.levels import Interpreter, Programs


class Host:
    """This machine, as `search` (a PATH) and `home` show it."""

    def __init__(self, *, search: str, home: Path) -> None:
        self.search = search
        self.home = home

    @classmethod
    def here(cls) -> "Host":
        """Take PATH and home of who runs this."""
        raise NotImplementedError

    def programs(self) -> Programs:
        """Look for the programs that make walls."""
        raise NotImplementedError

    def namespaces(self) -> dict[str, str]:
        """Say in which namespaces this process runs."""
        raise NotImplementedError

    def interpreters(self) -> tuple[Interpreter, ...]:
        """List every CPython from 3.7 on, the newest first; each version once.

        The running one is preferred to others of its minor version, then PATH, then
        those that pyenv and uv keep in the home folder.
        """
        raise NotImplementedError


def root_interpreter(root: Path) -> Interpreter:
    """Find the interpreter of an unpacked Debian root.

    Raises:
        MissingError: it has none.
    """
    raise NotImplementedError
