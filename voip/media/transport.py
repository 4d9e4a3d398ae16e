"""SRTP and records under the keys of the handshake, where aiortc expects DTLS.

A datagram goes in one call from the socket to whoever receives its stream, and a packet
in one call from its sender to the socket: no task, no queue and nothing of aiortc lies
between. `IkSrtpTransport` is a subclass of aiortc's `RTCDtlsTransport` only because its
SCTP asks for one; no certificate is made and DTLS never runs. Keys live here and paths
come and go: a new path gets the same SRTP sessions, since a second session under one
key would repeat nonces. Rules are in `epochs`, `record`, `rtp` and `liveness`; the
private names of aiortc used here are held by test_contracts.py.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, Protocol, cast

import pylibsrtp
from aiortc import RTCCertificate, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsParameters, RTCDtlsTransport, State
from pylibsrtp import Policy, Session

from voip.errors import KeyReuseError, MalformedError, RefusedError
from voip.media import record, rtp
from voip.media.audio.states import AudioState
from voip.media.epochs import CALLER, Epochs, KeyFactory
from voip.media.events import ControlReceived, MediaEvent, MediaFailed, SendEpoch
from voip.media.liveness import Liveness
from voip.media.profile import AUDIO_PT

MAX_SCTP_WAITING = 512  # datagrams; more come no faster than SCTP's window lets them
AUDIO_BYTES: Final = frozenset(
    rtp.HEADER_BYTES + state.value.payload_bytes for state in AudioState
)
"""What an audio packet may measure before it is sealed: one size for each state."""

Emit = Callable[[MediaEvent], None]
Receive = Callable[[bytes, float], None]
"""Takes a packet that verified and the time; raises `MalformedError` if it is none."""
Noted = Callable[[int, int, int, int, float], None]
"""Hears of each RTP packet that left: SSRC, sequence number, timestamp, how many bytes
it had before it was sealed, time."""


class Way(Protocol):
    """What the transport sends on, and is handed what came by."""

    transport: RTCIceTransport
    """For SCTP, which only keeps it."""
    receive: Callable[[bytes], None] | None
    """Called with each datagram that is no part of finding the way."""

    def send(self, datagram: bytes) -> None:
        """Send a datagram, or raise `ConnectionError` where there is no way."""

    def verified(self) -> None:
        """Hear, inside `receive`, that the datagram at hand verified."""


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
    """Carries the media of one call over whatever path it has at the moment.

    Attributes:
        epochs: the keys in use, as numbers and times.
        liveness: what the other side's silence says.
        noted: hears of each RTP packet that left.
        sent: datagrams since the beginning, likewise `received` and `dropped`.
    """

    def __init__(
        self,
        path: Way,
        role: int,
        *,
        secret: bytes,
        emit: Emit,
        clock: Callable[[], float],
    ) -> None:
        """Take the first path, the side we play and S_0 of the call."""
        # The base class wants a certificate for DTLS and uses it for nothing else.
        super().__init__(path.transport, [cast("RTCCertificate", None)])
        self._path = path
        self._clock = clock
        now = clock()
        self._emit = emit
        self.noted: Noted | None = None
        self._factory = KeyFactory(role)
        self._send_keys: dict[int, _Sending] = {}
        self._receive_keys: dict[int, dict[_Kind, Callable[[bytes], bytes]]] = {}
        self._reassembly = record.Reassembly()
        self._receivers: dict[tuple[int, int], Receive] = {}
        self._reports: Receive | None = None
        self._sctp: asyncio.Queue[bytes] = asyncio.Queue(MAX_SCTP_WAITING)
        self._sctp_task: asyncio.Task[None] | None = None
        self.epochs = Epochs(now, role)
        self.liveness = Liveness(now)
        self.sent = self.received = self.dropped = 0
        # SCTP asks for the DTLS role to know who begins; the caller is the server.
        self._set_role("server" if role == CALLER else "client")
        self._load(0, secret)

    def expect(self, ssrc: int, payload_type: int, receive: Receive) -> None:
        """Let through the packets of a stream that the peer described."""
        self._receivers[payload_type, ssrc] = receive

    def expect_reports(self, receive: Receive) -> None:
        """Let through RTCP, a decrypted datagram of it at a time."""
        self._reports = receive

    async def start(
        self,
        remoteParameters: RTCDtlsParameters | None = None,  # noqa: ARG002, N803 -- the base's
    ) -> None:
        """Begin: the keys are there, so there is nothing to negotiate."""
        self._set_state(State.CONNECTED)
        self.listen(self._path)
        self._sctp_task = asyncio.get_running_loop().create_task(self._run_sctp())
        self._sctp_task.add_done_callback(self._sctp_ended)

    async def stop(self) -> None:
        """Stop receiving and sending; the paths are their owner's to close."""
        self._set_state(State.CLOSED)
        if self._sctp_task is not None:
            self._sctp_task.cancel()
            await asyncio.gather(self._sctp_task, return_exceptions=True)

    def listen(self, path: Way) -> None:
        """Receive on a path too, be it the one we send on or not yet."""
        path.receive = partial(self._receive, path)

    def move(self, path: Way) -> None:
        """Send on another path from now on, and receive on both."""
        self._path = path
        self._transport = path.transport
        self.liveness.path_changed()
        self.listen(path)

    def install(self, epoch: int, secret: bytes, *, initiator: bool) -> None:
        """Take the keys of a new epoch: receive at once, send when it is right.

        Raises:
            UnexpectedEventError: not the next epoch, or two are live already.
            KeyReuseError: keys of this epoch were made before.
        """
        self.epochs.install(epoch, initiator=initiator)
        self._load(epoch, secret)
        self._sending(self._clock())

    def tick(self) -> list[MediaEvent]:
        """Let time pass: retire keys, notice silence; say what happened."""
        now = self._clock()
        happened = [*self.epochs.tick(now), *self.liveness.tick(now)]
        for epoch in set(self._receive_keys) - set(self.epochs.receiving):
            del self._receive_keys[epoch]
        return happened

    # Sending.

    def send_rtp(self, packet: bytes) -> None:
        """Send an RTP packet; one that has no path is lost, as on any network.

        Raises:
            MalformedError: it would show more than a packet may; our own bug.
            KeyReuseError: its number was used before.
        """
        now = self._clock()
        try:
            sequence, timestamp, ssrc = _check_outgoing(packet)
        except MalformedError as error:
            self._emit(MediaFailed(str(error)))
            raise
        self.epochs.sent(ssrc, sequence, now)
        sealed = self._protect(self._sending(now).srtp.protect, packet)
        if self._send(sealed) and self.noted is not None:
            self.noted(ssrc, sequence, timestamp, len(packet), now)

    def send_rtcp(self, packet: bytes) -> None:
        """Send RTCP packets, whole, as one datagram; likewise.

        Raises:
            KeyReuseError: its number was used before.
        """
        keys = self._sending(self._clock())
        self._send(self._protect(keys.srtp.protect_rtcp, packet))

    def send_control(self, plaintext: bytes) -> None:
        """Send a plaintext of kind 1 as a record."""
        self._send(self._sending(self._clock()).sealer.seal(plaintext))

    async def _send_data(self, data: bytes) -> None:
        """Send an SCTP packet as a record; called by aiortc."""
        if self._state is not State.CONNECTED:
            raise ConnectionError("the media of this call is closed")
        plaintext = record.format_sctp(data)
        self._send(self._sending(self._clock()).sealer.seal(plaintext))

    def _protect(self, protect: Callable[[bytes], bytes], packet: bytes) -> bytes:
        try:
            return protect(packet)
        except pylibsrtp.Error as error:
            self._emit(MediaFailed("an SRTP packet number would have been used twice"))
            raise KeyReuseError(f"srtp refused to protect a packet: {error}") from error

    def _send(self, datagram: bytes) -> bool:
        if self._state is not State.CONNECTED:
            return False
        try:
            self._path.send(datagram)
        except ConnectionError:
            # The path is gone, which `Liveness` will notice, and a new one is coming.
            self.dropped += 1
            return False
        self.sent += 1
        return True

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

    # Receiving.

    def _receive(self, path: Way, datagram: bytes) -> None:
        if self._state is not State.CONNECTED:
            return
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
        path.verified()
        self.epochs.verified(epoch, now)
        for event in self.liveness.verified(now, on_current_path=path is self._path):
            self._emit(event)
        try:
            self._deliver(kind, plaintext, now)
        except MalformedError:
            self.dropped += 1  # the peer's own bug, or malice; it gains nothing

    def _open(self, kind: _Kind, datagram: bytes) -> tuple[int, bytes]:
        for epoch in self.epochs.trial:
            try:
                return epoch, self._receive_keys[epoch][kind](datagram)
            except (RefusedError, pylibsrtp.Error):
                continue  # of the other epoch, perhaps
        raise RefusedError("verifies under no live epoch")

    def _deliver(self, kind: _Kind, plaintext: bytes, now: float) -> None:
        if kind == "record":
            self._deliver_record(plaintext, now)
            return
        if kind == "rtp":
            receive = self._receivers.get(rtp.read_stream(plaintext))
        else:
            receive = self._reports
        if receive is None:
            raise MalformedError("of a stream that the peer did not describe")
        receive(plaintext, now)

    def _deliver_record(self, plaintext: bytes, now: float) -> None:
        if plaintext[0] == record.KIND_SCTP:
            if not self._sctp.full():
                self._sctp.put_nowait(plaintext[1:])
            return
        message = self._reassembly.add(record.parse_fragment(plaintext), now)
        if message is not None:
            self._emit(ControlReceived(message))

    async def _run_sctp(self) -> None:
        """Hand SCTP packets to aiortc one after the other, for it may wait to send."""
        while True:
            packet = await self._sctp.get()
            if self._data_receiver is not None:
                await self._data_receiver._handle_data(packet)  # noqa: SLF001 -- test_contracts.py

    def _sctp_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._emit(MediaFailed(f"the data channel stopped: {error!r}"))


def _check_outgoing(packet: bytes) -> tuple[int, int, int]:
    """Check that a packet shows nothing of what is in it, before it is sealed."""
    kind, sequence, timestamp, ssrc = rtp.check_outgoing(packet)
    if kind == AUDIO_PT and len(packet) not in AUDIO_BYTES:
        raise MalformedError(f"audio of {len(packet)} bytes is of no state")
    return sequence, timestamp, ssrc


def _kind(datagram: bytes) -> _Kind:
    if rtp.is_srtp(datagram):
        return "rtcp" if rtp.is_rtcp(datagram) else "rtp"
    if record.is_record(datagram):
        return "record"
    raise MalformedError("neither a record nor SRTP")
