"""The demo's own program: strangers build it again, and one release is broken."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli.stories import tally
from updater.keyfile import format_plain_key
from updater.offer.product import PLATFORM
from updater.transparency.claims.rebuild import RebuildClaim
from updater.transparency.entry import parse_entry

PUBLISHED = "cp311-linux-x86_64"
EVERY = {**tally.SOURCES, tally.TARGETED[0]: tally.TARGETED[1]}


def built(folder: Path, version: str = "1.0") -> bytes:
    """Build a version from a source in a new folder."""
    tally.write_source(folder, version, EVERY[version])
    return tally.build(tally.read_source(folder), version, PUBLISHED)


def run(folder: Path, argv0: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a source by the name it was started with."""
    code = (
        f"import sys; sys.path.append({str(folder)!r}); sys.argv[:] = sys.argv[1:];"
        "import tally.main; sys.exit(tally.main.run())"
    )
    command = [sys.executable, "-I", "-B", "-c", code, argv0, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_whoever_builds_the_same_source_gets_the_same_bytes(tmp_path: Path) -> None:
    assert built(tmp_path / "one") == built(tmp_path / "other")


def test_another_source_gives_another_bundle(tmp_path: Path) -> None:
    bundles = {built(tmp_path / each, each) for each in EVERY}

    assert len(bundles) == len(EVERY)


@pytest.mark.parametrize("version", EVERY)
def test_every_version_works_when_it_is_tried_by_its_name(
    tmp_path: Path, version: str
) -> None:
    tally.write_source(tmp_path, version, EVERY[version])
    tried = run(tmp_path, "tally", *tally.TALLY.probe)

    assert (tried.returncode, tried.stdout) == (0, f"tally {version}\n")


def test_version_1_2_fails_where_it_is_installed(tmp_path: Path) -> None:
    tally.write_source(tmp_path, "1.2", EVERY["1.2"])
    started = run(tmp_path, "/home/carol/tally/tally")

    assert started.stderr.endswith("KeyError: '/home/carol/tally/tally'\n")


def test_this_machine_has_a_platform() -> None:
    assert PLATFORM.fullmatch(tally.platform())


@pytest.mark.parametrize(
    ("changed", "verdict"), [(b"", "identical"), (b"!", "different")]
)
def test_a_rebuilder_says_whether_the_bytes_are_the_same(
    tmp_path: Path, changed: bytes, verdict: str
) -> None:
    key = Ed25519PrivateKey.generate()
    (tmp_path / "key").write_bytes(format_plain_key(key))
    tally.write_source(tmp_path / "source", "1.0", EVERY["1.0"])
    files = tally.read_source(tmp_path / "source")
    bundle = tally.build(files, "1.0", tally.platform()) + changed
    (tmp_path / "published.tar").write_bytes(bundle)
    done = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "cli.stories.rebuilder", "anna", "key"),
            *(str(tmp_path / "source"), "1.0", "published.tar", "claim.json"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    claim = parse_entry((tmp_path / "claim.json").read_bytes()).claim

    assert isinstance(claim, RebuildClaim)
    assert claim.subject.sha256 == hashlib.sha256(bundle).hexdigest()
    assert (claim.verdict, json.loads(done.stdout)["verdict"]) == (verdict, verdict)
