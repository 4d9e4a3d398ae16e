"""The keys of a guest's frames, epoch after epoch, as the gateway asks for them.

::

    REKEY(e + 1, X25519) ──▶ guest
    guest ──▶ REKEY_ACK(e + 1, X25519)        both go to epoch e + 1

Rules; format: docs/formats/guest.md.
"""

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from voip.errors import RefusedError
from voip.gateway.guests import handshake
from voip.gateway.guests.commands import UseKeys
from voip.gateway.guests.handshake import Role
from voip.gateway.guests.messages import Rekey

REKEY_EVERY_S: Final = 120.0
REKEY_S: Final = 60.0
"""For an answer to REKEY: who only drops it must not hold a call in an old epoch."""

_KEY_BYTES: Final = 32


class Rekeying:
    """The epochs of one call; times are seconds of one monotonic clock.

    Attributes:
        epoch: the newest that both agreed on.
        due_at: when something is to be done: ask for the next, or give the guest up.
        is_asked: the guest has not answered yet.
    """

    def __init__(self, secret: bytes, entropy: Callable[[int], bytes]) -> None:
        """Take S_0 (64 bytes); nothing is due before `talking`."""
        self.epoch = 0
        self.due_at = float("inf")
        self._secret = secret
        self._entropy = entropy
        self._asked: tuple[X25519PrivateKey, bytes] | None = None

    @property
    def is_asked(self) -> bool:
        """Whether an answer is awaited."""
        return self._asked is not None

    def talking(self, now: float) -> None:
        """Note that media began: from now on keys change every two minutes."""
        self.due_at = now + REKEY_EVERY_S

    def ask(self, now: float) -> Rekey:
        """Ask for the next epoch."""
        key = X25519PrivateKey.from_private_bytes(self._entropy(_KEY_BYTES))
        fields = handshake.rekey_fields(self.epoch + 1, key)
        self._asked, self.due_at = (key, fields), now + REKEY_S
        return Rekey(fields)

    def answered(self, fields: bytes, now: float) -> UseKeys:
        """Take the guest's answer; gives the keys of the epoch that begins.

        Raises:
            RefusedError: nobody asked, or an answer to something else.
        """
        if self._asked is None:
            raise RefusedError("guest: REKEY_ACK without REKEY")
        key, asked = self._asked
        self._secret = handshake.next_secret(self._secret, key, rekey=asked, ack=fields)
        self.epoch += 1
        self._asked, self.due_at = None, now + REKEY_EVERY_S
        return self.keys()

    def keys(self) -> UseKeys:
        """Give the frame keys of the epoch, of both directions."""
        send, receive = (
            (
                handshake.frame_key(self._secret, role, self.epoch),
                handshake.frame_kid(role, self.epoch),
            )
            for role in (Role.GATEWAY, Role.GUEST)
        )
        return UseKeys(send, receive)
