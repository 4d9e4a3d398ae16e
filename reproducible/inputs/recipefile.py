"""recipe.toml: a recipe, as people write it. Format: docs/formats/recipe.md."""

from typing import Final, Literal, cast

import tomli_w

from reproducible.errors import RecipeError
from reproducible.inputs import fields
from reproducible.inputs.recipe import (
    Env,
    EpochFrom,
    Exemption,
    Limits,
    Modes,
    OutputKind,
    OutputSpec,
    Post,
    Recipe,
    Source,
    SourceKind,
    Toolchain,
)
from reproducible.inputs.toml import parse_toml
from updater import shape
from updater.errors import MalformedError
from updater.jcs import Json
from updater.transparency.claims import parts
from updater.transparency.claims.rebuild import FIELDS, MAX_EXCEPTIONS

SCHEMA: Final = "ringfence-recipe/1"
MAX_BYTES: Final = 1 << 20
"""Bytes of a recipe."""

_LATEST: Final = 4_102_444_800  # 2100-01-01: tars and zips hold no year much later
_OWN_TIMEOUT_S: Final = 600  # a tree is its author's own, who knows how long it takes
_MAX_OUTPUTS: Final = 34  # a wheel, an sdist, and a bundle for each of 32 platforms
_MAX_REQUIRES: Final = 64
_MOST_MIB: Final = 65_536


def parse_recipe(data: bytes) -> Recipe:
    """Read a recipe of at most 1 MiB.

    Raises:
        RecipeError: it is not TOML, a key is missing, unknown or of a wrong kind, or
            keys disagree.
    """
    try:
        return _recipe(parse_toml(data, most=MAX_BYTES))
    except MalformedError as error:
        raise RecipeError(f"recipe: {error}") from None


def format_recipe(recipe: Recipe) -> bytes:
    """Write a recipe as `parse_recipe` reads it; defaults are left out."""
    usual_env = _env_table(Env(python=""))
    if recipe.env.epoch != "commit":
        usual_env["epoch_from"] = "given"
    usual: dict[str, dict[str, Json]] = {
        "source": {"subdir": ".", "git_dir": False},
        "env": usual_env,
        "limits": _usual_limits(recipe.source.kind),
    }
    written = {
        key: _unusual(value, usual.get(key, {})) if isinstance(value, dict) else value
        for key, value in recipe_tables(recipe).items()
    }
    return tomli_w.dumps(
        {key: value for key, value in written.items() if value}
    ).encode()


def recipe_tables(recipe: Recipe) -> dict[str, Json]:
    """Give a recipe as its file could say it, with every default spelt out."""
    return {
        "schema": SCHEMA,
        "source": parts.present(_source_table(recipe.source)),
        "env": _env_table(recipe.env),
        "toolchain": parts.present(_toolchain_table(recipe.toolchain)),
        "limits": _limits_table(recipe.limits),
        "output": [_output_table(each) for each in recipe.outputs],
        "exception": [
            {"field": each.field, "reason": each.reason} for each in recipe.exceptions
        ],
    }


def _recipe(found: dict[str, Json]) -> Recipe:
    said = shape.record(
        found,
        "recipe",
        ("schema", "source", "env", "toolchain", "output"),
        ("limits", "exception"),
    )
    shape.one_of(said["schema"], "schema", SCHEMA)
    source = _source(said["source"])
    outputs = shape.items(said["output"], "output", least=1, most=_MAX_OUTPUTS)
    exceptions = shape.items(
        said.get("exception", []), "exception", most=MAX_EXCEPTIONS
    )
    recipe = Recipe(
        source=source,
        env=_env(said["env"]),
        toolchain=_toolchain(said["toolchain"]),
        outputs=tuple(_output(each) for each in outputs),
        limits=_limits(said.get("limits", {}), _usual_limits(source.kind)),
        exceptions=tuple(_exemption(each) for each in exceptions),
    )
    _check_together(recipe)
    return recipe


_SOURCE_KEYS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "tree": ((), ()),
    "git": (("url", "commit"), ("tag", "git_dir", "via")),
    "sdist": (("sha256",), ("url",)),
}
"""What a source of each type must say, and may, besides its type and subdir."""


