"""A real exchange for tests: Kamailio on loopback, which asks for a password."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.voip.gateway.phones import Authority, free_ports, until
from voip.gateway.sip.account import parse_account
from voip.gateway.sip.telephony import SipLine

PASSWORD = "a pass=word"
MODULES = next(iter(Path("/usr/lib").glob("*/kamailio/modules")), None)
_CONFIG = """\
children=2
tcp_children=2
log_stderror=yes
debug=1
enable_tls=yes
{listening}
mpath="{modules}"
{loaded}
modparam("usrloc", "db_mode", 0)
modparam("registrar", "gruu_enabled", 0)
modparam("registrar", "received_avp", "$avp(received)")
modparam("nathelper", "received_avp", "$avp(received)")
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "{certificate}")
modparam("tls", "private_key", "{certificate}")
request_route {{
    force_rport();
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("localhost", "{password}", "0")) {{
            www_challenge("localhost", "1");
            exit;
        }}
        {returning}
        save("location");
        exit;
    }}
    if (has_totag()) {{
        loose_route();
        if (!is_method("ACK")) handle_ruri_alias();
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
        add_contact_alias();
    }}
    record_route();
    if (!lookup("location")) {{
        sl_send_reply("404", "Not Found");
        exit;
    }}
    t_on_reply("ANSWERED");
    t_relay();
}}
onreply_route[ANSWERED] {{
    add_contact_alias();
}}
"""
_LOADED = "tls tm sl rr pv maxfwd textops siputils usrloc registrar auth nathelper"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A running exchange: UDP and TCP at one port, TLS at the next."""

    port: int
    address: str
    authority: Authority
    log: Path

    def port_for(self, transport: str) -> int:
        return self.port + (transport == "tls")

    @property
    def host(self) -> str:
        """A name of it; the system knows one for IPv4 alone, often."""
        return self.address if ":" in self.address else "localhost"

    def uri(self, user: str, transport: str = "udp") -> str:
        return f"sip:{user}@{self.host}:{self.port_for(transport)}"

    def phone_account(self, transport: str = "udp") -> str:
        """Write baresip's account of a telephone that registers here."""
        place = f"{self.port_for(transport)};transport={transport}"
        return (
            f"<sip:phone@{self.host}:{place}>;regint=60"
            f';auth_pass="{PASSWORD}";outbound="sip:{self.address}:{place}"'
        )

    def line(
        self,
        *lines: str,
        transport: str = "udp",
        password: str = PASSWORD,
    ) -> SipLine:
        """Make a gateway's line that registers here."""
        text = (
            f"account {self.uri('gateway', transport)}",
            f"transport {transport}",
            "unencrypted allowed",
            *lines,
        )
        return SipLine(
            parse_account("\n".join(text).encode()),
            password=password,
            ca_file=self.authority.ca_file,
            allow_unencrypted=True,
            interface=self.address.strip("[]"),
        )


@asynccontextmanager
async def running_exchange(
    folder: Path,
    authority: Authority,
    *,
    address: str = "127.0.0.1",
    goes_back: bool = True,
) -> AsyncIterator[Exchange]:
    """Run Kamailio at an address of this machine.

    It `goes_back` on the connection that somebody registered by when they are called,
    or else opens one of its own.
    """
    if shutil.which("kamailio") is None or MODULES is None:
        pytest.skip("kamailio is not installed")
    if not (MODULES / "tls.so").exists():
        pytest.skip("kamailio-tls-modules is not installed")
    port = free_ports()
    config, log = folder / "kamailio.cfg", folder / "kamailio.log"
    listening = (f"udp:{address}:{port}", f"tcp:{address}:{port}")
    config.write_text(
        _CONFIG.format(
            listening="\n".join(
                f"listen={each}" for each in (*listening, f"tls:{address}:{port + 1}")
            ),
            modules=MODULES,
            loaded="\n".join(f'loadmodule "{each}.so"' for each in _LOADED.split()),
            certificate=authority.vouch("localhost"),
            password=PASSWORD,
            returning="fix_nated_register();" if goes_back else "",
        )
    )
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            "kamailio",
            *("-f", str(config), "-DD", "-E", "-Y", str(folder)),
            *("-P", str(folder / "pid"), "-m", "64", "-M", "8"),
            stdout=said,
            stderr=said,
        )
    try:
        await until(lambda: _listens(address.strip("[]"), port + 1))
        yield Exchange(port, address, authority, log)
    finally:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            process.terminate()
        await process.wait()


def _listens(address: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    name = "/proc/net/tcp6" if ":" in address else "/proc/net/tcp"
    rows = Path(name).read_text().splitlines()[1:]
    return any(
        row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "0A"
        for row in rows
    )
