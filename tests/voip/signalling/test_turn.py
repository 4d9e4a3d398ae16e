import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import LimitError, MalformedError
from voip.signalling.turn import (
    MAX_KEYS,
    Meter,
    TurnOffer,
    TurnServer,
    format_servers,
    issue,
    parse_servers,
    prefix,
)

SECRET = b"0123456789abcdef"
OFFER = TurnOffer(("turn:a.example", "turns:b.example"), SECRET)
SERVER = TurnServer("turn:a.example", "1700000300:aeaqcaibaeaqc", credential="c2VjcmV0")


def test_a_credential_is_what_coturn_computes() -> None:
    expires, (server, other) = issue(
        OFFER, wanted_s=300, now=1_700_000_000, entropy=lambda n: b"\x01" * n
    )

    assert (expires, server.username, server.credential, other.url) == (
        1_700_000_300,
        "1700000300:aeaqcaibaeaqc",
        "wvQ3XS83iFLyBdBiDrcFZu6BhDA=",  # docs/formats/signalling.md
        "turns:b.example",
    )


@pytest.mark.parametrize(("wanted", "lasts"), [(0, 1), (600, 600), (2**64 - 1, 600)])
def test_a_credential_lasts_ten_minutes_at_most(wanted: int, lasts: int) -> None:
    expires, _ = issue(OFFER, wanted_s=wanted, now=1000, entropy=bytes)

    assert expires == 1000 + lasts


@pytest.mark.parametrize(
    ("urls", "secret", "sentence"),
    [
        ((), SECRET, "expected 1-4 servers, came 0"),
        (("turn:a",) * 5, SECRET, "expected 1-4 servers, came 5"),
        (("stun:a",), SECRET, "expected turn:HOST or turns:HOST, came 'stun:a'"),
        (("turn:ä",), SECRET, "printable ascii"),
        (("turn:a",), b"short", "expected at least 16 bytes, came 5"),
    ],
    ids=["none", "many", "stun", "accent", "secret"],
)
def test_an_offer_that_would_not_work_is_refused(
    urls: tuple[str, ...], secret: bytes, sentence: str
) -> None:
    with pytest.raises(MalformedError, match=sentence):
        TurnOffer(urls, secret)


def test_nothing_secret_is_shown() -> None:
    assert "0123" not in repr(OFFER) + repr(SERVER).replace("1700000300", "")


@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_list_is_read_as_it_was_written(count: int) -> None:
    assert parse_servers(format_servers((SERVER,) * count)) == (SERVER,) * count


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"\x05", "at most 4 servers, came 5"),
        (b"\x01\x01\xff", "expected ascii"),
        (b"\x01\x00", "printable ascii"),
        (b"\x01\x01\x0a", "printable ascii"),
        (b"\x00x", "byte"),
        (b"", "cut short"),
    ],
    ids=["many", "bytes", "empty", "control", "trailing", "nothing"],
)
def test_a_list_of_another_form_is_refused(body: bytes, sentence: str) -> None:
    raw = len(body).to_bytes(2, "big") + body + bytes(4094 - len(body))

    with pytest.raises(MalformedError, match=sentence):
        parse_servers(raw)


def test_a_list_of_another_size_is_refused() -> None:
    with pytest.raises(MalformedError, match="expected 4096 bytes, came 3"):
        parse_servers(b"\x00\x01\x00")


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    raw = (raw + bytes(4096))[:4096]
    try:
        servers = parse_servers(raw)
    except MalformedError:
        return

    assert format_servers(servers) == raw


def test_who_asked_often_waits() -> None:
    meter = Meter(2, 60.0)
    meter.count("a", 0.0)
    meter.count("a", 30.0)

    with pytest.raises(LimitError, match="at most 2 credentials within 60 s"):
        meter.count("a", 59.0)


def test_who_waited_may_ask_again() -> None:
    meter = Meter(2, 60.0)
    for now in (0.0, 30.0, 60.0):
        meter.count("a", now)

    with pytest.raises(LimitError):
        meter.count("a", 61.0)


def test_others_are_counted_apart() -> None:
    meter = Meter(1, 60.0)
    meter.count("a", 0.0)

    assert meter.count("b", 0.0) is None  # type: ignore[func-returns-value] # it did not raise


def test_who_has_been_quiet_longest_is_forgotten_first() -> None:
    meter = Meter(1, 60.0)
    for number in range(MAX_KEYS + 1):
        meter.count(number, 0.0)
    meter.count(0, 0.0)

    with pytest.raises(LimitError):
        meter.count(MAX_KEYS, 0.0)


@pytest.mark.parametrize(
    ("address", "household"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2ff:3::4", "2001:db8:1:200::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("no address", ""),
    ],
    ids=["v4", "mapped", "v6", "zone", "none", "text"],
)
def test_a_household_is_one(address: str, household: str) -> None:
    assert prefix(address) == household
