"""Source archives that somebody put a hand to, each in one way."""

import struct
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.reproducible.archive.tarballs import END, Form, header
from tests.reproducible.tampering_case import Case
from updater.archive.ustar import padding

NAME = "pkg-1.0.tar.gz"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A member as it is to stand in the tar; `said` are attributes of a `TarInfo`."""

    name: str
    data: bytes = b""
    form: Form = tarfile.PAX_FORMAT
    before: bytes = b""
    bent: Mapping[int, bytes] = field(default_factory=dict)
    said: Mapping[str, object] = field(default_factory=dict)

    def raw(self) -> bytes:
        """Write its headers, bytes and padding."""
        said = {"mode": 0o644, "uname": "builder", "uid": 1000} | dict(self.said)
        head = header(self.name, len(self.data), form=self.form, bent=self.bent, **said)
        return self.before + head + self.data + padding(len(self.data))


FOLDER = Part(name="pkg-1.0", said={"type": tarfile.DIRTYPE, "mode": 0o755})
MODULE = Part(name="pkg-1.0/pkg.py", data=b"VALUE = 1\n" * 20)
RUN = Part(name="pkg-1.0/run.sh", data=b"#!/bin/sh\n", said={"mode": 0o755})
LINK = Part(
    name="pkg-1.0/alias.py",
    said={"type": tarfile.SYMTYPE, "linkname": "pkg.py", "mode": 0o777},
)
ABOUT = Part(name="pkg-1.0/PKG-INFO", data=b"Name: pkg\nVersion: 1.0\n")
PARTS = (FOLDER, MODULE, RUN, LINK, ABOUT)


def tarred(parts: Sequence[Part], end: bytes = END) -> bytes:
    """Write a tar."""
    return b"".join(each.raw() for each in parts) + end


def gzipped(
    tar: bytes,
    *,
    mtime: int = 0,
    os: int = 255,
    name: bytes | None = None,
    level: int = 9,
    flags: int = 0,
    after: bytes = b"",
) -> bytes:
    """Write a gzip member (RFC 1952)."""
    deflate = zlib.compressobj(level, zlib.DEFLATED, -15)
    head = struct.pack(
        "<3sBLBB", b"\x1f\x8b\x08", flags | (0 if name is None else 8), mtime, 2, os
    )
    head += b"" if name is None else name + b"\0"
    packed = deflate.compress(tar) + deflate.flush()
    return head + packed + struct.pack("<2L", zlib.crc32(tar), len(tar)) + after


def records(
    *lines: bytes, kind: bytes = b"x", own: str = "././@PaxHeader", mode: int = 0o644
) -> bytes:
    """Write a pax header of records, whose lengths are put right."""
    content = b"".join(_record(line) for line in lines)
    return _extension(content, kind, own, mode)


def long_name(name: bytes, own: str = "././@LongLink") -> bytes:
    """Write what stands before a member whose name is long for GNU."""
    return _extension(name + b"\0", b"L", own)


def _extension(content: bytes, kind: bytes, own: str, mode: int = 0o644) -> bytes:
    head = header(own, len(content), bent={156: kind}, mode=mode)
    return head + content + padding(len(content))


def _record(line: bytes) -> bytes:
    whole = next(
        length
        for length in range(len(line) + 3, 1000)
        if length == len(b"%d %s\n" % (length, line))
    )
    return b"%d %s\n" % (whole, line)


TAR = tarred(PARTS)
GOOD = gzipped(TAR)


def _with(index: int, **changes: object) -> bytes:
    parts = list(PARTS)
    said = changes.pop("said", {})
    parts[index] = replace(
        parts[index],
        **changes,  # type: ignore[arg-type]  # any field
        said=dict(parts[index].said) | dict(said),  # type: ignore[call-overload]  # a mapping
    )
    return gzipped(tarred(parts))


def _all(form: Form = tarfile.PAX_FORMAT, **said: object) -> bytes:
    return gzipped(
        tarred([replace(p, form=form, said=dict(p.said) | said) for p in PARTS])
    )


_TIMED = records(b"mtime=1750000000.25")
_OWNED = records(b"uname=somebody")

_TAMPERED: Mapping[str, tuple[str, bytes]] = {
    "code-byte": ("code", _with(1, data=b"VALUE = 2\n" + b"VALUE = 1\n" * 19)),
    "code-lines": ("code", _with(1, data=MODULE.data + b"import os\n")),
    "about": ("dist-info", _with(4, data=ABOUT.data + b"Requires-Dist: left-pad\n")),
    "native": ("native", _with(1, data=b"\x7fELF" + bytes(196))),
    "file-added": (
        "file-set",
        gzipped(tarred([*PARTS, Part(name="pkg-1.0/setup.py", data=b"import os\n")])),
    ),
    "file-removed": ("file-set", gzipped(tarred([*PARTS[:2], *PARTS[3:]]))),
    "file-renamed": ("file-set", _with(1, name="pkg-1.0/pkh.py")),
    "order": ("order", gzipped(tarred([FOLDER, RUN, MODULE, *PARTS[3:]]))),
    "executable": ("header", _with(1, said={"mode": 0o755})),
    "executable-by-one": ("header", _with(1, said={"mode": 0o744})),
    "not-executable": ("header", _with(2, said={"mode": 0o644})),
    "target": ("code", _with(3, said={"linkname": "run.sh"})),
    "file-becomes-link": (
        "code",
        _with(1, data=b"", said={"type": tarfile.SYMTYPE, "linkname": "run.sh"}),
    ),
    "file-becomes-folder": (
        "code",
        _with(1, data=b"", said={"type": tarfile.DIRTYPE}),
    ),
    "target-outside": ("malformed", _with(3, said={"linkname": "../../etc/passwd"})),
    "target-absolute": ("malformed", _with(3, said={"linkname": "/etc/passwd"})),
    "hard-link": (
        "malformed",
        _with(3, said={"type": tarfile.LNKTYPE, "linkname": "pkg-1.0/pkg.py"}),
    ),
    "device": ("malformed", _with(1, data=b"", said={"type": tarfile.CHRTYPE})),
    "setuid": ("malformed", _with(2, said={"mode": 0o4755})),
    "sparse": ("malformed", _with(1, bent={156: b"S"})),
    "global-header": (
        "malformed",
        _with(1, before=records(b"mtime=1.5", kind=b"g")),
    ),
    "other-pax-key": ("malformed", _with(1, before=records(b"SCHILY.xattr.a=b"))),
    "pax-size": ("malformed", _with(1, before=records(b"size=3"))),
    "pax-path-to-the-same": (
        "container",
        _with(1, before=records(b"path=pkg-1.0/pkg.py")),
    ),
    "pax-path-to-another": (
        "file-set",
        _with(1, before=records(b"path=pkg-1.0/evil.py")),
    ),
    "checksum": ("malformed", gzipped(TAR.replace(b"pkg.py", b"pkh.py", 1))),
    "old-type-of-file": ("container", _with(1, bent={156: b"\0"})),
    "device-fields": ("container", _with(1, bent={329: b"0000000\0" * 2})),
    "gnu-form": ("container", _all(tarfile.GNU_FORMAT)),
    "gnu-form-and-time": ("header", _all(tarfile.GNU_FORMAT, mtime=1)),
    "hidden-in-padding": (
        "malformed",
        gzipped(TAR.replace(b"Version: 1.0\n\0", b"Version: 1.0\n!")),
    ),
    "hidden-after-the-end": ("malformed", gzipped(TAR + b"hidden".ljust(512, b"\0"))),
    "zeros-at-the-end": ("container", gzipped(TAR + bytes(512))),
    "end-missing": ("malformed", gzipped(TAR[:-1024])),
    "second-top": (
        "malformed",
        gzipped(tarred([*PARTS, Part(name="evil/setup.py")])),
    ),
    "file-at-the-top": ("malformed", gzipped(tarred([*PARTS, Part(name="evil.py")]))),
    "name-twice": ("malformed", gzipped(tarred([*PARTS, MODULE]))),
    "name-in-other-case": (
        "malformed",
        gzipped(tarred([*PARTS, replace(MODULE, name="pkg-1.0/PKG.py")])),
    ),
    "climbing-path": (
        "malformed",
        gzipped(tarred([*PARTS, Part(name="pkg-1.0/../evil.py")])),
    ),
    "second-gzip-member": ("malformed", GOOD + gzipped(b"hidden")),
    "after-the-gzip-member": ("malformed", GOOD + b"\0"),
    "before-the-gzip-member": ("malformed", b"\0" + GOOD),
    "gzip-comment": ("malformed", GOOD[:3] + b"\x10" + GOOD[4:10] + b"c\0" + GOOD[10:]),
    "gzip-extra": ("malformed", GOOD[:3] + b"\x04" + GOOD[4:10] + b"\0\0" + GOOD[10:]),
    "gzip-sums": ("malformed", GOOD[:-8] + bytes(8)),
    "gzip-cut": ("malformed", GOOD[:-9]),
    "time-and-code": ("code", _with(1, data=b"import os\n", said={"mtime": 1})),
    "owner-and-code": ("code", _with(1, data=b"import os\n", said={"uid": 0})),
    "time-and-executable": ("header", _with(1, said={"mtime": 1, "mode": 0o755})),
    "time-and-name-of-its-pax-header": (
        "header",
        _with(1, before=records(b"path=pkg-1.0/pkg.py", b"mtime=1.5")),
    ),
    "gzip-time-and-code": (
        "code",
        gzipped(tarred([FOLDER, replace(MODULE, data=b""), *PARTS[2:]]), mtime=1),
    ),
}

_ALSO = {"gzip.deflate"}
"""Another tar is another stream."""

_EXCEPTED: Mapping[str, tuple[set[str], bytes]] = {
    "times": (_ALSO | {"tar.mtime"}, _all(mtime=1)),
    "times-with-a-fraction": (_ALSO | {"tar.mtime"}, _with(1, before=_TIMED)),
    "owners": (_ALSO | {"tar.owner"}, _all(uid=0, gid=7, uname="root", gname="wheel")),
    "owner-in-pax": (_ALSO | {"tar.owner"}, _with(1, before=_OWNED)),
    "umask": (_ALSO | {"tar.mode"}, _with(1, said={"mode": 0o664})),
    "all-of-tar": (
        _ALSO | {"tar.mode", "tar.mtime", "tar.owner"},
        _with(1, said={"mode": 0o600, "mtime": 1, "gname": "wheel"}),
    ),
    "gzip-time": ({"gzip.mtime"}, gzipped(TAR, mtime=1_750_000_000)),
    "gzip-system": ({"gzip.os"}, gzipped(TAR, os=3)),
    "gzip-name": ({"gzip.name"}, gzipped(TAR, name=b"dist/pkg-1.0.tar")),
    "gzip-level": ({"gzip.deflate"}, gzipped(TAR, level=1)),
}

CASES = [
    *(
        Case(f"sdist-{about}", NAME, data, GOOD, kind=kind)
        for about, (kind, data) in _TAMPERED.items()
    ),
    *(
        Case(f"sdist-{about}", NAME, data, GOOD, fields=fields)
        for about, (fields, data) in _EXCEPTED.items()
    ),
]
