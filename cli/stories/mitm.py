"""`ringfence demo --mitm`: whoever runs the relay attacks, and what each side sees.

Each attack has more in hand than the one before; `cli.stories.mallory` carries them
out. What holds against the last is that the two look at their words once, and that from
then on each keeps a secret that no relay and no backup holds.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from cli.codes import Code
from cli.output import show
from cli.stories.rehearsal import Event, Person, Program, run_module
from cli.stories.scenes import (
    CALL,
    SPEECH,
    Teller,
    both,
    compare,
    introduce,
    reach,
    words_of,
)
from voip.errors import RefusedError
from voip.identity.card import parse_card

_TALK_S = 2.0  # how long the two talk before they think of comparing
_ON_ITS_WAY_S = 0.5  # sound that left before a microphone was closed
_LISTEN_S = 1.5  # how long she listens at a closed microphone; both have more to say
_LINES = (
    "the attacks failed:",
    "  with the relay     her device is refused: bob did not sign for it",
    "  with stolen keys   the words differ, and who compares them is warned",
    "  in a later call    both are warned, and closed to her, before a word is said",
    "what she could do: carry no call at all; and with stolen keys hear a first call,",
    "until the words are compared",
)


async def attack(folder: Path, tell: Teller) -> None:
    """Play the attacks, and say how they failed.

    Raises:
        RefusedError: one went through, or a step did not come about.
    """
    async with run_module(
        "mallory", "cli.stories.mallory", str(folder / "relay.sqlite"), cwd=folder
    ) as program:
        mallory = _Mallory(program)
        relay = str((await program.hear("serving"))["relay"])
        alice, bob = await introduce(folder, relay)
        tell("mallory runs the relay; alice and bob have swapped contact cards")
        async with _answers(bob) as at_bob:
            await at_bob.hear("listening")
            await _pose(alice, bob, mallory, tell)
            await _steal(alice, bob, mallory, tell)
            await _forge(alice, mallory, tell)
            await _first_call(alice, at_bob, mallory, tell)
        await _honest_call(alice, bob, tell)
        async with _answers(bob) as at_bob:
            await at_bob.hear("listening")
            await _later_call(alice, at_bob, mallory, tell)
    show({"event": "shown", "seconds": round(tell.seconds, 1)}, *_LINES)


class _Mallory:
    """The process of the attacker."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._orders = 0

    async def do(self, order: str) -> Event:
        """Let her do something; gives what came of it."""
        self._orders += 1
        number = self._orders
        await self._program.order(order)
        return await self._program.hear("done", where=lambda it: it["order"] == number)

    async def spoken(self) -> int:
        """See how many frames of speech went through her hands in this call."""
        return int(str((await self.do("heard"))["frames"]))


def _answers(bob: Person) -> AbstractAsyncContextManager[Program]:
    return bob.start("answer", "--once", *CALL, *_speaks(bob))


def _calls(alice: Person) -> AbstractAsyncContextManager[Program]:
    return alice.start("call", "bob", *CALL, *_speaks(alice))


def _speaks(person: Person) -> tuple[str, str]:
    return f"--audio-in=file:{SPEECH / person.name}.ogg", "--audio-out=null"


# With the relay, and then with the board's key.


async def _pose(alice: Person, bob: Person, mallory: _Mallory, tell: Teller) -> None:
    board = parse_card(bob.path("card").read_text()).board
    await mallory.do(f"pose {board.hex()}")
    tell("her relay gives out a device of her own in the place of bob's")
    await _is_refused(alice, tell)


async def _forge(alice: Person, mallory: _Mallory, tell: Teller) -> None:
    await mallory.do("forge")
    tell("she publishes her device again, now signed with the key of bob's board")
    await _is_refused(alice, tell)


async def _is_refused(alice: Person, tell: Teller) -> None:
    async with _calls(alice) as at_alice:
        code = await at_alice.ended()
        if at_alice.said or code == Code.DONE:
            raise RefusedError(f"alice called all the same: {at_alice.said}")
        tell(f"alice calls bob and is told: {at_alice.complaint}")


# With everything that a backup holds.


