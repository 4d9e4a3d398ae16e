"""What a rehearsed call proved is looked at before it is said."""

from dataclasses import replace

import pytest

from cli.stories.call_proof import (
    Pictures,
    Proof,
    Side,
    audio_sizes,
    facts,
    lines,
    seen,
)
from voip.errors import RefusedError
from voip.media.similarity import Similarity

SIDE = Side(
    words="crater velvet moon",
    trust="verified",
    trust_again="verified",
    reason_again="words compared",
    epoch=1,
    sent=1140,
    received=706,
    dropped=0,
    quality="excellent",
    delay_ms=97.4,
    audio_sizes=frozenset({153, 193}),
    audio_count=650,
    log=(("aa", "ended"), ("bb", "ended")),
    safety_number=" ".join(["11111"] * 6 + ["22222"] * 6),
)
OTHER = ("cc", "ended")


def proof(*, alice: Side = SIDE, bob: Side = SIDE, correlation: float = 0.96) -> Proof:
    return Proof(
        alice=alice,
        bob=bob,
        heard_by_alice=Similarity(correlation, 0.2),
        heard_by_bob=Similarity(0.95, 0.2),
        pictures=Pictures(count=259, first=0, last=259),
    )


def test_a_proof_is_said_in_calm_lines() -> None:
    said = lines(proof(), 25.2)

    assert said == [
        "proven in 25 s:",
        "  who       alice and bob; both show the safety number 11111 11111 11111",
        "            11111 11111 11111 22222 22222 22222 22222 22222 22222",
        "  keys      X25519 and ML-KEM-768 (Noise IK); AEAD_AES_256_GCM both ways",
        "  words     crater velvet moon; each found the other's among four sets",
        "  trust     verified at both; verified in a second call before a word was",
        "            said, by a secret that both kept from the first",
        "  epochs    2: fresh keys came in mid-call",
        "  packets   alice sent 1140, bob sent 1140; dropped: 0",
        "  sizes     1300 audio packets of speech, silence and mute: 153 bytes (S1)",
        "            or 193 bytes (N1), one size for each state of redundancy,",
        "            whatever is said",
        "  sound     what arrived is what was said: correlation 0.950 at bob's, 0.960",
        "            at alice's",
        "  quality   excellent at alice's, excellent at bob's; 97 and 97 ms from",
        "            mouth to ear",
        "  pictures  bob saw 259 of the test pattern, in order: numbers 0 to 259",
        "  log       both calls are in both call logs",
    ]


def test_programs_get_the_same_facts() -> None:
    said = facts(proof(), 25.2)

    assert said == {
        "event": "proven",
        "seconds": 25.2,
        "safety_number": SIDE.safety_number,
        "words": "crater velvet moon",
        "trust": "verified",
        "epochs": {"alice": 1, "bob": 1},
        "packets": {
            "alice": {"sent": 1140, "received": 706, "dropped": 0},
            "bob": {"sent": 1140, "received": 706, "dropped": 0},
        },
        "quality": {"alice": "excellent", "bob": "excellent"},
        "delay_ms": {"alice": 97, "bob": 97},
        "audio_packet_bytes": [153, 193],
        "audio_packets": {"alice": 650, "bob": 650},
        "correlation": {"alice": 0.96, "bob": 0.95},
        "pictures": 259,
    }


@pytest.mark.parametrize(
    ("bob", "sentence"),
    [
        (
            replace(SIDE, safety_number="3"),
            f"the safety number: alice has {SIDE.safety_number!r}, bob '3'",
        ),
        (
            replace(SIDE, words="a b c"),
            "the words: alice has 'crater velvet moon', bob 'a b c'",
        ),
        (replace(SIDE, trust="new"), "bob's trust: expected 'verified', came 'new'"),
        (
            replace(SIDE, trust_again="broken"),
            "bob's trust in the next call: expected 'verified', came 'broken'",
        ),
        (
            replace(SIDE, reason_again="accepted as new"),
            "bob's reason for it: expected 'words compared', came 'accepted as new'",
        ),
        (
            replace(SIDE, epoch=0),
            "bob's epoch after a rekey: expected at least 1, came 0",
        ),
        (
            replace(SIDE, received=0),
            "packets that reached bob: expected at least 1, came 0",
        ),
        (
            replace(SIDE, audio_sizes=frozenset({153, 90})),
            (
                "a size of bob's audio packets: expected 69 or 109 or 153 or 193 or "
                "217 or 281, came 90"
            ),
        ),
        (
            replace(SIDE, audio_count=0),
            "bob's audio packets: expected at least 1, came 0",
        ),
        (
            replace(SIDE, log=SIDE.log[:1]),
            "calls in bob's log: expected 2, came 1",
        ),
        (
            replace(SIDE, log=(("aa", "ended"), ("bb", "lost"))),
            "bob's call log: expected 'ended', came 'lost'",
        ),
        (
            replace(SIDE, log=(SIDE.log[0], OTHER)),
            f"the call log: alice has {[*SIDE.log]}, bob {[SIDE.log[0], OTHER]}",
        ),
    ],
)
def test_what_is_not_as_it_must_be_is_no_proof(bob: Side, sentence: str) -> None:
    with pytest.raises(RefusedError) as raised:
        proof(bob=bob)

    assert str(raised.value) == sentence


def test_other_speech_than_was_said_is_no_proof() -> None:
    with pytest.raises(RefusedError) as raised:
        proof(correlation=0.4)

    assert (
        str(raised.value)
        == "correlation of what alice heard: expected at least 0.8, came 0.4"
    )


def test_pictures_in_order_count_although_some_are_missing() -> None:
    numbers = [3, 5, 5, *range(7, 40)]

    assert seen(numbers) == Pictures(count=36, first=3, last=39)


def test_a_picture_read_as_another_number_is_left_out() -> None:
    assert seen([*range(20), 5, *range(20, 40), 3]) == Pictures(
        count=40, first=0, last=39
    )


def test_too_few_pictures_are_no_proof() -> None:
    with pytest.raises(RefusedError, match="expected at least 30, came 29"):
        seen(range(29))


def test_pictures_out_of_order_are_no_proof() -> None:
    with pytest.raises(RefusedError, match="in another order than they were sent"):
        seen([*range(39, 0, -1), 12])


def test_only_audio_packets_are_measured() -> None:
    trace = [
        "0.000 92 stun 127.0.0.1:9",
        "0.020 108 audio 127.0.0.1:9",
        "0.030 1100 video 127.0.0.1:9",
        "0.040 108 audio 127.0.0.1:9",
    ]

    assert audio_sizes(trace) == [108, 108]
