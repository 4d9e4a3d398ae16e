"""Protecting and unprotecting a packet on our way, against pylibsrtp alone.

Ours is the whole way of a packet through `IkSrtpTransport`, from its sender to the one
who receives its stream: the checks of its header, the count of epochs, SRTP, liveness.
Left out are the socket and, of aiortc's way, what it does with a plain packet.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, cast

from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import RTCDtlsTransport, State

from benchmarks.figure import Contender, Figure, figure, microseconds, race, ratios
from voip.media.epochs import CALLEE, CALLER
from voip.media.rtp import Header, format_header
from voip.media.transport import IkSrtpTransport, srtp_session

PACKET_BYTES = 1100
"""A full packet of video, the most frequent size of a video call."""

SSRC, PAYLOAD_TYPE = 7, 102
BATCH = 200
KEY = bytes(range(44))
SECRETS = (bytes(64), bytes([1]) * 64)

Packets = Iterator[bytes]


class _Wire:
    """A path, of ours or of aiortc's, that keeps what was sent last."""

    def __init__(self) -> None:
        self.transport: Any = self
        self.receive: Callable[[bytes], None] | None = None
        self.sent = b""

    def send(self, datagram: bytes) -> None:
        self.sent = datagram

    def verified(self) -> None:
        """Move nowhere."""

    async def _send(self, data: bytes) -> None:
        self.sent = data

    async def _recv(self) -> bytes:
        return self.sent


class _Stock(RTCDtlsTransport):
    """aiortc's, which ends where it would take the plain packet apart."""

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        del data, arrival_time_ms


def figures() -> list[Figure]:
    """Time one epoch, then two that are both live."""
    return asyncio.run(_figures())


async def _figures() -> list[Figure]:
    bare = _bare(_numbered())
    one = _ours(_numbered(), epochs=1)
    used = _ours(_numbered(), epochs=2)
    other = _ours(_numbered(), epochs=2, late=True)
    stock = _stock(_numbered())
    least, plain, used_first, tried_last, theirs = race(bare, one, used, other, stock)
    return [
        figure(
            "protect + unprotect 1.1 kB, one epoch / pylibsrtp",
            ratios(plain, least),
            bar=1.5,
            note=f"{microseconds(plain)} against {microseconds(least)}",
        ),
        figure(
            "the same / aiortc's way, which checks nothing",
            ratios(plain, theirs),
            note=f"{microseconds(theirs)} with its RTCDtlsTransport",
        ),
        figure(
            "two epochs live, packets of the one in use",
            ratios(used_first, least),
            bar=2.2,
        ),
        figure(
            "two epochs live, every packet of the other one",
            ratios(tried_last, least),
            bar=2.2,
            note=f"{microseconds(tried_last)}; each is tried under the wrong key first",
        ),
    ]


def _numbered() -> Packets:
    """Give packets for ever, their sequence numbers as SRTP wants them."""
    for number in itertools.count():
        header = Header(
            marker=False,
            payload_type=PAYLOAD_TYPE,
            sequence=number % 65536,
            timestamp=number * 3000 % 2**32,
            ssrc=SSRC,
        )
        yield format_header(header).ljust(PACKET_BYTES, b"\xa5")


def _bare(packets: Packets) -> Contender:
    sender = srtp_session(KEY, sending=True)
    receiver = srtp_session(KEY, sending=False)

    def run() -> float:
        batch = list(itertools.islice(packets, BATCH))
        began = time.perf_counter()
        for packet in batch:
            receiver.unprotect(sender.protect(packet))
        return (time.perf_counter() - began) / BATCH

    return run


def _ours(packets: Packets, *, epochs: int, late: bool = False) -> Contender:
    there, back = _Wire(), _Wire()
    sender, receiver = _transport(there, CALLER), _transport(back, CALLEE)
    receiver.expect(SSRC, PAYLOAD_TYPE, lambda *_: None)
    if epochs == 2:
        receiver.install(1, SECRETS[1], initiator=False)
    if late:
        # The other side went on to epoch 1, and its packets of epoch 0 come after.
        receiver.epochs.verified(1, time.monotonic())

    def run() -> float:
        batch = list(itertools.islice(packets, BATCH))
        assert back.receive is not None
        began = time.perf_counter()
        for packet in batch:
            sender.send_rtp(packet)
            back.receive(there.sent)
        took_s = time.perf_counter() - began
        assert receiver.dropped == 0
        return took_s / BATCH

    return run


def _stock(packets: Packets) -> Contender:
    wire = _Wire()
    sender, receiver = (
        _Stock(cast("Any", wire), [RTCCertificate.generateCertificate()])
        for _ in range(2)
    )
    # What a DTLS handshake would leave behind.
    sender._tx_srtp = srtp_session(KEY, sending=True)
    receiver._rx_srtp = srtp_session(KEY, sending=False)
    for each in (sender, receiver):
        each._set_state(State.CONNECTED)
        vars(each)["_RTCDtlsTransport__handshake_done"] = True

    async def carry(batch: list[bytes]) -> None:
        for packet in batch:
            await sender._send_rtp(packet)
            await receiver._recv_next()

    return _carrier(carry, packets)


def _carrier(
    carry: Callable[[list[bytes]], Coroutine[None, None, None]], packets: Packets
) -> Contender:
    def run() -> float:
        batch = list(itertools.islice(packets, BATCH))
        began = time.perf_counter()
        _drive(carry(batch))
        return (time.perf_counter() - began) / BATCH

    return run


def _transport(wire: _Wire, role: int) -> IkSrtpTransport:
    transport = IkSrtpTransport(
        wire, role, secret=SECRETS[0], emit=lambda _: None, clock=time.monotonic
    )
    transport._set_state(State.CONNECTED)
    transport.listen(wire)
    return transport


def _drive(work: Coroutine[None, None, None]) -> None:
    """Run a coroutine that waits for nothing; a loop would add its own time."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError
