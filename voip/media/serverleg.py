"""One leg to a forwarding server: its path, DTLS, and what SRTP carries.

Carrier. The server is whoever it says it is: DTLS (RFC 5764) only keeps others on the
way out, and whatever matters is sealed by a member's key before (`forwarding`). So what
goes to the server is a `SealedPacket` and nothing else. ICE is our own agent; of aiortc
only its DTLS handshake runs, over the same path. The private names of aiortc used here
are held by test_contracts.py.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import pylibsrtp
from aiortc import RTCCertificate, RTCIceTransport
from aiortc.rtcdtlstransport import (
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    State,
)

from voip.description import Description
from voip.errors import MalformedError, RefusedError, UnreachableError
from voip.media import rtp
from voip.media.connect.config import IceConfig
from voip.media.connect.path import Path
from voip.media.forwarding import SealedPacket

CONNECT_S = 15.0
"""For finding the server and DTLS together; a way that exists takes one or two."""
MAX_WAITING = 64  # datagrams of DTLS not read yet; a handshake has about ten

_FIRST_DTLS, _LAST_DTLS = 20, 63  # RFC 7983 §7

Take = Callable[[bytes, float], None]
"""Takes an RTP packet or a datagram of RTCP, and the loop's time."""


class _Datagrams:
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


class ServerLeg(RTCDtlsTransport):
    """One leg, from gathering to closing.

    Attributes:
        sent: packets of RTP that left.
        received: datagrams that came.
        dropped: those of them that were not the server's, and what could not leave.
    """

    def __init__(
        self,
        ice: IceConfig,
        *,
        controlling: bool,
        rtp_came: Take,
        rtcp_came: Take,
        closed: Callable[[], None],
    ) -> None:
        """Prepare; `closed` hears that the server ended a leg that was up.

        Raises:
            RefusedError: a configuration of servers that cannot be.
            MissingError: relay-only without a TURN server.
        """
        self._path = Path(ice, controlling=controlling)
        self._datagrams = _Datagrams(self._path)
        certificate = RTCCertificate.generateCertificate()
        super().__init__(cast("RTCIceTransport", self._datagrams), [certificate])
        self._clock = asyncio.get_running_loop().time
        self._rtp_came, self._rtcp_came = rtp_came, rtcp_came
        self._closed = closed
        self.sent = self.received = self.dropped = 0

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of our certificate for this leg, 32 bytes."""
        (own,) = (
            each
            for each in self.getLocalParameters().fingerprints
            if each.algorithm == "sha-256"
        )
        return bytes.fromhex(own.value.replace(":", ""))

    async def gather(self) -> Description:
        """Find our addresses.

        Raises:
            UnreachableError: there is not one.
        """
        return await self._path.gather()

    async def connect(
        self, far: Description, fingerprint: bytes, *, we_begin: bool
    ) -> None:
        """Find the server and run DTLS; `we_begin` it, or wait for the server.

        Raises:
            UnreachableError: there is no way, or no answer in 15 s.
            RefusedError: it shows another certificate than it announced.
        """
        self._path.receive = self._take
        self._set_role("client" if we_begin else "server")
        announced = RTCDtlsFingerprint("sha-256", fingerprint.hex(":").upper())
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._path.connect(far)
                await self.start(RTCDtlsParameters([announced]))
        except TimeoutError:
            raise UnreachableError(
                f"the forwarding server did not answer within {CONNECT_S:g} s"
            ) from None
        if self._state is not State.CONNECTED:
            raise RefusedError(
                "the forwarding server's DTLS failed: expected the certificate "
                f"{fingerprint.hex()[:16]}... that it announced"
            )

    def send_rtp(self, packet: SealedPacket) -> None:
        """Send a packet; one that has no path is lost, as on any network."""
        if self._state is State.CONNECTED:
            self.sent += self._push(self._tx_srtp.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """Send RTCP; it speaks of streams and packets, never of what is in them."""
        if self._state is State.CONNECTED:
            self._push(self._tx_srtp.protect_rtcp(packet))

    async def stop(self) -> None:
        """Close the leg; a second time does nothing."""
        self._closed = _nothing
        await super().stop()
        await self._path.close()

    def _set_state(self, state: State) -> None:
        was = self._state
        super()._set_state(state)
        if was is State.CONNECTED and state is State.CLOSED:
            self._closed()

    def _push(self, datagram: bytes) -> bool:
        try:
            self._path.send(datagram)
        except ConnectionError:
            self.dropped += 1
            return False
        return True

    def _take(self, datagram: bytes) -> None:
        if rtp.is_srtp(datagram):
            if self._state is State.CONNECTED:
                self._take_srtp(datagram)
        elif _FIRST_DTLS <= datagram[0] <= _LAST_DTLS:
            self._datagrams.put(datagram)

    def _take_srtp(self, datagram: bytes) -> None:
        self.received += 1
        try:
            if rtp.is_rtcp(datagram):
                take, plain = self._rtcp_came, self._rx_srtp.unprotect_rtcp(datagram)
            else:
                take, plain = self._rtp_came, self._rx_srtp.unprotect(datagram)
            self._path.verified()
            take(plain, self._clock())
        except (pylibsrtp.Error, MalformedError):
            self.dropped += 1  # not the server's, or nothing that a member sent


def _nothing() -> None:
    """Tell nobody: we close ourselves."""
