"""What a program brings along so that its first update can be judged.

Trust has to begin somewhere: here it begins with the files that were built into the
running version. They name the product, the first TUF root, the trust files that count
until others do, and how far the log had come. Format: docs/formats/anchor.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from updater import jcs
from updater.errors import MalformedError
from updater.fetch.mirrors import MAX_MIRRORS
from updater.jcs import Json
from updater.offer.channel import NAME as CHANNEL
from updater.offer.product import Product, check_probe
from updater.shape import SHA256, flag, items, one_of, record, text
from updater.transparency.checkpoint import Checkpoint, parse_checkpoint
from updater.transparency.honour import NAMES, TrustSet, read_set
from updater.transparency.note import parse_note

SCHEMA: Final = "ringfence-anchor/1"
ANCHOR: Final = "anchor.json"
ROOT: Final = "root.json"
FLOOR: Final = "floor"
"""The note of a checkpoint; absent for a log that is followed from its beginning."""

MAX_BYTES: Final = 16 << 10  # of anchor.json
MAX_FILE_BYTES: Final = 1 << 20  # of each other file: a trusted root has 7 kB
MAX_ACCEPTED: Final = 64
"""Hashes of TUF files that were known at build time: two, and some for the staged."""

_KEYS: Final = (
    "accepted", "channel", "log", "product", "repositories", "schema",
)  # fmt: skip
_PRODUCT_KEYS: Final = (
    "confirms", "launcher", "module", "name", "probe", "project",
)  # fmt: skip
_MAX_ARGUMENTS: Final = 16
_ORIGIN: Final = re.compile("[!-*,-~]{1,200}")
_NAME: Final = re.compile("[a-z][a-z0-9-]{0,62}")
_PROJECT: Final = re.compile("pkg:[a-z]+/[A-Za-z0-9._/-]{1,200}")
_MODULE: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62}){0,7}")
_ARGUMENT: Final = re.compile("[ -~]{1,200}")
# http only ever leads to this machine: the fetcher refuses everything else.
_BASE: Final = re.compile(r"(https?|file)://[0-9A-Za-z.:\[\]/_~-]{0,500}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Where a program's trust in its own updates begins.

    Attributes:
        product: what is updated.
        channel: the one that a new installation follows.
        repositories: addresses to ask, each ending in a slash; below each lie
            ``metadata/``, ``targets/`` and ``log/``.
        root: a TUF root, JSON.
        accepted: SHA-256 (lower hexadecimal) of the TUF root and targets that were
            known when this was made, and of those that were about to come.
        origin: of the log.
        floor: the note of the oldest checkpoint to believe, None for size 0.
        trust: the trust files that count at first.
    """

    product: Product
    channel: str
    repositories: tuple[str, ...]
    root: bytes = field(repr=False)
    accepted: frozenset[str]
    origin: str
    floor: bytes | None = field(repr=False)
    trust: TrustSet


def parse_anchor(files: Mapping[str, bytes]) -> Anchor:
    """Read the files of an anchor, by name.

    Raises:
        MalformedError: one is missing, foreign or not of its form.
        RefusedError: its witness policy protects nobody.
    """
    trust = {name: files[name] for name in NAMES if name in files}
    wanted = {ANCHOR, ROOT, *trust}
    if missing := {ANCHOR, ROOT} - set(files):
        raise MalformedError(f"anchor: {min(missing)} is missing")
    if foreign := set(files) - wanted - {FLOOR}:
        raise MalformedError(f"anchor: unexpected file {min(foreign)[:80]!r}")
    where = "anchor"
    parts = record(jcs.parse_canonical(files[ANCHOR], most=MAX_BYTES), where, _KEYS)
    one_of(parts["schema"], f"{where}: schema", SCHEMA)
    listed = items(parts["accepted"], f"{where}: accepted", most=MAX_ACCEPTED)
    bases = items(
        parts["repositories"], f"{where}: repositories", least=1, most=MAX_MIRRORS
    )
    anchor = Anchor(
        product=_product(parts["product"]),
        channel=text(parts["channel"], f"{where}: channel", CHANNEL),
        repositories=tuple(text(each, f"{where}: repository", _BASE) for each in bases),
        root=files[ROOT],
        accepted=frozenset(text(each, f"{where}: accepted", SHA256) for each in listed),
        origin=text(parts["log"], f"{where}: log", _ORIGIN),
        floor=files.get(FLOOR),
        trust=read_set(trust),
    )
    _check(anchor)
    return anchor


def format_anchor(anchor: Anchor) -> dict[str, bytes]:
    """Give the files of an anchor by name, as `parse_anchor` reads them."""
    product = anchor.product
    described: Json = {
        "accepted": [*sorted(anchor.accepted)],
        "channel": anchor.channel,
        "log": anchor.origin,
        "product": {
            "confirms": product.confirms,
            "launcher": product.launcher_name,
            "module": product.module,
            "name": product.name,
            "probe": list(product.probe),
            "project": product.project,
        },
        "repositories": list(anchor.repositories),
        "schema": SCHEMA,
    }
    files = {ANCHOR: jcs.write(described), ROOT: anchor.root, **anchor.trust.files}
    if anchor.floor is not None:
        files[FLOOR] = anchor.floor
    return files


def floor_of(anchor: Anchor) -> Checkpoint | None:
    """Give the checkpoint of the floor, None for size 0.

    Raises:
        MalformedError: it is none.
    """
    if anchor.floor is None:
        return None
    return parse_checkpoint(parse_note(anchor.floor).text)


def _check(anchor: Anchor) -> None:
    """Compare the parts that must belong together."""
    if anchor.trust.trust.project != anchor.product.project:
        raise MalformedError(
            f"anchor: trust.json is about {anchor.trust.trust.project},"
            f" expected {anchor.product.project}"
        )
    if anchor.origin not in anchor.trust.policy.origins:
        raise MalformedError(f"anchor: the policy knows no log {anchor.origin}")
    if (floor := floor_of(anchor)) is not None and floor.origin != anchor.origin:
        raise MalformedError(f"anchor: the floor is of {floor.origin[:80]!r}")


def _product(value: Json) -> Product:
    where = "anchor: product"
    parts = record(value, where, _PRODUCT_KEYS)
    probe = items(parts["probe"], f"{where}: probe", least=1, most=_MAX_ARGUMENTS)
    arguments = tuple(text(each, f"{where}: probe", _ARGUMENT) for each in probe)
    return Product(
        name=text(parts["name"], f"{where}: name", _NAME),
        project=text(parts["project"], f"{where}: project", _PROJECT),
        module=text(parts["module"], f"{where}: module", _MODULE),
        probe=check_probe(arguments, f"{where}: probe"),
        launcher_name=text(parts["launcher"], f"{where}: launcher", _NAME),
        confirms=flag(parts["confirms"], f"{where}: confirms"),
    )
