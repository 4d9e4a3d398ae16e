"""Another program that uses the updater as a library, as docs/library-updates.md says.

It has its own name, project, module, launcher and anchor, and calls nothing of ours but
what the page shows.
"""

import os
from pathlib import Path

from tests.updater.places import PLATFORM, PYTHON, app_bundle
from tests.updater.world import DAY, World
from updater.driver.embedded import read_anchor, write_anchor
from updater.driver.session import Surroundings, begin
from updater.driver.update import Updater
from updater.fetch.fetch import Network
from updater.files import Files
from updater.gates.evidence import Wish
from updater.install.proving import Proving
from updater.install.root import Root

CONFIRMS = """\
import sys
from pathlib import Path

def run():
    if sys.argv[1:] == ["--probe"]:
        print("app {version}")
    else:
        print("{version} runs from", Path(__file__).parts[-4])
    return 0
"""


def updater_of(root: Root, anchor: Path, site: Path) -> Updater:
    """What such a program writes to get its updater."""
    given = Surroundings(
        network=Network(copies=True),
        platform=PLATFORM,
        repositories=(f"{site.as_uri()}/",),
        python=PYTHON,
    )
    return Updater(root, read_anchor(anchor), given)


def test_another_program_is_installed_and_updated(tmp_path: Path) -> None:
    world = World()
    anchor, site = tmp_path / "app" / "data", tmp_path / "site"
    write_anchor(anchor, world.anchor, Files())
    root = Root(tmp_path / "root", now=lambda: world.now, entropy=os.urandom)
    begin(root, read_anchor(anchor))

    for version in ("1", "2"):
        world.release(version, bundle=app_bundle(version, CONFIRMS))
        world.wait(10 * DAY)
        world.write(site)
        report = updater_of(root, anchor, site).apply(Wish(is_by_hand=True))

        assert report.kind == "installed"
        assert report.slot is not None
        assert report.slot.startswith(f"{version}-")

    assert [each.partition("-")[0] for each in root.complete()] == ["2", "1"]


def test_proving_outside_of_an_installation_does_nothing() -> None:
    with Proving.of(Path(__file__)) as proving:
        assert proving.ended(0) == 0
