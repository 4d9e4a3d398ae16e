"""Where a larger room is: the first member's word, and nobody's after it."""

import asyncio
from dataclasses import replace

import pytest

from tests.voip.gateway.meshes import GROUP
from voip.errors import MalformedError, RefusedError
from voip.gateway.rooms.whereabouts import Whereabouts
from voip.signalling.group import Room

THERE = Room(GROUP, "wss://sfu.example", room=7, pin="a" * 26)
HERE = replace(THERE, url="ws://127.0.0.1:8188")


async def test_who_opened_the_room_knows() -> None:
    assert await Whereabouts(THERE, None).known() == THERE


async def test_who_waits_hears_the_first_word() -> None:
    where = Whereabouts(None, None)
    waiting = asyncio.ensure_future(where.known())

    assert where.take(THERE)
    assert await waiting == THERE


def test_the_same_word_is_no_news() -> None:
    assert not Whereabouts(THERE, None).take(THERE)


def test_another_place_is_refused() -> None:
    where = Whereabouts(THERE, None)

    with pytest.raises(RefusedError, match="at another place"):
        where.take(replace(THERE, room=8))


def test_a_member_s_word_leads_to_no_plain_socket() -> None:
    with pytest.raises(MalformedError, match="expected wss"):
        Whereabouts(None, None).take(HERE)


def test_the_user_may_expect_the_room_on_this_machine() -> None:
    where = Whereabouts(None, HERE.url)

    assert where.take(HERE)
    assert where.ticket == HERE
