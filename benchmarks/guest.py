"""What sealing frames costs a gateway in a call with a browser guest.

The gateway's end is whole: Opus and VP8 both ways, jitter buffer, DTLS-SRTP. The guest
is a stand-in on a thread of its own, whose processor time is left out; what it sends
was made beforehand. Sealed and plain take turns in one call.
"""

import asyncio
import itertools
import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from benchmarks.figure import Figure, figure, ratios
from voip.description import Codec, Description, Kind, Stream
from voip.media.audio.opus import open_encoder as open_sound_encoder
from voip.media.audio.states import START
from voip.media.connect.config import IceConfig
from voip.media.dtls import Certificate, DtlsTransport
from voip.media.framekeys import FrameKeys
from voip.media.guestmedia import GuestMedia
from voip.media.pattern import Discard, Sweep, draw_pattern
from voip.media.plan import MediaPlan
from voip.media.rtp import Header, format_header
from voip.media.sources import Picture
from voip.media.video import vp8
from voip.media.video.encoders import open_encoder as open_picture_encoder

BAR = 1.15
TURNS = 5
TURN_S = 4.0
SETTLE_S = 2.0
BEAT_S = 0.02
WIDTH, HEIGHT, FPS = 640, 480, 15
LOOPBACK = IceConfig(loopback=True)
THEIRS = (
    Stream(Kind.AUDIO, Codec.OPUS, pt=111, ssrc=1),
    Stream(Kind.VIDEO, Codec.VP8, pt=96, ssrc=2, rtx_pt=97, rtx_ssrc=3),
)
OURS = (
    Stream(Kind.AUDIO, Codec.OPUS, pt=111, ssrc=11),
    Stream(Kind.VIDEO, Codec.VP8, pt=96, ssrc=12, rtx_pt=97, rtx_ssrc=13),
)
_KEYS = (bytes(range(32)), 1), (bytes(range(32, 64)), 2)


class _Plain:
    """In the place of keys: what a call without sealing would do."""

    def seal(self, kind: Kind, frame: bytes) -> bytes:
        del kind
        return frame

    def open(self, kind: Kind, sealed: bytes, now: float) -> bytes:
        del kind, now
        return sealed


class _Voice:
    """Gives the same two seconds again and again; making them is not measured."""

    def __init__(self) -> None:
        sweep = Sweep()
        self._frames = itertools.cycle([sweep.read() for _ in range(100)])

    def read(self) -> bytes:
        return next(self._frames)

    def close(self) -> None:
        pass


class _Camera:
    """Pictures that move, made beforehand."""

    def __init__(self) -> None:
        self._pictures = itertools.cycle(_pictures())

    async def picture(self) -> Picture:
        await asyncio.sleep(1 / FPS)
        return next(self._pictures)

    def close(self) -> None:
        pass


@dataclass(slots=True)
class _Frames:
    """Coded frames of one turn, one after the other."""

    sounds: Iterator[bytes]
    pictures: Iterator[bytes]


class _Browser:
    """The guest, on a thread of its own."""

    def __init__(self, frames: _Frames) -> None:
        self.frames = frames
        self.certificate = Certificate()
        self.described: Description | None = None
        self._is_there = threading.Event()
        self._gateway: tuple[Description, bytes] | None = None
        self._may_begin = threading.Event()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._sequences = {stream.ssrc: itertools.count() for stream in THEIRS}

    def start(self) -> Description:
        self._thread.start()
        self._is_there.wait()
        assert self.described is not None
        return self.described

    def connect(self, gateway: Description, fingerprint: bytes) -> None:
        self._gateway = gateway, fingerprint
        self._may_begin.set()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def used_s(self) -> float:
        """Processor time of the thread."""
        assert self._thread.ident is not None
        return time.clock_gettime(time.pthread_getcpuclockid(self._thread.ident))

    async def _run(self) -> None:
        transport = DtlsTransport[bytes](
            self.certificate,
            LOOPBACK,
            peer="the gateway",
            take=_unread,
            take_reports=_unread,
            controlling=True,
        )
        self.described = await transport.gather()
        self._is_there.set()
        await asyncio.to_thread(self._may_begin.wait)
        assert self._gateway is not None
        await transport.connect(*self._gateway, we_begin=False)
        loop = asyncio.get_running_loop()
        began = loop.time()
        sound_due, picture_due = 0.0, 0.0
        while not self._is_over.is_set():
            now = loop.time() - began
            if now >= sound_due:
                sound_due += BEAT_S
                self._send(transport, THEIRS[0], [next(self.frames.sounds)], now)
            if now >= picture_due:
                picture_due += 1 / FPS
                packets = vp8.packetize(next(self.frames.pictures), int(now * FPS))
                self._send(transport, THEIRS[1], packets, now)
            await asyncio.sleep(max(began + sound_due - loop.time(), 0.0))
        await transport.close()

    def _send(
        self,
        transport: DtlsTransport[bytes],
        stream: Stream,
        payloads: list[bytes],
        now: float,
    ) -> None:
        rate = 48_000 if stream.kind is Kind.AUDIO else 90_000
        for payload in payloads:
            header = Header(
                marker=payload is payloads[-1] and stream.kind is Kind.VIDEO,
                payload_type=stream.pt,
                sequence=next(self._sequences[stream.ssrc]) & 0xFFFF,
                timestamp=int(now * rate),
                ssrc=stream.ssrc,
            )
            transport.send(format_header(header) + payload)


