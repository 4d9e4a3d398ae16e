"""What was found, written down: a report for everybody, statements where one signs.

Carrier. Of a published file X there are X``.compare.json`` and ``.compare.html``, and
where somebody signs X``.intoto.jsonl`` and X``.rebuild-OPERATOR.claim.json``. This last
one is the leaf for a log, byte for byte, and written last: where it is, all is.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from reproducible.builds.building import BUILDINFO
from reproducible.drive.finding import Finding, Signer, facts_of
from reproducible.explain.explaining import Explained
from reproducible.explain.page import format_page
from reproducible.explain.report import format_report
from reproducible.record.attest import (
    claim_of,
    format_jsonl,
    sign_claim,
    sign_provenance,
)
from reproducible.record.buildinfo import format_buildinfo
from updater.files import Files
from updater.transparency.claims.parts import Resource
from updater.transparency.claims.rebuild import RebuildClaim

_PUBLIC = 0o644  # all of it is meant to be served


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was written.

    Attributes:
        level: of the sandbox; None where nothing was built.
        claim: what was signed, and `leaf` its bytes; None where nobody signed.
        files: what is worth showing, in the order in which it was written.
    """

    explained: Explained
    level: int | None
    claim: RebuildClaim | None = None
    leaf: bytes | None = None
    files: tuple[Path, ...]


def write_report(finding: Finding, out: Path) -> Told:
    """Write the report of a comparison, for programs and for people.

    Raises:
        StoreError: the disk refuses.
    """
    name = finding.explained.comparison.published.name
    report, page = out / f"{name}.compare.json", out / f"{name}.compare.html"
    files = Files()
    files.replace(report, format_report(finding.explained.comparison), _PUBLIC)
    files.replace(page, format_page([finding.explained]), _PUBLIC)
    walls = finding.buildinfo.sandbox
    return Told(
        explained=finding.explained,
        level=walls.level if walls.probe == "no-network" else None,
        files=(out / BUILDINFO, report, page),
    )


def write_signed(finding: Finding, told: Told, signer: Signer, out: Path) -> Told:
    """Sign what was found, and how what was rebuilt came about.

    Raises:
        StoreError: the disk refuses.
    """
    comparison = finding.explained.comparison
    name = comparison.published.name
    facts = facts_of(
        finding,
        signer,
        buildinfo=_resource(BUILDINFO, format_buildinfo(finding.buildinfo)),
        report=_resource(f"{name}.compare.json", format_report(comparison)),
    )
    claim = claim_of(comparison, facts)
    leaf = sign_claim(claim, signer.key)
    envelopes = [leaf]
    if comparison.rebuilt is not None:
        made = sign_provenance([comparison.rebuilt], facts, signer.key)
        envelopes.insert(0, made)
    both, alone = out / f"{name}.intoto.jsonl", out / claim_name(name, signer.operator)
    files = Files()
    files.replace(both, format_jsonl(envelopes), _PUBLIC)
    files.replace(alone, leaf, _PUBLIC)
    return replace(told, claim=claim, leaf=leaf, files=(*told.files, both, alone))


def claim_name(artifact: str, operator: str) -> str:
    """Name the file with what an operator says of a published file."""
    return f"{artifact}.rebuild-{operator}.claim.json"


def _resource(name: str, data: bytes) -> Resource:
    return Resource(name=name, sha256=hashlib.sha256(data).hexdigest())
