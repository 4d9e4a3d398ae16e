"""A call on this machine, watched from every side: nothing shows what is said in it."""

import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import pytest

import cli.demo_media
from voip.exposure import STATES, Exposure, Trail, judge
from voip.leak import _Watcher, rehearse
from voip.media.ends.files import FileAudio
from voip.media.record import RECORD, RECORD_BYTES
from voip.media.rtp import is_rtcp, is_srtp

SPEECH = Path(cli.demo_media.__file__).with_name("alice.ogg")
_ALL_PROTOCOLS = socket.htons(0x0003)  # ETH_P_ALL
_ETHERNET_BYTES = 14  # the loopback interface has such a header too, all zero
_UDP = 17


@dataclass(slots=True)
class Wire:
    """UDP datagrams that the kernel carried over loopback, as an observer sees them."""

    datagrams: list[tuple[int, bytes]] = field(default_factory=list)

    def take(self, frame: bytes) -> None:
        """Take one Ethernet frame."""
        packet = frame[_ETHERNET_BYTES:]
        if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] != _UDP:
            return
        start = (packet[0] & 0x0F) * 4
        _, port, length = struct.unpack_from("!HHH", packet, start)
        self.datagrams.append((port, packet[start + 8 : start + length]))


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire | None]:
    """Capture loopback with a packet socket, where this machine lets us."""
    if sys.platform != "linux":
        yield None
        return
    try:
        capture = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, _ALL_PROTOCOLS)
    except PermissionError:
        yield None
        return
    seen, stopped = Wire(), Event()
    capture.bind(("lo", 0))
    capture.settimeout(0.1)

    def run() -> None:
        while not stopped.is_set():
            try:
                frame, (_, _, direction, *_) = capture.recvfrom(65536)
            except TimeoutError:
                continue
            if direction == socket.PACKET_OUTGOING:  # each one comes in as well
                seen.take(frame)

    thread = Thread(target=run)
    thread.start()
    yield seen
    stopped.set()
    thread.join()
    capture.close()


@pytest.fixture(scope="module")
async def trail(anyio_backend: str, wire: Wire | None) -> Trail:  # noqa: ARG001 - runs beside it
    return await rehearse(lambda: FileAudio(SPEECH, loop=True), phase_s=0.6)


@pytest.fixture(scope="module")
async def exposure(trail: Trail) -> Exposure:
    return judge(trail)


async def test_a_call_shows_no_more_than_it_may(exposure: Exposure) -> None:
    assert exposure.complaints == ()


async def test_before_somebody_accepts_only_the_relay_is_reached(
    trail: Trail, exposure: Exposure
) -> None:
    assert exposure.before_accept == (trail.relay,)


async def test_audio_has_one_size_for_each_state_and_a_bare_header(
    exposure: Exposure,
) -> None:
    assert set(exposure.audio_sizes) <= STATES.keys()
    assert exposure.rtp_first_bytes == (0x80,)


async def test_every_phase_was_seen(exposure: Exposure) -> None:
    phases = ["speech", "silence", "mute", "hold", "rekey"]

    assert list(exposure.audio_packets) == phases
    assert exposure.epochs == (0, 1)


async def test_no_name_is_looked_up(exposure: Exposure) -> None:
    assert exposure.names == ()


def _is_sound(datagram: bytes) -> bool:
    return is_srtp(datagram) and not is_rtcp(datagram)


async def test_the_wire_carries_what_the_trail_says(
    trail: Trail, wire: Wire | None
) -> None:
    if wire is None:
        pytest.skip("needs a packet socket: Linux, and root or CAP_NET_RAW")
    ports = {left.to[1] for left in trail.left}
    seen = [datagram for port, datagram in wire.datagrams if port in ports]
    sizes = {len(each) for each in seen if _is_sound(each)}
    records = {len(each) for each in seen if each[:1] == bytes([RECORD])}

    assert (sizes, records) == (
        {len(each.datagram) for each in trail.left if _is_sound(each.datagram)},
        {RECORD_BYTES},
    )


async def test_the_wire_carries_no_other_datagram(
    trail: Trail, wire: Wire | None
) -> None:
    if wire is None:
        pytest.skip("needs a packet socket: Linux, and root or CAP_NET_RAW")
    sent = {left.datagram for left in trail.left}
    ports = {left.to[1] for left in trail.left}
    seen = {datagram for port, datagram in wire.datagrams if port in ports}

    assert seen <= sent


@pytest.mark.parametrize("event", ["socket.getaddrinfo", "socket.gethostbyname"])
def test_a_lookup_by_any_library_is_written_down(event: str) -> None:
    watcher = _Watcher()
    watcher.take(event, ("stun.example", 3478))
    watcher.take(event, ("127.0.0.1", 3478))

    assert [each.name for each in watcher.looked_up] == ["stun.example"]
