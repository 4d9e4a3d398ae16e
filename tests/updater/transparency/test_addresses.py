"""Where witnesses are asked, and where what they signed is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater import jcs
from updater.errors import MalformedError
from updater.jcs import Json
from updater.transparency.addresses import Address, format_addresses, parse_addresses

BOTH = Address("https://w1.example/submit", "https://w1.example")
PULL = Address(monitoring="/srv/w2")


def written(witnesses: Json, schema: str = "ringfence-bt-witnesses/1") -> bytes:
    return jcs.write({"schema": schema, "witnesses": witnesses})


def one(submission: Json, monitoring: Json) -> bytes:
    return written({"w": {"monitoring": monitoring, "submission": submission}})


@pytest.mark.parametrize("addresses", [{}, {"w1": BOTH, "w2": PULL}], ids=["0", "2"])
def test_addresses_read_as_they_were_written(addresses: dict[str, Address]) -> None:
    assert parse_addresses(format_addresses(addresses)) == addresses


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (written([]), "expected an object"),
        (written({f"w{n}": None for n in range(65)}), "at most 64"),
        (written({"a b": None}), "does not match"),
        (written({"w": None}), "expected an object"),
        (one(None, None), "one of its two prefixes"),
        (one("https://w/", None), "no slash at its end"),
        (one("https://w\n", None), "does not match"),
        (one(1, None), "expected a string"),
        (written({}, "2"), "schema"),
    ],
    ids=range(9),
)
def test_anything_wrong_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse_addresses(data)


@given(st.binary(max_size=100))
def test_any_other_bytes_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_addresses(data)
