import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.identity.keys import Entropy
from voip.signalling.frames import (
    Ack,
    BoardGet,
    BoardPut,
    BoardSlot,
    Get,
    GetDone,
    Parcel,
    Put,
    Reply,
    Request,
    Status,
    Stored,
    Turn,
    TurnGrant,
    TurnStatus,
    format_reply,
    format_request,
    parse_reply,
    parse_request,
)
from voip.signalling.turn import TurnServer

TAG, BLOB = b"\xaa" * 16, b"\xbb" * 4096
SLOT = BoardPut(b"\xcc" * 32, 7, version=2**64 - 1, signature=b"\xdd" * 64, blob=BLOB)
ASKED = BoardGet(b"\xcc" * 32, 7)
TURN = TurnServer("turn:a.example", "1700000300:aeaqcaibaeaqc", credential="c2U=")
REQUESTS: list[Request] = [
    Put(TAG, BLOB),
    Get((b"\x01" * 32,), 0),
    Get((b"\x01" * 32,) * 128, 25),
    Ack((b"\x02" * 16,)),
    Ack((b"\x02" * 16,) * 255),
    SLOT,
    ASKED,
    Turn(300),
]
REPLIES: list[Reply] = [
    *map(Stored, Status),
    Parcel(TAG, b"\x03" * 16, blob=BLOB),
    GetDone(),
    BoardSlot(None),
    BoardSlot(SLOT),
    TurnGrant(TurnStatus.OK, 2**40, servers=(TURN,)),
    TurnGrant(TurnStatus.NOT_OFFERED),
]


def head(raw: bytes) -> str:
    return raw[:44].hex()


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_request_is_read_back(request_: Request, entropy: Entropy) -> None:
    assert request_ == parse_request(format_request(request_, entropy))


@pytest.mark.parametrize("reply", REPLIES)
def test_a_reply_is_read_back(reply: Reply, entropy: Entropy) -> None:
    assert reply == parse_reply(format_reply(reply, entropy), ASKED)


@pytest.mark.parametrize("request_", REQUESTS)
def test_every_request_has_one_size(request_: Request, entropy: Entropy) -> None:
    assert len(format_request(request_, entropy)) == 4204


@pytest.mark.parametrize("reply", REPLIES)
def test_every_reply_has_one_size(reply: Reply, entropy: Entropy) -> None:
    assert len(format_reply(reply, entropy)) == 4204


def test_requests_are_written_to_the_byte() -> None:
    fill = bytes  # zeros where a frame says nothing, so that they can be seen
    blank = "00" * 32
    shown = [REQUESTS[number] for number in (0, 2, 3, 5, 6, 7)]

    assert [
        "01010000" + "aa" * 16 + "00" * 16 + "00" * 8,
        "01020019" + blank + "0000000000000080",
        "01030000" + blank + "0000000000000001",
        "01040007" + "cc" * 32 + "ff" * 8,
        "01050007" + "cc" * 32 + "00" * 8,
        "01060000" + blank + "000000000000012c",
    ] == [head(format_request(each, fill)) for each in shown]  # fmt: skip


def test_replies_are_written_to_the_byte() -> None:
    blank = "00" * 32

    assert [
        "01810003" + blank + "00" * 8,
        "01820000" + "aa" * 16 + "03" * 16 + "00" * 8,
        "01830000" + blank + "00" * 8,
        "01850000" + blank + "00" * 8,
        "01850007" + "cc" * 32 + "ff" * 8,
        "01860000" + blank + "0000010000000000",
        "01860001" + blank + "00" * 8,
    ] == [head(format_reply(reply, bytes)) for reply in REPLIES[3:]]  # fmt: skip


def test_what_a_frame_does_not_use_is_random() -> None:
    frame = format_reply(GetDone(), lambda size: b"\x5a" * size)

    assert frame == b"\x01\x83" + b"\x5a" * 4202


@pytest.mark.parametrize("size", [0, 4203, 4205])
def test_a_frame_of_another_size_is_malformed(size: int) -> None:
    with pytest.raises(MalformedError, match=f"expected 4204 bytes, came {size}"):
        parse_request(bytes(size))


def request_head(**changed: int) -> bytes:
    """Give the head of a GET of one secret with some bytes changed, by name."""
    places = {"version": 0, "op": 1, "arg": 3, "key": 20, "num": 43}
    raw = bytearray(format_request(Get((bytes(32),), 0), bytes))
    for name, value in changed.items():
        raw[places[name]] = value
    return bytes(raw)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"version": 2}, "expected version 1, came 2"),
        ({"op": 0x81}, "expected a request, came op 0x81"),
        ({"op": 0}, "expected a request, came op 0x00"),
        ({"op": 1, "key": 1}, "put: expected zeros after the tag"),
        ({"arg": 26}, "expected a wait of at most 25 s, came 26"),
        ({"num": 0}, "expected 1-128 items, came 0"),
        ({"num": 129}, "expected 1-128 items, came 129"),
        ({"op": 3, "num": 0}, "expected 1-255 items, came 0"),
        ({"op": 4, "arg": 8}, "expected slot 0-7, came 8"),
        ({"op": 5, "arg": 8}, "expected slot 0-7, came 8"),
    ],
)
def test_a_request_out_of_its_bounds_is_malformed(
    changed: dict[str, int], reason: str
) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse_request(request_head(**changed))


def test_a_request_is_not_a_reply() -> None:
    with pytest.raises(MalformedError, match="expected a reply, came op 0x02"):
        parse_reply(request_head())


def test_an_unknown_status_is_malformed() -> None:
    with pytest.raises(MalformedError, match="unknown status 4"):
        parse_reply(request_head(op=0x81, arg=4))


def test_an_unknown_turn_status_is_malformed() -> None:
    with pytest.raises(MalformedError, match="turn: unknown status 3"):
        parse_reply(request_head(op=0x86, arg=3))


def test_turn_servers_that_do_not_parse_are_malformed() -> None:
    raw = request_head(op=0x86, arg=0)[:108] + b"\xff" * 4096

    with pytest.raises(MalformedError, match="cut short"):
        parse_reply(raw)


def test_a_board_slot_nobody_asked_for_is_malformed() -> None:
    with pytest.raises(MalformedError, match="board slot: nobody asked for it"):
        parse_reply(format_reply(BoardSlot(SLOT), bytes))


@pytest.mark.parametrize(
    "asked", [BoardGet(b"\xcc" * 32, 6), BoardGet(b"\xce" * 32, 7)], ids=["slot", "key"]
)
def test_one_board_does_not_pass_for_another(asked: BoardGet) -> None:
    with pytest.raises(MalformedError, match="not the one that was asked for"):
        parse_reply(format_reply(BoardSlot(SLOT), bytes), asked)


FILLED = st.tuples(
    st.sampled_from([0, 1, 2]),
    st.integers(0, 255),
    st.integers(0, 30),
    st.integers(0, 300),
    st.booleans(),
)


@given(FILLED)
def test_any_frame_is_a_value_or_malformed(
    case: tuple[int, int, int, int, bool],
) -> None:
    version, op, arg, num, filled = case
    raw = (
        bytes([version, op])
        + arg.to_bytes(2, "big")
        + bytes([filled]) * 32
        + num.to_bytes(8, "big")
        + bytes([filled]) * (64 + 4096)
    )
    for parse in (parse_request, lambda raw: parse_reply(raw, ASKED)):
        try:
            parse(raw)
        except MalformedError:
            continue

        assert version == 1
