"""What we and a forwarding server say to each other about one leg: SDP (RFC 8866).

Pure. We offer what we publish and answer what we subscribe to, one leg for each; of
the server's words only the few that a leg needs are read, everything else is skipped.
A leg has a line of sound, then one for the camera and one for the screen; a server
that orders them otherwise shows nothing, for what a packet is lies within its seal.

The fingerprint comes from the server itself, so it shows nothing about who that is;
it only keeps others on the way out.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from voip.description import MAX_CANDIDATES, Description, Kind, Stream
from voip.errors import MalformedError
from voip.gateway.rooms.sfu import MAX_SDP_BYTES, Sdp
from voip.media.connect.candidates import parse_candidate

MAX_LINES = 8  # media lines; a feed has three, and data channels may be offered
_FINGERPRINT = re.compile(r"sha-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})", re.ASCII)
_MEDIA = re.compile(r"(audio|video|application|text) (\d{1,5}) (\S+) (.+)", re.ASCII)
_MID = re.compile(r"[!-~]{1,32}", re.ASCII)
_PT = r"(9[6-9]|1[01]\d|12[0-7])"  # RFC 5761 §4: the dynamic types
_APT = re.compile(rf"{_PT} apt=(\d{{1,3}})", re.ASCII)
_CODECS = {
    "audio": re.compile(rf"{_PT} opus/48000/2", re.ASCII | re.IGNORECASE),
    "video": re.compile(rf"{_PT} VP8/90000", re.ASCII | re.IGNORECASE),
}
_FID = re.compile(r"FID (\d{1,10}) (\d{1,10})", re.ASCII)
_SSRC = re.compile(r"(\d{1,10}) ", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One media line (an m-line) of the server, and how its packets are numbered.

    Attributes:
        mid: its name.
        media: `audio`, `video` or another.
        kind: what is in it; None: nothing that we take.
        pt: payload type; 0 where there is no `kind`.
        rtx_pt: payload type of repeats (RFC 4588); 0: they come as they came first.
        ssrc: the server's source; 0 where it sends nothing.
        rtx_ssrc: its source of repeats; likewise.
    """

    mid: str
    media: str
    kind: Kind | None = None
    pt: int = 0
    rtx_pt: int = 0
    ssrc: int = 0
    rtx_ssrc: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Far:
    """The server's side of one leg.

    Attributes:
        description: how to reach it; no streams.
        fingerprint: SHA-256 of its DTLS certificate, 32 bytes.
        is_client: it wants to begin DTLS; else it waits for us, or leaves the choice.
        is_lite: it does not look for a way itself (RFC 8445 §2.5).
        lines: what it offers or takes, in its order.
    """

    description: Description = field(repr=False)
    fingerprint: bytes
    is_client: bool
    is_lite: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """Our side of one leg.

    Attributes:
        description: how to reach us.
        fingerprint: SHA-256 of our DTLS certificate, 32 bytes.
    """

    description: Description = field(repr=False)
    fingerprint: bytes


def format_offer(near: Near, streams: Sequence[Stream]) -> Sdp:
    """Offer to send these streams."""
    lines = [*_head(range(len(streams)))]
    for mid, stream in enumerate(streams):
        formats = [stream.pt, stream.rtx_pt] if stream.rtx_pt else [stream.pt]
        media = "audio" if stream.kind is Kind.AUDIO else "video"
        lines += [
            _media(media, formats),
            f"a=mid:{mid}",
            "a=sendonly",
            *_leg(near, "actpass"),
            *_codec(media, stream.pt, stream.rtx_pt),
        ]
        if stream.rtx_ssrc:
            lines.append(f"a=ssrc-group:FID {stream.ssrc} {stream.rtx_ssrc}")
        lines += [f"a=ssrc:{ssrc} cname:call" for ssrc in stream.ssrcs]
    return _join(lines)


def format_answer(near: Near, far: Far) -> Sdp:
    """Take of the server's offer what we know, and begin DTLS ourselves."""
    lines = [*_head(line.mid for line in far.lines if line.kind is not None)]
    for line in far.lines:
        if line.kind is None:
            lines += [f"m={line.media} 0 UDP/TLS/RTP/SAVPF 0", f"a=mid:{line.mid}"]
            lines += ["c=IN IP4 0.0.0.0", "a=inactive"]
            continue
        formats = [line.pt, line.rtx_pt] if line.rtx_pt else [line.pt]
        lines += [
            _media(line.media, formats),
            f"a=mid:{line.mid}",
            "a=recvonly",
            *_leg(near, "active"),
            *_codec(line.media, line.pt, line.rtx_pt),
        ]
    return _join(lines)


def parse_far(sdp: Sdp) -> Far:
    """Read an offer or an answer of the server.

    Raises:
        MalformedError: too long, no SDP, or without what a leg needs.
    """
    if len(sdp) > MAX_SDP_BYTES or not sdp.isascii():
        raise MalformedError(
            f"sdp: expected at most {MAX_SDP_BYTES} bytes of ASCII, came {len(sdp)}"
        )
    session, *sections = _sections(sdp)
    if not 0 < len(sections) <= MAX_LINES:
        raise MalformedError(
            f"sdp: expected 1 to {MAX_LINES} media lines, came {len(sections)}"
        )
    # Everything is bundled: what the first line says of the way holds for all.
    ours = [*session, *sections[0]]
    return Far(
        description=Description(
            _only(ours, "ice-ufrag"),
            _only(ours, "ice-pwd"),
            candidates=_candidates(ours),
        ),
        fingerprint=_fingerprint(
            [*session, *(line for each in sections for line in each)]
        ),
        is_client=_only(ours, "setup") == "active",
        is_lite=("ice-lite", "") in session,
        lines=tuple(_lines(sections)),
    )


