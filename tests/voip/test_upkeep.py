"""What a device does between calls, and what a relay or a slow signer can do to it."""

import os
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.voip.people import MemoryKeeper, person
from voip.errors import LimitError, MalformedError, RefusedError
from voip.identity.callkey import create_call_key
from voip.identity.card import RelayAddress
from voip.identity.certificate import CAP_VIDEO
from voip.identity.signer import NativeSigner
from voip.identity.vault import OUR_CAPS, Vault
from voip.signalling.board import check_signature, publish
from voip.signalling.frames import BoardPut
from voip.upkeep import own_entry, publish_board, rotate_if_due

RELAY = RelayAddress("relay.example", 443)
FORGED = 2**64 - 1


class OneBoard:
    """A relay that holds what it was given, or what it made up."""

    def __init__(self, *slots: BoardPut) -> None:
        self.slots = list(slots)

    async def publish(self, relay: RelayAddress, slot: BoardPut) -> None:
        assert relay == RELAY
        self.slots = [s for s in self.slots if s.index != slot.index] + [slot]

    async def read_board(self, relay: RelayAddress, board: bytes) -> list[BoardPut]:
        assert relay == RELAY
        return [slot for slot in self.slots if slot.board == board]


def forged(vault: Vault, index: int) -> BoardPut:
    return BoardPut(
        vault.board.public_key,
        index,
        version=FORGED,
        signature=bytes(64),
        blob=bytes(4096),
    )


def signed(vault: Vault, index: int, version: int) -> BoardPut:
    return publish(
        own_entry(vault),
        board=vault.board.key,
        card_key=vault.card_key,
        index=index,
        version=version,
        entropy=os.urandom,
    )


async def test_a_relay_cannot_use_up_the_versions_of_our_board() -> None:
    """They end at 2^64 - 1, and are kept: a forged one would end them for good."""
    keeper = person("alice", RELAY)
    board = OneBoard(*(forged(keeper.vault, index) for index in range(8)))
    await publish_board(keeper, board, os.urandom)

    check_signature(board.slots[-1])
    assert board.slots[-1].version == keeper.vault.board.version == 1


async def test_a_version_that_was_published_before_is_passed() -> None:
    """A store from an older file has a number that readers have seen pass."""
    keeper = person("alice", RELAY)
    keeper.vault = replace(
        keeper.vault, board=replace(keeper.vault.board, index=0, version=2)
    )
    board = OneBoard(signed(keeper.vault, 0, 7))
    await publish_board(keeper, board, os.urandom)

    assert [slot.version for slot in board.slots] == [8]


async def test_a_ninth_device_finds_no_place() -> None:
    keeper = person("alice", RELAY)
    board = OneBoard(*(signed(keeper.vault, index, 1) for index in range(8)))

    with pytest.raises(LimitError, match="8 devices already"):
        await publish_board(keeper, board, os.urandom)


async def test_without_a_relay_nothing_is_published() -> None:
    board = OneBoard()
    await publish_board(person("alice", None), board, os.urandom)

    assert board.slots == []


class Unlocked(MemoryKeeper):
    """Knows whether a change is going on, as a store with a lock does."""

    is_changing = False

    def change(self, change: Callable[[Vault], Vault]) -> Vault:
        self.is_changing = True
        try:
            return super().change(change)
        finally:
            self.is_changing = False


class SlowSigner:
    """An agent that asks its user; `asked_during_a_change` is what it must not be."""

    def __init__(self, keeper: Unlocked) -> None:
        self._keeper = keeper
        self._signer = NativeSigner(keeper.vault.signer.seed)
        self.asked_during_a_change: bool | None = None

    def public_key(self) -> bytes:
        return self._signer.public_key()

    def sign(self, data: bytes) -> bytes:
        self.asked_during_a_change = self._keeper.is_changing
        return self._signer.sign(data)


def due(alias: str = "alice") -> Unlocked:
    keeper = Unlocked(person(alias, RELAY).vault)
    keeper.vault = replace(keeper.vault, call_keys=())
    return keeper


async def test_a_slow_signer_does_not_keep_calls_from_the_store() -> None:
    keeper = due()
    signer = SlowSigner(keeper)
    await rotate_if_due(keeper, lambda: signer, os.urandom)

    assert len(keeper.vault.call_keys) == 1
    assert signer.asked_during_a_change is False


async def test_another_identitys_signer_is_refused() -> None:
    keeper = due()

    with pytest.raises(MalformedError, match="another device's"):
        await rotate_if_due(keeper, lambda: SlowSigner(due("eve")), os.urandom)


async def test_a_rotation_that_is_due_needs_a_signer() -> None:
    with pytest.raises(RefusedError, match="there is no signer"):
        await rotate_if_due(due(), None, os.urandom)


def older() -> MemoryKeeper:
    """A store whose call key says less than this version can."""
    keeper = person("alice", RELAY)
    signer = NativeSigner(keeper.vault.signer.seed)
    key = create_call_key(
        signer,
        keeper.vault.device_id,
        now=int(time.time()),
        caps=CAP_VIDEO,
        entropy=os.urandom,
    )
    keeper.vault = replace(keeper.vault, call_keys=(key,))
    return keeper


async def test_a_new_version_says_at_once_what_it_can() -> None:
    keeper = older()
    signer = NativeSigner(keeper.vault.signer.seed)
    await rotate_if_due(keeper, lambda: signer, os.urandom)

    assert keeper.vault.call_keys[0].certificate.caps == OUR_CAPS


async def test_a_new_version_without_a_signer_waits_for_its_rotation() -> None:
    keeper = older()
    before = keeper.vault
    await rotate_if_due(keeper, None, os.urandom)

    assert keeper.vault is before


async def test_a_rotation_that_is_not_due_asks_nobody() -> None:
    keeper = person("alice", RELAY)
    before = keeper.vault
    await rotate_if_due(keeper, None, os.urandom)

    assert keeper.vault is before
