"""Successors: subject, keys and floor speak of one new log."""

from dataclasses import replace

import pytest

from tests.updater.transparency.claimants import NEW_LOG, SUCCESSOR
from tests.updater.transparency.claims.corpus import disagreements
from updater.errors import MalformedError
from updater.statement import Subject
from updater.transparency.claims.parts import Head
from updater.transparency.claims.successor import (
    SuccessorClaim,
    format_successor,
    parse_successor,
)
from updater.transparency.key import Kind, SigningKey, VerifierKey

FIRST = SUCCESSOR.vkeys[0]
SECOND = str(VerifierKey(NEW_LOG.name, Kind.ML_DSA, public=b"\x01" * 1312))
BOTH = replace(SUCCESSOR, vkeys=(FIRST, SECOND))


@pytest.mark.parametrize("claim", [SUCCESSOR, BOTH], ids=["one key", "two keys"])
def test_a_successor_is_read_back(claim: SuccessorClaim) -> None:
    assert parse_successor(format_successor(claim)) == claim


def test_the_shape_is_the_schema_s() -> None:
    beyond = (
        r".* is no time|.* canonical base64|subject: expected|successor: expected|vkey"
    )

    assert disagreements(parse_successor, format_successor, BOTH, beyond=beyond) == []


@pytest.mark.parametrize(
    "vkeys",
    [
        (SECOND,),
        (FIRST, FIRST),
        (str(SigningKey(NEW_LOG.name, Kind.WITNESS, seed=b"\x62" * 32).verifier),),
    ],
    ids=["no Ed25519", "twice", "a witness"],
)
def test_the_keys_are_a_log_s(vkeys: tuple[str, ...]) -> None:
    with pytest.raises(MalformedError, match="expected an Ed25519 log key"):
        parse_successor(format_successor(replace(SUCCESSOR, vkeys=vkeys)))


def test_a_key_of_another_name_is_refused() -> None:
    other = str(SigningKey("bt.example/other/1", Kind.LOG, seed=b"\x62" * 32).verifier)

    with pytest.raises(MalformedError, match=r"came 'bt\.example/other/1'"):
        parse_successor(format_successor(replace(SUCCESSOR, vkeys=(other,))))


def test_a_key_id_that_is_not_the_key_s_is_refused() -> None:
    name, _, key = FIRST.split("+", 2)

    with pytest.raises(MalformedError, match="expected key id"):
        parse_successor(
            format_successor(replace(SUCCESSOR, vkeys=(f"{name}+00000000+{key}",)))
        )


def test_the_floor_is_the_new_log_s() -> None:
    floor = Head("bt.example/ringfence/1", 812, b"\x07" * 32)

    with pytest.raises(
        MalformedError, match=r"expected all of 'bt\.example/ringfence/2'"
    ):
        parse_successor(format_successor(replace(SUCCESSOR, floor=floor)))


def test_the_subject_is_the_first_key() -> None:
    subject = (Subject(NEW_LOG.name, "00" * 32),)

    with pytest.raises(MalformedError, match="the SHA-256 of the first key"):
        parse_successor(replace(format_successor(SUCCESSOR), subject=subject))
