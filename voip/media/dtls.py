"""DTLS-SRTP (RFC 5763, RFC 5764) with a browser, or with a forwarding server.

ICE is `connect`'s own, as in every call. aiortc does the DTLS handshake and checks the
certificate; around it datagrams take no detour, so each is unprotected in the call that
read it from the socket. What is inside is sealed once more, by `framekeys` for a guest
and by `forwarding` for a room: DTLS keeps others on the way out, and is not what such a
leg trusts. So what may be sent is a type: `DtlsTransport[SealedPacket]` takes nothing
that a server could read.

The certificate is made before anything is sent and stays for the whole call, so that
its fingerprint can be bound into a handshake. The private names of aiortc used here
are held by test_contracts.py.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar, cast

import pylibsrtp
from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceTransport,
)
from cryptography.hazmat.primitives.hashes import SHA256

from voip.description import Description
from voip.errors import MalformedError, TrustError, UnreachableError
from voip.media import rtp
from voip.media.connect.config import IceConfig
from voip.media.connect.path import Path

CONNECT_S = 15.0
"""For finding the other side and DTLS together; a way that exists takes one or two."""
MAX_WAITING = 64  # datagrams of DTLS not read yet; a handshake has about ten

_FIRST_DTLS, _LAST_DTLS = 20, 63  # RFC 7983 §7

Take = Callable[[bytes, float], None]
"""Takes a decrypted packet and when it came, in seconds of the loop's clock."""

Packet = TypeVar("Packet", bound=bytes)
"""What may be sent."""


class Certificate:
    """What a side shows in DTLS, for one call."""

    def __init__(self) -> None:
        """Make one, with a fresh key."""
        self.rtc = RTCCertificate.generateCertificate()

    @property
    def fingerprint(self) -> bytes:
        """SHA-256, 32 bytes."""
        (shown,) = (
            each for each in self.rtc.getFingerprints() if each.algorithm == "sha-256"
        )
        return bytes.fromhex(shown.value.replace(":", ""))