def figures() -> list[Figure]:
    """Hold a call with sound and pictures, sealed and plain in turns."""
    sealed, plain, failed = asyncio.run(_call())
    return [
        figure(
            "a gateway's end of a guest call, sealed / plain",
            ratios(sealed, plain),
            bar=BAR,
            note=f"sound and pictures both ways, {_percent(sealed)} of a core"
            f" against {_percent(plain)}; {failed} frames did not open",
        )
    ]


async def _call() -> tuple[list[float], list[float], int]:
    sounds, pictures = _coded()
    keys = FrameKeys(send=_KEYS[0], receive=_KEYS[1])
    theirs = FrameKeys(send=_KEYS[1], receive=_KEYS[0])

    def frames(*, is_sealed: bool) -> _Frames:
        """Make all that one turn takes, and more."""
        count = int((TURN_S + SETTLE_S) / BEAT_S) * 2
        seal = theirs.seal if is_sealed else _Plain().seal
        return _Frames(
            iter([seal(Kind.AUDIO, each) for each in _first(sounds, count)]),
            iter([seal(Kind.VIDEO, each) for each in _first(pictures, count)]),
        )

    browser = _Browser(frames(is_sealed=True))
    certificate = Certificate()
    media = GuestMedia(
        MediaPlan(
            audio_source=_Voice(),
            audio_sink=Discard(),
            video_source=_Camera(),
            video_sink=Discard(),
        ),
        certificate,
        LOOPBACK,
        keys,
        entropy=os.urandom,
        failed=print,
    )
    own = await media.gather(OURS)
    far = await asyncio.to_thread(browser.start)
    browser.connect(own, certificate.fingerprint)
    guest = Description(far.ufrag, far.pwd, streams=THEIRS, candidates=far.candidates)
    await media.connect(guest, OURS, browser.certificate.fingerprint)
    used: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * TURNS):
        is_sealed = not number % 2
        browser.frames = frames(is_sealed=is_sealed)
        media._keys = keys if is_sealed else _Plain()  # type: ignore[assignment]
        await asyncio.sleep(SETTLE_S if number < 2 else 0.2)
        used[is_sealed].append(await _used(browser))
    failed = sum(media.tallied(kind, sent=False).failed for kind in Kind)
    await media.close()
    await asyncio.to_thread(browser.stop)
    return used[True], used[False], failed


async def _used(browser: _Browser) -> float:
    """Give how much of a core the gateway's end takes, for one turn."""
    began, all_s, theirs_s = time.perf_counter(), time.process_time(), browser.used_s
    await asyncio.sleep(TURN_S)
    ours_s = time.process_time() - all_s - (browser.used_s - theirs_s)
    return ours_s / (time.perf_counter() - began)


def _pictures() -> list[Picture]:
    return [draw_pattern(number, WIDTH, HEIGHT) for number in range(2 * FPS)]


def _coded() -> tuple[list[bytes], list[bytes]]:
    voice, encoder = _Voice(), open_sound_encoder(START.value)
    sounds = [encoder.encode(voice.read()) for _ in range(100)]
    eye = open_picture_encoder(Codec.VP8, WIDTH, HEIGHT, bps=500_000)
    coded = (
        eye.encode(picture, number * 90_000 // FPS, key=not number)
        for number, picture in enumerate(_pictures())
    )
    return sounds, [each for each in coded if each]


def _first(frames: Iterable[bytes], count: int) -> Iterator[bytes]:
    return itertools.islice(itertools.cycle(frames), count)


def _percent(shares: list[float]) -> str:
    return f"{sorted(shares)[len(shares) // 2]:.1%}"


def _unread(packet: bytes, now: float) -> None:
    del packet, now
