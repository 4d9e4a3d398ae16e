"""Calls through a real exchange (Kamailio) that asks for a password."""

from pathlib import Path

import pytest

from tests.voip.gateway.exchange import running_exchange
from tests.voip.gateway.phones import (
    OURS_HZ,
    THEIRS_HZ,
    Authority,
    make_authority,
    need_baresip,
    running_phone,
    watch,
)
from voip.errors import NotAllowedError
from voip.signalling.legs import Mark


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    need_baresip()
    return make_authority(tmp_path / "authority")


@pytest.mark.slow
async def test_a_wrong_password_is_refused_for_good(
    tmp_path: Path, authority: Authority
) -> None:
    async with (
        running_exchange(tmp_path, authority) as exchange,
        exchange.line(password="another") as line,
    ):
        with pytest.raises(NotAllowedError, match="does not accept the password"):
            await line.registered()


@pytest.mark.slow
async def test_a_call_passes_the_exchange_with_a_password(
    tmp_path: Path, authority: Authority
) -> None:
    async with running_exchange(tmp_path, authority) as exchange:
        phone_at = running_phone(
            tmp_path / "phone",
            authority,
            keying="dtls_srtp",
            account=exchange.phone_account(),
        )
        async with phone_at as phone, exchange.line("keying dtls") as line:
            await phone.saw("200 OK")
            await line.registered()
            call = watch(line.dial(exchange.uri("phone")))
            secured = await call.secured()
            await call.hears(2.0)
            call.leg.end()
            await call.over()
        found = [call.ear.hertz, phone.heard_hz()]

    assert secured.mark is Mark.TO_PBX
    assert found == pytest.approx([THEIRS_HZ, OURS_HZ], abs=5)


@pytest.mark.slow
async def test_a_number_that_nobody_has_is_said_so(
    tmp_path: Path, authority: Authority
) -> None:
    async with (
        running_exchange(tmp_path, authority) as exchange,
        exchange.line() as line,
    ):
        await line.registered()
        over = await watch(line.dial(exchange.uri("nobody"))).over()

    assert (over.status, over.text) == (404, "nobody has this number")


V4, V6 = "127.0.0.1", "[::1]"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("transport", "address", "goes_back"),
    [
        ("udp", V4, True),
        ("tcp", V4, True),
        ("tls", V4, True),
        ("tls", V4, False),
        ("udp", V6, True),
        ("tls", V6, True),
    ],
    ids=["udp", "tcp", "tls", "tls by our contact", "udp IPv6", "tls IPv6"],
)
async def test_calls_come_in_on_the_connection_that_we_registered_by(
    tmp_path: Path,
    authority: Authority,
    transport: str,
    address: str,
    *,
    goes_back: bool,
) -> None:
    at = running_exchange(tmp_path, authority, address=address, goes_back=goes_back)
    async with at as exchange:
        phone_at = running_phone(
            tmp_path / "phone",
            authority,
            account=exchange.phone_account(),
            address=address,
        )
        async with phone_at as phone, exchange.line(transport=transport) as line:
            await phone.saw("200 OK")
            await line.registered()
            await phone.command("dial", exchange.uri("gateway"))
            leg = await anext(line.incoming())
            leg.answer()
            call = watch(leg)
            secured = await call.secured()
            await call.hears(2.0)
            leg.end()
            await call.over()
        found = [call.ear.hertz, phone.heard_hz()]

    is_proven = transport == "tls" and address == V4
    assert secured.mark is (Mark.TO_PBX if is_proven else Mark.NOT_ENCRYPTED)
    assert found == pytest.approx([THEIRS_HZ, OURS_HZ], abs=5)
