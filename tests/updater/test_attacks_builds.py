"""Attacks on who vouches for the bytes: Sigstore and those who rebuild.

Whoever attacks has every other key, and the release was public for long enough.
"""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from tests.updater.clients import Client
from tests.updater.transparency import claimants
from tests.updater.world import DAY, World, lab, ready, subject_of
from updater.testing.certificates import CertificateFault
from updater.testing.rekor_log import LogFault
from updater.testing.sigstore_lab import ISSUER
from updater.transparency.rebuilders import Operator

FAULTS = [
    *get_args(CertificateFault),
    # One who sees one branch of a fork cannot know: that is what our own log is for.
    *(each for each in get_args(LogFault) if each != "fork"),
    "no-timestamp",
    "foreign-timestamp",
    "second-entry",
]
SUBJECT = subject_of("1.1")


# Sigstore


def test_a_release_that_is_signed_as_it_should_be_is_installed(tmp_path: Path) -> None:
    world = ready(lab())
    client = Client(world, tmp_path)
    world.release("1.1")
    world.wait(8 * DAY)

    assert client.apply(world).kind == "installed"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_sigstore_is_refused_by_its_gate_alone(
    fault: str, tmp_path: Path
) -> None:
    world = ready(lab())
    client = Client(world, tmp_path)
    world.release("1.1", fault=fault)
    world.wait(8 * DAY)

    assert client.check(world) == {"signature": "sigstore"}


@pytest.mark.parametrize(
    "subject",
    [
        f"x{SUBJECT}",
        f"{SUBJECT}x",
        SUBJECT[:-1],
        SUBJECT.upper(),
        SUBJECT.replace("release", "rel%65ase"),
        SUBJECT.replace("lab.example", "lab.example@evil.example"),
        subject_of("1.0"),
    ],
)
def test_nobody_who_is_named_alike_may_sign(subject: str, tmp_path: Path) -> None:
    world = ready(lab())
    client = Client(world, tmp_path)
    world.release("1.1", subject=subject)
    world.wait(8 * DAY)

    assert client.check(world) == {"signature": "sigstore"}


@pytest.mark.parametrize("issuer", [f"{ISSUER}/", ISSUER.upper(), f"{ISSUER}.evil"])
def test_no_issuer_that_is_named_alike_counts(issuer: str, tmp_path: Path) -> None:
    world = ready(lab())
    client = Client(world, tmp_path)
    world.release("1.1", issuer=issuer)
    world.wait(8 * DAY)

    assert client.check(world) == {"signature": "sigstore"}


def test_a_good_sigstore_bundle_that_the_claim_does_not_name_is_refused(
    tmp_path: Path,
) -> None:
    world = ready(lab())
    client = Client(world, tmp_path)
    made = world.release("1.1")
    again = lab().sign(bytes.fromhex(made.sha256), subject=SUBJECT)
    world.repository.add(f"{made.path}.sigstore.json", again, "releases")
    world.publish("releases")
    world.wait(8 * DAY)

    assert client.check(world) == {"signature": "sigstore"}


def test_a_sigstore_bundle_of_another_release_is_refused(tmp_path: Path) -> None:
    world = ready(lab())
    client = Client(world, tmp_path)
    before, made = world.releases["1.0"], world.release("1.1")
    roles = world.repository.roles["releases"].targets
    digest = roles[f"{before.path}.sigstore.json"].hashes["sha256"]
    old = world.repository.files[
        f"targets/releases/1.0/{digest}.{before.name}.sigstore.json"
    ]
    world.repository.add(f"{made.path}.sigstore.json", old, "releases")
    world.publish("releases")
    world.wait(8 * DAY)

    assert client.check(world) == {"signature": "sigstore"}


# Those who rebuild


def one_rebuild(operator: str = "anna") -> World:
    """Give a project whose 1.1 one operator has rebuilt."""
    world = ready()
    world.release("1.1", rebuilt_by=(operator,))
    return world


SHORT = {"rebuild": "rebuild-quorum"}


def test_an_operator_counts_once(tmp_path: Path) -> None:
    world = one_rebuild()
    client = Client(world, tmp_path)
    made = world.releases["1.1"]
    for _ in range(3):
        world.now += 60
        world.rebuild(made, "anna")
    world.wait(8 * DAY)

    assert client.check(world) == SHORT


def test_two_keys_of_one_operator_count_once(tmp_path: Path) -> None:
    world = ready()
    second = claimants.key(66)
    anna, *others = world.trust.rebuilders.operators
    keys = (*anna.keys, claimants.public(second))
    operators = (replace(anna, keys=keys), *others)
    world.trust = replace(
        world.trust, rebuilders=replace(world.trust.rebuilders, operators=operators)
    )
    client = Client(world, tmp_path)
    made = world.release("1.1", rebuilt_by=("anna",))
    world.operator_keys["anna"] = second
    world.rebuild(made, "anna")
    world.wait(8 * DAY)

    assert client.check(world) == SHORT


def test_the_publisher_does_not_count(tmp_path: Path) -> None:
    world = ready()
    us = claimants.OPERATOR_KEYS["us"]
    operator = Operator("us", (claimants.public(us),), is_publisher=True)
    policy = world.trust.rebuilders
    world.trust = replace(
        world.trust, rebuilders=replace(policy, operators=(*policy.operators, operator))
    )
    world.operator_keys["us"] = us
    client = Client(world, tmp_path)
    world.release("1.1", rebuilt_by=("anna", "us"))
    world.wait(8 * DAY)

    assert client.check(world) == SHORT


def test_a_rebuild_of_another_file_does_not_count(tmp_path: Path) -> None:
    world = one_rebuild()
    client = Client(world, tmp_path)
    world.rebuild(world.releases["1.0"], "bert")
    world.wait(8 * DAY)

    assert client.check(world) == SHORT


def test_a_rebuild_that_is_not_logged_does_not_count(tmp_path: Path) -> None:
    world = one_rebuild()
    client = Client(world, tmp_path)
    made = world.releases["1.1"]
    leaf = world.rebuild_leaf(made, "bert")
    path = f"{made.path}.rebuild-bert.claim.json"
    world.repository.add(path, leaf, "rebuild-bert")
    world.publish("rebuild-bert")
    world.wait(8 * DAY)

    assert client.check(world) == SHORT


def test_an_old_rebuild_does_not_count(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    world.repository.publish(*world.repository.delegated)
    for _ in range(5):
        world.wait(20 * DAY)
        world.publish(*world.repository.delegated)

    assert client.check(world) == SHORT


def test_one_who_got_other_bytes_is_enough_to_stop(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    made = world.release("1.1")
    world.rebuild(made, "carl", other="0f" * 32)
    world.wait(8 * DAY)

    assert client.check(world) == {"rebuild": "rebuild-veto"}


def test_the_expired_role_of_an_operator_stops_nobody(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    world.repository.expire("rebuild-bert", world.now - DAY)
    world.repository.sign("rebuild-bert")
    world.publish()

    assert client.check(world) == {}
