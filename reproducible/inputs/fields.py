"""The single values that recipes and locks are made of: paths, versions, names.

As in `updater.shape`, every check takes the value and gives it back, or raises.
"""

import re
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from updater import shape
from updater.archive.names import check_path
from updater.errors import MalformedError
from updater.jcs import Json
from updater.transparency.claims import parts

# What ends up on a command line begins with no hyphen.
TAG: Final = re.compile("(?!-)[!-~]{1,200}")
_SPECIFIER: Final = re.compile("[!-~][ -~]{0,199}")
_REQUIREMENT: Final = re.compile("[A-Za-z0-9][ -~]{0,499}")
BACKEND: Final = re.compile(
    r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)?", re.ASCII
)
PLATFORM: Final = re.compile("cp3[0-9]{1,2}-[a-z]+-[a-z0-9_]+")
_LOCK_NAME: Final = re.compile(r"pylock(\.[^.]+)?\.toml")
UMASK: Final = re.compile("0[0-7]{2}")
TZ: Final = re.compile("[A-Za-z0-9<][A-Za-z0-9<>+,._/:-]{0,63}")
LOCALE: Final = re.compile("[A-Za-z][A-Za-z0-9._@-]{0,31}")
HOSTNAME: Final = re.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
REASON: Final = re.compile("[^\0-\x1f\x7f]{1,500}")


def specifier(value: Json, where: str) -> str:
    """Expect a version specifier, as `>=3.11,<3.15` (PEP 440).

    Raises:
        MalformedError: it is something else.
    """
    text = shape.text(value, where, _SPECIFIER)
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise MalformedError(
            f"{where}: expected a version specifier, came {text[:40]!r}"
        ) from None
    return text


def requirement(value: Json, where: str) -> str:
    """Expect a requirement without an address (PEP 508).

    Raises:
        MalformedError: it is something else.
    """
    text = shape.text(value, where, _REQUIREMENT)
    try:
        address = Requirement(text).url
    except InvalidRequirement:
        raise MalformedError(
            f"{where}: expected a requirement, came {text[:40]!r}"
        ) from None
    # What a build takes comes from the index that the user named.
    if address is not None:
        raise MalformedError(f"{where}: expected no address, came {text[:80]!r}")
    return text


def path(value: Json, where: str) -> str:
    """Expect a relative path below a folder.

    Raises:
        MalformedError: it is something else.
    """
    text = shape.text(value, where, parts.TEXT)
    check_path(text)
    return text


def folder(value: Json, where: str) -> str:
    """Expect a folder's relative path, or `.` for the top.

    Raises:
        MalformedError: it is something else.
    """
    return "." if value == "." else path(value, where)


def absolute(value: Json, where: str) -> str:
    """Expect a plain absolute path.

    Raises:
        MalformedError: it is something else.
    """
    text = shape.text(value, where, parts.TEXT)
    if not text.startswith("/"):
        raise MalformedError(
            f"{where}: expected it to begin with /, came {text[:40]!r}"
        )
    check_path(text[1:])
    return text


def lock_path(value: Json, where: str) -> str:
    """Expect the path of a lock; PEP 751 has rules for its name, so installers do.

    Raises:
        MalformedError: it is something else.
    """
    text = path(value, where)
    if not _LOCK_NAME.fullmatch(text.rpartition("/")[2]):
        raise MalformedError(
            f"{where}: expected pylock.toml or pylock.NAME.toml with no dot in NAME,"
            f" came {text[:80]!r}"
        )
    return text
