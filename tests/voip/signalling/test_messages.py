from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.signalling.media_info import Codec, MediaInfo, StreamInfo, StreamKind
from voip.signalling.messages import (
    Accept,
    Alerting,
    Candidates,
    Confirm,
    Control,
    Gossip,
    Hangup,
    HangupReason,
    Introduce,
    Message,
    Ping,
    Pong,
    Rekey,
    RekeyAck,
    Restart,
    RestartAck,
    Roster,
    SasResult,
    Select,
    SenderKey,
    State,
    Unknown,
    Upgrade,
    UpgradeAck,
    format_control,
    parse_control,
)

MEDIA = MediaInfo(
    "abcd",
    "0123456789012345678901",
    streams=(StreamInfo(StreamKind.AUDIO, Codec.OPUS, pt=96, ssrc=7),),
    candidates=("candidate:0 1 udp 1 192.0.2.1 9 typ host",),
)
ICE = {"ufrag": "abcd", "pwd": "0123456789012345678901"}
MESSAGES: list[tuple[int, Message]] = [
    (1, Confirm(bytes(range(32)))),
    (2, Alerting()),
    (3, Accept(MEDIA)),
    (4, Select(MEDIA)),
    (5, Hangup(HangupReason.GLARE, bytes(range(16)))),
    (6, Candidates(258, last=True, candidates=("a", "b"))),
    (7, Restart(3, **ICE, candidates=("a",))),
    (8, RestartAck(3, **ICE, candidates=())),
    (9, State(4, muted=True, screen=True)),
    (10, Rekey(bytes(1220))),
    (11, RekeyAck(bytes(1124))),
    (12, SasResult(matched=True)),
    (12, SasResult(matched=False)),
    (13, Ping(5)),
    (14, Pong(5)),
    (15, Upgrade(MEDIA)),
    (16, UpgradeAck(MEDIA)),
    (17, Roster(bytes(16), 6, digest=bytes(32))),
    (18, Introduce(bytes(16), b"ringfence card 1\n")),
    (19, SenderKey(bytes(16), 1, epoch=2, key=bytes(64))),
    (20, Gossip(b"head")),
    (21, Unknown(21, b"later")),
    (255, Unknown(255, b"")),
]
FIXED = [
    (Hangup(HangupReason.LOST, bytes(16)), "0508" + "00" * 16),
    (Candidates(258, last=True, candidates=("a", "bc")), "06010201020161026263"),
    (State(1, hold=True), "090000000101"),
    (State(1, muted=True), "090000000102"),
    (State(1, video=True), "090000000104"),
    (State(1, screen=True), "090000000108"),
    (SasResult(matched=True), "0c01"),
    (SasResult(matched=False), "0c02"),
    (Introduce(bytes(16), b"c"), "12" + "00" * 16 + "000163"),
]  # fmt: skip


def control(message: Message) -> Control:
    seq = 0 if isinstance(message, Ping | Pong) else 2
    return Control(seq, 1, message=message)


@pytest.mark.parametrize(("kind", "message"), MESSAGES)
def test_a_message_is_read_back(kind: int, message: Message) -> None:
    raw = format_control(control(message))

    assert (kind, control(message)) == (raw[16], parse_control(raw))


@pytest.mark.parametrize(("message", "fields"), FIXED)
def test_a_message_is_written_to_the_byte(message: Message, fields: str) -> None:
    expected = "00000000000000020000000000000001" + fields

    assert expected == format_control(control(message)).hex()


@given(st.sampled_from(MESSAGES[:20]), st.data())
def test_a_prefix_of_a_message_is_malformed(
    case: tuple[int, Message], data: st.DataObject
) -> None:
    raw = format_control(control(case[1]))
    size = data.draw(st.integers(0, len(raw) - 1))

    with pytest.raises(MalformedError):
        parse_control(raw[:size])


@pytest.mark.parametrize("message", [message for _, message in MESSAGES[:20]])
def test_a_byte_too_many_is_malformed(message: Message) -> None:
    with pytest.raises(MalformedError, match="1 bytes too many"):
        parse_control(format_control(control(message)) + b"\0")


