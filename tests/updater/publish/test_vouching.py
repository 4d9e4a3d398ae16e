"""Releases that Sigstore has to vouch for: made, looked at, and taken by a client."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.updater.publish.projects import DAY, PLATFORM, Clock, Project, setup
from tests.updater.publish.projects import key as ed25519
from tests.updater.publish.projects import trust_set as plain_set
from updater.driver.session import Surroundings, begin
from updater.driver.update import Updater
from updater.errors import MalformedError, RefusedError, SigstoreError
from updater.fetch.fetch import Network
from updater.gates.evidence import Wish
from updater.install.root import Root
from updater.publish import vouching
from updater.publish.keyring import spki
from updater.publish.vouching import Instance, Vouch
from updater.sigstore.identity import SigstorePolicy, format_policy
from updater.testing.certificates import new_key
from updater.testing.sigstore_lab import ISSUER, ORIGIN, SUBJECT, SigstoreLab
from updater.transparency.honour import read_set

KEY = new_key()


@pytest.fixture(scope="module")
def lab() -> Iterator[SigstoreLab]:
    with SigstoreLab(time.time) as served:  # the library reads that clock itself
        yield served


@pytest.fixture
def instance(lab: SigstoreLab) -> Instance:
    return Instance(lab.trust_config(), deadline_s=20.0)


@pytest.fixture
def project(tmp_path: Path, lab: SigstoreLab) -> Project:
    return _project(tmp_path, lab, lab.policy())


def _project(folder: Path, lab: SigstoreLab, policy: bytes) -> Project:
    """Make a project whose trust files ask for Sigstore."""
    made = Project(folder, Clock(time.time()), is_rehearsed=True)
    folder.mkdir(parents=True, exist_ok=True)
    asked = {
        **plain_set(requires_sigstore=True).files,
        "sigstore.json": policy,
        "trusted_root.json": lab.trusted_root(),
    }
    made.publisher().create(setup(trust=read_set(asked)))
    return made


def _release(project: Project, vouch: Vouch, of: Callable[[Path], bytes]) -> None:
    """Release 1.4.0 with the bundle that is made over a file."""
    path = project.bundle("1.4.0")
    made = {hashlib.sha256(path.read_bytes()).hexdigest(): vouch(of(path))}
    project.release("1.4.0", bundles=[path], sigstore=made)


def _sha256(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _said(project: Project) -> str:
    """Let a client look ten days later; gives what it says of the signature."""
    project.clock.time += 10 * DAY
    project.publisher().refresh()
    anchor = project.publisher().anchor(
        channel="stable", repositories=(f"{project.public.as_uri()}/",)
    )
    given = Surroundings(network=Network(copies=True), platform=PLATFORM)
    root = Root(project.folder / "client", now=project.clock.now, entropy=os.urandom)
    begin(root, anchor)
    report = Updater(root, anchor, given).check(Wish(is_by_hand=True))
    (said,) = [each.outcome.text for each in report.results if each.gate == "signature"]
    return said


def test_what_an_identity_vouches_for_is_taken_by_a_client(
    project: Project, lab: SigstoreLab, instance: Instance
) -> None:
    _release(project, vouching.by_token(lab.token(), instance), _sha256)

    assert _said(project) == f"signed with Sigstore by {SUBJECT} by {ISSUER}"


def test_what_a_key_vouches_for_is_taken_by_a_client(
    tmp_path: Path, lab: SigstoreLab, instance: Instance
) -> None:
    named = {vouching.usual_hint(spki(KEY)): spki(KEY)}
    policy = SigstorePolicy((), named, logs={lab.rekor.key_id: ORIGIN})
    project = _project(tmp_path, lab, format_policy(policy))

    _release(project, vouching.by_key(KEY, instance), _sha256)

    assert _said(project) == "signed with Sigstore by a key of the policy"


def test_without_a_bundle_that_is_asked_for_nothing_is_drafted(
    project: Project,
) -> None:
    with pytest.raises(RefusedError, match="ask for a Sigstore bundle, and none came"):
        project.release("1.4.0")


def test_a_bundle_of_somebody_else_is_seen_before_the_claim(
    project: Project, lab: SigstoreLab, instance: Instance
) -> None:
    stranger = vouching.by_token(lab.token("eve@lab.example"), instance)

    with pytest.raises(SigstoreError, match="identity: expected"):
        _release(project, stranger, _sha256)

    assert project.publisher().folder.journal().change is None


def test_a_bundle_of_another_file_is_seen_before_the_claim(
    project: Project, lab: SigstoreLab, instance: Instance
) -> None:
    with pytest.raises(SigstoreError, match="digest"):
        _release(project, vouching.by_token(lab.token(), instance), lambda _: bytes(32))


def test_a_mix_up_is_seen_where_nobody_asks_for_sigstore(
    tmp_path: Path, lab: SigstoreLab
) -> None:
    project = Project(tmp_path).create()

    with pytest.raises(SigstoreError, match="the bundle is for"):
        _release(project, lab.sign, lambda _: bytes(32))


def test_a_bundle_that_nobody_asks_for_is_released_too(
    tmp_path: Path, lab: SigstoreLab
) -> None:
    project = Project(tmp_path).create()

    _release(project, lab.sign, _sha256)

    beside = f"*app-1.4.0-{PLATFORM}.tar.sigstore.json"
    assert len(list(project.public.rglob(beside))) == 1


@pytest.mark.parametrize(
    "key", [ed25519("any"), ec.derive_private_key(1, ec.SECP384R1())]
)
def test_a_key_of_another_kind_cannot_vouch(
    key: ec.EllipticCurvePrivateKey, instance: Instance
) -> None:
    with pytest.raises(MalformedError, match="spki: expected"):
        vouching.by_key(key, instance)
