"""This program, as statements name it."""

import hashlib
import subprocess
from importlib.metadata import version
from pathlib import Path

from reproducible.drive.tool import this_program


def test_the_program_is_named_by_what_sha256sum_says_of_its_source() -> None:
    top = Path(__file__).parents[3]
    found = sorted(
        path.relative_to(top).as_posix()
        for package in ("reproducible", "updater")
        for path in (top / package).rglob("*.py")
    )
    said = subprocess.run(
        ["sha256sum", *found], cwd=top, capture_output=True, check=True
    ).stdout

    tool = this_program()

    assert tool.name == f"ringfence-{version('ringfence')}"
    assert tool.sha256 == hashlib.sha256(said).hexdigest()
