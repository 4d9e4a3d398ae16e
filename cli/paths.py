"""Where things live. Nothing else reads the environment or knows a home folder."""

import os
import sys
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


def sound(home: Path) -> Path:
    """Give the file that says which microphone and speaker were chosen."""
    return home / "sound.json"


def relay_database(home: Path) -> Path:
    """Give the database of a relay run from a home folder."""
    return home / "relay.sqlite"


def update_root(home: Path) -> Path:
    """Give the managed folder of the updater that belongs to a home folder."""
    return home / "update"


def rebuild_root(home: Path, product: str) -> Path:
    """Give the managed folder in which a rebuilder, who installs nothing, remembers."""
    return home / "rebuild" / product


def rebuild_cache(home: Path) -> Path:
    """Give the folder of what rebuilds fetched and found out; it may be emptied."""
    return home / "cache" / "rebuild"


def has_true_colours() -> bool:
    """Tell whether the terminal says that it paints any colour, and not 256."""
    return os.environ.get("COLORTERM") in ("truecolor", "24bit")


def slot_root(module: Path) -> Path | None:
    """Give the managed folder of the version that a module belongs to, None without.

    It is `<folder>/versions/<slot>/lib/<package>/<module>.py`.
    """
    above = module.parents
    is_slot = len(above) > 4 and (above[2] / "tree.json").is_file()
    return above[4] if is_slot else None


def program() -> list[str]:
    """Give the command that starts this program, wherever it lies."""
    root = slot_root(Path(__file__))
    if root is not None:
        return [str(root / "ringfence")]
    return [sys.executable, "-m", "cli"]


def user_units() -> Path:
    """Give the folder of the user's own systemd units."""
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "systemd" / "user"


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
