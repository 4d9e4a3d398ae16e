"""Two people on one machine: stores in memory, real relays, real media on loopback."""

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from voip.endpoint import Endpoint, Settings
from voip.identity.card import RelayAddress
from voip.identity.signer import NativeSigner
from voip.identity.vault import SignerKind, SignerSource, Vault, create_vault
from voip.media.connect.config import IceConfig
from voip.media.pattern import Discard, Tone
from voip.media.plan import MediaPlan
from voip.signalling.post import RelayPost


class MemoryKeeper:
    """Keeps a vault in memory."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.failure: Exception | None = None
        self.unreadable: Exception | None = None

    def read(self) -> Vault:
        if self.unreadable is not None:
            raise self.unreadable
        return self.vault

    def change(self, change: Callable[[Vault], Vault]) -> Vault:
        if self.failure is not None:
            raise self.failure
        self.vault = change(self.vault)
        return self.vault


def person(
    alias: str, relay: RelayAddress | None, *, seed: bytes = b""
) -> MemoryKeeper:
    """Make an identity with a fresh call key."""
    seed = seed or os.urandom(32)
    signer = NativeSigner(seed)
    vault = create_vault(
        alias,
        signer.public_key(),
        signer=SignerSource(SignerKind.NATIVE, seed=seed),
        relay=relay,
        entropy=os.urandom,
    )
    return MemoryKeeper(vault.rotated(signer, int(time.time()), os.urandom))


def introduce(one: MemoryKeeper, other: MemoryKeeper) -> None:
    """Let each add the other's card."""
    for keeper, theirs in ((one, other.vault.card), (other, one.vault.card)):
        book = keeper.vault.contacts.add(
            theirs.identity, theirs.alias, card=theirs, now=int(time.time())
        ).book
        keeper.vault = replace(keeper.vault, contacts=book)


def tone_plan() -> MediaPlan:
    """A tone to send, and nothing to hear with."""
    return MediaPlan(audio_source=Tone(), audio_sink=Discard())


LOOPBACK = Settings(plan=tone_plan, ice=IceConfig(loopback=True))


@asynccontextmanager
async def at_home(
    keeper: MemoryKeeper, settings: Settings = LOOPBACK
) -> AsyncIterator[Endpoint]:
    """Put a person on the network, reachable."""
    async with (
        RelayPost(entropy=os.urandom) as post,
        Endpoint(
            keeper, post, settings=settings, entropy=os.urandom, boards=post
        ) as endpoint,
    ):
        await endpoint.listening()
        yield endpoint


def database(folder: Path) -> Path:
    """Where a relay of a test keeps its blobs."""
    return folder / "relay.db"
