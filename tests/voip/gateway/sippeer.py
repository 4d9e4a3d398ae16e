"""The other end of SIP, made by hand: says what no honest telephone would."""

import asyncio
import re
import socket
import ssl
import struct
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pylibsrtp

SECRET = "A" * 40
KEY = f"inline:{SECRET}"
SRTP = ("RTP/SAVP", f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}\r\n")
NULL_SUITE = ("RTP/SAVP", f"a=crypto:1 NULL_HMAC_SHA1_80 {KEY}\r\n")
PLAIN_RTP = ("RTP/AVP", "")

Media = tuple[str, str]


def describe(media: Media, port: int = 9) -> str:
    """Write a description of PCMU on a port; by default one where nobody is."""
    profile, keys = media
    return (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio {port} {profile} 0\r\na=rtpmap:0 PCMU/8000\r\n{keys}a=sendrecv\r\n"
    )


class Message:
    """One message, its first line and its headers."""

    def __init__(self, head: str, body: str) -> None:
        self.first, *lines = head.split("\r\n")
        self.body = body
        self.headers = [
            (name.strip().lower(), value.strip())
            for name, _, value in (line.partition(":") for line in lines)
        ]

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each == name]

    def __getitem__(self, name: str) -> str:
        return self.all(name)[0]


class Peer:
    """Answers an INVITE on a TLS connection, and then says what it is told to."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        port = writer.get_extra_info("sockname")[1]
        self._contact = f"Contact: <sip:peer@127.0.0.1:{port};transport=tls>"
        self._reader, self._writer = reader, writer
        self._invite: Message | None = None

    async def read(self) -> Message:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        message = Message(head.strip("\r\n"), "")
        size = int(message["content-length"])
        message.body = (await self._reader.readexactly(size)).decode()
        return message

    def _say(self, *lines: str, body: str = "") -> None:
        kind = ["Content-Type: application/sdp"] if body else []
        all_lines = [*lines, *kind, f"Content-Length: {len(body)}", "", body]
        self._writer.write("\r\n".join(all_lines).encode())

    async def take_call(self, media: Media) -> None:
        """Wait for the INVITE, answer it, and wait for the ACK."""
        await self.hear_call()
        self.respond("200 OK", describe(media))
        await self._until("ACK")

    async def hear_call(self) -> int:
        """Wait for the INVITE; gives the port where they want sound."""
        self._invite = await self._until("INVITE")
        found = re.search(r"^m=audio (\d+)", self._invite.body, re.MULTILINE)
        assert found is not None
        return int(found[1])

    async def hear_end(self) -> None:
        """Wait until they take the call back."""
        await self._until("CANCEL")

    def respond(self, status: str, body: str = "") -> None:
        """Answer the INVITE."""
        invite = self._invite
        assert invite is not None
        self._say(
            f"SIP/2.0 {status}",
            *(f"Via: {via}" for via in invite.all("via")),
            f"From: {invite['from']}",
            f"To: {invite['to']};tag=peer",
            f"Call-ID: {invite['call-id']}",
            f"CSeq: {invite['cseq']}",
            self._contact,
            body=body,
        )

    async def offer(self, media: Media) -> Message:
        """Offer other media in the call; gives the final answer."""
        invite = self._invite
        assert invite is not None
        target = re.search(r"<([^>]+)>", invite["contact"])
        assert target is not None
        self._say(
            f"INVITE {target[1]} SIP/2.0",
            "Via: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bKagain",
            "Max-Forwards: 70",
            f"From: {invite['to']};tag=peer",
            f"To: {invite['from']}",
            f"Call-ID: {invite['call-id']}",
            "CSeq: 77 INVITE",
            self._contact,
            body=describe(media),
        )
        while True:
            answer = await self.read()
            if answer["cseq"] == "77 INVITE" and answer.first.startswith("SIP/2.0"):
                status = int(answer.first.split()[1])
                if status >= 200:
                    return answer

    async def _until(self, method: str) -> Message:
        while True:
            message = await self.read()
            if message.first.startswith(method):
                return message


@asynccontextmanager
async def serving_peer(
    certificate: Path, port: int
) -> AsyncIterator[asyncio.Queue[Peer]]:
    """Listen for the gateway; gives those who connect."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    peers: asyncio.Queue[Peer] = asyncio.Queue()

    def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.put_nowait(Peer(reader, writer))

    server = await asyncio.start_server(come, "127.0.0.1", port, ssl=context)
    try:
        yield peers
    finally:
        server.close()


class Voice:
    """Sends a tone as PCMU, by SRTP under `KEY` or in plain."""

    def __init__(self, hertz: float, *, encrypted: bool = True) -> None:
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        policy = pylibsrtp.Policy(
            key=b64decode(SECRET), ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND
        )
        self._session = pylibsrtp.Session(policy) if encrypted else None
        at = np.arange(8000)
        self._second = encode_ulaw(8000 * np.sin(2 * np.pi * hertz * at / 8000))

    async def send(self, port: int) -> None:
        """Send to a port of this machine until it is cancelled."""
        number = 0
        try:
            while True:
                at = number % 50 * 160
                head = struct.pack(">BBHII", 0x80, 0, number, number * 160, 77)
                packet = head + self._second[at : at + 160]
                if self._session is not None:
                    packet = self._session.protect(packet)
                self._socket.sendto(packet, ("127.0.0.1", port))
                number += 1
                await asyncio.sleep(0.02)
        finally:
            self._socket.close()


def encode_ulaw(samples: np.ndarray) -> bytes:
    """Encode 16-bit samples as PCMU (ITU-T G.711)."""
    sign = np.where(samples < 0, 0x80, 0)
    size = np.minimum(np.abs(samples), 32635).astype(int) + 132
    exponent = np.floor(np.log2(size)).astype(int) - 7
    mantissa = (size >> (exponent + 3)) & 15
    return bytes((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8))
