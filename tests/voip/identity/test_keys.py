"""Identities: one spelling, no small orders, the safety number."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.identity.keys import (
    T,
    check_identity,
    format_base32,
    format_identity,
    parse_base32,
    parse_identity,
    safety_number,
)

_P = 2**255 - 19
_D = -121_665 * pow(121_666, -1, _P) % _P
_L = 2**252 + 27742317777372353535851937790883648493
Point = tuple[int, int]


def _add(a: Point, b: Point) -> Point:
    """Add on edwards25519 (RFC 8032 §5.1.4), slowly."""
    cross = _D * a[0] * b[0] * a[1] * b[1] % _P
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + cross, -1, _P) % _P
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - cross, -1, _P) % _P
    return x, y


def _multiply(scalar: int, point: Point) -> Point:
    product = (0, 1)
    for bit in f"{scalar:b}":
        product = _add(product, product)
        if bit == "1":
            product = _add(product, point)
    return product


def _lift(y: int) -> Point | None:
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    return None if (x * x - square) % _P else (x, y)


def _small_order_encodings() -> set[bytes]:
    """Compute every 32-byte encoding, canonical or not, of the eight points."""
    points: set[Point] = set()
    y = 2
    while len(points) < 8:
        y += 1
        point = _lift(y)
        if point is not None:
            torsion = _multiply(_L, point)
            points |= {_multiply(i, torsion) for i in range(8)}
    spellings = {y for _, y in points}
    spellings |= {y + _P for y in spellings if y + _P < 2**255}
    return {
        (y | sign << 255).to_bytes(32, "little") for y in spellings for sign in (0, 1)
    }


def test_every_encoding_of_a_small_order_point_is_refused() -> None:
    encodings = _small_order_encodings()
    for encoding in encodings:
        with pytest.raises(MalformedError, match=r"small order|canonical"):
            check_identity(encoding)

    assert len(encodings) == 14


def test_a_coordinate_over_the_prime_is_refused() -> None:
    with pytest.raises(MalformedError, match="canonical"):
        check_identity((_P + 3).to_bytes(32, "little"))


def test_an_identity_of_another_size_is_refused() -> None:
    with pytest.raises(MalformedError, match="expected 32 bytes, came 33"):
        check_identity(b"\3" * 33)


def test_an_identity_is_spelled_in_52_lower_case_characters() -> None:
    spelled = format_identity(b"\1" * 32)

    assert spelled == "aeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaq"


def test_a_spelled_identity_is_read_back() -> None:
    assert parse_identity(format_identity(b"\1" * 32)) == b"\1" * 32


@pytest.mark.parametrize(
    "text",
    [
        "AEAQ" + "aeaq" * 12,  # another case
        "aeaq" * 12 + "aeb",  # stray bits at the end
        "aeaq" * 13 + "====",  # padding
        "aeaq" * 12,  # too short
        "0" * 52,  # not the alphabet
        "é" * 52,  # not ASCII
        "",
    ],
)
def test_a_second_spelling_of_a_key_is_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="expected base32 of 32 bytes"):
        parse_base32(text, 32)


@given(st.text(max_size=60))
def test_any_text_is_an_identity_or_malformed(text: str) -> None:
    try:
        raw = parse_identity(text)
    except MalformedError:
        return

    assert format_identity(raw) == text


@given(st.binary(max_size=40))
def test_base32_is_read_back(raw: bytes) -> None:
    assert parse_base32(format_base32(raw), len(raw)) == raw


def test_safety_number_is_the_published_check_value() -> None:
    expected = "25578 39571 66862 14079 74441 38941 36727 62942 26859 33975 92008 28132"

    assert safety_number(b"\1" * 32, b"\2" * 32) == expected


def test_both_sides_have_the_same_safety_number() -> None:
    mine, theirs = b"\7" * 32, b"\3" * 32

    assert safety_number(mine, theirs) == safety_number(theirs, mine)


def test_a_labelled_hash_is_the_one_of_the_formula() -> None:
    formula = hashlib.new("sha512_256", b"\x10ringfence/call/1\x05labeldata")

    assert T(b"label", b"data") == formula.digest()
