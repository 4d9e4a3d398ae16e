"""What is updated: the names of a program and of its releases.

The updater serves any program whose releases are bundles of wheels; `RINGFENCE` is the
one that it is part of.
"""

import re
from dataclasses import dataclass
from typing import Final

from updater.errors import MalformedError

PLATFORM: Final = re.compile("cp3[0-9]{1,2}-[a-z]+-[a-z0-9_]+")
"""An interpreter, a system and a machine: ``cp311-linux-x86_64``."""

_LAUNCHERS_OWN: Final = "--self-test"


@dataclass(frozen=True, slots=True)
class Product:
    """A program that is updated."""

    name: str
    """Begins the names of its bundles, and is what its probe answers with."""
    project: str
    """Names it in channel files and claims (a package URL)."""
    module: str = "cli.main"
    """Its function `run` is the program."""
    probe: tuple[str, ...] = ("doctor", "--self-test")
    """Arguments with which it tests itself and prints its name and version."""
    launcher_name: str = "ringfence"
    """Name of the launcher, the file that a user starts."""
    confirms: bool = True
    """Whether it calls `updater.install.proving` when a start went well.

    For a program that does not, a good probe is all the proof there is.
    """

    def artifact(self, version: str, platform: str) -> str:
        """Name the bundle of a release."""
        return f"{self.name}-{version}-{platform}.tar"

    def target(self, version: str, platform: str) -> str:
        """Name the bundle of a release as the path of a TUF target."""
        return f"releases/{version}/{self.artifact(version, platform)}"


RINGFENCE: Final = Product("ringfence", "pkg:pypi/ringfence")


def check_probe(probe: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Expect arguments of a probe that reach the program.

    Raises:
        MalformedError: the launcher takes them for its own test, and answers itself.
    """
    if probe[:1] == (_LAUNCHERS_OWN,):
        raise MalformedError(
            f"{where}: {_LAUNCHERS_OWN} is the launcher's own, expected other arguments"
        )
    return probe


def platform_tag(minor: int, machine: str) -> str:
    """Name the platform of Python 3.`minor` on this kind of machine, on Linux."""
    return f"cp3{minor}-linux-{machine.lower()}"


def interpreter_tag(platform: str) -> str:
    """Give the part of a platform that names the interpreter: ``cp311``."""
    return platform.partition("-")[0]
