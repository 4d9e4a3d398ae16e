"""What a rebuilder shows the world."""

import json

import pytest

from reproducible.drive.page import Watched, format_page, format_status
from reproducible.drive.standing import (
    Standing,
    concluded,
    failed,
    handed_out,
    look_failed,
    looked,
)
from tests.reproducible.drive.standings import (
    FILE,
    NOW,
    PLATFORM,
    dice,
    said,
    seen,
    sha256,
)

ABOUT = Watched(project="pkg:pypi/tally", operator="anna", key="c" * 64)


def found(standing: Standing, version: str) -> Standing:
    return concluded(standing, sha256(version), said(), now=NOW, entropy=dice)


def page(standing: Standing) -> str:
    return format_page(ABOUT, standing).decode()


def test_the_page_says_who_rebuilds_what() -> None:
    assert "<title>anna rebuilds pkg:pypi/tally</title>" in page(Standing())


def test_nobody_was_looked_for_yet() -> None:
    assert "last looked for: never" in page(Standing())


def test_the_newest_version_is_on_top() -> None:
    text = page(seen("1.9", "1.10"))

    assert text.index(">1.10<") < text.index(">1.9<")


def test_what_was_not_built_yet_waits() -> None:
    assert "waits for its turn" in page(seen("1.0"))


def test_a_verdict_is_shown_with_its_time() -> None:
    text = page(handed_out(found(seen("1.0"), "1.0"), "a" * 64))

    assert ">identical</a></td>" in text
    assert '<time datetime="2026-09-21T14:13:20Z">' in text


def test_a_verdict_leads_to_its_report() -> None:
    assert f'href="{FILE}/{FILE}.compare.html"' in page(found(seen("1.0"), "1.0"))


def test_what_was_not_handed_out_says_so() -> None:
    assert "identical</a>; not handed out yet" in page(found(seen("1.0"), "1.0"))


def test_a_withdrawn_release_says_so() -> None:
    standing = looked(seen("1.0"), [], frozenset({sha256("1.0")}), NOW)

    assert "withdrawn by its publisher" in page(standing)


def test_trouble_with_a_release_is_counted() -> None:
    standing = failed(seen("1.0"), sha256("1.0"), "no sandbox", now=NOW, entropy=dice)

    assert "failed 1 times: no sandbox" in page(standing)


def test_trouble_with_looking_is_shown() -> None:
    assert "The last look failed: no answer" in page(
        look_failed(Standing(), "no answer")
    )


@pytest.mark.parametrize("text", ["<script>", "\u202etfel", "\x1b[2J", "&lt;"])
def test_what_others_wrote_is_escaped(text: str) -> None:
    assert text not in page(look_failed(Standing(), f"came {text}"))


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    text = page(found(seen("1.0"), "1.0"))

    assert "default-src 'none'" in text
    assert not [each for each in ("src=", "//", "url(", "@import") if each in text]


def test_programs_get_the_same_facts() -> None:
    status = json.loads(format_status(ABOUT, found(seen("1.0"), "1.0")))

    (file,) = status["files"]
    assert (file["version"], file["platform"]) == ("1.0", PLATFORM)
    assert (file["verdict"], file["out"]) == ("identical", False)


def test_a_file_without_a_verdict_has_none_for_programs() -> None:
    (file,) = json.loads(format_status(ABOUT, seen("1.0")))["files"]

    assert (file["verdict"], file["expiresOn"]) == (None, None)
