"""The other end of SIP, made by hand: says what no honest telephone would."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

KEY = "inline:" + "A" * 40
SRTP = ("RTP/SAVP", f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}\r\n")
NULL_SUITE = ("RTP/SAVP", f"a=crypto:1 NULL_HMAC_SHA1_80 {KEY}\r\n")
PLAIN_RTP = ("RTP/AVP", "")

Media = tuple[str, str]


def describe(media: Media) -> str:
    """Write a description of PCMU on a port where nobody is."""
    profile, keys = media
    return (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio 9 {profile} 0\r\na=rtpmap:0 PCMU/8000\r\n{keys}a=sendrecv\r\n"
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
        self._invite = invite = await self._until("INVITE")
        self._say(
            "SIP/2.0 200 OK",
            *(f"Via: {via}" for via in invite.all("via")),
            f"From: {invite['from']}",
            f"To: {invite['to']};tag=peer",
            f"Call-ID: {invite['call-id']}",
            f"CSeq: {invite['cseq']}",
            self._contact,
            body=describe(media),
        )
        await self._until("ACK")

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
