"""buildinfo.json: how one build went.

Never part of what is built; its SHA-256 stands in the statements about the build. There
is one spelling (RFC 8785). Format: docs/formats/buildinfo.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, cast

from reproducible.inputs.recipe import EpochFrom, OutputKind, SourceKind
from updater import shape
from updater.errors import MalformedError
from updater.jcs import Json, parse_canonical, write
from updater.transparency.claims import parts

SCHEMA: Final = "ringfence-buildinfo/1"
MAX_BYTES: Final = 1 << 20
"""Bytes of a buildinfo."""

_MAX_TOOLS: Final = 512
_MAX_OUTPUTS: Final = 34  # as a recipe's
_MAX_VARIABLES: Final = 64
_UMASK: Final = re.compile("0[0-7]{2}")
_FILE: Final = re.compile("[A-Za-z0-9_][A-Za-z0-9._+!-]{0,199}")
_VARIABLE: Final = re.compile("[A-Za-z_][A-Za-z0-9_]{0,63}")

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
    said = shape.record(
        parse_canonical(data, most=MAX_BYTES),
        "buildinfo",
        (
            "env",
            "epoch",
            "finished",
            "log_sha256",
            "outputs",
            "python",
            "recipe_sha256",
            "runtime",
            "sandbox",
            "schema",
            "source",
            "started",
            "tools",
            "umask",
        ),
    )
    shape.one_of(said["schema"], "schema", SCHEMA)
    tools = shape.items(said["tools"], "tools", most=_MAX_TOOLS)
    outputs = shape.items(said["outputs"], "outputs", most=_MAX_OUTPUTS)
    return Buildinfo(
        recipe_sha256=_sha256(said, "recipe_sha256"),
        source=_source(said["source"]),
        tools=tuple(_tool(each) for each in tools),
        python=_python(said["python"]),
        runtime=_runtime(said["runtime"]),
        sandbox=_walls(said["sandbox"]),
        env=_variables(said["env"]),
        umask=int(shape.text(said["umask"], "umask", _UMASK), 8),
        epoch=_epoch(said["epoch"]),
        started=shape.moment(said["started"], "started"),
        finished=shape.moment(said["finished"], "finished"),
        outputs=tuple(_built(each) for each in outputs),
        log_sha256=_sha256(said, "log_sha256"),
    )


def format_buildinfo(info: Buildinfo) -> bytes:
    """Write a buildinfo as `parse_buildinfo` reads it."""
    source, python, runtime, walls = (
        info.source,
        info.python,
        info.runtime,
        info.sandbox,
    )
    return write(
        {
            "env": dict(info.env),
            "epoch": {"from": info.epoch.origin, "value": info.epoch.value},
            "finished": shape.moment_text(info.finished),
            "log_sha256": info.log_sha256,
            "outputs": [_built_json(each) for each in info.outputs],
            "python": {
                "build": python.build,
                "implementation": python.implementation,
                "version": python.version,
            },
            "recipe_sha256": info.recipe_sha256,
            "runtime": {
                "arch": runtime.arch,
                "kernel": runtime.kernel,
                "libc": runtime.libc,
                "os": runtime.os,
                "zlib": runtime.zlib,
            },
            "sandbox": parts.present(
                {
                    "level": walls.level,
                    "probe": walls.probe,
                    "root_sha256": walls.root_sha256,
                    "tool": walls.tool,
                }
            ),
            "schema": SCHEMA,
            "source": parts.present(
                {
                    "commit": source.commit,
                    "sdist_sha256": source.sdist_sha256,
                    "tag": source.tag,
                    "tree_sha256": source.tree_sha256,
                    "type": source.kind,
                }
            ),
            "started": shape.moment_text(info.started),
            "tools": [
                {"name": each.name, "sha256": each.sha256, "version": each.version}
                for each in info.tools
            ],
            "umask": f"{info.umask:03o}",
        }
    )


def _text(said: dict[str, Json], key: str) -> str:
    return shape.text(said[key], key, parts.TEXT)


def _sha256(said: dict[str, Json], key: str) -> str:
    return shape.text(said[key], key, shape.SHA256)


def _source(value: Json) -> BuiltFrom:
    said = shape.record(
        value, "source", ("type",), ("commit", "sdist_sha256", "tag", "tree_sha256")
    )
    kind = shape.one_of(said["type"], "source type", "tree", "git", "sdist")
    return BuiltFrom(
        kind=cast("SourceKind", kind),  # `one_of` has looked, here and below
        commit=parts.optional_text(said, "commit", "source", parts.COMMIT),
        tag=parts.optional_text(said, "tag", "source", parts.TEXT),
        tree_sha256=parts.optional_text(said, "tree_sha256", "source", shape.SHA256),
        sdist_sha256=parts.optional_text(said, "sdist_sha256", "source", shape.SHA256),
    )


def _tool(value: Json) -> Tool:
    said = shape.record(value, "tool", ("name", "sha256", "version"))
    return Tool(
        _text(said, "name"), _text(said, "version"), sha256=_sha256(said, "sha256")
    )


def _python(value: Json) -> Python:
    said = shape.record(value, "python", ("build", "implementation", "version"))
    return Python(
        _text(said, "implementation"),
        _text(said, "version"),
        build=_text(said, "build"),
    )


def _runtime(value: Json) -> Runtime:
    said = shape.record(value, "runtime", ("arch", "kernel", "libc", "os", "zlib"))
    return Runtime(
        arch=_text(said, "arch"),
        os=_text(said, "os"),
        kernel=_text(said, "kernel"),
        libc=_text(said, "libc"),
        zlib=_text(said, "zlib"),
    )


def _walls(value: Json) -> Walls:
    said = shape.record(value, "sandbox", ("level", "probe", "tool"), ("root_sha256",))
    probe = shape.one_of(said["probe"], "probe", "no-network", "not-run")
    return Walls(
        level=shape.integer(said["level"], "level", most=2),
        tool=_text(said, "tool"),
        probe=cast("Probe", probe),
        root_sha256=parts.optional_text(said, "root_sha256", "sandbox", shape.SHA256),
    )


def _variables(value: Json) -> dict[str, str]:
    said = shape.fields(value, "env", ())
    if len(said) > _MAX_VARIABLES:
        raise MalformedError(f"env: expected at most {_MAX_VARIABLES} variables")
    return {
        shape.text(name, "variable", _VARIABLE): shape.text(text, name, parts.TEXT)
        for name, text in said.items()
    }


def _epoch(value: Json) -> Epoch:
    said = shape.record(value, "epoch", ("from", "value"))
    seconds, origin = said["value"], said["from"]
    return Epoch(
        None if seconds is None else shape.integer(seconds, "epoch"),
        cast("EpochFrom", shape.one_of(origin, "from", "commit", "artifact", "given")),
    )


def _built(value: Json) -> BuiltFile:
    said = shape.record(
        value, "output", ("kind", "name", "sha256", "size"), ("raw_sha256",)
    )
    kind = shape.one_of(said["kind"], "output kind", "wheel", "sdist", "bundle")
    return BuiltFile(
        shape.text(said["name"], "name", _FILE),
        cast("OutputKind", kind),
        size=shape.integer(said["size"], "size"),
        sha256=_sha256(said, "sha256"),
        raw_sha256=parts.optional_text(said, "raw_sha256", "output", shape.SHA256),
    )


def _built_json(built: BuiltFile) -> dict[str, Json]:
    return parts.present(
        {
            "kind": built.kind,
            "name": built.name,
            "raw_sha256": built.raw_sha256,
            "sha256": built.sha256,
            "size": built.size,
        }
    )
