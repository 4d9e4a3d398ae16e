"""`tally`: a project that builds in a blink, with an in-tree backend (PEP 517).

Its toolchain lock is empty and its one dependency is a wheel made here, so building
wheel, sdist and bundle needs no download. `tally()` gives its files by path; change
them as a test needs, write them with `write` or `commit` them to a git repository.
"""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from updater.archive.packing import pure_wheel

EPOCH: Final = 1_750_000_000
"""When everything here was made and committed, in POSIX seconds."""
PLATFORM: Final = "cp311-linux-x86_64"
RECIPE: Final = "requirements/recipe.toml"
BUILD_LOCK: Final = "requirements/pylock.build.toml"
APP_LOCK: Final = f"requirements/pylock.app-{PLATFORM}.toml"

WORDS: Final = pure_wheel(
    "words", "2.1", {"words/__init__.py": b"WORDS = ('one', 'two')\n"}, epoch=EPOCH
)
"""File name and bytes of the wheel that tally depends on."""

_RECIPE: Final = f"""\
schema = "ringfence-recipe/1"
source = {{ type = "tree", subdir = "." }}
env = {{ python = ">=3.11", epoch = "commit" }}
toolchain = {{ lock = "{BUILD_LOCK}", backend = "backend", backend_path = ["build"] }}

[[output]]
kind = "wheel"
post = "canonical-wheel/1"

[[output]]
kind = "sdist"
post = "canonical-sdist/1"

[[output]]
kind = "bundle"
post = "bundle/1"
platform = "{PLATFORM}"
lock = "{APP_LOCK}"
"""

_PYPROJECT: Final = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["build"]

[project]
name = "tally"
version = "{version}"
"""

_BACKEND: Final = '''\
"""A build backend of the standard library alone; what it writes is not canonical."""

import base64
import hashlib
import io
import os
import tarfile
import zipfile

VERSION = "{version}"
METADATA = "Metadata-Version: 2.1\\nName: tally\\nVersion: " + VERSION + "\\n"
WHEEL = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"


def _files(folder):
    for above, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if each != "__pycache__")
        for name in sorted(names):
            yield os.path.join(above, name)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    about = "tally-" + VERSION + ".dist-info/"
    members = {{path: open(path, "rb").read() for path in _files("tally")}}
    members[about + "METADATA"] = METADATA.encode()
    members[about + "WHEEL"] = WHEEL.encode()
    rows = []
    for name, data in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
        rows.append("%s,sha256=%s,%d" % (name, digest.decode().rstrip("="), len(data)))
    rows.append(about + "RECORD,,\\n")
    members[about + "RECORD"] = "\\n".join(rows).encode()
    name = "tally-" + VERSION + "-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        for path, data in members.items():
            wheel.writestr(path, data)
    return name


def build_sdist(sdist_directory, config_settings=None):
    top = "tally-" + VERSION
    about = tarfile.TarInfo(top + "/PKG-INFO")
    about.size = len(METADATA)
    with tarfile.open(os.path.join(sdist_directory, top + ".tar.gz"), "w:gz") as sdist:
        for path in _files("."):
            if path != "./PKG-INFO":
                sdist.add(path, top + "/" + path[2:])
        sdist.addfile(about, io.BytesIO(METADATA.encode()))
    return top + ".tar.gz"
'''


def lock(wheels: Mapping[str, bytes]) -> bytes:
    """Write a lock (PEP 751) of wheels by file name, without addresses."""
    if not wheels:
        return b'lock-version = "1.0"\ncreated-by = "ringfence"\npackages = []\n'
    lines = ['lock-version = "1.0"', 'created-by = "ringfence"']
    for file, data in sorted(wheels.items()):
        project, version = file.split("-")[:2]
        digest = hashlib.sha256(data).hexdigest()
        lines += (
            "", "[[packages]]", f'name = "{project}"', f'version = "{version}"', "",
            "[[packages.wheels]]", f'name = "{file}"', f'path = "{file}"',
            f"size = {len(data)}", f'hashes = {{ sha256 = "{digest}" }}',
        )  # fmt: skip
    return "\n".join((*lines, "")).encode()


def tally(version: str = "1.0") -> dict[str, bytes]:
    """Give the files of the project by path."""
    return {
        "README.md": "Tally: counts wörds.\n".encode(),
        "build/backend.py": _BACKEND.format(version=version).encode(),
        "pyproject.toml": _PYPROJECT.format(version=version).encode(),
        APP_LOCK: lock(dict([WORDS])),
        BUILD_LOCK: lock({}),
        RECIPE: _RECIPE.encode(),
        "tally/__init__.py": b'"""Counts."""\n',
        "tally/main.py": b"def run() -> int:\n    return 0\n",
        "tally/w\u00f6rter.txt": b"eins\nzwei\n",
    }


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files into a folder, which is made; gives it back."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def commit(
    repository: Path,
    files: Mapping[str, bytes],
    *,
    when: int = EPOCH,
    tag: str | None = None,
) -> str:
    """Commit exactly these files to a repository, made if need be; gives the commit."""
    if not (repository / ".git").exists():
        repository.mkdir(parents=True, exist_ok=True)
        git(repository, "init", "-q", "-b", "main")
    git(repository, "rm", "-rq", "--cached", "--ignore-unmatch", ".")
    write(repository, files)
    git(repository, "add", "-f", "--", *files)
    git(repository, "commit", "-q", "--allow-empty", "-m", "a change", when=when)
    if tag is not None:
        git(repository, "tag", "-f", "-a", "-m", tag, tag, when=when)
    return git(repository, "rev-parse", "HEAD")


def git(repository: Path, *arguments: str, when: int = EPOCH) -> str:
    """Run git there as nobody in particular; gives what it says."""
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": f"{when} +0000",
        "GIT_COMMITTER_DATE": f"{when} +0000",
    }
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "t", f"GIT_{role}_EMAIL": "t@example.org"}
    done = subprocess.run(
        ["git", "-c", "core.autocrlf=false", *arguments],
        cwd=repository, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


def wheels_folder(folder: Path) -> Path:
    """Make a folder of files that holds what tally's locks name; gives it back."""
    return write(folder, dict([WORDS]))
