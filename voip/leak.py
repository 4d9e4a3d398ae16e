"""A rehearsal of a call on this machine, with all that leaves it written down.

Carrier. Two people, a relay and a real call on loopback in this one process. Every
datagram of media is seen where it is sent; and whatever any library connects to, sends
to or looks up is seen by the interpreter itself, through an audit hook (PEP 578), so
that nothing has to be trusted to report itself. What it means is for `voip.exposure`.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from voip.call import State
from voip.conversation import Conversation
from voip.endpoint import Endpoint, Settings
from voip.exposure import Left, LookedUp, Phase, Reached, Trail, is_name
from voip.identity.card import RelayAddress
from voip.identity.person import add_contact, begin
from voip.identity.sealed import Cost
from voip.identity.signer import NativeSigner
from voip.identity.store import Store
from voip.identity.unlock import Passphrase
from voip.identity.vault import SignerKind, SignerSource
from voip.media.connect.config import IceConfig
from voip.media.pattern import Discard
from voip.media.plan import MediaPlan
from voip.media.sources import SILENCE, AudioSource
from voip.news import EpochChanged, StateChanged
from voip.signalling.post import RelayPost
from voip.signalling.relay import serve_relay

PHASE_S = 2.0  # a hundred audio packets, two records and a report or two
RING_S = 1.0  # long enough that an early packet of media would have left
AFTER_REKEY_S = 2.0  # a record under the new keys leaves within a second
PATIENCE_S = 20.0  # for each step of the call, on a machine that is busy
_COST = Cost(64 << 10, 2, lanes=1)  # the stores live for seconds

_watchers: list["_Watcher"] = []


@dataclass(slots=True)
class _Watcher:
    """What the interpreter reports while somebody watches."""

    reached: list[Reached] = field(default_factory=list)
    looked_up: list[LookedUp] = field(default_factory=list)

    def take(self, event: str, args: tuple[object, ...]) -> None:
        """Take an audit event (the table in the library reference)."""
        now = time.monotonic()
        match event, args:
            case (
                ("socket.connect" | "socket.sendto" | "socket.sendmsg"),
                (_, (str(host), int(port), *_)),
            ):
                self.reached.append(Reached(now, (host, port)))
            case (
                ("socket.getaddrinfo" | "socket.gethostbyname"),
                (str(name), *_),
            ) if is_name(name):
                self.looked_up.append(LookedUp(now, name))
            case _:
                pass


class Switched:
    """A source that can be told to have nothing to say."""

    def __init__(self, source: AudioSource) -> None:
        self._source = source
        self.is_silent = False

    def read(self) -> bytes:
        """See `AudioSource`."""
        return SILENCE if self.is_silent else self._source.read()

    def close(self) -> None:
        """See `AudioSource`."""
        self._source.close()


async def rehearse(
    speech: Callable[[], AudioSource], *, phase_s: float = PHASE_S
) -> Trail:
    """Make a call with speech, silence, mute, hold and a rekey; takes about 15 s.

    Args:
        speech: opens what both sides say; it must last as long as the call.
        phase_s: how long each of them goes on.

    Raises:
        CallError: the call did not come about, or got stuck.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        async with serve_relay(path / "relay.db") as relay:
            call = _Rehearsal(path, relay.address, speech, phase_s=phase_s)
            with _watching() as watcher:
                await call.run()
            return call.trail(watcher)


