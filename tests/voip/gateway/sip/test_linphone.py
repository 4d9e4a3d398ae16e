"""Calls with another maker's telephone: Linphone, by itself and through Kamailio."""

from pathlib import Path

import pytest

from tests.voip.gateway.exchange import running_exchange
from tests.voip.gateway.linphone import running_linphone
from tests.voip.gateway.phones import OURS_HZ, THEIRS_HZ, make_authority, watch
from voip.gateway.sip.account import parse_account
from voip.gateway.sip.telephony import SipLine
from voip.signalling.legs import Mark


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keying", "theirs", "codec"),
    [("sdes", "srtp", "opus"), ("sdes", "srtp", "pcmu"), ("dtls", "dtls", "pcma")],
)
async def test_tones_pass_both_ways(
    tmp_path: Path, keying: str, theirs: str, codec: str
) -> None:
    authority = make_authority(tmp_path / "authority")
    async with running_linphone(tmp_path / "home", theirs) as phone:
        account = (
            f"account sip:gateway@127.0.0.1:{phone.port}\nregister never\n"
            f"transport udp\nunencrypted allowed\nkeying {keying}\ncodecs {codec}\n"
        )
        line = SipLine(
            parse_account(account.encode()),
            ca_file=authority.ca_file,
            allow_unencrypted=True,
            interface="127.0.0.1",
        )
        async with line:
            await line.registered()
            call = watch(line.dial(f"sip:phone@127.0.0.1:{phone.port}"))
            secured = await call.secured()
            await call.hears(2.5)
            call.leg.end()
            await call.over()
            found = [call.ear.hertz, await phone.heard_hz()]

    expected = Mark.TO_PBX if keying == "dtls" else Mark.NOT_ENCRYPTED
    assert secured.mark is expected
    assert found == pytest.approx([THEIRS_HZ, OURS_HZ], abs=5)


@pytest.mark.slow
@pytest.mark.parametrize("keying", ["sdes", "dtls"])
@pytest.mark.parametrize("calls", ["we call", "they call"])
async def test_tones_pass_both_ways_through_an_exchange(
    tmp_path: Path, keying: str, calls: str
) -> None:
    authority = make_authority(tmp_path / "authority")
    theirs = "srtp" if keying == "sdes" else "dtls"
    async with running_exchange(tmp_path, authority) as exchange:
        phone_at = running_linphone(tmp_path / "home", theirs, exchange)
        line_at = exchange.line(f"keying {keying}", transport="tls")
        async with phone_at as phone, line_at as line:
            await line.registered()
            if calls == "we call":
                leg = line.dial(exchange.uri("phone", "tls"))
            else:
                phone.order(f"call {exchange.uri('gateway')}")
                leg = await anext(line.incoming())
                leg.answer()
            call = watch(leg)
            secured = await call.secured()
            await call.hears(2.5)
            leg.end()
            await call.over()
            found = [call.ear.hertz, await phone.heard_hz()]

    assert secured.mark is Mark.TO_PBX
    assert found == pytest.approx([THEIRS_HZ, OURS_HZ], abs=5)
