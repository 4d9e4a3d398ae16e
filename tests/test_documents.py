"""What the documents point at is there: links, files, modules, decisions."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_DOCUMENTS = sorted([*_ROOT.glob("*.md"), *_ROOT.glob("docs/**/*.md")])
_DECISIONS = sorted(_ROOT.glob("docs/decisions/*.md"))
_every_document = pytest.mark.parametrize(
    "document", _DOCUMENTS, ids=lambda path: path.relative_to(_ROOT).as_posix()
)
_ANY_NAME = {"…", "*", "NAME", "x/y", "test_y"}  # these stand for any file


@_every_document
def test_links_lead_somewhere(document: Path) -> None:
    dead = [
        target
        for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text())
        if "://" not in target and not _leads_somewhere(document, target)
    ]

    assert dead == []


@_every_document
def test_files_that_are_named_exist(document: Path) -> None:
    named = re.findall(
        r"`((?:voip|cli|tests|docs|benchmarks|updater|reproducible)/[^\s`]*)`",
        document.read_text(),
    )
    missing = [
        path
        for path in named
        if not any(part in path for part in _ANY_NAME) and not (_ROOT / path).exists()
    ]

    assert missing == []


@pytest.mark.parametrize("package", ["voip", "updater", "reproducible"])
def test_the_map_names_each_module_and_no_other(package: str) -> None:
    design = (_ROOT / "docs/design.md").read_text()
    title = f"## `{package}/` from below"
    table = design.partition(title)[2].partition("\n## ")[0]
    firsts = [line.split("|")[1] for line in table.splitlines() if line[:3] == "| `"]
    named = {name for cell in firsts for name in re.findall(r"`([^`]+)`", cell)}
    modules = {path.stem for path in (_ROOT / package).glob("[a-z]*.py")}
    inside = _ROOT.glob(f"{package}/*/__init__.py")
    folders = {f"{path.parent.name}/" for path in inside}

    assert named == modules | folders


def test_each_threat_names_its_tests() -> None:
    threats = (_ROOT / "docs/threat-model.md").read_text()
    rows = [line for line in threats.splitlines() if line.startswith("| **")]
    silent = [row for row in rows if "`tests/" not in row.split("|")[4]]

    assert rows
    assert silent == []


@pytest.mark.parametrize("decision", _DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_a_page_of_the_same_parts(decision: Path) -> None:
    lines = decision.read_text().splitlines()
    parts = [line for line in lines if line.startswith("## ")]

    assert lines[0].startswith(f"# {decision.name[:4]} ")
    assert re.match(r"Date: \S+\. Status: (proposed|accepted|replaced)", lines[2])
    assert parts == [
        "## Context",
        "## Options",
        "## Choice",
        "## Cost",
        "## What would change our mind",
    ]


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in _DECISIONS]

    assert numbers == list(range(len(numbers)))


def _leads_somewhere(document: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    aim = document.parent / path if path else document
    if not aim.exists():
        return False
    if not anchor:
        return True
    titles = re.findall(r"(?m)^#+ (.*)$", aim.read_text())
    return anchor in {
        re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in titles
    }
