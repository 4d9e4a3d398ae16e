"""The address book: who we know, under which name, and how far each is trusted.

Frozen values: every change gives back a new one, and `store` keeps it. A contact is an
identity under an alias of the user's choosing; it may come with a card, or without one
where a messenger brings its own way of signalling. What happened to the trust in a
contact stays in its log.
"""

import unicodedata
from dataclasses import KW_ONLY, dataclass, field, replace
from enum import StrEnum
from typing import Final

from voip.errors import LimitError, MalformedError, RefusedError
from voip.identity.canonical import ADDED
from voip.identity.card import ALIAS_BYTES, Card, check_alias
from voip.identity.certificate import DEVICE_ID_BYTES
from voip.identity.keys import check_identity, format_identity
from voip.identity.trust import (
    DeviceTrust,
    Trust,
    accept_new,
    first_seen,
    number_verified,
    worst,
)

BOARD_INDEXES: Final = 8  # devices of one identity; also bounds what one call rings
MAX_DEVICES: Final = 64  # ever met; who signs for a new one each day fills no store
LOG_ENTRIES: Final = 200  # newest; years of calls with one contact


class Grant(StrEnum):
    """Whom a contact may have our gateway join to a call."""

    NONE = "none"
    BROWSER = "browser"
    SIP = "sip"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """Something that happened to a contact: when (unix seconds), what, which device."""

    at: int
    what: str
    device_id: bytes | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class DayUse:
    """What of a day (unix seconds / 86,400) somebody has used of something, in s."""

    day: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Device:
    """A device of a contact.

    Attributes:
        device_id: 16 bytes.
        trust: state and retained secrets.
        newest_nbf: start of the newest certificate seen; an older one is a rollback.
        last_ts_ms: timestamp of its last confirmed INVITE; an older one is a replay.
        entry: its newest board entry as bytes, to dial without the board; empty if
            none was seen.
    """

    device_id: bytes
    trust: DeviceTrust
    _: KW_ONLY
    newest_nbf: int = 0
    last_ts_ms: int = 0
    entry: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Contact:
    """A person, as we know them.

    Attributes:
        alias: our name for them, unique in the address book.
        identity: Ed25519, 32 bytes.
        card: as they gave it; None where a messenger carries the signalling.
        devices: those met so far.
        blocked: device ids that are refused, as lost or stolen.
        board_versions: the highest version seen at each board index.
        number_verified_at: unix seconds; None if the safety number was not compared.
        log: newest last.
        grant: whom they may have our gateway join.
        telephoned: what they have used of telephone calls by our gateway, of the day
            on which that was last; None if they never did.

    Raises:
        MalformedError: alias or identity cannot be, or the card is somebody else's.
    """

    alias: str
    identity: bytes
    _: KW_ONLY
    card: Card | None = None
    devices: tuple[Device, ...] = ()
    blocked: tuple[bytes, ...] = ()
    board_versions: tuple[int, ...] = (0,) * BOARD_INDEXES
    number_verified_at: int | None = None
    log: tuple[LogEntry, ...] = ()
    grant: Grant = field(default=Grant.NONE, metadata=ADDED)
    telephoned: DayUse | None = field(default=None, metadata=ADDED)

    def __post_init__(self) -> None:
        check_alias(self.alias)
        check_identity(self.identity)
        if self.card is not None and self.card.identity != self.identity:
            raise MalformedError("contact: the card is for another identity")
        if len(self.board_versions) != BOARD_INDEXES:
            raise MalformedError(f"contact: expected {BOARD_INDEXES} board versions")

    @property
    def trust(self) -> Trust | None:
        """The worst state of its devices; None before the first call."""
        return worst([device.trust.trust for device in self.devices])

    def device(self, device_id: bytes, now: int) -> Device:
        """Find a device, or start with it as never seen before."""
        for device in self.devices:
            if device.device_id == device_id:
                return device
        fresh = first_seen(
            now,
            known_contact=bool(self.devices),
            number_verified_at=self.number_verified_at,
        )
        return Device(device_id, fresh)

    def check_room(self, device_id: bytes) -> None:
        """Check that this device is known, or may become so.

        Raises:
            LimitError: 64 others are known. None is forgotten for it: the trust in a
                true device must not be for somebody with its identity to push out.
        """
        is_known = any(device.device_id == device_id for device in self.devices)
        if not is_known and len(self.devices) >= MAX_DEVICES:
            raise LimitError(
                f"contact: at most {MAX_DEVICES} devices, came another; remove the "
                "contact and add it again to start over"
            )

    def with_device(self, device: Device, now: int) -> "Contact":
        """Keep a device as it is now; a change of trust goes into the log."""
        others = tuple(d for d in self.devices if d.device_id != device.device_id)
        before = [d.trust.trust for d in self.devices if d not in others]
        after = device.trust.trust
        contact = replace(self, devices=(*others, device))
        if before == [after]:
            return contact
        return contact.noted(
            f"{after.state}: {after.reason}", now, device_id=device.device_id
        )

    def noted(
        self, what: str, now: int, *, device_id: bytes | None = None
    ) -> "Contact":
        """Write something into the log, which keeps the newest entries."""
        entry = LogEntry(now, what, device_id=device_id)
        return replace(self, log=(*self.log, entry)[-LOG_ENTRIES:])

    def with_number_verified(self, now: int) -> "Contact":
        """Keep that the safety number was compared; broken devices stay broken."""
        contact = replace(self, number_verified_at=now)
        for device in self.devices:
            trust = number_verified(device.trust, now)
            contact = contact.with_device(replace(device, trust=trust), now)
        return contact.noted("safety number compared", now)

    def with_accepted(self, now: int) -> "Contact":
        """Start over with every broken device, as the user says."""
        contact = self
        for device in self.devices:
            trust = accept_new(device.trust, now)
            contact = contact.with_device(replace(device, trust=trust), now)
        return contact

    def with_blocked(self, device_id: bytes, now: int) -> "Contact":
        """Refuse a device from now on; it is forgotten otherwise.

        Raises:
            MalformedError: not 16 bytes.
        """
        if len(device_id) != DEVICE_ID_BYTES:
            raise MalformedError(
                f"device: expected {DEVICE_ID_BYTES} bytes, came {len(device_id)}"
            )
        kept = tuple(d for d in self.devices if d.device_id != device_id)
        blocked = (*(b for b in self.blocked if b != device_id), device_id)
        contact = replace(self, devices=kept, blocked=blocked)
        return contact.noted("device blocked", now, device_id=device_id)


