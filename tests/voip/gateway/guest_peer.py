"""A guest in Python: what the page does, with aiortc in the place of a browser.

It speaks the page's side of everything, so a whole call runs where no browser is
installed; and it can be told to do wrong what an attacker would.
"""

import asyncio
import fractions
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import aiohttp
import av
import numpy as np
from aioice import ice
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.rtp import RtpPacket
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.voip.gateway.guesthandshake import Asking
from voip.description import Codec, Kind
from voip.gateway.guests import handshake as guest
from voip.gateway.guests.handshake import GuestKeys, Media, Reply, Role
from voip.gateway.guests.line import GuestLine
from voip.gateway.guests.messages import (
    Accept,
    Answer,
    Count,
    Counts,
    Direction,
    GuestMessage,
    Offer,
    Rekey,
    RekeyAck,
)
from voip.gateway.guests.server import PATH
from voip.identity.keys import parse_base32
from voip.media.audio.jitter import AudioReceiver
from voip.media.audio.opus import open_decoder, open_encoder
from voip.media.audio.states import START
from voip.media.framekeys import FrameKeys
from voip.media.pattern import Tone, draw_pattern
from voip.media.sources import FRAME_SAMPLES, Picture
from voip.media.video import vp8
from voip.media.video.decoding import FrameDecoder
from voip.media.video.encoders import open_encoder as open_video_encoder
from voip.signalling.legs import Legs, LegsAck, Shown
from voip.signalling.messages import (
    Confirm,
    Hangup,
    HangupReason,
    Ping,
    Pong,
    SasResult,
)

NONCE = bytes(range(100, 132))
FPS = 15
Change = Callable[[bytes], bytes]


class PythonGuest:
    """One guest.

    Attributes:
        heard: PCM that he heard, s16le at 48 kHz.
        seen: sizes of the pictures that he saw.
        ended: HANGUP of the host, or None.
        messages: everything that the gateway said.
        sizes: of the audio payloads that came.
        opinion: of lists of legs; None leaves them unanswered.
        seal: what seals outgoing frames; a test may put something else there.
    """

    def __init__(self, link: str, *, hz: float = 440.0, video: bool = False) -> None:
        origin, _, fragment = link.partition("/#1")
        self.origin, self.secret = origin, parse_base32(fragment, 32)
        self.hz, self.video = hz, video
        self.heard = bytearray()
        self.seen: list[tuple[int, int]] = []
        self.sizes: set[int] = set()
        self.opinion: Shown | None = Shown.SHOWN
        self.messages: list[GuestMessage] = []
        self.ended: Hangup | None = None
        self.close_code: int | None = None
        self.connected = asyncio.Event()
        self.over = asyncio.Event()
        self.sdp_change: Callable[[str], str] = str
        self.counts = {
            (kind, way): [0, 0, 0]
            for kind in (Kind.AUDIO, Kind.VIDEO)
            for way in Direction
        }
        self.reply: Reply
        self.keys: GuestKeys
        self.line: GuestLine
        self.frames: FrameKeys
        self.seal: Callable[[Kind, bytes], bytes] = self._seal
        self._pc: RTCPeerConnection | None = None
        self._certificates: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        # aioice leaves loopback out, which is all that tests may use.
        self._addresses = ice.get_host_addresses
        ice.get_host_addresses = lambda **_: ["127.0.0.1"]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        ice.get_host_addresses = self._addresses
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._pc is not None:
            await self._pc.close()
        for socket in self._sockets:
            await socket.close()
        await self._session.close()

    @property
    def url(self) -> str:
        return self.origin.replace("http", "ws", 1) + PATH

    async def open_socket(self, origin: str | None = None) -> None:
        self.socket = await self._session.ws_connect(
            self.url, origin=origin or self.origin, max_msg_size=2**20
        )
        self._sockets.append(self.socket)

    def fingerprint(self) -> bytes:
        self._pc = self._pc or self._connection()
        (shown,) = (
            each
            for each in self._certificates[0].getFingerprints()
            if each.algorithm == "sha-256"
        )
        return bytes.fromhex(shown.value.replace(":", ""))

    def make_hello(self, *, origin: str | None = None, name: str = "Bob") -> bytes:
        self._asking = Asking(self.secret, origin or self.origin)
        media = Media.AUDIO | (Media.VIDEO if self.video else Media.AUDIO)
        return self._asking.hello(
            NONCE,
            self.fingerprint(),
            entropy=lambda size: X25519PrivateKey.generate().private_bytes_raw()[:size],
            media=media,
            name=name,
        )

    async def greet(self, hello: bytes | None = None) -> None:
        """Say HELLO and take REPLY; `close_code` is set if there is none."""
        await self.open_socket()
        await self.socket.send_bytes(self.make_hello() if hello is None else hello)
        answer = await self.socket.receive()
        if answer.type is not aiohttp.WSMsgType.BINARY:
            self.close_code = self.socket.close_code
            return
        self.reply, self.keys = self._asking.finish(answer.data)
        self.line = GuestLine(self.keys, Role.GUEST, _entropy)
        self.secret_now, self.epoch = self.keys.call_secret, 0
        self.frames = FrameKeys(
            send=self._key(Role.GUEST), receive=self._key(Role.GATEWAY)
        )

    async def join(self) -> None:
        """Greet and confirm, then do what the page does by itself."""
        await self.greet()
        assert self.close_code is None, self.close_code
        await self.say(Confirm(NONCE))
        self.go_on()

    def go_on(self) -> None:
        self._tasks.append(asyncio.create_task(self._read()))

    async def say(self, message: GuestMessage) -> None:
        await self.socket.send_bytes(self.line.seal(message))

    async def resume(self) -> None:
        """Lose the socket and come back on another one."""
        await self.socket.close()
        await self.open_socket()
        await self.socket.send_bytes(b"\x02" + self.keys.resume_id)
        for sealed in self.line.resume():
            await self.socket.send_bytes(sealed)
        self.go_on()

    async def hang_up(self) -> None:
        await self.say(Hangup(HangupReason.NORMAL, bytes(16)))

    async def connect(self) -> None:
        """Make a media connection and offer it."""
        if self._pc is None or self._pc.remoteDescription is not None:
            if self._pc is not None:
                await self._pc.close()
            self._pc = self._connection()
        pc = self._pc
        pc.addTrack(_SealedTone(self))
        if self.video:
            pc.addTrack(_SealedPictures(self))
        for transceiver in pc.getTransceivers():
            kind = Kind.AUDIO if transceiver.kind == "audio" else Kind.VIDEO
            take = _Hears(self) if kind is Kind.AUDIO else _Sees(self)
            setattr(transceiver.receiver, "_handle_rtp_packet", take)  # noqa: B010 - not ours
        await pc.setLocalDescription(await pc.createOffer())
        lines = pc.localDescription.sdp.split("\r\n")
        kept = [
            line
            for line in lines
            if not line.startswith(("a=fingerprint:sha-384", "a=fingerprint:sha-512"))
        ]
        await self.say(Offer(self.sdp_change("\r\n".join(kept))))

    async def _read(self) -> None:
        socket = self.socket
        async for message in socket:
            said = self.line.open(message.data)
            if said is not None:
                self.messages.append(said)
                await self._take(said)
        if socket is self.socket:
            self.close_code = socket.close_code
            self.over.set()

    async def _take(self, said: GuestMessage) -> None:
        match said:
            case Accept():
                await self.connect()
                self._tasks.append(asyncio.create_task(self._count()))
            case Answer(sdp):
                assert self._pc is not None
                answer = RTCSessionDescription(sdp, "answer")
                await self._pc.setRemoteDescription(answer)
                self.connected.set()
            case Rekey(fields):
                await self._rekey(fields)
            case Ping(t) if t:
                await self.say(Pong(t))
            case Legs() if self.opinion is not None:
                await self.answer_legs(self.opinion)
            case Hangup():
                self.ended = said
                self.over.set()
            case _:
                pass

    async def _rekey(self, asked: bytes) -> None:
        self.epoch += 1
        key = X25519PrivateKey.generate()
        ack = guest.rekey_fields(self.epoch, key)
        self.secret_now = guest.next_secret(self.secret_now, key, rekey=asked, ack=ack)
        await self.say(RekeyAck(ack))
        self.frames.install(send=self._key(Role.GUEST), receive=self._key(Role.GATEWAY))

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(2.0)
            kinds = (Kind.AUDIO, Kind.VIDEO) if self.video else (Kind.AUDIO,)
            counts = [
                Count(kind, way, *self.counts[kind, way])
                for kind in kinds
                for way in Direction
            ]
            await self.say(Counts(tuple(counts)))

    @property
    def legs(self) -> Legs:
        """The list that he was told last; none yet is an empty one."""
        lists = [each for each in self.messages if isinstance(each, Legs)]
        return lists[-1] if lists else Legs(1)

    async def answer_legs(self, opinion: Shown) -> None:
        """Answer the newest list, and later ones alike."""
        self.opinion = opinion
        await self.say(LegsAck(self.legs.version, opinion))

    async def compare(self, *, matched: bool) -> None:
        await self.say(SasResult(matched))

    @property
    def sas(self) -> bytes:
        return self.keys.sas(NONCE)

    def _connection(self) -> RTCPeerConnection:
        pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        name = "_RTCPeerConnection__certificates"
        if self._certificates is None:
            self._certificates = getattr(pc, name)
        setattr(pc, name, self._certificates)  # one certificate for the whole call
        return pc

    def _key(self, role: Role) -> tuple[bytes, int]:
        key = guest.frame_key(self.secret_now, role, self.epoch)
        return key, guest.frame_kid(role, self.epoch)

    def count(self, kind: Kind, way: Direction, *, failed: bool = False) -> None:
        sealed, bad, rtp = self.counts[kind, way]
        self.counts[kind, way] = [sealed + (not failed), bad + failed, rtp + 1]

    def _seal(self, kind: Kind, frame: bytes) -> bytes:
        self.count(kind, Direction.SENT)
        return self.frames.seal(kind, frame)

    def open(self, kind: Kind, sealed: bytes) -> bytes | None:
        now = asyncio.get_running_loop().time()
        try:
            frame = self.frames.open(kind, sealed, now)
        except Exception:
            self.count(kind, Direction.RECEIVED, failed=True)
            raise
        self.count(kind, Direction.RECEIVED)
        return frame