class DtlsTransport(Generic[Packet]):
    """One connection, from gathering to closing.

    Attributes:
        fingerprint: SHA-256 of our certificate, 32 bytes.
        sent: packets of RTP that left.
        received: datagrams of SRTP and SRTCP that came.
        dropped: those of them that did not verify or parse, and what had no way.
    """

    def __init__(  # noqa: PLR0913 -- who is there, how, and who is told
        self,
        certificate: Certificate,
        ice: IceConfig,
        *,
        peer: str,
        take: Take,
        take_reports: Take,
        controlling: bool = False,
        closed: Callable[[], None] | None = None,
    ) -> None:
        """Take our certificate, and who gets RTP packets and RTCP.

        Both may raise `MalformedError`, which is counted. `peer` is what the other side
        is called in errors. `controlling`: it is we who offered (RFC 8445 §6.1.1).
        `closed` hears that the other side ended a connection that was up.

        Raises:
            RefusedError: a configuration of servers that cannot be.
            MissingError: relay-only without a TURN server.
        """
        self.fingerprint = certificate.fingerprint
        self.sent = self.received = self.dropped = 0
        self._peer = peer
        self._path = Path(ice, controlling=controlling)
        self._take, self._take_reports, self._closed = take, take_reports, closed
        self._flights = _Flights(self._path)
        self._dtls = RTCDtlsTransport(
            cast("RTCIceTransport", self._flights), [certificate.rtc]
        )
        self._dtls.on("statechange", self._state_changed)
        self._out: pylibsrtp.Session | None = None  # once connected
        self._in: pylibsrtp.Session | None = None
        self._clock = asyncio.get_running_loop().time

    async def gather(self) -> Description:
        """Find our addresses.

        Raises:
            UnreachableError: there is not one.
        """
        return await self._path.gather()

    async def connect(
        self,
        far: Description,
        fingerprint: bytes,
        *,
        we_begin: bool = True,
        within_s: float = CONNECT_S,
    ) -> None:
        """Find a way, and agree on keys with the owner of a certificate.

        `we_begin` with DTLS (`active` in SDP), or wait for the other side to.

        Raises:
            UnreachableError: there is no way, or no answer in this time.
            TrustError: another certificate than the one that was bound or announced.
            RefusedError: candidates that are none.
        """
        self._path.receive = self._received
        self._dtls._set_role("client" if we_begin else "server")  # noqa: SLF001
        bound = RTCDtlsFingerprint("sha-256", fingerprint.hex(":").upper())
        try:
            async with asyncio.timeout(within_s):
                # Not all its addresses are told: some only show by its checks.
                await self._path.connect(far, complete=False)
                await self._dtls.start(RTCDtlsParameters([bound]))
        except TimeoutError:
            raise UnreachableError(
                f"{self._peer} did not answer within {within_s:g} s"
            ) from None
        if self._dtls.state != "connected":
            raise self._refusal(fingerprint)
        self._out, self._in = self._dtls._tx_srtp, self._dtls._rx_srtp  # noqa: SLF001

    def send(self, packet: Packet) -> None:
        """Send an RTP packet; one that has no way is lost, as on any network."""
        if self._out is not None:
            self.sent += self._leave(self._out.protect(packet))

    def send_reports(self, packet: bytes) -> None:
        """Send RTCP, which speaks of packets and never of what is in them; likewise."""
        if self._out is not None:
            self._leave(self._out.protect_rtcp(packet))

    async def close(self) -> None:
        """Say farewell and close the sockets; a second time does nothing."""
        self._out = self._in = None
        await self._dtls.stop()
        await self._path.close()

    def _state_changed(self) -> None:
        if self._out is not None and self._dtls.state == "closed":
            self._out = self._in = None
            if self._closed is not None:
                self._closed()

    def _leave(self, datagram: bytes) -> bool:
        try:
            self._path.send(datagram)
        except ConnectionError:
            self.dropped += 1
            return False
        return True

    def _received(self, datagram: bytes) -> None:
        if rtp.is_srtp(datagram):
            if self._in is not None:
                self._open(datagram, self._in)
        elif _FIRST_DTLS <= datagram[0] <= _LAST_DTLS:
            self._flights.put(datagram)

    def _open(self, datagram: bytes, srtp: pylibsrtp.Session) -> None:
        self.received += 1
        try:
            if rtp.is_rtcp(datagram):
                packet, take = srtp.unprotect_rtcp(datagram), self._take_reports
            else:
                packet, take = srtp.unprotect(datagram), self._take
            self._path.verified()
            take(packet, self._clock())
        except (pylibsrtp.Error, MalformedError):
            self.dropped += 1

    def _refusal(self, fingerprint: bytes) -> TrustError | UnreachableError:
        """Tell another certificate, which is an attack, from DTLS that just failed."""
        ssl = self._dtls._ssl  # noqa: SLF001 -- test_contracts.py
        shown = None if ssl is None else ssl.get_peer_certificate(as_cryptography=True)
        if shown is None or shown.fingerprint(SHA256()) == fingerprint:
            return UnreachableError(f"{self._peer} did not finish DTLS")
        return TrustError(
            f"dtls: expected the certificate {fingerprint.hex()[:16]}... that belongs "
            f"to {self._peer}, came {shown.fingerprint(SHA256()).hex()[:16]}..."
        )


class _Flights:
    """As much of aiortc's ICE transport as its DTLS uses."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._came: asyncio.Queue[bytes] = asyncio.Queue(MAX_WAITING)

    def put(self, datagram: bytes) -> None:
        if not self._came.full():  # else it is sent again
            self._came.put_nowait(datagram)

    async def _recv(self) -> bytes:
        return await self._came.get()

    async def _send(self, datagram: bytes) -> None:
        self._path.send(datagram)
