"""A call between two people on this machine, looked at from both sides.

A relay and two people with homes of their own run this program as separate processes,
with real sockets and real codecs. They speak, compare words, move to fresh keys, call
again; what each of them printed and recorded becomes a `Proof`.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path

from cli.stories.call_proof import Proof, Side, audio_sizes, seen
from cli.stories.rehearsal import Event, Person, Program
from cli.stories.scenes import (
    CALL,
    SPEECH,
    Teller,
    both,
    call_log,
    compare,
    introduce,
    reach,
    trust_in,
    words_of,
)
from voip.errors import MalformedError, RefusedError
from voip.media.ends.files import read_pictures, read_sound
from voip.media.pattern import read_frame_number
from voip.media.similarity import Similarity, similarity_of_pieces
from voip.media.sources import SAMPLE_RATE

RECORDINGS = ("heard-by-alice.wav", "heard-by-bob.wav", "seen-by-bob.mkv")
"""What the story leaves in its folder."""

_MARGIN_S = 1.5  # for the last words to arrive
_MUTE_S = 1.0
_MAX_LAG_S = 4.0  # a recording begins when the call connects, before anybody speaks


@dataclass(frozen=True, slots=True)
class _First:
    """What one side printed of the first call."""

    words: str
    trust: Event
    stats: Event
    summary: Event


async def hold_a_call(folder: Path, tell: Teller) -> Proof:
    """Play it in an empty folder.

    Raises:
        RefusedError: a step did not come about, or something is not as it must be.
    """
    operator = Person.move_in("operator", folder)
    async with operator.start("relay", "serve", "--port=0", "--json") as relay:
        line = str((await relay.first())["relay"])
        alice, bob = await introduce(folder, line)
        tell("a relay is up, and alice and bob have swapped contact cards")
        by_alice, by_bob = await _first_call(alice, bob, tell)
        again_alice, again_bob = await _second_call(alice, bob, tell)
    tell("comparing what was heard and seen with what was said and shown")
    return Proof(
        alice=await _side(alice, bob, by_alice, again_alice),
        bob=await _side(bob, alice, by_bob, again_bob),
        heard_by_alice=await asyncio.to_thread(_heard, folder, "bob", "alice"),
        heard_by_bob=await asyncio.to_thread(_heard, folder, "alice", "bob"),
        pictures=seen(await asyncio.to_thread(_numbers, folder / "seen-by-bob.mkv")),
    )


async def _first_call(
    alice: Person, bob: Person, tell: Teller
) -> tuple[_First, _First]:
    async with bob.start(
        *("answer", "--once", *CALL, f"--trace={bob.path('trace')}"),
        *_speaks(bob),
        f"--video-out=file:{bob.folder.parent / 'seen-by-bob.mkv'}",
    ) as at_bob:
        await at_bob.hear("listening")
        tell("alice calls bob")
        async with alice.start(
            *("call", "bob", *CALL, f"--trace={alice.path('trace')}"),
            *_speaks(alice),
            *("--video", "--video-in=pattern"),
        ) as at_alice:
            await at_bob.hear("incoming")
            await reach("alerted", at_alice)
            tell("it rings at bob's, and bob's device says so")
            await at_bob.order("accept")
            await reach("active", at_alice, at_bob)
            tell("bob accepts; connected, both speak, alice shows a test pattern")
            speaking = asyncio.create_task(
                asyncio.sleep(_longest_speech_s() + _MARGIN_S)
            )
            words = await _verify(at_alice, at_bob, tell)
            await _rekey(at_alice, at_bob, tell)
            await speaking
            await _mute(at_alice, at_bob, tell)
            for program in (at_alice, at_bob):
                await program.order("stats")
            stats = await both(at_alice.hear("stats"), at_bob.hear("stats"))
            trust = await both(_verified(at_alice), _verified(at_bob))
            await at_alice.order("hangup")
            summaries = await both(_summary(at_alice), _summary(at_bob))
            await both(at_alice.expect(0), at_bob.expect(0))
            tell("alice hangs up")
    return (
        _First(words[0], trust[0], stats[0], summaries[0]),
        _First(words[1], trust[1], stats[1], summaries[1]),
    )


def _speaks(person: Person) -> tuple[str, str]:
    """Let a person say their sentences and record what they hear."""
    recording = person.folder.parent / f"heard-by-{person.name}.wav"
    return (
        f"--audio-in=file:{SPEECH / person.name}.ogg",
        f"--audio-out=file:{recording}",
    )


async def _verify(at_alice: Program, at_bob: Program, tell: Teller) -> tuple[str, str]:
    words = await both(words_of(at_alice), words_of(at_bob))
    tell(f"alice reads {words[0]!r} to bob, bob reads {words[1]!r} to alice")
    matched = await both(compare(at_alice, words[1]), compare(at_bob, words[0]))
    if matched != (True, True):
        raise RefusedError("the words differ: somebody is in between")
    await both(_verified(at_alice), _verified(at_bob))
    tell("each finds the other's words among four sets: verified")
    return words


async def _verified(program: Program) -> Event:
    return await program.hear("trust", where=lambda it: it["trust"] == "verified")


async def _summary(program: Program) -> Event:
    return await program.hear("summary", where=lambda it: it["word"] is not None)


async def _rekey(at_alice: Program, at_bob: Program, tell: Teller) -> None:
    await at_alice.order("rekey")
    await both(at_alice.hear("epoch"), at_bob.hear("epoch"))
    tell("fresh keys, while they speak: both send under epoch 1")


async def _mute(at_alice: Program, at_bob: Program, tell: Teller) -> None:
    await at_alice.order("mute")
    muted = await at_bob.hear("peer", where=lambda it: it["muted"] is True)
    tell("alice mutes, and bob is told")
    await asyncio.sleep(_MUTE_S)
    await at_alice.order("unmute")
    await at_bob.hear(
        "peer",
        where=lambda it: it["muted"] is False and it["time"] > muted["time"],  # type: ignore[operator] # both are floats
    )


async def _second_call(alice: Person, bob: Person, tell: Teller) -> tuple[Event, Event]:
    """Call again; gives what each side knew of the other before anybody spoke."""
    ends = ("--audio-in=silence", "--audio-out=null")
    async with bob.start("answer", "--once", *CALL, *ends) as at_bob:
        await at_bob.hear("listening")
        tell("alice calls bob again")
        async with alice.start("call", "bob", *CALL, *ends) as at_alice:
            trusted = await both(at_alice.hear("trust"), at_bob.hear("incoming"))
            tell(
                f"bob is {trusted[0]['trust']} to alice, alice {trusted[1]['trust']}"
                " to bob, before a word is said"
            )
            await at_bob.order("accept")
            await reach("active", at_alice, at_bob)
            await at_bob.order("hangup")
            await both(at_alice.expect(0), at_bob.expect(0))
            tell("bob hangs up")
    return trusted


async def _side(person: Person, other: Person, first: _First, again: Event) -> Side:
    sizes = audio_sizes(person.path("trace").read_text().splitlines())
    return Side(
        words=first.words,
        trust=str(first.trust["trust"]),
        trust_again=str(again["trust"]),
        reason_again=str(again["reason"]),
        epoch=int(str(first.stats["epoch"])),
        sent=int(str(first.stats["sent"])),
        received=int(str(first.stats["received"])),
        dropped=int(str(first.stats["dropped"])),
        quality=str(first.summary["word"]),
        delay_ms=float(str(first.summary["delay_ms"])),
        audio_sizes=frozenset(sizes),
        audio_count=len(sizes),
        log=await call_log(person),
        safety_number=str((await trust_in(person, other))["safety_number"]),
    )


def _longest_speech_s() -> float:
    sounds = (read_sound(SPEECH / f"{name}.ogg") for name in ("alice", "bob"))
    return max(map(len, sounds)) / 2 / SAMPLE_RATE


def _heard(folder: Path, speaker: str, listener: str) -> Similarity:
    sent = read_sound(SPEECH / f"{speaker}.ogg")
    received = read_sound(folder / f"heard-by-{listener}.wav")
    return similarity_of_pieces(sent, received, max_lag_s=_MAX_LAG_S)


def _numbers(recording: Path) -> list[int]:
    numbers = []
    for picture in read_pictures(recording):
        with contextlib.suppress(MalformedError):  # too coarse to be read
            numbers.append(read_frame_number(picture))
    return numbers
