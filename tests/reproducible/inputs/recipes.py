"""Recipes to try: one of each type of source, with every key that it can have."""

from dataclasses import replace
from typing import Final

from reproducible.inputs.recipe import (
    Env,
    Exemption,
    Limits,
    OutputSpec,
    Recipe,
    Source,
    Toolchain,
)

PLATFORM: Final = "cp312-linux-x86_64"
OWN: Final = Recipe(
    source=Source(),
    env=Env(python=">=3.11,<3.15"),
    toolchain=Toolchain(
        lock="requirements/pylock.build.toml",
        backend="hatchling.build",
        root="requirements/root-bookworm.json",
    ),
    outputs=(
        OutputSpec("wheel", "canonical-wheel/1"),
        OutputSpec("sdist", "canonical-sdist/1"),
        OutputSpec(
            "bundle",
            "bundle/1",
            platform=PLATFORM,
            lock=f"requirements/pylock.app-{PLATFORM}.toml",
        ),
    ),
    limits=Limits(timeout_s=600),
)
"""As our own; its format is the worked example of docs/formats/recipe.md."""

GIT: Final = Recipe(
    source=Source(
        kind="git",
        subdir="src/py",
        url="https://git.example/idna",
        tag="v3.10",
        commit="c0" * 20,
        git_dir=True,
        via_sdist=True,
    ),
    env=Env(
        python="==3.12.*",
        epoch=1_726_000_000,
        epoch_from="artifact",
        clock=1_726_000_060,
        umask=0o002,
        source_modes="archive",
        tz="Europe/Vienna",
        locale="et_EE.UTF-8",
        hashseed=1234,
        hostname="a-b",
        uid=0,
        path="/home/builder/src",
    ),
    toolchain=Toolchain(
        backend="flit_core.buildapi:Backend.one",
        backend_path=(".", "tools"),
        requires=("flit_core>=3,<4", "wheel"),
        exclude_newer=1_726_000_300,
    ),
    outputs=(OutputSpec("wheel"),),
    limits=Limits(timeout_s=1, memory_mib=64, output_mib=1),
    exceptions=(Exemption("zip.create", "published from Windows"),),
)
SDIST: Final = replace(
    GIT,
    source=Source(kind="sdist", url="https://files.example/i.tar.gz", sha256="5d" * 32),
    env=Env(python=">=3.9", epoch=None, epoch_from="given"),
    toolchain=Toolchain(backend="setuptools.build_meta"),
    outputs=(OutputSpec("sdist"), OutputSpec("wheel", "canonical-wheel/1")),
    limits=Limits(),
    exceptions=(),
)
