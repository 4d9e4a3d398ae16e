"""One screen, shown in all sessions of a room.

Carrier. The screen is looked at once, whoever sees it; each session takes the newest
picture when its own encoder is ready for one, and leaves those between out.
"""

from voip.gateway.bridge import Bridge, Port
from voip.gateway.rooms.companion import Companion
from voip.media.sources import VideoSource

_US = "us"


def _they_see_us(one: str, other: str) -> bool:
    return other == _US and one != _US


class Screens:
    """What we show of our screen, and to whom."""

    def __init__(self) -> None:
        self._bridge = Bridge(_they_see_us)
        self._shown = self._bridge.port(_US)
        self._face = self._shown.plan(video=True).video_sink
        self._seen_by: dict[str, Port] = {}

    async def show(self, source: VideoSource) -> None:
        """Look at a screen and show it to all who were added, until cancelled."""
        assert self._face is not None
        self._shown.open()
        try:
            while True:
                self._face.show(await source.picture())
        finally:
            self._shown.shut()
            source.close()

    def add(self, companion: Companion) -> None:
        """Let a session show it.

        Raises:
            MissingError: it is not connected, or takes no part in pictures.
        """
        name = companion.port.name
        if name not in self._seen_by:
            port = self._seen_by[name] = self._bridge.port(name)
            port.open()
            eye = port.plan(video=True).video_source
            assert eye is not None
            companion.conversation.use_screen(eye)
        companion.conversation.set_screen(on=True)

    def remove(self, companion: Companion) -> None:
        """Forget a session that is over."""
        port = self._seen_by.pop(companion.port.name, None)
        if port is not None:
            port.close()
