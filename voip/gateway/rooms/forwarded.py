"""Our place at the forwarding server: what we publish there, and the feeds we take.

Carrier. Publishes on one leg and takes each feed on a leg of its own (`taken`), for as
long as we are in the room; when the server goes away it comes back to it. With which
key we seal is the room's to say.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

from voip.description import Kind
from voip.errors import CallError, UnreachableError
from voip.gateway.counts import GatewayCounts
from voip.gateway.rooms.framecounts import FrameCounts
from voip.gateway.rooms.sdp import Near, format_offer, parse_far
from voip.gateway.rooms.senderkeys import HeardKeys
from voip.gateway.rooms.sfu import Closed, Congested, FeedAdded, FeedGone, FeedId, Sfu
from voip.gateway.rooms.taken import Audience, TakenFeeds
from voip.identity.keys import Entropy
from voip.media.connect.config import IceConfig
from voip.media.flow.lossrate import LossRate
from voip.media.plan import MediaPlan
from voip.media.publishing import Publishing
from voip.media.sframe import Sealer
from voip.media.sources import Lent, VideoSource
from voip.media.watching import Watching
from voip.signalling.group import Room

AGAIN_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)  # until the server is tried again
SHARE_BPS = 2_400_000
"""For all pictures that come to one member: each sends its part of it."""
STEER_S = 1.0
TELL_AGAIN_S = 60.0
"""The same sentence is told once in so long: losses and strangers come back."""
MAX_TOLD = 32  # sentences in that time; some are in the server's own words

OpenSfu = Callable[[str], AbstractAsyncContextManager[Sfu]]
"""Opens a connection to the server at a checked address."""


class Forwarded:
    """Our place at the server.

    Attributes:
        others: members beside us, who share the path to each of them.
        has_all_keys: each of them told us its key, so that a feed which none of these
            opens is nobody's of them.
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
        secret: str = "",
        counted: GatewayCounts | None = None,
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
            secret: of the room, if it is we who made it: strangers are then put out.
            counted: where packets are counted, if anybody looks at such figures.
        """
        self.others = 1
        self.has_all_keys = False
        self._plan = plan
        self._open_sfu = open_sfu
        self._ice = ice
        self._entropy = entropy
        self._sealer = sealer
        self._keys = keys
        self._audience = audience
        self._secret = secret
        self._counted = counted or GatewayCounts()
        self._frame_counts: FrameCounts | None = None
        self._is_muted = self._shows = False
        self._screen: VideoSource | None = None
        self._publishing: Publishing | None = None
        self._taken: TakenFeeds | None = None
        self._rate: LossRate | None = None
        self._is_cut = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._told: dict[str, float] = {}

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
            self._publishing.use_screen(Lent(source))
        self._screen = source
        self._show()

    def drop(self, member: bytes) -> None:
        """Hear a member no more: it left, or comes back in a moment."""
        if self._taken is not None:
            self._taken.drop(member)

    def retry(self) -> None:
        """Take feeds again that nobody's key opened: there is a new key."""
        if self._taken is not None:
            self._taken.retry()

    @property
    def legs(self) -> tuple[Publishing | None, dict[bytes, Watching]]:
        """What we send, if we are there, and whose feeds are taken."""
        return self._publishing, dict(self._taken or ())

    # The server.

    async def run(self, ticket: Room) -> None:
        """Be at the server, and come back to it, until cancelled."""
        self._warn(
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
                        publishing = await self._publish(sfu)
                        failures = 0
                        await self._take_events(sfu, publishing)
                except CallError as error:
                    self._warn(str(error))
                finally:
                    await self._unpublish()
            await asyncio.sleep(AGAIN_S[min(failures, len(AGAIN_S) - 1)])
            failures += 1

    async def _publish(self, sfu: Sfu) -> Publishing:
        self._is_cut = asyncio.Event()
        self._publishing = publishing = Publishing(
            self._plan(),
            self._ice,
            self._sealer,
            entropy=self._entropy,
            beat=self._beat,
            closed=self._is_cut.set,
            failed=self._warn,
            spawn=self._spawn,
        )
        self.set_muted(on=self._is_muted)
        leg = publishing.leg
        near = Near(description=await leg.gather(), fingerprint=leg.fingerprint)
        far = parse_far(await sfu.publish(format_offer(near, publishing.streams)))
        await publishing.connect(
            far.description, far.fingerprint, we_begin=not far.is_client
        )
        self._rate = LossRate(_now())
        self.set_screen(self._screen)
        return publishing

    def _show(self) -> None:
        on = {Kind.VIDEO: self._shows, Kind.SCREEN: self._screen is not None}
        if self._publishing is not None:
            kinds = frozenset(kind for kind, is_on in on.items() if is_on)
            self._publishing.set_pictures(kinds)

    async def _unpublish(self) -> None:
        publishing, self._publishing = self._publishing, None
        taken, self._taken = self._taken, None
        for task in tuple(self._running):
            task.cancel()
        if self._frame_counts is not None:
            self._frame_counts.note()
            self._frame_counts = None
        if publishing is not None:
            await publishing.close()
        if taken is not None:
            await taken.close()

    async def _take_events(self, sfu: Sfu, publishing: Publishing) -> None:
        """Follow what the server says, until it or our leg there is gone."""
        self._taken = taken = TakenFeeds(
            sfu,
            ice=self._ice,
            entropy=self._entropy,
            keys=self._keys,
            audience=self._audience,
            warn=self._warn,
            spawn=self._spawn,
        )
        leg = publishing.leg
        self._frame_counts = FrameCounts(self._counted, lambda: taken.frames(leg.sent))
        ends = (
            self._begin(self._read(sfu, taken)),
            self._begin(_wait(self._is_cut)),
            self._begin(self._steer(sfu, taken, self._frame_counts)),
        )
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        raise UnreachableError(
            "the forwarding server is gone; sound and pictures go on when it is back"
        )

    async def _read(self, sfu: Sfu, taken: TakenFeeds) -> None:
        async for event in sfu.events():
            match event:
                case FeedAdded(feed):
                    taken.follow(feed)
                case FeedGone(feed):
                    await taken.gone(feed)
                case Congested(ours):
                    way = "to" if ours else "from"
                    self._warn(
                        f"packets get lost on the way {way} the forwarding server"
                    )
                case Closed(reason):
                    self._warn(reason)

    def _beat(self, now: float) -> None:
        """Hear every member; called each 20 ms, after our own sound left."""
        for member, watching in self._taken or ():
            self._audience.heard(member, watching.pull(now))

    async def _steer(self, sfu: Sfu, taken: TakenFeeds, counts: FrameCounts) -> None:
        """Do what is done once a second: look at losses, and at strangers."""
        while True:
            self._set_rate(_now())
            await asyncio.sleep(STEER_S)
            counts.note()
            if self._secret and self.has_all_keys:
                for feed in taken.strangers():
                    await self._remove(sfu, feed)
                    await taken.gone(feed)

    def _set_rate(self, now: float) -> None:
        if self._publishing is None or self._rate is None:
            return
        share = self._publishing.lost_share()
        if share is not None:
            self._rate.report(share, now)
        most = SHARE_BPS // max(self.others, 1)
        self._publishing.set_rate(min(self._rate.bps(now), most))

    async def _remove(self, sfu: Sfu, feed: FeedId) -> None:
        """Put out whoever takes up a place at the server that is a member's."""
        try:
            await sfu.remove(feed, secret=self._secret)
        except CallError as error:
            self._warn(f"a stranger stays at the forwarding server: {error}")
        else:
            self._warn("a stranger was removed from the forwarding server")

    def _warn(self, sentence: str) -> None:
        now = _now()
        told = {each: at for each, at in self._told.items() if now - at < TELL_AGAIN_S}
        if sentence not in told and len(told) < MAX_TOLD:
            told[sentence] = now
            self._audience.warn(sentence)
        self._told = told

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        _ = self._begin(work)

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run something for as long as we are at the server, or less."""
        task = self._tasks.create_task(self._watched(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _watched(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except CallError as error:  # a screen that is gone, say: the room goes on
            self._warn(str(error))


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()
