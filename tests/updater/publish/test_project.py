"""release.toml: what its words mean, and which have no meaning."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.laboratory import lab
from tests.updater.publish.projects import WITNESSES, key
from updater.errors import MalformedError, RefusedError
from updater.publish.keyring import spki
from updater.publish.project import (
    MAX_BYTES,
    build_setup,
    build_trust,
    parse_project,
    template,
)

WITNESS = "\n".join(
    f'[[witness]]\nname = "{name}"\nvkey = "{each.verifier}"\n'
    f'submission = "https://{name}"\n'
    for name, each in WITNESSES.items()
)
OPERATOR = '[[operator]]\nname = "anna"\nkeys = ["' + "A" * 43 + '="]\n'
FULL = template("app", "pkg:pypi/app") + "\n" + WITNESS
SMALL = template("app", "pkg:pypi/app", is_small=True) + "\n" + WITNESS


def publics(text: str) -> dict[str, bytes]:
    return {name: spki(key(name)) for name in parse_project(text.encode()).keys}


def test_the_template_is_a_project_of_many_keys() -> None:
    project = parse_project(FULL.encode())

    setup = build_setup(project, publics(FULL), {})

    assert (setup.roles["root"].threshold, len(setup.roles["root"].keys)) == (3, 5)


def test_a_small_template_says_what_it_waives() -> None:
    project = parse_project(SMALL.encode())

    assert project.waived == ("root-threshold",)


def test_every_office_of_the_template_has_its_keys() -> None:
    project = parse_project(SMALL.encode())

    assert set(project.names()) == set(project.keys)


def test_all_witnesses_are_the_quorum_unless_it_says_otherwise() -> None:
    trust = build_trust(parse_project(SMALL.encode()), publics(SMALL), {})

    assert trust.policy.groups[0].threshold == 3


def test_too_small_a_quorum_protects_nobody() -> None:
    weak = SMALL.replace("# quorum = 3 ", "quorum = 1 ")

    with pytest.raises(RefusedError, match="alone meets the quorum"):
        build_setup(parse_project(weak.encode()), publics(SMALL), {})


def test_operators_who_rebuild_are_listed() -> None:
    project = parse_project((SMALL + OPERATOR).encode())

    assert [each.name for each in project.rebuilders.operators] == ["anna"]


def test_a_key_without_its_public_half_is_an_error() -> None:
    with pytest.raises(MalformedError, match="public half is not here"):
        build_setup(parse_project(SMALL.encode()), {}, {})


def test_a_claim_is_signed_with_ed25519() -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import (  # noqa: PLC0415 - once
        SECP256R1,
        derive_private_key,
    )

    other = publics(SMALL) | {"claim-yank-1": spki(derive_private_key(7, SECP256R1()))}

    with pytest.raises(MalformedError, match="expected Ed25519 for claims and logs"):
        build_setup(parse_project(SMALL.encode()), other, {})


def sigstore() -> dict[str, bytes]:
    """Give the files beside release.toml, the first as people write it."""
    policy = json.dumps(json.loads(lab().policy()), indent=2).encode()
    return {"sigstore.json": policy, "trusted_root.json": lab().trusted_root()}


def test_a_policy_of_sigstore_is_written_in_its_one_spelling() -> None:
    trust = build_trust(parse_project(SMALL.encode()), publics(SMALL), sigstore())

    assert trust.files["sigstore.json"] == lab().policy()


@pytest.mark.parametrize("name", ["sigstore.json", "trusted_root.json"])
def test_files_about_sigstore_belong_together(name: str) -> None:
    files = sigstore()
    del files[name]

    with pytest.raises(MalformedError, match=f"expected {name} beside release.toml"):
        build_trust(parse_project(SMALL.encode()), publics(SMALL), files)


def test_sigstore_is_not_asked_for_without_saying_of_whom() -> None:
    text = SMALL.replace("requires_sigstore = false", "requires_sigstore = true")

    with pytest.raises(MalformedError, match=r"expected sigstore\.json beside"):
        build_trust(parse_project(text.encode()), publics(text), {})


@pytest.mark.parametrize("policy", [b"", b"{}", b'{"schema":"ringfence-sigstore/1"}'])
def test_a_policy_that_is_none_is_not_published(policy: bytes) -> None:
    files = sigstore() | {"sigstore.json": policy}

    with pytest.raises(MalformedError):
        build_trust(parse_project(SMALL.encode()), publics(SMALL), files)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('schema = "ringfence-release/1"', 'schema = "2"', "schema"),
        ('channel = "stable"', "channel = 1", "expected a string"),
        ("threshold = 1", "threshold = 9", "can never sign"),
        ("places = []", 'places = ["relative"]', "does not match"),
        ("places = []", "odd = 1", "has no place there"),
        ("requires_sigstore = false", "requires_sigstore = 1.5", "expected true"),
        ("confirms = false", 'confirms = "no"', "expected true"),
        ('probe = ["--version"]', 'probe = ["--self-test"]', "the launcher's own"),
        ('waive = ["root-threshold"]', 'waive = ["everything"]', "expected"),
    ],
)
def test_what_has_no_meaning_is_refused(old: str, new: str, why: str) -> None:
    assert old in SMALL

    with pytest.raises(MalformedError, match=why):
        parse_project(SMALL.replace(old, new, 1).encode())


def test_a_vkey_is_a_text() -> None:
    vkey = f'vkey = "{WITNESSES["w1"].verifier}"'

    with pytest.raises(MalformedError, match="expected a vkey"):
        parse_project(SMALL.replace(vkey, "vkey = 1").encode())


def test_a_huge_file_is_refused_unread() -> None:
    with pytest.raises(MalformedError, match="at most"):
        parse_project(b"#" * (MAX_BYTES + 1))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_project_or_malformed(data: bytes) -> None:
    try:
        parse_project(data)
    except MalformedError:
        return


def test_the_template_is_toml() -> None:
    assert tomllib.loads(FULL)["product"]["name"] == "app"
