"""What a rehearsed call proved: facts, judged and said.

Pure. `ringfence demo` gathers them from what its processes print and from the
recordings; a fact that is not as it must be raises, so that what is printed in the end
was looked at.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap

from voip.errors import RefusedError
from voip.exposure import STATES
from voip.identity.calllog import Outcome
from voip.media.similarity import Similarity

LEAST_CORRELATION = 0.8
"""Of pieces: speech after one codec is above it; other speech is below 0.2."""
LEAST_IN_ORDER = 0.8
"""Of the pictures; a coarsely coded one may be read as another number."""
LEAST_PICTURES = 30
"""Three seconds at the slowest rate that still looks like motion."""

_WIDTH = 64  # beside the names; well within a terminal of 80 columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Which pictures of the test pattern arrived, by the numbers they carry."""

    count: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one side of the call reported of it.

    Attributes:
        words: of the call, read off this side's own screen.
        trust: at the end of the call, after the words were compared.
        trust_again: at the start of a second call.
        reason_again: why it is trusted there.
        epoch: the last that it sent under.
        sent: packets.
        received: packets.
        dropped: packets.
        quality: how the call sounded here, in a word of ITU-T P.800.
        delay_ms: from mouth to ear, estimated.
        audio_sizes: of the audio packets it sent, in bytes.
        audio_count: how many they were.
        log: its call log: id and outcome of each call.
        safety_number: as it shows it for the other.
    """

    words: str
    trust: str
    trust_again: str
    reason_again: str
    epoch: int
    sent: int
    received: int
    dropped: int
    quality: str
    delay_ms: float
    audio_sizes: frozenset[int]
    audio_count: int
    log: tuple[tuple[str, str], ...]
    safety_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A call that went as it must.

    Attributes:
        alice: who called.
        bob: who answered.
        heard_by_alice: what bob said, against what she heard.
        heard_by_bob: what alice said, against what he heard.
        pictures: what bob saw of the pattern.

    Raises:
        RefusedError: it did not; the message says what is wrong first.
    """

    alice: Side
    bob: Side
    heard_by_alice: Similarity
    heard_by_bob: Similarity
    pictures: Pictures

    def __post_init__(self) -> None:
        alice, bob = self.alice, self.bob
        _same("the safety number", alice.safety_number, bob.safety_number)
        _same("the words", alice.words, bob.words)
        for name, side in (("alice", alice), ("bob", bob)):
            _is(f"{name}'s trust", side.trust, {"verified"})
            _is(f"{name}'s trust in the next call", side.trust_again, {"verified"})
            _is(f"{name}'s reason for it", side.reason_again, {"words compared"})
            _least(f"{name}'s epoch after a rekey", side.epoch, 1)
            _least(f"packets that reached {name}", side.received, 1)
            _least(f"{name}'s audio packets", side.audio_count, 1)
            for size in sorted(side.audio_sizes):
                _is(f"a size of {name}'s audio packets", size, STATES.keys())
            _is(f"calls in {name}'s log", len(side.log), {2})
            for _, outcome in side.log:
                _is(f"{name}'s call log", outcome, {Outcome.ENDED.value})
        _same("the call log", sorted(alice.log), sorted(bob.log))
        for name, heard in (
            ("what alice heard", self.heard_by_alice),
            ("what bob heard", self.heard_by_bob),
        ):
            _least(f"correlation of {name}", heard.correlation, LEAST_CORRELATION)


def seen(numbers: Sequence[int]) -> Pictures:
    """Judge the numbers read off the pictures that arrived.

    Raises:
        RefusedError: too few, or not in the order they were sent.
    """
    _least("pictures of the pattern", len(numbers), LEAST_PICTURES)
    ordered = _in_order(numbers)
    if len(ordered) < LEAST_IN_ORDER * len(numbers):
        raise RefusedError("pictures arrived in another order than they were sent")
    return Pictures(count=len(ordered), first=ordered[0], last=ordered[-1])


def _in_order(numbers: Sequence[int]) -> list[int]:
    """Give a longest part of them that never goes back."""
    ends: list[tuple[int, ...]] = []  # by length, the one that ends lowest
    for number in numbers:
        at = bisect_right([end[-1] for end in ends], number)
        grown = (*(ends[at - 1] if at else ()), number)
        ends[at : at + 1] = [grown]
    return list(ends[-1])


