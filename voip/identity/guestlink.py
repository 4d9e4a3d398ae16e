"""Links that were given to browser guests, as the store keeps them until they expire.

What is kept answers a guest who has the link. The link cannot be made of it again, but
whoever opens the store has what a guest has until it is used: then the key goes, and
the id alone stays, to know the link when it comes again. Times are unix seconds.
Format: docs/formats/identity.md.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Final

from voip.errors import LimitError, MalformedError, RefusedError
from voip.identity.canonical import ADDED

MAX_LINKS: Final = 256
INVITE_ID_BYTES: Final = 16
PSK_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class GuestLink:
    """One link.

    Attributes:
        invite_id: what a guest names it by, 16 bytes.
        psk: what a guest derives of the link, 32 bytes, secret; none once it is spent.
        origin: where the page is, as browsers spell it; the link opens nothing else.
        number: what the host calls it, from 1.
        expires: when it does.
        spent: it has opened its one call.

    Raises:
        MalformedError: a value of another size.
    """

    invite_id: bytes
    psk: bytes = field(repr=False)
    _: KW_ONLY
    origin: str
    number: int
    expires: int
    spent: bool = field(default=False, metadata=ADDED)

    def __post_init__(self) -> None:
        sizes = len(self.invite_id), len(self.psk)
        expected = INVITE_ID_BYTES, 0 if self.spent else PSK_BYTES
        if sizes != expected or self.number < 1:
            raise MalformedError(
                f"guest link: expected {expected} bytes and a number from 1, "
                f"came {sizes} and {self.number}"
            )


Links = tuple[GuestLink, ...]


def live(links: Links, now: int) -> Links:
    """Drop what has expired."""
    return tuple(each for each in links if each.expires > now)


def next_number(links: Sequence[GuestLink]) -> int:
    """Give the number of the next link: no other has it."""
    return 1 + max((each.number for each in links), default=0)


def added(links: Links, link: GuestLink, now: int) -> Links:
    """Keep one more.

    Raises:
        LimitError: there are 256.
    """
    kept = live(links, now)
    if len(kept) >= MAX_LINKS:
        raise LimitError(f"there are {MAX_LINKS} links for guests already")
    return (*kept, link)


def spent(links: Links, invite_id: bytes, now: int) -> Links:
    """Note that a link has opened its call; it is kept, to know it when it comes again.

    Raises:
        RefusedError: it was revoked, has expired, or opened one before.
    """
    kept = live(links, now)
    for link in kept:
        if link.invite_id == invite_id and not link.spent:
            used = replace(link, psk=b"", spent=True)
            return tuple(used if each is link else each for each in kept)
    raise RefusedError("guest link: revoked, used or expired")


def revoked(links: Links, number: int, now: int) -> Links:
    """Forget a link: nobody can use it any more.

    Raises:
        RefusedError: there is none of this number.
    """
    kept = live(links, now)
    rest = tuple(each for each in kept if each.number != number)
    if len(rest) == len(kept):
        raise RefusedError(f"there is no link {number}")
    return rest