class _Rehearsal:
    def __init__(
        self,
        folder: Path,
        relay: RelayAddress,
        speech: Callable[[], AudioSource],
        *,
        phase_s: float,
    ) -> None:
        self._folder = folder
        self._relay = relay
        self._speech = speech
        self._phase_s = phase_s
        self._sources: list[Switched] = []
        self._left: list[Left] = []
        self._phases: list[Phase] = []
        self._accepted = self._ended = 0.0

    async def run(self) -> None:
        """Place the call and take it through its phases."""
        alice, bob = self._people()
        async with (
            self._at_home(alice, "caller") as caller,
            self._at_home(bob, "callee") as callee,
        ):
            outgoing = await caller.dial("bob")
            async with asyncio.timeout(PATIENCE_S):
                incoming = await anext(callee.incoming())
            await asyncio.sleep(RING_S)
            self._accepted = time.monotonic()
            incoming.accept()
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.gather(_active(outgoing), _active(incoming))
            await self._talk((outgoing, incoming))
            self._ended = time.monotonic()
            outgoing.hang_up()
            await asyncio.gather(outgoing.finished(), incoming.finished())

    def trail(self, watcher: _Watcher) -> Trail:
        """Give what was written down."""
        return Trail(
            relay=(self._relay.host, self._relay.port),
            accepted=self._accepted,
            phases=tuple(self._phases),
            ended=self._ended,
            reached=tuple(watcher.reached),
            looked_up=tuple(watcher.looked_up),
            left=tuple(self._left),
        )

    async def _talk(self, sides: tuple[Conversation, Conversation]) -> None:
        await self._phase("speech")
        for source in self._sources:
            source.is_silent = True
        await self._phase("silence")
        for source in self._sources:
            source.is_silent = False
        for side in sides:
            side.set_muted(on=True)
        await self._phase("mute")
        for side in sides:
            side.set_muted(on=False)
        sides[0].set_held(on=True)
        await self._phase("hold")
        sides[0].set_held(on=False)
        self._phases.append(Phase("rekey", time.monotonic()))
        sides[0].rekey()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*map(_rekeyed, sides))
        await asyncio.sleep(max(self._phase_s, AFTER_REKEY_S))

    async def _phase(self, name: str) -> None:
        self._phases.append(Phase(name, time.monotonic()))
        await asyncio.sleep(self._phase_s)

    def _people(self) -> tuple[Store, Store]:
        now = int(time.time())
        alice, bob = self._person("alice", now), self._person("bob", now)
        for one, other in ((alice, bob), (bob, alice)):
            one.change(
                partial(add_contact, card=other.read().card, alias=None, now=now)
            )
        return alice, bob

    def _person(self, alias: str, now: int) -> Store:
        seed = os.urandom(32)
        vault = begin(
            alias,
            NativeSigner(seed),
            source=SignerSource(SignerKind.NATIVE, seed=seed),
            relay=self._relay,
            now=now,
            entropy=os.urandom,
        )
        home = self._folder / alias / "store.rfks"
        return Store.create(home, vault, Passphrase(os.urandom(16)), cost=_COST)

    @asynccontextmanager
    async def _at_home(self, store: Store, side: str) -> AsyncIterator[Endpoint]:
        def on_datagram(datagram: bytes, to: tuple[str, int]) -> None:
            self._left.append(Left(time.monotonic(), side, to, datagram))

        settings = Settings(
            plan=self._plan, ice=IceConfig(loopback=True), on_datagram=on_datagram
        )
        async with (
            RelayPost(entropy=os.urandom) as post,
            Endpoint(
                store, post, settings=settings, entropy=os.urandom, boards=post
            ) as endpoint,
        ):
            async with asyncio.timeout(PATIENCE_S):
                await endpoint.listening()
            yield endpoint

    def _plan(self) -> MediaPlan:
        source = Switched(self._speech())
        self._sources.append(source)
        return MediaPlan(audio_source=source, audio_sink=Discard())


async def _active(side: Conversation) -> None:
    async for news in side.news():
        if news == StateChanged(State.ACTIVE):
            return


async def _rekeyed(side: Conversation) -> None:
    async for news in side.news():
        if isinstance(news, EpochChanged):
            return


@contextmanager
def _watching() -> Iterator[_Watcher]:
    _install()
    watcher = _Watcher()
    _watchers.append(watcher)
    try:
        yield watcher
    finally:
        _watchers.remove(watcher)


@cache
def _install() -> None:
    """Hook in, once: a hook stays until the interpreter ends."""

    def audit(event: str, args: tuple[object, ...]) -> None:
        for watcher in _watchers:
            watcher.take(event, args)

    sys.addaudithook(audit)
