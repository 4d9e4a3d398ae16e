"""Values the identity tests share; made from fixed seeds, so that failures repeat."""

import random
from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.identity.certificate import DAY_S
from voip.identity.signer import NativeSigner
from voip.identity.vault import SignerKind, SignerSource, Vault, create_vault

V = TypeVar("V")

NOW = 1_700_000_000
ALICE = NativeSigner(b"\1" * 32)
BOB = NativeSigner(b"\2" * 32)
DAY = DAY_S


def luck(seed: int = 1) -> Callable[[int], bytes]:
    """Give a source of bytes that starts the same each time."""
    return random.Random(seed).randbytes


def person(signer: NativeSigner = ALICE, alias: str = "alice") -> Vault:
    """Make a vault with one call key."""
    entropy = luck()
    source = SignerSource(SignerKind.NATIVE, seed=signer.seed)
    vault = create_vault(
        alias, signer.public_key(), signer=source, relay=None, entropy=entropy
    )
    return vault.rotated(signer, NOW, entropy)


def assert_mangled_is_refused(
    parse: Callable[[bytes], V], format_value: Callable[[V], bytes], good: bytes
) -> None:
    """Show that a parser takes one spelling only, and knows one error only."""
    random_ = random.Random(len(good))
    cases = [good[:cut] for cut in range(0, len(good), max(1, len(good) // 64))]
    cases += [good + b"\0", good + b"\n", b"\0" + good, good + good]
    for at in range(0, len(good), max(1, len(good) // 256)):
        changed = bytearray(good)
        changed[at] ^= 1 << random_.randrange(8)
        cases.append(bytes(changed))
    for case in cases:
        try:
            value = parse(case)
        except MalformedError:
            continue
        # A field may hold another value; then it is that value's one spelling.
        assert format_value(value) == case


JUNK = st.binary(max_size=2048)
