"""A badge says its verdict in words."""

import xml.etree.ElementTree as ET

import pytest

from reproducible.explain.badge import COLOURS, format_badge
from updater.transparency.claims.rebuild import VERDICTS, Verdict

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("verdict", COLOURS, ids=str)
def test_a_badge_says_its_verdict_aloud_and_in_the_picture(verdict: Verdict) -> None:
    picture = ET.fromstring(format_badge(verdict))
    words = [
        picture.findtext(f"{_SVG}title"),
        *(t.text for t in picture.iter(f"{_SVG}text")),
    ]

    assert words == [f"rebuild: {verdict}", "rebuild", verdict]


@pytest.mark.parametrize("verdict", COLOURS, ids=str)
def test_white_can_be_read_on_each_colour(verdict: Verdict) -> None:
    red, green, blue = (_linear(COLOURS[verdict][at : at + 2]) for at in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert 1.05 / (luminance + 0.05) >= 4.5


def test_every_verdict_has_a_badge() -> None:
    assert set(COLOURS) == set(VERDICTS)


def _linear(digits: str) -> float:
    """One channel of a colour (WCAG 2.2, relative luminance)."""
    share = int(digits, 16) / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
