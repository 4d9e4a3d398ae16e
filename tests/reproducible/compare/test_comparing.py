"""Two files, from their bytes to a verdict."""

import gzip
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reproducible.compare import comparing
from reproducible.compare.comparing import compare
from reproducible.compare.verdict import Comparison, Difference, FileId
from reproducible.errors import InputError
from tests.reproducible import tampered_bundles, tampered_sdists, tampered_wheels
from tests.reproducible.tampering import CORPUS
from tests.reproducible.tampering_case import Case
from tests.updater.wheels import Raw
from updater.archive.extent import Extent, in_memory

GOOD = {
    module.NAME: module.GOOD
    for module in (tampered_wheels, tampered_sdists, tampered_bundles)
}
WHEEL, SDIST, BUNDLE = GOOD
BY_NAME = {case.about: case for case in CORPUS}


def _compare(published: bytes, rebuilt: bytes, name: str) -> Comparison:
    return compare(in_memory(published), in_memory(rebuilt), name=name)


def _of(about: str, **options: object) -> Comparison:
    case = BY_NAME[about]
    return compare(
        in_memory(case.tampered),
        in_memory(case.honest),
        name=case.name,
        **options,  # type: ignore[arg-type]  # any option
    )


@pytest.mark.parametrize("name", GOOD)
def test_equal_files_are_identical(name: str) -> None:
    data = GOOD[name]
    same = FileId(name, len(data), sha256=hashlib.sha256(data).hexdigest())

    assert _compare(data, bytes(data), name) == Comparison(
        verdict="identical", method="sha256", published=same, rebuilt=same
    )


@pytest.mark.parametrize("name", ["a.whl", "a.tar.gz", "a.tar", "a"])
def test_equal_files_are_identical_whatever_they_are(name: str) -> None:
    assert _compare(b"\0nothing\n", b"\0nothing\n", name).verdict == "identical"


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.about)
def test_no_tampered_file_is_identical(case: Case) -> None:
    assert _compare(case.tampered, case.honest, case.name).verdict != "identical"


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.about)
def test_exceptions_are_found_where_only_header_fields_differ(case: Case) -> None:
    found = _compare(case.tampered, case.honest, case.name)

    assert ({each.field for each in found.exceptions}, found.verdict) == (
        case.fields,
        "identical-with-exceptions" if case.fields else "different",
    )


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.about)
def test_the_first_difference_is_of_the_class_of_the_tampering(case: Case) -> None:
    found = _compare(case.tampered, case.honest, case.name)

    assert [each.kind for each in found.differences[:1]] == [
        each for each in (case.kind,) if each
    ]


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.about)
def test_verdicts_agree_when_the_sides_are_changed(case: Case) -> None:
    there = _compare(case.tampered, case.honest, case.name)
    back = _compare(case.honest, case.tampered, case.name)

    assert there.verdict == back.verdict


@pytest.mark.parametrize("about", [case.about for case in CORPUS if case.fields])
def test_what_is_ours_has_no_exceptions(about: str) -> None:
    found = _of(about, own=True)

    assert (found.verdict, bool(found.differences)) == ("different", True)


def test_a_reason_is_stated_with_its_exception() -> None:
    found = _of("wheel-zip.date_time", reasons={"zip.date_time": "built on a Monday"})

    assert [each.reason for each in found.exceptions] == ["built on a Monday"]


def test_a_proof_is_named_as_the_method() -> None:
    assert _of("sdist-gzip-time").method == "patch-proof/1"


@given(st.sampled_from(CORPUS), st.sampled_from(CORPUS))
def test_verdicts_agree_both_ways_for_any_two_files(one: Case, other: Case) -> None:
    there = _compare(one.tampered, other.tampered, one.name)
    back = _compare(other.tampered, one.tampered, one.name)

    assert there.verdict == back.verdict


def _excepted_in_zip(data: bytes) -> set[int]:
    """Give the offsets of the two fields that stand in the directory alone."""
    places: set[int] = set()
    at = data.find(b"PK\1\2")
    while at >= 0:
        places |= {at + 4, at + 5, *range(at + 38, at + 42)}
        at = data.find(b"PK\1\2", at + 1)
    return places


def _flip(data: bytes, at: int, mask: int) -> bytes:
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


FLIPS = st.tuples(st.integers(0, 2**32), st.integers(1, 255))


@given(FLIPS)
@settings(max_examples=300)
def test_a_flipped_byte_of_a_wheel_is_excepted_in_its_directory_alone(
    flip: tuple[int, int],
) -> None:
    data = GOOD[WHEEL]
    at = flip[0] % len(data)
    verdict = _compare(_flip(data, at, flip[1]), data, WHEEL).verdict

    assert verdict == "different" or (
        verdict == "identical-with-exceptions" and at in _excepted_in_zip(data)
    )


@given(FLIPS)
@settings(max_examples=300)
def test_a_flipped_byte_of_an_sdist_is_excepted_if_it_unpacks_to_the_same(
    flip: tuple[int, int],
) -> None:
    data = GOOD[SDIST]
    flipped = _flip(data, flip[0] % len(data), flip[1])
    found = _compare(flipped, data, SDIST)

    # One byte can make other codes of a deflate stream that say the same.
    assert found.verdict == "different" or (
        found.verdict == "identical-with-exceptions"
        and gzip.decompress(flipped) == tampered_sdists.TAR
    )


