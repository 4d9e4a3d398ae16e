"""What a call shows to whoever watches the network, judged from what left the machine.

Pure. A rehearsal (`voip.leak`) writes down every destination, every name looked up and
every datagram of media; here it is measured and compared with what a call may show: the
relay and nobody else before somebody accepts, then packets that look alike whatever is
said or not said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import groupby, pairwise
from typing import TypeVar

from voip.media.audio.states import UDP_IP_BYTES, AudioState
from voip.media.profile import AUDIO_PT
from voip.media.record import RECORD, RECORD_BYTES
from voip.media.rtp import is_rtcp, is_srtp
from voip.media.sources import FRAME_SAMPLES

MIN_RECORD_GAP_S = 0.5
"""Records leave once a second; two closer than this say that something happened.

Half a second below, because a busy machine is late with one and not with the next.
"""
STATES = {
    size: [s.name for s in AudioState if s.value.datagram_bytes - UDP_IP_BYTES == size]
    for size in sorted({s.value.datagram_bytes - UDP_IP_BYTES for s in AudioState})
}
"""Bytes of a sealed audio packet, and the states of redundancy that have them."""
MIN_STATE_S = 0.9
"""A state follows from what the network did and lasts 2 s, the first one 1 s. A size
that changes sooner follows something else; a busy machine is late by a little."""
MAX_REPORT_SIZES = 3
"""One for feedback; reports have another one before the first packet came."""
RTP_PLAIN = 0x80
"""First byte of RTP without padding, extension and CSRC (RFC 3550 §5.1)."""
_STUN_MAX = 3  # first bytes 0 to 3 (RFC 7983 §7)
_SEQUENCES = 1 << 16
_TIMESTAMPS = 1 << 32

Destination = tuple[str, int]
_Item = TypeVar("_Item", Destination, str, int)


@dataclass(frozen=True, slots=True)
class Reached:
    """A socket of this process was connected, or sent a datagram, to somewhere."""

    at: float
    to: Destination


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A name was looked up, which shows it to a name server."""

    at: float
    name: str


@dataclass(frozen=True, slots=True)
class Left:
    """A datagram of media left one `side` of the call."""

    at: float
    side: str
    to: Destination
    datagram: bytes


@dataclass(frozen=True, slots=True)
class Phase:
    """Something that an observer must not notice, and when it began."""

    name: str
    begins: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What a rehearsal wrote down; times are seconds of one clock.

    Attributes:
        relay: where signalling may go at any time.
        accepted: when the callee accepted.
        phases: in order; the last ends with `ended`.
        ended: when somebody began to hang up.
        reached: by any socket of the process.
        looked_up: names only, addresses are not lookups.
        left: the media of both sides.
    """

    relay: Destination
    accepted: float
    phases: tuple[Phase, ...]
    ended: float
    reached: tuple[Reached, ...]
    looked_up: tuple[LookedUp, ...]
    left: tuple[Left, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What an observer of the network saw.

    Attributes:
        before_accept: destinations before somebody accepted.
        after_accept: destinations from then on.
        names: names looked up.
        audio_sizes: sizes in bytes of the audio packets; each is that of a state of
            redundancy (`STATES`).
        audio_packets: how many of them left in each phase, both sides together.
        rtp_first_bytes: version, padding, extension and CSRC count of RTP.
        payload_types: of RTP.
        rtcp_sizes: in bytes.
        record_sizes: in bytes.
        epochs: key epochs that the records name.
        complaints: why this is more than a call may show, or less than was to be
            looked at, a sentence each; empty is good.
    """

    before_accept: tuple[Destination, ...]
    after_accept: tuple[Destination, ...]
    names: tuple[str, ...]
    audio_sizes: tuple[int, ...]
    audio_packets: dict[str, int]
    rtp_first_bytes: tuple[int, ...]
    payload_types: tuple[int, ...]
    rtcp_sizes: tuple[int, ...]
    record_sizes: tuple[int, ...]
    epochs: tuple[int, ...]
    complaints: tuple[str, ...]


