"""One way of tampering."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """A file that somebody put a hand to, and what an honest build gives.

    `kind` is the first class of difference that is to be seen; `fields` are the header
    fields that are truly all that differs.
    """

    about: str
    name: str
    tampered: bytes = field(repr=False)
    honest: bytes = field(repr=False)
    kind: str | None = field(default=None, kw_only=True)
    fields: AbstractSet[str] = field(default=frozenset(), kw_only=True)
