import subprocess
import sys
from pathlib import Path

import pytest

from tests.updater.clients import Client
from tests.updater.world import DAY, World
from updater.driver.standing import VERDICT, read_standing
from updater.errors import MissingError
from updater.install.root import Root

HEAVY = {"tuf", "sigstore", "securesystemslib", "backports.zstd", "compression.zstd"}


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """Somebody who installed 1.1."""
    world = World()
    world.release("1.1")
    world.wait(10 * DAY)
    client = Client(world, tmp_path)
    client.apply(world, is_by_hand=True)
    return client


def test_what_runs_and_what_was_found_is_known(client: Client) -> None:
    found = read_standing(client.root)

    assert (found.version, found.others) == ("1.1", ())
    assert found.verdict is not None
    assert found.verdict["kind"] == "installed"
    assert found.expires == client.seen + DAY


def test_without_a_run_little_is_known(tmp_path: Path) -> None:
    found = read_standing(Client(World(), tmp_path).root)

    assert (found.version, found.verdict, found.expires) == (None, None, None)


@pytest.mark.parametrize("data", [b"", b"[]", b"{"])
def test_a_report_that_was_damaged_is_none(client: Client, data: bytes) -> None:
    (client.root.folder / VERDICT).write_bytes(data)
    (client.root.folder / "tuf" / "timestamp.json").write_bytes(data)
    found = read_standing(client.root)

    assert (found.version, found.verdict, found.expires) == ("1.1", None, None)


def test_a_folder_that_was_never_made_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="expected a managed folder, found none"):
        read_standing(Root(tmp_path / "none", now=lambda: 0.0, entropy=bytes))


@pytest.mark.parametrize("words", ["update status --root {}", "--version"])
def test_looking_imports_nothing_heavy(client: Client, words: str) -> None:
    code = f"""
import sys
from cli.main import main
main({words.format(client.root.folder).split()!r})
print(*sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert HEAVY.isdisjoint(done.stdout.split())
