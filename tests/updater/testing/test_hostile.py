"""The misbehaviour itself is shown in tests/updater/fetch/test_fetch.py."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from updater.testing.hostile import HostileServer, page


def test_it_serves_a_folder_as_it_should(tmp_path: Path) -> None:
    (tmp_path / "a b").write_bytes(b"0123456789")
    with HostileServer(tmp_path) as server:
        assert _get(server.url + "a%20b") == b"0123456789"
        assert _get(server.url + "a%20b", "bytes=3-5") == b"345"
        assert _get(server.url + "a%20b", "bytes=8-") == b"89"
        assert [each.path for each in server.asked] == ["/a%20b"] * 3


@pytest.mark.parametrize(("path", "span", "status"), [("b", "", 404), ("a", "9", 416)])
def test_what_is_not_there_is_not_served(
    tmp_path: Path, path: str, span: str, status: int
) -> None:
    (tmp_path / "a").write_bytes(b"small")
    with HostileServer(tmp_path) as server:
        with pytest.raises(urllib.error.HTTPError) as failure:
            _get(server.url + path, f"bytes={span}-")
        failure.value.close()

    assert failure.value.code == status


def test_a_path_is_given_back_its_manners(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"file")
    with HostileServer(tmp_path) as server:
        server.behaviour["/a"] = page(b"page")
        first = _get(server.url + "a")
        del server.behaviour["/a"]

        assert (first, _get(server.url + "a")) == (b"page", b"file")


def _get(url: str, span: str = "") -> bytes:
    headers = {"Range": span} if span else {}
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request) as answer:
        data: bytes = answer.read()
    return data
