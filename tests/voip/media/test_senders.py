"""aiortc's senders and receivers, as we set them up, on a wire that loses packets."""

import asyncio

from aiortc.rtp import RtpPacket
from av import AudioFrame

from tests.voip.media.call_media import Pattern, Seen
from tests.voip.media.memory import End, settle, start
from voip.media import rtp
from voip.media.audio.track import OpusEncoder
from voip.media.profile import AUDIO_PT, VIDEO_RTX_PT, audio_stream, video_stream
from voip.media.senders import FRAMES_IN_HAND, start_receiver, start_sender
from voip.media.sources import FRAME_SAMPLES, SILENCE
from voip.media.video.track import IncomingVideo, OutgoingVideo

VIDEO = video_stream(0xA, 0xB)
LOST = 3  # which of the first pictures' packets does not arrive


def _media(datagrams: list[bytes]) -> list[bytes]:
    return [d for d in datagrams if rtp.is_srtp(d) and not rtp.is_rtcp(d)]


async def _carry(caller: End, callee: End, window: Seen) -> list[bytes]:
    """Carry pictures, less one packet, until five are shown."""
    carried: list[bytes] = []
    while len(window.pictures) < 5:
        for datagram in caller.take():
            carried.append(datagram)
            if len(_media(carried)) != LOST:
                await callee.hear(datagram)
        await caller.hear(*callee.take())
        await asyncio.sleep(0.005)
    return carried


async def test_a_lost_picture_comes_again_under_an_ssrc_of_its_own() -> None:
    caller, callee = await start()
    track, window = OutgoingVideo(Pattern()), Seen()
    track.set_on(on=True)
    receiver = await start_receiver(callee.transport, VIDEO, own_ssrc=0xC)
    sender = await start_sender(caller.transport, track, VIDEO)
    showing = asyncio.ensure_future(IncomingVideo(receiver, window).run())
    async with asyncio.timeout(10):
        carried = await _carry(caller, callee, window)
    await sender.stop()
    await receiver.stop()
    await showing
    for end in (caller, callee):
        await end.transport.stop()
    headers = [RtpPacket.parse(datagram) for datagram in _media(carried)]

    assert {(h.ssrc, h.payload_type) for h in headers} == {
        (VIDEO.ssrc, VIDEO.pt),
        (VIDEO.rtx_ssrc, VIDEO_RTX_PT),
    }


async def test_audio_has_no_retransmissions() -> None:
    caller, callee = await start()
    receiver = await start_receiver(callee.transport, audio_stream(1), own_ssrc=2)
    expected = callee.transport._expected
    await receiver.stop()
    await settle()
    for end in (caller, callee):
        await end.transport.stop()

    assert expected == {1: 96}


async def test_sound_is_played_once_three_more_frames_are_in_hand() -> None:
    caller, callee = await start()
    receiver = await start_receiver(callee.transport, audio_stream(1), own_ssrc=2)
    encoder = OpusEncoder()
    for number in range(1 + FRAMES_IN_HAND):
        header = rtp.Header(
            marker=False,
            payload_type=AUDIO_PT,
            sequence=number,
            timestamp=number * FRAME_SAMPLES,
            ssrc=1,
        )
        payload = bytes(encoder.encode(SILENCE, number * FRAME_SAMPLES))
        await caller.transport._send_rtp(rtp.format_header(header) + payload)
    await callee.hear(*caller.take())
    async with asyncio.timeout(10):
        played = await receiver.track.recv()
    await receiver.stop()
    for end in (caller, callee):
        await end.transport.stop()

    assert isinstance(played, AudioFrame)
