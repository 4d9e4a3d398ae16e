"""Writing wheels: same files, same bytes.

`canonical-wheel/1` is the strict zip of `archive.zips`, stored, its members in a fixed
order. Stored, because two builds of zlib deflate differently, and because patches of
stored wheels are as small as the change. `docs/formats/bundle.md` has it to the byte.
"""

import base64
import csv
import hashlib
import io
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from stat import S_IFREG

from updater.archive.wheel import DIST_INFO
from updater.archive.zips import (
    CENTRAL,
    CENTRAL_MARK,
    END,
    END_MARK,
    LOCAL,
    LOCAL_MARK,
    STORED,
    UTF8,
)
from updater.errors import MalformedError

MAX_ENTRIES = 0xFFFF - 1
"""One more would announce zip64."""

_FIRST_TIME, _LAST_TIME = 315_532_800, 4_354_819_198  # what DOS time can say

_METADATA = "Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n"
_WHEEL = (
    "Wheel-Version: 1.0\nGenerator: ringfence\nRoot-Is-Purelib: true\n"
    "Tag: py3-none-any\n"
)


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A file to be written."""

    name: str
    data: bytes = field(repr=False)
    executable: bool = field(default=False, kw_only=True)


def write_wheel(entries: Iterable[NewEntry], epoch: int) -> bytes:
    """Write the canonical form of a wheel's files, RECORD among them.

    First what is outside of the folder `*.dist-info`, then what is in it, RECORD last;
    `epoch` is in POSIX seconds.

    Raises:
        MalformedError: there are too many.
    """

    def order(entry: NewEntry) -> tuple[bool, bool, bytes]:
        top, _, rest = entry.name.partition("/")
        is_about = top.endswith(DIST_INFO)
        return is_about, is_about and rest == "RECORD", entry.name.encode()

    return write_archive(sorted(entries, key=order), epoch)


def write_archive(entries: Sequence[NewEntry], epoch: int) -> bytes:
    """Write the canonical form: stored, one time for all, nothing optional.

    The caller orders the entries; `epoch` is in POSIX seconds and is moved into what a
    zip can say, 1980 to 2107 in steps of two seconds.

    Raises:
        MalformedError: there are too many.
    """
    count = len(entries)
    if count > MAX_ENTRIES:
        raise MalformedError(
            f"zip: expected at most {MAX_ENTRIES} entries, came {count}"
        )
    time, date = _dos_time(epoch)
    body, directory = bytearray(), bytearray()
    for entry in entries:
        name, size = entry.name.encode(), len(entry.data)
        mode = S_IFREG | (0o755 if entry.executable else 0o644)
        flags = 0 if entry.name.isascii() else UTF8
        common = (20, flags, STORED, time, date, zlib.crc32(entry.data), size, size)
        directory += CENTRAL.pack(
            CENTRAL_MARK, 0x0314, *common, len(name), 0, 0, 0, 0, mode << 16, len(body)
        )
        directory += name
        body += LOCAL.pack(LOCAL_MARK, *common, len(name), 0) + name + entry.data
    end = END.pack(END_MARK, 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)


def format_record(entries: Iterable[NewEntry], own: str) -> bytes:
    """Write the RECORD of some files: sorted, its own row last and empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for entry in sorted(entries, key=lambda each: each.name.encode()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(entry.data).digest())
        hashed = f"sha256={digest.rstrip(b'=').decode()}"
        writer.writerow((entry.name, hashed, len(entry.data)))
    writer.writerow((own, "", ""))
    return text.getvalue().encode()


def pure_wheel(
    project: str, version: str, files: Mapping[str, bytes], *, epoch: int
) -> tuple[str, bytes]:
    """Make a wheel of pure Python from its files, without a build backend.

    Gives its file name and its bytes; nothing is compiled, found or run for it.
    `project` and `version` are in their normal forms, with `_` for other separators.
    """
    about = f"{project}-{version}{DIST_INFO}"
    said = {
        f"{about}/METADATA": _METADATA.format(project=project, version=version),
        f"{about}/WHEEL": _WHEEL,
    }
    entries = [NewEntry(name, data) for name, data in files.items()]
    entries += (NewEntry(name, data.encode()) for name, data in said.items())
    own = f"{about}/RECORD"
    entries.append(NewEntry(own, format_record(entries, own)))
    return f"{project}-{version}-py3-none-any.whl", write_wheel(entries, epoch)


def _dos_time(epoch: int) -> tuple[int, int]:
    moment = datetime.fromtimestamp(min(max(epoch, _FIRST_TIME), _LAST_TIME), UTC)
    time = moment.hour << 11 | moment.minute << 5 | moment.second // 2
    return time, (moment.year - 1980) << 9 | moment.month << 5 | moment.day
