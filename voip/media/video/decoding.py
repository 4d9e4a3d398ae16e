"""Decoding on a thread of its own, strictly in order.

Carrier. What a hostile peer sends is looked at before the decoder sees it: the size in
the header is checked, and errors are caught and counted.
"""

import asyncio
from collections.abc import Callable

from voip.description import Codec
from voip.media.sources import Picture


class Decoder:
    """The thread that decodes one stream; every callback runs on the event loop."""

    def __init__(
        self,
        codec: Codec,
        *,
        loop: asyncio.AbstractEventLoop,
        show: Callable[[Picture], None],
        failed: Callable[[], None],
        slow: Callable[[], None],
    ) -> None:
        """Start it.

        `show` takes pictures, `failed` is called when a key frame is needed to go on,
        `slow` when three pictures took more than 100 ms each within 5 s.
        """
        raise NotImplementedError

    def put(self, frame: bytes) -> None:
        """Decode a frame after those before it; never waits."""
        raise NotImplementedError

    def close(self) -> None:
        """End the thread; nothing is called after."""
        raise NotImplementedError