class Moving:
    """A camera before which something moves, 15 times a second."""

    def __init__(self) -> None:
        self._number = 0

    async def picture(self) -> Picture:
        await asyncio.sleep(1 / FPS)
        self._number += 1
        return draw_pattern(self._number, 320, 240)

    def close(self) -> None:
        pass


class _SealedTone(MediaStreamTrack):
    """Sealed Opus of a tone."""

    kind = "audio"

    def __init__(self, guest: PythonGuest) -> None:
        super().__init__()
        self._guest = guest
        self._tone = Tone(guest.hz)
        self._encoder = open_encoder(START.value)
        self._count = 0
        self._began: float | None = None

    async def recv(self) -> Any:
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        await asyncio.sleep(self._began + 0.02 * self._count - loop.time())
        frame = self._encoder.encode(self._tone.read())
        packet = av.Packet(self._guest.seal(Kind.AUDIO, frame))
        packet.pts = self._count * FRAME_SAMPLES
        packet.time_base = fractions.Fraction(1, 48_000)
        self._count += 1
        return packet


class _SealedPictures(MediaStreamTrack):
    """Sealed VP8 of a pattern; every tenth frame is a key frame."""

    kind = "video"

    def __init__(self, guest: PythonGuest) -> None:
        super().__init__()
        self._guest = guest
        self._pattern = Moving()
        self._encoder = open_video_encoder(Codec.VP8, 320, 240, bps=300_000)
        self._count = 0

    async def recv(self) -> Any:
        data = b""
        while not data:
            picture = await self._pattern.picture()
            pts = self._count * 90_000 // FPS
            key = self._count % 10 == 0
            data = self._encoder.encode(picture, pts, key=key)
            self._count += 1
        packet = av.Packet(self._guest.seal(Kind.VIDEO, data))
        packet.pts = self._count * 90_000 // FPS
        packet.time_base = fractions.Fraction(1, 90_000)
        return packet


class _Hears:
    """Opens what comes of the host's sound, and plays it."""

    def __init__(self, guest: PythonGuest) -> None:
        self._guest = guest
        self._receiver = AudioReceiver(open_decoder())

    async def __call__(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        now = arrival_time_ms / 1000
        self._guest.sizes.add(len(packet.payload))
        frame = self._guest.open(Kind.AUDIO, packet.payload)
        if frame is not None:
            self._receiver.receive(packet.sequence_number, ((0, frame),), now)
        self._guest.heard += self._receiver.pull(FRAME_SAMPLES, now)


class _Sees:
    """Opens what comes of the host's pictures, and decodes it."""

    def __init__(self, guest: PythonGuest) -> None:
        self._guest = guest
        self._payloads: list[bytes] = []
        self._decoder = FrameDecoder(Codec.VP8)

    async def __call__(self, packet: RtpPacket, **_: int) -> None:
        self._payloads.append(packet.payload)
        if not packet.marker:
            return
        payloads, self._payloads = self._payloads, []
        frame = self._guest.open(Kind.VIDEO, vp8.depacketize(payloads))
        assert frame is not None
        for picture in self._decoder.decode(frame):
            self._guest.seen.append((picture.width, picture.height))


def peak_hz(pcm: bytes) -> float:
    """Give the loudest frequency of s16le at 48 kHz; its second half, when all runs."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    samples = samples[len(samples) // 2 :]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * 48_000 / len(samples))


def _entropy(size: int) -> bytes:
    return np.random.default_rng().bytes(size)
