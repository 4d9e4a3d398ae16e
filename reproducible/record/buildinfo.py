"""buildinfo.json: how one build went.

Never part of what is built; its SHA-256 stands in the statements about the build. There
is one spelling (RFC 8785). Format: docs/formats/buildinfo.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from reproducible.inputs.recipe import EpochFrom, OutputKind, SourceKind

SCHEMA: Final = "ringfence-buildinfo/1"
MAX_BYTES: Final = 1 << 20
"""Bytes of a buildinfo."""

Probe = Literal["no-network", "not-run"]
"""What the sandbox's probe found out; a build that sees a network is never begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFrom:
    """The source; hashes are SHA-256 in lower hexadecimal, None where there is none."""

    kind: SourceKind
    commit: str | None = None
    tag: str | None = None
    tree_sha256: str | None = None
    sdist_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A wheel of the toolchain."""

    name: str
    version: str
    sha256: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Python:
    """The interpreter: `build` is its `platform.python_build()`, joined by a space."""

    implementation: str
    version: str
    build: str = field(kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The machine; `zlib` is `zlib.ZLIB_RUNTIME_VERSION` (zlib-ng marks itself)."""

    arch: str
    os: str
    kernel: str
    libc: str
    zlib: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Walls:
    """The sandbox: its level, the tool that made it, the SHA-256 of its root's tar."""

    level: int
    tool: str
    probe: Probe
    root_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Epoch:
    """SOURCE_DATE_EPOCH in POSIX seconds, None if unset, and where it is from."""

    value: int | None
    origin: EpochFrom


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """A file that was built; `raw_sha256` is what the backend wrote, before packing."""

    name: str
    kind: OutputKind
    size: int = field(kw_only=True)
    sha256: str = field(kw_only=True)
    raw_sha256: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buildinfo:
    """How one build went; times are POSIX seconds.

    Attributes:
        env: the variables of the build.
        umask: as a number.
        outputs: none if the run stopped before.
        log_sha256: of what the build said.
    """

    recipe_sha256: str
    source: BuiltFrom
    tools: tuple[Tool, ...]
    python: Python
    runtime: Runtime
    sandbox: Walls
    env: Mapping[str, str]
    umask: int
    epoch: Epoch
    started: int
    finished: int
    outputs: tuple[BuiltFile, ...]
    log_sha256: str


def parse_buildinfo(data: bytes) -> Buildinfo:
    """Read a buildinfo of at most 1 MiB.

    Raises:
        MalformedError: it is none, or is spelt in another way.
    """
    raise NotImplementedError


def format_buildinfo(info: Buildinfo) -> bytes:
    """Write a buildinfo as `parse_buildinfo` reads it."""
    raise NotImplementedError
