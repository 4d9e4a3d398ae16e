"""What the user may wish."""

import pytest

from voip.errors import LimitError, MalformedError, MissingError
from voip.media.connect.config import IceConfig, IceServer, check_config, check_lent

STUN = IceServer(url="stun:stun.example")
TURN = IceServer(url="turn:turn.example:3478", username="u", password="p")
TURNS = IceServer(url="turns:turn.example", username="u", password="p", pin=bytes(32))


def test_nobody_is_asked_by_default() -> None:
    assert check_config(IceConfig()) == ()


def test_the_servers_are_given_in_their_order() -> None:
    servers = check_config(IceConfig(servers=(TURN, STUN, TURNS)))

    assert [server.scheme for server in servers] == ["turn", "stun", "turns"]


def test_four_servers_are_enough() -> None:
    with pytest.raises(LimitError, match="at most 4 ice servers, came 5"):
        check_config(IceConfig(servers=(STUN,) * 5))


def test_relay_only_with_a_relay_is_fine() -> None:
    assert check_config(IceConfig(servers=(TURN,), relay_only=True))


def test_relay_only_without_a_relay_leaves_no_address() -> None:
    with pytest.raises(MissingError, match="TURN"):
        check_config(IceConfig(servers=(STUN,), relay_only=True))


def test_a_server_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(MalformedError, match="ice server"):
        check_config(IceConfig(servers=(IceServer(url="http://stun.example"),)))


@pytest.mark.parametrize(
    ("user", "password"), [("u", None), (None, "p"), ("", "p"), ("u", "")]
)
def test_a_relay_wants_user_and_password(
    user: str | None, password: str | None
) -> None:
    server = IceServer(url="turn:turn.example", username=user, password=password)

    with pytest.raises(MalformedError, match="a user and a password"):
        check_config(IceConfig(servers=(server,)))


def test_a_pin_has_the_length_of_sha_256() -> None:
    server = IceServer(
        url="turns:turn.example", username="u", password="p", pin=bytes(31)
    )

    with pytest.raises(MalformedError, match="pin of 32 bytes, came 31"):
        check_config(IceConfig(servers=(server,)))


@pytest.mark.parametrize(
    "server",
    [
        IceServer(url="stun:stun.example", ca_file="ca.pem"),
        IceServer(url="turn:t.example", username="u", password="p", pin=bytes(32)),
    ],
    ids=["ca", "pin"],
)
def test_a_certificate_is_not_wanted_where_none_is_shown(server: IceServer) -> None:
    with pytest.raises(MalformedError, match="turns: servers only"):
        check_config(IceConfig(servers=(server,)))


def test_a_server_does_not_show_its_password() -> None:
    assert "hidden" not in repr(IceServer(url="turn:t.example", password="hidden"))


async def _nothing() -> tuple[IceServer, ...]:
    return ()


def test_relay_only_is_content_with_a_lender() -> None:
    assert check_config(IceConfig(relay_only=True, lender=_nothing)) == ()


def test_servers_and_lenders_take_time() -> None:
    asked = [
        config.asks_anybody
        for config in (
            IceConfig(),
            IceConfig(servers=(STUN,)),
            IceConfig(lender=_nothing),
        )
    ]

    assert asked == [False, True, True]


def test_turn_servers_can_be_lent() -> None:
    assert [each.is_relay for each in check_lent((TURN, TURNS))] == [True, True]


def test_a_stun_server_is_no_loan() -> None:
    with pytest.raises(MalformedError, match="expected a TURN server"):
        check_lent((STUN,))
