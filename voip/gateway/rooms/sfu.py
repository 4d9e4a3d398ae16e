"""A forwarding server as a larger room sees it: what it is asked, and what it says.

The server is not authenticated and hears nothing: whatever reaches it was sealed by a
member's key before. What a member needs to find the room there is its *ticket*, a ROOM
message of the pairwise calls. Bytes: docs/formats/rooms.md.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import NewType, Protocol
from urllib.parse import urlsplit

from voip.errors import MalformedError
from voip.signalling.address import is_loopback
from voip.signalling.group import MAX_URL_BYTES, PIN_LETTERS, PIN_SIZE, Room

Sdp = NewType("Sdp", str)
"""A session description (RFC 8866), ours or the server's word."""
FeedId = NewType("FeedId", int)
"""What the server calls what one member publishes."""

MAX_SDP_BYTES = 24 * 1024
"""A feed has three streams and at most 32 addresses, which are a quarter of it."""
_ROOM_BITS = 52
_LETTERS = sorted(PIN_LETTERS)


def create_ticket(
    url: str, group_id: bytes, *, entropy: Callable[[int], bytes]
) -> Room:
    """Choose a number and a pin for a new room that nobody guesses.

    Raises:
        MalformedError: the address is none that a room may have.
    """
    check_server(url, ours=True)
    return Room(
        group_id,
        url,
        room=max(int.from_bytes(entropy(7)) >> 7 * 8 - _ROOM_BITS, 1),
        pin="".join(_LETTERS[byte % len(_LETTERS)] for byte in entropy(PIN_SIZE)),
    )


def check_server(url: str, *, ours: bool) -> None:
    """Check the address of a server: `ours` if our user chose it, else a member did.

    Raises:
        MalformedError: not wss, or with a user, a query or a fragment, or longer than
            200 bytes. Our user may also name this very machine with ws; a member may
            not, for that would let them talk to whatever listens here.
    """
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or len(url) > MAX_URL_BYTES:
        raise MalformedError(
            f"server: expected at most {MAX_URL_BYTES} plain characters, "
            f"came {url[:MAX_URL_BYTES]!r}"
        )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise MalformedError(f"server: expected an address, came {url!r}") from None
    # A password in an address ends up in logs; a fragment is never sent.
    if not host or "@" in parts.netloc or "?" in url or "#" in url:
        raise MalformedError(f"server: expected wss://HOST[:PORT]/PATH, came {url!r}")
    is_here = ours and parts.scheme == "ws" and is_loopback(host)
    if parts.scheme != "wss" and not is_here:
        raise MalformedError(
            f"server: expected wss, or for oneself ws on this machine, came {url!r}"
        )


@dataclass(frozen=True, slots=True)
class FeedAdded:
    """Somebody publishes; who it is, only a key tells."""

    feed: FeedId


@dataclass(frozen=True, slots=True)
class FeedGone:
    """Nothing comes of this feed any more, the server says."""

    feed: FeedId


@dataclass(frozen=True, slots=True)
class Congested:
    """The server says that packets get lost: of ours, or on the way to us."""

    ours: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """The server is gone, or wants us to go; `reason` is its own text, or ours."""

    reason: str


SfuEvent = FeedAdded | FeedGone | Congested | Closed


class Sfu(Protocol):
    """A server that forwards what each member publishes to all the others.

    Raises, in every method: UnreachableError where it does not answer in time,
    RefusedError where it says no, MalformedError where it says nonsense.
    """

    async def join(self, ticket: Room) -> None:
        """Go into the room; `events` then tells what is published there."""

    async def publish(self, offer: Sdp) -> Sdp:
        """Publish what we send; gives the server's answer."""

    async def subscribe(self, feed: FeedId) -> Sdp:
        """Ask for a feed; gives the server's offer."""

    async def answer(self, feed: FeedId, sdp: Sdp) -> None:
        """Answer the offer of `subscribe`; packets come from then on."""

    async def remove(self, feed: FeedId, *, secret: str) -> None:
        """End a feed for all, and put out who publishes it, as the room's maker."""

    async def unsubscribe(self, feed: FeedId) -> None:
        """Ask for a feed no more; one that is unknown is fine."""

    def events(self) -> AsyncIterator[SfuEvent]:
        """Give what happens, for one reader; `Closed` is the last."""
