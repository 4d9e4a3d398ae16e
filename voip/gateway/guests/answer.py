"""Answers to the session descriptions of guests (RFC 8866, 8829).

Written from values alone, none of which is a guest's text but his names for sections
and types: no header extension, of which one would tell the loudness of every packet,
can be agreed on.
"""

from collections.abc import Container, Iterator
from typing import Final

from voip.description import Description, Kind, Stream
from voip.gateway.guests.sdp import (
    DIRECTIONS,
    RECEIVE,
    SEND,
    GuestOffer,
    Section,
    format_fingerprint,
)

_OPUS: Final = (
    "minptime=20;useinbandfec=1;cbr=1;usedtx=0;stereo=0;maxaveragebitrate=32000"
)
_DIRECTIONS: Final = {bits: name for name, bits in DIRECTIONS.items()}


def format_answer(
    offer: GuestOffer, own: Description, *, fingerprint: bytes, takes: Container[Kind]
) -> str:
    """Write the answer to an offer.

    Args:
        offer: what is answered.
        own: where we can be reached, and what we send (see `GuestOffer.ours`).
        fingerprint: SHA-256 of our DTLS certificate.
        takes: the kinds that we receive.
    """
    lines = [
        "v=0",
        # RFC 8829 §5.3.1; the numbers say nothing: each connection is another session
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(section.mid for section in offer.sections),
        "a=msid-semantic: WMS *",
    ]
    streams = {stream.kind: stream for stream in own.streams}
    theirs = {stream.kind for stream in offer.guest.streams}
    for index, section in enumerate(offer.sections):
        is_taken = section.kind in takes and section.kind in theirs
        lines += _format_transport(section, own, fingerprint)
        lines += _format_stream(section, streams.get(section.kind), is_taken=is_taken)
        if index == 0:  # RFC 8829 §5.3.1: once for the whole bundle
            lines += [f"a=candidate:{each}" for each in own.candidates]
            lines.append("a=end-of-candidates")
    return "\r\n".join(lines) + "\r\n"


def _format_transport(
    section: Section, own: Description, fingerprint: bytes
) -> Iterator[str]:
    medium = "audio" if section.kind is Kind.AUDIO else "video"
    types = f"{section.pt} {section.rtx_pt}" if section.rtx_pt else f"{section.pt}"
    yield f"m={medium} 9 UDP/TLS/RTP/SAVPF {types}"
    yield "c=IN IP4 0.0.0.0"
    yield f"a=mid:{section.mid}"
    yield f"a=ice-ufrag:{own.ufrag}"
    yield f"a=ice-pwd:{own.pwd}"
    yield f"a=fingerprint:sha-256 {format_fingerprint(fingerprint)}"
    yield "a=setup:active"
    yield "a=rtcp-mux"


def _format_stream(
    section: Section, ours: Stream | None, *, is_taken: bool
) -> Iterator[str]:
    sends = SEND if ours is not None else 0
    yield f"a={_DIRECTIONS[sends | (RECEIVE if is_taken else 0)]}"
    if section.kind is Kind.AUDIO:
        yield f"a=rtpmap:{section.pt} opus/48000/2"
        yield f"a=fmtp:{section.pt} {_OPUS}"
        yield "a=ptime:20"
        yield "a=maxptime:20"
    else:
        yield f"a=rtpmap:{section.pt} VP8/90000"
        yield f"a=rtcp-fb:{section.pt} nack"
        yield f"a=rtcp-fb:{section.pt} nack pli"
        if section.rtx_pt:
            yield f"a=rtpmap:{section.rtx_pt} rtx/90000"
            yield f"a=fmtp:{section.rtx_pt} apt={section.pt}"
    if ours is not None:
        name = section.kind.name.lower()
        yield f"a=msid:{name} {name}"
        if ours.rtx_ssrc:
            yield f"a=ssrc-group:FID {ours.ssrc} {ours.rtx_ssrc}"
        # Chromium takes the first one named for the stream, whatever its group says.
        yield f"a=ssrc:{ours.ssrc} cname:call"
        if ours.rtx_ssrc:
            yield f"a=ssrc:{ours.rtx_ssrc} cname:call"
