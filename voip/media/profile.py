"""Which streams this version has, as an RTP profile says it (RFC 3550 §13).

The callee offers: of each kind one stream per codec, the best first, each with SSRCs of
its own. The caller selects: one stream of each kind that both have, and both directions
are coded alike from then on. A side describes whatever it could send or show during the
call, so that pictures begin and end by a word (STATE) and no table changes.
Payload types are constants; another number is refused. Format: docs/formats/media.md.
"""

from collections.abc import Callable, Iterator, Sequence

from voip.description import Codec, Description, Kind, Stream
from voip.errors import RefusedError

AUDIO_PT = 96
"""RED; within its payload are `OPUS_PT`, `EVENT_PT` and `FILLER_PT`."""
OPUS_PT, EVENT_PT, FILLER_PT = 97, 98, 99
PLAIN_PT = 100
"""Opus without RED, for peers of other makes."""
STEADY_PT = 110
"""Pictures in packets of one size at a fixed beat."""
_PICTURES: dict[tuple[Kind, Codec], tuple[int, int]] = {
    (Kind.VIDEO, Codec.VP8): (102, 103),
    (Kind.VIDEO, Codec.AV1): (104, 105),
    (Kind.SCREEN, Codec.VP8): (106, 107),
    (Kind.SCREEN, Codec.AV1): (108, 109),
}
"""Payload types of a stream and of its retransmissions."""
RTX_PTS = frozenset(rtx for _, rtx in _PICTURES.values())


def audio_stream(ssrc: int) -> Stream:
    """Describe the one audio stream of a side."""
    return Stream(Kind.AUDIO, Codec.RED, pt=AUDIO_PT, ssrc=ssrc)


def picture_stream(kind: Kind, codec: Codec, ssrc: int, rtx_ssrc: int) -> Stream:
    """Describe a stream of pictures; without `rtx_ssrc` (0) it is a steady one."""
    if not rtx_ssrc:
        return Stream(kind, codec, pt=STEADY_PT, ssrc=ssrc)
    pt, rtx_pt = _PICTURES[kind, codec]
    return Stream(kind, codec, pt=pt, ssrc=ssrc, rtx_pt=rtx_pt, rtx_ssrc=rtx_ssrc)


def is_steady(stream: Stream) -> bool:
    """Tell whether the packets of a stream have one size at a fixed beat."""
    return stream.pt == STEADY_PT


def offer(
    codecs: Sequence[Codec],
    *,
    steady: bool,
    entropy: Callable[[int], bytes],
    sound_ssrc: int | None = None,
) -> tuple[Stream, ...]:
    """Describe everything that a side could send.

    Args:
        codecs: of pictures, the best first; none if the side takes no part in any.
        steady: pictures leave in packets of one size.
        entropy: gives so many random bytes, for the SSRCs.
        sound_ssrc: that of sound, where the other side knows it already.
    """
    ssrcs = _fresh_ssrcs(entropy, sound_ssrc)
    return (
        audio_stream(next(ssrcs)),
        *(
            picture_stream(kind, codec, next(ssrcs), 0 if steady else next(ssrcs))
            for kind in (Kind.VIDEO, Kind.SCREEN)
            for codec in codecs
        ),
    )


def select(ours: Sequence[Stream], offered: Sequence[Stream]) -> tuple[Stream, ...]:
    """Choose, of each kind, the first codec offered that is also among `ours`."""
    return _matching(offered, ours)


def selected(ours: Sequence[Stream], selection: Sequence[Stream]) -> tuple[Stream, ...]:
    """Give those of our offered streams that the other side selected.

    Raises:
        RefusedError: it selected what we did not offer.
    """
    chosen = _matching(selection, ours)
    if len(chosen) != len(selection):
        raise RefusedError("streams: selected what was not offered")
    return chosen


def check_offer(remote: Description) -> None:
    """Check that a description offers what this version can receive.

    Raises:
        RefusedError: other than one audio stream, a codec offered twice, or a codec or
            payload type that this version does not have.
    """
    _check(remote.streams, [(each.kind, each.codec) for each in remote.streams])


def check_selection(remote: Description) -> None:
    """Check that a description selects one stream of each kind.

    Raises:
        RefusedError: two streams of one kind, or what `check_offer` refuses.
    """
    _check(remote.streams, [each.kind for each in remote.streams])


def _check(streams: Sequence[Stream], distinct: Sequence[object]) -> None:
    kinds = [stream.kind for stream in streams]
    if kinds.count(Kind.AUDIO) != 1 or len(set(distinct)) != len(distinct):
        raise RefusedError(
            "streams: expected one audio stream and distinct others, came "
            + (", ".join(kind.name.lower() for kind in kinds) or "none")
        )
    for stream in streams:
        types = stream.pt, stream.rtx_pt
        if types not in _types(stream.kind, stream.codec):
            raise RefusedError(f"streams: not one of this version: {stream}")


def _types(kind: Kind, codec: Codec) -> list[tuple[int, int]]:
    if (kind, codec) == (Kind.AUDIO, Codec.RED):
        return [(AUDIO_PT, 0)]
    usual = _PICTURES.get((kind, codec))
    return [] if usual is None else [usual, (STEADY_PT, 0)]


def _matching(wanted: Sequence[Stream], ours: Sequence[Stream]) -> tuple[Stream, ...]:
    """Give our stream of each kind and codec wanted, the first of each kind."""
    by_codec = {(stream.kind, stream.codec): stream for stream in ours}
    chosen: dict[Kind, Stream] = {}
    for stream in wanted:
        match = by_codec.get((stream.kind, stream.codec))
        if match is not None:
            chosen.setdefault(stream.kind, match)
    return tuple(chosen[kind] for kind in sorted(chosen))


def _fresh_ssrcs(entropy: Callable[[int], bytes], first: int | None) -> Iterator[int]:
    """Give numbers that are not 0 and differ: equal ones would share a keystream."""
    given = {0}
    if first is not None:
        given.add(first)
        yield first
    while True:
        ssrc = int.from_bytes(entropy(4), "big")
        if ssrc not in given:
            given.add(ssrc)
            yield ssrc
