"""A page shows comparisons with real tables, and nothing foreign becomes markup."""

import re
from html.parser import HTMLParser

import pytest

from reproducible.compare.verdict import Cause, Comparison, Difference
from reproducible.explain.explaining import Explained
from reproducible.explain.page import MOST_ENTRIES, format_page
from tests.reproducible.explain.packages import (
    NAME,
    a_file,
    different,
    excerpt,
    explained,
    wheel,
)
from updater.transparency.claims.rebuild import Exemption

_VOID = {"meta", "col", "br"}
_ATTACK = "<script>alert(1)</script>\"'&\u202e\x1b"


class _Checked(HTMLParser):
    """Expects every element to be closed in its place, and remembers what there is."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def tags(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag == name]


def _page(*comparisons: Comparison | Explained) -> _Checked:
    every = [e if isinstance(e, Explained) else Explained(e) for e in comparisons]
    return _Checked(format_page(every))


def _everything() -> Explained:
    """Say something of every kind, all of it written by an attacker."""
    said = different(
        *[Difference("code", "both", _ATTACK, _ATTACK)] * (MOST_ENTRIES + 1),
        published=a_file(_ATTACK),
        causes=(Cause("code", _ATTACK, 2), Cause("x", _ATTACK, 1)),
        warnings=(_ATTACK,),
        exceptions=(
            Exemption(field="zip.create", count=1, entry=_ATTACK, reason=_ATTACK),
        ),
        stage="git-to-wheel",
    )
    shown = excerpt(
        f"1\n2\n3\n4\n{_ATTACK}\nold\n5\nout\n", f"1\n2\n3\n4\n{_ATTACK}!\nnew\n5\n"
    )
    more = excerpt(f"{_ATTACK}\n" * 300, "", _ATTACK)
    ours = excerpt("", f"{_ATTACK}\n")
    return Explained(
        said, (shown, more, ours, ours), diffoscope=f"{_ATTACK}\n{_ATTACK}"
    )


def test_nothing_foreign_becomes_markup() -> None:
    page = _page(_everything())

    assert {tag for tag, _ in page.found} <= {
        *("html", "head", "meta", "title", "style", "body", "main", "section"),
        *("h1", "h2", "h3", "p", "span", "code", "table", "caption", "colgroup"),
        *("col", "thead", "tbody", "tr", "th", "td", "ul", "li", "details"),
        *("summary", "del", "ins", "pre"),
    }


def test_no_attribute_has_anything_foreign() -> None:
    values = [
        value for _, named in _page(_everything()).found for value in named.values()
    ]

    assert not any("alert" in (value or "") for value in values)


def test_nothing_hidden_is_left_in_a_page() -> None:
    page = format_page([_everything()]).decode()

    assert set(re.findall(r"[^\x20-\x7e]", page)) <= {"\n", *"…✗"}


def test_a_page_asks_for_nothing_from_outside() -> None:
    page = format_page([_everything()]).decode()

    assert not re.search(r"<[^>]+ (?:src|href|action|style|on\w+)=", page)


def test_every_table_has_a_caption_and_heads_with_a_scope() -> None:
    page = _page(_everything())
    scopes = {named.get("scope") for named in page.tags("th")}

    assert (len(page.tags("table")), scopes) == (
        len(page.tags("caption")),
        {"col", "row"},
    )


def test_a_page_has_a_language_and_one_title() -> None:
    page = _page(_everything())

    assert (page.tags("html"), len(page.tags("title"))) == ([{"lang": "en"}], 1)


def test_only_so_many_differences_are_listed() -> None:
    assert (
        f"{MOST_ENTRIES + 1} in all, of which {MOST_ENTRIES} are listed"
        in _page(_everything()).text
    )


def test_only_the_first_excerpts_are_unfolded() -> None:
    folded = _page(_everything()).tags("details")

    assert ["open" in named for named in folded] == [True, True, True, False, False]


def test_what_is_left_out_of_an_excerpt_is_counted() -> None:
    assert "100 more lines differ." in _page(_everything()).text


def test_the_part_of_a_line_that_differs_is_marked() -> None:
    page = format_page(
        [explained(wheel({"a.py": "x = 22\n"}), wheel({"a.py": "x = 2\n"}))]
    )

    assert b"<code>x = 2<del>2</del></code>" in page


@pytest.mark.parametrize(
    ("theirs", "ours", "marked"),
    [
        ("aXb", "aYb", ("a<del>X</del>b", "a<ins>Y</ins>b")),
        ("aa", "aaa", ("aa<del></del>", "aa<ins>a</ins>")),
        ("ab", "b", ("<del>a</del>b", "<ins></ins>b")),
    ],
    ids=["middle", "repeated", "start"],
)
def test_marks_never_overlap(theirs: str, ours: str, marked: tuple[str, str]) -> None:
    found = Explained(different(), (excerpt(f"{theirs}\n", f"{ours}\n"),))
    page = format_page([found]).decode()

    assert tuple(re.findall(r'(?:out|in)"><code>(.*?)</code>', page)) == marked


def test_identical_files_have_no_tables_of_differences() -> None:
    data = wheel({"a.py": "x = 1\n"})

    assert len(_page(explained(data, data)).tags("table")) == 1


def test_several_comparisons_have_an_overview() -> None:
    data = wheel({"a.py": "x = 1\n"})
    page = _page(explained(data, data), _everything())

    assert [named["href"] for named in page.tags("a")] == ["#f1", "#f2"]


def test_what_was_not_built_has_one_file_and_a_reason() -> None:
    said = Comparison(
        verdict="unsupported",
        method="sha256",
        published=a_file(),
        rebuilt=None,
        reason="platform-wheel",
    )
    text = _page(said).text

    assert ("(platform-wheel)" in text, "Rebuilt" in text) == (True, False)


def test_the_same_comparison_makes_the_same_page() -> None:
    assert format_page([_everything()]) == format_page([_everything()])


def test_a_page_of_many_differences_is_bounded() -> None:
    each = Difference("code", "both", f"{NAME}/" + "x" * 400, "y" * 400)
    page = format_page([Explained(different(*[each] * 100_000))])

    assert len(page) < 2_000_000