@given(st.integers(0, 2**32), st.integers(0, 511), st.integers(1, 255))
@settings(max_examples=300)
def test_a_flipped_byte_of_a_tar_header_is_excepted_in_three_fields_alone(
    member: int, at: int, mask: int
) -> None:
    starts = [0, 512, 1536, 2560, 3072]
    start = starts[member % len(starts)]
    block = bytearray(_flip(tampered_sdists.TAR[start : start + 512], at, mask))
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    tar = tampered_sdists.TAR[:start] + block + tampered_sdists.TAR[start + 512 :]
    verdict = _compare(tampered_sdists.gzipped(tar), GOOD[SDIST], SDIST).verdict
    is_field = 100 <= at < 124 or 136 <= at < 148 or 265 <= at < 329

    assert verdict != "identical-with-exceptions" or is_field


@given(FLIPS)
@settings(max_examples=300)
def test_a_flipped_byte_of_a_bundle_is_never_excepted(flip: tuple[int, int]) -> None:
    data = GOOD[BUNDLE]
    flipped = _flip(data, flip[0] % len(data), flip[1])

    assert _compare(flipped, data, BUNDLE).verdict == "different"


@given(st.sampled_from(["a-1-py3-none-any.whl", "a.tar.gz", "a.tar"]), st.binary())
def test_any_bytes_have_a_verdict(name: str, data: bytes) -> None:
    good = GOOD[{"whl": WHEEL, "gz": SDIST, "tar": BUNDLE}[name.rpartition(".")[2]]]

    assert _compare(data, good, name).verdict == "different"


@pytest.mark.parametrize(
    ("name", "rebuilt_name"),
    [
        ("a.bin", "a.bin"),
        ("a.tar", "a.tar"),
        ("a.zip", "a.zip"),
        ("a.whl", "a.tar.gz"),
    ],
)
def test_files_of_no_known_form_differ_at_a_byte(name: str, rebuilt_name: str) -> None:
    found = compare(
        in_memory(b"\0a"), in_memory(b"\0b"), name=name, rebuilt_name=rebuilt_name
    )

    assert found.differences[-1] == Difference(
        "container", "both", name, "1 byte from 0x1 on"
    )


def test_files_of_other_names_are_different_in_that_too() -> None:
    other = "pkg-1.0-py2.py3-none-any.whl"
    found = _of("wheel-zip.date_time", rebuilt_name=other)
    words = f"published {WHEEL!r}, rebuilt {other!r}"

    assert found.differences[0] == Difference("name", "both", WHEEL, words)


def test_equal_files_of_other_names_are_identical_with_a_warning() -> None:
    found = compare(in_memory(b"a"), in_memory(b"a"), name="a", rebuilt_name="b")

    assert (found.verdict, found.warnings) == (
        "identical",
        ("the two files have different names",),
    )


@pytest.mark.parametrize("name", [WHEEL, SDIST])
def test_a_file_that_is_too_large_to_be_taken_apart_is_malformed(name: str) -> None:
    size = comparing.MAX_BYTES + 1
    large = Extent(lambda _, many: _ZEROS[:many], size)
    found = compare(large, in_memory(GOOD[name]), name=name)

    assert found.differences == (
        Difference(
            "malformed",
            "published",
            name,
            f"expected at most {comparing.MAX_BYTES} bytes, came {size}",
        ),
    )


_ZEROS = bytes(256 * 1024)


def _changing(*versions: bytes) -> Extent:
    """Make a file of which each version is read once from its beginning."""
    left = list(versions)

    def read_at(offset: int, size: int) -> bytes:
        if not offset and len(left) > 1:
            current[0] = left.pop(0)
        return current[0][offset : offset + size]

    current = [versions[0]]
    return Extent(read_at, len(versions[0]))


@pytest.mark.parametrize("name", [*GOOD, "a.bin"])
def test_a_file_that_changes_after_it_was_hashed_is_no_verdict(name: str) -> None:
    good = GOOD.get(name, b"good")
    changing = _changing(_flip(good, 40 % len(good), 1), good, good)

    with pytest.raises(InputError):
        compare(changing, in_memory(good), name=name)


def test_a_file_that_becomes_shorter_is_no_verdict() -> None:
    short = Extent(lambda offset, size: b"abc"[offset : offset + size], 4)

    with pytest.raises(InputError, match="a: cut short"):
        compare(short, in_memory(b"abcd"), name="a")


def test_a_file_that_becomes_shorter_after_it_was_hashed_is_no_verdict() -> None:
    good = GOOD[WHEEL]
    shrinking = _changing(good + b"\0", good, good)

    with pytest.raises(InputError, match="cut short"):
        compare(shrinking, in_memory(good), name=WHEEL)


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    tar = bytes(64 * 1024 * 1024)
    bomb = tampered_sdists.gzipped(tar)
    found = _compare(bomb, GOOD[SDIST], SDIST)

    assert found.differences[0].detail.startswith(f"gzip: {len(bomb) - 18} bytes may")


def test_a_wheel_that_claims_more_than_it_has_is_refused() -> None:
    bomb = tampered_wheels.wheel([Raw(packed=b"x", sums=(0, 1, 2**31))])
    found = _compare(bomb, GOOD[WHEEL], WHEEL)

    assert "may not become" in found.differences[0].detail
