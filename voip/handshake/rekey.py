"""New epoch secrets within a call: REKEY and REKEY_ACK.

::

    initiator                                    responder
      REKEY      epoch 4 | x25519 32 | ek 1184  ────>   derives S_{e+1}
                 derives S_{e+1}  <────  epoch 4 | x25519 32 | ct 1088   REKEY_ACK

Both messages travel inside the call, so they are authenticated by S_e; the fresh pairs
shut out whoever copied S_e and only listened. If both start at once, the callee drops
its own and answers the caller's. Which key is used when is `voip.media.epochs`'
business. Format: docs/formats/handshake.md.
"""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)

from voip.errors import HandshakeError, MalformedError
from voip.handshake.kem import (
    CIPHERTEXT_BYTES,
    EK_BYTES,
    SEED_BYTES,
    Encapsulate,
    decapsulate,
)
from voip.handshake.noise import DH_BYTES, exchange
from voip.handshake.schedule import Role, next_secret
from voip.identity.keys import Entropy
from voip.wire import Reader, be32

REKEY_BYTES = 4 + DH_BYTES + EK_BYTES  # 1220: epoch | x25519 | ek
ACK_BYTES = 4 + DH_BYTES + CIPHERTEXT_BYTES  # 1124: epoch | x25519 | ct


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """An epoch secret that is ready to be installed."""

    number: int
    secret: bytes = field(repr=False)
    initiator: bool = field(kw_only=True)
    """We sent the REKEY, so we may send under it at once."""


class Rekeying:
    """The rekeying of one call, seen from one side.

    Holds the newest epoch secret, and the private half of a REKEY that is under way.
    """

    def __init__(self, role: int, secret: bytes) -> None:
        """`role` is ours; `secret` is S_0 (64 bytes)."""
        self._role = role
        self._epoch = 0
        self._secret = secret
        self._pending: _Pending | None = None
        self._answered: tuple[bytes, bytes] | None = None
        """The last REKEY taken and what was answered to it."""

    @property
    def is_pending(self) -> bool:
        """Whether a REKEY of ours waits for its answer."""
        return self._pending is not None

    def start(self, entropy: Entropy) -> bytes:
        """Give the fields of a REKEY (1220 bytes).

        While one is pending this gives the same bytes again.
        """
        if self._pending is None:
            x25519 = X25519PrivateKey.from_private_bytes(entropy(DH_BYTES))
            mlkem = MLKEM768PrivateKey.from_seed_bytes(entropy(SEED_BYTES))
            fields = (
                be32(self._epoch + 1)
                + x25519.public_key().public_bytes_raw()
                + mlkem.public_key().public_bytes_raw()
            )
            self._pending = _Pending(fields, x25519, mlkem=mlkem)
        return self._pending.fields

    def receive_rekey(
        self, fields: bytes, *, entropy: Entropy, encapsulate: Encapsulate
    ) -> tuple[bytes | None, NewEpoch | None]:
        """Take the peer's REKEY: give the fields of REKEY_ACK and S_{e+1}.

        The same REKEY again gives the same answer bytes and no epoch. Neither is given
        when it is stale, or lost a glare: then ours is the one that counts.

        Raises:
            MalformedError: not 1220 bytes.
            HandshakeError: a future epoch, a low-order point or a bad ML-KEM key.
        """
        epoch, public, ek = _parse(fields, REKEY_BYTES)
        if self._answered is not None and self._answered[0] == fields:
            return self._answered[1], None
        if epoch <= self._epoch or (self.is_pending and self._role == Role.CALLER):
            return None, None
        self._check_next(epoch)
        x25519 = X25519PrivateKey.from_private_bytes(entropy(DH_BYTES))
        kem_secret, ciphertext = encapsulate(ek)
        shared = exchange(x25519, public) + kem_secret
        ack = be32(epoch) + x25519.public_key().public_bytes_raw() + ciphertext
        self._pending = None
        self._answered = fields, ack
        return ack, self._advance(shared, fields + ack, initiator=False)

    def receive_ack(self, fields: bytes) -> NewEpoch:
        """Take the peer's answer to our REKEY: give S_{e+1}.

        Raises:
            MalformedError: not 1124 bytes.
            HandshakeError: nothing was asked, another epoch, or a low-order point.
        """
        epoch, public, ciphertext = _parse(fields, ACK_BYTES)
        if self._pending is None:
            raise HandshakeError("rekey ack: nothing was asked")
        self._check_next(epoch)
        pending = self._pending
        shared = exchange(pending.x25519, public)
        shared += decapsulate(pending.mlkem, ciphertext)
        self._pending = None
        return self._advance(shared, pending.fields + fields, initiator=True)

    def _check_next(self, epoch: int) -> None:
        if epoch != self._epoch + 1:
            raise HandshakeError(
                f"rekey: expected epoch {self._epoch + 1}, came {epoch}"
            )

    def _advance(
        self, shared: bytes, transcript: bytes, *, initiator: bool
    ) -> NewEpoch:
        self._epoch += 1
        self._secret = next_secret(
            self._secret, shared, epoch=self._epoch, transcript=transcript
        )
        return NewEpoch(self._epoch, self._secret, initiator=initiator)


@dataclass(frozen=True, slots=True)
class _Pending:
    fields: bytes
    x25519: X25519PrivateKey = field(repr=False)
    mlkem: MLKEM768PrivateKey = field(repr=False, kw_only=True)


def _parse(fields: bytes, size: int) -> tuple[int, X25519PublicKey, bytes]:
    if len(fields) != size:
        raise MalformedError(f"rekey: expected {size} bytes, came {len(fields)}")
    reader = Reader(fields)
    epoch = reader.u32()
    public = X25519PublicKey.from_public_bytes(reader.take(DH_BYTES))
    return epoch, public, reader.rest()
