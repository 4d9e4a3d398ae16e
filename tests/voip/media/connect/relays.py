"""A real TURN server (coturn) on loopback, and certificates for it."""

import asyncio
import datetime as dt
import hashlib
import ipaddress
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from voip.media.connect.config import IceServer

USER, PASSWORD = "ringer", "a pass:word"


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a running server is, and what vouches for it."""

    port: int
    tls_port: int
    ca_file: str
    pin: bytes
    host: str = "127.0.0.1"

    def udp(self, *, password: str = PASSWORD) -> IceServer:
        return IceServer(
            url=f"turn:{self.host}:{self.port}", username=USER, password=password
        )

    def tcp(self) -> IceServer:
        url = f"turn:{self.host}:{self.port}?transport=tcp"
        return IceServer(url=url, username=USER, password=PASSWORD)

    def tls(self, *, ca_file: str | None = None, pin: bytes | None = None) -> IceServer:
        return IceServer(
            url=f"turns:{self.host}:{self.tls_port}",
            username=USER,
            password=PASSWORD,
            ca_file=ca_file,
            pin=pin,
        )


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that another program or another task brings about."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 -- nothing tells us
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running_turn(
    folder: Path, host: str = "127.0.0.1", *, on: Sequence[str] = ()
) -> AsyncIterator[Turn]:
    """Run coturn with one user and a certificate of an authority of its own.

    `on` stands before its command line, and runs it on another machine than this.
    """
    if shutil.which("turnserver") is None:
        pytest.skip("needs coturn: apt install coturn")
    port, tls_port = _free_port(), _free_port()
    turn = Turn(port, tls_port, *write_certificates(folder, host), host)
    arguments = {
        "listening-ip": host,
        "relay-ip": host,
        "listening-port": str(port),
        "tls-listening-port": str(tls_port),
        "realm": "ringfence.example",
        "user": f"{USER}:{PASSWORD}",
        "cert": str(folder / "server.pem"),
        "pkey": str(folder / "server.key"),
        "pidfile": str(folder / "pid"),
        "userdb": str(folder / "users"),
        "log-file": "stdout",
    }
    flags = ["lt-cred-mech", "no-cli", "allow-loopback-peers", "no-dtls", "fingerprint"]
    process = await asyncio.create_subprocess_exec(
        *on,
        "turnserver",
        "-n",
        *(f"--{name}={value}" for name, value in arguments.items()),
        *(f"--{flag}" for flag in flags),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        for each in (port, tls_port):
            await _listens(host, each, on)
        yield turn
    finally:
        process.kill()
        await process.wait()


def write_certificates(folder: Path, host: str = "127.0.0.1") -> tuple[str, bytes]:
    """Write an authority and a server's certificate; give its file and our pin."""
    authority = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    root = _certificate("authority", authority, signed_by=authority, host=None)
    leaf = _certificate("server", key, signed_by=authority, host=host)
    (folder / "ca.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "server.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    spki = key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return str(folder / "ca.pem"), hashlib.sha256(spki).digest()


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    signed_by: ec.EllipticCurvePrivateKey,
    host: str | None,
) -> x509.Certificate:
    """Make the certificate of a server, or of an authority, which has no `host`."""
    is_authority = host is None

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named("authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=is_authority,
                crl_sign=is_authority,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key()),
            critical=False,
        )
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address(host or "127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(signed_by, SHA256())
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _listens(host: str, port: int, on: Sequence[str]) -> None:
    """Wait for a server, which starts when it likes, on the machine where it does."""
    asking = f"until : <>/dev/tcp/{host}/{port}; do sleep 0.05; done"
    process = await asyncio.create_subprocess_exec(
        *on, "bash", "-c", asking, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(20):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
