"""Text and files over SCTP in records, on a wire without sockets."""

import asyncio
import struct
from collections.abc import AsyncIterator
from random import Random

import pytest
from google_crc32c import value as crc32c

from tests.voip.media.memory import End, settle, start
from tests.voip.media.test_sctp import (
    ABORT,
    DATA,
    HEARTBEAT,
    SACK,
    chunk,
    data,
    init,
    parameter,
    sack,
)
from voip.errors import LimitError, MissingError
from voip.media.channel import MAX_WAITING_BYTES, PORT, DataChannel
from voip.media.events import (
    ChannelRefused,
    FileReceived,
    MediaFailed,
    TextReceived,
)
from voip.media.record import format_sctp
from voip.media.sctp import MAX_HELD
from voip.media.transfer import MAX_FILE_BYTES


@pytest.fixture
async def ends() -> AsyncIterator[tuple[End, End]]:
    caller, callee = await start()
    yield caller, callee
    for end in (caller, callee):
        await end.transport.stop()


async def _carry(a: End, b: End) -> None:
    """Carry everything both ways until nobody has more to say."""
    while (at_b := a.take()) + (at_a := b.take()):
        await b.hear(*at_b)
        await a.hear(*at_a)
        await settle()


async def _open(caller: End, callee: End) -> tuple[DataChannel, DataChannel]:
    channels = tuple(
        DataChannel(end.transport, end.events.append) for end in (caller, callee)
    )
    for channel in channels:
        await channel.start()
    async with asyncio.timeout(5):
        while not all(channel.is_open for channel in channels):
            await _carry(caller, callee)
    return channels[0], channels[1]


async def test_a_text_arrives(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ours, theirs = await _open(caller, callee)
    ours.send_text("hello")
    await settle()
    await _carry(caller, callee)
    await ours.stop()
    await theirs.stop()

    assert callee.events[-1] == TextReceived("hello")


async def test_a_file_arrives(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ours, theirs = await _open(caller, callee)
    theirs.send_file("a.bin", bytes(100_000))
    async with asyncio.timeout(5):
        while not isinstance(caller.events[-1], FileReceived):
            await settle()
            await _carry(caller, callee)
    await ours.stop()
    await theirs.stop()

    assert caller.events[-1] == FileReceived("a.bin", bytes(100_000))


async def test_nothing_is_sent_before_the_channel_is_open(
    ends: tuple[End, End],
) -> None:
    channel = DataChannel(ends[0].transport, ends[0].events.append)
    with pytest.raises(MissingError, match="not open"):
        channel.send_text("hello")

    assert not channel.is_open


async def test_more_than_can_wait_is_refused(ends: tuple[End, End]) -> None:
    caller, callee = ends
    ours, theirs = await _open(caller, callee)
    for _ in range(MAX_WAITING_BYTES // MAX_FILE_BYTES - 1):
        ours.send_file("a", bytes(MAX_FILE_BYTES))
    ours.send_file("a", bytes(MAX_FILE_BYTES - 10_000))
    with pytest.raises(LimitError, match="would wait"):
        ours.send_file("a", bytes(MAX_FILE_BYTES))
    await ours.stop()
    await theirs.stop()


async def test_a_peer_who_breaks_the_rules_is_not_listened_to(
    ends: tuple[End, End],
) -> None:
    caller, callee = ends
    ours, theirs = await _open(caller, callee)
    assert ours._channel is not None
    ours._channel.send("not bytes")
    ours.send_text("hello")
    await settle()
    await _carry(caller, callee)
    await ours.stop()
    await theirs.stop()

    assert [type(event) for event in callee.events[1:]] == [ChannelRefused]


# A hostile peer.


async def _say(peer: End, end: End, channel: DataChannel, *chunks: bytes) -> None:
    """Send chunks that aiortc's own SCTP would not, as one good packet."""
    head = struct.pack(">HHL", PORT, PORT, channel._sctp._local_verification_tag)
    body = b"".join(chunks)
    checksum = struct.pack("<L", crc32c(head + bytes(4) + body))
    peer.transport.send_control(format_sctp(head + checksum + body))
    await end.hear(*peer.take())


def _next(channel: DataChannel) -> int:
    last = channel._sctp._last_received_tsn
    assert last is not None
    return last + 1


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(HEARTBEAT, bytes(4))],
        [chunk(SACK, struct.pack(">LLHH", 0, 0, 290, 0) + b"\0\1\xff\xff" * 290)],
        [chunk(SACK, struct.pack(">LLHHHH", 0, 0, 1, 0, 3, 2))],
        [chunk(HEARTBEAT), init()],
    ],
    ids=["no length", "wild acknowledgement", "backwards", "beginning"],
)
async def test_a_packet_that_would_stop_aiortc_is_dropped(
    ends: tuple[End, End], chunks: list[bytes]
) -> None:
    caller, callee = ends
    ours, theirs = await _open(caller, callee)
    await _say(caller, callee, theirs, *chunks)
    ours.send_text("hello")
    await settle()
    await _carry(caller, callee)
    await ours.stop()
    await theirs.stop()

    assert callee.events[-1] == TextReceived("hello")


