"""Real telephones for tests: Debian's baresip on loopback, and a certificate for it."""

import asyncio
import contextlib
import datetime as dt
import importlib.util
import json
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from voip.gateway.sip.account import parse_account
from voip.gateway.sip.call import CallOver, Happened, Secured
from voip.gateway.sip.leg import Replaced, SipLeg
from voip.gateway.sip.telephony import SipLine
from voip.media.pattern import Tone
from voip.media.plan import MediaPlan

MODULES = Path("/usr/lib/baresip/modules")
OURS_HZ, THEIRS_HZ = 440.0, 1000.0
READY_S = 10.0

_CONFIG = """\
poll_method epoll
sip_listen {address}:{port}
sip_certificate {certificate}
audio_player aubridge,nil
audio_source ausine,{hertz:.0f}
audio_alert aubridge,nil
ausrc_srate 48000
auplay_srate 48000
ausrc_channels 2
auplay_channels 2
net_interface {interface}
snd_path {folder}
call_max_calls 64
video_source fakevideo,nil
video_display fakevideo,nil
ctrl_tcp_listen 127.0.0.1:{control}
module_path {modules}
{loaded}module_tmp uuid.so
module_tmp account.so
module_app ctrl_tcp.so
module_app menu.so
"""
_LOADED = "g711 opus auconv auresamp ausine aubridge srtp dtls_srtp vp8 fakevideo"


def need_stack() -> None:
    if importlib.util.find_spec("baresip") is None:
        pytest.skip("the extra 'sip' is not installed")


def need_baresip() -> None:
    if shutil.which("baresip") is None or not MODULES.is_dir():
        pytest.skip("baresip-core is not installed")
    need_stack()


def free_ports() -> int:
    """Give a port that is free for UDP and TCP, as is the one above it."""
    kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
    while True:
        with contextlib.ExitStack() as stack:
            one = stack.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            try:
                for each, kind in ((port, kinds[0]), *((port + 1, k) for k in kinds)):
                    other = stack.enter_context(socket.socket(type=kind))
                    other.bind(("127.0.0.1", each))
            except OSError:
                continue
            return port


