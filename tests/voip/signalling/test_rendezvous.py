"""Two people and a code, over a real relay."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from voip.errors import RefusedError, UnreachableError
from voip.identity.card import Card
from voip.signalling.link import RelayLink
from voip.signalling.relay import serve_relay
from voip.signalling.rendezvous import swap_cards
from voip.signalling.spoken import Code, Side

KEY = b"\x58" + b"\x66" * 31
ALICE = Card("alice", KEY, board=KEY, key=bytes(32), relay=None)
BOB = replace(ALICE, alias="bob")
CODE = Code(7, "crater", second="velvet")


async def meet(tmp_path: Path, *codes: Code) -> tuple[Card | BaseException, ...]:
    """Run both sides, each with its code; give what each got."""
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        RelayLink(running.address, entropy=os.urandom) as alice,
        RelayLink(running.address, entropy=os.urandom) as bob,
    ):
        got = await asyncio.gather(
            swap_cards(alice, codes[0], Side.CREATOR, card=ALICE, entropy=os.urandom),
            swap_cards(bob, codes[1], Side.JOINER, card=BOB, entropy=os.urandom),
            return_exceptions=True,
        )
    return tuple(got)


async def test_two_who_know_the_code_get_each_others_card(tmp_path: Path) -> None:
    assert await meet(tmp_path, CODE, CODE) == (BOB, ALICE)


async def test_a_wrong_word_ends_the_run_on_both_sides(tmp_path: Path) -> None:
    wrong = replace(CODE, second="tunnel")
    got = await meet(tmp_path, CODE, wrong)

    assert [type(each) for each in got] == [RefusedError, RefusedError]


async def test_nobody_coming_is_said(tmp_path: Path) -> None:
    async with (
        serve_relay(tmp_path / "spool", plain=True) as running,
        RelayLink(running.address, entropy=os.urandom) as link,
    ):
        with pytest.raises(UnreachableError, match=r"nobody came within 0\.2 s"):
            await swap_cards(
                link,
                CODE,
                Side.CREATOR,
                card=ALICE,
                entropy=os.urandom,
                patience_s=0.2,
            )
