"""The media of one guest, over one connection after another.

Carrier: answers offers, connects `voip.media.guestmedia` and counts frames.
"""

from collections.abc import Callable

from voip.description import Kind
from voip.gateway import counts
from voip.gateway.guests.answer import format_answer
from voip.gateway.guests.host import Host
from voip.gateway.guests.messages import Count, Direction
from voip.gateway.guests.sdp import GuestOffer
from voip.identity.keys import Entropy
from voip.media.dtls import Certificate
from voip.media.framekeys import FrameKeys
from voip.media.guestmedia import GuestMedia
from voip.media.plan import MediaPlan


class Medium:
    """What a guest hears and sees, and is heard and seen by.

    Attributes:
        fingerprint: of the certificate of all our connections, 32 bytes.
    """

    def __init__(self, host: Host, failed: Callable[[str], None]) -> None:
        """Make a certificate; `failed` hears what of the media does not work."""
        self._host, self._failed = host, failed
        self._certificate = Certificate()
        self._kinds: frozenset[Kind] = frozenset()
        self._plan: MediaPlan | None = None
        self._media: GuestMedia | None = None

    @property
    def fingerprint(self) -> bytes:
        """The SHA-256 of the certificate."""
        return self._certificate.fingerprint

    def use(self, plan: MediaPlan, *, video: bool) -> None:
        """Take what the guest is sent, and who gets what he sends; `close` ends it."""
        self._plan = plan
        self._kinds = frozenset({Kind.AUDIO, Kind.VIDEO} if video else {Kind.AUDIO})

    async def connect(
        self,
        offer: GuestOffer,
        theirs: bytes,
        keys: FrameKeys,
        answered: Callable[[str], None],
    ) -> None:
        """Connect to who made this offer, instead of before; he has this fingerprint.

        `answered` gets the answer before the connection can be made.

        Raises:
            UnreachableError: there is no way.
            TrustError: somebody else is there.
            RefusedError: candidates or servers that cannot be.
            MissingError: this machine has no Opus.
        """
        await self.disconnect()
        host = self._host
        assert self._plan is not None
        media = self._media = GuestMedia(
            self._plan,
            self._certificate,
            host.ice,
            keys,
            entropy=host.entropy,
            failed=self._failed,
        )
        ours = offer.ours(_ssrcs(host.entropy), self._kinds)
        own = await media.gather(ours)
        answered(
            format_answer(offer, own, fingerprint=self.fingerprint, takes=self._kinds)
        )
        # What the answer does not take is not played either: nobody counts it.
        await media.connect(offer.theirs(self._kinds), ours, theirs)

    def counts(self) -> list[Count]:
        """Count the frames of this connection, of all streams."""
        media = self._media
        if media is None:
            return []
        return [
            Count(kind, way, *media.tallied(kind, sent=way is Direction.SENT))
            for kind in sorted(self._kinds)
            for way in Direction
        ]

    def expect_pictures(self, *, on: bool) -> None:
        """Note whether the guest says that he shows any: then a pause is no freeze."""
        if self._media is not None:
            self._media.expect_pictures(frozenset({Kind.VIDEO} if on else ()))

    async def disconnect(self) -> None:
        """End the connection; the next one goes on with the plan."""
        media, self._media = self._media, None
        if media is not None:
            await media.close()
            self._note(media)

    async def close(self) -> None:
        """End the connection and close the plan."""
        await self.disconnect()
        if self._plan is not None:
            self._plan.close()

    def _note(self, media: GuestMedia) -> None:
        """Add what went and came to the figures of the process."""
        for sent, way in ((True, counts.Direction.OUT), (False, counts.Direction.IN)):
            frames = self._host.counted.frames(counts.Kind.BROWSER, way)
            for kind in Kind:
                passed, failed, _ = media.tallied(kind, sent=sent)
                frames.passed += passed
                frames.failed += failed


def _ssrcs(entropy: Entropy) -> Callable[[], int]:
    """Give SSRCs, each another one and not 0."""
    taken = {0}

    def fresh() -> int:
        while (ssrc := int.from_bytes(entropy(4))) in taken:
            pass
        taken.add(ssrc)
        return ssrc

    return fresh
