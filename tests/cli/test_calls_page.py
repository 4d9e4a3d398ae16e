"""The page on calls names every event and every order of the program."""

import re

import pytest

from cli.orders import Act
from tests.io_map import CHECKOUT
from voip.media.quality.diary import COLUMNS

_PAGE = (CHECKOUT / "docs" / "calls.md").read_text()
_SOURCES = [
    "voip/news.py",
    *("cli/calling.py", "cli/comparing.py", "cli/console.py", "cli/display.py"),
    *("cli/quality.py", "cli/steward.py", "cli/switching.py", "cli/talk.py"),
    *("cli/taping.py", "cli/telephoning.py"),
]
_EVENTS = {
    event
    for source in _SOURCES
    for event in re.findall(r'"event": "([a-z-]+)"', (CHECKOUT / source).read_text())
}


@pytest.mark.parametrize("event", sorted(_EVENTS))
def test_an_event_is_documented(event: str) -> None:
    assert re.search(rf"(?m)^\| [^|]*`{event}`[^|]* \|", _PAGE)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_figure_is_documented(column: str) -> None:
    name = column.removeprefix("video_out_").removeprefix("video_in_")

    assert f"`{column}`" in _PAGE or f"`{name}`" in _PAGE


@pytest.mark.parametrize("act", Act)
def test_an_order_is_documented(act: Act) -> None:
    assert re.search(rf"(?m)^\| [^|]*`{act.value}`[^|]* \|", _PAGE)
