"""Everything a person's store holds, as one frozen value, and its bytes.

`store` seals these bytes; here is what they say and how the value changes. Format:
docs/formats/identity.md.
"""

from dataclasses import KW_ONLY, dataclass, field, replace
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voip.errors import MalformedError
from voip.identity.callkey import CallKey, create_call_key, live
from voip.identity.calllog import CallLog
from voip.identity.canonical import (
    ADDED,
    Spelling,
    Spellings,
    format_canonical,
    parse_canonical,
)
from voip.identity.card import (
    Card,
    RelayAddress,
    check_alias,
    format_card,
    format_relay,
    parse_card,
    parse_relay,
)
from voip.identity.certificate import (
    CAP_IK_SRTP,
    CAP_LEGS,
    CAP_VIDEO,
    DEVICE_ID_BYTES,
    Certificate,
    parse_certificate,
)
from voip.identity.contact import BOARD_INDEXES, AddressBook
from voip.identity.guestlink import GuestLink
from voip.identity.keys import KEY_BYTES, Entropy, check_identity
from voip.identity.signer import SEED_BYTES, Signer

OUR_CAPS: Final = CAP_IK_SRTP | CAP_VIDEO | CAP_LEGS


_STORE: Final = "ringfence store 1"
SPELLINGS: Final[Spellings] = {
    Certificate: Spelling(lambda c: c.encoded, parse_certificate, bytes),
    Card: Spelling(format_card, parse_card, str),
    RelayAddress: Spelling(format_relay, parse_relay, str),
}


_NOBODY: Final = AddressBook()
_NO_CALLS: Final = CallLog()


class SignerKind(StrEnum):
    """Where the identity's private key is."""

    NATIVE = "native"
    SEED = "seed"
    OPENSSH = "openssh"
    AGENT = "agent"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class SignerSource:
    """How to reach the signer again at the next rotation.

    Attributes:
        kind: where the private key is.
        seed: 32 bytes, secret; for `NATIVE` only, else empty.
        path: of the key file, for `SEED` and `OPENSSH`, else empty.
    """

    kind: SignerKind
    _: KW_ONLY
    seed: bytes = field(default=b"", repr=False)
    path: str = ""

    def __post_init__(self) -> None:
        expected = SEED_BYTES if self.kind is SignerKind.NATIVE else 0
        if len(self.seed) != expected:
            raise MalformedError(
                f"{self.kind} signer: expected a seed of {expected} bytes, "
                f"came {len(self.seed)}"
            )


@dataclass(frozen=True, slots=True)
class OwnBoard:
    """What publishes our call keys.

    Attributes:
        seed: of the Ed25519 key that signs the board, 32 bytes, secret; shared by the
            devices of the identity.
        index: this device's place, 0-7; None until it has found a free one.
        version: of the last board published; the next one is higher.

    Raises:
        MalformedError: a seed of another size, or no such index.
    """

    seed: bytes = field(repr=False)
    index: int | None = None
    version: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_BYTES or self.index not in {
            None,
            *range(BOARD_INDEXES),
        }:
            raise MalformedError(
                f"board: expected a seed of {SEED_BYTES} bytes and an index below "
                f"{BOARD_INDEXES}, came {len(self.seed)} bytes and {self.index}"
            )

    @property
    def key(self) -> Ed25519PrivateKey:
        """The key that signs the board."""
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def public_key(self) -> bytes:
        """The key that stands on the card, 32 bytes."""
        return self.key.public_key().public_bytes_raw()


class Strangers(StrEnum):
    """What becomes of calls from identities that are not in the address book."""

    LOG = "log"
    IGNORE = "ignore"
    RING = "ring"


class Busy(StrEnum):
    """What a caller hears while another call is active."""

    TELL = "tell"
    RING = "ring"
    SILENT = "silent"


class Candidates(StrEnum):
    """Which network addresses the other side may learn."""

    AFTER_ACCEPT = "after-accept"
    RELAY_ONLY = "relay-only"


