"""aiortc's RTP senders and receivers, set up by hand instead of through SDP.

Payload types are constants and no header extension is asked for: the usual ones
(loudness, send time) stand outside the encryption.
"""

from aiortc import MediaStreamTrack, RTCRtpReceiver, RTCRtpSender
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtcrtpparameters import (
    RTCRtcpFeedback,
    RTCRtcpParameters,
    RTCRtpCodecParameters,
    RTCRtpDecodingParameters,
    RTCRtpReceiveParameters,
    RTCRtpRtxParameters,
    RTCRtpSendParameters,
)
from aiortc.rtcrtpreceiver import RemoteStreamTrack

from voip.description import Kind, Stream
from voip.media.transport import IkSrtpTransport

FRAMES_IN_HAND = 3
"""Frames of 20 ms that wait behind the one being played. aiortc keeps 4; each is delay
from the first word to the last, and 60 ms cover the jitter of common networks."""
_JITTER_FRAMES = 16  # aiortc's own; a power of two, as it asks for
CNAME = "call"  # the same for everybody: the usual random one outlives a call


async def start_sender(
    transport: IkSrtpTransport, track: MediaStreamTrack, stream: Stream
) -> RTCRtpSender:
    """Send a track as one of our streams, from now on."""
    sender = RTCRtpSender(track, transport)
    sender._ssrc = stream.ssrc  # noqa: SLF001 -- test_contracts.py
    sender._rtx_ssrc = stream.rtx_ssrc  # noqa: SLF001 -- likewise
    await sender.send(
        RTCRtpSendParameters(
            codecs=_codecs(stream), rtcp=RTCRtcpParameters(cname=CNAME, mux=True)
        )
    )
    return sender


async def start_receiver(
    transport: IkSrtpTransport, stream: Stream, *, own_ssrc: int
) -> RTCRtpReceiver:
    """Receive and decode one of the peer's streams; reports come from `own_ssrc`."""
    kind = stream.kind.name.lower()
    receiver = RTCRtpReceiver(kind, transport)
    receiver._track = RemoteStreamTrack(kind)  # noqa: SLF001 -- test_contracts.py
    receiver._set_rtcp_ssrc(own_ssrc)  # noqa: SLF001 -- likewise
    if stream.kind is Kind.AUDIO:
        buffer = JitterBuffer(capacity=_JITTER_FRAMES, prefetch=FRAMES_IN_HAND)
        receiver._RTCRtpReceiver__jitter_buffer = buffer  # type: ignore[attr-defined]  # noqa: SLF001 -- test_contracts.py
    rtx = RTCRtpRtxParameters(stream.rtx_ssrc) if stream.rtx_ssrc else None
    await receiver.receive(
        RTCRtpReceiveParameters(
            codecs=_codecs(stream),
            encodings=[
                RTCRtpDecodingParameters(
                    ssrc=stream.ssrc, payloadType=stream.pt, rtx=rtx
                )
            ],
        )
    )
    transport.expect(stream)
    return receiver


def _codecs(stream: Stream) -> list[RTCRtpCodecParameters]:
    if stream.kind is Kind.AUDIO:
        return [
            RTCRtpCodecParameters(
                mimeType="audio/opus",
                clockRate=48000,
                channels=2,
                payloadType=stream.pt,
            )
        ]
    return [
        RTCRtpCodecParameters(
            mimeType="video/VP8",
            clockRate=90000,
            payloadType=stream.pt,
            rtcpFeedback=[RTCRtcpFeedback("nack"), RTCRtcpFeedback("nack", "pli")],
        ),
        RTCRtpCodecParameters(
            mimeType="video/rtx",
            clockRate=90000,
            payloadType=stream.rtx_pt,
            parameters={"apt": stream.pt},
        ),
    ]
