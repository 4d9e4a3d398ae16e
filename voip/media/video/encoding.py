"""Encoding on a thread of its own, with room for one picture.

Carrier. While the thread is busy, the newest picture takes the place of the one that
waits: a camera that is faster than the processor makes the picture slower, never late.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import NamedTuple

from voip.description import Codec
from voip.errors import MalformedError, MissingError
from voip.media.i420 import scaled
from voip.media.sources import Picture
from voip.media.video.decoding import CLOSE_S, PARSERS
from voip.media.video.encoders import Encoder, open_encoder
from voip.media.video.ladder import Shape


class Order(NamedTuple):
    """A picture to be encoded, and how; `pts` at 90 kHz, rising."""

    picture: Picture
    shape: Shape
    pts: int
    bps: int
    key: bool


class Encoded(NamedTuple):
    """A whole coded frame."""

    data: bytes
    pts: int
    key: bool
    shape: Shape


class Encoding:
    """The thread that encodes one stream; every callback runs on the event loop.

    Attributes:
        failure: why there will be no further frame, in a sentence; None while it works.
        quantizer: how coarse the last frame was, 0 to 63; None if nobody knows.
        skipped: pictures that a newer one took the place of.
    """

    def __init__(
        self,
        codec: Codec,
        *,
        loop: asyncio.AbstractEventLoop,
        done: Callable[[Encoded], None],
        screen: bool = False,
    ) -> None:
        """Start the thread; the encoder is opened for the first picture."""
        self.failure: str | None = None
        self.quantizer: int | None = None
        self.skipped = 0
        self._codec, self._screen = codec, screen
        self._loop = loop
        self._done = done
        self._order: Order | None = None
        self._wake = threading.Condition()
        self._closed = False
        # A daemon: a library that hangs must not keep the program from ending.
        self._thread = threading.Thread(
            target=self._run, name="ringfence-encoder", daemon=True
        )
        self._thread.start()

    def put(self, order: Order) -> None:
        """Encode this next; never waits."""
        with self._wake:
            if self._order is not None:
                self.skipped += 1
                # A key frame that was promised is owed by whichever picture comes.
                order = order._replace(key=order.key or self._order.key)
            self._order = order
            self._wake.notify()

    def close(self) -> None:
        """End the thread, which frees the encoder; nothing is called after.

        A picture that is just being encoded is waited for 0.1 s, on the event loop.
        """
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        encoder: Encoder | None = None
        try:
            while (order := self._next()) is not None:
                width, height, _ = order.shape
                if encoder is None:
                    encoder = open_encoder(
                        *(self._codec, width, height),
                        bps=order.bps,
                        screen=self._screen,
                    )
                encoder.set_size(width, height)
                encoder.set_rate(order.bps)
                self._encode(encoder, order)
        except (MalformedError, MissingError) as error:
            self.failure = str(error)
        finally:
            if encoder is not None:
                encoder.close()

    def _next(self) -> Order | None:
        with self._wake:
            while self._order is None and not self._closed:
                self._wake.wait()
            order, self._order = self._order, None
            return None if self._closed else order

    def _encode(self, encoder: Encoder, order: Order) -> None:
        picture = scaled(order.picture, order.shape.width, order.shape.height)
        data = encoder.encode(picture, order.pts, key=order.key)
        self.quantizer = encoder.quantizer
        if not data:
            return  # left out, to keep the rate
        made = Encoded(data, order.pts, PARSERS[self._codec](data).key, order.shape)
        with self._wake:
            if not self._closed and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._deliver, made)

    def _deliver(self, made: Encoded) -> None:
        if not self._closed:
            self._done(made)