def _source(value: Json) -> Source:
    told = shape.fields(value, "source", ("type",))
    kind = shape.one_of(told["type"], "source type", *_SOURCE_KEYS)
    required, optional = _SOURCE_KEYS[kind]
    said = shape.record(value, "source", ("type", *required), ("subdir", *optional))
    return Source(
        kind=cast("SourceKind", kind),  # `one_of` has looked, here and below
        subdir=fields.folder(said.get("subdir", "."), "subdir"),
        url=parts.optional_text(said, "url", "source", parts.URI),
        tag=parts.optional_text(said, "tag", "source", fields.TAG),
        commit=parts.optional_text(said, "commit", "source", parts.COMMIT),
        sha256=parts.optional_text(said, "sha256", "source", shape.SHA256),
        git_dir=shape.flag(said.get("git_dir", False), "git_dir"),
        via_sdist="via" in said and bool(shape.one_of(said["via"], "via", "sdist")),
    )


def _source_table(source: Source) -> dict[str, Json]:
    return {
        "type": source.kind,
        "subdir": source.subdir,
        "url": source.url,
        "tag": source.tag,
        "commit": source.commit,
        "sha256": source.sha256,
        "git_dir": source.git_dir if source.kind == "git" else None,
        "via": "sdist" if source.via_sdist else None,
    }


def _env(value: Json) -> Env:
    usual = _env_table(Env(python=""))
    said = shape.record(value, "env", ("python",), usual)
    epoch = _epoch(said.get("epoch", "commit"))
    # A number that is not said to be somebody else's is the author's.
    usual["epoch_from"] = "commit" if epoch == "commit" else "given"
    said = usual | said
    origin = shape.one_of(
        said["epoch_from"], "epoch_from", "commit", "artifact", "given"
    )
    if epoch == "commit" != origin:
        raise MalformedError(f"epoch_from: expected commit, as epoch is, came {origin}")
    modes = shape.one_of(said["source_modes"], "source_modes", "normal", "archive")
    return Env(
        python=fields.specifier(said["python"], "python"),
        epoch=epoch,
        epoch_from=cast("EpochFrom", origin),
        clock=_instant(said["clock"], "clock", "none"),
        umask=int(shape.text(said["umask"], "umask", fields.UMASK), 8),
        source_modes=cast("Modes", modes),
        tz=shape.text(said["tz"], "tz", fields.TZ),
        locale=shape.text(said["locale"], "locale", fields.LOCALE),
        hashseed=shape.integer(said["hashseed"], "hashseed", most=2**32 - 1),
        hostname=shape.text(said["hostname"], "hostname", fields.HOSTNAME),
        uid=shape.integer(said["uid"], "uid", most=2**31 - 1),
        path=fields.absolute(said["path"], "path"),
    )


def _epoch(value: Json) -> int | Literal["commit"] | None:
    return "commit" if value == "commit" else _instant(value, "epoch", "commit", "none")


def _instant(value: Json, name: str, *words: str) -> int | None:
    """Read POSIX seconds; a word instead of them is None."""
    if not isinstance(value, str):
        return shape.integer(value, name, most=_LATEST)
    shape.one_of(value, name, *words)
    return None


def _env_table(env: Env) -> dict[str, Json]:
    return {
        "python": env.python,
        "epoch": "none" if env.epoch is None else env.epoch,
        "epoch_from": env.epoch_from,
        "clock": "none" if env.clock is None else env.clock,
        "umask": f"{env.umask:03o}",
        "source_modes": env.source_modes,
        "tz": env.tz,
        "locale": env.locale,
        "hashseed": env.hashseed,
        "hostname": env.hostname,
        "uid": env.uid,
        "path": env.path,
    }


def _toolchain(value: Json) -> Toolchain:
    said = shape.record(
        value,
        "toolchain",
        ("backend",),
        ("backend_path", "lock", "root", "requires", "exclude_newer"),
    )
    if ("lock" in said) == ("requires" in said):
        raise MalformedError("toolchain: expected either a lock or requires")
    if "lock" in said and "exclude_newer" in said:
        raise MalformedError("toolchain: expected exclude_newer beside requires alone")
    folders = shape.items(said.get("backend_path", []), "backend_path", most=8)
    requires = shape.items(said.get("requires", []), "requires", most=_MAX_REQUIRES)
    return Toolchain(
        backend=shape.text(said["backend"], "backend", fields.BACKEND),
        backend_path=tuple(fields.folder(each, "backend_path") for each in folders),
        lock=fields.lock_path(said["lock"], "lock") if "lock" in said else None,
        root=fields.path(said["root"], "root") if "root" in said else None,
        requires=tuple(fields.requirement(each, "requires") for each in requires),
        exclude_newer=shape.moment(said["exclude_newer"], "exclude_newer")
        if "exclude_newer" in said
        else None,
    )


