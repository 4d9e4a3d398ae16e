"""Another maker's telephone for tests: Linphone on loopback."""

import asyncio
import os
import shutil
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.voip.gateway.exchange import PASSWORD, Exchange
from tests.voip.gateway.phones import (
    THEIRS_HZ,
    free_ports,
    need_stack,
    peak_hz,
    until,
    wav_rate,
    wav_samples,
)
from voip.media.pattern import Tone

_CONFIG = """\
[sip]
sip_port={port}
sip_tcp_port=-1
sip_tls_port=-1
media_encryption={keying}
media_encryption_mandatory=1
guess_hostname=0
contact=sip:phone@127.0.0.1:{port}
bind_address=127.0.0.1
default_proxy=0
[rtp]
audio_rtp_port={rtp}
[sound]
echocancellation=0
"""
_REGISTERED = """\
[proxy_0]
reg_proxy=<sip:127.0.0.1:{port};transport=udp>
reg_identity=<sip:phone@localhost:{port}>
reg_expires=60
reg_sendregister=1
publish=0
[auth_info_0]
username=phone
userid=phone
passwd={password}
realm=localhost
domain=localhost
"""
_FRAMES = 500  # of the file that it plays again and again


@dataclass(slots=True)
class Linphone:
    """A running Linphone, which answers whoever calls.

    Attributes:
        port: where it takes SIP, by UDP.
    """

    port: int
    folder: Path
    _process: asyncio.subprocess.Process
    _said: bytearray

    def order(self, line: str) -> None:
        """Type an order."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    async def said(self, text: str) -> None:
        """Wait until it says so."""
        await until(lambda: text.encode() in self._said)

    async def registered(self) -> None:
        """Wait until its exchange knows it; it has to be asked."""
        while b"registered, identity=" not in self._said:
            self.order("status register")
            await asyncio.sleep(0.1)

    async def heard_hz(self) -> float:
        """Wait for what it recorded in a call that is over; gives the pitch."""
        heard = self.folder / "heard.wav"
        await until(lambda: heard.stat().st_size > 20000 and wav_rate(heard) > 0)
        return peak_hz(wav_samples(heard), wav_rate(heard))


@asynccontextmanager
async def running_linphone(
    folder: Path, keying: str, exchange: Exchange | None = None
) -> AsyncIterator[Linphone]:
    """Run Linphone, which plays 1000 Hz and records; registered, with an exchange."""
    if shutil.which("linphonec") is None:
        pytest.skip("linphone-cli is not installed")
    need_stack()
    (folder / ".local/share/linphone").mkdir(parents=True)
    port = free_ports()
    text = _CONFIG.format(port=port, rtp=free_ports(), keying=keying)
    if exchange is not None:
        text += _REGISTERED.format(port=exchange.port, password=PASSWORD)
    config = folder / "rc"
    config.write_text(text)
    _write_tone(folder / "tone.wav")
    process = await asyncio.create_subprocess_exec(
        *("linphonec", "-a", "-c", str(config)),
        env={**os.environ, "HOME": str(folder)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = bytearray()
    phone = Linphone(port, folder, process, said)
    reading = asyncio.create_task(_read(process, said))
    try:
        phone.order("soundcard use files")
        phone.order(f"record {folder}/heard.wav")
        phone.order(f"play {folder}/tone.wav")
        await phone.said("wav files")
        if exchange is not None:
            await phone.registered()
        yield phone
    finally:
        process.kill()
        await process.wait()
        await reading


def _write_tone(path: Path) -> None:
    tone = Tone(THEIRS_HZ)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48000, 0, "NONE", ""))
        file.writeframes(b"".join(tone.read() for _ in range(_FRAMES)))


async def _read(process: asyncio.subprocess.Process, said: bytearray) -> None:
    assert process.stdout is not None
    while chunk := await process.stdout.read(4096):
        said += chunk
