"""What we and a forwarding server say to each other about one leg: SDP (RFC 8866).

Pure. We offer what we publish and answer what we subscribe to, one leg for each; of
the server's words only the few that a leg needs are read, everything else is skipped.
A leg has at most three streams, named by payload types that are constants of ours
(`voip.media.forwarding`), since the server keeps those of the sender.

The fingerprint comes from the server itself, so it shows nothing about who that is;
it only keeps others on the way out.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from voip.description import MAX_CANDIDATES, Description, Kind, Stream
from voip.errors import MalformedError
from voip.gateway.sfu import MAX_SDP_BYTES, Sdp
from voip.media.connect.candidates import parse_candidate
from voip.media.forwarding import KINDS

MAX_LINES = 8  # media lines; a feed has three, and data channels may be offered
MAX_FORMATS = 32  # payload types of one of them
_FINGERPRINT = re.compile(r"sha-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})", re.ASCII)
_MEDIA = re.compile(r"(audio|video|application|text) (\d{1,5}) (\S+) (.+)", re.ASCII)
_MID = re.compile(r"[!-~]{1,32}", re.ASCII)
_APT = re.compile(r"(\d{1,3}) apt=(\d{1,3})", re.ASCII)
_NUMBER = re.compile(r"\d{1,3}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One media line (an m-line) of the server.

    Attributes:
        mid: its name.
        media: `audio`, `video` or another.
        pt: payload type, one of `KINDS`; None: nothing that we take.
        rtx_pt: payload type of repeats; None: they come as they came first.
    """

    mid: str
    media: str
    pt: int | None = None
    rtx_pt: int | None = None

    @property
    def kind(self) -> Kind | None:
        """What is in it; None: nothing that we take."""
        return None if self.pt is None else KINDS[self.pt]


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
    lines = [*_head(line.mid for line in far.lines if line.pt is not None)]
    for line in far.lines:
        if line.pt is None:
            lines += [f"m={line.media} 0 UDP/TLS/RTP/SAVPF 0", f"a=mid:{line.mid}"]
            lines += ["c=IN IP4 0.0.0.0", "a=inactive"]
            continue
        formats = [line.pt] if line.rtx_pt is None else [line.pt, line.rtx_pt]
        lines += [
            _media(line.media, formats),
            f"a=mid:{line.mid}",
            "a=recvonly",
            *_leg(near, "active"),
            *_codec(line.media, line.pt, line.rtx_pt or 0),
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
        lines=tuple(map(_line, sections)),
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


def _line(section: _Attributes) -> Line:
    match = _MEDIA.fullmatch(section[0][1])
    mid = _only(section, "mid")
    if match is None or _MID.fullmatch(mid) is None:
        raise MalformedError(f"sdp: not a media line: {section[0][1][:80]!r}")
    formats = match[4].split()
    if len(formats) > MAX_FORMATS or not all(map(_NUMBER.fullmatch, formats)):
        raise MalformedError(f"sdp: {len(formats)} formats in a media line")
    off = match[2] == "0" or ("inactive", "") in section
    taken = [pt for pt in map(int, formats) if _is_of(pt, match[1])]
    if off or not taken:
        return Line(mid=mid, media=match[1])
    pt = taken[0]
    repeats = [
        int(apt[1])
        for name, value in section
        if name == "fmtp"
        and (apt := _APT.fullmatch(value))
        and int(apt[2]) == pt
        and apt[1] in formats
    ]
    rtx_pt = repeats[0] if repeats and repeats[0] != pt else None
    return Line(mid=mid, media=match[1], pt=pt, rtx_pt=rtx_pt)


def _is_of(pt: int, media: str) -> bool:
    kind = KINDS.get(pt)
    return kind is not None and (kind is Kind.AUDIO) == (media == "audio")


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
