"""From accepting a call until both sides hear each other, against aiortc.

Ours hears a tone, which a side sends once the other one verified; of stock aiortc the
first decoded frame counts, whatever is in it.

Stock aiortc is given its signalling for nothing: the offer lies at the callee, the
answer is made at accept and handed over in this process. Our whole call sends ACCEPT
and SELECT through a relay with TLS, as between two strangers; our media alone get their
descriptions as aiortc does.

All run over 127.0.0.1. aioice leaves that address out by itself, so stock aiortc is
told that it is this machine's only one.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack

from benchmarks.figure import ROUNDS, Figure, figure, ratios
from tests.voip.people import LOOPBACK, at_home, introduce, person
from voip.description import Description
from voip.endpoint import Endpoint
from voip.media.epochs import CALLEE, CALLER
from voip.media.events import FirstVerified
from voip.media.pattern import Tone
from voip.media.plan import MediaPlan
from voip.media.streams import MediaSession
from voip.signalling.relay import serve_relay

RINGS_S = 0.5
"""So long it rings before somebody accepts; what went before has settled by then."""

LIMIT_S = 20.0
"""A set-up that takes longer has failed."""


class _Ear:
    """A sink that notes when the first sound came."""

    def __init__(self) -> None:
        self.first = asyncio.Event()

    def write(self, pcm: bytes) -> None:
        if any(pcm):
            self.first.set()

    def close(self) -> None:
        """Let nothing go."""


_Ears = asyncio.Queue[_Ear]
"""Of both sides of a call, as they are made."""


def figures() -> list[Figure]:
    """Set up calls in turns: whole, media alone, stock."""
    return asyncio.run(_figures())


async def _figures() -> list[Figure]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        relay = await stack.enter_async_context(serve_relay(Path(folder) / "relay.db"))
        people = [person(alias, relay.address) for alias in ("alice", "bob")]
        introduce(*people)
        ears: _Ears = asyncio.Queue(2)
        settings = replace(LOOPBACK, plan=lambda: _plan(ears))
        alice, bob = [
            await stack.enter_async_context(at_home(each, settings)) for each in people
        ]
        runs: list[Callable[[], Awaitable[float]]] = [
            lambda: _whole_call(alice, bob, ears),
            _media_alone,
            _stock,
        ]
        for run in runs:
            await run()  # first uses import and open what later ones find there
        rounds = [[await run() for run in runs] for _ in range(ROUNDS)]
    whole, media, stock = (list(times) for times in zip(*rounds, strict=True))
    return [
        figure(
            "whole call with its relay / stock aiortc",
            ratios(whole, stock),
            bar=0.8,
            note=f"{_milliseconds(whole)} against {_milliseconds(stock)},"
            " which has no signalling to wait for",
        ),
        figure(
            "media alone / stock aiortc",
            ratios(media, stock),
            bar=0.8,
            note=_milliseconds(media),
        ),
    ]


async def _whole_call(alice: Endpoint, bob: Endpoint, ears: _Ears) -> float:
    outgoing = await alice.dial("bob")
    async with asyncio.timeout(LIMIT_S):
        incoming = await anext(bob.incoming())
        await asyncio.sleep(RINGS_S)
        began = time.perf_counter()
        incoming.accept()
        await _both_hear(ears)
        seconds = time.perf_counter() - began
        outgoing.hang_up()
        await asyncio.gather(outgoing.finished(), incoming.finished())
    return seconds


async def _media_alone() -> float:
    ears: _Ears = asyncio.Queue(2)
    caller, callee = (
        MediaSession(
            role,
            bytes(64),
            _plan(ears),
            LOOPBACK.ice,
            entropy=os.urandom,
            idle_control=lambda: None,
        )
        for role in (CALLER, CALLEE)
    )
    began = time.perf_counter()
    offered = await callee.gather()
    selected = await caller.gather(offered)
    await asyncio.gather(
        _connect(caller, offered), _connect(callee, selected), _both_hear(ears)
    )
    seconds = time.perf_counter() - began
    await asyncio.gather(caller.close(), callee.close())
    return seconds


async def _connect(media: MediaSession, remote: Description) -> None:
    async with asyncio.timeout(LIMIT_S):
        await media.connect(remote)
        while not isinstance(await media.event(), FirstVerified):
            pass
        media.open_sources()


async def _stock() -> float:
    with _only_loopback():
        caller, callee = (
            RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2)
        )
        heard = [_first_frame(each) for each in (caller, callee)]
        for each in (caller, callee):
            each.addTrack(AudioStreamTrack())
        await caller.setLocalDescription(await caller.createOffer())
        await callee.setRemoteDescription(caller.localDescription)
        began = time.perf_counter()
        await callee.setLocalDescription(await callee.createAnswer())
        await caller.setRemoteDescription(callee.localDescription)
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*heard)
        seconds = time.perf_counter() - began
        await asyncio.gather(caller.close(), callee.close())
    return seconds


def _first_frame(peer: RTCPeerConnection) -> asyncio.Future[MediaStreamTrack]:
    """Give what is done once the peer's track gave a frame."""
    track: asyncio.Future[MediaStreamTrack] = asyncio.Future()
    peer.on("track", track.set_result)

    async def frame() -> MediaStreamTrack:
        received = await track
        await received.recv()
        return received

    return asyncio.ensure_future(frame())


@contextmanager
def _only_loopback() -> Iterator[None]:
    with mock.patch("aioice.ice.get_host_addresses", return_value=["127.0.0.1"]):
        yield


async def _both_hear(ears: _Ears) -> None:
    for _ in range(2):
        await (await ears.get()).first.wait()


def _plan(ears: _Ears) -> MediaPlan:
    ear = _Ear()
    ears.put_nowait(ear)
    return MediaPlan(audio_source=Tone(), audio_sink=ear)


def _milliseconds(times: list[float]) -> str:
    return f"{statistics.median(times) * 1e3:.0f} ms"
