"""A real Janus on this machine, for the tests of larger rooms."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from voip.media.connect.gathering import local_addresses

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


class NotHereError(Exception):
    """This machine cannot run it, and why."""


@asynccontextmanager
async def running_janus(folder: Path) -> AsyncIterator[Forwarder]:
    """Run Janus with nothing but its VideoRoom and its WebSocket.

    Raises:
        NotHereError: it is not installed, or does not run.
    """
    program, address, port = _program(), own_address(), _free_port()
    _write(folder, address, port)
    with (folder / "janus.log").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            program, "-F", str(folder), "-N", f"--cwd-path={folder}",
            stdout=output, stderr=output, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await _listens(port, process)
            yield Forwarder(f"ws://127.0.0.1:{port}", address, process.pid)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def own_address() -> str:
    """Give an address of this machine that is not loopback: Janus takes no other.

    Raises:
        NotHereError: it has none.
    """
    for address in sorted(local_addresses()):
        if "." in address:
            return address
    raise NotHereError("needs an IPv4 address other than 127.0.0.1")


def _program() -> str:
    program = shutil.which("janus")
    if program is None or not _PLUGINS.exists():
        raise NotHereError("needs janus: apt install janus")
    return program


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


async def _listens(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(15):
        while True:
            if process.returncode is not None:
                raise NotHereError(f"janus ended with {process.returncode}")
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
