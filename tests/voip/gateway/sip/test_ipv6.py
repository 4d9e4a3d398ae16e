"""Telephone calls over IPv6, on this machine."""

import socket
from pathlib import Path

import pytest

from tests.voip.gateway.phones import (
    OURS_HZ,
    THEIRS_HZ,
    Authority,
    free_ports,
    line_to,
    make_authority,
    need_baresip,
    running_phone,
    watch,
)
from voip.gateway.sip.account import parse_account
from voip.gateway.sip.telephony import SipLine
from voip.signalling.legs import Mark

HERE = "[::1]"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    need_baresip()
    with socket.socket(socket.AF_INET6) as trial:
        try:
            trial.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    return make_authority(tmp_path / "authority")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("transport", "keying", "theirs", "mark"),
    [
        ("udp", "dtls", "dtls_srtp", Mark.TO_PBX),
        ("tcp", "sdes", "srtp-mand", Mark.NOT_ENCRYPTED),
        # An address has a certificate, but no name that it could prove.
        ("tls", "sdes", "srtp-mand", Mark.NOT_ENCRYPTED),
    ],
    ids=["udp", "tcp", "tls"],
)
async def test_tones_pass_both_ways(
    tmp_path: Path,
    authority: Authority,
    transport: str,
    keying: str,
    theirs: str,
    mark: Mark,
) -> None:
    phone_at = running_phone(tmp_path / "phone", authority, keying=theirs, address=HERE)
    async with phone_at as phone:
        line = line_to(
            phone,
            authority,
            f"keying {keying}",
            host=HERE,
            transport=transport,
            allow_unencrypted=True,
        )
        async with line:
            await line.registered()
            call = watch(line.dial(phone.uri(HERE, transport)))
            secured = await call.secured()
            await call.hears(2.0)
            call.leg.end()
            await call.over()
        found = [call.ear.hertz, phone.heard_hz()]

    assert secured.mark is mark
    assert found == pytest.approx([THEIRS_HZ, OURS_HZ], abs=5)


@pytest.mark.slow
async def test_a_call_that_comes_is_answered(
    tmp_path: Path, authority: Authority
) -> None:
    port = free_ports()
    account = (
        f"account sip:gateway@{HERE}\nregister never\ntransport udp\nkeying dtls\n"
        f"listen {port}\n"
    )
    line = SipLine(
        parse_account(account.encode()), ca_file=authority.ca_file, interface="::1"
    )
    phone_at = running_phone(
        tmp_path / "phone",
        authority,
        keying="dtls_srtp",
        address=HERE,
        account=f"<sip:phone@{HERE};transport=udp>;regint=0",
    )
    async with phone_at as phone, line:
        await line.registered()
        await phone.command("dial", f"sip:gateway@{HERE}:{port}")
        leg = await anext(line.incoming())
        leg.answer()
        call = watch(leg)
        secured = await call.secured()
        await call.hears(2.0)

    assert secured.mark is Mark.TO_PBX
    assert call.ear.hertz == pytest.approx(THEIRS_HZ, abs=5)