@dataclass(frozen=True, slots=True)
class Added:
    """What adding a contact came to.

    Attributes:
        book: with the contact.
        contact: under the alias it got.
        clash: the contact that already has such a name under another identity. The
            user must be warned: this is how one would pose as the other.
    """

    book: "AddressBook"
    contact: Contact
    clash: Contact | None = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Contacts, in order of alias; aliases and identities are unique.

    Raises:
        MalformedError: one of them is there twice.
    """

    contacts: tuple[Contact, ...] = ()

    def __post_init__(self) -> None:
        for values in (
            {_skeleton(contact.alias) for contact in self.contacts},
            {contact.identity for contact in self.contacts},
        ):
            if len(values) != len(self.contacts):
                raise MalformedError(
                    "address book: an alias or identity is there twice"
                )

    def by_identity(self, identity: bytes) -> Contact | None:
        """Find who an identity is; None for a stranger."""
        for contact in self.contacts:
            if contact.identity == identity:
                return contact
        return None

    def find(self, name: str) -> Contact:
        """Find a contact by alias, or by identity as `format_identity` spells it.

        Raises:
            RefusedError: there is none.
        """
        for contact in self.contacts:
            if name in {contact.alias, format_identity(contact.identity)}:
                return contact
        raise RefusedError(f"no contact {name!r}")

    def add(
        self, identity: bytes, alias: str, *, card: Card | None = None, now: int
    ) -> Added:
        """Add a person, or take up a new card of a known one, whose alias stays.

        An alias that is taken gets a number, and the clash is reported. Aliases that
        differ only in case or compatible characters count as the same.

        Raises:
            MalformedError: alias, identity or card cannot be.
        """
        known = self.by_identity(identity)
        if known is not None:
            contact = replace(known, card=card or known.card)
            if contact.card != known.card:
                contact = contact.noted("new card", now)
            return Added(self.put(contact), contact, clash=None)
        check_alias(alias)
        clash = self._holder(alias)
        contact = Contact(self._free(alias), identity, card=card).noted("added", now)
        return Added(self.put(contact), contact, clash=clash)

    def put(self, contact: Contact) -> "AddressBook":
        """Keep a contact as it is now, in place of what was known of its identity."""
        others = (c for c in self.contacts if c.identity != contact.identity)
        return AddressBook(
            tuple(
                sorted((*others, contact), key=lambda c: (_skeleton(c.alias), c.alias))
            )
        )

    def remove(self, name: str) -> "AddressBook":
        """Forget a contact, retained secrets included.

        Raises:
            RefusedError: there is none of that name.
        """
        gone = self.find(name)
        return AddressBook(tuple(c for c in self.contacts if c is not gone))

    def rename(self, name: str, alias: str) -> "AddressBook":
        """Give a contact another alias.

        Raises:
            RefusedError: there is none of that name, or the alias is taken.
            MalformedError: the alias cannot be.
        """
        contact = self.find(name)
        check_alias(alias)
        holder = self._holder(alias)
        if holder is not None and holder is not contact:
            raise RefusedError(f"alias {alias!r} is taken by {holder.alias!r}")
        return self.put(replace(contact, alias=alias))

    def _holder(self, alias: str) -> Contact | None:
        for contact in self.contacts:
            if _skeleton(contact.alias) == _skeleton(alias):
                return contact
        return None

    def _free(self, alias: str) -> str:
        stem = alias.encode()[: ALIAS_BYTES - 4].decode(errors="ignore").rstrip()
        candidate, number = alias, 1
        while self._holder(candidate) is not None:
            number += 1
            candidate = f"{stem} {number}"
        return candidate


def _skeleton(alias: str) -> str:
    """Reduce an alias to what a hasty reader sees."""
    return unicodedata.normalize("NFKC", alias).casefold()
