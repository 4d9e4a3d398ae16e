"""The release bundle: only the bytes that its writer would have written.

`ringfence-bundle/1` is a canonical tar of `manifest.json` and the wheels it lists, in
that order; `docs/formats/bundle.md` has it to the byte. The manifest alone says what
every other header, padding and end must be, so the reader computes and compares them:
a bundle has no byte that is not hashed, listed or constant. No decompressor runs before
all of this is settled, and where a wheel lies is a function of the manifest.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from updater import jcs
from updater.archive import ustar
from updater.archive.extent import Extent
from updater.archive.ustar import (
    Member,
    check_bytes,
    format_header,
    padding,
    parse_header,
)
from updater.archive.wheel import WheelFile, open_wheel
from updater.errors import MalformedError
from updater.shape import SHA256, integer, items, record, text

PRODUCT = "ringfence"
"""The `name` in manifests of our own releases; other applications have theirs."""

MAX_BUNDLE_BYTES = 512 * 1024 * 1024
"""Ten times our own; a mirror cannot fill a disk with more."""
MAX_MANIFEST_BYTES = 1024 * 1024
"""512 rows of wheels with long names come to a third of it."""
MAX_WHEELS = 512

VERSION = re.compile(r"[0-9][0-9A-Za-z.+!]{0,63}")
PLATFORM = re.compile(r"cp3[0-9]{1,2}-[a-z]+-[a-z0-9_]+")
"""Interpreter, system and machine, as in cp312-linux-x86_64."""

_SCHEMA = "ringfence-bundle/1"
_FIRST, _FOLDER = "manifest.json", "wheels/"
_WHEEL = re.compile(r"wheels/[A-Za-z0-9_.+!-]{1,200}\.whl")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_FIRST_EPOCH, _LAST_EPOCH = 315_532_800, 4_102_444_800  # 1980 and 2100
_KEYS = (
    "schema", "name", "version", "platform", "epoch", "source", "recipe_sha256",
    "lock_sha256", "app", "files",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BundledWheel:
    """A wheel as the manifest lists it; `name` begins with `wheels/`."""

    name: str
    size: int
    sha256: str = field(kw_only=True)

    @property
    def file(self) -> str:
        """The wheel's own file name."""
        return self.name.removeprefix(_FOLDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a bundle is and holds; nothing in it depends on who built it."""

    name: str
    version: str
    platform: str
    epoch: int
    """POSIX seconds; the time of all members."""
    commit: str
    """Of the source: a git object id, SHA-1 or SHA-256."""
    tree_sha256: str
    recipe_sha256: str
    lock_sha256: str
    app: str
    """The wheel that was built from the source; the others were locked."""
    wheels: tuple[BundledWheel, ...]
    """Sorted by name."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A file that begins with a manifest and has the size that follows from it."""

    extent: Extent
    manifest: Manifest
    offsets: dict[str, int] = field(repr=False)
    """Where the bytes of each wheel begin."""

    def wheel(self, listed: BundledWheel) -> Extent:
        """Give the bytes of one of its wheels; nothing is read yet."""
        return self.extent.part(self.offsets[listed.name], listed.size)


def list_wheel(file: str, chunks: Iterable[bytes]) -> BundledWheel:
    """Make the row of the wheel with this file name."""
    found, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        found.update(chunk)
    return BundledWheel(_FOLDER + file, size, sha256=found.hexdigest())


def parse_manifest(data: bytes, *, product: str = PRODUCT) -> Manifest:
    """Read a manifest of `product`.

    Raises:
        MalformedError: it is not of the form, or of something else.
    """
    value = jcs.parse_canonical(data, most=MAX_MANIFEST_BYTES)
    fields = record(value, "manifest", _KEYS)
    source = record(fields["source"], "manifest: source", ("commit", "tree_sha256"))
    wheels = tuple(
        _wheel(row, f"manifest: files[{number}]")
        for number, row in enumerate(
            items(fields["files"], "manifest: files", least=1, most=MAX_WHEELS)
        )
    )
    text(fields["schema"], "manifest: schema", re.compile(re.escape(_SCHEMA)))
    manifest = Manifest(
        name=text(fields["name"], "manifest: name", re.compile(re.escape(product))),
        version=text(fields["version"], "manifest: version", VERSION),
        platform=text(fields["platform"], "manifest: platform", PLATFORM),
        epoch=integer(
            fields["epoch"], "manifest: epoch", least=_FIRST_EPOCH, most=_LAST_EPOCH
        ),
        commit=text(source["commit"], "manifest: commit", _COMMIT),
        tree_sha256=text(source["tree_sha256"], "manifest: tree_sha256", SHA256),
        recipe_sha256=text(fields["recipe_sha256"], "manifest: recipe_sha256", SHA256),
        lock_sha256=text(fields["lock_sha256"], "manifest: lock_sha256", SHA256),
        app=text(fields["app"], "manifest: app", _WHEEL),
        wheels=wheels,
    )
    names = [wheel.name for wheel in wheels]
    if names != sorted(set(names)):
        raise MalformedError("manifest: expected files sorted by name, each once")
    if manifest.app not in names:
        raise MalformedError(f"manifest: app {manifest.app!r} is not in files")
    return manifest


def format_manifest(manifest: Manifest) -> bytes:
    """Write a manifest as `parse_manifest` reads it."""
    files: list[jcs.Json] = [
        {"name": wheel.name, "sha256": wheel.sha256, "size": wheel.size}
        for wheel in manifest.wheels
    ]
    return jcs.write(
        {
            "schema": _SCHEMA,
            "name": manifest.name,
            "version": manifest.version,
            "platform": manifest.platform,
            "epoch": manifest.epoch,
            "source": {"commit": manifest.commit, "tree_sha256": manifest.tree_sha256},
            "recipe_sha256": manifest.recipe_sha256,
            "lock_sha256": manifest.lock_sha256,
            "app": manifest.app,
            "files": files,
        }
    )


def file_name(manifest: Manifest) -> str:
    """Name the file that holds the bundle."""
    return f"{manifest.name}-{manifest.version}-{manifest.platform}.tar"


def bundle_size(manifest: Manifest) -> int:
    """Compute the size of the bundle with this manifest."""
    return sum(
        len(part) if isinstance(part, bytes) else part.size for part in parts(manifest)
    )


def offset_of(manifest: Manifest, name: str) -> int:
    """Compute where a wheel's bytes begin, for fetching it alone.

    Raises:
        KeyError: there is no wheel of that name: our bug.
    """
    return _offsets(manifest)[name]


def parts(manifest: Manifest) -> Iterator[bytes | BundledWheel]:
    """Give all of a bundle in order: what follows from the manifest, and wheels."""
    body = format_manifest(manifest)
    pending = format_header(Member(_FIRST, len(body), mtime=manifest.epoch))
    pending += body + padding(len(body))
    total = 0
    for wheel in manifest.wheels:
        pending += format_header(Member(wheel.name, wheel.size, mtime=manifest.epoch))
        yield pending
        yield wheel
        total += len(pending) + wheel.size
        pending = padding(wheel.size)
    yield pending + ustar.ending(total + len(pending))


def write_bundle(
    manifest: Manifest, read: Callable[[BundledWheel], Iterable[bytes]]
) -> Iterator[bytes]:
    """Write the bundle; `read` gives the bytes of a wheel.

    Raises:
        MalformedError: a wheel is not what the manifest lists.
    """
    for part in parts(manifest):
        if isinstance(part, bytes):
            yield part
        else:
            yield from expect_wheel(part, read(part))


def expect_wheel(wheel: BundledWheel, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Let a wheel's bytes pass; their size and SHA-256 are checked at the end.

    Raises:
        MalformedError: they are not what the manifest lists.
    """
    found, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > wheel.size:
            break
        found.update(chunk)
        yield chunk
    if size != wheel.size:
        raise MalformedError(
            f"{wheel.name}: expected {wheel.size} bytes, came {size} or more"
        )
    _check_hash(wheel, found.hexdigest())


def open_bundle(extent: Extent, *, product: str = PRODUCT) -> Bundle:
    """Read the manifest; of the rest only the size is checked so far.

    Raises:
        MalformedError: it is not of the form, or the file is of another size.
    """
    if extent.size > MAX_BUNDLE_BYTES:
        raise MalformedError(
            f"bundle: expected at most {MAX_BUNDLE_BYTES} bytes, came {extent.size}"
        )
    first, length = parse_header(extent, 0)
    if first.name != _FIRST or first.size > MAX_MANIFEST_BYTES:
        raise MalformedError(
            f"bundle: expected {_FIRST} of at most {MAX_MANIFEST_BYTES} bytes first,"
            f" came {first.name[:80]!r} of {first.size}"
        )
    manifest = parse_manifest(extent.read(length, first.size), product=product)
    expected = bundle_size(manifest)
    if extent.size != expected:
        raise MalformedError(
            f"bundle: expected {expected} bytes by its manifest, came {extent.size}"
        )
    return Bundle(extent, manifest, _offsets(manifest))


def check_bundle(bundle: Bundle) -> str:
    """Read every byte once and compare it with the manifest; give the SHA-256.

    Raises:
        MalformedError: a byte is not what the writer would have written.
    """
    whole = hashlib.sha256()
    for offset, part in _placed(bundle.manifest):
        if isinstance(part, bytes):
            whole.update(check_bytes(bundle.extent, offset, part))
        else:
            for chunk in expect_wheel(part, bundle.wheel(part).chunks()):
                whole.update(chunk)
    return whole.hexdigest()


def unpack(bundle: Bundle, sha256: str) -> Iterator[tuple[WheelFile, Iterator[bytes]]]:
    """Give the files of all wheels with their bytes, reading the bundle once in order.

    Nothing that was given is to be used before the iterator has come to its end: only
    then it is known that these were the files of the bundle with this SHA-256. How many
    bytes they are together is bounded by the tree that was planned before.

    Raises:
        MalformedError: the bundle or a wheel is not of its form, or has another hash.
    """
    whole = hashlib.sha256()
    for offset, part in _placed(bundle.manifest):
        if isinstance(part, bytes):
            whole.update(check_bytes(bundle.extent, offset, part))
            continue
        own = hashlib.sha256()
        wheel = open_wheel(part.file, bundle.wheel(part))

        def seen(chunk: bytes, own: Callable[[bytes], object] = own.update) -> None:
            own(chunk)
            whole.update(chunk)

        yield from wheel.unpack(seen)
        _check_hash(part, own.hexdigest())
    if whole.hexdigest() != sha256:
        raise MalformedError(
            f"bundle: expected SHA-256 {sha256}, came {whole.hexdigest()}"
        )


def _wheel(value: jcs.Json, where: str) -> BundledWheel:
    fields = record(value, where, ("name", "sha256", "size"))
    return BundledWheel(
        text(fields["name"], f"{where}: name", _WHEEL),
        integer(fields["size"], f"{where}: size", least=1, most=MAX_BUNDLE_BYTES),
        sha256=text(fields["sha256"], f"{where}: sha256", SHA256),
    )


def _placed(manifest: Manifest) -> Iterator[tuple[int, bytes | BundledWheel]]:
    offset = 0
    for part in parts(manifest):
        yield offset, part
        offset += len(part) if isinstance(part, bytes) else part.size


def _offsets(manifest: Manifest) -> dict[str, int]:
    return {
        part.name: offset
        for offset, part in _placed(manifest)
        if isinstance(part, BundledWheel)
    }


def _check_hash(wheel: BundledWheel, found: str) -> None:
    if found != wheel.sha256:
        raise MalformedError(
            f"{wheel.name}: expected SHA-256 {wheel.sha256}, came {found}"
        )
