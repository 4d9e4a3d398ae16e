"""A real Janus on this machine, for the tests of larger rooms."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ADMIN_KEY = "only the operator knows"
_PLUGINS = Path("/usr/lib/x86_64-linux-gnu/janus")

_MAIN = """
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{lib}/plugins"
  transports_folder = "{lib}/transports"
  events_folder = "{lib}/events"
  loggers_folder = "{lib}/loggers"
  debug_level = 4
  session_timeout = 60
  hide_dependencies = true
}}
media: {{ rtp_port_range = "{first}-{last}" }}
nat: {{ ice_enforce_list = "{address}" }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
"""
_SOCKETS = """
general: {{ json = "compact", ws = true, ws_port = {port}, ws_ip = "127.0.0.1" }}
admin: {{ admin_ws = false }}
"""
_ROOMS = 'general: {{ admin_key = "{key}" }}\n'


@dataclass(frozen=True, slots=True)
class Forwarder:
    """A server that runs."""

    url: str
    address: str
    pid: int
    log: Path


@asynccontextmanager
async def running_janus(folder: Path) -> AsyncIterator[Forwarder]:
    """Run Janus with nothing but its VideoRoom and its WebSocket."""
    program, address = shutil.which("janus"), own_address()
    if program is None or not _PLUGINS.exists():
        pytest.skip("needs janus: apt install janus")
    if address is None:
        pytest.skip("janus takes no media on 127.0.0.1, and there is no other address")
    port = _free_port()
    _write(folder, address, port)
    log = folder / "janus.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            program, "-F", str(folder), "-N", "--cwd-path=" + str(folder),
            stdout=output, stderr=output, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await _listens(port, process, log)
            yield Forwarder(f"ws://127.0.0.1:{port}", address, process.pid, log)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def own_address() -> str | None:
    """Find an address of this machine that is not loopback, without asking anybody."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))  # RFC 5737: nobody; nothing is sent
        except OSError:
            return None
        found = str(probe.getsockname()[0])
    return None if found.startswith("127.") else found


def _write(folder: Path, address: str, port: int) -> None:
    others = {
        kind: ",".join(
            sorted(
                each.name
                for each in (_PLUGINS / kind).glob("*.so")
                if "videoroom" not in each.name and "websockets" not in each.name
            )
        )
        for kind in ("plugins", "transports")
    }
    first = 20_000 + port % 20_000
    main = _MAIN.format(
        folder=folder, lib=_PLUGINS, address=address, first=first, last=first + 400,
        **others,
    )  # fmt: skip
    (folder / "janus.jcfg").write_text(main)
    (folder / "janus.transport.websockets.jcfg").write_text(_SOCKETS.format(port=port))
    (folder / "janus.plugin.videoroom.jcfg").write_text(_ROOMS.format(key=ADMIN_KEY))


async def _listens(
    port: int, process: asyncio.subprocess.Process, log: Path
) -> None:
    async with asyncio.timeout(15):
        while True:
            if process.returncode is not None:
                pytest.skip(f"janus does not run here: {log.read_text()[-300:]}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
