"""Credentials for a TURN server, made by a relay that shares a secret with it.

::

    username   = decimal(expiry, unix seconds) ":" base32(8 random bytes)
    credential = base64( HMAC-SHA1(secret, username) )

This is the scheme that coturn calls ``use-auth-secret``
(draft-uberti-behave-turn-rest), SHA-1 included; the server checks it without asking
anybody. The random part is not a user: it keeps two clients of one second apart, and
names nobody. An allocation that was made in time lives on after the expiry; a new one
is refused.

What a client is given is a list, ``u8 n | n x { lp8 url, lp8 username, lp8 credential
}``, padded to 4096 bytes. Format: docs/formats/signalling.md.
"""

import base64
import hashlib
import hmac
import ipaddress
from collections import deque
from collections.abc import Hashable
from dataclasses import KW_ONLY, dataclass, field

from voip.errors import LimitError, MalformedError
from voip.identity.keys import Entropy
from voip.wire import Reader, lp8, pad, unpad

MAX_URLS = 4  # as many as a call asks
MAX_LASTING_S = 600  # a stolen credential is of little use, and tells little later
SIZE_BYTES = 4096
PER_CONNECTION = 4  # a minute: one for a call, and for calls that were tried again
PER_CONNECTION_S = 60.0
PER_PREFIX = 30  # an hour: a household that calls all day, not one that sells minutes
PER_PREFIX_S = 3600.0
MAX_KEYS = 65536  # some 20 MB of those who asked last; who asked before is forgotten
MIN_SECRET_BYTES = 16
_NAME_BYTES = 8
_URL_LIMIT = 255


@dataclass(frozen=True, slots=True)
class TurnServer:
    """A TURN server that a client may use for a few minutes.

    Attributes:
        url: ``turn:HOST...`` or ``turns:HOST...``; printable ASCII, no more is checked.
        username: to be shown to the server.
        credential: the password.
    """

    url: str
    username: str
    _: KW_ONLY
    credential: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TurnOffer:
    """What an operator offers.

    Attributes:
        urls: 1-4 TURN servers with the same secret.
        secret: what they know as ``static-auth-secret``; 16 bytes or more.

    Raises:
        MalformedError: another number of servers, a URL that is none, or a secret that
            can be guessed.
    """

    urls: tuple[str, ...]
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.urls) <= MAX_URLS:
            raise MalformedError(
                f"turn: expected 1-{MAX_URLS} servers, came {len(self.urls)}"
            )
        for url in self.urls:
            if not url.startswith(("turn:", "turns:")):
                raise MalformedError(
                    f"turn: expected turn:HOST or turns:HOST, came {url!r}"
                )
            _check_text(url)
        if len(self.secret) < MIN_SECRET_BYTES:
            raise MalformedError(
                f"turn secret: expected at least {MIN_SECRET_BYTES} bytes, "
                f"came {len(self.secret)}"
            )


def issue(
    offer: TurnOffer, *, wanted_s: int, now: int, entropy: Entropy
) -> tuple[int, tuple[TurnServer, ...]]:
    """Make credentials that expire after what was wanted, at most ten minutes.

    Returns:
        The expiry in unix seconds, and a server for each URL.
    """
    expires = now + max(1, min(wanted_s, MAX_LASTING_S))
    name = base64.b32encode(entropy(_NAME_BYTES)).decode("ascii").rstrip("=").lower()
    username = f"{expires}:{name}"
    mac = hmac.digest(offer.secret, username.encode("ascii"), hashlib.sha1)
    credential = base64.b64encode(mac).decode("ascii")
    return expires, tuple(
        TurnServer(url, username, credential=credential) for url in offer.urls
    )


def format_servers(servers: tuple[TurnServer, ...]) -> bytes:
    """Write the list that a client is given, 4096 bytes."""
    listed = b"".join(
        lp8(text.encode("ascii"))
        for server in servers
        for text in (server.url, server.username, server.credential)
    )
    return pad(bytes([len(servers)]) + listed, SIZE_BYTES)


def parse_servers(raw: bytes) -> tuple[TurnServer, ...]:
    """Read the list that a relay gave.

    Raises:
        MalformedError: anything `format_servers` would not have written.
    """
    reader = Reader(unpad(raw))
    if len(raw) != SIZE_BYTES:
        raise MalformedError(f"turn: expected {SIZE_BYTES} bytes, came {len(raw)}")
    count = reader.u8()
    if count > MAX_URLS:
        raise MalformedError(f"turn: expected at most {MAX_URLS} servers, came {count}")
    servers = tuple(
        TurnServer(_text(reader), _text(reader), credential=_text(reader))
        for _ in range(count)
    )
    reader.end()
    return servers


def _text(reader: Reader) -> str:
    try:
        text = reader.lp8().decode("ascii")
    except UnicodeDecodeError:
        raise MalformedError("turn: expected ascii, came other bytes") from None
    _check_text(text)
    return text


def _check_text(text: str) -> None:
    if not 1 <= len(text) <= _URL_LIMIT or not (text.isascii() and text.isprintable()):
        raise MalformedError(
            f"turn: expected 1-{_URL_LIMIT} printable ascii characters"
        )


class Meter:
    """Counts how often each of many asked lately; in memory, and for a while."""

    def __init__(self, most: int, within_s: float) -> None:
        self._most = most
        self._within_s = within_s
        self._asked: dict[Hashable, deque[float]] = {}

    def count(self, key: Hashable, now: float) -> None:
        """Count one, at a time in seconds that only rises.

        Raises:
            LimitError: as many as are granted came within the time; not counted.
        """
        # Taken out and put back: the first key is whoever has been quiet longest.
        times = self._asked.pop(key, None) or deque(maxlen=self._most)
        self._asked[key] = times
        if len(self._asked) > MAX_KEYS:
            del self._asked[next(iter(self._asked))]
        if len(times) == self._most and now - times[0] < self._within_s:
            raise LimitError(
                f"turn: at most {self._most} credentials within {self._within_s:g} s"
            )
        times.append(now)


def prefix(address: str) -> str:
    """Give what stands for one household: an IPv4 address, or 56 bits of an IPv6 one.

    Addresses that are none, such as those of a socket in the file system, are one.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((parsed, 56), strict=False).network_address)
    return str(parsed)
