"""The machine that builds and signs releases, for `ringfence demo`.

Run as `python -m cli.stories.builder SOURCE VERSION OUT TRUST_CONFIG`, with an identity
token on stdin, as a CI system hands one out. Writes the bundle of the SOURCE folder to
OUT, and beside it the Sigstore bundle that says who built it.
"""

import hashlib
import sys
from pathlib import Path

from cli.stories import tally
from updater.sigstore.signing import sign


def main() -> None:
    """Build and sign."""
    source, version, out, trust_config = sys.argv[1:]
    bundle = tally.build(tally.read_source(Path(source)), version, tally.platform())
    Path(out).write_bytes(bundle)
    signed = sign(
        hashlib.sha256(bundle).digest(),
        token=sys.stdin.readline().strip(),
        trust_config=Path(trust_config).read_bytes(),
    )
    Path(f"{out}.sigstore.json").write_bytes(signed)


if __name__ == "__main__":
    main()
