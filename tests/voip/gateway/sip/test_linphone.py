"""Another maker's telephone: Linphone on loopback."""

import asyncio
import os
import shutil
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.voip.gateway.phones import (
    OURS_HZ,
    THEIRS_HZ,
    free_ports,
    make_authority,
    need_stack,
    peak_hz,
    until,
    watch,
    wav_rate,
    wav_samples,
)
from voip.gateway.sip.account import parse_account
from voip.gateway.sip.telephony import SipLine
from voip.media.pattern import Tone
from voip.signalling.legs import Mark

CONFIG = """\
[sip]
sip_port={port}
sip_tcp_port=-1
sip_tls_port=-1
media_encryption={keying}
media_encryption_mandatory=1
guess_hostname=0
contact=sip:phone@127.0.0.1:{port}
bind_address=127.0.0.1
[rtp]
audio_rtp_port={rtp}
[sound]
echocancellation=0
"""


@asynccontextmanager
async def running_linphone(folder: Path, keying: str) -> AsyncIterator[int]:
    """Run Linphone, which answers, plays 1000 Hz and records; gives its port."""
    if shutil.which("linphonec") is None:
        pytest.skip("linphone-cli is not installed")
    need_stack()
    (folder / ".local/share/linphone").mkdir(parents=True)
    port = free_ports()
    config = folder / "rc"
    config.write_text(CONFIG.format(port=port, rtp=free_ports(), keying=keying))
    tone = Tone(THEIRS_HZ)
    with wave.open(str(folder / "tone.wav"), "wb") as file:
        file.setparams((1, 2, 48000, 0, "NONE", ""))
        file.writeframes(b"".join(tone.read() for _ in range(500)))
    process = await asyncio.create_subprocess_exec(
        *("linphonec", "-a", "-c", str(config)),
        env={**os.environ, "HOME": str(folder)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    orders = f"record {folder}/heard.wav\nplay {folder}/tone.wav\n"
    process.stdin.write(f"soundcard use files\n{orders}".encode())
    said = b""
    async with asyncio.timeout(10):
        while b"wav files" not in said:
            said += await process.stdout.read(4096)
    reading = asyncio.create_task(process.stdout.read())
    try:
        yield port
    finally:
        process.kill()
        await process.wait()
        await reading


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keying", "theirs", "codec"),
    [("sdes", "srtp", "opus"), ("sdes", "srtp", "pcmu"), ("dtls", "dtls", "pcma")],
)
async def test_tones_pass_both_ways(
    tmp_path: Path, keying: str, theirs: str, codec: str
) -> None:
    authority = make_authority(tmp_path / "authority")
    async with running_linphone(tmp_path / "home", theirs) as port:
        account = (
            f"account sip:gateway@127.0.0.1:{port}\nregister never\ntransport udp\n"
            f"unencrypted allowed\nkeying {keying}\ncodecs {codec}\n"
        )
        line = SipLine(
            parse_account(account.encode()),
            ca_file=authority.ca_file,
            allow_unencrypted=True,
            interface="127.0.0.1",
        )
        heard = tmp_path / "home" / "heard.wav"
        async with line:
            await line.registered()
            call = watch(line.dial(f"sip:phone@127.0.0.1:{port}"))
            secured = await call.secured()
            await call.hears(2.5)
            call.leg.end()
            await call.over()
            await until(lambda: heard.stat().st_size > 20000)
        found = [call.ear.hertz, peak_hz(wav_samples(heard), wav_rate(heard))]

    expected = Mark.TO_PBX if keying == "dtls" else Mark.NOT_ENCRYPTED
    assert secured.mark is expected
    assert found == pytest.approx([THEIRS_HZ, OURS_HZ], abs=5)
