"""What one side of a call may send, and where it can be reached: the MEDIA field.

::

    MEDIA       = lp8 ufrag | lp8 pwd | u8 n, n x stream | u8 m, m x lp8 candidate
    stream (12) = u8 kind | u8 codec | u8 pt | u8 rtx_pt | u32 ssrc | u32 rtx_ssrc

Every bound is checked when a value is made, so a value in hand is within them, whether
it was parsed or is about to be sent. Kinds and codecs beyond those that this version
can receive have their numbers here and are refused by `voip.media.profile`; what a
candidate says is read where it is tried, by `voip.media.connect.candidates`.
Format: docs/formats/signalling.md.
"""

import re
from dataclasses import KW_ONLY, dataclass, field
from enum import IntEnum

from voip.errors import MalformedError
from voip.wire import Reader, be32, lp8

MAX_STREAMS = 8  # audio, two codecs each for video and screen, and room for a third
MAX_CANDIDATES = 16  # each costs connectivity checks to an address the peer chose
MAX_CANDIDATE = 255  # what lp8 holds; an RFC 8839 candidate is near 80 characters
# RFC 8839 §5.4: ice-char, at least 4 of them in a ufrag and 22 in a password.
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,255}", re.ASCII)
_PWD = re.compile(r"[A-Za-z0-9+/]{22,255}", re.ASCII)
# Printable ASCII: a candidate is shown by `doctor` and must not paint a terminal.
_CANDIDATE = re.compile(rf"[ -~]{{1,{MAX_CANDIDATE}}}", re.ASCII)
# RFC 5761 §4: with rtcp-mux, 64-95 collide with RTCP; 96-127 are the dynamic types.
_PAYLOAD_TYPES = range(96, 128)


class Kind(IntEnum):
    """What a stream shows."""

    AUDIO = 1
    VIDEO = 2
    SCREEN = 3


class Codec(IntEnum):
    """How a stream is coded; `RED` is Opus beside copies of earlier Opus (RFC 2198)."""

    OPUS = 1
    VP8 = 2
    H264 = 3
    AV1 = 4
    RED = 5


_SOUND = frozenset({Codec.OPUS, Codec.RED})


@dataclass(frozen=True, slots=True)
class Stream:
    """One RTP stream that its owner may send.

    Attributes:
        kind: audio, video or screen; audio is Opus or RED, and nothing else is.
        codec: how it is coded.
        pt: RTP payload type, 96-127.
        ssrc: RTP source, never 0.
        rtx_pt: payload type of retransmissions (RFC 4588), 0 where there are none.
        rtx_ssrc: source of retransmissions, 0 where there are none; not `ssrc`, for
            the same packet twice under one SSRC would repeat a GCM nonce.

    Raises:
        MalformedError: a value out of its bounds.
    """

    kind: Kind
    codec: Codec
    _: KW_ONLY
    pt: int
    ssrc: int
    rtx_pt: int = 0
    rtx_ssrc: int = 0

    def __post_init__(self) -> None:
        if (self.kind is Kind.AUDIO) != (self.codec in _SOUND):
            raise MalformedError(
                f"stream: {self.kind.name.lower()} coded as {self.codec.name.lower()}"
            )
        if self.pt not in _PAYLOAD_TYPES:
            raise MalformedError(
                f"stream: expected payload type 96-127, came {self.pt}"
            )
        if not self.ssrc:
            raise MalformedError("stream: expected an ssrc, came 0")
        if bool(self.rtx_ssrc) != bool(self.rtx_pt):
            raise MalformedError("stream: half a retransmission stream")
        if self.rtx_pt and (
            self.rtx_pt not in _PAYLOAD_TYPES or self.rtx_pt == self.pt
        ):
            raise MalformedError(
                f"stream: payload type {self.rtx_pt} cannot carry retransmissions"
            )

    @property
    def ssrcs(self) -> tuple[int, ...]:
        """Every source of the stream, retransmissions included."""
        return (self.ssrc, self.rtx_ssrc) if self.rtx_ssrc else (self.ssrc,)


