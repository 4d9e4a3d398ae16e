import gzip
import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.updater.certificates import tls_ends
from updater.errors import FetchError, StoreError
from updater.fetch.connection import Limits
from updater.fetch.fetch import PART, Fetcher, Network, Source
from updater.files import Files
from updater.testing.faults import FullDisk
from updater.testing.hostile import (
    Behaviour,
    HostileServer,
    Line,
    Request,
    bomb,
    cut,
    drip,
    endless,
    lying,
    page,
    raw,
    redirect,
    silence,
    wrong_range,
)

DATA: Final = bytes(range(256)) * 1_000
SHA256: Final = hashlib.sha256(DATA).hexdigest()
IMPATIENT: Final = Limits(
    connect_s=0.3, gap_s=0.15, small_s=0.3, large_s=0.3, drip=1e6, drip_s=0.1
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HostileServer]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "small").write_bytes(b"small")
    (folder / "large").write_bytes(DATA)
    with HostileServer(folder) as serving:
        yield serving


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(Files(), Network(loopback=True)) as one:
        yield one


@pytest.fixture
def impatient() -> Iterator[Fetcher]:
    with Fetcher(Files(), Network(loopback=True, limits=IMPATIENT)) as one:
        yield one


# What is asked


def test_every_client_asks_the_same(server: HostileServer, fetcher: Fetcher) -> None:
    fetcher.get(server.url + "small", max_bytes=5)

    assert dict(server.asked[0].headers) == {
        "host": server.url.split("/")[2],
        "user-agent": "ringfence",
        "accept-encoding": "identity",
    }


def test_one_connection_serves_a_run(server: HostileServer, fetcher: Fetcher) -> None:
    for _ in range(3):
        fetcher.get(server.url + "small", max_bytes=5)
        with pytest.raises(FetchError):
            fetcher.get(server.url + "none", max_bytes=5)

    assert server.connections == 1


def test_a_log_is_asked_for_gzip(server: HostileServer, fetcher: Fetcher) -> None:
    packed = gzip.compress(b"small")
    server.behaviour["/log/tile"] = page(packed, Content_Encoding="gzip")

    assert Source(fetcher, server.url + "log/").get("tile", 5) == b"small"
    assert server.asked[0].headers["accept-encoding"] == "gzip, identity"


def test_one_of_several_forms_can_be_asked_for(
    server: HostileServer, fetcher: Fetcher
) -> None:
    fetcher.get(server.url + "small", max_bytes=5, accept="application/json")

    assert server.asked[0].headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "url",
    [
        "http://updates.example/",
        "ftp://updates.example/",
        "file:///etc/hostname",
        "https:///path",
        "https://user@updates.example/",
        "https://updates.example:99999/",
        "https://updates.example/a/../b",
        "https://updates.example/a/%2e%2E/b",
        "https://updates.example/a b",
        "https://updates.example/a\nb",
        "https://updates.example/a\r\nHost: b",
        "https://updates.example/a\\b",
        "https://updates.example/é",
        "https://[::1/",
    ],
)
def test_other_addresses_are_not_asked(url: str) -> None:
    fetcher = Fetcher(Files(), Network(loopback=True))

    with pytest.raises(FetchError) as failure:
        fetcher.get(url, max_bytes=1)
    assert failure.value.kind == "unreachable"


def test_http_to_loopback_is_for_developers(server: HostileServer) -> None:
    with pytest.raises(FetchError, match="expected https"):
        Fetcher(Files(), Network()).get(server.url + "small", max_bytes=5)


# What comes


def test_chunks_have_an_end_of_their_own(
    server: HostileServer, fetcher: Fetcher
) -> None:
    head = b"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.behaviour["/a"] = raw(head + b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")

    assert fetcher.get(server.url + "a", max_bytes=6) == b"onetwo"


_OK = b"HTTP/1.1 200 -\r\n"


