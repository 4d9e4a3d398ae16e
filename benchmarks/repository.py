"""Asking a repository that has nothing new, against python-tuf's own client.

The bare run is an unmodified client on the same server and metadata, with the library's
fetcher, which knows no mirrors, checks no layout and never syncs a file.
"""

import tempfile
import time
from pathlib import Path

from tuf.ngclient import Updater

from benchmarks.figure import Figure, figure, race, ratios, repeated
from tests.updater.repositories import TufRepository
from updater.fetch.fetch import Fetcher, Network
from updater.files import Files
from updater.testing.hostile import HostileServer
from updater.tuf.layout import Anchor
from updater.tuf.repository import Repository, Site


def figures() -> list[Figure]:
    """Time a check that finds nothing new, and count what it asks for."""
    publisher = TufRepository(now=time.time())
    root = publisher.first_root
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        publisher.write(home / "served")
        (home / "bare").mkdir()
        with HostileServer(home / "served") as server:

            def ours() -> None:
                anchor = Anchor(root, time.time())
                sites = [Site.under(server.url)]
                with (
                    Fetcher(Files(), Network(loopback=True)) as fetcher,
                    Repository(home / "ours", fetcher, sites, anchor, Files()) as one,
                ):
                    one.refresh()

            def bare() -> None:
                address = server.url + "metadata/"
                Updater(str(home / "bare"), address, bootstrap=root).refresh()

            mine, theirs = race(repeated(ours), repeated(bare))
            server.asked.clear()
            ours()
            asked = [home / "served" / each.path[1:] for each in server.asked]
    sizes = [len(publisher.files.get(f"metadata/{each.name}", b"")) for each in asked]
    return [
        figure("check without news / bare ngclient", ratios(mine, theirs), bar=1.3),
        figure("requests for metadata then", [len(asked)], unit="", bar=2),
        figure("bytes of metadata then", [sum(sizes)], unit="B", bar=600),
    ]
