"""Sealing frames, and packets for a room over a server.

Each is held against a bare call of AES-256-GCM over the same bytes, one way and the
other.
"""

from collections.abc import Iterator, Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.figure import (
    Figure,
    figure,
    microseconds,
    race,
    ratios,
    repeated,
)
from voip.description import Kind
from voip.gateway.rooms.senderkeys import HeardKeys, SendingKey, frame_kid
from voip.media.forwarding import OpenFrame, SealedPacket, open_packet, seal
from voip.media.rtp import Header, format_header
from voip.media.sframe import Header as FrameHeader
from voip.media.sframe import Opener, Sealer, parse_header
from voip.signalling.group import SenderKey

BAR = 4.0
PAYLOAD_BYTES = 1100
"""A full packet of pictures."""
BATCH = 1000  # after so many the keys are taken anew, so that each opens again
GROUP, MEMBER = bytes(16), bytes(48)
_CLEAR = bytes.fromhex("80808005")  # a packet within a frame


def figures() -> list[Figure]:
    """Hold a frame and a packet, each way, against bare AES-GCM."""
    told = SendingKey(GROUP, MEMBER, entropy=bytes).joined()
    sealer = Sealer(told.key, frame_kid(told.index, told.epoch))
    header = Header(marker=False, payload_type=102, sequence=1, timestamp=2, ssrc=3)
    packet = format_header(header) + _CLEAR + bytes(PAYLOAD_BYTES)
    bare, nonce = AESGCM(bytes(32)), bytes(12)
    plaintext, aad = bytes(PAYLOAD_BYTES + 7), bytes(16)
    sealed = bare.encrypt(nonce, plaintext, aad)
    packets = [seal(sealer, packet) for _ in range(BATCH)]
    coming = _coming(told, packets)

    def open_next() -> None:
        packet, open_frame = next(coming)
        open_packet(packet, Kind.VIDEO, is_repeat=False, open_frame=open_frame)

    frames = _frames(told)
    sealing, opening, seal_s, open_s, encrypting, decrypting = race(
        repeated(lambda: sealer.seal(plaintext, aad)),
        repeated(lambda: _open_frame(*next(frames))),
        repeated(lambda: seal(sealer, packet)),
        repeated(open_next),
        repeated(lambda: bare.encrypt(nonce, plaintext, aad)),
        repeated(lambda: bare.decrypt(nonce, sealed, aad)),
    )
    alone = microseconds(encrypting)
    return [
        figure(
            f"SFrame, {name} / AES-GCM alone",
            ratios(ours, bare_s),
            bar=bar,
            note=f"{microseconds(ours)} against {alone}",
        )
        for name, ours, bare_s, bar in (
            ("sealing", sealing, encrypting, BAR),
            ("opening", opening, decrypting, BAR),
            ("sealing a packet for a room", seal_s, encrypting, None),
            ("opening a packet of a room", open_s, decrypting, None),
        )
    ]


def _open_frame(opener: Opener, sealed: bytes) -> None:
    opener.open(parse_header(sealed), sealed, bytes(16))


def _frames(told: SenderKey) -> Iterator[tuple[Opener, bytes]]:
    """Give frames and what opens each, which does so once."""
    kid = frame_kid(told.index, told.epoch)
    sealer = Sealer(told.key, kid)
    frames = [sealer.seal(bytes(PAYLOAD_BYTES + 7), bytes(16)) for _ in range(BATCH)]
    while True:
        opener = Opener(told.key, kid)
        for frame in frames:
            yield opener, frame


def _coming(
    told: SenderKey, packets: Sequence[SealedPacket]
) -> Iterator[tuple[SealedPacket, OpenFrame]]:
    """Give packets and what opens each, which does so once."""
    while True:
        keys = HeardKeys(GROUP)
        keys.take(MEMBER, told, 0.0)

        def open_frame(
            header: FrameHeader,
            sealed: bytes,
            metadata: bytes,
            keys: HeardKeys = keys,
        ) -> bytes:
            return keys.open(header, sealed, metadata, 0.0)[1]

        for packet in packets:
            yield packet, open_frame
