"""IP packets, as far as an observer of a network looks into them."""

import ipaddress
from typing import NamedTuple

UDP, TCP = 17, 6


class Packet(NamedTuple):
    """One packet; a tuple, for there are thousands a second.

    Attributes:
        at: when it left, on the loop's clock.
        source: address it left from.
        target: address it is for.
        protocol: number of what is inside (`UDP`, `TCP`).
        ports: of the sender and of the receiver; zeros where there are none.
        inside: what UDP carries; all of the segment for others.
    """

    at: float
    source: str
    target: str
    protocol: int
    ports: tuple[int, int]
    inside: bytes


def ends_of(packet: bytes) -> tuple[bytes, bytes]:
    """Give the addresses that a packet is from and for."""
    if packet[0] >> 4 == 6:
        return packet[8:24], packet[24:40]
    return packet[12:16], packet[16:20]


def parse_packet(packet: bytes, at: float) -> Packet:
    """Take apart a packet of the kernel's, which is never malformed."""
    if packet[0] >> 4 == 6:
        protocol, start = packet[6], 40
    else:
        protocol, start = packet[9], (packet[0] & 15) * 4
    source, target = ends_of(packet)
    ports = (0, 0)
    inside = packet[start:]
    if protocol in {UDP, TCP}:
        ports = int.from_bytes(inside[:2], "big"), int.from_bytes(inside[2:4], "big")
    return Packet(
        at,
        str(ipaddress.ip_address(source)),
        str(ipaddress.ip_address(target)),
        protocol,
        ports,
        inside[8:] if protocol == UDP else inside,
    )
