"""What members of a group say: to the byte, and nothing else is taken."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.signalling.codec import changed, check_read_or_refused, parse
from voip.errors import MalformedError
from voip.identity.trust import TrustState
from voip.signalling.group import (
    GROUP_READERS,
    MAX_ROOM,
    GroupMessage,
    Introduce,
    Members,
    Room,
    Roster,
    Seat,
    SenderKey,
    format_group_message,
)

GROUP = bytes(16)
PIN = "abcdefghijklmnopqrstuvwxyz"
ROOM = Room(GROUP, "wss://sfu.example", room=MAX_ROOM, pin=PIN, token=b"t")
ALICE, BOB = b"a" * 48, b"b" * 48
SEATS = (
    Seat(ALICE, 1, is_heard=True, trust=TrustState.VERIFIED),
    Seat(BOB, 2, is_unknown=True),
)
FIXED: dict[str, tuple[GroupMessage, str]] = {
    "roster": (Roster(GROUP, 6, digest=bytes(32)), "00000006" + "00" * 32),
    "introduce": (Introduce(GROUP, b"c"), "000163"),
    "sender key": (
        SenderKey(GROUP, 1, epoch=2, key=b"\xaa" * 64),
        "000100000002" + "aa" * 64,
    ),
    "room": (
        ROOM,
        f"11{ROOM.url.encode().hex()}000fffffffffffff1a{PIN.encode().hex()}0174",
    ),
    "members": (
        Members(GROUP, SEATS, hand=True),
        f"0102{ALICE.hex()}0000000109{BOB.hex()}0000000202",
    ),
}


@pytest.mark.parametrize("name", FIXED)
def test_a_message_is_written_to_the_byte(name: str) -> None:
    message, fields = FIXED[name]
    _, written = format_group_message(message)

    assert written == GROUP + bytes.fromhex(fields)


@pytest.mark.parametrize("name", FIXED)
def test_a_message_is_read_back(name: str) -> None:
    message, _ = FIXED[name]

    assert parse(GROUP_READERS, *format_group_message(message)) == message


@given(st.sampled_from(sorted(GROUP_READERS)), st.binary(max_size=120))
def test_any_bytes_are_a_message_or_malformed(kind: int, tail: bytes) -> None:
    check_read_or_refused(GROUP_READERS, format_group_message, kind, GROUP + tail)


@given(st.sampled_from(sorted(FIXED)), st.data())
def test_a_changed_byte_is_another_message_or_malformed(
    name: str, data: st.DataObject
) -> None:
    kind, fields = format_group_message(FIXED[name][0])

    check_read_or_refused(
        GROUP_READERS, format_group_message, kind, changed(fields, data)
    )


MISFITS: dict[str, Callable[[], GroupMessage]] = {
    "roster group": lambda: Roster(bytes(15), 0, digest=bytes(32)),
    "roster digest": lambda: Roster(GROUP, 0, digest=bytes(31)),
    "introduced group": lambda: Introduce(bytes(15), b""),
    "card": lambda: Introduce(GROUP, bytes(2049)),
    "sender group": lambda: SenderKey(bytes(15), 0, epoch=0, key=bytes(64)),
    "sender key": lambda: SenderKey(GROUP, 0, epoch=0, key=bytes(63)),
    "room group": lambda: Room(bytes(17), "wss://a", room=1, pin=PIN),
    "no url": lambda: Room(GROUP, "", room=1, pin=PIN),
    "url with a line end": lambda: Room(GROUP, "wss://a\n", room=1, pin=PIN),
    "url beyond ASCII": lambda: Room(GROUP, "wss://ä", room=1, pin=PIN),
    "long url": lambda: Room(GROUP, "a" * 201, room=1, pin=PIN),
    "room number": lambda: Room(GROUP, "wss://a", room=1 << 52, pin=PIN),
    "short pin": lambda: Room(GROUP, "wss://a", room=1, pin=PIN[1:]),
    "pin of digits": lambda: Room(GROUP, "wss://a", room=1, pin="0" * 26),
    "token": lambda: Room(GROUP, "wss://a", room=1, pin=PIN, token=bytes(65)),
    "members group": lambda: Members(bytes(15), ()),
    "17 seats": lambda: Members(
        GROUP, tuple(Seat(bytes([i]) * 48, 1) for i in range(17))
    ),
    "seats out of order": lambda: Members(GROUP, SEATS[::-1]),
    "a seat twice": lambda: Members(GROUP, SEATS[:1] * 2),
    "seat without a device": lambda: Members(GROUP, (Seat(bytes(32), 1),)),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_a_field_out_of_its_bounds_is_refused(misfit: str) -> None:
    with pytest.raises(MalformedError, match="expected"):
        MISFITS[misfit]()


@pytest.mark.parametrize("count", [0, 1 << 24])
def test_a_count_out_of_its_bounds_is_refused(count: int) -> None:
    with pytest.raises(MalformedError, match="cannot be"):
        Seat(ALICE, count)


@pytest.mark.parametrize("fields", ["0200", "0011", f"0001{ALICE.hex()}0000000110"])
def test_bits_without_a_meaning_are_refused(fields: str) -> None:
    with pytest.raises(MalformedError, match=r"(expected|unknown)"):
        parse(GROUP_READERS, 27, GROUP + bytes.fromhex(fields))


def test_a_url_of_other_bytes_is_refused() -> None:
    with pytest.raises(MalformedError, match="room: expected ASCII"):
        parse(GROUP_READERS, 26, GROUP + b"\x01\xff" + bytes(8))


def test_secrets_are_not_shown() -> None:
    shown = repr([ROOM, SenderKey(GROUP, 1, epoch=2, key=b"\xaa" * 64)])

    assert not any(secret in shown for secret in (PIN, "xaa", "b't'"))
