"""The pictures that this side shows: its camera and its screen.

Their streams were agreed on at the beginning, whether or not there is a camera; a
sender is made when its source is first switched on, and no source is touched before.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from functools import partial

from voip.description import Kind, Stream
from voip.errors import MissingError
from voip.media.quality.figures import VideoFigures
from voip.media.reporting import Reporting
from voip.media.sources import Picture, Track, VideoSource
from voip.media.video.sending import VideoSender

SCREEN_SHARE = 0.75
"""Of the room for pictures, while both are on: letters need more than a face."""

FrameHook = Callable[[bytes, int, bool], None]
"""Takes a coded frame, its RTP timestamp and whether it is a key frame."""
Hooks = Callable[[Track], FrameHook]
"""Makes what keeps the frames of one stream."""


Seal = Callable[[Kind, bytes], bytes]
"""Seals a whole coded frame of a kind, or opens it."""


class OutgoingPictures:
    """What this side shows."""

    def __init__(  # noqa: PLR0913 -- the joints of one direction
        self,
        streams: Iterable[Stream],
        *,
        entropy: Callable[[int], bytes],
        send: Callable[[bytes], None],
        reporting: Reporting,
        spawn: Callable[[Coroutine[None, None, None]], object],
        failed: Callable[[str], None],
        seal: Seal | None = None,
    ) -> None:
        """Take our agreed streams of pictures, and what carries their packets.

        `failed` hears why a stream does not leave. `seal`: see `VideoSender`.
        """
        self._streams = {stream.kind: stream for stream in streams}
        self._entropy = entropy
        self._send = send
        self._reporting = reporting
        self._spawn = spawn
        self._failed = failed
        self._seal = seal
        self._told: set[Kind] = set()
        self._sources: dict[Kind, _Changeable] = {}
        self._senders: dict[Kind, VideoSender] = {}
        self._on: frozenset[Kind] = frozenset()
        self._bps = 0
        self._hooks: Hooks | None = None

    def use(self, kind: Kind, source: VideoSource) -> None:
        """Show this from now on, whenever pictures of its kind are on.

        Raises:
            MissingError: the two sides did not agree on pictures of this kind.
        """
        if kind not in self._streams:
            raise MissingError(f"the other side takes no {kind.name.lower()}")
        if kind in self._sources:
            self._sources[kind].change(source)
        else:
            self._sources[kind] = _Changeable(source)

    def set_on(self, kinds: frozenset[Kind]) -> None:
        """Show these kinds, as far as there is something to show, and no others."""
        self._on = kinds & self._sources.keys()
        for kind in self._on - self._senders.keys():
            self._make(kind)
        for kind, sender in self._senders.items():
            sender.set_on(kind in self._on)
        self.set_rate(self._bps)

    @property
    def on(self) -> frozenset[Kind]:
        """What is shown now."""
        return self._on

    def set_rate(self, bps: int) -> None:
        """Send at most so many bits a second; 0 pauses."""
        self._bps = bps
        for kind, share in self.shares():
            self._senders[kind].set_rate(share)

    def shares(self) -> Iterator[tuple[Kind, int]]:
        """Give what each stream that was ever shown may take now, in bit/s."""
        both = len(self._on) > 1
        parts = {Kind.SCREEN: SCREEN_SHARE, Kind.VIDEO: 1 - SCREEN_SHARE}
        for kind in self._senders:
            part = (parts[kind] if both else 1.0) if kind in self._on else 0.0
            yield kind, int(self._bps * part)

    def set_round_trip(self, seconds: float) -> None:
        """Tell the senders how long an answer takes."""
        for sender in self._senders.values():
            sender.set_round_trip(seconds)

    def hook(self, hooks: Hooks | None, now: float) -> None:
        """Hand each coded frame to what this makes, or to nobody any more."""
        self._hooks = hooks
        for kind, sender in self._senders.items():
            sender.on_frame = self._hook(kind)
            if hooks is not None:
                sender.pli(now)  # nothing can be seen before a whole picture

    def figures(self, now: float) -> VideoFigures | None:
        """Give the screen's figures, or else the camera's; once a second."""
        for kind, sender in self._senders.items():
            if sender.failure is not None and kind not in self._told:
                self._told.add(kind)
                self._failed(sender.failure)
        of = {kind: each.figures(now) for kind, each in self._senders.items()}
        return of.get(Kind.SCREEN) or of.get(Kind.VIDEO)

    def close(self) -> None:
        """Stop sending, and let go of every source."""
        for sender in self._senders.values():
            sender.stop()
        for source in self._sources.values():
            source.close()

    def _make(self, kind: Kind) -> None:
        stream = self._streams[kind]
        sender = VideoSender(
            self._sources[kind],
            stream,
            self._send,
            entropy=self._entropy,
            seal=None if self._seal is None else partial(self._seal, kind),
        )
        sender.on_frame = self._hook(kind)
        self._senders[kind] = sender
        self._reporting.serve(stream.ssrc, sender)
        self._spawn(sender.run())

    def _hook(self, kind: Kind) -> FrameHook | None:
        if self._hooks is None:
            return None
        codec = self._streams[kind].codec.name.lower()
        return self._hooks(Track(ours=True, kind=kind.name.lower(), codec=codec))


class _Changeable:
    """A source that another one can take the place of.

    The stream goes on: a second sender under one SSRC would number packets anew, and
    one number twice is one nonce twice.
    """

    def __init__(self, source: VideoSource) -> None:
        self._source = source

    def change(self, source: VideoSource) -> None:
        self._source.close()
        self._source = source

    async def picture(self) -> Picture:
        """See `VideoSource`."""
        return await self._source.picture()

    def close(self) -> None:
        """See `VideoSource`."""
        self._source.close()
