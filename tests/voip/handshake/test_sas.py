import pytest

from voip.errors import TrustError
from voip.handshake.sas import check_commitment, commitment

NONCE, E_A = b"\xaa" * 32, b"\x11" * 32


def test_commitment_is_the_one_in_the_format() -> None:
    assert commitment(NONCE, E_A)[:16].hex() == "3b71dcb562fecb4b52f8bfb5d4ad98d0"


def test_the_committed_nonce_is_accepted() -> None:
    check_commitment(commitment(NONCE, E_A), NONCE, E_A)


@pytest.mark.parametrize(
    ("nonce_a", "e_a"), [(b"\xab" * 32, E_A), (NONCE, b"\x12" * 32), (b"", E_A)]
)
def test_another_nonce_or_key_breaks_trust(nonce_a: bytes, e_a: bytes) -> None:
    with pytest.raises(TrustError, match="not the one that was committed to"):
        check_commitment(commitment(NONCE, E_A), nonce_a, e_a)
