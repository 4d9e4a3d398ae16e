"""A member's place in a room of up to 16 people, over a server that hears nothing.

Carrier. Who is a member is worked out as in a room without a server, over calls of each
with each, which here carry no media (`voip.media.nomedia`). In these calls members hand
each other their sender keys (`keyring`); sound and pictures go sealed to the server
and from it to all (`forwarded`). ::

    pairwise calls    MEMBERS, ROSTER, INTRODUCE    who is here
                      SENDER_KEY, ROOM              what opens their frames, where
    server            one leg that publishes, one for each feed

The server may drop, delay and mix up, and it sees who sends how much and when; what it
cannot do is to hear, to show somebody in the place of another, or to bring in one more.
When it goes away the room stays, silent, until it is back.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import ClassVar, Self

from voip.endpoint import Endpoint
from voip.errors import CallError, RefusedError
from voip.gateway.counts import GatewayCounts
from voip.gateway.rooms.companion import Companion, Said
from voip.gateway.rooms.forwarded import Forwarded, OpenSfu
from voip.gateway.rooms.keyring import Keyring
from voip.gateway.rooms.mesh import MeshRoom
from voip.gateway.rooms.presenting import Presenting
from voip.gateway.rooms.senderkeys import MAX_MEMBERS
from voip.gateway.rooms.whereabouts import Whereabouts
from voip.identity.keys import Entropy
from voip.media.connect.config import IceConfig
from voip.media.plan import MediaPlan
from voip.media.publishing import Publishing
from voip.media.quality.figures import MediaStats
from voip.media.sframe import Sealer
from voip.media.sources import Picture, VideoSource
from voip.media.watching import Watching
from voip.signalling.group import Room, SenderKey
from voip.upkeep import VaultKeeper

BEAT_S = 10.0
"""How often each tells each that it is still there: by mailbox, so seldom."""
LOST_S = 30.0
"""Three of them, and the member is not there any more."""
_SERVER = "server"
_US = "us"


class LargerRoom(MeshRoom):
    """Use as ``async with LargerRoom(...) as room``; at its end we are out of it.

    Attributes:
        was_last: nobody else was there when we left.
    """

    limit: ClassVar[int] = MAX_MEMBERS
    is_silent: ClassVar[bool] = True

    def __init__(  # noqa: PLR0913 -- where, as whom, with what
        self,
        endpoint: Endpoint,
        store: VaultKeeper,
        *,
        plan: MediaPlan,
        group_id: bytes,
        open_sfu: OpenSfu,
        entropy: Entropy,
        ticket: Room | None = None,
        secret: str = "",
        server: str | None = None,
        ice: IceConfig | None = None,
        video: bool = False,
        muted: bool = False,
        guests: bool = False,
        counted: GatewayCounts | None = None,
    ) -> None:
        """Take what the room stands on; see `MeshRoom` for what is not here.

        Args:
            endpoint: our place on the network.
            store: its address book.
            plan: microphone, speaker, camera, window; closed at the end.
            group_id: 16 random bytes that name the room.
            open_sfu: opens a connection to a forwarding server.
            entropy: random bytes.
            ticket: where the room is, if we opened it; else a member tells us.
            secret: what it was made with there; strangers are then removed from it.
            server: where it is expected to be; may then be this machine itself.
            ice: how to find the server; nobody is asked by default.
            video: show our picture from the start.
            muted: begin in silence.
            guests: we may let browser guests in, who are heard in what we send.
            counted: where its sessions are counted, if anybody looks at such figures.
        """
        super().__init__(
            endpoint,
            store,
            plan=plan,
            group_id=group_id,
            is_opener=ticket is not None,
            video=video,
            muted=muted,
            guests=guests,
            counted=counted,
        )
        self.was_last = False
        self._where = Whereabouts(ticket, server)
        self._keyring = Keyring(
            group_id,
            self._membership.own,
            entropy=entropy,
            company=self._company,
            say=self._say,
            seal_with=self._seal_with,
        )
        self._doubted: set[Companion] = set()  # of whom the user was told so
        self._heard_at: dict[Companion, float] = {}
        self._beat_at = 0.0
        self._published = self.bridge.port(_SERVER)
        pictures = plan.has_pictures or guests
        self._forwarded = Forwarded(
            lambda: self._published.plan(video=pictures),
            open_sfu,
            ice=ice or IceConfig(),
            entropy=entropy,
            sealer=self._keyring.sealer,
            keys=self._keyring.heard,
            audience=self,
            secret=secret,
            counted=counted,
        )
        self._presenting = Presenting(
            self._forwarded, self._company, has_pictures=pictures
        )
        self._sends: tuple[bool, bool] | None = None
        self._settle()

    @staticmethod
    def hears(one: str, other: str) -> bool:
        """Let us hear the members, and the server us; nobody else anybody."""
        return other == _US if one == _SERVER else one == _US and other != _SERVER

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._published.open()
        self._spawn(self._stay())
        return self

    async def leave(self, why: str = "you left") -> None:
        """End all our calls, and wait until the others know."""
        self.was_last = self._membership.members == (self._membership.own,)
        self._published.shut()  # first: what is said from here on is said to nobody
        self.stop_screen()
        await super().leave(why)

    def set_muted(self, *, on: bool) -> None:
        """Send silence to all, or what the microphone hears; guests are heard on."""
        super().set_muted(on=on)
        self._settle()

    def set_video(self, *, on: bool) -> None:
        """Show our picture to all, or stop; nothing while there is no camera."""
        super().set_video(on=on)
        self._settle()

    def _settle(self) -> None:
        """Send what the sessions would carry: of us, and of our guests."""
        sends = self._company.muted, self._company.video
        if sends != self._sends:
            self._sends = sends
            self._forwarded.set_muted(on=self._company.muted)
            self._forwarded.set_video(on=self._company.video)

    @property
    def _shows_screen(self) -> bool:
        return self._presenting.is_on

    def share_screen(self, source: VideoSource) -> None:
        """Show a screen to all, also to those who come; closed at the end.

        Raises:
            UnexpectedEventError: one is shown already; this one is closed.
            MissingError: the room was entered without pictures; likewise.
        """
        self._presenting.share(source)

    def stop_screen(self) -> None:
        """Show our screen no longer, if we did."""
        self._presenting.stop()

    def stats(self) -> Mapping[str, MediaStats]:
        """Count what goes to the server, and what comes of each member."""
        ours, theirs = self.at_server
        return {
            companion.conversation.alias: MediaStats(
                sent=0 if ours is None else ours.leg.sent,
                received=watching.opened,
                dropped=watching.unopened,
                send_epoch=self._keyring.epoch,
                receive_epochs=(),
                path="server",
            )
            for companion in self._company
            if (watching := theirs.get(companion.key)) is not None
        }

    @property
    def at_server(self) -> tuple[Publishing | None, dict[bytes, Watching]]:
        """What we send to the server, if it is up, and the feed of each member."""
        return self._forwarded.legs

    # What comes by the server; see `Audience`.

    def warn(self, sentence: str) -> None:
        """See `Audience`."""
        self._warn(sentence)

    def heard(self, member: bytes, pcm: bytes) -> None:
        """See `Audience`."""
        companion = self._company.find(member)
        if companion is not None:
            companion.port.say(pcm)

    def seen(self, member: bytes, picture: Picture) -> None:
        """See `Audience`."""
        companion = self._company.find(member)
        if companion is not None:
            companion.port.show(picture)

    # What the others do and say.

    def _came(self, companion: Companion) -> None:
        """Begin with a member; our key it gets if it is trusted."""
        self._heard_at[companion] = _now()
        self._keyring.heard.drop(companion.key)  # one who comes back begins anew
        self._weigh(companion)
        self._presenting.came(companion)

    def _went(self, companion: Companion) -> None:
        """Take a new key, of which who went learns nothing."""
        self._heard_at.pop(companion, None)
        self._forwarded.drop(companion.key)
        self._doubted.discard(companion)
        self._keyring.gone(companion)

    def _weigh(self, companion: Companion) -> None:
        """Hand a member our key, or withdraw it, as far as it may hear us."""
        self._weigh_all((companion,))

    def _weigh_all(self, companions: Iterable[Companion]) -> None:
        may_hear = {each: self._may_hear(each) for each in companions}
        for companion in self._keyring.weigh(may_hear):
            if self._where.ticket is not None:
                self._say(companion, self._where.ticket)
        for companion in may_hear:
            self._tell_doubt(companion)

    def _tell_doubt(self, companion: Companion) -> None:
        """Say once why a member hears nothing of us, as far as it is for the trust."""
        if companion.may_hear(strict=self._book.is_strict):
            self._doubted.discard(companion)
        elif companion not in self._doubted:
            self._doubted.add(companion)
            self._warn(
                f"{companion.conversation.alias} hears nothing of you, for the trust"
                " in them is in doubt: compare the words, or continue all the same"
            )

    def _take(self, companion: Companion, message: Said) -> None:
        """Take keys, and where the room is; all else is as without a server."""
        self._heard_at[companion] = _now()
        match message:
            case SenderKey():
                self._take_key(companion, message)
            case Room():
                self._take_ticket(companion, message)
            case _:
                super()._take(companion, message)

    def _take_key(self, companion: Companion, message: SenderKey) -> None:
        try:
            self._keyring.take(companion, message)
        except CallError as error:
            # Nobody honest says it, and with a wrong key nothing of theirs is heard.
            self._warn(f"{companion.conversation.alias}: {error}")
            companion.hang_up()
            return
        self._forwarded.retry()

    def _take_ticket(self, companion: Companion, message: Room) -> None:
        try:
            is_news = self._where.take(message)
        except RefusedError as error:
            self._warn(f"{companion.conversation.alias}: {error}")
            return
        if is_news:
            for each in self._keyring.keyed - {companion}:
                self._say(each, message)

    def _say(self, companion: Companion, message: SenderKey | Room) -> int | None:
        try:
            return companion.conversation.say(message)
        except CallError as error:
            # Who has not our key hears nothing of us, and would not know why.
            self._warn(f"{companion.conversation.alias}: {error}")
            companion.hang_up()
            return None

    # Time.

    async def _stay(self) -> None:
        await self._forwarded.run(await self._where.known())

    def _each_turn(self, now: float) -> None:
        """Do what is done some times a second."""
        self._weigh_all(self._company)
        self._settle()
        self._keyring.tick(now)
        self._forwarded.others = len(self._heard_at)
        others = set(self._membership.members) - {self._membership.own}
        self._forwarded.has_all_keys = self._keyring.heard.has_all(others)
        for companion, heard_at in tuple(self._heard_at.items()):
            if now - heard_at >= LOST_S:
                companion.hang_up()
        if now - self._beat_at >= BEAT_S:
            self._beat_at = now
            for companion in self._company:
                with contextlib.suppress(CallError):  # then it is lost in a while
                    companion.conversation.say(self._membership.roster())

    def _seal_with(self, sealer: Sealer) -> None:
        self._forwarded.seal_with(sealer)


def _now() -> float:
    return asyncio.get_running_loop().time()