def audio_sizes(trace: Iterable[str]) -> list[int]:
    """Give the size of each audio packet, from the lines of a trace."""
    lines = (line.split() for line in trace)
    return [int(size) for _, size, kind, _ in lines if kind == "audio"]


def facts(proof: Proof, seconds: float) -> dict[str, object]:
    """Give the proof as a JSON object."""
    sides = {"alice": proof.alice, "bob": proof.bob}
    return {
        "event": "proven",
        "seconds": round(seconds, 1),
        "safety_number": proof.alice.safety_number,
        "words": proof.alice.words,
        "trust": proof.alice.trust_again,
        "epochs": {name: side.epoch for name, side in sides.items()},
        "packets": {
            name: {
                "sent": side.sent,
                "received": side.received,
                "dropped": side.dropped,
            }
            for name, side in sides.items()
        },
        "quality": {name: side.quality for name, side in sides.items()},
        "delay_ms": {name: round(side.delay_ms) for name, side in sides.items()},
        "audio_packet_bytes": _sizes(proof),
        "audio_packets": {name: side.audio_count for name, side in sides.items()},
        "correlation": {
            "alice": round(proof.heard_by_alice.correlation, 3),
            "bob": round(proof.heard_by_bob.correlation, 3),
        },
        "pictures": proof.pictures.count,
    }


def lines(proof: Proof, seconds: float) -> list[str]:
    """Say what was proven, and in how many seconds."""
    alice, bob, pictures = proof.alice, proof.bob, proof.pictures
    said = {
        "who": f"alice and bob; both show the safety number {alice.safety_number}",
        "keys": "X25519 and ML-KEM-768 (Noise IK); AEAD_AES_256_GCM both ways",
        "words": f"{alice.words}; each found the other's among four sets",
        "trust": f"{alice.trust} at both; {alice.trust_again} in a second call before "
        "a word was said, by a secret that both kept from the first",
        "epochs": f"{max(alice.epoch, bob.epoch) + 1}: fresh keys came in mid-call",
        "packets": f"alice sent {alice.sent}, bob sent {bob.sent}; "
        f"dropped: {alice.dropped + bob.dropped}",
        "sizes": f"{alice.audio_count + bob.audio_count} audio packets of speech, "
        f"silence and mute: {' or '.join(map(_named, _sizes(proof)))}, one size for "
        "each state of redundancy, whatever is said",
        "sound": "what arrived is what was said: correlation "
        f"{proof.heard_by_bob.correlation:.3f} at bob's, "
        f"{proof.heard_by_alice.correlation:.3f} at alice's",
        "quality": f"{alice.quality} at alice's, {bob.quality} at bob's; "
        f"{alice.delay_ms:.0f} and {bob.delay_ms:.0f} ms from mouth to ear",
        "pictures": f"bob saw {pictures.count} of the test pattern, in order: numbers "
        f"{pictures.first} to {pictures.last}",
        "log": "both calls are in both call logs",
    }
    return [
        f"proven in {seconds:.0f} s:",
        *(line for name, text in said.items() for line in _entry(name, text)),
    ]


def _entry(name: str, text: str) -> list[str]:
    first, *more = wrap(text, _WIDTH)
    return [f"  {name:10}{first}", *(f"{'':12}{line}" for line in more)]


def _sizes(proof: Proof) -> list[int]:
    return sorted(proof.alice.audio_sizes | proof.bob.audio_sizes)


def _named(size: int) -> str:
    return f"{size} bytes ({', '.join(STATES[size])})"


def _same(what: str, at_alice: object, at_bob: object) -> None:
    if at_alice != at_bob:
        raise RefusedError(f"{what}: alice has {at_alice!r}, bob {at_bob!r}")


def _is(what: str, came: object, expected: Collection[object]) -> None:
    if came not in expected:
        wanted = " or ".join(map(repr, expected))
        raise RefusedError(f"{what}: expected {wanted}, came {came!r}")


def _least(what: str, came: float, least: float) -> None:
    if not came >= least:
        raise RefusedError(f"{what}: expected at least {least}, came {came}")