@dataclass(frozen=True, slots=True)
class Description:
    """ICE credentials, streams and candidates of one side (ACCEPT, SELECT, UPGRADE).

    A restart of the path describes no streams: those of the call go on.

    Attributes:
        ufrag: ICE user name fragment, 4-255 ice-chars.
        pwd: ICE password, 22-255 ice-chars; only the peer may know it.
        streams: at most 8, no two sources the same.
        candidates: at most 16 values of the RFC 8839 `candidate` attribute.

    Raises:
        MalformedError: a value out of its bounds, or an SSRC used twice: two streams
            under one SSRC and one key would share SRTP keystream.
    """

    ufrag: str
    pwd: str = field(repr=False)
    _: KW_ONLY
    streams: tuple[Stream, ...] = ()
    candidates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_credentials(self.ufrag, self.pwd)
        check_candidates(self.candidates)
        if len(self.streams) > MAX_STREAMS:
            raise MalformedError(
                f"media: expected at most {MAX_STREAMS} streams, "
                f"came {len(self.streams)}"
            )
        ssrcs = [ssrc for stream in self.streams for ssrc in stream.ssrcs]
        if len(set(ssrcs)) != len(ssrcs):
            raise MalformedError("media: an ssrc is used twice")


def format_description(description: Description) -> bytes:
    """Write the MEDIA field."""
    streams = b"".join(
        bytes([stream.kind, stream.codec, stream.pt, stream.rtx_pt])
        + be32(stream.ssrc)
        + be32(stream.rtx_ssrc)
        for stream in description.streams
    )
    return (
        format_credentials(description.ufrag, description.pwd)
        + bytes([len(description.streams)])
        + streams
        + format_candidates(description.candidates)
    )


def read_description(reader: Reader) -> Description:
    """Read a MEDIA field.

    Raises:
        MalformedError: cut short, an unknown kind or codec, or out of bounds.
    """
    ufrag, pwd = read_credentials(reader)
    streams = tuple(_read_stream(reader) for _ in range(reader.u8()))
    return Description(
        ufrag=ufrag, pwd=pwd, streams=streams, candidates=read_candidates(reader)
    )


def _read_stream(reader: Reader) -> Stream:
    kind, codec = reader.u8(), reader.u8()
    if kind not in set(Kind) or codec not in set(Codec):
        raise MalformedError(f"stream: unknown kind {kind} or codec {codec}")
    pt, rtx_pt = reader.u8(), reader.u8()
    return Stream(
        kind=Kind(kind),
        codec=Codec(codec),
        pt=pt,
        rtx_pt=rtx_pt,
        ssrc=reader.u32(),
        rtx_ssrc=reader.u32(),
    )


def check_credentials(ufrag: str, pwd: str) -> None:
    """Check ICE credentials.

    Raises:
        MalformedError: too short, too long, or not ice-chars.
    """
    if not _UFRAG.fullmatch(ufrag) or not _PWD.fullmatch(pwd):
        raise MalformedError(
            "ice: expected a user fragment and a password of ice-chars"
        )


def format_credentials(ufrag: str, pwd: str) -> bytes:
    """Write lp8 ufrag, lp8 pwd."""
    return lp8(ufrag.encode("ascii")) + lp8(pwd.encode("ascii"))


def read_credentials(reader: Reader) -> tuple[str, str]:
    """Read lp8 ufrag, lp8 pwd; their maker checks them."""
    return _read_text(reader), _read_text(reader)


def check_candidates(candidates: tuple[str, ...]) -> None:
    """Check a list of candidates.

    Raises:
        MalformedError: more than 16, or one that is not 1-255 printable ASCII.
    """
    if len(candidates) > MAX_CANDIDATES:
        raise MalformedError(
            f"ice: expected at most {MAX_CANDIDATES} candidates, came {len(candidates)}"
        )
    if not all(_CANDIDATE.fullmatch(candidate) for candidate in candidates):
        raise MalformedError("ice: expected candidates of 1-255 printable ascii")


def format_candidates(candidates: tuple[str, ...]) -> bytes:
    """Write u8 n, n x lp8."""
    return bytes([len(candidates)]) + b"".join(
        lp8(candidate.encode("ascii")) for candidate in candidates
    )


def read_candidates(reader: Reader) -> tuple[str, ...]:
    """Read u8 n, n x lp8; their maker checks them."""
    return tuple(_read_text(reader) for _ in range(reader.u8()))


def _read_text(reader: Reader) -> str:
    raw = reader.lp8()
    if not raw.isascii():
        raise MalformedError("ice: expected ascii text")
    return raw.decode("ascii")
