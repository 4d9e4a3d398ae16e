"""Versions: one spelling of each, and their order.

A version is PEP 440 in normal form (Appendix B of the PEP) without an epoch and without
a local part: an epoch would let a release jump over every number, and local versions
are not for publishing.
"""

import re
from typing import Final, TypeAlias

from updater.jcs import Json
from updater.shape import text

MOST_CHARACTERS: Final = 64  # it is part of a folder's name

_NUMBER = "(?:0|[1-9][0-9]{0,15})"
_VERSION: Final = re.compile(
    rf"(?=.{{1,{MOST_CHARACTERS}}}\Z)({_NUMBER}(?:\.{_NUMBER})*)"
    rf"(?:(a|b|rc)({_NUMBER}))?(?:\.post({_NUMBER}))?(?:\.dev({_NUMBER}))?"
)

_NO_DEV: Final = 10**16  # after every .dev number

Order: TypeAlias = tuple[tuple[int, ...], tuple[str, int], int, int]


def check_version(value: Json, where: str) -> str:
    """Expect a version.

    Raises:
        MalformedError: it is none, or not in normal form.
    """
    return text(value, where, _VERSION)


def order(version: str) -> Order:
    """Give what sorts like the versions do (PEP 440, "Summary of permitted suffixes").

    The version was checked; anything else is our bug.
    """
    found = _VERSION.fullmatch(version)
    assert found is not None, version
    numbers, kind, pre, post, dev = found.groups()
    release = tuple(map(int, numbers.split(".")))
    while release and release[-1] == 0:  # 1.0 and 1 are the same version
        release = release[:-1]
    if kind is not None:
        before = (kind, int(pre))
    elif post is None and dev is not None:
        before = ("", 0)  # 1.0.dev1 comes before 1.0a1
    else:
        before = ("z", 0)  # after every a, b and rc
    last = -1 if post is None else int(post)
    return release, before, last, _NO_DEV if dev is None else int(dev)
