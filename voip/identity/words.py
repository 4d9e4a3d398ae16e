"""Words: what two people read to each other to know that nobody sits between them.

Three words of the BIP-39 English list, 33 bits, from the key schedule's eight bytes.
The one in the middle had to fix both his handshakes before he could know them, so each
try has a chance of 2^-33. The user is not asked "are they the same?", which people
answer with yes, but "which of these four does the other side read?".
"""

import hashlib
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

from voip.errors import TrustError
from voip.identity.keys import Entropy

DECOYS: Final = 3

_INDEX_BITS: Final = 11  # 2048 words
_LIST_SHA256: Final = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"

WordTriple = tuple[str, str, str]


def _load() -> tuple[str, ...]:
    raw = files("voip.identity").joinpath("words.txt").read_bytes()
    # Two lists that differ in a word would make honest calls look attacked.
    assert hashlib.sha256(raw).hexdigest() == _LIST_SHA256
    return tuple(raw.decode("ascii").split())


WORDS: Final = _load()
"""The BIP-39 English list: 2048 words, told apart by their first four letters."""


def words(sas: bytes) -> WordTriple:
    """Give the three words of a call from its 8-byte sas."""
    bits = int.from_bytes(sas, "big")
    first, second, third = (
        WORDS[bits >> shift & 2**_INDEX_BITS - 1] for shift in (53, 42, 31)
    )
    return first, second, third


def decimal(sas: bytes) -> str:
    """Give the same 33 bits as ten digits, for who shares no language."""
    return f"{int.from_bytes(sas, 'big') >> 31:010}"


@dataclass(frozen=True, slots=True)
class Choices:
    """Four triples to show, one of which is the call's; which one, is not shown."""

    options: tuple[WordTriple, ...]
    _correct: int = field(repr=False)

    def check(self, index: int | None) -> None:
        """Check the user's choice; None is "none of these".

        Raises:
            TrustError: the other side reads other words: somebody is in between.
        """
        if index != self._correct:
            raise TrustError("the other side reads other words")


def word_choices(sas: bytes, entropy: Entropy) -> Choices:
    """Hide the words of a call among three decoys; no word is there twice by them.

    Decoys come from the local random source: the one in the middle can neither know nor
    steer them.
    """
    ours = words(sas)
    pool = [word for word in WORDS if word not in ours]

    def draw(count: int) -> int:
        return int.from_bytes(entropy(8), "big") % count  # bias below 2^-52

    def take() -> str:
        return pool.pop(draw(len(pool)))

    options = [(take(), take(), take()) for _ in range(DECOYS)]
    correct = draw(DECOYS + 1)
    options.insert(correct, ours)
    return Choices(tuple(options), correct)