_Attributes = list[tuple[str, str]]


def _sections(sdp: str) -> Iterator[_Attributes]:
    """Split into the session's attributes and each media line's.

    A media line's own text stands first, under the name `m`.
    """
    section: _Attributes = []
    for line in sdp.splitlines():
        if line.startswith("m="):
            yield section
            section = [("m", line[2:])]
        elif line.startswith("a="):
            name, _, value = line[2:].partition(":")
            section.append((name, value))
    yield section


def _only(attributes: Iterable[tuple[str, str]], name: str) -> str:
    values = {value for each, value in attributes if each == name}
    if len(values) != 1:
        raise MalformedError(f"sdp: expected one {name}, came {len(values)}")
    return values.pop()


def _fingerprint(attributes: _Attributes) -> bytes:
    match = _FINGERPRINT.fullmatch(_only(attributes, "fingerprint"))
    if match is None:
        raise MalformedError("sdp: expected a sha-256 fingerprint, came another")
    return bytes.fromhex(match[1].replace(":", ""))


def _candidates(attributes: _Attributes) -> tuple[str, ...]:
    """Give those that our agent can try: UDP, to addresses in digits."""
    found = []
    for name, value in attributes:
        if name != "candidate":
            continue
        words = value.split()[:12]
        if len(words) > 2:
            words[2] = words[2].lower()
        end = 12 if words[8:9] == ["raddr"] else 8
        text = " ".join(words[:end])
        try:
            parse_candidate(text)
        except MalformedError:
            continue  # TCP, a name, a second component: another may do
        found.append(text)
    return tuple(found[:MAX_CANDIDATES])


def _lines(sections: Iterable[_Attributes]) -> Iterator[Line]:
    left = {"audio": [Kind.AUDIO], "video": [Kind.SCREEN, Kind.VIDEO]}
    for section in sections:
        match = _MEDIA.fullmatch(section[0][1])
        mid = _only(section, "mid")
        if match is None or _MID.fullmatch(mid) is None:
            raise MalformedError(f"sdp: not a media line: {section[0][1][:80]!r}")
        kinds = left.get(match[1])
        kind = kinds.pop() if kinds else None
        line = Line(mid=mid, media=match[1])
        is_off = match[2] == "0" or ("inactive", "") in section
        yield line if kind is None or is_off else _taken(line, kind, section)


def _taken(line: Line, kind: Kind, section: _Attributes) -> Line:
    codec = _CODECS[line.media]
    types = [
        int(match[1])
        for name, value in section
        if name == "rtpmap" and (match := codec.fullmatch(value))
    ]
    if not types:
        return line
    pt = types[0]
    repeats = [
        int(match[1])
        for name, value in section
        if name == "fmtp" and (match := _APT.fullmatch(value)) and int(match[2]) == pt
    ]
    ssrc, rtx_ssrc = _sources(section)
    return replace(
        line,
        kind=kind,
        pt=pt,
        rtx_pt=repeats[0] if repeats and repeats[0] != pt else 0,
        ssrc=ssrc,
        rtx_ssrc=rtx_ssrc,
    )


def _sources(section: _Attributes) -> tuple[int, int]:
    """Read the source and that of its repeats (RFC 5576); 0 where there is none."""
    for name, value in section:
        if name == "ssrc-group" and (match := _FID.fullmatch(value)):
            return _source(match[1]), _source(match[2])
    for name, value in section:
        if name == "ssrc" and (match := _SSRC.match(value)):
            return _source(match[1]), 0
    return 0, 0


def _source(digits: str) -> int:
    ssrc = int(digits)
    if not 0 < ssrc < 1 << 32:
        raise MalformedError(f"sdp: expected an ssrc of 32 bits, came {ssrc}")
    return ssrc


def _head(mids: Iterable[object]) -> Iterator[str]:
    # RFC 8829 §5.2.1: a session id of no meaning, and no address.
    yield from ("v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0")
    yield "a=group:BUNDLE " + " ".join(map(str, mids))


def _media(media: str, formats: Iterable[int]) -> str:
    return f"m={media} 9 UDP/TLS/RTP/SAVPF " + " ".join(map(str, formats))


def _leg(near: Near, setup: str) -> Iterator[str]:
    yield "c=IN IP4 0.0.0.0"
    yield "a=rtcp-mux"
    yield f"a=ice-ufrag:{near.description.ufrag}"
    yield f"a=ice-pwd:{near.description.pwd}"
    yield f"a=fingerprint:sha-256 {near.fingerprint.hex(':').upper()}"
    yield f"a=setup:{setup}"
    for candidate in near.description.candidates:
        yield f"a=candidate:{candidate}"
    yield "a=end-of-candidates"


def _codec(media: str, pt: int, rtx_pt: int) -> Iterator[str]:
    if media == "audio":
        yield f"a=rtpmap:{pt} opus/48000/2"
        return
    yield f"a=rtpmap:{pt} VP8/90000"
    yield f"a=rtcp-fb:{pt} nack"
    yield f"a=rtcp-fb:{pt} nack pli"
    if rtx_pt:
        yield f"a=rtpmap:{rtx_pt} rtx/90000"
        yield f"a=fmtp:{rtx_pt} apt={pt}"


def _join(lines: Iterable[str]) -> Sdp:
    return Sdp("\r\n".join((*lines, "")))
