"""SRTP and records under the keys of the handshake, where aiortc expects DTLS.

`IkSrtpTransport` is a subclass of aiortc's `RTCDtlsTransport`, because its senders,
receivers and SCTP ask for one; no certificate is made and DTLS never runs. Keys live
here and paths come and go: a new path gets the same SRTP sessions, since a second
session under one key would repeat nonces. Rules are in `epochs`, `record`, `rtp` and
`liveness`; the private names of aiortc used here are held by test_contracts.py.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

import pylibsrtp
from aiortc import RTCCertificate, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsParameters, RTCDtlsTransport, State
from pylibsrtp import Policy, Session

from voip.description import Stream
from voip.errors import KeyReuseError, MalformedError, RefusedError
from voip.media import record, rtp
from voip.media.epochs import CALLER, Epochs, KeyFactory
from voip.media.events import ControlReceived, MediaEvent, MediaFailed, SendEpoch
from voip.media.liveness import Liveness

Emit = Callable[[MediaEvent], None]


def srtp_session(key: bytes, *, sending: bool) -> Session:
    """Open an SRTP session: AEAD_AES_256_GCM (RFC 7714), any SSRC.

    A repeated packet is refused also when *we* send it: a tripwire before a nonce is
    used twice.
    """
    policy = Policy(
        key=key,
        ssrc_type=Policy.SSRC_ANY_OUTBOUND if sending else Policy.SSRC_ANY_INBOUND,
        srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    )
    policy.window_size = record.WINDOW
    policy.allow_repeat_tx = False
    return Session(policy)


@dataclass(frozen=True, slots=True)
class _Sending:
    srtp: Session
    sealer: record.Sealer


_Kind = Literal["record", "rtcp", "rtp"]
"""What a datagram claims to be by its first bytes."""


class IkSrtpTransport(RTCDtlsTransport):
    """Carries the media of one call over whatever path it has at the moment."""

    def __init__(
        self,
        path: RTCIceTransport,
        role: int,
        *,
        secret: bytes,
        emit: Emit,
        clock: Callable[[], float],
    ) -> None:
        """Take the first path, the side we play and S_0 of the call."""
        # The base class wants a certificate for DTLS and uses it for nothing else.
        super().__init__(path, [cast("RTCCertificate", None)])
        self._clock = clock
        now = clock()
        self._emit = emit
        self._factory = KeyFactory(role)
        self._send_keys: dict[int, _Sending] = {}
        self._receive_keys: dict[int, dict[_Kind, Callable[[bytes], bytes]]] = {}
        self._reassembly = record.Reassembly()
        self._expected: dict[int, int] = {}
        self._pumps: set[asyncio.Task[None]] = set()
        self.epochs = Epochs(now, role)
        self.liveness = Liveness(now)
        self.sent = self.received = self.dropped = 0
        # SCTP asks for the DTLS role to know who begins; the caller is the server.
        self._set_role("server" if role == CALLER else "client")
        self._load(0, secret)

    def expect(self, stream: Stream) -> None:
        """Let through the packets of a stream that the peer described, and no others.

        aiortc gives a packet of an unknown SSRC to the receiver of its payload type,
        which would let a second stream into the first one's buffer.
        """
        self._expected[stream.ssrc] = stream.pt
        if stream.rtx_ssrc:
            self._expected[stream.rtx_ssrc] = stream.rtx_pt

    async def start(
        self,
        remoteParameters: RTCDtlsParameters | None = None,  # noqa: ARG002, N803 -- the base's
    ) -> None:
        """Begin: the keys are there, so there is nothing to negotiate."""
        self._set_state(State.CONNECTED)
        self._pump(self._transport)

    async def stop(self) -> None:
        """Stop receiving and sending; the paths are their owner's to close."""
        self._set_state(State.CLOSED)
        for task in self._pumps:
            task.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def move(self, path: RTCIceTransport) -> None:
        """Send on another path from now on, and receive on both."""
        self._transport = path
        self.liveness.path_changed()
        self._pump(path)

    def install(self, epoch: int, secret: bytes, *, initiator: bool) -> None:
        """Take the keys of a new epoch: receive at once, send when it is right.

        Raises:
            UnexpectedEventError: not the next epoch, or two are live already.
            KeyReuseError: keys of this epoch were made before.
        """
        self.epochs.install(epoch, initiator=initiator)
        self._load(epoch, secret)
        self._sending(self._clock())

    def tick(self) -> None:
        """Let time pass: retire keys, notice silence."""
        now = self._clock()
        for event in [*self.epochs.tick(now), *self.liveness.tick(now)]:
            self._emit(event)
        for epoch in set(self._receive_keys) - set(self.epochs.receiving):
            del self._receive_keys[epoch]

    async def send_control(self, plaintext: bytes) -> None:
        """Send a plaintext of kind 1 as a record."""
        await self._send(self._sending(self._clock()).sealer.seal(plaintext))

    async def _send_data(self, data: bytes) -> None:
        """Send an SCTP packet as a record; called by aiortc."""
        self._require_connected()
        plaintext = record.format_sctp(data)
        await self._send(self._sending(self._clock()).sealer.seal(plaintext))

    async def _send_rtp(self, data: bytes) -> None:
        """Send an RTP or RTCP packet; called by aiortc, which logs what we raise."""
        self._require_connected()
        now = self._clock()
        try:
            if rtp.is_rtcp(data):
                sealed = self._sending(now).srtp.protect_rtcp(data)
            else:
                ssrc, sequence = rtp.check_outgoing(data)
                self.epochs.sent(ssrc, sequence, now)
                sealed = self._sending(now).srtp.protect(data)
        except MalformedError as error:
            self._emit(MediaFailed(str(error)))
            raise
        except pylibsrtp.Error as error:
            self._emit(MediaFailed("an SRTP packet number would have been used twice"))
            raise KeyReuseError(f"srtp refused to protect a packet: {error}") from error
        await self._send(sealed)

    async def _send(self, datagram: bytes) -> None:
        try:
            await self._transport._send(datagram)  # noqa: SLF001 -- test_contracts.py
        except ConnectionError:
            # The path is gone, which `Liveness` will notice. aiortc's sender would
            # end for good if it heard of it, and a new path is coming.
            self.dropped += 1
        else:
            self.sent += 1

    def _sending(self, now: float) -> _Sending:
        if self.epochs.switch(now):
            self._emit(SendEpoch(self.epochs.sending))
            for epoch in set(self._send_keys) - {self.epochs.sending}:
                del self._send_keys[epoch]
        return self._send_keys[self.epochs.sending]

    def _load(self, epoch: int, secret: bytes) -> None:
        keys = self._factory.keys(epoch, secret)
        # Receive first, send later: what we send under it will be answered under it.
        session = srtp_session(keys.srtp_receive, sending=False)
        self._receive_keys[epoch] = {
            "record": record.Opener(keys.record_receive, epoch).open,
            "rtcp": session.unprotect_rtcp,
            "rtp": session.unprotect,
        }
        self._send_keys[epoch] = _Sending(
            srtp_session(keys.srtp_send, sending=True),
            record.Sealer(keys.record_send, epoch),
        )

    def _pump(self, path: RTCIceTransport) -> None:
        task = asyncio.get_running_loop().create_task(self._run(path))
        self._pumps.add(task)
        task.add_done_callback(self._pumped)

    def _pumped(self, task: asyncio.Task[None]) -> None:
        self._pumps.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._emit(MediaFailed(f"receiving stopped: {error!r}"))

    async def _run(self, path: RTCIceTransport) -> None:
        while True:
            try:
                datagram = await path._recv()  # noqa: SLF001 -- test_contracts.py
            except ConnectionError:
                return  # closed, or consent ran out; silence tells the rest
            await self._receive(datagram, on_current_path=path is self._transport)

    async def _receive(self, datagram: bytes, *, on_current_path: bool) -> None:
        self.received += 1
        try:
            kind = _kind(datagram)
            epoch, plaintext = self._open(kind, datagram)
        except RefusedError:
            # Forged, replayed, of another call or of no protocol of ours: anybody
            # can send such things, so they are counted and leave no other trace.
            self.dropped += 1
            return
        now = self._clock()
        self.epochs.verified(epoch, now)
        for event in self.liveness.verified(now, on_current_path=on_current_path):
            self._emit(event)
        try:
            await self._deliver(kind, plaintext, now)
        except MalformedError:
            self.dropped += 1  # the peer's own bug, or malice; it gains nothing

    def _open(self, kind: _Kind, datagram: bytes) -> tuple[int, bytes]:
        for epoch in self.epochs.trial:
            try:
                return epoch, self._receive_keys[epoch][kind](datagram)
            except (RefusedError, pylibsrtp.Error):
                continue  # of the other epoch, perhaps
        raise RefusedError("verifies under no live epoch")

    async def _deliver(self, kind: _Kind, plaintext: bytes, now: float) -> None:
        match kind:
            case "record":
                await self._deliver_record(plaintext)
            case "rtcp":
                await self._handle_rtcp_data(plaintext)
            case "rtp":
                header = rtp.parse_header(plaintext)
                if self._expected.get(header.ssrc) != header.payload_type:
                    raise MalformedError("a stream that the peer did not describe")
                await self._handle_rtp_data(plaintext, arrival_time_ms=int(now * 1000))

    async def _deliver_record(self, plaintext: bytes) -> None:
        if plaintext[0] == record.KIND_SCTP:
            if self._data_receiver is not None:
                await self._data_receiver._handle_data(plaintext[1:])  # noqa: SLF001 -- test_contracts.py
            return
        message = self._reassembly.add(record.parse_fragment(plaintext), self._clock())
        if message is not None:
            self._emit(ControlReceived(message))

    def _require_connected(self) -> None:
        if self._state is not State.CONNECTED:
            raise ConnectionError("the media of this call is closed")


def _kind(datagram: bytes) -> _Kind:
    if rtp.is_srtp(datagram):
        return "rtcp" if rtp.is_rtcp(datagram) else "rtp"
    if record.is_record(datagram):
        return "record"
    raise MalformedError("neither a record nor SRTP")
