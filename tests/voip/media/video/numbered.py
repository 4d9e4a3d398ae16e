"""Numbered pictures as packets."""

from itertools import count

from voip.description import Stream
from voip.media.pattern import draw_pattern
from voip.media.video.outlets import Outlet, Start, open_outlet
from voip.media.video.vp8 import packetize
from voip.media.video.vpx import Vp8Encoder

START = Start(sequence=7, timestamp=0, second=100)
TICKS = 3000


class Sender:
    """Numbered pictures as packets, on a clock of its own."""

    def __init__(self, stream: Stream) -> None:
        self.outlet: Outlet = open_outlet(stream, START, 0.0)
        self.outlet.set_rate(1_000_000, 0.0)
        self._encoder = Vp8Encoder(128, 64, bps=400_000)
        self._numbers = count()

    def packets(self, *, key: bool = False, limit: int = 1140) -> list[bytes]:
        number = next(self._numbers)
        data = self._encoder.encode(draw_pattern(number, 128, 64), number * TICKS)
        if key:
            data = self._encoder.encode(
                draw_pattern(number, 128, 64), number * TICKS + 1, key=True
            )
        now = number * 1.0
        self.outlet.put(packetize(data, number, limit), number * TICKS, now, key=key)
        packets = self.outlet.due(now)
        while (at := self.outlet.next_at) is not None and at <= now + 0.5:
            packets += self.outlet.due(at)
        return packets
