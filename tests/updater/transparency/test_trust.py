"""Trust: one key, one role; and who must have signed what."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.updater.transparency.claimants import (
    OPERATOR_KEYS,
    POLICY,
    POLICY_KEYS,
    REBUILD,
    RELEASE,
    RELEASE_KEYS,
    SUCCESSOR,
    SUCCESSOR_KEYS,
    TRUST,
    YANK,
    YANK_KEYS,
    entry,
    key,
    public,
)
from tests.updater.transparency.mangled import assert_one_spelling
from updater.errors import (
    MalformedError,
    QuorumError,
    RefusedError,
    SignatureError,
)
from updater.jcs import Json, write
from updater.statement import Signature, sign
from updater.transparency.claims.parts import Head
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.claims.rebuild import Objection
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.claims.successor import SuccessorClaim
from updater.transparency.entry import Entry, WholeClaim, parse_entry
from updater.transparency.trust import (
    ROLES,
    Role,
    Trust,
    check_entry,
    check_role,
    format_trust,
    parse_trust,
)

VACANT = replace(
    TRUST,
    roles={name: Role(1, ()) for name in ROLES},
    rebuilders=replace(TRUST.rebuilders, is_enforced=False, operators=()),
    cooldown_group=None,
    closed_logs=(),
    requires_sigstore=False,
)
FILE = format_trust(TRUST)


@pytest.mark.parametrize("trust", [TRUST, VACANT], ids=["full", "vacant"])
def test_a_trust_file_is_read_back(trust: Trust) -> None:
    assert parse_trust(format_trust(trust)) == trust


def test_the_example_of_the_format_is_read() -> None:
    checkout = Path(__file__).parents[3]
    document = (checkout / "docs/formats/claims.md").read_text()
    example = document.partition("## trust.json")[2].split("```")[1]
    data = example.removeprefix("json\n").strip().encode()

    assert format_trust(parse_trust(data)) == data


def test_a_trust_file_has_one_spelling() -> None:
    assert_one_spelling(parse_trust, format_trust, format_trust(VACANT))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema", "ringfence-bt-trust/2"),
        ("project", "ringfence"),
        ("roles", {}),
        ("rebuilders", {}),
        ("cooldownGroup", "two words"),
        ("cooldownSeconds", {"normal": 1}),
        ("cooldownSeconds", {"normal": 90 * 86_400 + 1, "security": 0}),
        ("cooldownSeconds", {"normal": 604_800, "security": 86_401}),
        ("cooldownSeconds", {"normal": 3_600, "security": 3_601}),
        ("freshnessSeconds", {"refuse": 10, "warn": 11}),
        ("freshnessSeconds", {"refuse": 90 * 86_400 + 1, "warn": 11}),
        ("policyDelaySeconds", -1),
        ("requireSigstore", 1),
        ("closedLogs", [{"origin": "a", "rootHash": "", "size": 0}]),
        ("extra", 1),
    ],
)
def test_another_trust_file_is_malformed(field: str, value: Json) -> None:
    with pytest.raises(MalformedError):
        parse_trust(write({**json.loads(FILE), field: value}))


def _with_role(name: str, role: Role) -> Trust:
    return replace(TRUST, roles={**TRUST.roles, name: role})  # type: ignore[dict-item]  # of ROLES


@pytest.mark.parametrize(
    ("trust", "sentence"),
    [
        (_with_role("yank", TRUST.roles["release"]), "each key in one role"),
        (_with_role("yank", Role(1, (public(key(21)),) * 2)), "each key in one role"),
        (
            _with_role("yank", Role(1, TRUST.rebuilders.keys[:1])),
            "each key in one role",
        ),
        (_with_role("yank", Role(3, TRUST.roles["yank"].keys)), "at least 3 keys"),
        (_with_role("yank", Role(0, ())), "expected 1 to 8, came 0"),
        (_with_role("yank", Role(9, ())), "expected 1 to 8, came 9"),
        (_with_role("yank", Role(1, (b"short",))), "32 bytes"),
        (replace(TRUST, closed_logs=TRUST.closed_logs * 2), "each origin once"),
    ],
    ids=range(8),
)
def test_a_trust_file_that_contradicts_itself_is_refused(
    trust: Trust, sentence: str
) -> None:
    with pytest.raises(MalformedError, match=sentence):
        parse_trust(format_trust(trust))


def test_a_security_release_waits_for_less() -> None:
    assert TRUST.cooldown_s("normal") == 7 * 86_400
    assert TRUST.cooldown_s("security") == 86_400


def test_a_closed_log_ends_at_its_last_head() -> None:
    assert TRUST.closed_at("bt.example/ringfence/0") == Head(
        "bt.example/ringfence/0", 812, b"\x07" * 32
    )
    assert TRUST.closed_at("bt.example/ringfence/1") is None


def test_a_role_s_signers_are_given() -> None:
    envelope = sign(b"{}", (*RELEASE_KEYS[:2], *YANK_KEYS))

    assert check_role(TRUST, "release", envelope) == set(map(public, RELEASE_KEYS[:2]))


def test_too_few_keys_of_a_role_are_counted() -> None:
    sentence = "quorum not met: 1 of 3 keys of the role 'release' signed, it asks for 2"

    with pytest.raises(QuorumError, match=sentence):
        check_role(TRUST, "release", sign(b"{}", (RELEASE_KEYS[0], *YANK_KEYS)))


def test_a_role_s_wrong_signature_refuses_all() -> None:
    good = sign(b"{}", RELEASE_KEYS)
    first, second, third = good.signatures
    wrong = replace(
        good, signatures=(first, second, Signature(third.keyid, second.sig))
    )

    with pytest.raises(SignatureError, match="is wrong"):
        check_role(TRUST, "release", wrong)


@pytest.mark.parametrize(
    ("claim", "keys"),
    [
        (RELEASE, RELEASE_KEYS[1:]),
        (YANK, YANK_KEYS[1:]),
        (POLICY, POLICY_KEYS),
        (SUCCESSOR, SUCCESSOR_KEYS),
        (REBUILD, (OPERATOR_KEYS["anna"],)),
    ],
    ids=["release", "yank", "policy", "successor", "rebuild"],
)
def test_each_kind_is_claimed_by_its_role_and_no_other(
    claim: WholeClaim, keys: tuple[Ed25519PrivateKey, ...]
) -> None:
    check_entry(TRUST, parse_entry(entry(claim, *keys)))
    with pytest.raises(SignatureError, match="came 1 of others"):
        check_entry(TRUST, parse_entry(entry(claim, key(99))))


@pytest.mark.parametrize(
    ("claim", "keys"),
    [
        (RELEASE, RELEASE_KEYS),
        (POLICY, POLICY_KEYS),
        (SUCCESSOR, SUCCESSOR_KEYS),
    ],
    ids=["release", "policy", "successor"],
)
def test_a_claim_about_another_project_is_refused(
    claim: ReleaseClaim | PolicyClaim | SuccessorClaim,
    keys: tuple[Ed25519PrivateKey, ...],
) -> None:
    found = parse_entry(entry(replace(claim, project="pkg:pypi/other"), *keys))

    with pytest.raises(RefusedError, match="came one about pkg:pypi/other"):
        check_entry(TRUST, found)


def test_a_yank_is_not_disarmed_by_the_package_it_names() -> None:
    claim = replace(YANK, purl="pkg:pypi/other@1")

    check_entry(TRUST, parse_entry(entry(claim, YANK_KEYS[0])))


def test_a_rebuild_is_of_the_operator_whose_key_signed_it() -> None:
    with pytest.raises(SignatureError, match=r"'bert', whose key .* one of 'anna'"):
        check_entry(TRUST, parse_entry(entry(REBUILD, OPERATOR_KEYS["bert"])))


@pytest.mark.parametrize("operator", [None, "anna"])
def test_an_objection_needs_no_name_but_no_other_either(operator: str | None) -> None:
    envelope = sign(b"{}", (OPERATOR_KEYS["anna"],))
    objection = Objection(
        subject=REBUILD.subject,
        verdict="different",
        operator=operator,
        rebuilder=None,
        finished_on=None,
    )

    check_entry(TRUST, Entry(objection, envelope, leaf_hash=bytes(32)))
    with pytest.raises(SignatureError, match="one of 'bert'"):
        check_entry(
            TRUST,
            Entry(replace(objection, operator="bert"), envelope, leaf_hash=bytes(32)),
        )
