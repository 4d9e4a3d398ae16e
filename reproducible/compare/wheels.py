"""Classes of difference between two wheels, for people to find the cause by.

Nothing here decides: that two files differ is known before. All classes that apply are
given, in the order of `KINDS`; what follows from a difference that is given already,
such as the row of a changed file in RECORD, is not said again.
"""

import csv
import io
from collections.abc import Iterator

from reproducible.archive.wheels import Wheel
from reproducible.compare import members
from reproducible.compare.contents import Change, describe
from reproducible.compare.directory import Row, read_rows
from reproducible.compare.members import Field, said
from reproducible.compare.verdict import Difference, Kind
from updater.archive.wheel import DIST_INFO
from updater.archive.zips import DEFLATED, Entry, contents


def classify_wheels(published: Wheel, rebuilt: Wheel) -> list[Difference]:
    """Say how two wheels differ; nothing if only what has no class does.

    Raises:
        MalformedError: a member is not what it was when the wheel was opened.
    """
    theirs, ours = published.entries, rebuilt.entries
    paired = [
        (old, new)
        for old, new in members.pairs(theirs, ours)
        if not _packed_alike(published, old, rebuilt, new)
    ]

    def change(old: Entry, new: Entry) -> Change | None:
        return describe(
            contents(published.archive, old), contents(rebuilt.archive, new)
        )

    about = {f"{published.about}/RECORD", f"{rebuilt.about}/RECORD"}
    changed = members.changes(
        [pair for pair in paired if pair[0].name not in about], change, _wheel_kind
    )
    found = [*members.file_set(theirs, ours), *changed]
    found += _record(published, rebuilt, {each.entry for each in found})
    found += members.order(theirs, ours)
    found += _headers(published, rebuilt)
    for old, new in paired:
        found += _deflate(old, new)
    return members.in_order(found)


def _packed_alike(published: Wheel, old: Entry, rebuilt: Wheel, new: Entry) -> bool:
    """Tell whether two members are the same in the archive: they unpack to the same."""
    if (old.method, old.packed) != (new.method, new.packed):
        return False
    theirs = published.archive.extent.part(old.data_offset, old.packed).chunks()
    ours = rebuilt.archive.extent.part(new.data_offset, new.packed).chunks()
    return all(a == b for a, b in zip(theirs, ours, strict=True))


def _wheel_kind(name: str) -> Kind:
    return "dist-info" if name.partition("/")[0].endswith(DIST_INFO) else "code"


def _record(published: Wheel, rebuilt: Wheel, odd: set[str]) -> list[Difference]:
    """Compare the two RECORDs, without the rows of members that differ anyway."""
    own = f"{published.about}/RECORD"
    if published.about != rebuilt.about:
        return []  # the name of every member within it differs
    kept = [
        [row for row, path in _rows(_read(wheel, own)) if path not in odd]
        for wheel in (published, rebuilt)
    ]
    found = describe(*kept)
    return [Difference("record", "both", own, found.words)] if found else []


def _rows(record: bytes) -> Iterator[tuple[bytes, str]]:
    """Give each line with the path that it is about."""
    for line in io.StringIO(record.decode(), newline=""):
        path, *_ = next(csv.reader([line]))
        yield line.encode(), path


def _read(wheel: Wheel, name: str) -> bytes:
    return wheel.data(next(each for each in wheel.entries if each.name == name))


def _headers(published: Wheel, rebuilt: Wheel) -> list[Difference]:
    """Compare what is said about members of one name."""
    ours = {row.entry.name: row for row in read_rows(rebuilt.archive)}
    found: list[Difference] = []
    for old in read_rows(published.archive):
        new = ours.get(old.entry.name)
        if new is not None and old.facts != new.facts:
            found += said("container", old.entry.name, _container(old, new))
            found += said("header", old.entry.name, _header(old, new))
    return found


def _deflate(old: Entry, new: Entry) -> list[Difference]:
    """Say whether the same contents were compressed to other bytes."""
    facts = (old.method, old.crc, old.size), (DEFLATED, new.crc, new.size)
    if facts[0] != facts[1] or new.method != DEFLATED:
        return []
    words = f"{old.packed} bytes published, {new.packed} rebuilt"
    return [Difference("deflate", "both", old.name, words)]


def _container(old: Row, new: Row) -> list[Field]:
    return [
        ("folder", old.entry.is_folder, new.entry.is_folder),
        ("version", old.needed, new.needed),
        ("flags", f"{old.flags:#x}", f"{new.flags:#x}"),
        ("method", old.method, new.method),
        ("internal_attr", old.internal, new.internal),
        ("extra", _extras(old), _extras(new)),
    ]


def _header(old: Row, new: Row) -> list[Field]:
    return [
        ("date_time", _moment(old), _moment(new)),
        ("create", f"{old.made_by:#06x}", f"{new.made_by:#06x}"),
        ("external_attr", _attributes(old), _attributes(new)),
    ]


def _moment(row: Row) -> str:
    """Write a DOS time as it stands there, be there such a day or not."""
    day, time = row.date, row.time
    return (
        f"{1980 + (day >> 9)}-{day >> 5 & 15:02}-{day & 31:02}"
        f" {time >> 11:02}:{time >> 5 & 63:02}:{(time & 31) * 2:02}"
    )


def _extras(row: Row) -> str:
    return "+".join(each.hex() or "0" for each in row.extras)


def _attributes(row: Row) -> str:
    return f"{row.external >> 16:#o}+{row.external & 0xFFFF:#x}"
