"""Where the published test vectors lie: beside the checkout, or where we are told."""

import os
from pathlib import Path

_CHECKOUT = Path(__file__).parent.parent
VECTORS = Path(
    os.environ.get("RINGFENCE_VECTORS", _CHECKOUT.parent / "shared" / "vectors")
)
"""May be absent: tests use the `vectors` fixture, which skips and says so."""
