"""The feeds that we take of the forwarding server, and whose each is.

Carrier. A leg for each feed; whose it is follows from whose key opens it (`feeds`), and
what the server says about that is not asked. Lives as long as one connection to it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from voip.description import Kind
from voip.errors import CallError, MalformedError
from voip.gateway.rooms.feeds import Feeds, Verdict
from voip.gateway.rooms.framecounts import Frames
from voip.gateway.rooms.sdp import Far, Near, format_answer, parse_far
from voip.gateway.rooms.senderkeys import MAX_MEMBERS, HeardKeys
from voip.gateway.rooms.sfu import FeedId, Sfu
from voip.identity.keys import Entropy
from voip.media.connect.config import IceConfig
from voip.media.sframe import Header
from voip.media.sources import Picture
from voip.media.watching import Watching

MAX_TAKEN = 2 * MAX_MEMBERS
"""Feeds taken at once: of members who come back, the old one goes a little later."""
MAX_REFUSED = 4 * MAX_MEMBERS
"""Feeds that are nobody's, which are remembered until the server says that they are
gone; of one that invents more nothing further is taken."""


class Audience(Protocol):
    """The room, as its place at the server needs it; each of these returns at once."""

    def heard(self, member: bytes, pcm: bytes) -> None:
        """Take 20 ms of what a member says."""

    def seen(self, member: bytes, picture: Picture) -> None:
        """Take a picture that a member shows."""

    def warn(self, sentence: str) -> None:
        """Hear what the user should know."""


@dataclass(slots=True, eq=False)
class _Taken:
    """A feed that we asked for; one of before under its number is another."""

    watching: Watching | None = None  # once the server has offered it


class TakenFeeds:
    """What the server forwards to us."""

    def __init__(  # noqa: PLR0913 -- what comes, what opens it, and who is told
        self,
        sfu: Sfu,
        *,
        ice: IceConfig,
        entropy: Entropy,
        keys: HeardKeys,
        audience: Audience,
        warn: Callable[[str], None],
        spawn: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        """Take nothing yet; `spawn` runs work for as long as we are at the server."""
        self._sfu = sfu
        self._ice = ice
        self._entropy = entropy
        self._keys = keys
        self._audience = audience
        self._warn = warn
        self._spawn = spawn
        self._feeds = Feeds()
        self._taken: dict[FeedId, _Taken] = {}
        self._of_member: dict[bytes, FeedId] = {}
        self._refused: set[FeedId] = set()
        self._opened = self._unopened = 0  # packets, of feeds that are over

    def __iter__(self) -> Iterator[tuple[bytes, Watching]]:
        """Give whose feeds are taken, and the feeds."""
        for member, feed in self._of_member.items():
            taken = self._taken.get(feed)
            if taken is not None and taken.watching is not None:
                yield member, taken.watching

    def follow(self, feed: FeedId) -> None:
        """Take a feed, unless we do, or it was refused."""
        if feed in self._taken or feed in self._refused:
            return
        # Also those that are on their way.
        if len(self._taken) >= MAX_TAKEN or len(self._refused) >= MAX_REFUSED:
            self._warn(f"the server has more than {MAX_TAKEN} feeds; one is left out")
            return
        taken = self._taken[feed] = _Taken()
        self._spawn(self._watch(feed, taken))

    async def gone(self, feed: FeedId) -> None:
        """Let go of a feed that the server does not have any more."""
        self._feeds.gone(feed)
        self._refused.discard(feed)
        await self._end(feed)

    def drop(self, member: bytes) -> None:
        """Hear a member no more: it left, or comes back in a moment."""
        self._feeds.left(member)
        feed = self._of_member.pop(member, None)
        if feed is not None:
            # If its next key opens it, it has a name again.
            self._feeds.expect(feed, _now())

    def retry(self) -> None:
        """Take feeds again that nobody's key opened: there is a new key."""
        for feed in map(FeedId, self._feeds.retry()):
            self._refused.discard(feed)
            self.follow(feed)

    def strangers(self) -> frozenset[FeedId]:
        """Give the feeds that are no member's, as far as we have the members' keys."""
        return frozenset(map(FeedId, self._feeds.strangers(_now())))

    def frames(self, sent: int) -> Frames:
        """Say what came since the beginning, beside what was sent."""
        feeds = [each.watching for each in self._taken.values() if each.watching]
        return Frames(
            sent,
            self._opened + sum(each.opened for each in feeds),
            self._unopened + sum(each.unopened for each in feeds),
        )

    async def close(self) -> None:
        """Let go of all; the server sees us leave, and is told nothing more."""
        for feed in tuple(self._taken):
            await self._let_go(feed)

    async def _watch(self, feed: FeedId, taken: _Taken) -> None:
        try:
            far = parse_far(await self._sfu.subscribe(feed))
            if self._taken.get(feed) is not taken:  # it ended meanwhile
                if feed not in self._taken:
                    await self._sfu.unsubscribe(feed)
                return
            watching = taken.watching = self._watching(feed, taken, far)
            near = Near(
                description=await watching.leg.gather(),
                fingerprint=watching.leg.fingerprint,
            )
            await self._sfu.answer(feed, format_answer(near, far))
            await watching.connect(far.description, far.fingerprint)
            if self._taken.get(feed) is taken:
                self._feeds.expect(feed, _now())
        except CallError as error:
            self._warn(f"a feed of the server cannot be taken: {error}")
            if self._taken.get(feed) is taken:
                await self._end(feed)

    def _watching(self, feed: FeedId, taken: _Taken, far: Far) -> Watching:
        return Watching(
            self._ice,
            _sources(far),
            controlling=far.is_lite,
            open_frame=partial(self._open, feed, taken),
            unopened=partial(self._did_not_open, feed, taken),
            failed=self._warn,
            entropy=self._entropy,
        )

    async def _end(self, feed: FeedId) -> None:
        await self._let_go(feed)
        with contextlib.suppress(CallError):
            await self._sfu.unsubscribe(feed)

    async def _let_go(self, feed: FeedId) -> None:
        taken = self._taken.pop(feed, None)
        for member, of in tuple(self._of_member.items()):
            if of == feed:
                del self._of_member[member]
        if taken is not None and taken.watching is not None:
            self._opened += taken.watching.opened
            self._unopened += taken.watching.unopened
            await taken.watching.close()

    # Whose it is.

    def _open(
        self,
        feed: FeedId,
        taken: _Taken,
        header: Header,
        sealed: bytes,
        metadata: bytes,
    ) -> bytes:
        """Open a packet of a feed; whose key does is who speaks."""
        if self._taken.get(feed) is not taken:
            raise MalformedError(f"feed {feed} is over")  # its leg ends at this moment
        member, plaintext = self._keys.open(header, sealed, metadata, _now())
        match self._feeds.opened(feed, member):
            case Verdict.NAMED:
                self._name(feed, taken, member)
            case Verdict.MIXED:
                self._refuse(feed, "packets of two members came in one feed")
                raise MalformedError("two members' keys open one feed")
            case _:
                pass
        return plaintext

    def _did_not_open(self, feed: FeedId, taken: _Taken, now: float) -> None:
        if self._taken.get(feed) is not taken:
            return
        if self._feeds.unopened(feed, now) is Verdict.UNKNOWN:
            self._refuse(feed, "a feed came that no member's key opens")

    def _name(self, feed: FeedId, taken: _Taken, member: bytes) -> None:
        before = self._of_member.get(member)
        self._of_member[member] = feed
        if taken.watching is not None:
            taken.watching.sink = _Tile(self._audience, member)
        if before is not None:
            self._spawn(self._end(before))  # they published anew

    def _refuse(self, feed: FeedId, why: str) -> None:
        if feed not in self._refused:
            self._refused.add(feed)
            self._warn(f"{why}: it is not taken any more")
            self._spawn(self._end(feed))


class _Tile:
    """Where a member's pictures are shown."""

    def __init__(self, audience: Audience, member: bytes) -> None:
        self._audience = audience
        self._member = member

    def show(self, picture: Picture) -> None:
        """See `VideoSink`."""
        self._audience.seen(self._member, picture)

    def close(self) -> None:
        """Leave it open; it is the room's."""


def _sources(far: Far) -> dict[int, tuple[Kind, bool]]:
    """Say what each SSRC of a feed is, and whether it repeats."""
    sources: dict[int, tuple[Kind, bool]] = {}
    for line in far.lines:
        if line.kind is not None:
            sources[line.ssrc] = line.kind, False
            if line.rtx_ssrc:
                sources[line.rtx_ssrc] = line.kind, True
    return sources


def _now() -> float:
    return asyncio.get_running_loop().time()
