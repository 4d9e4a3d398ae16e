"""Values of metadata files."""

from updater.publish.rolefile import Standing, list_file


def test_a_file_is_listed_by_size_and_hash() -> None:
    listed = list_file(b"")

    assert (listed.size, listed.sha256[:8]) == (0, "e3b0c442")


def test_signatures_beyond_the_threshold_are_not_missing() -> None:
    standing = Standing(1, frozenset({b"a", b"b"}), unsigned=frozenset())

    assert standing.missing == 0
