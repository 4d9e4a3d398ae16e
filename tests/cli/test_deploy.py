"""The examples for operators: each is read by the program it is for, where that is."""

import asyncio
import ipaddress
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import click
import pytest

from cli.gateways.draining import DRAIN_S
from cli.gateways.sip import command as sip
from cli.relay import serve
from tests.voip.gateway.meshes import GROUP
from tests.voip.signalling.engines import needs_redis, redis_engine
from tests.voip.signalling.store_contract import ROOMY
from voip.errors import RefusedError
from voip.gateway.rooms.janus import Janus
from voip.gateway.rooms.sfu import create_ticket
from voip.signalling.frames import PATH, Get, GetDone, format_request, parse_reply
from voip.signalling.relay import (
    MAX_PER_ADDRESS,
    RunningRelay,
    Service,
    serve_store,
)
from voip.signalling.store_redis import open_redis
from voip.signalling.store_sqlite import open_sqlite
from voip.signalling.turn import prefix

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

DEPLOY = Path(__file__).parents[2] / "docs/deploy"
UNITS = ["ringfence-relay.service", "ringfence-gateway.service"]


def settings(text: str, between: str = r"\s+") -> dict[str, str]:
    """Read lines of a name and a value."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    pairs = (re.split(between, line, maxsplit=1) for line in lines)
    return {pair[0]: pair[-1].strip('"') for pair in pairs}


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed"
)
@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_the_units(tmp_path: Path, name: str) -> None:
    unit = tmp_path / name
    text = (DEPLOY / name).read_text()
    unit.write_text(text.replace("/opt/ringfence/bin/ringfence", "/bin/true"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line for line in verified.stderr.splitlines() if name in line]

    assert complaints == []


@pytest.mark.parametrize(
    ("name", "command"), [(UNITS[0], serve), (UNITS[1], sip)], ids=UNITS
)
def test_units_start_commands_that_exist(name: str, command: click.Command) -> None:
    text = (DEPLOY / name).read_text().replace("\\\n", " ")
    started = re.search(r"ExecStart=.* (relay|gateway) \w+ (.*)", text)
    assert started is not None
    used = set(re.findall(r"--[a-z-]+", started[2]))
    known = {option for param in command.params for option in param.opts}

    assert used - known == set()


@pytest.mark.parametrize(
    ("name", "drain_s"), [(UNITS[0], 5.0), (UNITS[1], DRAIN_S)], ids=UNITS
)
def test_units_are_not_killed_while_they_drain(name: str, drain_s: float) -> None:
    stop_s = settings((DEPLOY / name).read_text(), "=")["TimeoutStopSec"]

    assert float(stop_s) > drain_s


def test_a_gateway_s_worker_may_shut_itself_in() -> None:
    """What its filter does not know would kill it: Landlock came after the filter."""
    text = (DEPLOY / UNITS[1]).read_text()

    assert "SystemCallFilter=landlock_create_ruleset" in text
    assert "SystemCallErrorNumber=EPERM" in text


@needs_redis
async def test_a_relay_serves_from_an_engine_with_these_settings() -> None:
    wanted = settings((DEPLOY / "redis.conf").read_text())
    for ours in ("port", "unixsocket", "save"):
        del wanted[ours]
    with redis_engine(wanted) as engine:
        async with open_redis(engine.url, limits=ROOMY, entropy=os.urandom) as store:
            await store.check(0)


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("turnserver") is None, reason="coturn is not installed"
)
async def test_coturn_understands_its_settings(tmp_path: Path) -> None:
    text = (DEPLOY / "turnserver.conf").read_text()
    ours = tmp_path / "turnserver.conf"
    ours.write_text(text.replace("log-file=/dev/null\n", ""))
    process = await asyncio.create_subprocess_exec(
        *("turnserver", "-c", str(ours)),
        *("--listening-port=0", "--listening-ip=127.0.0.1", "--log-file=stdout"),
        *(f"--userdb={tmp_path / 'db'}", f"--pidfile={tmp_path / 'pid'}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    await asyncio.sleep(1)
    process.terminate()  # not killed, or what it has not written yet is lost
    out, _ = await process.communicate()
    complaints = [
        line
        for line in out.decode().splitlines()
        if "Bad configuration" in line or "Wrong address" in line
    ]

    assert (complaints, "Version Coturn" in out.decode()) == ([], True)


def denied(text: str) -> list[tuple[Address, Address]]:
    """Read the ranges that coturn relays nothing to."""
    found = [
        [ipaddress.ip_address(end) for end in each.split("-")]
        for each in re.findall(r"^denied-peer-ip=(\S+)$", text, re.MULTILINE)
    ]
    return [(each[0], each[-1]) for each in found]


@pytest.mark.parametrize(
    "network",
    [
        *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10", "fec0::/10"),
        "::/127",  # :: and ::1
        *("64:ff9b::/96", "64:ff9b:1::/48"),  # any IPv4 address, behind a translator
        "2002::/16",  # the same, behind 6to4
        "2001::/32",  # and behind Teredo
    ],
)
def test_coturn_relays_nothing_into_our_own_network(network: str) -> None:
    ends = ipaddress.ip_network(network)
    first, last = ends[0], ends[-1]
    ranges = denied((DEPLOY / "turnserver.conf").read_text())

    assert any(
        begin.version == first.version
        and int(begin) <= int(first)
        and int(last) <= int(end)
        for begin, end in ranges
    )


def test_coturn_denies_ipv4_addresses_written_as_ipv6_ones() -> None:
    """Before 4.9 a denied range of IPv4 did not hold for them: CVE-2026-27624."""
    ranges = denied((DEPLOY / "turnserver.conf").read_text())
    plain = {each for each in ranges if each[0].version == 4}
    mapped = {
        (begin.ipv4_mapped, end.ipv4_mapped)
        for begin, end in ranges
        if begin.version == 6 and end.version == 6
    }

    assert plain - mapped == set()


def test_coturn_opens_no_connections_for_others() -> None:
    lines = (DEPLOY / "turnserver.conf").read_text().splitlines()

    assert "no-tcp-relay" in lines


async def listens(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


@asynccontextmanager
async def janus_as_deployed(folder: Path) -> AsyncIterator[int]:
    """Run Janus with nothing but our settings, on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for example in DEPLOY.glob("janus*.jcfg"):
        text = example.read_text().replace("ws_port = 8188", f"ws_port = {port}")
        (folder / example.name).write_text(text)
    process = await asyncio.create_subprocess_exec(
        *("janus", "-F", str(folder), f"--cwd-path={folder}"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(15):
            while not await listens("127.0.0.1", port):
                assert process.returncode is None
                await asyncio.sleep(0.05)
        yield port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


needs_janus = pytest.mark.skipif(
    shutil.which("janus") is None, reason="janus is not installed"
)


@needs_janus
@pytest.mark.slow
async def test_janus_is_reached_through_nginx_only(tmp_path: Path) -> None:
    async with janus_as_deployed(tmp_path) as port:
        # Also an address of this machine, and not the one: as good as one of others.
        is_reached = await listens("127.0.0.2", port)

    assert not is_reached


@needs_janus
@pytest.mark.slow
async def test_janus_opens_rooms_for_its_operator_only(tmp_path: Path) -> None:
    async with janus_as_deployed(tmp_path) as port:
        url = f"ws://127.0.0.1:{port}"
        ticket = create_ticket(url, GROUP, entropy=os.urandom)
        async with Janus(url, entropy=os.urandom) as opener:
            with pytest.raises(RefusedError):
                await opener.create(ticket, admin_key="a guess", secret="s")
            await opener.create(ticket, admin_key="REPLACE", secret="s")


def test_nginx_stands_before_janus() -> None:
    port = re.search(
        r"ws_port = (\d+)", (DEPLOY / "janus.transport.websockets.jcfg").read_text()
    )
    assert port is not None

    assert f"http://127.0.0.1:{port[1]};" in (DEPLOY / "nginx.conf").read_text()


needs_nginx = pytest.mark.skipif(
    shutil.which("nginx") is None, reason="nginx is not installed"
)


@asynccontextmanager
async def nginx_as_deployed(folder: Path, relay: int) -> AsyncIterator[int]:
    """Run nginx before one relay, without TLS, on a port of its own; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = (DEPLOY / "nginx.conf").read_text()
    for pattern, ours in (
        (r"\n +(ssl_|listen \[).*", ""),
        (r"listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        (r"127\.0\.0\.1:535[01];", f"127.0.0.1:{relay};"),
        (r"127\.0\.0\.1:8(480|188);", "127.0.0.1:9;"),  # nobody
    ):
        text, count = re.subn(pattern, ours, text)
        assert count, pattern
    places = " ".join(
        f"{each}_temp_path {folder};"
        for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = folder / "nginx.conf"
    whole.write_text(
        f"events {{}}\npid {folder}/pid;\ndaemon off;\nmaster_process off;\n"
        f"error_log /dev/null;\nhttp {{\n{places}\n{text}\n}}\n"
    )
    process = await asyncio.create_subprocess_exec(
        "nginx", "-p", str(folder), "-c", str(whole), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(15):
            while not await listens("127.0.0.1", port):
                assert process.returncode is None
                await asyncio.sleep(0.05)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def relay_behind_nginx(folder: Path) -> AsyncIterator[tuple[RunningRelay, str]]:
    """Run both; give the relay, and where a client finds nginx."""
    service = Service(is_proxied=True)
    async with (
        open_sqlite(folder / "s", limits=ROOMY, entropy=os.urandom) as store,
        serve_store(store, service) as relay,
        nginx_as_deployed(folder, relay.address.port) as port,
    ):
        yield relay, f"ws://127.0.0.1:{port}{PATH}"


@needs_nginx
async def test_a_relay_answers_through_nginx(tmp_path: Path) -> None:
    async with (
        relay_behind_nginx(tmp_path) as (_, url),
        aiohttp.ClientSession(headers={"Host": "relay.example"}) as session,
        session.ws_connect(url) as socket,
    ):
        await socket.send_bytes(format_request(Get((bytes(32),), 0), os.urandom))
        answer = parse_reply(await socket.receive_bytes(timeout=10))

    assert answer == GetDone()


@needs_nginx
async def test_nginx_believes_no_client_about_where_it_is(tmp_path: Path) -> None:
    """Or each connection could claim a household of its own, and places for it."""
    async with (
        relay_behind_nginx(tmp_path) as (relay, url),
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), headers={"Host": "relay.example"}
        ) as session,
    ):
        inside = [
            await session.ws_connect(url, headers={"X-Forwarded-For": f"192.0.2.{n}"})
            for n in range(MAX_PER_ADDRESS)
        ]
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await session.ws_connect(url, headers={"X-Forwarded-For": "198.51.100.1"})
        counted = relay.counts.connections

    assert counted == len(inside)


@needs_nginx
@pytest.mark.slow
async def test_a_page_and_a_room_s_server_are_reached_by_name(tmp_path: Path) -> None:
    """They are not there: who asks for them is told so by nginx, and not by a relay."""
    async with (
        relay_behind_nginx(tmp_path) as (_, url),
        aiohttp.ClientSession() as session,
    ):
        page = url.replace("ws:", "http:").removesuffix(PATH)
        answers = []
        for name in ("talk.example", "sfu.example"):
            async with session.get(page, headers={"Host": name}) as answer:
                answers.append(answer.status)

    assert answers == [502, 502]


@pytest.mark.parametrize(
    "address",
    ["192.0.2.1", "2001:db8::1", "2001:db8:0:ff::1", "2001:db8:0:100::1"],
)
def test_nginx_counts_households_as_a_relay_does(address: str) -> None:
    pattern = re.search(r'"~(\S+)" +\$1;', (DEPLOY / "nginx.conf").read_text())
    assert pattern is not None
    raw = ipaddress.ip_address(address).packed
    found = re.search(pattern[1].encode(), raw)
    counted = found[1] if found else raw
    household = ipaddress.ip_address(prefix(address)).packed

    assert counted == household[: 4 if len(raw) == 4 else 7]


def test_brackets_are_closed() -> None:
    """For what no program here reads."""
    for path in (DEPLOY / "nginx.conf", *DEPLOY.glob("janus*.jcfg")):
        text = path.read_text()

        assert text.count("{") == text.count("}"), path.name


def test_the_container_runs_as_nobody_and_copies_what_is_there() -> None:
    root = DEPLOY.parents[1]
    text = (DEPLOY / "Containerfile").read_text()
    files = re.findall(r"requirements/\S+", text)

    assert all((root / each).exists() for each in files)
    assert re.findall(r"^USER (\d+):", text, re.MULTILINE) == ["65532"]
