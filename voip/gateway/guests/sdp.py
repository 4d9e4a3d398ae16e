"""Session descriptions of guests (RFC 8866, 8829): offers read; `answer` writes ours.

An offer is a stranger's text of some kilobytes. Of its several hundred possible lines
the ones below become values, and everything else is passed over: no parser but this one
ever sees it. The fingerprint is not believed: it must be the one that the handshake
bound.

Taken: BUNDLE (RFC 8843) over at most three sections, `UDP/TLS/RTP/SAVPF` with rtcp-mux,
Opus, VP8 and its retransmissions (RFC 4588), SSRCs, ICE credentials and candidates,
`setup:actpass`. The guest is the DTLS server, for which the answer says `active`.
"""

import ipaddress
import re
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from itertools import islice
from typing import Final

from voip.description import Codec, Description, Kind, Stream
from voip.errors import MalformedError, TrustError
from voip.gateway.guests.messages import MAX_SDP_BYTES

MAX_SECTIONS: Final = 3  # sound, camera, screen
MAX_CANDIDATES: Final = 32
MAX_LINES: Final = 800  # Chromium writes 250 for three sections

MAX_KEPT: Final = 16  # each costs checks to an address that a stranger chose

_MEDIA: Final = ("audio", "video", "video")
_CODECS: Final = {Kind.AUDIO: Codec.OPUS, Kind.VIDEO: Codec.VP8, Kind.SCREEN: Codec.VP8}
SEND, RECEIVE = 1, 2
DIRECTIONS: Final = {"sendrecv": 3, "sendonly": 1, "recvonly": 2, "inactive": 0}
"""As RFC 8866 §6.7 spells what a side does, in these bits."""
_MID: Final = re.compile(r"[A-Za-z0-9_{}-]{1,40}", re.ASCII)
# RFC 8839 §5.1: foundation, component, transport, priority, address, port, type
_CANDIDATE_FORM: Final = re.compile(
    r"([A-Za-z0-9+/]{1,32}) 1 [Uu][Dd][Pp] ([1-9]\d{0,9}) (\S{1,64}) ([1-9]\d{0,4}) "
    r"typ (host|srflx|relay)(?: .*)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Section:
    """One stream each way.

    Attributes:
        mid: the guest's name for it.
        kind: what it shows.
        pt: payload type of Opus or VP8, both ways.
        rtx_pt: of retransmissions, 0 where there are none.
        receives: the guest takes what we send.
    """

    mid: str
    kind: Kind
    _: KW_ONLY
    pt: int
    rtx_pt: int = 0
    receives: bool = True


@dataclass(frozen=True, slots=True)
class GuestOffer:
    """What is taken of an offer.

    Attributes:
        sections: in the guest's order, which the answer keeps.
        guest: where the guest can be reached, and the streams that he may send.
    """

    sections: tuple[Section, ...]
    guest: Description

    def ours(
        self, ssrcs: Callable[[], int], kinds: Container[Kind]
    ) -> tuple[Stream, ...]:
        """Describe what we send: of these kinds, what the guest takes.

        `ssrcs` gives SSRCs, each another one and not 0.
        """
        return tuple(
            Stream(
                section.kind,
                _CODECS[section.kind],
                pt=section.pt,
                ssrc=ssrcs(),
                rtx_pt=section.rtx_pt,
                rtx_ssrc=ssrcs() if section.rtx_pt else 0,
            )
            for section in self.sections
            if section.receives and section.kind in kinds
        )

    def theirs(self, kinds: Container[Kind]) -> Description:
        """Describe the guest, with those of his streams whose kind we take."""
        taken = (stream for stream in self.guest.streams if stream.kind in kinds)
        return replace(self.guest, streams=tuple(taken))


def parse_offer(text: str, fingerprint: bytes) -> GuestOffer:
    """Read a guest's offer; `fingerprint` is what the handshake bound, 32 bytes.

    Raises:
        MalformedError: over a limit, or not an offer as the page makes it.
        TrustError: another certificate than the handshake's.
    """
    session, sections = _split(text)
    everything = [line for part in (session, *sections) for line in part]
    _check_fingerprints(everything, fingerprint)
    if set(_values(everything, "a=setup:")) != {"actpass"}:
        raise MalformedError("sdp: expected setup:actpass")
    parsed, streams = [], []
    for index, lines in enumerate(sections):
        section, stream = _section(index, lines)
        parsed.append(section)
        streams += [] if stream is None else [stream]
    mids = [section.mid for section in parsed]
    bundled = [value.split() for value in _values(session, "a=group:")]
    if len(set(mids)) != len(mids) or ["BUNDLE", *mids] not in bundled:
        raise MalformedError("sdp: expected a bundle of all sections")
    return GuestOffer(
        tuple(parsed),
        Description(
            _one(everything, "a=ice-ufrag:"),
            _one(everything, "a=ice-pwd:"),
            streams=tuple(streams),
            candidates=tuple(islice(_candidates(everything), MAX_KEPT)),
        ),
    )


def format_fingerprint(fingerprint: bytes) -> str:
    """Write a SHA-256 as RFC 8122 §5 does."""
    return fingerprint.hex(":").upper()


def _split(text: str) -> tuple[list[str], list[list[str]]]:
    """Give the lines before the first section, and those of each."""
    size = len(text.encode(errors="replace"))
    if size > MAX_SDP_BYTES:
        raise MalformedError(
            f"sdp: expected at most {MAX_SDP_BYTES} bytes, came {size}"
        )
    lines = text.split("\r\n")
    if len(lines) > MAX_LINES:
        raise MalformedError(
            f"sdp: expected at most {MAX_LINES} lines, came {len(lines)}"
        )
    session: list[str] = []
    sections: list[list[str]] = []
    for line in lines:
        if line.startswith("m="):
            sections.append([])
        (sections[-1] if sections else session).append(line)
    if not 1 <= len(sections) <= MAX_SECTIONS:
        raise MalformedError(
            f"sdp: expected 1-{MAX_SECTIONS} sections, came {len(sections)}"
        )
    return session, sections


def _check_fingerprints(lines: Iterable[str], bound: bytes) -> None:
    """Check that there is no certificate but the one that the handshake bound."""
    expected = f"sha-256 {format_fingerprint(bound)}".lower()
    found = {value.lower() for value in _values(lines, "a=fingerprint:")}
    # One line more would be one certificate more that may speak for the guest.
    if found != {expected}:
        raise TrustError(
            "certificate in the session description is not the handshake's"
        )


def _section(index: int, lines: list[str]) -> tuple[Section, Stream | None]:
    """Read a section, and what the guest sends in it, if anything."""
    medium, _, rest = lines[0].removeprefix("m=").partition(" ")
    words = rest.split()
    if medium != _MEDIA[index] or words[1:2] != ["UDP/TLS/RTP/SAVPF"]:
        raise MalformedError(f"sdp: section {index}: no {_MEDIA[index]} over SRTP")
    if "a=rtcp-mux" not in lines:
        raise MalformedError(f"sdp: section {index}: expected rtcp-mux")
    mid = _one(lines, "a=mid:")
    if not _MID.fullmatch(mid):
        raise MalformedError(f"sdp: section {index}: a mid of another alphabet")
    kind = tuple(Kind)[index]
    pt, rtx_pt = _payload_types(kind, lines, words[2:])
    # RFC 8866 §6.7: without a direction it is both.
    bits = next((DIRECTIONS[line[2:]] for line in lines if line[2:] in DIRECTIONS), 3)
    receives = bool(bits & RECEIVE)
    if kind is Kind.AUDIO and not receives:
        # Our sound is the clock of the connection, and of its reports.
        raise MalformedError("sdp: expected a guest who takes sound")
    section = Section(mid, kind, pt=pt, rtx_pt=rtx_pt, receives=receives)
    if not bits & SEND:
        return section, None
    ssrc, rtx_ssrc = _ssrcs(lines)
    again = (rtx_pt, rtx_ssrc) if rtx_pt and rtx_ssrc else (0, 0)
    stream = Stream(
        *(kind, _CODECS[kind]),
        pt=pt,
        ssrc=ssrc,
        rtx_pt=again[0],
        rtx_ssrc=again[1],
    )
    return section, stream


def _payload_types(kind: Kind, lines: list[str], offered: list[str]) -> tuple[int, int]:
    """Find Opus or VP8 among what is offered, and its retransmissions."""
    name = "opus/48000/2" if kind is Kind.AUDIO else "vp8/90000"
    mapped = (value.partition(" ") for value in _values(lines, "a=rtpmap:"))
    maps = {number: codec.lower() for number, _, codec in mapped if number in offered}
    found = next((number for number, codec in maps.items() if codec == name), "")
    parameters = list(_values(lines, "a=fmtp:"))
    again = next(
        (
            number
            for number, codec in maps.items()
            if codec == "rtx/90000" and f"{number} apt={found}" in parameters
        ),
        "",
    )
    return _type(found), _type(again) if again else 0


def _type(number: str) -> int:
    """Read a payload type; `Stream` checks its range."""
    if not re.fullmatch(r"\d{1,3}", number, re.ASCII):
        raise MalformedError("sdp: expected Opus or VP8, came neither")
    return int(number)


def _ssrcs(lines: list[str]) -> tuple[int, int]:
    """Find what the guest sends from, and what his retransmissions (0: none)."""
    for value in _values(lines, "a=ssrc-group:FID "):
        first, _, second = value.partition(" ")
        return _ssrc(first), _ssrc(second)
    first = next(_values(lines, "a=ssrc:"), "").partition(" ")[0]
    return _ssrc(first), 0


def _ssrc(text: str) -> int:
    if not re.fullmatch(r"\d{1,10}", text, re.ASCII) or int(text) >> 32:
        raise MalformedError("sdp: expected an ssrc of 32 bits")
    return int(text)


def _candidates(lines: Iterable[str]) -> Iterator[str]:
    """Give the candidates over UDP whose address is a number, in our spelling.

    A name would have to be looked up, which tells others of the call; browsers that
    hide their address behind one are found by the checks that they send.
    """
    values = list(_values(lines, "a=candidate:"))
    if len(values) > MAX_CANDIDATES:
        raise MalformedError(
            f"sdp: expected at most {MAX_CANDIDATES} candidates, came {len(values)}"
        )
    for value in values:
        match = _CANDIDATE_FORM.fullmatch(value)
        if match is None or int(match[2]) >> 31 or int(match[4]) >> 16:
            continue
        try:
            address = ipaddress.ip_address(match[3])
        except ValueError:
            continue
        if "%" not in match[3]:  # a zone is this machine's and not the guest's
            yield f"{match[1]} 1 udp {match[2]} {address} {match[4]} typ {match[5]}"


def _values(lines: Iterable[str], name: str) -> Iterator[str]:
    return (line[len(name) :] for line in lines if line.startswith(name))


def _one(lines: Iterable[str], name: str) -> str:
    """Give the one value of an attribute, which the whole bundle may repeat."""
    values = set(_values(lines, name))
    if len(values) != 1:
        raise MalformedError(f"sdp: expected one {name[2:-1]}, came {len(values)}")
    return values.pop()
