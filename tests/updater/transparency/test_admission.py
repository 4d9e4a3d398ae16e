"""What a log lets in."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.claimants import (
    ARTIFACT,
    OTHER_ARTIFACT,
    POLICY,
    POLICY_KEYS,
    RELEASE,
    RELEASE_KEYS,
    SUCCESSOR,
    SUCCESSOR_KEYS,
    TRUST,
    YANK,
    YANK_KEYS,
    entry,
)
from updater import jcs
from updater.errors import MalformedError, QuorumError, RefusedError, SignatureError
from updater.transparency.admission import (
    Register,
    format_register,
    parse_register,
)
from updater.transparency.claims.parts import Head
from updater.transparency.claims.release import Artifact

OLD_HEAD = Head("bt.example/ringfence/0", 812, b"\x07" * 32)
A_YANK = entry(YANK, YANK_KEYS[0])
SUCCESSION = entry(SUCCESSOR, *SUCCESSOR_KEYS)
FIRST = entry(replace(POLICY, predecessor=OLD_HEAD), *POLICY_KEYS)


def release(*artifacts: Artifact, channel: str = "stable") -> bytes:
    claim = replace(RELEASE, artifacts=artifacts or (ARTIFACT,), channel=channel)
    return entry(claim, *RELEASE_KEYS[:2])


def full() -> Register:
    """Give a register with everything in it."""
    register = Register(predecessor=OLD_HEAD)
    for leaf in (FIRST, release(), SUCCESSION):
        register.admit(leaf, TRUST)
    return register


def test_good_claims_are_let_in() -> None:
    register = full()

    assert (register.size, register.is_closed) == (3, True)
    assert register.versions == {
        "pkg:pypi/ringfence@1.4.0 cp312-linux-x86_64": "a1" * 32
    }


def test_what_is_no_claim_is_refused() -> None:
    with pytest.raises(MalformedError):
        Register().admit(b"{}", TRUST)


def test_a_claim_that_a_stranger_signed_is_refused() -> None:
    with pytest.raises(SignatureError):
        Register().admit(entry(YANK, POLICY_KEYS[0]), TRUST)


def test_a_claim_that_too_few_signed_is_refused() -> None:
    with pytest.raises(QuorumError):
        Register().admit(entry(RELEASE, RELEASE_KEYS[0]), TRUST)


def test_a_version_has_one_file_for_a_platform_in_every_channel() -> None:
    register = Register()
    register.admit(release(channel="beta"), TRUST)
    register.admit(release(), TRUST)  # promoted: the same file
    register.admit(release(ARTIFACT, OTHER_ARTIFACT), TRUST)  # one platform more

    with pytest.raises(RefusedError, match="a version has one file"):
        register.admit(release(replace(ARTIFACT, sha256="a9" * 32)), TRUST)
    assert register.size == 3


def test_nothing_follows_a_successor() -> None:
    register = full()

    with pytest.raises(RefusedError, match="the log is closed"):
        register.admit(A_YANK, TRUST)


@pytest.mark.parametrize("leaf", [A_YANK, entry(POLICY, *POLICY_KEYS)], ids=range(2))
def test_a_log_that_follows_another_begins_by_saying_so(leaf: bytes) -> None:
    with pytest.raises(RefusedError, match="the first entry must be a policy"):
        Register(predecessor=OLD_HEAD).admit(leaf, TRUST)


def test_what_is_in_the_log_is_taken_in_whatever_it_is() -> None:
    register = Register()
    for leaf in (b"garbage", release(), release(replace(ARTIFACT, sha256="a9" * 32))):
        register.read(leaf)

    assert register.size == 3
    assert set(register.versions.values()) == {"a1" * 32}  # the first counts


@pytest.mark.parametrize("register", [Register(), full()], ids=["empty", "full"])
def test_a_register_reads_as_it_was_written(register: Register) -> None:
    assert parse_register(format_register(register)) == register


@pytest.mark.parametrize(
    "fields",
    [
        {"versions": []},
        {"versions": {"a": "A1" * 32}},
        {"closed": 1},
        {"size": -1},
        {"schema": "2"},
        {"predecessor": {}},
    ],
    ids=range(6),
)
def test_a_register_with_a_wrong_field_is_refused(fields: dict[str, jcs.Json]) -> None:
    value = jcs.parse(format_register(full()), most=1 << 20)
    assert isinstance(value, dict)

    with pytest.raises(MalformedError):
        parse_register(jcs.write({**value, **fields}))


@given(st.binary(max_size=100))
def test_any_other_bytes_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_register(data)
