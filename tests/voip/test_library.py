"""The page for programmers, run as it is written."""

import asyncio
import os
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import voip
from tests.io_map import CHECKOUT
from tests.voip.people import database, introduce, person
from voip.call import State
from voip.endpoint import Endpoint
from voip.identity.sealed import Cost
from voip.identity.signer import NativeSigner
from voip.identity.store import Store
from voip.identity.unlock import Passphrase
from voip.identity.vault import Vault
from voip.news import StateChanged
from voip.signalling.relay import serve_relay

_PAGE = (CHECKOUT / "docs" / "library.md").read_text()
_NAMES: list[str] = vars(voip)["__all__"]
_CHEAP = Cost(64 << 10, 2, lanes=1)


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """Give what the page defines, all its blocks one after the other."""
    names: dict[str, Any] = {}
    for block in re.findall(r"(?ms)^```python\n(.*?)^```$", _PAGE):
        exec(compile(block, "docs/library.md", "exec"), names)
    return names


@pytest.mark.parametrize("name", _NAMES)
def test_a_public_name_is_what_the_stub_says(name: str) -> None:
    stub = (CHECKOUT / "voip" / "__init__.pyi").read_text()
    home = getattr(voip, name).__module__

    assert re.search(rf"(?m)^from [\w.]+ import {name} as {name}$", stub), home


def test_the_stub_has_no_other_names() -> None:
    stub = (CHECKOUT / "voip" / "__init__.pyi").read_text()

    assert sorted(re.findall(r"(?m) as (\w+)$", stub)) == _NAMES


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = voip.nonsense  # type: ignore[attr-defined] # that it is not there


def test_the_public_names_are_listed() -> None:
    assert set(_NAMES) <= set(dir(voip))


async def test_a_newcomer_places_a_call(
    page: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    async with serve_relay(database(tmp_path)) as relay:
        alice, bob = (person(name, relay.address) for name in ("alice", "bob"))
        introduce(alice, bob)
        for keeper in (alice, bob):
            store = _store(tmp_path / keeper.vault.alias, keeper.vault)
            async with voip.open_endpoint(store, page["settings"]) as endpoint:
                await endpoint.listening()  # has published by now
        await asyncio.gather(page["answer"](), page["call"]())
    shown = capsys.readouterr().out

    assert re.search(r"alice reads: \('\w+', '\w+', '\w+'\)", shown)
    assert "bob: alice calls; Trust(state=<TrustState.NEW: 'new'>" in shown
    assert shown.count("Ended(end=<End.HUNG_UP: 'hung up'>") == 2


async def test_a_messenger_brings_its_own_key_and_carrier(
    page: dict[str, Any], tmp_path: Path
) -> None:
    network: dict[bytes, asyncio.Queue[bytes]] = defaultdict(asyncio.Queue)
    accounts = {name: Account(network) for name in ("alice", "bob")}
    stores = {
        name: page["create_store"](tmp_path / name / "store.rfks", name, account)
        for name, account in accounts.items()
    }
    at_home: Callable[..., Any] = page["open_messenger_endpoint"]
    async with (
        at_home(stores["alice"], accounts["alice"]) as alice,
        at_home(stores["bob"], accounts["bob"]) as bob,
    ):
        for name, other, them in (("alice", "bob", bob), ("bob", "alice", alice)):
            key = accounts[other].identity_key
            page["learn"](stores[name], key, other, them.announcement())
        ends = await _call(alice, bob)

    assert ends == ["hung up", "hung up"]


async def _call(alice: Endpoint, bob: Endpoint) -> list[str]:
    outgoing = await alice.dial("bob")
    incoming = await anext(bob.incoming())
    incoming.accept()
    async for news in outgoing.news():
        if news == StateChanged(State.ACTIVE):
            outgoing.hang_up()
    async for _ in incoming.news():
        pass  # to the end
    return [call.end.value for call in (outgoing, incoming) if call.end is not None]


def _store(folder: Path, vault: Vault) -> Store:
    return Store.create(
        folder / "store.rfks", vault, Passphrase(b"correct horse"), cost=_CHEAP
    )


@dataclass
class Account:
    """A messenger's account, on a network of its own."""

    network: dict[bytes, asyncio.Queue[bytes]]
    storage_key: bytes = b"kept by the messenger"
    key: NativeSigner = field(default_factory=lambda: NativeSigner(os.urandom(32)))

    @property
    def identity_key(self) -> bytes:
        return self.key.public_key()

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data)

    async def send(self, identity: bytes, *, kind: str, payload: bytes) -> None:
        assert kind == "call"
        await self.network[identity].put(payload)

    def receive(self, *, kind: str) -> Awaitable[bytes]:
        assert kind == "call"
        return self.network[self.identity_key].get()