def is_name(host: str) -> bool:
    """Tell whether looking this up asks a name server; an address does not."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return True
    return False


def judge(trail: Trail) -> Exposure:
    """Measure a trail, and say what is wrong with it."""
    rtp = [left for left in trail.left if _is_rtp(left.datagram)]
    records = [left for left in trail.left if _is_record(left.datagram)]
    before, after = _destinations(trail)
    names = _distinct([each.name for each in trail.looked_up])
    return Exposure(
        before_accept=before,
        after_accept=after,
        names=names,
        audio_sizes=_distinct([len(left.datagram) for left in rtp]),
        audio_packets={
            phase.name: sum(begins <= left.at < ends for left in rtp)
            for phase, begins, ends in _spans(trail)
        },
        rtp_first_bytes=_distinct([left.datagram[0] for left in rtp]),
        payload_types=_distinct([left.datagram[1] & 0x7F for left in rtp]),
        rtcp_sizes=_distinct(
            [len(left.datagram) for left in trail.left if _is_rtcp(left.datagram)]
        ),
        record_sizes=_distinct([len(left.datagram) for left in records]),
        epochs=_distinct([left.datagram[1] for left in records]),
        complaints=(
            *_complain_of_destinations(trail, before, after),
            *(f"the name {name!r} was looked up" for name in names),
            *_complain_of_headers(rtp),
            *_complain_of_sizes(rtp),
            *_complain_of_reports(trail.left),
            *_complain_of_silence(trail, rtp),
            *_complain_of_records([left for left in records if left.at < trail.ended]),
            *_complain_of_strangers(trail.left),
        ),
    )


def _destinations(
    trail: Trail,
) -> tuple[tuple[Destination, ...], tuple[Destination, ...]]:
    """Split what was sent to by whether somebody had accepted."""
    sent: list[Reached | Left] = [*trail.reached, *trail.left]
    return (
        _distinct([each.to for each in sent if each.at < trail.accepted]),
        _distinct([each.to for each in sent if each.at >= trail.accepted]),
    )


def _complain_of_destinations(
    trail: Trail, before: Sequence[Destination], after: Sequence[Destination]
) -> list[str]:
    # Every datagram of media is in `left`; a socket that reaches anywhere else is
    # somebody's telemetry, a name server or a STUN server that nobody configured.
    known = {trail.relay, *(each.to for each in trail.left)}
    return [
        *(
            f"{_say(to)} was sent to before anybody accepted"
            for to in before
            if to != trail.relay
        ),
        *(
            f"{_say(to)} was sent to, and is neither the relay nor the other side"
            for to in after
            if to not in known
        ),
    ]


def _complain_of_headers(rtp: Sequence[Left]) -> list[str]:
    firsts = _distinct([left.datagram[0] for left in rtp])
    seconds = _distinct([left.datagram[1] for left in rtp])
    complaints = [
        f"rtp header begins with {first:#04x}, expected {RTP_PLAIN:#04x}: an "
        "extension, padding or a list of sources"
        for first in firsts
        if first != RTP_PLAIN
    ]
    if {second & 0x7F for second in seconds} - {AUDIO_PT}:
        complaints.append(
            f"payload types other than audio's {AUDIO_PT} in a voice call"
        )
    elif len(seconds) > 1:
        complaints.append("the marker bit of audio changes, which shows talk spurts")
    return complaints


def _complain_of_sizes(rtp: Sequence[Left]) -> list[str]:
    """One size for each state of redundancy, and states that last."""
    strange = set(_distinct([len(left.datagram) for left in rtp])) - STATES.keys()
    complaints = [
        f"audio packets of {size} bytes, which no state of redundancy has"
        for size in sorted(strange)
    ]
    for side in _distinct([left.side for left in rtp]):
        sent = [left for left in rtp if left.side == side]
        runs = [list(run) for _, run in groupby(sent, lambda left: len(left.datagram))]
        lasted = [run[-1].at - run[0].at for run in runs[:-1]]
        if lasted and min(lasted) < MIN_STATE_S:
            complaints.append(
                f"{side} changed the size of its audio packets after "
                f"{min(lasted):.2f} s, expected a state to last"
            )
    return complaints


def _complain_of_reports(left: Sequence[Left]) -> list[str]:
    sizes = _distinct([len(each.datagram) for each in left if _is_rtcp(each.datagram)])
    if len(sizes) <= MAX_REPORT_SIZES:
        return []
    return [f"reports of {len(sizes)} sizes: {sizes}"]


def _complain_of_silence(trail: Trail, rtp: Sequence[Left]) -> list[str]:
    complaints = []
    for side in _distinct([left.side for left in trail.left]):
        ours = [left for left in rtp if left.side == side]
        complaints += _complain_of_gaps(side, ours)
        complaints += [
            f"{side} sent no audio packet during {phase.name}"
            for phase, begins, ends in _spans(trail)
            if not any(begins <= left.at < ends for left in ours)
        ]
    return complaints


def _complain_of_gaps(side: str, packets: Sequence[Left]) -> list[str]:
    """Silence that is not sent shows in numbers that jump, however busy we are."""
    for one, following in pairwise(packets):
        a, b = one.datagram, following.datagram
        steps = int.from_bytes(b[2:4], "big") - int.from_bytes(a[2:4], "big")
        ticks = int.from_bytes(b[4:8], "big") - int.from_bytes(a[4:8], "big")
        jump = steps % _SEQUENCES, ticks % _TIMESTAMPS
        if jump != (1, FRAME_SAMPLES):
            said = f"{jump[0]} packets and {jump[1]} samples on"
            return [f"{side} left out audio: {said}, expected 1 and {FRAME_SAMPLES}"]
    return []


def _complain_of_records(records: Sequence[Left]) -> list[str]:
    complaints = []
    sizes = _distinct([len(left.datagram) for left in records])
    if set(sizes) - {RECORD_BYTES}:
        complaints.append(f"records of {sizes} bytes, expected {RECORD_BYTES} only")
    for side in _distinct([left.side for left in records]):
        times = [left.at for left in records if left.side == side]
        gap = min((b - a for a, b in pairwise(times)), default=MIN_RECORD_GAP_S)
        if gap < MIN_RECORD_GAP_S:
            complaints.append(
                f"{side} sent two records within {gap:.3f} s, expected one a second"
            )
    if len({left.datagram[1] for left in records}) < 2:
        complaints.append("no record of a second key epoch: the rekey was not seen")
    return complaints


def _complain_of_strangers(left: Sequence[Left]) -> list[str]:
    unknown = [
        each.datagram
        for each in left
        if not is_srtp(each.datagram)
        and not _is_record(each.datagram)
        and (not each.datagram or each.datagram[0] > _STUN_MAX)
    ]
    if not unknown:
        return []
    return [f"{len(unknown)} datagrams that are neither STUN, SRTP nor a record"]


def _spans(trail: Trail) -> list[tuple[Phase, float, float]]:
    ends = [*(phase.begins for phase in trail.phases[1:]), trail.ended]
    return [
        (phase, phase.begins, end)
        for phase, end in zip(trail.phases, ends, strict=True)
    ]


def _is_rtp(datagram: bytes) -> bool:
    return is_srtp(datagram) and not is_rtcp(datagram)


def _is_rtcp(datagram: bytes) -> bool:
    return is_srtp(datagram) and is_rtcp(datagram)


def _is_record(datagram: bytes) -> bool:
    return datagram[:1] == bytes([RECORD])


def _say(to: Destination) -> str:
    host, port = to
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _distinct(items: Sequence[_Item]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys(items))
