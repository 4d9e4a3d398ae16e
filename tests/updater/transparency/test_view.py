"""What the gates see of a log."""

from tests.updater.transparency.memories import INDEX, memory
from tests.updater.transparency.worlds import START, World
from updater.transparency.honour import Honoured
from updater.transparency.view import LogView, Trouble


def view(*troubles: Trouble) -> LogView:
    sets = (World().trust_set,)
    return LogView(
        origin=memory().origin,
        memory=memory(),
        index=INDEX,
        honoured=Honoured(sets=sets, places=(), ages={}, ignored=()),
        head=None,
        fresh_at=None,
        troubles=troubles,
        behind_peers=None,
        is_old_copy=False,
        evidence=None,
        installed=None,
        agreements=(),
    )


def test_a_run_without_trouble_is_complete() -> None:
    assert view().is_complete
    assert not view(Trouble("network", "no answer")).is_complete


def test_an_entry_is_as_old_as_the_first_head_with_it() -> None:
    assert view().seen_at(1) == START
    assert view().seen_at(2) is None
