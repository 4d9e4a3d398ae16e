"""Where a room may be, and what a ticket for it is."""

from collections.abc import Callable

import pytest

from voip.errors import MalformedError
from voip.gateway.rooms.sfu import check_server, create_ticket

GROUP = bytes(range(16))


def test_a_ticket_has_a_number_and_a_pin_of_chance() -> None:
    ticket = create_ticket(
        "wss://sfu.example",
        GROUP,
        entropy=lambda size: bytes(range(255, 255 - size, -1)),
    )

    assert (ticket.room, ticket.pin) == (0xFFFEFDFCFBFAF, "zyxwvutsrqponmlkjihgfedcba")


def test_a_room_has_no_number_zero() -> None:
    assert create_ticket("wss://sfu.example", GROUP, entropy=bytes).room == 1


def test_two_tickets_differ(entropy: Callable[[int], bytes]) -> None:
    one = create_ticket("wss://sfu.example", GROUP, entropy=entropy)
    other = create_ticket("wss://sfu.example", GROUP, entropy=entropy)

    assert one.room != other.room
    assert one.pin != other.pin


@pytest.mark.parametrize(
    "url", ["wss://sfu.example", "wss://sfu.example:8989/janus", "wss://[2001:db8::1]/"]
)
@pytest.mark.parametrize("ours", [True, False])
def test_a_server_is_reached_by_wss(url: str, *, ours: bool) -> None:
    check_server(url, ours=ours)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:8188", "ws://[::1]/"])
def test_we_may_name_this_machine_itself(url: str) -> None:
    check_server(url, ours=True)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:8188", "ws://[::1]/"])
def test_a_member_may_not_send_us_to_this_machine(url: str) -> None:
    with pytest.raises(MalformedError, match="expected wss"):
        check_server(url, ours=False)


@pytest.mark.parametrize(
    "url",
    [
        "ws://sfu.example",
        "ws://localhost:8188",
        "https://sfu.example",
        "wss://",
        "sfu.example",
        "wss://user:secret@sfu.example",
        "wss://sfu.example/?room=1",
        "wss://sfu.example/#room",
        "wss://sfu.example:port",
        "wss://[sfu.example",
        "wss://sfu.example/ two",
        "wss://sfu.example/\x1b[2J",
        "wss://sfü.example",
        "wss://sfu.example/" + "a" * 200,
        "",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(MalformedError, match="server: expected"):
        check_server(url, ours=True)
