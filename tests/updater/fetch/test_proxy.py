import pytest

from updater.errors import FetchError, MalformedError
from updater.fetch import proxy
from updater.fetch.proxy import Proxies, Proxy, parse_proxy, read_proxies

HTTP = Proxy(kind="http", host="proxy.example", port=3128)
SOCKS = Proxy(kind="socks5h", host="127.0.0.1", port=9050, login=("user", "secret"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://proxy.example:3128", HTTP),
        ("http://proxy.example", Proxy(kind="http", host="proxy.example", port=80)),
        ("socks5h://user:secret@127.0.0.1:9050", SOCKS),
        ("socks5h://[::1]", Proxy(kind="socks5h", host="::1", port=1080)),
    ],
)
def test_a_proxy_is_read(text: str, expected: Proxy) -> None:
    assert parse_proxy(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "proxy.example:3128",
        "https://proxy.example",
        "socks5://proxy.example",
        "http:///path",
        "http://proxy.example:x",
        "http://[::1",
        "http://user@proxy.example",
        f"http://user:{'x' * 256}@proxy.example",
    ],
)
def test_what_is_no_proxy_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(MalformedError) as refusal:
        parse_proxy(text)

    assert text not in str(refusal.value)


def test_a_login_is_not_shown() -> None:
    assert "secret" not in repr(SOCKS)


def test_the_environment_is_read_in_either_case_of_letters() -> None:
    found = read_proxies(
        {"HTTPS_PROXY": "http://proxy.example:3128", "no_proxy": " .near.example, *x "}
    )

    assert found == Proxies(HTTP, ("near.example", "*x"))


def test_a_proxy_for_everything_is_the_second_choice() -> None:
    environment = {"ALL_PROXY": "socks5h://a", "https_proxy": "http://b"}

    assert read_proxies(environment).proxy == parse_proxy("http://b")
    assert read_proxies({"ALL_PROXY": "http://b"}).proxy == parse_proxy("http://b")
    assert read_proxies({}) == Proxies()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("far.example", HTTP),
        ("notnear.example", HTTP),
        ("near.example", None),
        ("a.Near.example.", None),
        ("localhost", None),
        ("127.0.0.1", None),
        ("::1", None),
    ],
)
def test_near_hosts_are_reached_without_the_proxy(
    host: str, expected: Proxy | None
) -> None:
    assert Proxies(HTTP, ("near.example",)).leading_to(host) == expected


def test_a_star_turns_the_proxy_off() -> None:
    assert Proxies(HTTP, ("*",)).leading_to("far.example") is None


def test_a_tunnel_is_asked_for() -> None:
    login = Proxy(kind="http", host="p", port=80, login=("user", "secret"))

    assert proxy.connect_request(HTTP, "a.example", 443) == (
        b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"
    )
    assert b"CONNECT [::1]:443" in proxy.connect_request(login, "::1", 443)
    assert b"Basic dXNlcjpzZWNyZXQ=\r\n" in proxy.connect_request(login, "::1", 443)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", 407),
        (b"HTTP/1.1 x00\r\n\r\n", 0),
        (b"SSH-2.0\r\n\r\n", 0),
    ],
)
def test_no_tunnel_is_an_error_of_the_proxy(head: bytes, status: int) -> None:
    with pytest.raises(FetchError, match="the proxy answered") as failure:
        proxy.check_connected(head)

    assert (failure.value.kind, failure.value.status) == ("proxy", status)


def test_a_tunnel_is_accepted() -> None:
    proxy.check_connected(b"HTTP/1.0 200 Connection established\r\n\r\n")


def test_socks_asks_by_name() -> None:
    assert proxy.socks_request("a.example", 443) == (
        b"\x05\x01\x00\x03\x09a.example\x01\xbb"
    )
    with pytest.raises(FetchError, match="at most 255 bytes"):
        proxy.socks_request("a" * 256, 443)


def test_socks_logs_in_where_a_login_is_given() -> None:
    anonymous = Proxy(kind="socks5h", host="p", port=1080)

    assert proxy.socks_greeting(anonymous) == b"\x05\x01\x00"
    assert proxy.socks_login(anonymous, b"\x05\x00") == b""
    assert proxy.socks_greeting(SOCKS) == b"\x05\x01\x02"
    assert proxy.socks_login(SOCKS, b"\x05\x02") == b"\x01\x04user\x06secret"
    proxy.check_socks_login(b"\x01\x00")


def test_a_login_that_is_not_taken_is_an_error() -> None:
    with pytest.raises(FetchError, match="wants another login"):
        proxy.socks_login(SOCKS, b"\x05\xff")
    with pytest.raises(FetchError, match="refused the login"):
        proxy.check_socks_login(b"\x01\x01")


@pytest.mark.parametrize(
    ("head", "rest"),
    [(b"\x05\x00\x00\x01", 6), (b"\x05\x00\x00\x04", 18), (b"\x05\x00\x00\x03", 0)],
)
def test_the_rest_of_a_reply_has_the_length_of_its_address(
    head: bytes, rest: int
) -> None:
    assert proxy.socks_reply_rest(head) == rest


@pytest.mark.parametrize(
    "head", [b"\x04\x00\x00\x01", b"\x05\x05\x00\x01", b"\x05\0\0\7"]
)
def test_no_connection_is_an_error_of_the_proxy(head: bytes) -> None:
    with pytest.raises(FetchError, match=f"answered {head.hex()}"):
        proxy.socks_reply_rest(head)