def _toolchain_table(toolchain: Toolchain) -> dict[str, Json]:
    newest = toolchain.exclude_newer
    return {
        "lock": toolchain.lock,
        "backend": toolchain.backend,
        "backend_path": list(toolchain.backend_path) or None,
        "root": toolchain.root,
        "requires": list(toolchain.requires) if toolchain.lock is None else None,
        "exclude_newer": None if newest is None else shape.moment_text(newest),
    }


def _output(value: Json) -> OutputSpec:
    told = shape.fields(value, "output", ("kind",))
    kind = shape.one_of(told["kind"], "output kind", "wheel", "sdist", "bundle")
    if kind == "bundle":
        said = shape.record(value, "output", ("kind", "post", "platform", "lock"))
        shape.one_of(said["post"], "post", "bundle/1")
        return OutputSpec(
            "bundle",
            "bundle/1",
            platform=shape.text(said["platform"], "platform", fields.PLATFORM),
            lock=fields.lock_path(said["lock"], "lock"),
        )
    said = shape.record(value, "output", ("kind",), ("post",))
    if "post" in said:
        shape.one_of(said["post"], "post", f"canonical-{kind}/1")
    return OutputSpec(cast("OutputKind", kind), cast("Post | None", said.get("post")))


def _output_table(output: OutputSpec) -> dict[str, Json]:
    return parts.present(
        {
            "kind": output.kind,
            "post": output.post,
            "platform": output.platform,
            "lock": output.lock,
        }
    )


def _limits(value: Json, usual: dict[str, Json]) -> Limits:
    said = usual | shape.record(value, "limits", (), usual)
    return Limits(
        timeout_s=shape.integer(said["timeout_s"], "timeout_s", least=1, most=86_400),
        # An interpreter alone takes half of the least.
        memory_mib=shape.integer(
            said["memory_mib"], "memory_mib", least=64, most=_MOST_MIB
        ),
        output_mib=shape.integer(
            said["output_mib"], "output_mib", least=1, most=_MOST_MIB
        ),
    )


def _limits_table(limits: Limits) -> dict[str, Json]:
    return {
        "timeout_s": limits.timeout_s,
        "memory_mib": limits.memory_mib,
        "output_mib": limits.output_mib,
    }


def _usual_limits(kind: SourceKind) -> dict[str, Json]:
    return _limits_table(
        Limits(timeout_s=_OWN_TIMEOUT_S) if kind == "tree" else Limits()
    )


def _exemption(value: Json) -> Exemption:
    said = shape.record(value, "exception", ("field", "reason"))
    return Exemption(
        shape.one_of(said["field"], "exception field", *FIELDS),
        shape.text(said["reason"], "exception reason", fields.REASON),
    )


def _check_together(recipe: Recipe) -> None:
    if recipe.env.epoch == "commit" and recipe.source.kind == "sdist":
        raise MalformedError("epoch: expected a number or none: an sdist has no commit")
    names = [(each.kind, each.platform) for each in recipe.outputs]
    if len(set(names)) != len(names):
        raise MalformedError("output: expected each kind once, bundles by platform")
    kinds = {each.kind for each in recipe.outputs}
    if "bundle" in kinds and "wheel" not in kinds:
        raise MalformedError("output: expected the wheel that a bundle is made of")
    named = [each.field for each in recipe.exceptions]
    if len(set(named)) != len(named):
        raise MalformedError("exception: expected each field once")


def _unusual(table: dict[str, Json], usual: dict[str, Json]) -> dict[str, Json]:
    """Leave out what is taken where nothing is said."""
    return {
        key: value
        for key, value in table.items()
        if key not in usual or usual[key] != value
    }
