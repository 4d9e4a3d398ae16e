"""What a call needs of the place it runs in."""

from collections.abc import Callable
from dataclasses import dataclass

from voip.assurance import Keep
from voip.identity.keys import Entropy
from voip.media.connect.config import IceConfig
from voip.media.connect.sockets import Trace
from voip.media.plan import MediaPlan
from voip.media.streams import MediaSession
from voip.signalling.post import Post


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a call needs of the place it runs in.

    Attributes:
        keep: applies a change to the store; on disk before it returns.
        post: carries sealed blobs.
        plan: opens what the call hears and shows with.
        ice: how to find a path.
        entropy: random bytes.
        by_hand: people carry the blobs, once each and at their pace, until media flows.
        on_datagram: sees every datagram of media as it leaves; for tests and `doctor`.
        media: makes the media of a call.
    """

    keep: Keep
    post: Post
    plan: Callable[[], MediaPlan]
    ice: IceConfig
    entropy: Entropy
    by_hand: bool = False
    on_datagram: Trace | None = None
    media: type[MediaSession] = MediaSession
