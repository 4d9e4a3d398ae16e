"""Members of two archives, side by side."""

from dataclasses import dataclass

from reproducible.compare import members
from reproducible.compare.contents import Change
from reproducible.compare.verdict import Difference, Kind


@dataclass(frozen=True)
class Named:
    name: str
    data: str = ""


def _named(names: str) -> list[Named]:
    return [Named(each) for each in names]


def test_members_of_one_name_are_paired_in_the_published_order() -> None:
    paired = members.pairs(_named("cab"), _named("bcx"))

    assert [old.name for old, _ in paired] == ["c", "b"]


def test_members_that_only_one_side_has_are_named() -> None:
    found = members.file_set(_named("cab"), _named("bx"))

    assert found == [
        Difference("file-set", "published", "a"),
        Difference("file-set", "published", "c"),
        Difference("file-set", "rebuilt", "x"),
    ]


def _kind(name: str) -> Kind:
    return "dist-info" if name == "d" else "code"


def _change(old: Named, new: Named) -> Change | None:
    if old.data == new.data:
        return None
    return Change(native="so" in new.data, words=f"{old.data} to {new.data}")


def test_changed_contents_are_of_the_kind_of_their_name_or_native() -> None:
    paired = [
        (Named("c", "1"), Named("c", "2")),
        (Named("d", "1"), Named("d", "2")),
        (Named("d", "1"), Named("d", "so")),
        (Named("e", "1"), Named("e", "1")),
    ]

    assert members.changes(paired, _change, _kind) == [
        Difference("code", "both", "c", "1 to 2"),
        Difference("dist-info", "both", "d", "1 to 2"),
        Difference("native", "both", "d", "1 to so"),
    ]


def test_another_order_is_one_difference() -> None:
    found = members.order(_named("abcd"), _named("acbd"))

    assert found == [Difference("order", "both", "b", "2 of 4 members stand elsewhere")]


def test_members_of_one_side_do_not_put_the_others_out_of_order() -> None:
    assert members.order(_named("xab"), _named("ayb")) == []


def test_all_fields_that_differ_are_one_difference() -> None:
    found = members.said("header", "a", [("x", 1, 2), ("y", 1, 1), ("z", "b", "c")])

    assert found == [
        Difference(
            "header", "both", "a", "x published 1, rebuilt 2; z published b, rebuilt c"
        )
    ]


def test_nothing_is_said_of_equal_fields() -> None:
    assert members.said("header", "a", [("x", 1, 1)]) == []


def test_differences_are_sorted_by_class_and_stay_in_order_within() -> None:
    header, code, more = (
        Difference("header", "both", "a"),
        Difference("code", "both", "b"),
        Difference("code", "both", "a"),
    )

    assert members.in_order([header, code, more]) == [code, more, header]
