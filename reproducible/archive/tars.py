"""Tar archives of strangers, read strictly (POSIX.1-2024 pax, and GNU's long names).

What is left of tar are files, folders and links that stay inside. Every header byte is
either read or must be zero, and so is every padding, so that two archives which read
the same differ in nothing but how they were packed.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from updater.archive.names import check_path, check_together
from updater.archive.ustar import BLOCK_BYTES
from updater.errors import MalformedError

Kind = Literal["file", "folder", "link"]

MAX_ENTRIES = 20_000
"""As of zip archives; the largest source archives in use have half of it."""

_FILES = b"0\0"  # POSIX, and what was written before it
_KINDS: dict[bytes, Kind] = {b"0": "file", b"\0": "file", b"5": "folder", b"2": "link"}
_PAX, _LONG_NAME = b"x", b"L"
_MAX_EXTENSION_BYTES = 8 * 1024  # two paths, two names and some numbers
_MAGICS = {b"ustar\x0000": True, b"ustar  \0": False}  # whether there is a prefix
_OCTAL = re.compile(rb"([0-7]{1,11})[\0 ]{1,2}|\0+")
_BINARY = 0x80  # GNU: the number follows, with the highest byte first
_LENGTH = re.compile(rb"[1-9][0-9]{0,4}(?= )")
_RECORD = re.compile(rb"[0-9]+ ([a-z]+)=([^\0]*)\n", re.DOTALL)
_KEYS = {"path", "size", "mtime", "linkpath", "uid", "gid", "uname", "gname"}
_WHOLE = re.compile(r"[0-9]{1,20}")
_TIME = re.compile(r"[0-9]{1,12}(\.[0-9]{1,20})?")
_PERMISSIONS = 0o777


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a member was where it was packed."""

    uid: int
    gid: int
    user: str = field(kw_only=True)
    group: str = field(kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TarEntry:
    """A member of an archive, and where it lies there (offsets in bytes)."""

    name: str
    """The path; that of a folder without its final slash."""
    kind: Kind
    mode: int
    """The nine bits of permission."""
    mtime: Decimal
    """POSIX seconds, with the fraction that was written."""
    owner: Owner
    target: str
    """Where a link points, from the folder that it is in; else empty."""
    size: int
    """Of a file; else 0."""
    start: int
    """Where it begins: its pax header or long name, if it has one."""
    header: int
    """Where its own header of 512 bytes begins."""

    @property
    def executable(self) -> bool:
        """Tell whether it is a file that somebody may run."""
        return self.kind == "file" and bool(self.mode & 0o111)

    @property
    def data_offset(self) -> int:
        """Where its bytes begin."""
        return self.header + BLOCK_BYTES

    @property
    def end(self) -> int:
        """Where the next member begins, or the zeros that end the archive."""
        return self.data_offset + self.size + -self.size % BLOCK_BYTES

    def data(self, tar: bytes) -> bytes:
        """Cut its bytes out of the archive."""
        return tar[self.data_offset : self.data_offset + self.size]


def read_tar(data: bytes, *, most: int = MAX_ENTRIES) -> tuple[TarEntry, ...]:
    """Read the headers of an archive of at most `most` members, in its order.

    Raises:
        MalformedError: a sum is wrong, a member is neither file, folder nor link, a
            link leaves the top folder that it is in, a header says what is not
            understood here, two members cannot lie in one folder, or something else
            than zeros fills up or follows the members.
    """
    entries: list[TarEntry] = []
    offset = 0
    while any(block := _block(data, offset)):
        if len(entries) == most:
            raise MalformedError(f"tar: expected at most {most} members, came more")
        entry = _read_entry(data, offset, block)
        if entry.end > len(data):
            raise MalformedError(f"tar: {entry.name!r}: expected {entry.size} bytes")
        if any(data[entry.data_offset + entry.size : entry.end]):
            raise MalformedError(f"tar: {entry.name!r}: expected zeros after its bytes")
        entries.append(entry)
        offset = entry.end
    _block(data, offset + BLOCK_BYTES)
    if data.count(0, offset) != len(data) - offset:
        # Whatever stands behind the end is read by some programs.
        raise MalformedError("tar: expected nothing but zeros after the last member")
    check_together(
        [each.name for each in entries if each.kind != "folder"],
        [each.name for each in entries if each.kind == "folder"],
    )
    return tuple(entries)


def _read_entry(tar: bytes, start: int, block: bytes) -> TarEntry:
    """Read the member that begins at `start`, with what may stand before it."""
    said: dict[str, bytes] = {}
    header = start
    if block[156:157] in {_PAX, _LONG_NAME}:
        said, header = _read_extension(tar, start, block)
        block = _block(tar, header)
    own = _Header(block, header)
    kind = _KINDS.get(block[156:157])
    if kind is None:
        # Devices, hard links, sparse files, global headers, a second extension.
        raise MalformedError(
            f"tar at {header}: expected a file, folder or link,"
            f" came type {block[156:157]!r}"
        )
    size = own.number(124, 136)
    if said.get("size", b"%d" % size) != b"%d" % size:
        # Who believes the one finds other members than who believes the other.
        raise MalformedError(f"tar at {header}: expected one size, came two")
    name = own.text(said.get("path", own.name()))
    entry = TarEntry(
        name=name.removesuffix("/") if kind == "folder" else name,
        kind=kind,
        mode=own.number(100, 108),
        mtime=Decimal(own.matched(said.get("mtime", b"%d" % own.number(136, 148)))),
        owner=Owner(
            int(own.matched(said.get("uid", b"%d" % own.number(108, 116)), _WHOLE)),
            int(own.matched(said.get("gid", b"%d" % own.number(116, 124)), _WHOLE)),
            user=own.text(said.get("uname", own.raw(265, 297))),
            group=own.text(said.get("gname", own.raw(297, 329))),
        ),
        target=own.text(said.get("linkpath", own.raw(157, 257))),
        size=size,
        start=start,
        header=header,
    )
    _check_entry(entry)
    return entry


def _read_extension(
    tar: bytes, start: int, block: bytes
) -> tuple[dict[str, bytes], int]:
    """Read what stands before a member; give it, and where its own header begins."""
    own = _Header(block, start)
    own.check_unused()
    size = own.number(124, 136)
    if size > _MAX_EXTENSION_BYTES:
        raise MalformedError(
            f"tar at {start}: expected at most {_MAX_EXTENSION_BYTES} bytes before a"
            f" member, came {size}"
        )
    content = tar[start + BLOCK_BYTES : start + BLOCK_BYTES + size]
    header = start + BLOCK_BYTES + size + -size % BLOCK_BYTES
    if any(tar[start + BLOCK_BYTES + size : header]):
        raise MalformedError(f"tar at {start}: expected zeros after the extension")
    if block[156:157] == _PAX:
        return _parse_pax(content, start), header
    name = content.removesuffix(b"\0")
    if name == content or b"\0" in name:
        raise MalformedError(f"tar at {start}: expected a long name and a zero")
    return {"path": name}, header


def _parse_pax(content: bytes, start: int) -> dict[str, bytes]:
    """Read records `LEN KEY=VALUE` and a line feed; LEN counts the whole record."""
    said: dict[str, bytes] = {}
    while content:
        length = _LENGTH.match(content)
        line = content[: int(length[0])] if length else b""
        found = _RECORD.fullmatch(line)
        if length is None or found is None or len(line) != int(length[0]):
            raise MalformedError(f"tar at {start}: expected whole pax records")
        key = found[1].decode()
        if key not in _KEYS or key in said:
            # `hdrcharset` would rename what follows.
            raise MalformedError(
                f"tar at {start}: the pax record {key!r} has no place here, or twice"
            )
        said[key] = found[2]
        content = content[len(line) :]
    return said


class _Header:
    """One block, field by field (POSIX.1-2024 pax, "ustar Interchange Format")."""

    def __init__(self, block: bytes, offset: int) -> None:
        self._block, self._offset = block, offset
        has_prefix = _MAGICS.get(block[257:265])
        if has_prefix is None:
            raise self._wrong("the mark of ustar or GNU")
        self._prefix = self.raw(345, 500)
        # In GNU's form these bytes are times and parts of sparse files.
        is_odd = any(block[500:]) or (self._prefix and not has_prefix)
        if is_odd or self.number(329, 337) or self.number(337, 345):
            raise self._wrong("zeros where nothing is to be said")
        # The sum is taken with eight spaces in its own place.
        found = sum(block) - sum(block[148:156]) + 8 * ord(" ")
        if self.number(148, 156) != found:
            raise self._wrong(f"the checksum {found:o}")

    def raw(self, start: int, end: int) -> bytes:
        """Give the bytes of a text, which zeros fill up."""
        found, _, rest = self._block[start:end].partition(b"\0")
        if any(rest):
            raise self._wrong("zeros after a text")
        return found

    def name(self) -> bytes:
        """Give the name with its prefix."""
        name = self.raw(0, 100)
        return self._prefix + b"/" + name if self._prefix else name

    def number(self, start: int, end: int) -> int:
        """Read octal digits, or GNU's binary numbers."""
        raw = self._block[start:end]
        if raw[0] == _BINARY:
            return int.from_bytes(raw[1:])
        found = _OCTAL.fullmatch(raw)
        if found is None:
            raise self._wrong("octal digits")
        return int(found[1] or b"0", 8)

    def check_unused(self) -> None:
        """Read what says nothing before a member, so that nothing else stands there."""
        for raw in (self.name(), self.raw(265, 297), self.raw(297, 329)):
            self.text(raw)
        for start, end in ((100, 108), (108, 116), (116, 124), (136, 148)):
            self.number(start, end)
        if self.raw(157, 257):
            raise self._wrong("no target before a member")

    def text(self, raw: bytes) -> str:
        """Decode a text of this member, wherever it was said."""
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise self._wrong("text in UTF-8") from None

    def matched(self, raw: bytes, form: re.Pattern[str] = _TIME) -> str:
        """Give a decimal number as it was written."""
        text = self.text(raw)
        if not form.fullmatch(text):
            raise self._wrong("a decimal number")
        return text

    def _wrong(self, expected: str) -> MalformedError:
        return MalformedError(f"tar at {self._offset}: expected {expected}")


def _check_entry(entry: TarEntry) -> None:
    check_path(entry.name)
    if entry.mode & ~_PERMISSIONS:
        raise MalformedError(
            f"tar: {entry.name!r}: expected permissions, came mode {entry.mode:o}"
        )
    if entry.size and entry.kind != "file":
        raise MalformedError(
            f"tar: {entry.name!r}: expected no bytes of a {entry.kind}"
        )
    if entry.kind == "link":
        _check_target(entry)
    elif entry.target:
        raise MalformedError(
            f"tar: {entry.name!r}: expected no target of a {entry.kind}"
        )


def _check_target(entry: TarEntry) -> None:
    """Expect a link to climb first, and not out of its top folder, then to go down.

    The folders above a link are no links themselves, so the way up is what it seems;
    on the way down there may be links, which end inside by this same rule.
    """
    down = entry.target
    climbs = 0
    while down.startswith("../"):
        down, climbs = down[3:], climbs + 1
    check_path(down)
    if climbs > max(entry.name.count("/") - 1, 0):
        raise MalformedError(
            f"tar: {entry.name!r}: expected a target inside, came {entry.target[:80]!r}"
        )


def _block(tar: bytes, offset: int) -> bytes:
    block = tar[offset : offset + BLOCK_BYTES]
    if len(block) != BLOCK_BYTES:
        raise MalformedError(
            f"tar: expected {BLOCK_BYTES} bytes at {offset}, came {len(block)}"
        )
    return block
