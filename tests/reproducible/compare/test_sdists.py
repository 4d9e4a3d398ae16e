"""Classes of difference between two source archives."""

import pytest

from reproducible.archive.sdists import open_sdist
from reproducible.compare.sdists import classify_sdists
from reproducible.compare.verdict import KINDS, Difference
from tests.reproducible.tampered_sdists import CASES, GOOD, NAME, TAR, gzipped

BY_NAME = {case.about.removeprefix("sdist-"): case for case in CASES}
OPENED = [about for about, case in BY_NAME.items() if case.kind != "malformed"]


def _classify(published: bytes, rebuilt: bytes = GOOD) -> list[Difference]:
    return classify_sdists(open_sdist(published), open_sdist(rebuilt), name=NAME)


def _case(about: str) -> list[Difference]:
    return _classify(BY_NAME[about].tampered)


def test_an_sdist_does_not_differ_from_itself() -> None:
    assert _classify(GOOD) == []


@pytest.mark.parametrize("about", [each for each in OPENED if BY_NAME[each].kind])
def test_each_way_of_tampering_has_its_class(about: str) -> None:
    assert _case(about)[0].kind == BY_NAME[about].kind


@pytest.mark.parametrize("about", OPENED)
def test_what_differs_is_said_in_the_order_of_classes(about: str) -> None:
    places = [KINDS.index(each.kind) for each in _case(about)]

    assert places
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ("code-byte", ("code", "pkg-1.0/pkg.py", "1 line")),
        ("about", ("dist-info", "pkg-1.0/PKG-INFO", "1 line")),
        ("native", ("native", "pkg-1.0/pkg.py", "ELF, 199 bytes from 0x0 on")),
        (
            "target",
            (
                "code",
                "pkg-1.0/alias.py",
                "link to 'run.sh' published, link to 'pkg.py' rebuilt",
            ),
        ),
        (
            "file-becomes-folder",
            ("code", "pkg-1.0/pkg.py", "folder published, file rebuilt"),
        ),
        (
            "executable",
            ("header", "pkg-1.0/pkg.py", "mode published 0o755, rebuilt 0o644"),
        ),
        (
            "owner-in-pax",
            (
                "header",
                "pkg-1.0/pkg.py",
                "owner published 1000:0 'somebody':'', rebuilt 1000:0 'builder':''",
            ),
        ),
        (
            "old-type-of-file",
            ("container", "pkg-1.0/pkg.py", "one header, written in two forms"),
        ),
        ("zeros-at-the-end", ("container", NAME, None)),
        ("gzip-time", ("gzip", NAME, "mtime published 1750000000, rebuilt 0")),
        ("gzip-system", ("gzip", NAME, "os published 3, rebuilt 255")),
        (
            "gzip-name",
            ("gzip", NAME, "name published b'dist/pkg-1.0.tar', rebuilt None"),
        ),
    ],
)
def test_a_difference_is_said_in_words(
    about: str, expected: tuple[str, str, str | None]
) -> None:
    first = _case(about)[0]
    words = expected[2] or "zeros at the end published 1536, rebuilt 1024"

    assert (first.kind, first.entry, first.detail) == (*expected[:2], words)


def test_another_compression_of_the_same_tar_is_said_with_its_sizes() -> None:
    packed = gzipped(TAR, level=1)
    sizes = [len(each) - 18 for each in (packed, GOOD)]  # header and sums have 18

    assert _classify(packed) == [
        Difference(
            "deflate", "both", NAME, f"{sizes[0]} bytes published, {sizes[1]} rebuilt"
        )
    ]


def test_another_compression_of_another_tar_is_not_said() -> None:
    assert [each.kind for each in _case("code-byte")] == ["code"]
