import contextlib
import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.fetch.simple import Offered, normal_name, parse_listing
from updater.errors import MalformedError

BASE: Final = "https://index.example/simple/tally/"
HASH: Final = "ab" * 32


def row(**changes: Any) -> dict[str, Any]:
    return {
        "filename": "tally-1.0-py3-none-any.whl",
        "url": "../../files/tally-1.0-py3-none-any.whl",
        "hashes": {"sha256": HASH},
        "size": 812,
    } | changes


def listing(*rows: dict[str, Any], version: str = "1.1") -> bytes:
    page = {"meta": {"api-version": version}, "name": "tally", "files": list(rows)}
    return json.dumps(page).encode()


def test_a_file_has_an_absolute_address() -> None:
    assert parse_listing(listing(row()), BASE) == (
        Offered(
            "tally-1.0-py3-none-any.whl",
            "https://index.example/files/tally-1.0-py3-none-any.whl",
            size=812,
            sha256=HASH,
        ),
    )


def test_what_an_index_may_say_besides_is_read() -> None:
    (found,) = parse_listing(
        listing(
            row(
                **{
                    "filename": "tally-1.0.tar.gz",
                    "upload-time": "2025-06-15T16:26:40.125000Z",
                    "requires-python": ">=3.8",
                    "yanked": "",
                }
            )
        ),
        BASE,
    )

    assert not found.is_wheel
    assert found.uploaded == 1_750_004_800
    assert found.requires_python == ">=3.8"
    assert found.yanked


@pytest.mark.parametrize(
    "other",
    [
        row(filename="tally-1.0.egg"),
        row(filename="tally-1.0.zip"),
        row(filename="../tally-1.0.tar.gz"),
        row(filename=".tally-1.0.tar.gz"),
        row(hashes={"md5": "00"}),
    ],
    ids=["egg", "zip", "climbing", "hidden", "no-sha256"],
)
def test_what_cannot_be_used_is_left_out(other: dict[str, Any]) -> None:
    assert parse_listing(listing(other), BASE) == ()


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (b"<!DOCTYPE html>", "not JSON at character 0"),
        (b"[]", "expected an object, came an array"),
        (listing(version="2.0"), "api-version: '2.0' does not match"),
        (listing(version="1.0"), "api-version: '1.0' does not match"),
        (listing(row(), row()), "'tally-1.0-py3-none-any.whl' is listed twice"),
        (listing(row(filename=1)), "filename: expected a string"),
        (listing(row(url="https://[::1/a.whl")), "url: Invalid IPv6 URL"),
        (listing(row(url="a b")), "url: 'a b' does not match"),
        (listing(row(size=0)), "size: expected 1 to"),
        (listing(row(size=None)), "size: expected an integer, came null"),
        (listing(row(hashes={"sha256": "AB" * 32})), "sha256: 'ABAB"),
        (listing(row(**{"upload-time": "yesterday"})), "upload-time: 'yesterday'"),
        (
            listing(row(**{"upload-time": "2025-02-30T00:00:00Z"})),
            "'2025-02-30T00:00:00' is no time",
        ),
        (listing(row(**{"requires-python": "\n"})), "requires-python"),
    ],
    ids=[
        "html", "array", "api-2", "api-1.0", "twice", "number", "bracket", "space",
        "empty", "no-size", "upper", "word", "february", "line-feed",
    ],
)  # fmt: skip
def test_a_listing_of_another_form_is_refused(page: bytes, why: str) -> None:
    with pytest.raises(MalformedError) as refused:
        parse_listing(page, BASE)

    assert why in str(refused.value)


@given(st.binary())
def test_any_bytes_raise_one_error(data: bytes) -> None:
    with contextlib.suppress(MalformedError):
        parse_listing(data, BASE)


def test_a_name_is_written_as_an_index_files_it() -> None:
    assert normal_name("Zope.Interface__x") == "zope-interface-x"


@pytest.mark.parametrize("name", ["", "../etc", "a/b", "-a", "a\n"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(MalformedError):
        normal_name(name)
