"""Somebody who builds a release again, for `ringfence demo`, and says what came out.

Run as `python -m cli.stories.rebuilder NAME KEY SOURCE VERSION PUBLISHED OUT`, on the
operator's own machine. Builds the SOURCE folder without looking at the PUBLISHED file,
then compares, and writes the signed statement to OUT: also if it says `different`.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli.stories import tally
from updater.keyfile import parse_plain_key
from updater.statement import Subject, format_envelope, sign
from updater.transparency.claims.parts import Resource
from updater.transparency.claims.rebuild import (
    Comparison,
    Environment,
    RebuildClaim,
    Rebuilder,
)
from updater.transparency.entry import format_claim
from updater.transparency.rebuilders import STAGE

_DAY_S: Final = 86_400


def main() -> None:
    """Build, compare, sign, and say what was found as one JSON object."""
    name, key_file, source, version, published, out = sys.argv[1:]
    key = parse_plain_key(Path(key_file).read_bytes())
    assert isinstance(key, Ed25519PrivateKey)
    started = int(time.time())
    files = tally.read_source(Path(source))
    platform = tally.platform()
    rebuilt = hashlib.sha256(tally.build(files, version, platform)).hexdigest()
    with Path(published).open("rb") as file:
        theirs = hashlib.file_digest(file, "sha256").hexdigest()
    artifact = tally.TALLY.artifact(version, platform)
    claim = RebuildClaim(
        subject=Subject(artifact, theirs),
        verdict="identical" if rebuilt == theirs else "different",
        stage=STAGE,
        published=Resource(name=artifact, sha256=theirs),
        rebuilt=Resource(name=artifact, sha256=rebuilt),
        source=Resource(uri=Path(source).as_uri(), sha256=tally.source_id(files)),
        recipe=Resource(name="recipe", sha256=tally.recipe_id()),
        buildinfo=Resource(name="buildinfo", sha256=tally.source_id(files)),
        environment=Environment(os.uname().machine, 0),
        rebuilder=Rebuilder(
            id=f"{name}/1", operator=name, tool=Resource(sha256=tally.recipe_id())
        ),
        comparison=Comparison(
            method="sha256",
            differences=None
            if rebuilt == theirs
            else ("code both tally/main.py: other bytes",),
        ),
        started_on=started,
        finished_on=int(time.time()),
        expires_on=started + 90 * _DAY_S,
    )
    Path(out).write_bytes(format_envelope(sign(format_claim(claim), [key])))
    said = {"rebuilt": rebuilt, "verdict": claim.verdict, "who": name}
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
