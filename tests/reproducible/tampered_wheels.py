"""Wheels that somebody put a hand to, each in one way."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tests.reproducible.tampering_case import Case
from tests.updater.wheels import Raw, deflated, raw_wheel, zipped

NAME = "pkg-1.0-py3-none-any.whl"
ABOUT = "pkg-1.0.dist-info"
MODULE = Raw(name="pkg/__init__.py", data=b"VALUE = 1\n" * 20)
RUN = Raw(name="pkg/run.sh", data=b"#!/bin/sh\nexit 0\n", mode=0o100755)
NATIVE = Raw(name="pkg/fast.so", data=b"\x7fELF" + bytes(range(256)) * 4)
METADATA = Raw(
    name=f"{ABOUT}/METADATA",
    data=b"Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n",
)
POINTS = Raw(
    name=f"{ABOUT}/entry_points.txt", data=b"[console_scripts]\npkg = pkg:main\n"
)
WHEEL = Raw(
    name=f"{ABOUT}/WHEEL", data=b"Wheel-Version: 1.0\nGenerator: hatchling 1.33.0\n"
)
FILES = (MODULE, RUN, NATIVE, METADATA, POINTS, WHEEL)
LATER = {4: 0x6000, 5: 0x5921}
"""A time and a date, by their place in an entry's own header."""
LATER_ROW = {5: 0x6000, 6: 0x5921}
"""And by their place in the directory."""


def wheel(entries: Sequence[Raw], **bent: object) -> bytes:
    """Write a wheel whose RECORD fits it."""
    return zipped(raw_wheel(entries, about=ABOUT), **bent)  # type: ignore[arg-type]  # as zipped takes them


GOOD = wheel(FILES)
RECORD = raw_wheel(FILES, about=ABOUT)[-1]
LINES = RECORD.data.splitlines(keepends=True)


def _with(index: int, **changes: object) -> bytes:
    """Change one entry, and let RECORD fit."""
    entries = list(FILES)
    entries[index] = replace(entries[index], **changes)  # type: ignore[arg-type]  # any field
    return wheel(entries)


def _all(**changes: object) -> bytes:
    """Change all entries, RECORD included."""
    entries = raw_wheel(FILES, about=ABOUT)
    return zipped([replace(each, **changes) for each in entries])  # type: ignore[arg-type]  # any field


def _record(data: bytes) -> bytes:
    return zipped([*FILES, replace(RECORD, data=data)])


def _moved(raw: Raw, **changes: object) -> Raw:
    return replace(raw, local=LATER, central=LATER_ROW, **changes)  # type: ignore[arg-type]  # any field


def _only(field: str) -> bytes:
    match field:
        case "zip.date_time":
            return _all(local=LATER, central=LATER_ROW)
        case "zip.create":
            return zipped(
                [
                    each if each.mode & 0o111 else replace(each, central={1: 0x0014})
                    for each in raw_wheel(FILES, about=ABOUT)
                ]
            )
        case _:
            return zipped(
                [
                    replace(each, mode=each.mode | 0o020)
                    for each in raw_wheel(FILES, about=ABOUT)
                ]
            )


CHANGED = replace(MODULE, data=b"VALUE = 2\n" * 20)

