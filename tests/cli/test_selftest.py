"""What a version does to show that it works."""

import subprocess
import sys
from importlib.metadata import version


def test_a_version_that_works_ends_with_its_name_and_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "doctor", "--self-test"],
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"},
    )

    assert done.stdout == f"ringfence {version('ringfence')}\n"
