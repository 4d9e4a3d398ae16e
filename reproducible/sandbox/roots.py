"""Debian roots for level 2: made, checked, unpacked.

Carrier. A root is made by mmdebstrap out of signed packages, which takes about 20 s and
the network; it is used by hash, so who only rebuilds needs neither.
"""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from reproducible.errors import InputError, MissingError
from reproducible.inputs.rootlock import RootLock
from reproducible.sandbox.debian import packages_of

MAKE_S: Final = 1800.0
UNPACK_S: Final = 300.0

_PARTS: Final = ("./usr", "./etc")  # all that level 2 mounts
_INDEX: Final = 'cat "$1"/var/lib/apt/lists/*_Packages'
_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
_SHOWN: Final = 500  # bytes of what a program said, the end


def make_root(suite: str, *, epoch: int, tar: Path) -> RootLock:
    """Make a root of a Debian release twice, and write it if both are the same bytes.

    Raises:
        MissingError: mmdebstrap or dpkg is not here.
        InputError: packages could not be had, or the two differ.
    """
    with tempfile.TemporaryDirectory(dir=tar.parent, prefix="root-") as folder:
        top = Path(folder)
        first, second = top / "1.tar", top / "2.tar"
        _make(suite, first, epoch=epoch, facts=top)
        _make(suite, second, epoch=epoch, facts=top)
        digest, other = _sha256(first), _sha256(second)
        if digest != other:
            raise InputError(f"root {suite}: made twice, came {digest} and {other}")
        lock = RootLock(
            suite=suite,
            arch=_run("dpkg", "--print-architecture").strip(),
            epoch=epoch,
            tool=_run("mmdebstrap", "--version").strip(),
            tar_sha256=digest,
            packages=packages_of(
                (top / "status").read_text(), (top / "index").read_text()
            ),
        )
        shutil.move(first, tar)
    return lock


def unpack_root(tar: Path, lock: RootLock, into: Path) -> Path:
    """Unpack the root of a lock into an empty folder, and give the folder.

    Only /usr and /etc are taken; owners are not kept, nor are bits that would make a
    program run as another user.

    Raises:
        InputError: it is not the file that was locked, or cannot be unpacked.
        MissingError: tar is not here.
    """
    if (came := _sha256(tar)) != lock.tar_sha256:
        raise InputError(f"{tar}: expected SHA-256 {lock.tar_sha256}, came {came}")
    options = ("--no-same-owner", "--no-same-permissions", f"--directory={into}")
    _run("tar", "--extract", *options, f"--file={tar}", *_PARTS, timeout_s=UNPACK_S)
    return into


def _make(suite: str, tar: Path, *, epoch: int, facts: Path) -> None:
    _run(
        "mmdebstrap",
        "--variant=essential",
        "--include=python3",
        f'--customize-hook=cp "$1"/var/lib/dpkg/status {facts}/status',
        f"--customize-hook={_INDEX} > {facts}/index",
        suite,
        str(tar),
        epoch=epoch,
    )


def _run(name: str, *arguments: str, timeout_s: float = MAKE_S, epoch: int = 0) -> str:
    program = shutil.which(name)
    if program is None:
        raise MissingError(f"expected {name}, found none; install the package {name}")
    try:
        done = subprocess.run(  # noqa: S603 - a program of this machine
            [program, *arguments],
            capture_output=True,
            check=True,
            timeout=timeout_s,
            env={"PATH": _PATH, "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"{name}: took more than {timeout_s:g} s") from None
    except subprocess.CalledProcessError as error:
        said = bytes(error.stderr)[-_SHOWN:].decode(errors="replace").strip()
        raise InputError(f"{name}: ended with {error.returncode}: {said!r}") from None
    return done.stdout.decode(errors="replace")


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