_ANSWERS: Final[dict[str, tuple[Behaviour, str]]] = {
    "an error": (page(b"", 500), "status"),
    "missing": (page(b"", 404), "status"),
    "missing with a page": (page(b"x" * 20_000, 404), "status"),
    "a part that was not asked for": (page(b"small", 206), "status"),
    "longer": (page(b"smaller"), "too-long"),
    "announced shorter": (lying(b"small", 4), "too-long"),
    "longer than announced": (lying(b"smaller", 5), "too-long"),
    "announced longer": (lying(b"small", 50), "too-long"),
    "cut": (cut(b"small", 4), "cut"),
    "shorter": (page(b"smal"), "cut"),
    "endless chunks": (endless(), "too-long"),
    "endless": (endless(5), "too-long"),
    "packed unasked": (page(b"small", Content_Encoding="gzip"), "cut"),
    "nothing": (raw(b""), "cut"),
    "no http": (raw(b"SSH-2.0\r\n"), "cut"),
    "no end": (raw(b"HTTP/1.1 200 -\r\n\r\nsmall"), "cut"),
    "two lengths": (
        raw(_OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nsmall"),
        "cut",
    ),
    "a length with a sign": (raw(_OK + b"Content-Length: +5\r\n\r\nsmall"), "cut"),
    "chunks without an end": (
        raw(_OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nsmall\r\n"),
        "cut",
    ),
    "a chunk without a size": (
        raw(_OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\nsmall\r\n"),
        "cut",
    ),
    "a long header": (raw(_OK + b"X: " + b"x" * 70_000 + b"\r\n\r\n"), "too-long"),
    "many headers": (raw(_OK + b"X: y\r\n" * 20_000 + b"\r\n"), "cut"),
    "many preludes": (raw(b"HTTP/1.1 100 -\r\n\r\n" * 10_000), "too-long"),
    "a redirect": (redirect("/small"), "redirect"),
}


@pytest.mark.parametrize("answer", _ANSWERS)
def test_a_body_counts_only_if_it_is_what_was_asked_for(
    server: HostileServer, fetcher: Fetcher, answer: str
) -> None:
    server.behaviour["/a"], kind = _ANSWERS[answer]

    with pytest.raises(FetchError) as failure:
        fetcher.get(server.url + "a", max_bytes=5, exact=5)
    assert failure.value.kind == kind
    assert str(failure.value).startswith(server.url + "a: ")


def test_gigabytes_in_gzip_are_not_unpacked(
    server: HostileServer, fetcher: Fetcher
) -> None:
    server.behaviour["/a"] = bomb(1 << 24)

    with pytest.raises(FetchError, match="at most 40000 bytes, unpacked"):
        fetcher.get(server.url + "a", max_bytes=40_000, gzip=True)


@pytest.mark.parametrize("extra", [b"", b"x"])
def test_gzip_ends_with_the_body(
    server: HostileServer, fetcher: Fetcher, extra: bytes
) -> None:
    packed = gzip.compress(b"small") + extra
    body = packed if extra else packed[:-1]
    server.behaviour["/a"] = page(body, Content_Encoding="gzip")

    with pytest.raises(FetchError, match="does not end with the body"):
        fetcher.get(server.url + "a", max_bytes=99, gzip=True)


def test_what_is_no_gzip_is_an_error(server: HostileServer, fetcher: Fetcher) -> None:
    server.behaviour["/a"] = page(b"small", Content_Encoding="gzip")

    with pytest.raises(FetchError, match="incorrect header check"):
        fetcher.get(server.url + "a", max_bytes=99, gzip=True)


# When it comes


_SLOW: Final = {
    "silence": silence(),
    "silence after the head": silence(after_head=True),
    "drip": drip(b"s" * 1_000, 0.01),
    "drip from the head on": drip(b"s" * 1_000, 0.01, head=True),
    "slow drip": drip(b"s" * 1_000, 0.1),
}


@pytest.mark.parametrize("how", _SLOW)
def test_a_slow_server_is_given_up(
    server: HostileServer, impatient: Fetcher, how: str
) -> None:
    server.behaviour["/a"] = _SLOW[how]

    with pytest.raises(FetchError) as failure:
        impatient.get(server.url + "a", max_bytes=1_000)
    assert failure.value.kind == "slow"


def test_a_run_has_an_end(server: HostileServer) -> None:
    clock = itertools.count(step=100.0).__next__
    network = Network(loopback=True, limits=Limits(run_s=100), clock=clock)

    with pytest.raises(FetchError, match="the time is up"):
        Fetcher(Files(), network).get(server.url + "small", max_bytes=5)


def test_nobody_at_the_address_is_unreachable() -> None:
    fetcher = Fetcher(Files(), Network(loopback=True))

    with pytest.raises(FetchError) as failure:
        fetcher.get("http://127.0.0.1:1/", max_bytes=1)
    assert failure.value.kind == "unreachable"


# Redirects


def test_a_target_may_be_elsewhere(server: HostileServer, fetcher: Fetcher) -> None:
    server.behaviour["/a"] = redirect("b")
    server.behaviour["/b"] = redirect(server.url + "small?token=1")
    server.behaviour["/small?token=1"] = page(b"small")

    assert fetcher.get(server.url + "a", max_bytes=5, redirects=3) == b"small"


@pytest.mark.parametrize(
    "to", ["/a", "http://updates.example/", "file:///etc/hostname", "//[", ""]
)
def test_other_redirects_are_not_followed(
    server: HostileServer, fetcher: Fetcher, to: str
) -> None:
    server.behaviour["/a"] = redirect(to)

    with pytest.raises(FetchError) as failure:
        fetcher.get(server.url + "a", max_bytes=5, redirects=3)
    assert failure.value.kind == "redirect"


def test_https_leads_to_https_only(tmp_path: Path, server: HostileServer) -> None:
    ours, theirs = tls_ends(tmp_path)
    with HostileServer(tmp_path, tls=ours) as secure:
        secure.behaviour["/a"] = redirect(server.url + "small")
        fetcher = Fetcher(Files(), Network(loopback=True, tls=theirs))

        with pytest.raises(FetchError, match=r"redirects to http$"):
            fetcher.get(secure.url + "a", max_bytes=5, redirects=3)
    assert server.asked == []


def test_https_is_spoken_to_those_we_trust(tmp_path: Path) -> None:
    ours, theirs = tls_ends(tmp_path)
    (tmp_path / "small").write_bytes(b"small")
    with HostileServer(tmp_path, tls=ours) as secure:
        with Fetcher(Files(), Network(tls=theirs)) as fetcher:
            assert fetcher.get(secure.url + "small", max_bytes=5) == b"small"
        with (
            Fetcher(Files(), Network()) as strict,
            pytest.raises(FetchError) as failure,
        ):
            strict.get(secure.url + "small", max_bytes=5)
    assert failure.value.kind == "tls"


# Parts and large files


def test_a_part_is_fetched(server: HostileServer, fetcher: Fetcher) -> None:
    got = fetcher.get_range(server.url + "large", 10, 3, whole=len(DATA))

    assert got == DATA[10:13]
    assert server.asked[0].headers["range"] == "bytes=10-12"


_PARTS: Final[dict[str, tuple[Behaviour, str]]] = {
    "all of it": (page(DATA[10:13]), "status"),
    "none": (page(b"", 416), "status"),
    "another": (wrong_range(DATA[10:13], "bytes 11-13/256000"), "cut"),
    "of another file": (wrong_range(DATA[10:13], "bytes 10-12/3"), "cut"),
    "shorter": (wrong_range(DATA[10:12], "bytes 10-12/256000"), "cut"),
}


@pytest.mark.parametrize("part", _PARTS)
def test_another_part_is_refused(
    server: HostileServer, fetcher: Fetcher, part: str
) -> None:
    server.behaviour["/large"], kind = _PARTS[part]

    with pytest.raises(FetchError) as failure:
        fetcher.get_range(server.url + "large", 10, 3, whole=len(DATA))
    assert failure.value.kind == kind


def test_a_large_file_is_fetched_and_watched(
    tmp_path: Path, server: HostileServer, fetcher: Fetcher
) -> None:
    seen: list[tuple[int, int]] = []
    path = tmp_path / SHA256
    for _ in range(2):
        fetcher.download(
            server.url + "large",
            path,
            size=len(DATA),
            sha256=SHA256,
            progress=lambda done, size: seen.append((done, size)),
        )

    assert path.read_bytes() == DATA
    assert seen[-1] == (len(DATA), len(DATA))
    assert len(server.asked) == 1
    assert not path.with_name(SHA256 + PART).exists()


@pytest.mark.parametrize("before", [1, 100_000, len(DATA) - 1])
def test_a_download_goes_on_where_it_was_cut_off(
    tmp_path: Path, server: HostileServer, fetcher: Fetcher, before: int
) -> None:
    (tmp_path / (SHA256 + PART)).write_bytes(DATA[:before])
    _download(fetcher, server, tmp_path)

    assert server.asked[0].headers["range"] == f"bytes={before}-{len(DATA) - 1}"
    assert (tmp_path / SHA256).read_bytes() == DATA


def test_what_came_before_the_cut_is_kept(
    tmp_path: Path, server: HostileServer, fetcher: Fetcher
) -> None:
    server.behaviour["/large"] = cut(DATA, 100_000)
    with pytest.raises(FetchError):
        _download(fetcher, server, tmp_path)
    del server.behaviour["/large"]
    _download(fetcher, server, tmp_path)

    assert server.asked[1].headers["range"] == f"bytes=100000-{len(DATA) - 1}"


@pytest.mark.parametrize(
    "before",
    [DATA + b"more", b"x" + DATA[1:], b"x" * len(DATA), b"x" * 10],
    ids=["longer", "one byte", "whole", "start"],
)
def test_a_part_that_is_wrong_is_fetched_again_from_zero(
    tmp_path: Path, server: HostileServer, fetcher: Fetcher, before: bytes
) -> None:
    (tmp_path / (SHA256 + PART)).write_bytes(before)
    _download(fetcher, server, tmp_path)

    assert (tmp_path / SHA256).read_bytes() == DATA


@pytest.mark.parametrize("status", [200, 416])
def test_a_server_without_ranges_starts_over(
    tmp_path: Path, server: HostileServer, fetcher: Fetcher, status: int
) -> None:
    (tmp_path / (SHA256 + PART)).write_bytes(DATA[:9])

    def whole(line: Line, request: Request) -> None:
        refused = status == 416 and "range" in request.headers
        page(b"" if refused else DATA, 416 if refused else 200)(line, request)

    server.behaviour["/large"] = whole
    _download(fetcher, server, tmp_path)

    assert (tmp_path / SHA256).read_bytes() == DATA


def test_a_file_with_another_hash_is_dropped(
    tmp_path: Path, server: HostileServer, fetcher: Fetcher
) -> None:
    server.behaviour["/large"] = page(b"x" * len(DATA))

    with pytest.raises(FetchError, match=f"expected {SHA256}, came"):
        _download(fetcher, server, tmp_path)
    assert not (tmp_path / SHA256).exists()
    assert (tmp_path / (SHA256 + PART)).read_bytes() == b""


@pytest.mark.parametrize("given", [b"short", b"x" * len(DATA)], ids=["short", "long"])
def test_another_file_of_that_name_is_replaced(
    tmp_path: Path, server: HostileServer, fetcher: Fetcher, given: bytes
) -> None:
    (tmp_path / SHA256).write_bytes(given)
    _download(fetcher, server, tmp_path)

    assert (tmp_path / SHA256).read_bytes() == DATA


@pytest.mark.parametrize("room", [0, 65_536, len(DATA) - 1])
def test_a_full_disk_is_no_fault_of_the_server(
    tmp_path: Path, server: HostileServer, room: int
) -> None:
    with (
        Fetcher(FullDisk(room), Network(loopback=True)) as fetcher,
        pytest.raises(StoreError, match="the disk is full"),
    ):
        _download(fetcher, server, tmp_path)

    assert not (tmp_path / SHA256).exists()


# Copies


def test_a_copy_is_read_as_a_server_would_give_it(tmp_path: Path) -> None:
    (tmp_path / "a b").write_bytes(DATA)
    url = (tmp_path / "a b").as_uri()
    fetcher = Fetcher(Files(), Network(copies=True))
    fetcher.download(url, tmp_path / "got", size=len(DATA), sha256=SHA256)

    assert (tmp_path / "got").read_bytes() == DATA
    assert fetcher.get(url, max_bytes=len(DATA)) == DATA
    assert fetcher.get_range(url, 1, 2, whole=len(DATA)) == DATA[1:3]


def test_a_copy_lacks_what_a_server_would_lack(tmp_path: Path) -> None:
    fetcher = Fetcher(Files(), Network(copies=True))

    with pytest.raises(FetchError) as failure:
        fetcher.get((tmp_path / "none").as_uri(), max_bytes=1)
    assert failure.value.status == 404


def test_a_link_or_a_longer_file_in_a_copy_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"small")
    (tmp_path / "link").symlink_to("a")
    fetcher = Fetcher(Files(), Network(copies=True))

    with pytest.raises(FetchError, match="expected at most 4 bytes"):
        fetcher.get((tmp_path / "a").as_uri(), max_bytes=4)
    with pytest.raises(FetchError, match="symbolic links"):
        fetcher.get((tmp_path / "link").as_uri(), max_bytes=9)


def _download(fetcher: Fetcher, server: HostileServer, folder: Path) -> None:
    url = server.url + "large"
    fetcher.download(url, folder / SHA256, size=len(DATA), sha256=SHA256)
