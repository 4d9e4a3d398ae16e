"""The data channel: text and files over SCTP inside records.

aiortc's SCTP sends its packets through the media transport, which seals them; what
comes goes through `sctp` first. One negotiated stream, number 0, reliable and in order
(RFC 8831, 8832). The private names of aiortc used here are held by test_contracts.py.
"""

from collections.abc import Callable

from aiortc import RTCDataChannel, RTCDataChannelParameters, RTCSctpTransport
from aiortc.rtcsctptransport import (
    WEBRTC_BINARY,
    WEBRTC_BINARY_EMPTY,
    RTCSctpCapabilities,
)

from voip.errors import LimitError, MalformedError, MissingError
from voip.media import transfer
from voip.media.events import (
    ChannelRefused,
    FileReceived,
    MediaEvent,
    TextReceived,
)
from voip.media.sctp import Stage, check_packet
from voip.media.transport import IkSrtpTransport

PORT = 5000  # both ends; nothing outside ever sees it
MAX_WAITING_BYTES = 4 << 20  # four files of the largest size


class _Association(RTCSctpTransport):
    """aiortc's SCTP, behind the checks of what is fed to it."""

    _has_begun = False

    async def _handle_data(self, data: bytes) -> None:
        """Take a packet; called by the transport."""
        state, stream = self._association_state, self._inbound_streams.get(0)
        has_begun = state not in (self.State.CLOSED, self.State.COOKIE_WAIT)
        if self._has_begun and not has_begun:
            return  # it is over, and what is left of it would not fit another
        self._has_begun = has_begun
        try:
            check_packet(
                data,
                Stage.OPEN if has_begun else Stage.CLOSED,
                last=self._last_received_tsn or 0,
                held=0 if stream is None else len(stream.reassembly),
            )
        except MalformedError:
            return  # as if it were lost: who sends such things gains nothing
        await super()._handle_data(data)

    async def _receive(self, stream_id: int, pp_id: int, data: bytes) -> None:
        """Take a whole message; called by the base class.

        Anything but bytes is none of ours. aiortc would read text that is no UTF-8, or
        open the channel again, and fall over it.
        """
        if pp_id != WEBRTC_BINARY:
            pp_id, data = WEBRTC_BINARY_EMPTY, b""
        await super()._receive(stream_id, pp_id, data)


class DataChannel:
    """Sends and receives texts and files of one call."""

    def __init__(
        self, transport: IkSrtpTransport, emit: Callable[[MediaEvent], None]
    ) -> None:
        """Take what carries the records and who hears of what came."""
        self._emit = emit
        self._inbox: transfer.Inbox | None = transfer.Inbox()
        self._sctp = _Association(transport, PORT)
        self._channel: RTCDataChannel | None = None

    async def start(self) -> None:
        """Set up the association; it is open when both ends have begun."""
        await self._sctp.start(RTCSctpCapabilities(transfer.PART_BYTES + 1), PORT)
        self._channel = RTCDataChannel(
            self._sctp,
            RTCDataChannelParameters(label="ringfence", negotiated=True, id=0),
        )
        self._channel.on("message", self._received)

    @property
    def is_open(self) -> bool:
        """Whether something can be sent."""
        return self._channel is not None and self._channel.readyState == "open"

    def send_text(self, text: str) -> None:
        """Send a text.

        Raises:
            MissingError: the channel is not open yet.
            LimitError: too long, or too much waits already.
        """
        self._send([transfer.format_text(text)])

    def send_file(self, name: str, data: bytes) -> None:
        """Send a file under the last part of its name.

        Raises:
            MissingError: the channel is not open yet.
            LimitError: too long, or too much waits already.
        """
        self._send(transfer.format_file(name, data))

    async def stop(self) -> None:
        """Close the association."""
        await self._sctp.stop()

    def _send(self, messages: list[bytes]) -> None:
        channel = self._channel
        if channel is None or channel.readyState != "open":
            raise MissingError("the data channel of this call is not open")
        waiting = channel.bufferedAmount + sum(map(len, messages))
        if waiting > MAX_WAITING_BYTES:
            raise LimitError(f"data channel: {waiting} bytes would wait to be sent")
        for message in messages:
            channel.send(message)

    def _received(self, message: bytes) -> None:
        if self._inbox is None:
            return
        try:
            match self._inbox.add(message):
                case transfer.Text(text):
                    self._emit(TextReceived(text))
                case transfer.File(name, data):
                    self._emit(FileReceived(name, data))
                case None:
                    pass  # a file goes on
        except MalformedError as error:
            self._inbox = None
            self._emit(ChannelRefused(str(error)))
