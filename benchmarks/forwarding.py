"""A room of seven through a real Janus: whether all arrives, and what sealing costs.

Each of seven publishes sound and pictures of one size, made beforehand, and takes the
feeds of the six others: 42 subscriptions, each on a leg of its own. All seven are in
this process, without codecs, so what is counted is to carry packets and to open them;
Janus is counted by its own process. Sealed and plain take turns on the same legs.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figure import Figure, figure, left_out, ratios
from tests.voip.gateway.forwarders import NotHereError, running_janus
from tests.voip.gateway.janus_room import create
from voip.description import Codec, Stream
from voip.gateway.rooms.janus import Janus
from voip.gateway.rooms.sdp import Far, Near, format_answer, format_offer, parse_far
from voip.gateway.rooms.senderkeys import HeardKeys, SendingKey
from voip.gateway.rooms.sfu import FeedAdded, FeedId
from voip.media.connect.config import IceConfig
from voip.media.dtls import Certificate, DtlsTransport
from voip.media.forwarding import SERVER, open_packet, seal
from voip.media.profile import offer
from voip.media.rtp import Header, format_header, parse_header
from voip.media.sframe import Header as FrameHeader
from voip.media.sframe import Sealers
from voip.signalling.group import Room

PEOPLE = 7
TURNS = 5
TURN_S = 4.0
SETTLE_S = 2.0
BEAT_S = 0.02
SOUND_BYTES, PICTURE_BYTES = 130, 1100
"""A packet of sound with its copies, and a full one of pictures."""
JANUS_BAR = 1.1
OUR_BAR = 2.5
ARRIVED_BAR = 0.999  # a datagram may get lost while seven of us share two cores
GROUP = bytes(16)
_CLEAR = bytes.fromhex("80808005")  # a packet within a frame
_NAME = "room of seven through Janus"

Leg = DtlsTransport[bytes]


@dataclass(slots=True)
class _Turn:
    """What one turn came to, in seconds of processor time and in packets."""

    janus: float
    ours: float
    sent: int
    arrived: int
    seconds: float


@dataclass(slots=True)
class _Room:
    """All seven.

    Attributes:
        is_sealed: whether what leaves now is.
        sent: packets that left, times those who take them.
        arrived: of them, those that came, and opened if sealed.
    """

    is_sealed: bool = True
    sent: int = 0
    arrived: int = 0
    members: "list[_Member]" = field(default_factory=list)


class _Member:
    """One of the seven: publishes, and takes what the others publish."""

    def __init__(self, number: int, sfu: Janus, room: _Room) -> None:
        self.name = bytes([number]) * 48
        self.heard = HeardKeys(GROUP)
        key = SendingKey(GROUP, self.name, entropy=os.urandom)
        self.told = key.joined()
        self._sealer = Sealers().take(*key.in_use)
        self._sfu = sfu
        self._room = room
        self._legs: list[Leg] = []
        self.feeds = 0
        self._sound, self._picture, _ = offer(
            (Codec.VP8,), steady=False, entropy=os.urandom
        )

    async def publish(self) -> None:
        leg = self._leg(_unread, controlling=True)
        offered = format_offer(await _near(leg), (self._sound, self._picture))
        far = parse_far(await self._sfu.publish(offered))
        await _connect(leg, far, we_begin=not far.is_client)

    async def take(self, feed: FeedId) -> None:
        far = parse_far(await self._sfu.subscribe(feed))
        kinds = {line.ssrc: line.kind for line in far.lines if line.kind is not None}

        def take(packet: bytes, now: float) -> None:
            kind = kinds[parse_header(packet).ssrc]
            if self._room.is_sealed:
                open_packet(packet, kind, is_repeat=False, open_frame=self._open(now))
            self._room.arrived += 1

        leg = self._leg(take, controlling=far.is_lite)
        await self._sfu.answer(feed, format_answer(await _near(leg), far))
        await _connect(leg, far, we_begin=True)
        self.feeds += 1

    async def speak(self, first_s: float) -> None:
        """Send sound every 20 ms and pictures at two beats of three, on and on."""
        await asyncio.sleep(first_s)
        loop = asyncio.get_running_loop()
        due, number = loop.time(), 0
        while True:
            self._send(self._sound, number, b"", SOUND_BYTES)
            if number % 3:
                self._send(self._picture, number, _CLEAR, PICTURE_BYTES)
            number += 1
            due += BEAT_S
            await asyncio.sleep(max(due - loop.time(), 0.0))

    async def close(self) -> None:
        for leg in self._legs:
            await leg.close()

    def _send(self, stream: Stream, number: int, clear: bytes, size: int) -> None:
        header = Header(
            marker=False,
            payload_type=stream.pt,
            sequence=number & 0xFFFF,
            timestamp=number * 960,
            ssrc=stream.ssrc,
        )
        packet = format_header(header) + clear + bytes(size)
        if self._room.is_sealed:
            packet = seal(self._sealer, packet)
        self._legs[0].send(packet)
        self._room.sent += PEOPLE - 1

    def _open(self, now: float) -> Callable[[FrameHeader, bytes, bytes], bytes]:
        return lambda header, sealed, metadata: self.heard.open(
            header, sealed, metadata, now
        )[1]

    def _leg(self, take: Callable[[bytes, float], None], *, controlling: bool) -> Leg:
        leg = Leg(
            Certificate(),
            IceConfig(),
            peer=SERVER,
            take=take,
            take_reports=_unread,
            controlling=controlling,
        )
        self._legs.append(leg)
        return leg


def figures() -> list[Figure]:
    """Let seven speak, sealed and plain in turns."""
    try:
        turns = asyncio.run(_turns())
    except NotHereError as error:
        return left_out(_NAME, str(error))
    sealed, plain = turns[::2], turns[1::2]
    janus = [each.janus / each.seconds for each in sealed]
    ours = [each.ours / each.seconds for each in sealed]
    total = sum(each.sent for each in sealed)
    arrived = sum(each.arrived for each in sealed)
    rate = total / sum(each.seconds for each in sealed)
    return [
        figure(
            f"{_NAME}: packets opened / sent to each",
            [each.arrived / each.sent for each in sealed],
            bar=ARRIVED_BAR,
            at_least=True,
            note=f"{arrived} of {total}, 42 subscriptions, {rate:.0f} a second",
        ),
        figure(
            f"{_NAME}: Janus, sealed / plain",
            ratios(
                *([each.janus / each.sent for each in of] for of in (sealed, plain))
            ),
            bar=JANUS_BAR,
            note=f"processor time a packet; {_median(janus):.2f} of a core sealed",
        ),
        figure(
            f"{_NAME}: our ends, sealed / plain",
            ratios(*([each.ours / each.sent for each in of] for of in (sealed, plain))),
            note="processor time a packet, without codecs",
        ),
        figure(
            f"{_NAME}: our ends / Janus",
            ratios(ours, janus),
            bar=OUR_BAR,
            note=f"{_median(ours):.2f} of a core for all seven, without codecs",
        ),
    ]


async def _turns() -> list[_Turn]:
    with tempfile.TemporaryDirectory() as folder:
        async with running_janus(Path(folder)) as forwarder:
            ticket = await create(forwarder.url)
            async with _seven(forwarder.url, ticket) as room:
                await asyncio.sleep(SETTLE_S)
                return [
                    await _turn(room, forwarder.pid, is_sealed=not number % 2)
                    for number in range(2 * TURNS)
                ]


@asynccontextmanager
async def _seven(url: str, ticket: Room) -> AsyncIterator[_Room]:
    room = _Room()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        running = []
        for number in range(PEOPLE):
            sfu = await stack.enter_async_context(Janus(url, entropy=os.urandom))
            member = _Member(number, sfu, room)
            stack.push_async_callback(member.close)
            await sfu.join(ticket)
            await member.publish()
            room.members.append(member)
            running.append(tasks.create_task(_follow(sfu, member)))
        _introduce(room.members)
        async with asyncio.timeout(30):
            while any(each.feeds < PEOPLE - 1 for each in room.members):  # noqa: ASYNC110 -- legs tell nobody
                await asyncio.sleep(0.1)
        running += [
            tasks.create_task(each.speak(number * BEAT_S / PEOPLE))
            for number, each in enumerate(room.members)
        ]
        yield room
        for task in running:
            task.cancel()


async def _follow(sfu: Janus, member: _Member) -> None:
    async for event in sfu.events():
        if isinstance(event, FeedAdded):
            await member.take(event.feed)


def _introduce(members: list[_Member]) -> None:
    """Give everybody everybody else's key, which is in use already."""
    for member in members:
        for other in members:
            if other is not member:
                member.heard.take(other.name, other.told, 0.0)


async def _turn(room: _Room, janus: int, *, is_sealed: bool) -> _Turn:
    """Measure some seconds; what is on its way between two turns is lost to both."""
    room.is_sealed = is_sealed
    await asyncio.sleep(0.2)
    room.sent = room.arrived = 0
    began, used, theirs = time.perf_counter(), time.process_time(), _used(janus)
    await asyncio.sleep(TURN_S)
    return _Turn(
        janus=_used(janus) - theirs,
        ours=time.process_time() - used,
        sent=room.sent,
        arrived=room.arrived,
        seconds=time.perf_counter() - began,
    )


def _used(pid: int) -> float:
    """Give the processor time of all threads of a process, in seconds."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((each / "schedstat").read_text().split()[0]) for each in tasks) / 1e9


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


async def _near(leg: Leg) -> Near:
    return Near(description=await leg.gather(), fingerprint=leg.fingerprint)


async def _connect(leg: Leg, far: Far, *, we_begin: bool) -> None:
    await leg.connect(far.description, far.fingerprint, we_begin=we_begin)


def _unread(packet: bytes, now: float) -> None:
    del packet, now
