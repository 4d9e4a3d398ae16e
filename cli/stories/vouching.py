"""The machine that vouches for what was built, for `ringfence demo`.

Run as `python -m cli.stories.vouching BUNDLE TRUST_CONFIG`, with an identity token on
stdin, as a CI system hands one out. Writes the Sigstore bundle beside BUNDLE.
"""

import hashlib
import sys
from pathlib import Path

from updater.sigstore.signing import sign


def main() -> None:
    """Sign."""
    bundle, trust_config = sys.argv[1:]
    signed = sign(
        hashlib.sha256(Path(bundle).read_bytes()).digest(),
        token=sys.stdin.readline().strip(),
        trust_config=Path(trust_config).read_bytes(),
    )
    Path(f"{bundle}.sigstore.json").write_bytes(signed)


if __name__ == "__main__":
    main()
