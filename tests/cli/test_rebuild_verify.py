"""`ringfence rebuild verify` at the time that it is: two who agree are enough."""

import hashlib
import json
import time
from pathlib import Path

import pytest

from cli.main import main
from tests.reproducible.record.rebuilds import WITNESSED, proofs, yes
from tests.updater.transparency.claimants import REBUILDERS
from updater.jcs import write
from updater.transparency.rebuilders import rebuild_policy_json

_APP = b"app\n"


@pytest.mark.parametrize(
    ("operators", "outcome", "code"),
    [(["anna", "bert"], "met", 0), (["anna", "us"], "short", 6)],
    ids=["met", "short"],
)
def test_the_code_says_whether_enough_agree(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    operators: list[str],
    outcome: str,
    code: int,
) -> None:
    now = int(time.time())
    sha256 = hashlib.sha256(_APP).hexdigest()
    leaves = [yes(each, sha256=sha256, finished=now - 60) for each in operators]
    for number, proof in enumerate(proofs(leaves, 1, 2, at=now - 30)):
        claim = tmp_path / f"app.rebuild-{number}.claim.json"
        claim.write_bytes(leaves[number])
        claim.with_name(f"{claim.name}.tlog-proof").write_bytes(proof)
    (tmp_path / "app").write_bytes(_APP)
    (tmp_path / "log").write_bytes(WITNESSED)
    (tmp_path / "who.json").write_bytes(write(rebuild_policy_json(REBUILDERS)))
    files = ("--policy", "who.json", "--rebuilds", ".", "--log-policy", "log")
    paths = [each if each.startswith("--") else str(tmp_path / each) for each in files]
    ended = main(["rebuild", "verify", str(tmp_path / "app"), *paths, "--json"])

    assert (json.loads(capsys.readouterr().out)["outcome"], ended) == (outcome, code)
