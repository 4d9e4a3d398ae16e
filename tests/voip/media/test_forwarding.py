"""Packets through a server: it sees what it must, and changes nothing that counts."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.description import Kind
from voip.errors import MalformedError
from voip.handshake.schedule import expand
from voip.media.forwarding import Opened, open_packet, seal
from voip.media.rtp import HEADER_BYTES, Header, format_header
from voip.media.sframe import Header as FrameHeader
from voip.media.sframe import Opener, Sealer
from voip.media.video import vp8
from voip.media.video.store import wrap
from voip.wire import be32

KEY, KID = bytes(range(64)), 0x0393_01
AUDIO_PT, VIDEO_PT, VIDEO_RTX_PT, SCREEN_PT, SCREEN_RTX_PT = 96, 102, 103, 106, 107
KEY_1 = expand(KEY, b"ratchet", be32(1), 64)
KEY_FRAME = b"\x10\x02\x00\x9d\x01\x2a\x40\x01\xf0\x00" + b"key" * 600
DELTA_FRAME = b"\x11\x02\x00" + b"delta" * 20


def rtp(
    payload_type: int, payload: bytes, *, sequence: int = 7, marker: bool = False
) -> bytes:
    return format_header(Header(marker, payload_type, sequence, 9000, 55)) + payload


def video(frame: bytes, payload_type: int = VIDEO_PT) -> list[bytes]:
    payloads = vp8.packetize(frame, 5)
    return [
        rtp(payload_type, payload, sequence=100 + n, marker=n == len(payloads) - 1)
        for n, payload in enumerate(payloads)
    ]


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(KEY, KID)


@pytest.fixture
def opens() -> Callable[[FrameHeader, bytes, bytes], bytes]:
    return Opener(KEY, KID).open


Opens = Callable[[FrameHeader, bytes, bytes], bytes]


def renumbered(packet: bytes, *, sequence: int, timestamp: int, ssrc: int) -> bytes:
    """Do what a server does to a packet that it forwards."""
    header = Header(packet[1] >= 128, 96, sequence, timestamp, ssrc)
    return format_header(header) + packet[HEADER_BYTES:]


def test_sound_comes_as_it_was_sent_whatever_the_server_wrote(
    sealer: Sealer, opens: Opens
) -> None:
    packet = rtp(AUDIO_PT, b"red" * 20, marker=True)
    sent = renumbered(seal(sealer, packet), sequence=9, timestamp=1, ssrc=2)

    opened = open_packet(sent, Kind.AUDIO, is_repeat=False, open_frame=opens)

    assert opened.packet[:8] == packet[:8]
    assert opened.packet[HEADER_BYTES:] == b"red" * 20
    assert opened.renumbered == 2


def test_nothing_of_sound_is_readable(sealer: Sealer) -> None:
    sealed = seal(sealer, rtp(AUDIO_PT, b"red" * 20))

    assert b"redred" not in bytes(sealed)
    assert len(sealed) == HEADER_BYTES + len(b"red" * 20) + 7 + 4 + 16


@pytest.mark.parametrize("frame", [KEY_FRAME, DELTA_FRAME], ids=["key", "delta"])
@pytest.mark.parametrize(
    ("payload_type", "kind"), [(VIDEO_PT, Kind.VIDEO), (SCREEN_PT, Kind.SCREEN)]
)
def test_pictures_come_as_they_were_sent(
    frame: bytes, payload_type: int, kind: Kind, sealer: Sealer, opens: Opens
) -> None:
    packets = video(frame, payload_type)

    opened = [
        open_packet(seal(sealer, each), kind, is_repeat=False, open_frame=opens)
        for each in packets
    ]

    plain = [each.packet[HEADER_BYTES:] for each in opened]
    assert plain == [each[HEADER_BYTES:] for each in packets]
    assert [each.packet[1] for each in opened] == [each[1] for each in packets]


def test_a_server_reads_the_start_of_a_key_frame_and_no_more(sealer: Sealer) -> None:
    first, *later = (seal(sealer, each)[HEADER_BYTES:] for each in video(KEY_FRAME))

    assert vp8.starts_key(first)
    assert first[4:14] == KEY_FRAME[:10]
    assert b"key" not in first
    assert b"key" not in b"".join(later)


def test_a_server_reads_three_bytes_of_another_frame(sealer: Sealer) -> None:
    (only,) = (seal(sealer, each)[HEADER_BYTES:] for each in video(DELTA_FRAME))

    assert only[4:7] == DELTA_FRAME[:3]
    assert b"delta" not in only


@pytest.mark.parametrize(
    ("payload_type", "rtx_pt", "kind"),
    [
        (VIDEO_PT, VIDEO_RTX_PT, Kind.VIDEO),
        (SCREEN_PT, SCREEN_RTX_PT, Kind.SCREEN),
    ],
)
def test_a_repeat_comes_as_what_it_repeats(
    payload_type: int, rtx_pt: int, kind: Kind, sealer: Sealer, opens: Opens
) -> None:
    packet = video(DELTA_FRAME, payload_type)[0]
    again = wrap(packet, payload_type=rtx_pt, sequence=3, ssrc=66)
    sealed = seal(sealer, again)
    # A server numbers what it repeats as it numbered the packet itself.
    sent = sealed[:HEADER_BYTES] + (105).to_bytes(2) + sealed[HEADER_BYTES + 2 :]

    opened = open_packet(sent, kind, is_repeat=True, open_frame=opens)

    assert opened == Opened(packet[:8] + bytes(4) + packet[12:], renumbered=5)


def test_a_server_may_undo_a_repeat(sealer: Sealer, opens: Opens) -> None:
    packet = video(DELTA_FRAME)[0]
    again = wrap(packet, payload_type=VIDEO_RTX_PT, sequence=3, ssrc=66)
    sealed = seal(sealer, again)
    undone = packet[:HEADER_BYTES] + sealed[HEADER_BYTES + 2 :]

    opened = open_packet(undone, Kind.VIDEO, is_repeat=False, open_frame=opens)

    assert opened.packet[12:] == packet[12:]


@pytest.mark.parametrize(
    ("sent", "taken"), [(VIDEO_PT, Kind.SCREEN), (SCREEN_PT, Kind.VIDEO)]
)
def test_a_stream_does_not_pass_for_another(
    sent: int, taken: Kind, sealer: Sealer, opens: Opens
) -> None:
    sealed = seal(sealer, video(DELTA_FRAME, sent)[0])

    with pytest.raises(MalformedError, match="does not open"):
        open_packet(sealed, taken, is_repeat=False, open_frame=opens)


def test_sound_does_not_pass_for_pictures(sealer: Sealer, opens: Opens) -> None:
    sealed = seal(sealer, rtp(AUDIO_PT, b"red" * 20))

    with pytest.raises(MalformedError):
        open_packet(sealed, Kind.VIDEO, is_repeat=False, open_frame=opens)


def test_no_readable_byte_can_be_changed(sealer: Sealer, opens: Opens) -> None:
    sealed = seal(sealer, video(KEY_FRAME)[0])
    for at in range(HEADER_BYTES, HEADER_BYTES + 14):
        changed = bytearray(sealed)
        changed[at] ^= 1

        with pytest.raises(MalformedError):
            open_packet(bytes(changed), Kind.VIDEO, is_repeat=False, open_frame=opens)


@pytest.mark.parametrize("payload_type", [97, 104, 110, 127])
def test_a_packet_of_no_stream_is_not_sealed(payload_type: int, sealer: Sealer) -> None:
    with pytest.raises(MalformedError, match="is no stream's"):
        seal(sealer, rtp(payload_type, b"payload"))


def test_pictures_in_another_form_are_not_sealed(sealer: Sealer) -> None:
    with pytest.raises(MalformedError, match="descriptor of ours"):
        seal(sealer, rtp(VIDEO_PT, b"\x10" + DELTA_FRAME))


def test_what_holds_no_numbers_is_malformed(sealer: Sealer, opens: Opens) -> None:
    empty = rtp(AUDIO_PT, sealer.seal(b"", b"\x01"))

    with pytest.raises(MalformedError, match="0 bytes inside"):
        open_packet(empty, Kind.AUDIO, is_repeat=False, open_frame=opens)


def test_a_member_may_mark_as_it_likes(sealer: Sealer, opens: Opens) -> None:
    inside = b"\xff" + bytes(6) + b"red"
    packet = rtp(AUDIO_PT, sealer.seal(inside, b"\x01"))

    opened = open_packet(packet, Kind.AUDIO, is_repeat=False, open_frame=opens)

    assert opened.packet[1] == 0x80 | AUDIO_PT


def test_the_example_of_the_format() -> None:
    sealer = Sealer(KEY_1, KID)
    sound = format_header(
        Header(marker=False, payload_type=96, sequence=7, timestamp=9000, ssrc=55)
    )
    picture = format_header(
        Header(marker=True, payload_type=102, sequence=8, timestamp=3000, ssrc=66)
    )
    sealed = seal(sealer, sound + bytes(130))
    shown = seal(sealer, picture + bytes.fromhex("9080800511020061626364"))

    assert len(sealed) == 169
    assert sha256(sealed).hexdigest()[:32] == "b456bc7d715339bbedb2283d173b9395"
    assert shown[HEADER_BYTES:].hex() == (
        "90808005110200a10393013f79beaad883805948554d236de1517c6576e3cd17b14f8e2e53b7"
    )


@given(raw=st.binary(max_size=80), kind=st.sampled_from(Kind), is_repeat=st.booleans())
def test_any_bytes_are_malformed(raw: bytes, kind: Kind, *, is_repeat: bool) -> None:
    opener = Opener(KEY, KID)
    for packet in (raw, rtp(96, raw), rtp(96, b"\x90\x80\x80\x00" + raw)):
        with pytest.raises(MalformedError):
            open_packet(packet, kind, is_repeat=is_repeat, open_frame=opener.open)
