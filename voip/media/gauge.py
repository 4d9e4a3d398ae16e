"""The figures of a call, taken once a second from whoever knows them."""

from dataclasses import replace

from voip.media.audio.jitter import Reception
from voip.media.audio.states import SRTP_OVERHEAD_BYTES, UDP_IP_BYTES, AudioState
from voip.media.quality.figures import AudioFigures, MediaStats, VideoFigures
from voip.media.rtp import HEADER_BYTES
from voip.media.steering import Steering

EVERY_S = 1.0
OVERHEAD_BYTES = SRTP_OVERHEAD_BYTES + UDP_IP_BYTES
"""What a plain RTP packet weighs more as an IPv4 datagram."""


_BIT_RATES = {state.value.payload_bytes: state.value.bit_rate for state in AudioState}


class Gauge:
    """The figures of one call.

    Attributes:
        stats: of the last second; counts of datagrams are left to whoever counts them.
    """

    def __init__(self, now: float) -> None:
        """Begin at `now`, in seconds."""
        self._since = now
        self._sent = self._heard = self._bit_rate = 0
        self.stats = MediaStats(
            sent=0,
            received=0,
            dropped=0,
            send_epoch=0,
            receive_epochs=(0,),
            path=None,
        )

    def sent(self, packet_bytes: int) -> None:
        """Take note of a packet of sound that left, as long as before it was sealed."""
        self._sent += packet_bytes + OVERHEAD_BYTES

    def heard(self, packet_bytes: int) -> None:
        """Take note of a packet of sound that came, as long as after it was opened."""
        self._heard += packet_bytes + OVERHEAD_BYTES
        self._bit_rate = _BIT_RATES.get(packet_bytes - HEADER_BYTES, 0)

    def is_due(self, now: float) -> bool:
        """Tell whether a second has passed."""
        return now - self._since >= EVERY_S

    def sample(  # noqa: PLR0913 -- each is another's figure
        self,
        now: float,
        steering: Steering,
        *,
        state: AudioState,
        reception: Reception,
        video_out: VideoFigures | None,
        video_in: VideoFigures | None,
    ) -> None:
        """Take the figures of the second that has passed."""
        seconds = now - self._since
        trip = steering.round_trip_s
        self.stats = replace(
            self.stats,
            round_trip_ms=None if trip is None else 1000 * trip,
            available_kbps=steering.available_bps / 1000,
            audio=AudioFigures(
                state=state.name,
                codec="opus",
                bit_rate=self._bit_rate,
                sent_kbps=self._sent * 8 / seconds / 1000,
                received_kbps=self._heard * 8 / seconds / 1000,
                lost=reception.lost,
                run=reception.run,
                jitter_ms=reception.jitter_ms,
                hold_ms=reception.hold_ms,
                target_ms=reception.target_ms,
                concealed=reception.concealed,
                stretched=reception.stretched,
                their_lost=steering.their_lost,
            ),
            video_out=video_out,
            video_in=video_in,
        )
        self._since = now
        self._sent = self._heard = self._bit_rate = 0
