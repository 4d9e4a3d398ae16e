"""A page can do nothing but be looked at."""

import base64
import hashlib
import re

import pytest

from reproducible.explain.frame import frame, quoted


def test_a_page_may_load_and_run_nothing() -> None:
    page = frame("Title", "").decode()
    style = re.search("<style>(.*)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()

    assert (
        f"content=\"default-src 'none'; base-uri 'none'; form-action 'none';"
        f" style-src 'sha256-{digest}'\""
    ) in page


def test_a_title_is_text() -> None:
    assert b"<h1>&lt;b&gt;</h1>" in frame("<b>", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<a href="x">&', "&lt;a href=&quot;x&quot;&gt;&amp;"),
        ("\u202e<", r"\u202e&lt;"),
        ("x" * 401, "x" * 400 + "… (1 more)"),
    ],
    ids=["markup", "bidi", "long"],
)
def test_foreign_text_is_text_and_seen(text: str, expected: str) -> None:
    assert quoted(text) == expected