_TAMPERED: Mapping[str, tuple[str, bytes]] = {
    "code-byte": ("code", _with(0, data=b"VALUE = 2\n" + b"VALUE = 1\n" * 19)),
    "code-lines": ("code", _with(0, data=MODULE.data + b"import os\n")),
    "code-empty": ("code", _with(0, data=b"")),
    "code-line-endings": (
        "code",
        _with(0, data=MODULE.data.replace(b"\n", b"\r\n")),
    ),
    "native-byte": ("native", _with(2, data=NATIVE.data[:-1] + b"\0")),
    "code-becomes-native": ("native", _with(0, data=NATIVE.data)),
    "code-with-its-row-as-it-was": (
        "malformed",
        zipped([CHANGED, *FILES[1:], RECORD]),
    ),
    "executable": ("header", _with(0, mode=0o100755)),
    "not-executable": ("header", _with(1, mode=0o100644)),
    "executable-without-a-type": ("header", _with(1, mode=0o755)),
    "executable-made-by-dos": ("header", _with(1, central={1: 0x0014})),
    "folder-by-attribute": ("header", _with(0, central={15: 0o100644 << 16 | 0x10})),
    "file-added": ("file-set", wheel([*FILES, Raw(name="pkg/more.py", data=b"x")])),
    "file-removed": ("file-set", wheel(FILES[1:])),
    "file-renamed": ("file-set", _with(0, name="pkg/__main__.py")),
    "folder-added": ("file-set", wheel([Raw(name="pkg/", mode=0o40755), *FILES])),
    "pth-added": (
        "file-set",
        wheel([*FILES, Raw(name="pkg.pth", data=b"import pkg\n")]),
    ),
    "script-added": (
        "file-set",
        wheel([*FILES, Raw(name="pkg-1.0.data/scripts/pip", data=b"#!python\n")]),
    ),
    "compiled-added": (
        "file-set",
        wheel([*FILES, Raw(name="pkg/__pycache__/__init__.cpython-312.pyc")]),
    ),
    "dependency-added": (
        "dist-info",
        _with(3, data=METADATA.data + b"Requires-Dist: left-pad\n"),
    ),
    "entry-point-changed": (
        "dist-info",
        _with(4, data=b"[console_scripts]\npkg = pkg:other\n"),
    ),
    "generator-changed": (
        "dist-info",
        _with(5, data=b"Wheel-Version: 1.0\nGenerator: hatchling 1.34.0\n"),
    ),
    "record-order": ("record", _record(b"".join([LINES[1], LINES[0], *LINES[2:]]))),
    "record-line-endings": ("record", _record(RECORD.data.replace(b"\n", b"\r\n"))),
    "record-wrong-hash": ("malformed", _record(RECORD.data.replace(b"=", b"=A", 1))),
    "record-row-missing": ("malformed", _record(b"".join(LINES[1:]))),
    "record-missing": ("malformed", zipped(FILES)),
    "order": ("order", wheel([RUN, MODULE, *FILES[2:]])),
    "stored": ("container", _with(0, method=0)),
    "level": ("deflate", _with(0, packed=deflated(MODULE.data, 0))),
    "sums-after-the-data": ("container", _with(0, flags=8)),
    "effort-flag": ("container", _with(0, flags=2)),
    "version-needed": ("container", _with(0, local={1: 10}, central={2: 10})),
    "internal-attributes": ("container", _with(0, central={14: 1})),
    "extra-field": ("container", _with(0, extra=b"UT\x05\x00\x01\x00\x00\x00\x00")),
    "own-extra-field": (
        "container",
        _with(0, local_extra=b"UT\x05\x00\x01\x00\x00\x00\x00"),
    ),
    "prepended-script": ("malformed", b"#!/bin/sh\n" + GOOD),
    "appended-byte": ("malformed", GOOD + b"\0"),
    "archive-comment": ("malformed", wheel(FILES, end={7: 3}, after=b"abc")),
    "entry-comment": ("malformed", _with(0, comment=b"abc")),
    "gap": ("malformed", _with(0, gap=b"hidden")),
    "before-the-directory": ("malformed", wheel(FILES, between=b"hidden")),
    "name-twice": ("malformed", wheel([*FILES, MODULE])),
    "name-in-other-case": (
        "malformed",
        wheel([*FILES, Raw(name="pkg/__INIT__.py", data=b"evil")]),
    ),
    "name-composed-otherwise": (
        "malformed",
        wheel(
            [
                *FILES,
                Raw(name="pkg/\u00e9.py", flags=0x800),
                Raw(name="pkg/e\u0301.py", flags=0x800),
            ]
        ),
    ),
    "name-differs-in-own-header": (
        "malformed",
        GOOD.replace(b"pkg/__init__.py", b"pkg/__evil__.py", 1),
    ),
    "time-differs-in-own-header": ("malformed", _with(0, local={4: 1})),
    "size-differs-in-own-header": ("malformed", _with(0, local={8: 1})),
    "second-stream": (
        "malformed",
        _with(0, packed=deflated(MODULE.data) + deflated(b"evil")),
    ),
    "stream-cut": ("malformed", _with(0, packed=deflated(MODULE.data)[:-1])),
    "crc": ("malformed", _with(0, sums=(1, len(deflated(MODULE.data)), 200))),
    "zip64": ("malformed", _with(0, extra=b"\x01\x00\x00\x00")),
    "unicode-path": ("malformed", _with(0, extra=b"\x75\x70\x00\x00")),
    "symlink": ("malformed", _with(0, mode=0o120777, data=b"/etc/passwd")),
    "setuid": ("malformed", _with(1, mode=0o104755)),
    "encrypted": ("malformed", _with(0, flags=1)),
    "method": ("malformed", _with(0, method=12, packed=b"")),
    "climbing-path": ("malformed", wheel([*FILES, Raw(name="../evil.py")])),
    "absolute-path": ("malformed", wheel([*FILES, Raw(name="/evil.py")])),
    "backslash": ("malformed", wheel([*FILES, Raw(name="pkg\\evil.py")])),
    "escape-in-name": ("malformed", wheel([*FILES, Raw(name="pkg/\x1b[2J.py")])),
    "second-dist-info": (
        "malformed",
        wheel([*FILES, Raw(name="evil-1.0.dist-info/METADATA")]),
    ),
    "time-and-code": ("code", wheel([_moved(CHANGED), *FILES[1:]])),
    "system-and-code": (
        "code",
        wheel([replace(CHANGED, central={1: 0x0014}), *FILES[1:]]),
    ),
    "mode-and-code": ("code", wheel([replace(CHANGED, mode=0o100664), *FILES[1:]])),
    "time-and-executable": (
        "header",
        wheel([_moved(MODULE, mode=0o100755), *FILES[1:]]),
    ),
    "time-and-order": ("order", wheel([_moved(RUN), MODULE, *FILES[2:]])),
    "time-and-level": (
        "deflate",
        wheel([_moved(MODULE, packed=deflated(MODULE.data, 0)), *FILES[1:]]),
    ),
    "time-and-flags": ("container", wheel([_moved(MODULE, flags=2), *FILES[1:]])),
}

CASES = [
    *(
        Case(f"wheel-{about}", NAME, data, GOOD, kind=kind)
        for about, (kind, data) in _TAMPERED.items()
    ),
    *(
        Case(f"wheel-{field}", NAME, _only(field), GOOD, fields={field})
        for field in ("zip.date_time", "zip.create", "zip.external_attr")
    ),
]
