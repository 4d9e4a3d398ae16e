"""Several updaters, starts and checks at once, on one folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.updater.clients import Client
from tests.updater.world import DAY, World, ready
from updater.errors import BusyError, UpdateError
from updater.gates.evidence import Wish
from updater.installed.audit import MAX_FILE_BYTES, read_chain


def world() -> World:
    """Give a project whose 1.1 may be installed."""
    made = ready()
    made.release("1.1")
    made.wait(8 * DAY)
    return made


@pytest.fixture
def client(tmp_path: Path) -> Client:
    client = Client(ready(), tmp_path / "client")
    client.apply(ready())
    return client.see(world())


def work(folder: str, task: str) -> None:
    """Be one of the processes, and say what came of it."""
    client = Client(ready(), Path(folder), is_there=True)
    client.seen = world().now
    try:
        run = client.updater.apply if task == "apply" else client.updater.check
        print(run(Wish()).kind)  # noqa: T201 - for the process that waits
    except UpdateError as error:
        print(type(error).__name__)  # noqa: T201 - likewise


def at_once(client: Client, *tasks: str) -> list[str]:
    """Run tasks at once, each in a process, and give what came of them."""
    code = f"import sys; from {__name__} import work; work(*sys.argv[1:])"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, client.folder, task],
            env={"PYTHONPATH": ":".join(filter(None, sys.path))},
            stdout=subprocess.PIPE,
            text=True,
        )
        for task in tasks
    ]
    return sorted(each.communicate()[0].strip() for each in running)


def assert_whole(client: Client) -> None:
    """Expect a chain of audit without a gap, up to what the state remembers."""
    root = client.root
    data = root.files.read(root.audit_file(), most=MAX_FILE_BYTES)
    _, head = read_chain(data, None)

    assert head == root.read().audit


def test_of_four_updaters_one_wins_and_nothing_breaks(client: Client) -> None:
    came = at_once(client, "apply", "apply", "apply", "apply")

    assert set(came) <= {"installed", "BusyError", "current"}
    assert came.count("installed") == 1
    assert client.start() == "1.1 runs"
    assert_whole(client)


def test_a_check_waits_for_nobody_and_breaks_nothing(client: Client) -> None:
    came = at_once(client, "check", "apply", "check")

    assert set(came) <= {"waiting", "installed", "BusyError", "current"}
    assert client.apply().kind in {"installed", "current"}
    assert client.start() == "1.1 runs"


def test_the_program_starts_while_an_updater_works(client: Client) -> None:
    with client.root.running():
        said = client.start()
        with pytest.raises(BusyError):
            client.updater.check(Wish())

    assert said == "1.0 runs"


def test_what_runs_is_not_taken_away_from_under_it(client: Client) -> None:
    slot = client.root.current()
    assert slot is not None
    with client.root.files.lock(client.root.slot_lock(slot), shared=True):
        client.apply()
        later = world()
        for version in ("1.2", "1.3"):
            later.release(version)
            later.wait(8 * DAY)
            client.apply(later)

        assert slot in client.root.complete()