class OnLegs(StrEnum):
    """What becomes of a leg that a gateway wants to join to a call of ours."""

    ASK = "ask"
    SHOW = "show"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user may choose.

    `strict` answers nobody whose trust is broken, and keeps the microphone closed to a
    new device until the words were compared.
    """

    strangers: Strangers = Strangers.LOG
    busy: Busy = Busy.TELL
    _: KW_ONLY
    candidates: Candidates = Candidates.AFTER_ACCEPT
    strict: bool = False
    legs: OnLegs = field(default=OnLegs.ASK, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class Vault:
    """Everything one device of a person keeps.

    Attributes:
        alias: the name on the card.
        identity: Ed25519, 32 bytes.
        signer: how to reach the identity's private key.
        device_id: this device, 16 bytes.
        device_fetch: fetch secret of the device mailbox, 32 bytes.
        board: what publishes the call keys.
        card_key: opens our boards, 32 bytes; on the card.
        relay: where our boards and mailboxes are; None without a relay.
        call_keys: newest first.
        contacts: with retained secrets.
        calls: the call log, strangers' attempts included.
        settings: the user's choices.
        guest_links: of browser guests, until they expire.

    Raises:
        MalformedError: a value of another size.
    """

    alias: str
    identity: bytes
    _: KW_ONLY
    signer: SignerSource
    device_id: bytes
    device_fetch: bytes = field(repr=False)
    board: OwnBoard
    card_key: bytes = field(repr=False)
    relay: RelayAddress | None = None
    call_keys: tuple[CallKey, ...] = ()
    contacts: AddressBook = _NOBODY
    calls: CallLog = _NO_CALLS
    settings: Settings = Settings()
    guest_links: tuple[GuestLink, ...] = field(default=(), metadata=ADDED)

    def __post_init__(self) -> None:
        check_alias(self.alias)
        check_identity(self.identity)
        sizes = tuple(map(len, (self.device_id, self.device_fetch, self.card_key)))
        if sizes != (DEVICE_ID_BYTES, KEY_BYTES, KEY_BYTES):
            raise MalformedError(f"vault: keys of {sizes} bytes cannot be")
        for key in self.call_keys:
            certified = (key.certificate.identity, key.certificate.device_id)
            if certified != (self.identity, self.device_id):
                raise MalformedError("vault: a call key is another device's")

    @property
    def card(self) -> Card:
        """What to give to others, so that they can call."""
        return Card(
            self.alias,
            self.identity,
            board=self.board.public_key,
            key=self.card_key,
            relay=self.relay,
        )

    def rotated(self, signer: Signer, now: int, entropy: Entropy) -> "Vault":
        """Add a fresh call key and drop those that have ended.

        Raises:
            MalformedError: the signer is another identity's.
            CertificateError: the signer returned something that does not verify.
            CallError: the signer's own failure.
        """
        fresh = create_call_key(
            signer, self.device_id, now=now, caps=OUR_CAPS, entropy=entropy
        )
        return replace(self, call_keys=live((fresh, *self.call_keys), now))


def create_vault(
    alias: str,
    identity: bytes,
    *,
    signer: SignerSource,
    relay: RelayAddress | None,
    entropy: Entropy,
) -> Vault:
    """Start a store for an identity; its first call key is made by `Vault.rotated`.

    Raises:
        MalformedError: alias or identity cannot be.
    """
    return Vault(
        alias,
        identity,
        signer=signer,
        device_id=entropy(DEVICE_ID_BYTES),
        device_fetch=entropy(KEY_BYTES),
        board=OwnBoard(entropy(SEED_BYTES)),
        card_key=entropy(KEY_BYTES),
        relay=relay,
    )


def format_vault(vault: Vault) -> bytes:
    """Write a vault as canonical JSON; secret."""
    return format_canonical(vault, _STORE, SPELLINGS)


def parse_vault(raw: bytes) -> Vault:
    """Read what `format_vault` wrote.

    Raises:
        MalformedError: anything else.
    """
    return parse_canonical(Vault, raw, _STORE, SPELLINGS)
