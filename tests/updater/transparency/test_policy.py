"""Policy files: the grammar, and what it keeps out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.logs import LOG, ORIGIN, witness
from tests.updater.transparency.mangled import damaged
from tests.updater.transparency.policies import keys, policy_text
from updater.errors import MalformedError
from updater.transparency.key import Kind, SigningKey, VerifierKey
from updater.transparency.policy import (
    MAX_EACH,
    MAX_POLICY,
    NONE,
    Group,
    Log,
    Policy,
    Witness,
    format_policy,
    parse_policy,
)

_GROUP = ("group all-of-us 3 w1 w2 w3 w4", "quorum all-of-us")
_W9 = witness(9).verifier


def test_a_policy_is_read() -> None:
    policy = parse_policy(policy_text(*_GROUP))

    assert policy == Policy(
        logs=(Log(LOG.verifier),),
        witnesses=tuple(
            Witness(name, key.verifier) for name, key in keys(1, 2, 3, 4).items()
        ),
        groups=(Group("all-of-us", 3, members=("w1", "w2", "w3", "w4")),),
        quorum="all-of-us",
    )
    assert policy.log_keys == (LOG.verifier,)
    assert policy.witness_keys[0] == witness(1).verifier
    assert policy.origins == {ORIGIN}


def test_what_is_written_is_read_the_same() -> None:
    url = f"witness w9 {_W9} https://w9.example/submit"
    text = policy_text(
        f"log {VerifierKey('bt.example/2', Kind.LOG, public=bytes(32))} https://x",
        url,
        "group a all w1 w2",
        "group b any a w3",
        "quorum b",
    )
    policy = parse_policy(text)

    assert parse_policy(format_policy(policy)) == policy
    assert format_policy(parse_policy(format_policy(policy))) == format_policy(policy)


def test_all_and_any_are_numbers() -> None:
    lines = ("group a all w1 w2", "group b any w3 w4", "quorum a")
    groups = parse_policy(policy_text(*lines)).groups

    assert [each.threshold for each in groups] == [2, 1]


def test_blank_lines_comments_tabs_and_a_missing_last_newline_are_fine() -> None:
    plain = policy_text(*_GROUP)
    spaced = plain.replace(b" ", b" \t ").replace(b"\n", b"  \n\n\t# a comment\n ")

    assert parse_policy(spaced.rstrip()) == parse_policy(plain)


def test_names_are_bytes() -> None:
    text = policy_text(f"witness K {_W9}", "quorum K").replace(b" K", b" \xff\xe2")
    policy = parse_policy(text)

    assert policy.quorum == "\udcff\udce2"
    assert b"quorum \xff\xe2\n" in format_policy(policy)


def test_witnesses_are_found_however_deep() -> None:
    lines = ("group a all w1 w2", "group b any a w3", "quorum b")
    policy = parse_policy(policy_text(*lines))

    assert [each.name for each in policy.witnesses_of("b")] == ["w1", "w2", "w3"]
    assert [each.name for each in policy.witnesses_of("w4")] == ["w4"]
    assert policy.witnesses_of(NONE) == ()


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((), "a line of quorum"),
        (("quorum w1", "quorum w1"), "came a second"),
        (("quorum w9",), "'w9' is not defined above"),
        (("quorum w1 # mine",), "with 3 fields"),
        (("quorum",), "with 0 fields"),
        (("log",), "with 0 fields"),
        (("cosigner w9",), "came 'cosigner'"),
        (("group a any",), "with 2 fields"),
        (("group a any w9",), "'w9' is not defined above"),
        (("group a any a",), "'a' is not defined above"),
        (("group a any none",), "'none' is not defined above"),
        (("group a any w1 w1",), "'w1' is already a member"),
        (("group a any w1", "group b any w1"), "'w1' is already a member"),
        (("group w1 any w2",), "'w1' is taken"),
        (("group none any w2",), "'none' is taken"),
        (("group a 0 w1",), "all, any or a number, came '0'"),
        (("group a 02 w1 w2",), "all, any or a number, came '02'"),
        (("group a 3 w1 w2",), "expected at most 2, came 3"),
        (("group a most w1 w2",), "all, any or a number, came 'most'"),
        ((f"witness w1 {_W9}",), "'w1' is taken"),
        ((f"witness none {_W9}",), "'none' is taken"),
        ((f"witness w9 {LOG.verifier}",), "04 or 06, came 01"),
        ((f"witness w9 {witness(1).verifier}",), "is listed twice"),
        ((f"witness w9 {witness(1, name='other').verifier}",), "is listed twice"),
        ((f"log {_W9}",), "01 or 06, came 04"),
        ((f"log {LOG.verifier}",), "is listed twice"),
        (("log vkey",), "expected <name>"),
        (("quorum w1\x00",), "no control characters"),
        (("quorum w1\r",), "no control characters"),
        (("quorum w1\x7f",), "no control characters"),
    ],
)
def test_what_breaks_the_grammar_is_malformed(
    lines: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse_policy(policy_text(*lines))


def test_the_line_that_is_wrong_is_named() -> None:
    with pytest.raises(MalformedError, match="policy line 6: "):
        parse_policy(policy_text("quorum w9"))


def test_a_log_has_one_key_of_each_kind() -> None:
    more = SigningKey(ORIGIN, Kind.ML_DSA, seed=bytes([7]) * 32).verifier
    text = policy_text(f"log {more}", *_GROUP)
    second = VerifierKey(ORIGIN, Kind.LOG, public=bytes(32))

    assert parse_policy(text).log_keys == (LOG.verifier, more)
    with pytest.raises(MalformedError, match="one key of kind 01"):
        parse_policy(policy_text(f"log {second}", *_GROUP))
    with pytest.raises(MalformedError, match="one key of kind 01"):
        parse_policy(f"log {more}\nquorum none\n".encode())


def test_two_keys_that_a_note_cannot_tell_apart_are_refused() -> None:
    # Found by trying: a key id has 4 bytes, so a few thousand keys suffice.
    one, two = (
        VerifierKey("w", Kind.WITNESS, public=number.to_bytes(32, "big"))
        for number in (6_094, 23_356)
    )

    with pytest.raises(MalformedError, match="have one key id"):
        parse_policy(policy_text(f"witness a {one}", f"witness b {two}", "quorum a"))


def test_sixty_four_of_a_kind_are_read_and_no_more() -> None:
    some = {
        f"s{number}": VerifierKey(
            f"s{number}", Kind.WITNESS, public=bytes([number]) * 32
        )
        for number in range(MAX_EACH + 1)
    }
    rows = [f"witness {name} {key}" for name, key in some.items()]
    groups = [f"group g{number} any s{number}" for number in range(MAX_EACH + 1)]

    def text(witnesses: int, group_count: int) -> bytes:
        lines = [*rows[:witnesses], *groups[:group_count], "quorum s0"]
        return "".join(f"{line}\n" for line in lines).encode()

    assert len(parse_policy(text(MAX_EACH, MAX_EACH)).groups) == MAX_EACH
    with pytest.raises(MalformedError, match="at most 64 of a kind"):
        parse_policy(text(MAX_EACH + 1, 0))
    with pytest.raises(MalformedError, match="at most 64 groups"):
        parse_policy(
            text(MAX_EACH, MAX_EACH).replace(b"quorum", b"group x any g0\nquorum")
        )


def test_a_file_over_the_limit_is_refused() -> None:
    with pytest.raises(MalformedError, match=f"at most {MAX_POLICY} bytes"):
        parse_policy(b"#" * (MAX_POLICY + 1))


_PARTS = b"log witness group quorum none any 2 # a \xff".split()


@given(st.lists(st.sampled_from([*_PARTS, b"\n", b"\t", str(_W9).encode()])))
def test_any_bytes_are_a_policy_or_malformed(parts: list[bytes]) -> None:
    try:
        policy = parse_policy(b" ".join(parts))
    except MalformedError:
        return

    assert parse_policy(format_policy(policy)) == policy


def test_a_damaged_policy_is_a_policy_or_malformed() -> None:
    for bad in damaged(policy_text("quorum w1", witnesses=keys(1))):
        try:
            policy = parse_policy(bad)
        except MalformedError:
            continue
        assert parse_policy(format_policy(policy)) == policy
