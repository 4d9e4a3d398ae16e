"""Small wheels and bundles, good ones; and zips of which every field can be bent."""

import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from updater.archive.bundle import BundledWheel, Manifest, list_wheel, write_bundle
from updater.archive.packing import NewEntry, format_record, pure_wheel

EPOCH = 1_750_000_000
APP = {"app/__init__.py": b"", "app/main.py": b"print('one')\n"}
LIBRARY = {"lib/__init__.py": b"VALUE = 1\n" * 40}
ABOUT = "lib-1.0.dist-info"
LIBRARY_NAME = "lib-1.0-py3-none-any.whl"


@dataclass(frozen=True, kw_only=True)
class Raw:
    """A zip entry as it is to stand in the file, right or wrong.

    `local` and `central` replace fields of the two headers by their position.
    """

    name: str | bytes = "lib/a.py"
    data: bytes = b""
    """Unpacked."""
    packed: bytes | None = None
    """In the file; None for what the method makes of the data."""
    method: int = 8
    flags: int = 0
    mode: int = 0o100644
    sums: tuple[int, int, int] | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    comment: bytes = b""
    descriptor: bytes = b""
    gap: bytes = b""
    local: Mapping[int, bytes | int] = field(default_factory=dict)
    central: Mapping[int, bytes | int] = field(default_factory=dict)


def deflated(data: bytes, level: int = 6) -> bytes:
    deflate = zlib.compressobj(level, zlib.DEFLATED, -15, 8)
    return deflate.compress(data) + deflate.flush()


def zipped(
    entries: Sequence[Raw],
    *,
    end: Mapping[int, bytes | int] | None = None,
    between: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """Write a zip; `end` replaces fields of the end record by their position."""
    body, directory = b"", b""
    for raw in entries:
        name = raw.name.encode() if isinstance(raw.name, str) else raw.name
        made = deflated(raw.data) if raw.method == 8 else raw.data
        packed = made if raw.packed is None else raw.packed
        sums = raw.sums or (zlib.crc32(raw.data), len(packed), len(raw.data))
        shared = (20, raw.flags, raw.method, 0, 33)
        own = (0, 0, 0) if raw.flags & 8 else sums
        local = _bent(
            (b"PK\3\4", *shared, *own, len(name), len(raw.local_extra)), raw.local
        )
        central = _bent(
            (
                b"PK\1\2", 0x0314, *shared, *sums, len(name), len(raw.extra),
                len(raw.comment), 0, 0, raw.mode << 16, len(body),
            ),
            raw.central,
        )  # fmt: skip
        directory += struct.pack("<4s6H3L5H2L", *central)
        directory += name + raw.extra + raw.comment
        body += struct.pack("<4s5H3L2H", *local) + name + raw.local_extra + packed
        foot = struct.pack("<4s3L", b"PK\7\x08", *sums) if raw.flags & 8 else b""
        body += (raw.descriptor or foot) + raw.gap
    count = len(entries)
    fields = (b"PK\5\6", 0, 0, count, count, len(directory), len(body + between), 0)
    ending = struct.pack("<4s4H2LH", *_bent(fields, end or {}))
    return body + between + directory + ending + after


def raw_wheel(
    entries: Sequence[Raw], *, about: str = ABOUT, record: bytes | None = None
) -> list[Raw]:
    """Add to entries the RECORD that fits them, or another one."""
    files = [
        NewEntry(raw.name, raw.data)
        for raw in entries
        if isinstance(raw.name, str) and not raw.name.endswith("/")
    ]
    own = f"{about}/RECORD"
    right = format_record(files, own)
    return [*entries, Raw(name=own, data=right if record is None else record)]


def deflated_wheel(
    files: Mapping[str, bytes], *, project: str = "lib", version: str = "1.0"
) -> tuple[str, bytes]:
    """Make a wheel as build backends make it."""
    about = f"{project}-{version}.dist-info"
    entries = [Raw(name=name, data=data) for name, data in files.items()]
    said = Raw(name=f"{about}/WHEEL", data=b"Wheel-Version: 1.0\n")
    name = f"{project}-{version}-py3-none-any.whl"
    return name, zipped(raw_wheel([*entries, said], about=about))


def manifest_of(
    wheels: Mapping[str, bytes],
    *,
    version: str = "1.0",
    product: str = "ringfence",
    platform: str = "cp312-linux-x86_64",
) -> Manifest:
    """Make the manifest of a bundle of wheels by file name; the first is the app."""
    listed = [list_wheel(name, (data,)) for name, data in wheels.items()]
    return Manifest(
        name=product,
        version=version,
        platform=platform,
        epoch=EPOCH,
        commit="a" * 40,
        tree_sha256="b" * 64,
        recipe_sha256="c" * 64,
        lock_sha256="d" * 64,
        app=listed[0].name,
        wheels=tuple(sorted(listed, key=lambda each: each.name)),
    )


def bundle_of(manifest: Manifest, wheels: Mapping[str, bytes]) -> bytes:
    """Write the bundle of a manifest."""

    def read(listed: BundledWheel) -> tuple[bytes]:
        return (wheels[listed.file],)

    return b"".join(write_bundle(manifest, read))


def small_wheels(*, version: str = "1.0", printed: bytes = b"one") -> dict[str, bytes]:
    """Make an app, stored, and a library, deflated."""
    code = APP | {"app/main.py": b"print('" + printed + b"')\n"}
    return dict(
        [
            pure_wheel("app", version, code, epoch=EPOCH),
            deflated_wheel(LIBRARY),
        ]
    )


def small_bundle(*, version: str = "1.0", printed: bytes = b"one") -> bytes:
    """Make a bundle of an app and a library."""
    wheels = small_wheels(version=version, printed=printed)
    return bundle_of(manifest_of(wheels, version=version), wheels)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def with_row(manifest: Manifest, number: int, **changes: object) -> Manifest:
    """Change a row of a manifest."""
    wheels = list(manifest.wheels)
    wheels[number] = replace(wheels[number], **changes)  # type: ignore[arg-type]  # any field
    return replace(manifest, wheels=tuple(wheels))


def _bent(
    fields: tuple[bytes | int, ...], changes: Mapping[int, bytes | int]
) -> list[bytes | int]:
    return [changes.get(position, value) for position, value in enumerate(fields)]
