"""A person's board: one sealed entry per device, which callers read before they dial.

::

    slot  = nonce 12 | AES-256-GCM(card key, nonce, aad, padded(entry, 4068))
    aad   = board key 32 | be16 index | be64 version
    entry = bundle 1381 | device mailbox tag 16 | lp8 relay text;  empty: withdrawn
    sig   = Ed25519(board key, "ringfence/relay/1 board" || 0 || be16 index
                    || be64 version || blob)

The board's key pair is not the identity: the relay must be able to check it, and the
identity signs certificates only. Versions only rise; readers remember the highest, so a
relay cannot go back to an older entry unnoticed. Format: docs/formats/signalling.md.
"""

from dataclasses import KW_ONLY, dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from voip.errors import MalformedError, RefusedError
from voip.handshake.payload import RELAY_LIMIT
from voip.identity.callkey import BUNDLE_BYTES
from voip.identity.keys import Entropy
from voip.signalling.envelope import TAG_BYTES, open_blob, seal_blob
from voip.signalling.frames import BoardPut
from voip.wire import Reader, be16, be64, lp8

_SIGN = b"ringfence/relay/1 board\0"


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """What a caller needs to ring one device.

    Attributes:
        bundle: certificate and encapsulation key, 1381 bytes, not checked here.
        mailbox_tag: where to leave an INVITE, 16 bytes.
        relay: the relay of that mailbox as a card writes it; "" is the card's own.

    Raises:
        MalformedError: a size out of its bounds, or a relay of other than printable
            ASCII.
    """

    bundle: bytes
    mailbox_tag: bytes
    _: KW_ONLY
    relay: str = ""

    def __post_init__(self) -> None:
        if len(self.bundle) != BUNDLE_BYTES or len(self.mailbox_tag) != TAG_BYTES:
            raise MalformedError(
                f"device entry: expected {BUNDLE_BYTES} and {TAG_BYTES} bytes, "
                f"came {len(self.bundle)} and {len(self.mailbox_tag)}"
            )
        if (
            len(self.relay) > RELAY_LIMIT
            or not self.relay.isascii()
            or (self.relay and not self.relay.isprintable())
        ):
            raise MalformedError(
                f"device entry: expected a relay of at most {RELAY_LIMIT} "
                "ascii characters"
            )


def format_entry(entry: DeviceEntry) -> bytes:
    """Write the body of a slot."""
    return entry.bundle + entry.mailbox_tag + lp8(entry.relay.encode("ascii"))


def parse_entry(raw: bytes) -> DeviceEntry:
    """Read the body of a slot.

    Raises:
        MalformedError: anything `format_entry` would not have written.
    """
    reader = Reader(raw)
    bundle, tag, relay = reader.take(BUNDLE_BYTES), reader.take(TAG_BYTES), reader.lp8()
    reader.end()
    if not relay.isascii():
        raise MalformedError("device entry: expected an ascii relay")
    return DeviceEntry(bundle, tag, relay=relay.decode("ascii"))


def publish(  # noqa: PLR0913 - one slot of one board, sealed and signed
    entry: DeviceEntry | None,
    *,
    board: Ed25519PrivateKey,
    card_key: bytes,
    index: int,
    version: int,
    entropy: Entropy,
) -> BoardPut:
    """Seal and sign a slot; None withdraws the device.

    Args:
        entry: what callers shall read.
        board: the board's signing key, shared by the owner's devices.
        card_key: the 32-byte key in the contact card.
        index: slot 0-7.
        version: above every earlier one of this slot.
        entropy: random bytes.
    """
    public = board.public_key().public_bytes_raw()
    blob = seal_blob(
        card_key,
        b"" if entry is None else format_entry(entry),
        aad=_aad(public, index, version),
        entropy=entropy,
    )
    return BoardPut(
        public,
        index,
        version=version,
        signature=board.sign(_signed(index, version, blob)),
        blob=blob,
    )


def check_signature(published: BoardPut) -> None:
    """Check that the holder of the board's key published this version.

    Raises:
        RefusedError: it was not.
    """
    signed = _signed(published.index, published.version, published.blob)
    try:
        Ed25519PublicKey.from_public_bytes(published.board).verify(
            published.signature, signed
        )
    except InvalidSignature:
        raise RefusedError("board: not signed by the board's key") from None


def open_slot(
    published: BoardPut, *, card_key: bytes, seen_version: int
) -> DeviceEntry | None:
    """Check and open a slot; None where the device was withdrawn.

    Args:
        published: what a relay gave.
        card_key: the 32-byte key in the contact card.
        seen_version: the highest version of this slot that was ever opened, or 0.

    Raises:
        RefusedError: not signed by the board's key, or older than one already seen: a
            relay serves the past.
        MalformedError: not sealed under the card's key, or not a device entry.
    """
    check_signature(published)
    if published.version < seen_version:
        raise RefusedError(
            f"board slot {published.index}: version {published.version} "
            f"after version {seen_version}"
        )
    aad = _aad(published.board, published.index, published.version)
    body = open_blob(card_key, published.blob, aad=aad)
    return parse_entry(body) if body else None


def _aad(board: bytes, index: int, version: int) -> bytes:
    return board + be16(index) + be64(version)


def _signed(index: int, version: int, blob: bytes) -> bytes:
    return _SIGN + be16(index) + be64(version) + blob
