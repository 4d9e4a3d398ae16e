import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.updater.gates.asking import no, passes, refusing, sentence
from tests.updater.gates.cases import (
    ARTIFACT,
    DAY,
    METADATA,
    RELEASE,
    RELEASES,
    SHA256,
    TRUST,
    claimed,
    good,
    honoured,
)
from tests.updater.transparency import claimants
from updater.errors import SigstoreError
from updater.findings import Failed, Severity, failed
from updater.gates.evidence import Evidence, Vouched
from updater.sigstore.signature import verify
from updater.testing.sigstore_lab import SUBJECT, SigstoreLab
from updater.transparency.claims.release import Metadata, ReleaseClaim
from updater.transparency.entry import parse_entry

EVIDENCE = good()
SIGNED_AT = claimants.FINISHED - 100 * DAY  # the library reads the clock for its root


def saying(release: ReleaseClaim, signers: int = 2) -> Evidence:
    return replace(EVIDENCE, claim=parse_entry(claimed(release, signers)))


def test_a_claim_names_its_signers() -> None:
    assert sentence("claim", EVIDENCE) == "2 release keys claim 1.4.0, asked are 2"


@pytest.mark.parametrize(
    "release",
    [
        replace(RELEASE, project="pkg:pypi/other"),
        replace(RELEASE, channel="beta"),
        replace(RELEASE, artifacts=(replace(ARTIFACT, name="other.tar"),)),
        replace(RELEASE, artifacts=(replace(ARTIFACT, size=1),)),
        replace(RELEASE, artifacts=(replace(ARTIFACT, sha256="ff" * 32),)),
        replace(RELEASE, artifacts=(replace(ARTIFACT, platform="cp311-linux-arm"),)),
        replace(RELEASE, version="1.4.1"),
    ],
)
def test_a_claim_about_something_else_refuses(release: ReleaseClaim) -> None:
    assert no("claim", saying(release)) == ("claim-mismatch", Severity.REFUSED)


@pytest.mark.parametrize(
    "listed",
    [
        Metadata(role="archive", version=7, sha256="d1" * 32),
        Metadata(role="releases", version=8, sha256="d1" * 32),
        Metadata(role="releases", version=7, sha256="ff" * 32),
    ],
)
def test_a_claim_over_another_list_of_files_refuses(listed: Metadata) -> None:
    other = saying(replace(RELEASE, metadata=listed))

    assert no("claim", other) == ("claim-mismatch", Severity.REFUSED)


def test_a_list_of_files_that_went_on_still_stands_behind_the_claim() -> None:
    later = {**METADATA, "releases": replace(RELEASES, version=8, sha256="00" * 32)}

    assert passes("claim", replace(EVIDENCE, metadata=later))


def test_one_signature_too_few_refuses() -> None:
    assert no("claim", saying(RELEASE, signers=1)) == (
        "claim-signature",
        Severity.REFUSED,
    )


def test_another_kind_of_entry_is_no_claim() -> None:
    rebuild = claimants.entry(claimants.REBUILD, claimants.OPERATOR_KEYS["anna"])
    other = replace(EVIDENCE, claim=parse_entry(rebuild))

    assert no("claim", other) == ("claim-form", Severity.REFUSED)


def test_a_claim_that_does_not_parse_refuses() -> None:
    broken = Failed(Severity.REFUSED, "JSON: not JSON at character 0")

    assert no("claim", replace(EVIDENCE, claim=broken)) == (
        "claim-form",
        Severity.REFUSED,
    )


def sigstore_wanted(evidence: Evidence = EVIDENCE) -> Evidence:
    assert not isinstance(evidence.log, Failed)
    trust = replace(TRUST, requires_sigstore=True)
    return replace(evidence, log=replace(evidence.log, honoured=honoured(trust)))


def test_where_no_bundle_is_asked_for_it_is_said() -> None:
    assert sentence("signature", EVIDENCE) == (
        "the trust files ask for no Sigstore bundle"
    )


def test_a_bundle_that_is_asked_for_and_missing_refuses_alone() -> None:
    assert no("signature", sigstore_wanted()) == ("sigstore", Severity.REFUSED)
    assert refusing(sigstore_wanted()) == ["signature"]


def test_what_the_library_says_no_to_refuses() -> None:
    bad = failed(SigstoreError("sct", "no timestamp of a certificate log"))

    assert no("signature", replace(sigstore_wanted(), sigstore=bad)) == (
        "sigstore",
        Severity.REFUSED,
    )


@pytest.fixture(scope="module")
def lab() -> Iterator[SigstoreLab]:
    with SigstoreLab(lambda: SIGNED_AT) as running:
        yield running


def vouched(lab: SigstoreLab, data: bytes = b"", subject: str = SUBJECT) -> Evidence:
    """Give evidence with a bundle of the lab over the artifact, or over other bytes."""
    digest = hashlib.sha256(data).digest() if data else bytes.fromhex(SHA256)
    bundle = lab.sign(digest, subject=subject)
    facts = verify(bundle, digest, trusted_root=lab.trusted_root())
    row = replace(ARTIFACT, sigstore=hashlib.sha256(bundle).hexdigest())
    evidence = saying(replace(RELEASE, artifacts=(row,)))
    assert not isinstance(evidence.log, Failed)
    trust = replace(TRUST, requires_sigstore=True)
    files = {"sigstore.json": lab.policy()}
    log = replace(evidence.log, honoured=honoured(trust, **files))
    return replace(evidence, log=log, sigstore=Vouched(bundle, facts))


def test_a_bundle_of_the_right_identity_passes(lab: SigstoreLab) -> None:
    assert sentence("signature", vouched(lab)).startswith("signed with Sigstore by ")


def test_a_bundle_of_somebody_else_refuses_alone(lab: SigstoreLab) -> None:
    foreign = vouched(lab, subject="https://git.example/other/release.yml")

    assert no("signature", foreign) == ("sigstore", Severity.REFUSED)
    assert "signature" in refusing(foreign)


def test_a_bundle_over_another_file_refuses(lab: SigstoreLab) -> None:
    assert no("signature", vouched(lab, b"other")) == ("sigstore", Severity.REFUSED)


def test_a_bundle_that_the_claim_does_not_name_refuses(lab: SigstoreLab) -> None:
    unnamed = replace(vouched(lab), claim=EVIDENCE.claim)

    assert no("signature", unnamed) == ("sigstore", Severity.REFUSED)
    assert "the claim names bundle None" in sentence("signature", unnamed)
