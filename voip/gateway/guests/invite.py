"""Invite links and their life.

A link is ``PUBLIC_URL/#1`` and 32 random bytes in base32. The fragment is never sent to
a server; the page reads it and takes it out of the address before anything else. Who
holds the link is the guest, so it opens one call, once:

==========  ====================================================  ==================
state       event                                                 next
==========  ====================================================  ==================
MADE        valid HELLO                                           HELD for 30 s
HELD        valid HELLO of a further connection                   HELD for that one
HELD        30 s without CONFIRM                                  MADE
HELD        CONFIRM of the connection that holds it               SPENT
SPENT       valid HELLO                                           `OpenedAgainError`
MADE, HELD  its expiry, or 20 HELLOs with a wrong tag             DEAD
==========  ====================================================  ==================

Fetching the page spends nothing: messengers do that to show a preview. Only what a
HELLO proves is kept (id and psk), never the secret. What outlives the program that made
an invite is `voip.gateway.guests.linkbook`'s to keep.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from voip.errors import LimitError, MalformedError, RefusedError
from voip.gateway.guests.handshake import SECRET_BYTES, invite_id, invite_psk
from voip.identity.keys import Entropy, format_base32
from voip.signalling.legs import MAX_HOST_BYTES

DEFAULT_S: Final = 3600.0
LONGEST_S: Final = 7 * 86400.0
HOLD_S: Final = 30.0
MAX_FAILURES: Final = 20  # nobody honest mistypes what he clicks on
MAX_HELLOS: Final = 32
"""HELLOs that one invite takes: who has the link can waste only his own."""
MAX_INVITES: Final = 256
MAX_URL: Final = 200

_VERSION: Final = "1"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class OpenedAgainError(RefusedError):
    """Somebody who has the link opened it after it was spent."""


class InviteState(Enum):
    """How far an invite is."""

    MADE = "made"
    HELD = "held"
    SPENT = "spent"
    DEAD = "dead"


@dataclass(slots=True)
class Invite:
    """One link, as the gateway remembers it.

    Attributes:
        id: 16 bytes, which HELLO names.
        psk: 32 bytes, which only who has the link has; none if `was_spent`.
        number: what the host calls it, from 1.
        expires: by the clock of `now`, in seconds.
    """

    id: bytes
    psk: bytes = field(repr=False)
    number: int = field(kw_only=True)
    expires: float = field(kw_only=True)
    _state: InviteState = InviteState.MADE
    _held_until: float = 0.0
    _holder: int = 0
    _failures: int = 0
    _seen: set[bytes] = field(default_factory=set, repr=False)

    @property
    def label(self) -> str:
        """What it is called before a person."""
        return f"link {self.number}"

    def state(self, now: float) -> InviteState:
        """Say how far it is at `now`, in seconds."""
        if self._state in {InviteState.SPENT, InviteState.DEAD}:
            return self._state
        if now >= self.expires or self._failures >= MAX_FAILURES:
            return InviteState.DEAD
        if self._state is InviteState.HELD and now >= self._held_until:
            return InviteState.MADE
        return self._state

    def check_open(self, now: float) -> None:
        """Check that a HELLO may be looked at.

        Raises:
            RefusedError: the invite is dead.
        """
        if self.state(now) is InviteState.DEAD:
            raise RefusedError("invite: expired, or tried too often")

    def revoke(self) -> None:
        """Let nobody use it any more; who did already stays."""
        if self._state is not InviteState.SPENT:
            self._state = InviteState.DEAD

    def failed(self) -> None:
        """Count a HELLO with a wrong tag."""
        self._failures += 1

    def hold(self, e: bytes, now: float) -> int:
        """Take a valid HELLO with this ephemeral key; gives who holds the invite.

        Raises:
            OpenedAgainError: the invite is spent.
            LimitError: too many HELLOs.
            RefusedError: the invite is dead, or this HELLO came before: whoever
                recorded it would take the honest guest's place.
        """
        self.check_open(now)
        if e in self._seen:
            raise RefusedError("invite: this hello came before")
        if len(self._seen) >= MAX_HELLOS:
            raise LimitError(f"invite: opened {MAX_HELLOS} times")
        self._seen.add(e)
        if self._state is InviteState.SPENT:
            raise OpenedAgainError("invite: opened again after it was spent")
        self._state = InviteState.HELD
        self._held_until = now + HOLD_S
        self._holder += 1
        return self._holder

    def was_spent(self) -> None:
        """Note that it opened its call before this program began: its psk is gone."""
        self._state, self.psk = InviteState.SPENT, b""

    def spend(self, holder: int, now: float) -> None:
        """Spend it on the connection that holds it, whose CONFIRM was checked.

        Raises:
            RefusedError: another connection took it over, or 30 s are over.
        """
        if self.state(now) is not InviteState.HELD or holder != self._holder:
            raise RefusedError("invite: no longer held by this connection")
        self._state = InviteState.SPENT


class Invites:
    """All invites of one gateway."""

    def __init__(self, public_url: str) -> None:
        """Take where the page is served, as guests see it.

        Raises:
            MalformedError: see `parse_origin`.
        """
        self.origin = parse_origin(public_url)
        self._invites: dict[bytes, Invite] = {}

    def make(
        self, number: int, now: float, *, entropy: Entropy, lifetime_s: float
    ) -> tuple[str, Invite]:
        """Make an invite; gives its link, which is not kept.

        Raises:
            LimitError: there are too many, or it would live too long.
        """
        if not 0 < lifetime_s <= LONGEST_S:
            raise LimitError(
                f"invite: expected a life of at most {LONGEST_S:.0f} s, "
                f"came {lifetime_s:.0f}"
            )
        secret = entropy(SECRET_BYTES)
        invite = Invite(
            invite_id(secret),
            invite_psk(secret),
            number=number,
            expires=now + lifetime_s,
        )
        self.add(invite)
        return format_link(self.origin, secret), invite

    def add(self, invite: Invite) -> None:
        """Take an invite that was made before.

        Raises:
            LimitError: there are too many.
        """
        if len(self._invites) >= MAX_INVITES:
            raise LimitError(f"invite: there are {MAX_INVITES} already")
        self._invites[invite.id] = invite

    def open(self, now: float) -> list[Invite]:
        """List those that somebody can still come with."""
        return [
            each
            for each in self._invites.values()
            if each.state(now) in {InviteState.MADE, InviteState.HELD}
        ]

    def find(self, wanted: bytes) -> Invite:
        """Give the invite of this id.

        Raises:
            RefusedError: there is none.
        """
        try:
            return self._invites[wanted]
        except KeyError:
            raise RefusedError("invite: none of this id") from None


def format_link(origin: str, secret: bytes) -> str:
    """Write a link: the origin, and 53 characters of fragment."""
    return f"{origin}/#{_VERSION}{format_base32(secret)}"


def parse_origin(url: str) -> str:
    """Read a public URL as browsers see its origin: `location.origin`.

    Raises:
        MalformedError: not https (or http on loopback, where browsers trust it), with
            a path, a user or a default port, or not as browsers spell it; or a host
            that is longer than a list of legs has room for.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise MalformedError(f"url: {url!r} is none") from None
    plain = parts.scheme == "http" and host in _LOOPBACK
    if not plain and parts.scheme != "https":
        raise MalformedError(f"url: expected https, or http on 127.0.0.1, came {url!r}")
    shown = f"[{host}]" if ":" in host else host
    tail = "" if port is None else f":{port}"
    origin = f"{parts.scheme}://{shown}{tail}"
    default = {"http": 80, "https": 443}[parts.scheme]
    if (
        not host
        or port == default
        or not url.isascii()
        or url.removesuffix("/") != origin
        or len(url) > MAX_URL
    ):
        raise MalformedError(
            f"url: expected SCHEME://HOST or SCHEME://HOST:PORT as browsers write it, "
            f"came {url!r}"
        )
    if len(host_of(origin)) > MAX_HOST_BYTES:
        raise MalformedError(
            f"url: expected a host of at most {MAX_HOST_BYTES} characters with its "
            f"port, came {url!r}"
        )
    return origin


def host_of(origin: str) -> str:
    """Give HOST or HOST:PORT of an origin, for the mark `trusts HOST`."""
    return origin.partition("://")[2]