async def _steal(alice: Person, bob: Person, mallory: _Mallory, tell: Teller) -> None:
    await both(_back_up(alice, alice), _back_up(bob, alice))
    backups = alice.path("backup"), bob.path("backup")
    await mallory.do(f"steal {alice.path('passphrase')} {backups[0]} {backups[1]}")
    tell("mallory steals a backup of each, and opens both: she has every key in them")


async def _back_up(person: Person, alice: Person) -> None:
    await person.run(
        *("identity", "export", str(person.path("backup")), "--kdf-mib=64"),
        f"--backup-passphrase-file={alice.path('passphrase')}",
    )


async def _first_call(
    alice: Person, at_bob: Program, mallory: _Mallory, tell: Teller
) -> None:
    await mallory.do("bridge")
    tell("she is bob to alice and alice to bob, by certificates that hold")
    async with _calls(alice) as at_alice:
        incoming = await at_bob.hear("incoming")
        tell(f"alice calls; bob sees alice calling, trust {incoming['trust']!r}")
        await at_bob.order("accept")
        await reach("active", at_alice, at_bob)
        await asyncio.sleep(_TALK_S)
        tell(f"they talk, and mallory hears {await mallory.spoken()} frames of speech")
        words = await both(words_of(at_alice), words_of(at_bob))
        tell(f"alice reads {words[0]!r} to bob, bob reads {words[1]!r} to alice")
        matched = await both(compare(at_alice, words[1]), compare(at_bob, words[0]))
        if matched != (False, False):
            raise RefusedError("the words are the same although somebody is in between")
        broken = await both(_broken(at_alice), _broken(at_bob))
        tell("neither finds the other's words among four sets")
        _tell_broken(broken, tell)
        await asyncio.sleep(_ON_ITS_WAY_S)
        before = await mallory.spoken()
        await asyncio.sleep(_LISTEN_S)
        if (after := await mallory.spoken()) != before:
            raise RefusedError(f"mallory heard on: {before} and then {after} frames")
        tell("from here on mallory hears nothing: both microphones are closed")
        await at_alice.order("hangup")
        await both(at_alice.expect(Code.DISTRUST), at_bob.expect(Code.DISTRUST))


async def _honest_call(alice: Person, bob: Person, tell: Teller) -> None:
    await both(
        alice.run("contact", "accept-new", "bob", "--json"),
        bob.run("contact", "accept-new", "alice", "--json"),
    )
    async with _answers(bob) as at_bob:
        await at_bob.hear("listening")
        async with _calls(alice) as at_alice:
            await at_bob.hear("incoming")
            await at_bob.order("accept")
            await reach("active", at_alice, at_bob)
            words = await both(words_of(at_alice), words_of(at_bob))
            matched = await both(compare(at_alice, words[1]), compare(at_bob, words[0]))
            if matched != (True, True):
                raise RefusedError("the words of an honest call differ")
            tell(f"they start over without mallory: both read {words[0]!r}, verified")
            await at_alice.order("hangup")
            await both(at_alice.expect(Code.DONE), at_bob.expect(Code.DONE))


async def _later_call(
    alice: Person, at_bob: Program, mallory: _Mallory, tell: Teller
) -> None:
    await mallory.do("bridge")
    tell("mallory comes back with all that she has")
    async with _calls(alice) as at_alice:
        await at_bob.hear("incoming")
        broken = await both(_broken(at_alice), _broken(at_bob))
        _tell_broken(broken, tell)
        await at_bob.order("accept")
        await both(at_alice.hear("microphone-closed"), at_bob.hear("microphone-closed"))
        await asyncio.sleep(_LISTEN_S)
        if heard := await mallory.spoken():
            raise RefusedError(f"mallory heard {heard} frames of speech")
        tell(
            "bob accepts all the same; both microphones stay closed, she hears nothing"
        )
        await at_alice.order("hangup")
        await both(at_alice.expect(Code.DISTRUST), at_bob.expect(Code.DISTRUST))


async def _broken(program: Program) -> Event:
    return await program.hear("trust", where=lambda it: it["trust"] == "broken")


def _tell_broken(broken: tuple[Event, Event], tell: Teller) -> None:
    for name, event in zip(("alice", "bob"), broken, strict=True):
        tell(f"{name} is told: BROKEN, {event['reason']}")
