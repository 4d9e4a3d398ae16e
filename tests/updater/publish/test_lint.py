"""Each finding has a publication that has it alone, and a twin that has none."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from tests.updater.publish.projects import DAY, LOG, NOW, TUF, key, setup, trust
from updater.publish.keyring import raw_public, spki
from updater.publish.lint import CODES, check_files, check_keys
from updater.publish.rolefile import Listed, RoleFile
from updater.publish.roles import TOP, Signers
from updater.transparency.trust import Role
from updater.tuf import layout

SIGNERS = {name: setup().signers(name) for name in (*TOP, *setup().delegated)}
BUNDLE = "releases/1.0/app-1.0-cp312-linux-x86_64.tar"
FILE = Listed(1, "ab" * 32)
NAMES = ("root", "targets", "claims", "releases", "snapshot", "timestamp")


def files(**changes: RoleFile) -> dict[str, RoleFile]:
    made = {name: RoleFile(kind=name, version=2, expires=NOW + DAY) for name in NAMES}
    made["targets"] = replace(made["targets"], patterns={"trust": layout.TRUST.paths})
    made["releases"] = replace(made["releases"], files={BUNDLE: FILE})
    made["claims"] = replace(
        made["claims"],
        files={f"{BUNDLE}.claim.json": FILE, f"{BUNDLE}.tlog-proof": FILE},
    )
    return made | changes


def codes_of_files(
    found: Mapping[str, RoleFile], public: Mapping[str, int] | None = None
) -> list[str]:
    listed = check_files(
        found,
        public or {},
        announced={"r", "t"},
        digests={"root": "r", "targets": "t"},
        now=NOW,
    )
    return [each.code for each in listed]


def codes_of_keys(**changes: Signers) -> list[str]:
    return [
        each.code
        for each in check_keys(SIGNERS | changes, trust(), [LOG.verifier.public])
    ]


def test_a_good_publication_has_no_finding() -> None:
    assert (codes_of_keys(), codes_of_files(files())) == ([], [])


def test_a_root_of_one_signature() -> None:
    assert codes_of_keys(root=replace(SIGNERS["root"], threshold=1)) == [
        "root-threshold"
    ]


def post_quantum(count: int) -> list[bytes]:
    return [
        spki(MLDSA65PrivateKey.from_seed_bytes(bytes([number]) * 32))
        for number in range(count)
    ]


def test_one_kind_of_keys_that_suffices_alone() -> None:
    mixed = (*SIGNERS["root"].keys[:3], *post_quantum(3))

    assert codes_of_keys(root=Signers(3, mixed)) == ["family-threshold"] * 2


def test_two_kinds_of_keys_that_both_are_needed() -> None:
    mixed = (*SIGNERS["root"].keys[:3], *post_quantum(3))

    assert codes_of_keys(root=Signers(4, mixed)) == []


@pytest.mark.parametrize(
    "other", [TUF["timestamp"][0], key("claim release 0"), key(LOG.name)]
)
def test_a_key_with_two_offices(other: object) -> None:
    found = codes_of_keys(snapshot=Signers(1, (spki(other),)))  # type: ignore[arg-type]  # all are Ed25519

    assert found == ["shared-key"]


def test_a_rebuilder_who_holds_another_office() -> None:
    whose = trust(
        roles=trust().roles | {"yank": Role(1, (raw_public(TUF["claims"][0]),))}
    )

    found = check_keys(SIGNERS, whose, [])

    assert [each.code for each in found] == ["shared-key"]


def test_trust_and_releases_by_one_person() -> None:
    found = codes_of_keys(channels=Signers(1, SIGNERS["trust"].keys[:1]))

    assert found == ["shared-key", "trust-not-disjoint"]


@pytest.mark.parametrize(
    ("role", "changes", "code"),
    [
        ("root", {"is_consistent": False}, "no-consistent-snapshot"),
        ("targets", {"files": {"a": FILE}}, "targets-not-empty"),
        ("targets", {"patterns": {"trust": ("*",)}}, "pattern-overlap"),
        ("targets", {"patterns": {"odd": ("*",)}}, "pattern-overlap"),
        ("timestamp", {"expires": NOW + 3 * DAY}, "lifetime"),
        ("timestamp", {"expires": NOW + 3600}, "expires-soon"),
    ],
)
def test_a_file_that_is_wrong(role: str, changes: dict[str, object], code: str) -> None:
    wrong = replace(files()[role], **changes)  # type: ignore[arg-type]  # any field

    assert codes_of_files(files(**{role: wrong})) == [code]


def test_a_number_that_was_left_out() -> None:
    assert codes_of_files(files(), {"claims": 1, "root": 2, "releases": 0}) == [
        "version-jump"
    ]


def test_a_bundle_without_its_claim_and_proof() -> None:
    bare = replace(files()["claims"], files={})

    assert codes_of_files(files(claims=bare)) == ["missing-sidecar"] * 2


def test_a_patch_needs_no_claim() -> None:
    listed = {f"{BUNDLE}.from-abcdefabcdef.patch": FILE}
    patch = replace(files()["releases"], files=listed)

    assert codes_of_files(files(releases=patch)) == []


def test_a_root_that_nobody_was_told_of() -> None:
    found = check_files(files(), {}, announced=(), digests={"root": "r"}, now=NOW)

    assert [each.code for each in found] == ["unlogged-root"]


def test_codes_are_stable_words() -> None:
    assert {"root-threshold", "small-quorum"} <= set(CODES)
