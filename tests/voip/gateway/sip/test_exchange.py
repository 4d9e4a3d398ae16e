"""A real exchange (Kamailio) that asks for a password, on loopback."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.voip.gateway.phones import (
    OURS_HZ,
    THEIRS_HZ,
    Authority,
    free_ports,
    make_authority,
    need_baresip,
    running_phone,
    watch,
)
from voip.errors import NotAllowedError
from voip.gateway.sip.account import parse_account
from voip.gateway.sip.telephony import SipLine
from voip.signalling.legs import Mark

PASSWORD = "a pass=word"
MODULES = next(iter(Path("/usr/lib").glob("*/kamailio/modules")), None)
CONFIG = """\
children=2
log_stderror=yes
debug=1
listen=udp:127.0.0.1:{port}
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
request_route {{
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("localhost", "{password}", "0")) {{
            www_challenge("localhost", "1");
            exit;
        }}
        save("location");
        exit;
    }}
    if (has_totag()) {{
        loose_route();
        t_relay();
        exit;
    }}
    if (is_method("INVITE")) {{
        if ($fU == "gateway") {{
            if (!pv_proxy_authenticate("localhost", "{password}", "0")) {{
                proxy_challenge("localhost", "1");
                exit;
            }}
            consume_credentials();
        }}
    }}
    record_route();
    if (!lookup("location")) {{
        sl_send_reply("404", "Not Found");
        exit;
    }}
    t_relay();
}}
"""


@asynccontextmanager
async def running_exchange(folder: Path) -> AsyncIterator[int]:
    """Run Kamailio; gives its port for UDP."""
    if shutil.which("kamailio") is None or MODULES is None:
        pytest.skip("kamailio is not installed")
    port = free_ports()
    config = folder / "kamailio.cfg"
    config.write_text(CONFIG.format(port=port, modules=MODULES, password=PASSWORD))
    process = await asyncio.create_subprocess_exec(
        "kamailio",
        *("-f", str(config), "-DD", "-E", "-Y", str(folder)),
        *("-P", str(folder / "pid"), "-m", "32", "-M", "4"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    need_baresip()
    return make_authority(tmp_path / "authority")


def line_by(port: int, authority: Authority, password: str) -> SipLine:
    account = (
        f"account sip:gateway@localhost:{port}\n"
        "transport udp\nkeying dtls\nunencrypted allowed\n"
    )
    return SipLine(
        parse_account(account.encode()),
        password=password,
        ca_file=authority.ca_file,
        allow_unencrypted=True,
        interface="127.0.0.1",
    )


@pytest.mark.slow
async def test_a_wrong_password_is_refused_for_good(
    tmp_path: Path, authority: Authority
) -> None:
    async with (
        running_exchange(tmp_path) as port,
        line_by(port, authority, "another") as line,
    ):
        with pytest.raises(NotAllowedError, match="does not accept the password"):
            await line.registered()


@pytest.mark.slow
async def test_a_call_passes_the_exchange_with_a_password(
    tmp_path: Path, authority: Authority
) -> None:
    async with running_exchange(tmp_path) as port:
        theirs = (
            f"<sip:phone@localhost:{port};transport=udp>;regint=60"
            f';auth_pass="{PASSWORD}";outbound="sip:127.0.0.1:{port}"'
        )
        phone_at = running_phone(
            tmp_path / "phone", authority, keying="dtls_srtp", account=theirs
        )
        async with (
            phone_at as phone,
            line_by(port, authority, PASSWORD) as line,
        ):
            await phone.saw("200 OK")
            await line.registered()
            call = watch(line.dial(f"sip:phone@localhost:{port}"))
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
        running_exchange(tmp_path) as port,
        line_by(port, authority, PASSWORD) as line,
    ):
        await line.registered()
        over = await watch(line.dial(f"sip:nobody@localhost:{port}")).over()

    assert (over.status, over.text) == (404, "nobody has this number")
