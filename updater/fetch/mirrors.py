"""Which copies of the repository are asked, and in which order.

Rules: the file ``mirrors.json`` is a hint that a mirror may give wrongly at no more
than a loss of time, since everything a mirror gives is checked. Format:
docs/formats/repository.md.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from updater import jcs, shape
from updater.errors import FetchError

MAX_MIRRORS: Final = 4  # asked in a run: each may cost a deadline
MAX_BYTES: Final = 4_096  # of the file: four addresses and their frame
SCHEMA: Final = "ringfence-mirrors/1"

# https only: what is allowed to a developer stands in their own settings.
_BASE: Final = re.compile(
    r"https://[0-9A-Za-z.:\[\]-]{1,253}(/[0-9A-Za-z_~-][0-9A-Za-z._~-]*)*/"
)

T = TypeVar("T")


def parse_mirrors(data: bytes) -> tuple[str, ...]:
    """Read a mirror file: addresses of repositories, each ending in a slash.

    Raises:
        MalformedError: not such a file, or not its only spelling.
    """
    value = shape.record(
        jcs.parse_canonical(data, most=MAX_BYTES), "mirrors", ("mirrors", "schema")
    )
    shape.one_of(value["schema"], "schema", SCHEMA)
    listed = shape.items(value["mirrors"], "mirrors", least=1, most=MAX_MIRRORS)
    return tuple(shape.text(each, "mirror", _BASE) for each in listed)


def format_mirrors(mirrors: Iterable[str]) -> bytes:
    """Write what `parse_mirrors` reads."""
    return jcs.write({"mirrors": list(mirrors), "schema": SCHEMA})


def in_order(own: Iterable[str], listed: Iterable[str]) -> tuple[str, ...]:
    """Give the user's own mirrors, then the listed ones: each once, a few at most."""
    return tuple(dict.fromkeys((*own, *listed)))[:MAX_MIRRORS]


def ask_each(mirrors: Iterable[str], ask: Callable[[str], T]) -> T:
    """Ask one mirror after the other until one answers.

    Raises:
        FetchError: none did; this is what the last one failed with.
    """
    last = FetchError("unreachable", "no mirror to ask")
    for mirror in mirrors:
        try:
            return ask(mirror)
        except FetchError as error:
            last = error
    raise last
