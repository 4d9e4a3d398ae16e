import http.client
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.updater.laboratory import ARTIFACT, ENTRY, NOW, lab, signed, value_at
from updater.errors import SigstoreError
from updater.sigstore import rekor, signature, signing
from updater.sigstore.identity import Release, check, parse_policy
from updater.testing.sigstore_lab import SigstoreLab
from updater.transparency.checkpoint import parse_extended
from updater.transparency.note import parse_note


@pytest.fixture(scope="module")
def served() -> Iterator[SigstoreLab]:
    with SigstoreLab(time.time) as served:  # sigstore-python reads that clock itself
        yield served


def test_what_the_lab_signs_passes_its_own_policy() -> None:
    facts = signature.verify(signed(), ARTIFACT, trusted_root=lab().trusted_root())
    policy = parse_policy(lab().policy())
    release = Release("1.4.0", "v1.4.0", commit="c" * 40)

    assert check(signed(), facts, policy, artifact=ARTIFACT, release=release)


def test_the_same_time_gives_the_same_times() -> None:
    root = lab().trusted_root()
    bundle = SigstoreLab(lambda: NOW).sign(ARTIFACT)

    assert rekor.read(bundle).index == 1
    assert value_at(root, "tlogs.0.publicKey.validFor.start") == "2025-06-14T15:06:40Z"


def test_a_fork_has_two_roots_at_one_size() -> None:
    here = SigstoreLab(lambda: NOW)
    forked = rekor.read(here.sign(ARTIFACT, fault="fork")).checkpoint
    told = rekor.read(here.sign(ARTIFACT)).checkpoint

    assert forked.size == told.size
    assert forked.root != told.root


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        ("sct", "sct"),
        ("expired", "time"),
        ("future", "time"),
        ("foreign-timestamp", "time"),
        ("root", "inclusion"),
        ("index", "inclusion"),
        ("body", "body"),
    ],
)
def test_faults_are_served_as_well(
    served: SigstoreLab, fault: Any, detail: str
) -> None:
    served.fault = fault
    try:
        with pytest.raises(SigstoreError) as caught:
            signature.verify(
                signing.sign(
                    ARTIFACT, token=served.token(), trust_config=served.trust_config()
                ),
                ARTIFACT,
                trusted_root=served.trusted_root(),
            )
    finally:
        served.fault = None

    assert caught.value.detail == detail


def test_the_served_checkpoint_is_the_logs(served: SigstoreLab) -> None:
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"))
    connection.request("GET", "/api/v2/checkpoint")
    note = connection.getresponse().read()
    connection.close()

    assert parse_extended(parse_note(note).text).size >= 1


def test_what_is_not_there_is_not_found(served: SigstoreLab) -> None:
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"))
    connection.request("GET", "/elsewhere")
    status = connection.getresponse().status
    connection.close()

    assert status == 404


def test_an_old_entry_carries_a_promise_and_no_timestamp() -> None:
    entry = value_at(signed("0.0.1"), ENTRY)

    assert entry["integratedTime"] == str(int(NOW))
