"""Bundles that differ, wheel by wheel.

A bundle is read in step, and of its wheels only those that differ are held in memory.
Every byte of it follows from its manifest and its wheels, so there is nothing else that
could differ.
"""

import re
from dataclasses import replace

from reproducible.archive.wheels import open_wheel
from reproducible.compare import members
from reproducible.compare.members import Field, said
from reproducible.compare.opening import open_both, unopened
from reproducible.compare.verdict import Difference
from reproducible.compare.wheels import classify_wheels
from reproducible.errors import InputError
from updater import jcs, shape
from updater.archive.bundle import (
    MAX_MANIFEST_BYTES,
    Bundle,
    BundledWheel,
    Manifest,
    check_bundle,
    expect_wheel,
    open_bundle,
)
from updater.archive.extent import Extent
from updater.archive.ustar import parse_header
from updater.errors import MalformedError

FIRST = "manifest.json"
"""The member that makes a tar a bundle, and the entry of what it says."""

_NAME_BYTES = 100  # the field `name` of a ustar header
_PRODUCT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def is_bundle(start: bytes) -> bool:
    """Tell by its first bytes whether a tar means to be a bundle."""
    return start[:_NAME_BYTES].rstrip(b"\0") == FIRST.encode()


def compare_bundles(
    published: Extent, rebuilt: Extent, *, name: str
) -> list[Difference]:
    """Say how two bundles differ that are known to; `name` is the published file's.

    Members of a wheel are named `WHEEL!MEMBER`.

    Raises:
        InputError: a bundle changed while it was read.
    """
    opened = open_both(lambda: _opened(published), lambda: _opened(rebuilt), entry=name)
    if isinstance(opened, list):
        return opened
    theirs, ours = (bundle.manifest for bundle in opened)
    found = _manifests(theirs, ours)
    found += members.file_set(theirs.wheels, ours.wheels)
    for old, new in members.pairs(theirs.wheels, ours.wheels):
        if old.sha256 != new.sha256:
            pair = _wheel(opened[0], old), _wheel(opened[1], new)
            found += _compare_wheels(old.file, *pair)
    return members.in_order(found)


def _opened(extent: Extent) -> Bundle:
    bundle = open_bundle(extent, product=_product(extent))
    check_bundle(bundle)
    return bundle


def _product(extent: Extent) -> str:
    """Read of what product a bundle is: it can be anybody's."""
    first, length = parse_header(extent, 0)
    size = min(first.size, MAX_MANIFEST_BYTES)  # a larger one is refused when opened
    value = jcs.parse(extent.read(length, size), most=MAX_MANIFEST_BYTES)
    name = shape.fields(value, "manifest", ("name",))["name"]
    return shape.text(name, "manifest: name", _PRODUCT)


def _manifests(theirs: Manifest, ours: Manifest) -> list[Difference]:
    """Compare what manifests say, but for the wheels they list."""
    names: list[Field] = [
        ("name", theirs.name, ours.name),
        ("version", theirs.version, ours.version),
        ("platform", theirs.platform, ours.platform),
    ]
    others: list[Field] = [
        ("epoch", theirs.epoch, ours.epoch),
        ("commit", theirs.commit, ours.commit),
        ("tree_sha256", theirs.tree_sha256, ours.tree_sha256),
        ("recipe_sha256", theirs.recipe_sha256, ours.recipe_sha256),
        ("lock_sha256", theirs.lock_sha256, ours.lock_sha256),
        ("app", theirs.app, ours.app),
    ]
    return [
        *(each for field in names for each in said("name", FIRST, [field])),
        *(each for field in others for each in said("container", FIRST, [field])),
    ]


def _wheel(bundle: Bundle, listed: BundledWheel) -> bytes:
    try:
        data = bundle.wheel(listed).read(0, listed.size)
        return b"".join(expect_wheel(listed, (data,)))
    except MalformedError as error:
        # It was what its manifest lists when the bundle was opened.
        raise InputError(f"{listed.name}: changed while it was read") from error


def _compare_wheels(name: str, published: bytes, rebuilt: bytes) -> list[Difference]:
    opened = open_both(
        lambda: open_wheel(name, published),
        lambda: open_wheel(name, rebuilt),
        entry=name,
    )
    if isinstance(opened, list):
        return opened
    found = [
        replace(each, entry=f"{name}!{each.entry}") for each in classify_wheels(*opened)
    ]
    # A hole in the classes must not leave a difference without a word.
    return found or unopened((published,), (rebuilt,), entry=name)
