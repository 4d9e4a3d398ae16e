"""Where things live. Nothing else reads the environment or knows a home folder."""

import os
from pathlib import Path


def home(given: Path | None = None) -> Path:
    """Give the folder with the store: `--home`, RINGFENCE_HOME, or the XDG data folder.

    It is data and not cache: emptying a cache must never look like a rollback.
    """
    if given is not None:
        return given
    if named := os.environ.get("RINGFENCE_HOME"):
        return Path(named)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "ringfence"


def store(home: Path) -> Path:
    """Give the sealed store of a home folder."""
    return home / "store.rfks"


def relay_database(home: Path) -> Path:
    """Give the database of a relay run from a home folder."""
    return home / "relay.sqlite"


def listener_database(home: Path) -> Path:
    """Give the database of the listener that a person runs from their home folder."""
    return home / "listener.sqlite"


def expand(text: str) -> Path:
    """Make a path that holds wherever the program is started next time."""
    return Path(text).expanduser().absolute()


def agent_socket() -> Path | None:
    """Give the socket of the running ssh-agent, if there is one."""
    named = os.environ.get("SSH_AUTH_SOCK")
    return Path(named) if named else None


def no_colour() -> bool:
    """Tell whether the user wants no colour anywhere (no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))


def completion_request(variable: str) -> str:
    """Give what a shell asks for when it completes a command line."""
    return os.environ.get(variable, "")
