"""Waves: a release reaches a few first, and everybody in the end.

Who is early is decided here, from a seed that never leaves this machine; nobody is
asked, and nobody can aim.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SEED_BYTES: Final = 32
WHOLE: Final = 1000
"""Everybody, in thousandths."""

_LABEL: Final = b"ringfence-wave/1\n"


@dataclass(frozen=True, slots=True)
class Wave:
    """From `after_s` seconds on, `per_mille` thousandths of all may install."""

    after_s: int
    per_mille: int


NORMAL: Final = (
    Wave(0, 10),
    Wave(12 * 3600, 100),
    Wave(24 * 3600, 400),
    Wave(48 * 3600, 700),
    Wave(72 * 3600, WHOLE),
)
"""For most releases: a bad one is noticed while it is on one machine in a hundred."""

SECURITY: Final = (
    Wave(0, 50),
    Wave(3600, 250),
    Wave(2 * 3600, 500),
    Wave(3 * 3600, WHOLE),
)
"""For a release that closes a hole: whoever reads it may attack those who wait."""


def bucket(seed: bytes, channel: str, version: str) -> int:
    """Say at which thousandth a release reaches this machine: 0 to 999.

    The version is part of it, so that nobody is always first.
    """
    text = f"{channel}\n{version}".encode()
    digest = hmac.digest(seed, _LABEL + text, hashlib.sha256)
    return int.from_bytes(digest[:8], "big") % WHOLE


def reached(waves: Sequence[Wave], elapsed_s: float) -> int:
    """Say how many thousandths may install `elapsed_s` after the first wave began.

    Before it, that is none.
    """
    return max(
        (each.per_mille for each in waves if elapsed_s >= each.after_s), default=0
    )


def opens_after_s(waves: Sequence[Wave], bucket: int) -> int:
    """Say how many seconds after the first wave a bucket opens.

    The last wave is everybody's.
    """
    return next(each.after_s for each in waves if bucket < each.per_mille)
