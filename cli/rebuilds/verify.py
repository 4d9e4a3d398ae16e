"""`ringfence rebuild verify`: a file, and what rebuilders said of it."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import click

from cli.codes import Code
from cli.output import escape, json_option, note, show
from reproducible.record.judging import (
    MAX_JSONL,
    Judgement,
    Said,
    judge,
    read_policy,
    split_jsonl,
)
from updater.files import Files
from updater.quorum import Decision
from updater.transparency.policy import MAX_POLICY, parse_policy
from updater.transparency.proof import MAX_FILE
from updater.transparency.tiles import MAX_ENTRY
from updater.transparency.trust import MAX_TRUST_BYTES

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(
    epilog="Example: ringfence rebuild verify app.tar --policy trust.json"
    " --rebuilds . --log-policy policy"
)
@click.argument("artefact", type=_FILE)
@click.option(
    "--policy", "rebuilders", type=_FILE, required=True, help="Who counts: trust.json."
)
@click.option("--rebuilds", type=_FOLDER, required=True, help="What they said.")
@click.option("--log-policy", type=_FILE, help="The log, and who witnesses it.")
@json_option
def command(
    artefact: Path, *, rebuilders: Path, rebuilds: Path, log_policy: Path | None
) -> int:
    """Judge ARTEFACT by what rebuilders said of it, asking nobody.

    Statements are read from '*.claim.json' and '*.intoto.jsonl'. One counts if it is
    in the log, which 'X.claim.json.tlog-proof' beside it proves. Code 0 says that
    enough of them got the same bytes, 6 that too few did or somebody got others.
    """
    files = Files()
    with files.open(artefact) as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    judgement = judge(
        sha256,
        list(_said(files, rebuilds)),
        policy=read_policy(files.read(rebuilders, most=MAX_TRUST_BYTES)),
        witnesses=parse_policy(files.read(log_policy, most=MAX_POLICY))
        if log_policy
        else None,
        now=time.time(),
    )
    _show(sha256, judgement)
    return Code.DONE if judgement.decision.outcome == "met" else Code.NO_QUORUM


def _said(files: Files, folder: Path) -> Iterator[Said]:
    for path in sorted(folder.glob("*.claim.json")):
        beside = path.with_name(f"{path.name}.tlog-proof")
        yield Said(
            path.name,
            files.read(path, most=MAX_ENTRY),
            proof=files.read_if_there(beside, most=MAX_FILE),
        )
    for path in sorted(folder.glob("*.intoto.jsonl")):
        yield from split_jsonl(path.name, files.read(path, most=MAX_JSONL))


def _show(sha256: str, judgement: Judgement) -> None:
    decision = judgement.decision
    show(
        {
            "counted": decision.counted,
            "environments": len(decision.environments),
            "outcome": decision.outcome,
            "sha256": sha256,
            "threshold": decision.policy.threshold,
            "uncounted": [
                {"index": each.index, "operator": each.operator, "reason": each.reason}
                for each in decision.uncounted
            ],
            "unlogged": judgement.unlogged,
            "vetoes": decision.vetoes,
        },
        f"{decision.outcome}: {_why(decision)}",
        *(
            f"not counted: {each.operator or 'nobody known'}: {each.reason}"
            for each in decision.uncounted
        ),
    )
    for each in judgement.unproven:
        note(escape(f"{each.name}: not proven to be in the log: {each.why}"))
    for operator in judgement.unlogged:
        note(f"{operator} got other bytes and says so, but not in the log: look at it")


def _why(decision: Decision) -> str:
    policy = decision.policy
    if decision.outcome == "vetoed":
        return f"other bytes came out for {', '.join(decision.vetoes)}"
    return (
        f"{len(decision.counted)} of {policy.threshold} operators got the same bytes"
        f" ({', '.join(decision.counted) or 'nobody'}), in {len(decision.environments)}"
        f" of {policy.min_environments} environments"
    )
