"""What an index says about a project: its files, each with size, hash and upload time.

The JSON form of the Simple Repository API (PEP 691) at API version 1.1 or later
(PEP 700), which is what gives sizes and upload times. An index is hostile: what it says
is bounded in size, a file counts only with a name that an installer would accept and a
SHA-256, and an address may not leave the schemes that `updater.fetch` checks again.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urljoin

from updater import jcs
from updater.errors import MalformedError
from updater.jcs import Json
from updater.shape import SHA256, fields, integer, items, text

MEDIA_TYPE: Final = "application/vnd.pypi.simple.v1+json"
"""What is asked for (PEP 691, "Content-Types")."""
MAX_LISTING_BYTES: Final = 32 * 1024 * 1024
"""The longest of the projects in use, with releases every day for ten years: 8 MiB."""
MAX_FILE_BYTES: Final = 512 * 1024 * 1024
"""What is compared at most; a larger file is not offered to anybody here."""

_MAX_FILES: Final = 100_000
_API: Final = re.compile(r"1\.([1-9][0-9]{0,3})")
_PROJECT: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_FILE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+!-]{0,195}(?:\.whl|\.tar\.gz)")
_URL: Final = re.compile(r"[!-~]{1,2000}")
_SPECIFIER: Final = re.compile(r"[ -~]{0,500}")
_UPLOADED: Final = re.compile(
    r"(20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9])(\.[0-9]{1,6})?Z"
)


@dataclass(frozen=True, slots=True)
class Offered:
    """A wheel or source archive that an index offers.

    Attributes:
        name: of the file; begins with no dot and has no slash.
        url: absolute.
        size: in bytes.
        sha256: lower hexadecimal.
        uploaded: POSIX seconds, rounded down; None from an index that does not say.
        requires_python: the specifier as the publisher wrote it, or nothing.
        yanked: withdrawn by its publisher (PEP 592), which changes no byte.
    """

    name: str
    url: str
    size: int = field(kw_only=True)
    sha256: str = field(kw_only=True)
    uploaded: int | None = field(default=None, kw_only=True)
    requires_python: str = field(default="", kw_only=True)
    yanked: bool = field(default=False, kw_only=True)

    @property
    def is_wheel(self) -> bool:
        """A wheel; else a source archive."""
        return self.name.endswith(".whl")


def normal_name(project: str) -> str:
    """Write a project's name as an index files it (PEP 503).

    Raises:
        MalformedError: it is no name (PEP 508, "Names").
    """
    return re.sub(r"[-_.]+", "-", text(project, "project", _PROJECT)).lower()


def parse_listing(data: bytes, base: str) -> tuple[Offered, ...]:
    """Read what an index answered at the address `base`, in its order.

    Formats of old (eggs, installers, zip archives) and files without a SHA-256 are left
    out: nothing here could use them.

    Raises:
        MalformedError: it is not of the form, or a file is listed twice.
    """
    value = jcs.parse(data, most=MAX_LISTING_BYTES)
    listing = fields(value, "index", ("meta", "files"))
    meta = fields(listing["meta"], "index: meta", ("api-version",))
    text(meta["api-version"], "index: api-version", _API)
    offered: dict[str, Offered] = {}
    for number, row in enumerate(
        items(listing["files"], "index: files", most=_MAX_FILES)
    ):
        found = _offered(row, f"index: files[{number}]", base)
        if found is None:
            continue
        if found.name in offered:
            raise MalformedError(f"index: {found.name!r} is listed twice")
        offered[found.name] = found
    return tuple(offered.values())


def _offered(value: Json, where: str, base: str) -> Offered | None:
    row = fields(value, where, ("filename", "url", "hashes"))
    hashes = fields(row["hashes"], f"{where}: hashes", ())
    name = row["filename"]
    if not isinstance(name, str):
        raise MalformedError(f"{where}: filename: expected a string")
    if not _FILE.fullmatch(name) or "sha256" not in hashes:
        return None
    return Offered(
        name,
        _address(row["url"], f"{where}: url", base),
        size=integer(row.get("size"), f"{where}: size", least=1),
        sha256=text(hashes["sha256"], f"{where}: sha256", SHA256),
        uploaded=_moment(row.get("upload-time"), f"{where}: upload-time"),
        requires_python=text(
            row.get("requires-python") or "", f"{where}: requires-python", _SPECIFIER
        ),
        # PEP 592: true, or the reason as a string; an empty one is a reason too.
        yanked=row.get("yanked", False) is not False,
    )


def _address(value: Json, where: str, base: str) -> str:
    try:
        return urljoin(base, text(value, where, _URL))
    except ValueError as error:  # brackets without an IPv6 address in them
        raise MalformedError(f"{where}: {error}") from None


def _moment(value: Json, where: str) -> int | None:
    """Read a time of PEP 700: UTC, with a fraction of a second or without one."""
    if value is None:
        return None
    found = _UPLOADED.fullmatch(text(value, where, _UPLOADED))
    assert found is not None
    try:
        return int(datetime.fromisoformat(f"{found[1]}+00:00").timestamp())
    except ValueError:
        raise MalformedError(f"{where}: {found[1]!r} is no time") from None
