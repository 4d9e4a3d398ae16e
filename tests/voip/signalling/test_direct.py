"""Listeners on the local network, which here is the loopback interface."""

import os
import sys
from pathlib import Path

import pytest

from voip.errors import MissingError, UnreachableError
from voip.identity.card import RelayAddress
from voip.signalling.direct import announce, find, lan_tag, listen
from voip.signalling.envelope import mailbox_tag
from voip.signalling.link import RelayLink

CARD_KEY = b"\x02" * 32
LOOPBACK = ["127.0.0.1"]


async def test_a_listener_takes_blobs_for_callers_own_tags(tmp_path: Path) -> None:
    fetch = os.urandom(32)
    async with (
        listen(tmp_path / "spool", host="127.0.0.1", port=0) as running,
        RelayLink(running.address, entropy=os.urandom) as link,
    ):
        link.watch([fetch])
        await link.put(mailbox_tag(fetch), bytes(4096))
        parcel = await link.receive()

    assert parcel.tag == mailbox_tag(fetch)


@pytest.mark.parametrize("pin", [None, b"\x03" * 32], ids=["plain", "pinned"])
async def test_a_holder_of_the_card_finds_the_listener(pin: bytes | None) -> None:
    listener = RelayAddress("127.0.0.1", 5349, pin=pin)
    async with announce(listener, CARD_KEY, entropy=os.urandom, interfaces=LOOPBACK):
        found = await find(CARD_KEY, interfaces=LOOPBACK)

    assert found == listener


async def test_others_do_not_recognise_it() -> None:
    listener = RelayAddress("127.0.0.1", 5349)
    async with announce(listener, CARD_KEY, entropy=os.urandom, interfaces=LOOPBACK):
        with pytest.raises(UnreachableError, match="no listener on the local network"):
            await find(bytes(32), interfaces=LOOPBACK, patience_s=0.5)


def test_the_tag_changes_every_day() -> None:
    assert lan_tag(CARD_KEY, 20000) != lan_tag(CARD_KEY, 20001)


def test_the_tag_is_frozen() -> None:
    assert lan_tag(CARD_KEY, 20000) == "uyg4dalqzb5e4"


async def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)

    with pytest.raises(MissingError, match=r"install ringfence\[lan\]"):
        await find(CARD_KEY)
