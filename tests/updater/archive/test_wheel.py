"""Wheels, strictly: what RECORD names, with its hash, and nothing to run or to move."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import installer
import pytest
from hypothesis import given
from hypothesis import strategies as st
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile as TheirWheel

from tests.updater.wheels import (
    ABOUT,
    LIBRARY,
    LIBRARY_NAME,
    Raw,
    deflated_wheel,
    raw_wheel,
    sha256,
    small_wheels,
    zipped,
)
from updater.archive.extent import in_memory
from updater.archive.wheel import open_wheel, project_of
from updater.errors import MalformedError

CODE = Raw(name="lib/__init__.py", data=b"VALUE = 1\n")
RECORD = f"{ABOUT}/RECORD"
WHEEL = Raw(name=f"{ABOUT}/WHEEL", data=b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
GOOD = zipped(raw_wheel([CODE, WHEEL]))
EMPTY_SHA256 = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


def _files(name: str, data: bytes) -> dict[str, bytes]:
    """Unpack a wheel to its end."""
    wheel = open_wheel(name, in_memory(data))
    return {file.path: b"".join(chunks) for file, chunks in wheel.unpack(len)}


def _recorded(record: bytes) -> bytes:
    return zipped(raw_wheel([Raw(name="a")], record=record))


def _with(*entries: Raw) -> bytes:
    return zipped(raw_wheel([CODE, WHEEL, *entries]))


def _row(path: str = "a", digest: str = EMPTY_SHA256, size: str = "0") -> bytes:
    return f"{path},{digest},{size}\n".encode()


OWN = b"lib-1.0.dist-info/RECORD,,\n"

HOSTILE: dict[str, tuple[bytes, str]] = {
    "no-dist-info": (zipped([CODE]), "one folder .*, came 0"),
    "two-dist-infos": (
        _with(Raw(name="other-1.0.dist-info/METADATA")),
        "one folder .*, came 2",
    ),
    "two-dist-infos-by-case": (
        _with(Raw(name="other-1.0.DIST-INFO/METADATA")),
        "one folder .*, came 2",
    ),
    "dist-info-is-a-file": (zipped([Raw(name=ABOUT)]), "one folder .*, came 0"),
    "dist-info-of-another": (
        zipped(raw_wheel([CODE], about="evil-1.0.dist-info")),
        "is of another wheel",
    ),
    "dist-info-of-another-version": (
        zipped(raw_wheel([CODE], about="lib-1.1.dist-info")),
        "is of another wheel",
    ),
    "dist-info-without-version": (
        zipped(raw_wheel([CODE], about="lib.dist-info")),
        "is of another wheel",
    ),
    "data": (_with(Raw(name="lib-1.0.data/scripts/x")), "no \\*.data folder"),
    "data-of-another": (_with(Raw(name="evil-1.0.DATA/purelib/x")), "no \\*.data"),
    "pth": (_with(Raw(name="evil.pth", data=b"import evil")), "no .pth file"),
    "pth-by-case": (_with(Raw(name="evil.PTH", data=b"import evil")), "no .pth file"),
    "compiled": (_with(Raw(name="lib/__pycache__/a.cpython-312.pyc")), "no compiled"),
    "compiled-by-case": (_with(Raw(name="lib/__PyCache__/a.pyc")), "no compiled"),
    "no-record": (zipped([CODE, Raw(name=f"{ABOUT}/METADATA")]), "is missing"),
    "record-elsewhere": (
        zipped([CODE, Raw(name=f"{ABOUT}/a/RECORD", data=b"")]),
        "is missing",
    ),
    "record-huge": (
        zipped([Raw(name=RECORD, data=bytes(4 * 1024 * 1024 + 1))]),
        "at most 4194304 bytes",
    ),
    "record-not-text": (_recorded(b"\xff,,\n"), "CSV in UTF-8"),
    "record-not-csv": (_recorded(b'"a"b,,\n'), "CSV in UTF-8"),
    "record-open-quote": (_recorded(b'"a,,\n'), "CSV in UTF-8"),
    "record-two-columns": (_recorded(_row() + b"b,\n"), "rows of three"),
    "record-four-columns": (_recorded(_row() + b"b,,,\n"), "rows of three"),
    "record-blank-line": (_recorded(_row() + b"\n" + OWN), "rows of three"),
    "record-empty-row": (_recorded(b"x,,\n"), "expected sha256"),
    "record-misses-a-file": (_recorded(OWN), "not in both RECORD and the archive"),
    "record-names-too-many": (
        _recorded(_row() + _row("b") + OWN),
        "'b' is not in both RECORD",
    ),
    "record-names-twice": (_recorded(_row() + _row() + OWN), "'a' stands twice"),
    "record-names-itself-twice": (_recorded(_row() + OWN + OWN), "stands twice"),
    "record-hashes-itself": (
        _recorded(_row() + _row(f"{ABOUT}/RECORD")),
        "no hash and size of itself",
    ),
    "record-climbs": (_recorded(_row("../a")), "relative path"),
    "record-other-spelling": (_recorded(_row("./a")), "relative path"),
    "record-no-hash": (_recorded(_row(digest="")), "expected sha256"),
    "record-weak-hash": (
        _recorded(_row(digest="md5=1B2M2Y8AsgTpgAmY7PhCfg")),
        "expected sha256",
    ),
    "record-hash-padded": (_recorded(_row(digest=EMPTY_SHA256 + "=")), "sha256"),
    "record-hash-two-spellings": (
        _recorded(_row(digest=EMPTY_SHA256[:-1] + "V")),
        "canonical base64",
    ),
    "record-size-words": (_recorded(_row(size="zero")), "and a size"),
    "record-size-zeros": (_recorded(_row(size="00")), "and a size"),
    "record-size-sign": (_recorded(_row(size="-0")), "and a size"),
    "record-no-size": (_recorded(_row(size="")), "and a size"),
    "record-wrong-size": (_recorded(_row(size="1") + OWN), "RECORD says 1 bytes"),
    "record-wrong-hash": (
        _recorded(_row(digest="sha256=" + "A" * 43) + OWN),
        "RECORD says SHA-256 0000",
    ),
    "signature-file": (
        zipped([*raw_wheel([CODE]), Raw(name=f"{ABOUT}/RECORD.jws")]),
        "RECORD.jws' is not in both",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_wheel_is_refused(case: str) -> None:
    data, why = HOSTILE[case]

    with pytest.raises(MalformedError, match=why):
        _files(LIBRARY_NAME, data)


def test_a_record_of_too_many_rows_is_refused() -> None:
    rows = b"".join(_row(str(number)) for number in range(20_001))

    with pytest.raises(MalformedError, match="20000 rows"):
        _files(LIBRARY_NAME, _recorded(rows))


GOOD_WHEELS: dict[str, tuple[str, bytes]] = {
    "stored": ("app-1.0-py3-none-any.whl", small_wheels()["app-1.0-py3-none-any.whl"]),
    "deflated": deflated_wheel(LIBRARY),
    "executable": (LIBRARY_NAME, _with(Raw(name="lib/run", mode=0o100755))),
    "awkward names": (LIBRARY_NAME, _with(Raw(name='lib/a,"b" c.txt', data=b"x"))),
    "non-ascii": (LIBRARY_NAME, _with(Raw(name="lib/\u00e9.txt", flags=0x800))),
    "folders": (LIBRARY_NAME, _with(Raw(name="lib/", method=0, mode=0o40755))),
    "build tag": ("lib-1.0-1-py3-none-any.whl", GOOD),
    "other spelling": (
        "My_Lib-1.0-py3-none-any.whl",
        zipped(raw_wheel([CODE], about="my.lib-1.0.dist-info")),
    ),
}


@pytest.mark.parametrize("case", GOOD_WHEELS)
def test_zipfile_reads_the_same_files(case: str) -> None:
    name, data = GOOD_WHEELS[case]
    with zipfile.ZipFile(io.BytesIO(data)) as theirs:
        expected = {
            info.filename: theirs.read(info)
            for info in theirs.infolist()
            if not info.is_dir()
        }

    assert _files(name, data) == expected


@pytest.mark.parametrize("case", ["stored", "deflated", "executable", "awkward names"])
def test_installer_installs_the_same_files(case: str, tmp_path: Path) -> None:
    name, data = GOOD_WHEELS[case]
    folder = tmp_path / "lib"
    (tmp_path / name).write_bytes(data)
    destination = SchemeDictionaryDestination(
        {"purelib": str(folder), "platlib": str(folder)},
        interpreter="python3",
        script_kind="posix",
    )
    with TheirWheel.open(tmp_path / name) as source:
        installer.install(source, destination, additional_metadata={})

    assert _modes(folder) == {
        file.path: (b"".join(chunks), file.executable)
        for file, chunks in open_wheel(name, in_memory(data)).unpack(len)
        if not file.path.endswith("/RECORD")
    }


def _modes(folder: Path) -> Mapping[str, tuple[bytes, bool]]:
    """Read what was installed, but for what an installer writes anew."""
    return {
        path.relative_to(folder).as_posix(): (
            path.read_bytes(),
            bool(path.stat().st_mode & 0o100),
        )
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {"RECORD", "INSTALLER"}
    }


def test_files_are_known_before_any_is_unpacked() -> None:
    files = open_wheel(LIBRARY_NAME, in_memory(GOOD)).files

    assert [(file.path, file.size) for file in files] == [
        ("lib/__init__.py", 10),
        ("lib-1.0.dist-info/WHEEL", 41),
        ("lib-1.0.dist-info/RECORD", 175),
    ]
    assert [file.sha256 for file in files] == [
        sha256(data) for data in _files(LIBRARY_NAME, GOOD).values()
    ]


def test_every_byte_of_a_wheel_is_shown_once() -> None:
    shown = bytearray()
    for _ in open_wheel(LIBRARY_NAME, in_memory(GOOD)).unpack(shown.extend):
        pass

    assert bytes(shown) == GOOD


@pytest.mark.parametrize(
    "name",
    [
        "",
        "lib.whl",
        "lib-1.0.whl",
        "lib-1.0-py3-none-any.zip",
        "lib-1.0-x-py3-none-any.whl",
        "../lib-1.0-py3-none-any.whl",
        "lib-1.0-1-2-py3-none-any.whl",
    ],
)
def test_other_file_names_are_no_wheels(name: str) -> None:
    with pytest.raises(MalformedError, match="expected the file name of a wheel"):
        open_wheel(name, in_memory(GOOD))


def test_the_project_is_known_by_one_name() -> None:
    assert project_of("My.Cool__Lib-1.0-py3-none-any.whl") == "my_cool_lib"


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_changed_byte_never_changes_a_file(position: int, change: int) -> None:
    mangled = bytearray(GOOD)
    mangled[position] ^= change
    try:
        found = _files(LIBRARY_NAME, bytes(mangled))
    except MalformedError:
        return

    assert found == _files(LIBRARY_NAME, GOOD)
