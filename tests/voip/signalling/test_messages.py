from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.description import Codec, Description, Kind, Stream
from voip.errors import MalformedError
from voip.signalling.group import Introduce, Room, Roster, SenderKey
from voip.signalling.legs import Legs
from voip.signalling.messages import (
    Accept,
    Alerting,
    Candidates,
    Confirm,
    Gossip,
    Hangup,
    HangupReason,
    Message,
    Ping,
    Pong,
    Rekey,
    RekeyAck,
    Restart,
    RestartAck,
    SasResult,
    Select,
    State,
    Unknown,
    Upgrade,
    UpgradeAck,
    format_message,
    parse_message,
)

MEDIA = Description(
    "abcd",
    "0123456789012345678901",
    streams=(Stream(Kind.AUDIO, Codec.OPUS, pt=96, ssrc=7),),
    candidates=("candidate:0 1 udp 1 192.0.2.1 9 typ host",),
)
ICE = {"ufrag": "abcd", "pwd": "0123456789012345678901"}
ROOM = Room(bytes(16), "wss://talk.example", room=1, pin="a" * 26)
MESSAGES: list[tuple[int, Message]] = [
    (1, Confirm(bytes(range(32)))),
    (2, Alerting()),
    (3, Accept(MEDIA)),
    (4, Select(MEDIA)),
    (5, Hangup(HangupReason.GLARE, bytes(range(16)))),
    (6, Candidates(258, last=True, candidates=("a", "b"))),
    (7, Restart(3, **ICE, candidates=("a",))),
    (8, RestartAck(3, **ICE, candidates=())),
    (9, State(4, muted=True, screen=True, recording=True)),
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
    (21, Legs(1)),
    (26, ROOM),
    (31, Unknown(31, b"later")),
    (255, Unknown(255, b"")),
]
BOUNDED = [each for each in MESSAGES if not isinstance(each[1], Gossip | Unknown)]
FIXED = [
    (Hangup(HangupReason.LOST, bytes(16)), "0508" + "00" * 16),
    (Candidates(258, last=True, candidates=("a", "bc")), "06010201020161026263"),
    (State(1, hold=True), "090000000101"),
    (State(1, muted=True), "090000000102"),
    (State(1, video=True), "090000000104"),
    (State(1, screen=True), "090000000108"),
    (State(1, recording=True), "090000000110"),
    (SasResult(matched=True), "0c01"),
    (SasResult(matched=False), "0c02"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "message"), MESSAGES)
def test_a_message_is_read_back(kind: int, message: Message) -> None:
    written, fields = format_message(message)

    assert (written, parse_message(kind, fields)) == (kind, message)


@pytest.mark.parametrize(("message", "fields"), FIXED)
def test_a_message_is_written_to_the_byte(message: Message, fields: str) -> None:
    kind, written = format_message(message)

    assert f"{kind:02x}{written.hex()}" == fields


@given(
    st.sampled_from([each for each in BOUNDED if each[1] != Alerting()]),
    st.data(),
)
def test_a_prefix_of_a_message_is_malformed(
    case: tuple[int, Message], data: st.DataObject
) -> None:
    kind, fields = format_message(case[1])
    size = data.draw(st.integers(0, len(fields) - 1))

    with pytest.raises(MalformedError):
        parse_message(kind, fields[:size])


@pytest.mark.parametrize("message", [message for _, message in BOUNDED])
def test_a_byte_too_many_is_malformed(message: Message) -> None:
    kind, fields = format_message(message)

    with pytest.raises(MalformedError, match="1 bytes too many"):
        parse_message(kind, fields + b"\0")


@given(st.integers(0, 27), st.binary(max_size=80))
def test_any_bytes_are_a_message_or_malformed(kind: int, fields: bytes) -> None:
    try:
        parsed = parse_message(kind, fields)
    except MalformedError:
        return

    assert format_message(parsed) == (kind, fields)


@given(st.sampled_from(MESSAGES), st.data())
def test_a_changed_byte_is_another_message_or_malformed(
    case: tuple[int, Message], data: st.DataObject
) -> None:
    kind, fields = format_message(case[1])
    changed = bytearray(bytes([kind]) + fields)
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        parsed = parse_message(changed[0], bytes(changed[1:]))
    except MalformedError:
        return

    assert format_message(parsed) == (changed[0], bytes(changed[1:]))


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
        ("090000000020", "state: unknown bits in 0x20"),
        ("0c03", "words: expected result 1 or 2, came 3"),
        ("0c00", "words: expected result 1 or 2, came 0"),
    ],
)
def test_a_value_out_of_its_bounds_is_malformed(fields: str, reason: str) -> None:
    raw = bytes.fromhex(fields)

    with pytest.raises(MalformedError, match=reason):
        parse_message(raw[0], raw[1:])


MISFITS: dict[str, Callable[[], Message]] = {
    "nonce": lambda: Confirm(bytes(31)),
    "device id": lambda: Hangup(HangupReason.NORMAL, bytes(15)),
    "rekey": lambda: Rekey(bytes(1219)),
    "rekey ack": lambda: RekeyAck(bytes(1125)),
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
        ]
    )

    assert "xaa" not in shown
    assert ICE["pwd"] not in shown