@given(st.integers(0, 22), st.binary(max_size=80))
def test_any_bytes_are_a_message_or_malformed(kind: int, fields: bytes) -> None:
    raw = bytes(7) + b"\x02" + bytes(8) + bytes([kind]) + fields
    try:
        parsed = parse_control(raw)
    except MalformedError:
        return

    assert raw == format_control(parsed)


@given(st.sampled_from(MESSAGES), st.data())
def test_a_changed_byte_is_another_message_or_malformed(
    case: tuple[int, Message], data: st.DataObject
) -> None:
    raw = bytearray(format_control(control(case[1])))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    try:
        parsed = parse_control(bytes(raw))
    except MalformedError:
        return

    assert bytes(raw) == format_control(parsed)


@pytest.mark.parametrize("message", [Ping(1), Pong(1)])
def test_ping_and_pong_are_not_counted(message: Message) -> None:
    with pytest.raises(MalformedError, match=r"control: p.ng with seq 1"):
        Control(1, 0, message=message)


def test_a_message_without_a_seq_is_malformed() -> None:
    with pytest.raises(MalformedError, match="control: alerting with seq 0"):
        Control(0, 0, message=Alerting())


def test_a_message_longer_than_a_blob_is_refused() -> None:
    media = MediaInfo("abcd", "0" * 22, streams=(), candidates=("a" * 255,) * 16)

    with pytest.raises(MalformedError, match="expected at most 4066 bytes, came 4"):
        format_control(Control(1, 0, message=Accept(media)))


def test_a_longer_message_is_malformed() -> None:
    with pytest.raises(MalformedError, match="expected at most 4066 bytes, came 4067"):
        parse_control(bytes(4067))


@pytest.mark.parametrize("frame", [b"", bytes(4001)])
def test_a_gossip_frame_has_1_to_4000_bytes(frame: bytes) -> None:
    with pytest.raises(MalformedError, match="gossip: expected 1-4000 bytes"):
        Gossip(frame)


@pytest.mark.parametrize("kind", [0, 1, 20, 256])
def test_unknown_is_only_what_has_no_name(kind: int) -> None:
    with pytest.raises(MalformedError, match="is not an unknown one"):
        Unknown(kind, b"")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("050a" + "00" * 16, "hangup: unknown reason 10"),
        ("0600000200", "candidates: expected last to be 0 or 1, came 2"),
        ("090000000010", "state: unknown bits in 0x10"),
        ("0c03", "words: expected result 1 or 2, came 3"),
        ("0c00", "words: expected result 1 or 2, came 0"),
    ],
)
def test_a_value_out_of_its_bounds_is_malformed(fields: str, reason: str) -> None:
    raw = bytes.fromhex("00000000000000010000000000000000" + fields)

    with pytest.raises(MalformedError, match=reason):
        parse_control(raw)


MISFITS: dict[str, Callable[[], Message]] = {
    "nonce": lambda: Confirm(bytes(31)),
    "device id": lambda: Hangup(HangupReason.NORMAL, bytes(15)),
    "rekey": lambda: Rekey(bytes(1219)),
    "rekey ack": lambda: RekeyAck(bytes(1125)),
    "roster group": lambda: Roster(bytes(15), 0, digest=bytes(32)),
    "roster digest": lambda: Roster(bytes(16), 0, digest=bytes(31)),
    "introduced group": lambda: Introduce(bytes(15), b""),
    "sender group": lambda: SenderKey(bytes(15), 0, epoch=0, key=bytes(64)),
    "sender key": lambda: SenderKey(bytes(16), 0, epoch=0, key=bytes(63)),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_a_field_of_another_size_is_refused(misfit: str) -> None:
    with pytest.raises(MalformedError, match="bytes, came"):
        MISFITS[misfit]()


@pytest.mark.parametrize("kind", [Restart, RestartAck])
def test_a_restart_is_bounded_like_media(kind: type[Restart | RestartAck]) -> None:
    with pytest.raises(MalformedError, match="at most 16 candidates"):
        kind(1, **ICE, candidates=("a",) * 17)


def test_secrets_are_not_shown() -> None:
    shown = repr(
        [
            Confirm(b"\xaa" * 32),
            Restart(1, **ICE, candidates=()),
            SenderKey(bytes(16), 1, epoch=2, key=b"\xaa" * 64),
        ]
    )

    assert "xaa" not in shown
    assert ICE["pwd"] not in shown
