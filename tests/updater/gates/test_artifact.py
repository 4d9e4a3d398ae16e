from dataclasses import replace
from typing import Any

import pytest

from tests.updater.gates.asking import no, passes, refusing, sentence
from tests.updater.gates.cases import BYTES, MANIFEST, SHA256, good
from updater.findings import Failed, Severity
from updater.gates.evidence import Stored

EVIDENCE = good()
ABSENT = Failed(Severity.UNREACHABLE, "not fetched yet", "not-fetched")


def test_what_is_not_here_is_said_by_all_gates_that_read_it() -> None:
    absent = replace(EVIDENCE, artifact=ABSENT)

    assert refusing(absent) == ["fetch", "hash", "manifest"]
    for gate in refusing(absent):
        assert no(gate, absent) == ("not-fetched", Severity.UNREACHABLE)


@pytest.mark.parametrize(
    "stored",
    [
        Stored("store/file", len(BYTES), sha256="00" * 32),
        Stored("store/file", len(BYTES) + 1, sha256=SHA256),
    ],
)
def test_other_bytes_refuse_alone(stored: Stored) -> None:
    other = replace(EVIDENCE, artifact=stored)

    assert no("hash", other) == ("artifact-hash", Severity.REFUSED)
    assert refusing(other) == ["hash"]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"version": "1.4.1"},
        {"platform": "cp311-linux-x86_64"},
        {"commit": "c1" * 20},
        {"recipe_sha256": "00" * 32},
        {"epoch": 1},
    ],
)
def test_a_bundle_that_says_something_else_than_its_claim_refuses_alone(
    change: dict[str, Any],
) -> None:
    other = replace(EVIDENCE, manifest=replace(MANIFEST, **change))

    assert no("manifest", other) == ("manifest", Severity.REFUSED)
    assert refusing(other) == ["manifest"]


def test_an_unreadable_bundle_refuses() -> None:
    broken = Failed(Severity.REFUSED, "manifest: expected an object")

    assert no("manifest", replace(EVIDENCE, manifest=broken)) == (
        "manifest",
        Severity.REFUSED,
    )


@pytest.mark.parametrize(("count", "said"), [(1, "1 wheel"), (2, "2 wheels")])
def test_a_good_bundle_says_what_it_holds(count: int, said: str) -> None:
    held = replace(MANIFEST, wheels=MANIFEST.wheels * count)
    evidence = replace(EVIDENCE, manifest=held)

    assert passes("hash", evidence)
    assert sentence("manifest", evidence).startswith(f"{said} for cp312")
