"""A comparison is explained with what lies in the two files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.compare.verdict import Difference
from reproducible.explain.explaining import explain
from tests.reproducible.explain.packages import (
    EPOCH,
    METADATA,
    NAME,
    WHEEL,
    a_file,
    bundle,
    codes,
    different,
    explained,
    sdist,
    wheel,
)
from tests.reproducible.tampering import CORPUS
from tests.reproducible.tampering_case import Case
from updater.archive.extent import in_memory

_HONEST = wheel({"tally.py": "x = 1\n"})


def test_identical_files_are_not_even_opened() -> None:
    found = explained(_HONEST, _HONEST)

    assert (found.comparison.causes, found.excerpts) == ((), ())


def test_changed_code_is_shown() -> None:
    (excerpt,) = explained(wheel({"tally.py": "x = 2\n"}), _HONEST).excerpts

    assert [(row.published, row.rebuilt) for row in excerpt.rows] == [
        ("x = 2", "x = 1")
    ]


def test_another_version_of_the_backend_is_named() -> None:
    other = wheel({"tally.py": "x = 1\n"}, about=WHEEL.replace("own 1", "own 2"))
    (cause,) = explained(other, _HONEST).comparison.causes

    assert cause.text == (
        "built by another backend, or version of it: published 'own 2', rebuilt 'own 1'"
    )


def test_another_epoch_is_named() -> None:
    other = wheel({"tally.py": "x = 1\n"}, epoch=EPOCH + 60)

    assert codes(explained(other, _HONEST).comparison.causes) == ["other-epoch"]


def test_an_added_dependency_is_named() -> None:
    metadata = f"{METADATA}Requires-Dist: other\n"
    other = wheel({"tally.py": "x = 1\n"}, metadata=metadata)

    assert codes(explained(other, _HONEST).comparison.causes) == ["dependencies"]


def test_an_sdist_of_another_user_is_named() -> None:
    name = "tally-1.0.tar.gz"
    found = explained(sdist({"a.py": b"x"}, uname="alice"), sdist({"a.py": b"x"}), name)

    assert codes(found.comparison.causes) == ["owner"]


def test_a_bundle_of_another_source_is_explained_to_the_line() -> None:
    published = bundle(wheel({"tally.py": "x = 2\n"}), tree="ee")
    found = explained(published, bundle(_HONEST), "tally.tar")

    assert (codes(found.comparison.causes), found.excerpts[0].entry) == (
        ["source-tree", "code"],
        f"{NAME}!tally.py",
    )


def test_a_bundle_for_another_time_is_explained() -> None:
    late = EPOCH + 60
    published = bundle(wheel({"tally.py": "x = 1\n"}, epoch=late), epoch=late)
    found = explained(published, bundle(_HONEST), "tally.tar")

    assert codes(found.comparison.causes) == ["epoch", "other-epoch"]


def test_what_was_not_built_is_explained_without_files() -> None:
    said = different(
        Difference("reason", "rebuilt", "no-sdist"), verdict="unsupported", rebuilt=None
    )

    assert explain(said, None, None).comparison == said


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.about)
def test_every_tampering_we_know_is_explained(case: Case) -> None:
    found = explained(case.tampered, case.honest, case.name)

    # Of external attributes that mean nothing to an installer, there is none.
    assert found.comparison.causes or case.kind == "header"


@given(st.binary(max_size=600), st.sampled_from([NAME, "a.tar.gz", "a.tar", "a"]))
def test_no_bytes_make_it_fail(data: bytes, name: str) -> None:
    said = different(
        Difference("code", "both", "a"), published=a_file(name), rebuilt=a_file(name)
    )

    assert explain(said, in_memory(data), in_memory(data[::-1])).excerpts == ()


@given(st.integers(0, len(_HONEST) - 1), st.integers(1, 255))
def test_no_changed_byte_makes_it_fail(at: int, flip: int) -> None:
    data = bytearray(_HONEST)
    data[at] ^= flip

    assert explained(bytes(data), _HONEST).comparison.verdict != "identical"
