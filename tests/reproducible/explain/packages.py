"""Wheels, sdists and bundles that differ, made for explaining."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reproducible.compare.comparing import compare
from reproducible.compare.verdict import Cause, Comparison, Difference, FileId
from reproducible.explain.evidence import Evidence
from reproducible.explain.excerpt import Excerpt, excerpts_of
from reproducible.explain.explaining import Explained, explain
from reproducible.explain.members import Member, Members
from updater.archive.bundle import Manifest, list_wheel, write_bundle
from updater.archive.extent import in_memory
from updater.archive.packing import NewEntry, format_record, write_wheel

NAME = "tally-1.0-py3-none-any.whl"
ABOUT = "tally-1.0.dist-info"
EPOCH = 1_750_000_000
METADATA = "Metadata-Version: 2.4\nName: tally\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: own 1\nTag: py3-none-any\n"


def a_file(name: str = NAME, sha256: str = "aa") -> FileId:
    """Identify a file of no importance."""
    return FileId(name, 10, sha256=sha256 * 32)


def different(*differences: Difference, **changes: Any) -> Comparison:
    """Make a negative comparison without any file."""
    said = {
        "verdict": "different",
        "method": "sha256",
        "published": a_file(),
        "rebuilt": a_file(sha256="bb"),
        "differences": differences,
    }
    return Comparison(**{**said, **changes})


def member(content: bytes | str = b"", **changes: Any) -> Member:
    """Make a file of an archive."""
    data = content.encode() if isinstance(content, str) else content
    said = {"size": len(data), "stamp": 1, "mode": 0o644, "system": 3}
    return Member(read=lambda: data, **{**said, **changes})


def code(*entries: str) -> Comparison:
    """Say of entries that their contents differ."""
    return different(*(Difference("code", "both", entry) for entry in entries))


def excerpt(published: bytes | str, rebuilt: bytes | str, entry: str = "a") -> Excerpt:
    """Make the excerpt of one member."""
    sides = {entry: member(published)}, {entry: member(rebuilt)}
    (found,) = excerpts_of(code(entry), *sides)
    return found


def evidence(
    published: Members | None = None,
    rebuilt: Members | None = None,
    comparison: Comparison | None = None,
    excerpts: Sequence[Excerpt] = (),
) -> Evidence:
    """Put together what causes are found in."""
    return Evidence(
        comparison=comparison or different(),
        published=published or {},
        rebuilt=rebuilt or {},
        excerpts=excerpts,
    )


def codes(causes: Iterable[Cause]) -> list[str]:
    """Name causes."""
    return [cause.code for cause in causes]


def wheel(
    files: Mapping[str, bytes | str],
    *,
    metadata: str = METADATA,
    about: str = WHEEL,
    epoch: int = EPOCH,
) -> bytes:
    """Write a wheel."""
    every = {**files, f"{ABOUT}/METADATA": metadata, f"{ABOUT}/WHEEL": about}
    entries = [
        NewEntry(name, data.encode() if isinstance(data, str) else data)
        for name, data in every.items()
    ]
    record = f"{ABOUT}/RECORD"
    entries.append(NewEntry(record, format_record(entries, record)))
    return write_wheel(entries, epoch)


def sdist(files: Mapping[str, bytes], **header: Any) -> bytes:
    """Write a source archive."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(f"tally-1.0/{name}")
            info.size = len(data)
            info.mtime = EPOCH
            for key, value in header.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(tar.getvalue(), mtime=0)


def bundle(*wheels: bytes, epoch: int = EPOCH, tree: str = "bb") -> bytes:
    """Write a bundle of wheels that are named by their place."""
    names = [NAME, *(f"dep{n}-1.0-py3-none-any.whl" for n in range(1, len(wheels)))]
    listed = {
        list_wheel(name, [data]): data for name, data in zip(names, wheels, strict=True)
    }
    manifest = Manifest(
        name="tally",
        version="1.0",
        platform="cp312-linux-x86_64",
        epoch=epoch,
        commit="aa" * 20,
        tree_sha256=tree * 32,
        recipe_sha256="cc" * 32,
        lock_sha256="dd" * 32,
        app=f"wheels/{NAME}",
        wheels=tuple(sorted(listed, key=lambda each: each.name)),
    )
    by_name = {each.name: data for each, data in listed.items()}
    return b"".join(write_bundle(manifest, lambda each: [by_name[each.name]]))


def explained(published: bytes, rebuilt: bytes, name: str = NAME) -> Explained:
    """Compare two files and explain them."""
    sides = in_memory(published), in_memory(rebuilt)
    return explain(compare(*sides, name=name), *sides)


def sha256(data: bytes) -> str:
    """Hash bytes."""
    return hashlib.sha256(data).hexdigest()
