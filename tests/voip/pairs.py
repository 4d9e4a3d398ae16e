"""Two people's devices without a network: stores, legs, and what a leg says first."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from voip.dialling import Reachable, dial_legs, reachable, with_announcement
from voip.handshake.exchange import Received, consume_invite
from voip.handshake.kem import encapsulate
from voip.handshake.payload import Answer, Media, Offer, Readiness
from voip.identity import trust as trust_rules
from voip.identity.contact import Contact, Device
from voip.identity.signer import NativeSigner
from voip.identity.vault import (
    OUR_CAPS,
    SignerKind,
    SignerSource,
    Vault,
    create_vault,
)
from voip.leg import Leg
from voip.signalling.address import Mailbox
from voip.signalling.board import format_entry
from voip.upkeep import own_entry

NOW = 1_800_000_000
WILL_RING = Answer(
    readiness=Readiness.WILL_RING, caps=OUR_CAPS, ring_s=45, tag=bytes(16)
)


@dataclass(slots=True)
class Party:
    """One device of a person, and what it keeps."""

    vault: Vault
    signer: NativeSigner
    entropy: Callable[[int], bytes] = field(repr=False)

    def contact(self, other: "Party") -> Contact:
        contact = self.vault.contacts.by_identity(other.vault.identity)
        assert contact is not None
        return contact

    def device(self, other: "Party") -> Device:
        return self.contact(other).device(other.vault.device_id, NOW)

    def keep(self, other: "Party", device: Device) -> None:
        contact = self.contact(other).with_device(device, NOW)
        self.keep_contact(contact)

    def keep_contact(self, contact: Contact) -> None:
        self.vault = replace(self.vault, contacts=self.vault.contacts.put(contact))

    def meet(self, other: "Party") -> None:
        """Know the other person, and this device of theirs as it is now."""
        now = other.vault.call_keys[0].certificate.nbf
        book = self.vault.contacts.add(
            other.vault.identity, other.vault.alias, card=other.vault.card, now=now
        )
        announcement = format_entry(own_entry(other.vault))
        contact = with_announcement(book.contact, announcement, now)
        self.vault = replace(self.vault, contacts=book.book.put(contact))


def party(alias: str, *, device: str = "first", now: int = NOW) -> Party:
    """Make a device; parties of one alias share an identity."""
    signer = NativeSigner(random.Random(alias).randbytes(32))
    entropy = random.Random(f"{alias} {device}").randbytes
    vault = create_vault(
        alias,
        signer.public_key(),
        signer=SignerSource(SignerKind.NATIVE, seed=signer.seed),
        relay=None,
        entropy=entropy,
    )
    return Party(vault.rotated(signer, now, entropy), signer, entropy)


def pair(*, now: int = NOW) -> tuple[Party, Party]:
    """Make two people who know each other and have never called."""
    alice, bob = party("alice", now=now), party("bob", now=now)
    alice.meet(bob)
    bob.meet(alice)
    return alice, bob


def offer(caller: Party, *, now: int = NOW) -> Offer:
    return Offer(
        call_id=caller.entropy(16),
        ts_ms=now * 1000,
        ttl_s=60,
        media=Media.AUDIO,
        tag=bytes(16),
        alias=caller.vault.alias,
    )


def only_device(caller: Party, callee: Party, *, now: int = NOW) -> Reachable:
    (found,) = reachable(caller.contact(callee), now).devices
    return found


def dial(
    caller: Party, callee: Party, *, now: int = NOW, asking: Offer | None = None
) -> Leg:
    """Make the caller's leg, with its INVITE in `opening`."""
    directory = reachable(caller.contact(callee), now)
    legs = dial_legs(
        caller.vault,
        directory,
        asking or offer(caller, now=now),
        entropy=caller.entropy,
        encapsulate=encapsulate,
    )
    return legs[callee.vault.device_id]


def receive(callee: Party, invite: bytes, *, now: int = NOW) -> Received:
    return consume_invite(invite, callee.vault.call_keys, now_ms=now * 1000)


def answer(
    callee: Party,
    caller: Party,
    received: Received,
    *,
    now: int = NOW,
    saying: Answer = WILL_RING,
) -> Leg:
    """Make the callee's leg, with its RINGING in `opening`."""
    return Leg.answer(
        callee.device(caller),
        received,
        saying,
        mailbox=Mailbox(callee.entropy(32), None),
        now=now,
        entropy=callee.entropy,
        encapsulate=encapsulate,
    )


def handshake(caller: Party, callee: Party, *, now: int = NOW) -> tuple[Leg, Leg]:
    """Make both legs, up to and with CONFIRM; nothing is kept by either."""
    theirs = dial(caller, callee, now=now)
    ours = answer(callee, caller, receive(callee, theirs.opening, now=now), now=now)
    theirs.receive_ringing(ours.opening, now=now)
    ours.check_confirm(theirs.confirm())
    return theirs, ours


def call(
    caller: Party, callee: Party, *, now: int = NOW, alerting_acked: bool = True
) -> tuple[Leg, Leg]:
    """Make a whole call, as far as the stores are concerned."""
    theirs, ours = handshake(caller, callee, now=now)
    callee.keep(caller, ours.committed(callee.device(caller), now))
    caller.keep(callee, theirs.committed(caller.device(callee), now))
    if alerting_acked:
        device = callee.device(caller)
        trust = trust_rules.alerting_acked(device.trust, ours.retained)
        callee.keep(caller, replace(device, trust=trust))
    return theirs, ours
