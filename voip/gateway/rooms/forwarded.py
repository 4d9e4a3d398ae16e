"""What a member of a larger room sends to the forwarding server, and takes from it.

Carrier. Publishes on one leg and takes each feed on a leg of its own, for as long as we
are in the room; when the server goes away it comes back to it. Whose a feed is follows
from whose key opens it (`feeds`), and with which key we seal is the room's to say.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

from voip.description import Kind
from voip.errors import CallError, MalformedError, UnreachableError
from voip.gateway.rooms.feeds import Feeds, Verdict
from voip.gateway.rooms.sdp import Far, Near, format_answer, format_offer, parse_far
from voip.gateway.rooms.senderkeys import MAX_MEMBERS, HeardKeys
from voip.gateway.rooms.sfu import Closed, Congested, FeedAdded, FeedGone, FeedId, Sfu
from voip.identity.keys import Entropy
from voip.media.connect.config import IceConfig
from voip.media.dtls import DtlsTransport
from voip.media.flow.lossrate import LossRate
from voip.media.forwarding import SealedPacket
from voip.media.plan import MediaPlan
from voip.media.publishing import Publishing
from voip.media.sframe import Header, Sealer
from voip.media.sources import Picture, VideoSource
from voip.media.watching import Watching
from voip.signalling.group import Room

AGAIN_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)  # until the server is tried again
MAX_WATCHED = 2 * MAX_MEMBERS
"""Feeds taken at once: of members who come back, the old one goes a little later."""
SHARE_BPS = 2_400_000
"""For all pictures that come to one member: each sends its part of it."""
STEER_S = 1.0
TELL_AGAIN_S = 60.0  # that packets get lost

OpenSfu = Callable[[str], AbstractAsyncContextManager[Sfu]]
"""Opens a connection to the server at a checked address."""


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


class Forwarded:
    """Our place at the server.

    Attributes:
        others: members beside us, who share the path to each of them.
    """

    def __init__(  # noqa: PLR0913 -- what is sent, how, and who is told
        self,
        plan: Callable[[], MediaPlan],
        open_sfu: OpenSfu,
        *,
        ice: IceConfig,
        entropy: Entropy,
        sealer: Sealer,
        keys: HeardKeys,
        audience: Audience,
    ) -> None:
        """Take what we send and with what it is opened there; nothing happens yet.

        Args:
            plan: opens what we send, each time that we come to the server; only its
                sources are used.
            open_sfu: opens a connection to the server.
            ice: how to find it.
            entropy: random bytes.
            sealer: of our key in use.
            keys: of the others.
            audience: who hears and sees what comes.
        """
        self.others = 1
        self._plan = plan
        self._open_sfu = open_sfu
        self._ice = ice
        self._entropy = entropy
        self._sealer = sealer
        self._keys = keys
        self._audience = audience
        self._is_muted = self._shows = False
        self._screen: VideoSource | None = None
        self._feeds = Feeds()
        self._publishing: Publishing | None = None
        self._rate: LossRate | None = None
        self._steer_at = 0.0
        self._taken: dict[FeedId, _Taken] = {}
        self._of_member: dict[bytes, FeedId] = {}
        self._refused: set[FeedId] = set()
        self._sfu: Sfu | None = None
        self._is_cut = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._congested_at = float("-inf")

    # What our side wants.

    def seal_with(self, sealer: Sealer) -> None:
        """Seal all that leaves from now on with this."""
        self._sealer = sealer
        if self._publishing is not None:
            self._publishing.sealer = sealer

    def set_muted(self, *, on: bool) -> None:
        """Send silence, or what the microphone hears."""
        self._is_muted = on
        if self._publishing is not None:
            self._publishing.set_muted(on)

    def set_video(self, *, on: bool) -> None:
        """Show our picture, or stop."""
        self._shows = on
        self._show()

    def set_screen(self, source: VideoSource | None) -> None:
        """Show this beside our picture, or nothing any more; its owner closes it.

        Raises:
            MissingError: the plan has no pictures.
        """
        if self._publishing is not None and source is not None:
            self._publishing.use_screen(_Lent(source))
        self._screen = source
        self._show()

    def drop(self, member: bytes) -> None:
        """Hear a member no more: it left, or comes back in a moment."""
        feed = self._of_member.pop(member, None)
        if feed is not None:
            self._feeds.gone(feed)  # if its next key opens it, it has a name again

    def retry(self) -> None:
        """Take feeds again that nobody's key opened: there is a new key."""
        for feed in map(FeedId, self._feeds.retry()):
            self._refused.discard(feed)
            self._follow(feed)

    @property
    def legs(self) -> tuple[Publishing | None, dict[bytes, Watching]]:
        """What we send, if we are there, and whose feeds are taken."""
        return self._publishing, dict(self._theirs())

    def _theirs(self) -> Iterator[tuple[bytes, Watching]]:
        for member, feed in self._of_member.items():
            taken = self._taken.get(feed)
            if taken is not None and taken.watching is not None:
                yield member, taken.watching

    # The server.

    async def run(self, ticket: Room) -> None:
        """Be at the server, and come back to it, until cancelled."""
        self._audience.warn(
            f"sound and pictures go by {urlsplit(ticket.url).netloc}, which can neither"
            " hear nor see them, but sees who sends how much and when"
        )
        failures = 0
        while True:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                try:
                    async with self._open_sfu(ticket.url) as sfu:
                        await sfu.join(ticket)
                        await self._publish(sfu)
                        failures = 0
                        await self._take_events(sfu)
                except CallError as error:
                    self._audience.warn(str(error))
                finally:
                    await self._unpublish()
            await asyncio.sleep(AGAIN_S[min(failures, len(AGAIN_S) - 1)])
            failures += 1

    async def _publish(self, sfu: Sfu) -> None:
        self._sfu = sfu
        self._is_cut = asyncio.Event()
        self._publishing = publishing = Publishing(
            self._plan(),
            self._ice,
            self._sealer,
            entropy=self._entropy,
            beat=self._beat,
            closed=self._is_cut.set,
            failed=self._audience.warn,
            spawn=self._spawn,
        )
        self.set_muted(on=self._is_muted)
        near = await _near(publishing.leg)
        far = parse_far(await sfu.publish(format_offer(near, publishing.streams)))
        await publishing.connect(
            far.description, far.fingerprint, we_begin=not far.is_client
        )
        self._rate = LossRate(_now())
        self.set_screen(self._screen)

    def _show(self) -> None:
        on = {Kind.VIDEO: self._shows, Kind.SCREEN: self._screen is not None}
        if self._publishing is not None:
            kinds = frozenset(kind for kind, is_on in on.items() if is_on)
            self._publishing.set_pictures(kinds)

    async def _unpublish(self) -> None:
        publishing, self._publishing, self._sfu = self._publishing, None, None
        for task in tuple(self._running):
            task.cancel()
        if publishing is not None:
            await publishing.close()
        for feed in tuple(self._taken):
            await self._end(feed)
        self._feeds, self._refused = Feeds(), set()

    async def _take_events(self, sfu: Sfu) -> None:
        """Follow what the server says, until it or our leg there is gone."""
        ends = self._begin(self._read(sfu)), self._begin(_wait(self._is_cut))
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        raise UnreachableError(
            "the forwarding server is gone; sound and pictures go on when it is back"
        )

    async def _read(self, sfu: Sfu) -> None:
        async for event in sfu.events():
            match event:
                case FeedAdded(feed):
                    self._follow(feed)
                case FeedGone(feed):
                    self._feeds.gone(feed)
                    self._refused.discard(feed)
                    await self._end(feed)
                case Congested(ours):
                    self._congested(ours=ours)
                case Closed(reason):
                    self._audience.warn(reason)

    def _congested(self, *, ours: bool) -> None:
        if _now() - self._congested_at >= TELL_AGAIN_S:
            self._congested_at = _now()
            way = "to" if ours else "from"
            self._audience.warn(
                f"packets get lost on the way {way} the forwarding server"
            )

    def _beat(self, now: float) -> None:
        """Hear every member; called each 20 ms, after our own sound left."""
        for member, watching in self._theirs():
            self._audience.heard(member, watching.pull(now))
        if now >= self._steer_at:
            self._steer_at = now + STEER_S
            self._steer(now)

    def _steer(self, now: float) -> None:
        if self._publishing is None or self._rate is None:
            return
        share = self._publishing.lost_share()
        if share is not None:
            self._rate.report(share, now)
        most = SHARE_BPS // max(self.others, 1)
        self._publishing.set_rate(min(self._rate.bps(now), most))

    # Feeds.

    def _follow(self, feed: FeedId) -> None:
        """Take a feed, unless we do, or it was refused."""
        sfu = self._sfu
        if sfu is None or feed in self._taken or feed in self._refused:
            return
        if len(self._taken) >= MAX_WATCHED:  # also those that are on their way
            self._audience.warn(
                f"the server has more than {MAX_WATCHED} feeds; one is left out"
            )
            return
        taken = self._taken[feed] = _Taken()
        self._spawn(self._watch(sfu, feed, taken))

    async def _watch(self, sfu: Sfu, feed: FeedId, taken: _Taken) -> None:
        try:
            far = parse_far(await sfu.subscribe(feed))
            if self._taken.get(feed) is not taken:  # it ended meanwhile
                if feed not in self._taken:
                    await sfu.unsubscribe(feed)
                return
            watching = taken.watching = Watching(
                self._ice,
                _sources(far),
                controlling=far.is_lite,
                open_frame=partial(self._open, feed, taken),
                unopened=partial(self._did_not_open, feed, taken),
                failed=self._audience.warn,
                entropy=self._entropy,
            )
            near = await _near(watching.leg)
            await sfu.answer(feed, format_answer(near, far))
            await watching.connect(far.description, far.fingerprint, we_begin=True)
        except CallError as error:
            self._audience.warn(f"a feed of the server cannot be taken: {error}")
            if self._taken.get(feed) is taken:
                await self._end(feed)

    async def _end(self, feed: FeedId) -> None:
        taken = self._taken.pop(feed, None)
        for member, of in tuple(self._of_member.items()):
            if of == feed:
                del self._of_member[member]
        if taken is not None and taken.watching is not None:
            await taken.watching.close()
        if self._sfu is not None:
            with contextlib.suppress(CallError):
                await self._sfu.unsubscribe(feed)

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
            self._audience.warn(f"{why}: it is not taken any more")
            self._spawn(self._end(feed))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        _ = self._begin(work)

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run something for as long as we are at the server, or less."""
        task = self._tasks.create_task(self._told(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _told(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except CallError as error:  # a screen that is gone, say: the room goes on
            self._audience.warn(str(error))


class _Lent:
    """A source that its user does not close."""

    def __init__(self, source: VideoSource) -> None:
        self._source = source

    async def picture(self) -> Picture:
        """See `VideoSource`."""
        return await self._source.picture()

    def close(self) -> None:
        """Leave it to its owner."""


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


async def _near(leg: DtlsTransport[SealedPacket]) -> Near:
    return Near(description=await leg.gather(), fingerprint=leg.fingerprint)


def _sources(far: Far) -> dict[int, tuple[Kind, bool]]:
    """Say what each SSRC of a feed is, and whether it repeats."""
    sources: dict[int, tuple[Kind, bool]] = {}
    for line in far.lines:
        if line.kind is not None:
            sources[line.ssrc] = line.kind, False
            if line.rtx_ssrc:
                sources[line.rtx_ssrc] = line.kind, True
    return sources


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()
