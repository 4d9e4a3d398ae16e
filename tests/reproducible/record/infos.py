"""A build that went well, as it is written down."""

from typing import Final

from reproducible.record.buildinfo import (
    Buildinfo,
    BuiltFile,
    BuiltFrom,
    Epoch,
    Python,
    Runtime,
    Tool,
    Walls,
)

INFO: Final = Buildinfo(
    recipe_sha256="b1" * 32,
    source=BuiltFrom(
        kind="tree", commit="c0" * 20, tag="v1.4.0", tree_sha256="c1" * 32
    ),
    tools=(Tool("hatchling", "1.33.0", sha256="d1" * 32),),
    python=Python("CPython", "3.12.12", build="main Oct 10 2025 08:52:57"),
    runtime=Runtime(
        arch="x86_64", os="Linux", kernel="6.1.0", libc="glibc 2.36", zlib="1.2.13"
    ),
    sandbox=Walls(
        level=2, tool="bubblewrap 0.8.0", probe="no-network", root_sha256="d2" * 32
    ),
    env={"SOURCE_DATE_EPOCH": "1790000000", "TZ": "UTC"},
    umask=0o022,
    epoch=Epoch(1_790_000_000, "commit"),
    started=1_795_000_000,
    finished=1_795_000_002,
    outputs=(
        BuiltFile(
            "ringfence-1.4.0-py3-none-any.whl",
            "wheel",
            size=246_000,
            sha256="e1" * 32,
            raw_sha256="e2" * 32,
        ),
    ),
    log_sha256="f1" * 32,
)
"""The worked example of docs/formats/buildinfo.md."""

STOPPED: Final = Buildinfo(
    recipe_sha256=INFO.recipe_sha256,
    source=BuiltFrom(kind="sdist", sdist_sha256="c2" * 32),
    tools=(),
    python=INFO.python,
    runtime=INFO.runtime,
    sandbox=Walls(level=0, tool="unshare 2.38", probe="not-run"),
    env={},
    umask=0o002,
    epoch=Epoch(None, "artifact"),
    started=INFO.started,
    finished=INFO.started,
    outputs=(),
    log_sha256=INFO.log_sha256,
)
"""A run that ended before anything was built."""
