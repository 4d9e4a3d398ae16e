"""The page on calls names every event and every order of the program."""

import re

import pytest

from cli.orders import Act
from tests.io_map import CHECKOUT

_PAGE = (CHECKOUT / "docs" / "calls.md").read_text()
_SOURCES = ["voip/news.py", "cli/talk.py", "cli/calling.py", "cli/console.py"]
_EVENTS = {
    event
    for source in _SOURCES
    for event in re.findall(r'"event": "([a-z-]+)"', (CHECKOUT / source).read_text())
}


@pytest.mark.parametrize("event", sorted(_EVENTS))
def test_an_event_is_documented(event: str) -> None:
    assert re.search(rf"(?m)^\| [^|]*`{event}`[^|]* \|", _PAGE)


@pytest.mark.parametrize("act", Act)
def test_an_order_is_documented(act: Act) -> None:
    assert re.search(rf"(?m)^\| [^|]*`{act.value}`[^|]* \|", _PAGE)
