"""A folder over HTTP: its files, parts of them, and nothing else."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from updater.errors import StoreError
from updater.publish.serve import serve_folders


@pytest.fixture
def server(tmp_path: Path) -> Iterator[http.client.HTTPConnection]:
    over, under = tmp_path / "over", tmp_path / "under"
    for folder in (over, under):
        (folder / "sub").mkdir(parents=True)
    (over / "both").write_bytes(b"over")
    (under / "both").write_bytes(b"under")
    (under / "sub/digits").write_bytes(b"0123456789")
    (under / "empty").write_bytes(b"")
    (tmp_path / "secret").write_bytes(b"secret")
    (under / "link").symlink_to(tmp_path / "secret")
    with serve_folders([over, under]) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
        yield connection
        connection.close()


def ask(
    server: http.client.HTTPConnection, path: str, **headers: str
) -> tuple[int, bytes]:
    server.request("GET", path, headers=headers)
    answer = server.getresponse()
    return answer.status, answer.read()


@pytest.mark.parametrize(
    ("path", "body"),
    [("/both", b"over"), ("/sub/digits", b"0123456789"), ("/empty", b"")],
)
def test_the_first_folder_that_has_a_file_gives_it(
    server: http.client.HTTPConnection, path: str, body: bytes
) -> None:
    assert ask(server, path) == (200, body)


@pytest.mark.parametrize(
    "path",
    ["/", "/none", "/sub", "/../secret", "/%2e%2e/secret", "//etc/passwd", "/link"],
)
def test_no_path_leads_out(server: http.client.HTTPConnection, path: str) -> None:
    assert ask(server, path) == (404, b"")


@pytest.mark.parametrize(
    ("span", "status", "body"),
    [
        ("bytes=2-4", 206, b"234"),
        ("bytes=8-99", 206, b"89"),
        ("bytes=10-11", 416, b""),
        ("bytes=4-2", 416, b""),
        ("bytes=-3", 200, b"0123456789"),
    ],
)
def test_parts_of_a_file(
    server: http.client.HTTPConnection, span: str, status: int, body: bytes
) -> None:
    assert ask(server, "/sub/digits", Range=span) == (status, body)


def test_one_connection_serves_many_questions(
    server: http.client.HTTPConnection,
) -> None:
    assert [ask(server, "/both")[1] for _ in range(3)] == [b"over"] * 3


def test_a_head_has_no_body(server: http.client.HTTPConnection) -> None:
    server.request("HEAD", "/sub/digits")

    answer = server.getresponse()

    assert (answer.headers["Content-Length"], answer.read()) == ("10", b"")


def test_a_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with serve_folders([tmp_path]) as url:
        port = urlsplit(url).port
        assert port is not None

        with pytest.raises(StoreError, match=f"port {port}"):
            serve_folders([tmp_path], port=port).__enter__()
