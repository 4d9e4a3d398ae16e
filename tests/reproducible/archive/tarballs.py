"""Tars of which every field can be bent, and source archives as tools make them."""

import io
import tarfile
from collections.abc import Mapping
from typing import Literal

from tests.updater.wheels import EPOCH
from updater.archive.ustar import padding

Form = Literal[0, 1, 2]
"""Of tarfile: ustar, GNU, pax."""

END = bytes(1024)


def header(
    name: str = "t/a",
    size: int = 0,
    *,
    form: Form = tarfile.PAX_FORMAT,
    bent: Mapping[int, bytes] | None = None,
    **said: object,
) -> bytes:
    """Let tarfile write a header; then bytes at offsets are replaced, the sum is not.

    `said` are attributes of a `TarInfo`.
    """
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, EPOCH
    for key, value in said.items():
        setattr(info, key, value)
    block = bytearray(info.tobuf(form))
    if bent:
        for offset, raw in bent.items():
            block[offset : offset + len(raw)] = raw
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def extended(kind: bytes, content: bytes, name: str = "t/a") -> bytes:
    """Put an extension of this kind before a file."""
    before = header("././@Before", len(content), bent={156: kind})
    return before + content + padding(len(content)) + header(name)


def pax(*records: bytes) -> bytes:
    """Put a pax header with these records before a file; lengths are put right."""
    lines = []
    for record in records:
        length = len(record) + 2
        while length != len(b"%d %s\n" % (length, record)):
            length += 1
        lines.append(b"%d %s\n" % (length, record))
    return extended(b"x", b"".join(lines))


def made_by_tarfile(
    form: Form = tarfile.PAX_FORMAT, top: str = "t-1", mtime: float = EPOCH
) -> bytes:
    """Make a source tree's tar, as backends do with the library of the language."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=form) as tar:
        for name, data, mode in (
            (top, None, 0o755),
            (f"{top}/\u00e9.txt", b"x\n", 0o664),
            (f"{top}/run.sh", b"#!/bin/sh\n", 0o775),
            (f"{top}/{'long/' * 30}b.py", b"B = 1\n", 0o644),
        ):
            info = tarfile.TarInfo(name)
            info.mode, info.mtime, info.uid, info.gid = mode, mtime, 1000, 100
            info.uname, info.gname = "builder", "users"
            info.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
            info.size = len(data or b"")
            tar.addfile(info, io.BytesIO(data or b""))
    return written.getvalue()