@dataclass(frozen=True, slots=True)
class Authority:
    """Who vouches for servers in these tests."""

    folder: Path
    name: x509.Name
    key: ec.EllipticCurvePrivateKey

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def vouch(self, host: str) -> Path:
        """Make a certificate for a DNS name, once; gives a file with its key."""
        path = self.folder / f"{host}.pem"
        if path.exists():  # another server reads it, perhaps at this moment
            return path
        key = ec.generate_private_key(ec.SECP256R1())
        named = x509.SubjectAlternativeName([x509.DNSName(host)])
        made = _certificate(
            _named(host), key.public_key(), self.name, self.key, extension=named
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(private + made.public_bytes(Encoding.PEM))
        return path


def make_authority(folder: Path) -> Authority:
    folder.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("test authority")
    ca = x509.BasicConstraints(ca=True, path_length=None)
    made = _certificate(name, key.public_key(), name, key, extension=ca)
    (folder / "ca.pem").write_bytes(made.public_bytes(Encoding.PEM))
    return Authority(folder, name, key)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _certificate(
    name: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    *,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(extension, critical=False)
        .sign(signer, SHA256())
    )


@dataclass(slots=True)
class Phone:
    """A running telephone."""

    port: int
    folder: Path
    control: int
    log: list[str] = field(default_factory=list)

    def port_for(self, transport: str) -> int:
        return self.port + (transport == "tls")

    def uri(self, host: str = "localhost", transport: str = "tls") -> str:
        return f"sip:phone@{host}:{self.port_for(transport)}"

    async def command(self, name: str, params: str = "") -> None:
        """Press a button of it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.control)
        body = json.dumps({"command": name, "params": params})
        writer.write(f"{len(body)}:{body},".encode())
        await reader.readuntil(b",")
        writer.close()

    def heard(self) -> np.ndarray:
        """Give what it decoded, of all its calls."""
        files = sorted(self.folder.glob("dump-*-dec.wav"))
        return np.concatenate([wav_samples(path) for path in files])

    def heard_hz(self) -> float:
        rates = [wav_rate(path) for path in self.folder.glob("dump-*-dec.wav")]
        return peak_hz(self.heard(), rates[0])

    async def saw(self, text: str) -> None:
        """Wait until it says so."""
        await until(lambda: any(text in line for line in self.log))


def wav_rate(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[24:28], "little")


def wav_samples(path: Path) -> np.ndarray:
    """Read the first channel; the header may say nothing of the length yet."""
    data = path.read_bytes()
    channels = int.from_bytes(data[22:24], "little")
    body = data[44:]
    whole = len(body) // (2 * channels) * 2 * channels
    return np.frombuffer(body[:whole], "<i2")[::channels]


def peak_hz(samples: np.ndarray, rate: int = 48000) -> float:
    """Give the pitch of the last second."""
    last = samples[-rate:].astype(float)
    assert len(last) > rate // 4, "too little was heard"
    lines = np.abs(np.fft.rfft(last * np.hanning(len(last))))
    return float(np.argmax(lines) * rate / len(last))


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that another program brings about."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 -- nothing tells us
            await asyncio.sleep(0.02)


def _settle(
    phone: Phone,
    certificate: Path,
    *,
    keying: str,
    records: bool,
    line: str,
    address: str,
) -> None:
    """Write what the telephone reads when it begins."""
    folder = phone.folder
    folder.mkdir()
    modules = [*_LOADED.split(), *(["sndfile"] if records else [])]
    config = _CONFIG.format(
        port=phone.port,
        control=phone.control,
        certificate=certificate,
        hertz=THEIRS_HZ,
        address=address,
        interface=address.strip("[]"),
        folder=folder,
        modules=MODULES,
        loaded="".join(f"module {each}.so\n" for each in modules),
    )
    (folder / "config").write_text(config)
    encrypts = f"mediaenc={keying};" if keying else ""
    line = line or "<sip:phone@localhost;transport=udp>;regint=0"
    (folder / "accounts").write_text(
        f"{line};answermode=auto;{encrypts}audio_codecs=opus/48000/2,pcmu,pcma\n"
    )
    (folder / "contacts").touch()


@asynccontextmanager
async def running_phone(
    folder: Path,
    authority: Authority,
    *,
    keying: str = "srtp-mand",
    host: str = "localhost",
    records: bool = True,
    account: str = "",
    address: str = "127.0.0.1",
) -> AsyncIterator[Phone]:
    """Run a telephone that plays a tone of 1000 Hz; `keying` empty is plain RTP.

    It is at an address of this machine, and `records` what it hears, for `Phone.heard`.
    """
    phone = Phone(port=free_ports(), folder=folder, control=free_ports())
    _settle(
        phone,
        authority.vouch(host),
        keying=keying,
        records=records,
        line=account,
        address=address,
    )
    process = await asyncio.create_subprocess_exec(
        "baresip",
        "-f",
        str(folder),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    reading = asyncio.create_task(_read(process, phone.log))
    try:
        await until(lambda: any("is ready" in each for each in phone.log), READY_S)
        yield phone
    finally:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            process.kill()
        await process.wait()
        await reading


async def _read(process: asyncio.subprocess.Process, log: list[str]) -> None:
    assert process.stdout is not None
    while chunk := await process.stdout.read(4096):
        log.append(chunk.decode(errors="replace"))


def line_to(
    phone: Phone,
    authority: Authority,
    *lines: str,
    host: str = "localhost",
    transport: str = "tls",
    allow_unencrypted: bool = False,
    trace: Callable[[str], None] | None = None,
) -> SipLine:
    """Make a gateway's line whose exchange is this telephone."""
    text = "\n".join(
        (
            f"account sip:gateway@{host}:{phone.port_for(transport)}",
            f"transport {transport}",
            *(
                ["register never"]
                if not any("register" in each for each in lines)
                else []
            ),
            *(["unencrypted allowed"] if allow_unencrypted else []),
            *lines,
        )
    )
    return SipLine(
        parse_account(text.encode()),
        ca_file=authority.ca_file,
        allow_unencrypted=allow_unencrypted,
        interface=host.strip("[]") if ":" in host else "127.0.0.1",
        trace=trace,
    )


class Kept:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.pcm = bytearray()

    def write(self, pcm: bytes) -> None:
        self.pcm += pcm

    def close(self) -> None:
        pass

    @property
    def hertz(self) -> float:
        return peak_hz(np.frombuffer(bytes(self.pcm), "<i2"))


@dataclass(slots=True)
class Watched:
    """A call, and what happened in it so far."""

    leg: SipLeg
    ear: Kept
    happened: list[Happened | Replaced]
    _watching: asyncio.Task[None]

    async def until(self, kind: type[Happened | Replaced], times: int = 1) -> Happened:
        await until(
            lambda: sum(isinstance(each, kind) for each in self.happened) >= times
        )
        return [each for each in self.happened if isinstance(each, kind)][-1]  # type: ignore[return-value] # of the kind that was asked for

    async def secured(self, times: int = 1) -> Secured:
        found = await self.until(Secured, times)
        assert isinstance(found, Secured)
        return found

    async def over(self) -> CallOver:
        async with asyncio.timeout(45):
            await self._watching
        last = self.happened[-1]
        assert isinstance(last, CallOver)
        return last

    async def hears(self, seconds: float) -> None:
        """Wait for that much sound."""
        goal = len(self.ear.pcm) + round(96000 * seconds)
        await until(lambda: len(self.ear.pcm) >= goal, seconds + 10)


def watch(leg: SipLeg, plan: MediaPlan | None = None) -> Watched:
    """Join a tone and an ear to a call, and note what happens."""
    ear = Kept()
    leg.carry(plan or MediaPlan(audio_source=Tone(OURS_HZ), audio_sink=ear))
    happened: list[Happened | Replaced] = []

    async def note() -> None:
        async for each in leg.happenings():
            happened.append(each)  # noqa: PERF401 -- it is read meanwhile

    return Watched(leg, ear, happened, asyncio.create_task(note()))


def python_worker(code: str) -> tuple[str, ...]:
    """Give a worker that is a few lines of Python, with frames at hand."""
    prelude = (
        "import socket, sys, time\n"
        f"sys.path[:] = {sys.path!r}\n"
        "from voip.gateway.sip.frames import *\n"
        "sock = socket.socket(fileno=0)\n"
        "reader = FrameReader()\n"
    )
    return ("-I", "-c", prelude + code)