@pytest.mark.parametrize(
    ("protocol", "text"),
    [(51, b"\xff"), (51, b"text"), (50, b"\x03" + bytes(11)), (50, b"\x02"), (7, b"")],
    ids=["no text", "text", "opening", "opened", "unknown"],
)
async def test_a_message_that_is_not_bytes_ends_the_channel_and_nothing_else(
    ends: tuple[End, End], protocol: int, text: bytes
) -> None:
    caller, callee = ends
    ours, theirs = await _open(caller, callee)
    body = struct.pack(">LHHL", _next(theirs), 0, 0, protocol) + text + b"."
    await _say(caller, callee, theirs, chunk(DATA, body))
    await ours.stop()
    await theirs.stop()

    assert [type(event) for event in callee.events[1:]] == [ChannelRefused]


async def test_an_association_that_is_over_does_not_begin_again(
    ends: tuple[End, End],
) -> None:
    caller, callee = ends
    ours, theirs = await _open(caller, callee)
    await _say(caller, callee, theirs, chunk(ABORT))
    callee.take()
    await _say(caller, callee, theirs, init())
    await ours.stop()

    assert (theirs.is_open, callee.take()) == (False, [])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
async def test_nothing_that_a_peer_says_breaks_the_association(
    ends: tuple[End, End], seed: int
) -> None:
    rng = Random(seed)
    caller, callee = ends
    ours, theirs = await _open(caller, callee)
    theirs.send_file("a", bytes(60_000))  # so that there is something to acknowledge
    await settle()
    held = 0
    for _ in range(500):
        await _say(caller, callee, theirs, *_nonsense(rng, theirs))
        stream = theirs._sctp._inbound_streams.get(0)
        held = max(held, len(stream.reassembly) if stream is not None else 0)
        callee.take()
    await ours.stop()
    await theirs.stop()

    assert MediaFailed not in map(type, callee.events)
    assert held <= MAX_HELD


def _nonsense(rng: Random, channel: DataChannel) -> list[bytes]:
    acked = (channel._sctp._last_sacked_tsn + rng.randrange(9)) % 2**32
    ahead = rng.choice([1, 1, 1, 2, 5, 900, 2000, -1])
    known = [4, 5, 10, 11, 130, 192] * 9 + [6, 7, 8, 9, 14]
    gap = rng.randrange(1, 4), rng.randrange(1, 5000)
    made = [
        data(_next(channel) - 1 + ahead, rng.randbytes(40), flags=rng.randrange(16)),
        chunk(SACK, struct.pack(">LLHHHH", acked, 0, 1, 0, *gap)),
        sack(gap, duplicates=rng.randrange(3)),
        chunk(rng.choice(known), parameter(rng.randrange(65536), rng.randbytes(9))),
        chunk(rng.choice(known), rng.randbytes(rng.randrange(40))),
        init(parameter(7, bytes(24)), kind=rng.choice([1, 2])),
    ]
    chunks = rng.choices(made, k=rng.choice([1, 1, 1, 2, 3]))
    if rng.random() < 0.2:
        broken = bytearray(chunks[0])
        broken[rng.randrange(len(broken))] = rng.randrange(256)
        chunks[0] = bytes(broken)
    return chunks
