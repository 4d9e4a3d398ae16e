"""An index on loopback that offers `pebble`, and a workshop that rebuilds from it.

`pebble` brings its own backend, so that nothing but it has to be fetched; its wheel and
source archive are built here, by that backend, as its publisher would.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from reproducible.errors import IsolationError
from reproducible.fetch.cache import Cache
from reproducible.fetch.index import Index
from reproducible.fetch.installer import find_installer
from reproducible.fetch.simple import MEDIA_TYPE
from reproducible.inputs.recipe import Limits
from reproducible.pypi.resolve import Resolver
from reproducible.pypi.trying import Workshop
from reproducible.sandbox.choose import choose
from reproducible.sandbox.host import Host
from reproducible.sandbox.run import Site
from tests.reproducible.projects import EPOCH, write
from updater.fetch.fetch import Fetcher, Network
from updater.files import Files
from updater.testing.hostile import HostileServer, page

WHEEL: Final = "pebble-1.0-py3-none-any.whl"
SDIST: Final = "pebble-1.0.tar.gz"

_BACKEND: Final = """\
import base64, hashlib, os, time, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    about = "pebble-1.0.dist-info/"
    files = {
        "pebble.py": open("pebble.py", "rb").read(),
        about + "METADATA": b"Metadata-Version: 2.1\\nName: pebble\\nVersion: 1.0\\n",
        about + "WHEEL": b"Wheel-Version: 1.0\\nGenerator: own 1\\n",
    }
    rows = []
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
        rows.append("%s,sha256=%s,%d" % (name, digest.decode().rstrip("="), len(data)))
    files[about + "RECORD"] = "\\n".join([*rows, about + "RECORD,,", ""]).encode()
    when = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))[:6]
    name = "pebble-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, data in files.items():
            wheel.writestr(zipfile.ZipInfo(path, when), data)
    return name
"""

PEBBLE: Final[dict[str, bytes]] = {
    "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "backend"\n'
    b'backend-path = ["."]\n',
    "backend.py": _BACKEND.encode(),
    "pebble.py": b"SIZE = 3\n",
}


@dataclass
class Shelf:
    """An index that can be changed: its files by name, and what is said of them."""

    server: HostileServer
    files: dict[str, bytes]

    @property
    def index(self) -> str:
        return f"{self.server.url}simple/"

    def offer(self, **changes: Any) -> None:
        """Have the index offer its files; `changes` are said of each of them."""
        rows = []
        for name, data in self.files.items():
            self.server.behaviour[f"/files/{name}"] = page(data)
            row = {
                "filename": name,
                "url": f"../../files/{name}",
                "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
                "size": len(data),
                "upload-time": "2025-06-15T16:26:40Z",
            }
            rows.append(row | changes)
        listing = {"meta": {"api-version": "1.1"}, "name": "pebble", "files": rows}
        self.server.behaviour["/simple/pebble/"] = page(
            json.dumps(listing).encode(), Content_Type=MEDIA_TYPE
        )


@contextmanager
def shelf(folder: Path, source: Mapping[str, bytes] = PEBBLE) -> Iterator[Shelf]:
    """Publish a source and the wheel that PEBBLE gives."""
    with HostileServer(folder) as server:
        files = {WHEEL: _wheel(folder / "built"), SDIST: sdist(source)}
        one = Shelf(server, files)
        one.offer()
        yield one


def sdist(files: Mapping[str, bytes]) -> bytes:
    """Pack a source archive."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"pebble-1.0/{name}")
            info.size, info.mtime = len(data), EPOCH
            tar.addfile(info, io.BytesIO(data))
    return written.getvalue()


@contextmanager
def workshop(folder: Path, index: str, **changes: Any) -> Iterator[Workshop]:
    """Open a workshop; skips the test where no wall can be made."""
    host = Host.here()
    scratch = folder / "scratch"
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    pythons = host.interpreters()
    site = Site(host=host, interpreter=pythons[0], scratch=scratch, limits=Limits())
    try:
        choose(None, site)
    except IsolationError as error:
        pytest.skip(str(error))
    with Fetcher(Files(), Network(loopback=True)) as fetcher:
        said: dict[str, Any] = {
            "host": host,
            "level": None,
            "pythons": pythons,
            "scratch": scratch,
            "index": Index(fetcher, index),
            "resolver": Resolver(
                find_installer(), index, machine="x86_64", kept=folder / "uv"
            ),
            "cache": Cache(folder / "cache", Files()),
            "now": lambda: float(EPOCH),
        }
        yield Workshop(**(said | changes))


def _wheel(folder: Path) -> bytes:
    write(folder, PEBBLE)
    subprocess.run(
        [sys.executable, "-B", "-c", "import backend; backend.build_wheel('.')"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "SOURCE_DATE_EPOCH": str(EPOCH)},
        check=True,
    )
    return (folder / WHEEL).read_bytes()
