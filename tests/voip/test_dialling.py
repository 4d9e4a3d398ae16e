"""Whom a call rings: what boards may say, and where INVITEs go."""

from dataclasses import replace

import pytest

from tests.voip.pairs import NOW, Party, call, offer, only_device, pair, party
from voip.dialling import (
    Directory,
    dial_legs,
    invite_addresses,
    narrowed,
    reachable,
    read_board,
    with_announcement,
)
from voip.errors import (
    CertificateError,
    MalformedError,
    RefusedError,
    RollbackError,
)
from voip.handshake.kem import encapsulate
from voip.identity.callkey import LIFETIME_S
from voip.identity.card import parse_relay
from voip.identity.certificate import CERTIFICATE_BYTES, DAY_S
from voip.identity.contact import Contact
from voip.identity.trust import NONE, Slots
from voip.signalling.board import DeviceEntry, format_entry, publish
from voip.signalling.envelope import mailbox_tag, pair_direction, pair_fetches
from voip.signalling.frames import BoardPut
from voip.upkeep import own_entry

RELAY = parse_relay("relay.example:5349 -")


def slot(
    owner: Party,
    entry: DeviceEntry | None = None,
    *,
    index: int = 0,
    version: int = 1,
    board: Party | None = None,
    withdrawn: bool = False,
) -> BoardPut:
    board = board or owner
    return publish(
        None if withdrawn else entry or own_entry(owner.vault),
        board=board.vault.board.key,
        card_key=board.vault.card_key,
        index=index,
        version=version,
        entropy=owner.entropy,
    )


def with_relay(owner: Party) -> Party:
    return replace(owner, vault=replace(owner.vault, relay=RELAY))


@pytest.fixture
def bob() -> Party:
    return with_relay(party("bob"))


@pytest.fixture
def bob_to_alice(bob: Party) -> Contact:
    """Give Bob as Alice knows him: by his card, and no device yet."""
    return Contact("bob", bob.vault.identity, card=bob.vault.card)


def dialled(directory: Directory) -> list[bytes]:
    return [found.device.device_id for found in directory.devices]


def test_a_device_on_the_board_is_dialled_at_the_cards_relay(
    bob: Party, bob_to_alice: Contact
) -> None:
    (found,) = read_board(bob_to_alice, [slot(bob)], NOW).devices

    assert found.device.device_id == bob.vault.device_id
    assert found.bundle == bob.vault.call_keys[0].bundle
    assert found.mailbox_tag == mailbox_tag(bob.vault.device_fetch)
    assert found.relay == RELAY


def test_a_device_may_name_a_relay_of_its_own(
    bob: Party, bob_to_alice: Contact
) -> None:
    elsewhere = replace(own_entry(bob.vault), relay="other.example:443 -")
    (found,) = read_board(bob_to_alice, [slot(bob, elsewhere)], NOW).devices

    assert found.relay == parse_relay("other.example:443 -")


def test_all_devices_on_the_board_are_dialled(
    bob: Party, bob_to_alice: Contact
) -> None:
    second = party("bob", device="second")
    slots = [slot(bob), slot(second, index=1, board=bob)]

    assert set(dialled(read_board(bob_to_alice, slots, NOW))) == {
        bob.vault.device_id,
        second.vault.device_id,
    }


def test_a_withdrawn_device_is_not_dialled(bob: Party, bob_to_alice: Contact) -> None:
    seen = read_board(bob_to_alice, [slot(bob)], NOW).contact
    directory = read_board(seen, [slot(bob, version=2, withdrawn=True)], NOW)

    assert (directory.devices, directory.problems) == ((), ())


def test_a_device_that_left_the_board_is_not_dialled(
    bob: Party, bob_to_alice: Contact
) -> None:
    seen = read_board(bob_to_alice, [slot(bob)], NOW).contact

    assert read_board(seen, [], NOW).devices == ()


def test_the_same_board_read_twice_gives_the_same(
    bob: Party, bob_to_alice: Contact
) -> None:
    first = read_board(bob_to_alice, [slot(bob)], NOW)

    assert dialled(read_board(first.contact, [slot(bob)], NOW)) == dialled(first)


def test_a_relay_that_serves_the_past_is_noticed(
    bob: Party, bob_to_alice: Contact
) -> None:
    newest = read_board(bob_to_alice, [slot(bob, version=2)], NOW).contact
    directory = read_board(newest, [slot(bob, version=1)], NOW)

    assert directory.problems == ("board slot 0: version 1 after version 2",)
    assert directory.devices == ()


def test_a_slot_of_another_board_is_passed_over(
    bob: Party, bob_to_alice: Contact
) -> None:
    eve = party("eve")
    directory = read_board(bob_to_alice, [slot(eve), slot(bob)], NOW)

    assert directory.problems == ("board: a slot of another board",)
    assert dialled(directory) == [bob.vault.device_id]


def test_a_contact_without_a_card_has_no_board(bob: Party) -> None:
    contact = Contact("bob", bob.vault.identity)

    assert read_board(contact, [slot(bob)], NOW).problems == (
        "board: a slot of another board",
    )


def test_a_device_of_another_identity_is_passed_over(
    bob: Party, bob_to_alice: Contact
) -> None:
    """The board's key is shared by devices; only the identity says who is one."""
    eve = party("eve")
    directory = read_board(bob_to_alice, [slot(eve, board=bob)], NOW)

    assert directory.problems == ("board: a device that another identity signed for",)
    assert directory.devices == ()


def test_a_changed_slot_is_passed_over(bob: Party, bob_to_alice: Contact) -> None:
    whole = slot(bob)
    changed = replace(whole, blob=whole.blob[:-1] + bytes([whole.blob[-1] ^ 1]))
    directory = read_board(bob_to_alice, [changed], NOW)

    assert directory.problems == ("board: not signed by the board's key",)


def test_a_bundle_that_does_not_hold_is_not_dialled(
    bob: Party, bob_to_alice: Contact
) -> None:
    good = own_entry(bob.vault)
    other_key = party("bob", device="other").vault.call_keys[0].ek
    mixed = replace(good, bundle=good.bundle[: -len(other_key)] + other_key)
    directory = read_board(bob_to_alice, [slot(bob, mixed)], NOW)

    assert directory.devices == ()
    assert len(directory.problems) == 1


def test_an_expired_device_is_not_dialled(bob: Party, bob_to_alice: Contact) -> None:
    later = NOW + LIFETIME_S + 1
    directory = read_board(bob_to_alice, [slot(bob)], later)

    assert directory.devices == ()
    assert len(directory.problems) == 1


def test_a_device_with_a_relay_that_cannot_be_is_not_dialled(
    bob: Party, bob_to_alice: Contact
) -> None:
    broken = replace(own_entry(bob.vault), relay="nowhere")
    directory = read_board(bob_to_alice, [slot(bob, broken)], NOW)

    assert directory.devices == ()
    assert len(directory.problems) == 1


def test_a_certificate_of_the_past_is_not_dialled_and_breaks_no_trust(
    bob: Party, bob_to_alice: Contact
) -> None:
    """A relay that keeps the newest entry back could else raise the alarm."""
    contact = read_board(bob_to_alice, [slot(bob)], NOW).contact
    (device,) = contact.devices
    newest = bob.vault.call_keys[0].certificate.nbf + 1
    contact = contact.with_device(replace(device, newest_nbf=newest), NOW)
    directory = reachable(contact, NOW)

    assert directory.devices == ()
    assert directory.contact == contact
    assert "was seen before" in directory.problems[0]


def test_a_blocked_device_is_not_dialled(bob: Party, bob_to_alice: Contact) -> None:
    blocking = bob_to_alice.with_blocked(bob.vault.device_id, NOW)

    assert read_board(blocking, [slot(bob)], NOW).devices == ()


def test_a_call_rings_eight_devices_at_most(bob_to_alice: Contact) -> None:
    """Each is a free guess at the words for somebody in the middle."""
    contact = bob_to_alice
    for number in range(9):
        device = party("bob", device=str(number))
        announcement = format_entry(own_entry(device.vault))
        contact = with_announcement(contact, announcement, NOW)
    directory = reachable(contact, NOW)

    assert len(directory.devices) == 8
    assert directory.problems == ("1 more than the 8 that a call rings",)


def test_a_call_can_be_for_one_device_alone(bob: Party, bob_to_alice: Contact) -> None:
    directory = read_board(bob_to_alice, [slot(bob)], NOW)
    device_id = bob.vault.device_id

    assert dialled(narrowed(directory, None)) == [device_id]
    assert dialled(narrowed(directory, device_id)) == [device_id]
    assert dialled(narrowed(directory, bytes(16))) == []


def test_a_call_can_be_left_at_a_listener_that_was_found(
    bob: Party, bob_to_alice: Contact
) -> None:
    directory = read_board(bob_to_alice, [slot(bob)], NOW)
    listener = parse_relay("192.0.2.7:5350 -")
    (found,) = narrowed(directory, None, relay=listener).devices

    assert found.relay == listener


def test_an_announced_device_is_dialled_without_a_relay(bob: Party) -> None:
    contact = Contact("bob", bob.vault.identity)
    announcement = format_entry(own_entry(bob.vault))
    (found,) = reachable(with_announcement(contact, announcement, NOW), NOW).devices

    assert (found.device.device_id, found.relay) == (bob.vault.device_id, None)


def test_an_announcement_of_another_identity_is_refused(bob: Party) -> None:
    contact = Contact("bob", bob.vault.identity)
    foreign = format_entry(own_entry(party("eve").vault))

    with pytest.raises(CertificateError, match="another identity"):
        with_announcement(contact, foreign, NOW)


def test_an_announcement_that_nobody_signed_does_not_replace_a_true_one(
    bob: Party,
) -> None:
    good = own_entry(bob.vault)
    contact = with_announcement(
        Contact("bob", bob.vault.identity), format_entry(good), NOW
    )
    forged = bytearray(format_entry(good))
    forged[CERTIFICATE_BYTES - 1] ^= 1

    with pytest.raises(CertificateError, match="signature"):
        with_announcement(contact, bytes(forged), NOW)


def test_an_announcement_of_the_past_is_refused(bob: Party) -> None:
    contact = with_announcement(
        Contact("bob", bob.vault.identity), format_entry(own_entry(bob.vault)), NOW
    )
    (device,) = contact.devices
    newest = bob.vault.call_keys[0].certificate.nbf + 1
    contact = contact.with_device(replace(device, newest_nbf=newest), NOW)

    with pytest.raises(RollbackError):
        with_announcement(contact, format_entry(own_entry(bob.vault)), NOW)


def test_an_announcement_that_does_not_parse_is_refused(bob: Party) -> None:
    contact = Contact("bob", bob.vault.identity)

    with pytest.raises(MalformedError):
        with_announcement(contact, b"hello", NOW)


def test_each_device_gets_an_invite_with_keys_of_its_own(
    bob: Party, bob_to_alice: Contact
) -> None:
    alice, second = party("alice"), party("bob", device="second")
    slots = [slot(bob), slot(second, index=1, board=bob)]
    directory = read_board(bob_to_alice, slots, NOW)
    legs = dial_legs(
        alice.vault,
        directory,
        offer(alice),
        entropy=alice.entropy,
        encapsulate=encapsulate,
    )

    assert legs.keys() == {bob.vault.device_id, second.vault.device_id}
    assert len({leg.e_a for leg in legs.values()}) == 2
    assert len({leg.mailbox.fetch for leg in legs.values()}) == 2


def test_answers_are_read_where_the_invite_was_left(
    bob: Party, bob_to_alice: Contact
) -> None:
    alice = party("alice")
    (leg,) = dial_legs(
        alice.vault,
        read_board(bob_to_alice, [slot(bob)], NOW),
        offer(alice),
        entropy=alice.entropy,
        encapsulate=encapsulate,
    ).values()

    assert leg.mailbox.relay == leg.to.relay == RELAY


def test_without_a_live_call_key_nobody_is_called(
    bob: Party, bob_to_alice: Contact
) -> None:
    alice = party("alice")
    directory = read_board(bob_to_alice, [slot(bob)], NOW)
    later = offer(alice, now=NOW + LIFETIME_S + 1)

    with pytest.raises(RefusedError, match="all our call keys have expired"):
        dial_legs(
            alice.vault,
            directory,
            later,
            entropy=alice.entropy,
            encapsulate=encapsulate,
        )


def addresses(caller: Party, callee: Party, *, now: int = NOW) -> list[bytes]:
    found = invite_addresses(
        (caller.vault.identity, caller.vault.device_id),
        caller.contact(callee),
        only_device(caller, callee),
        now,
    )
    return [address.tag for address in found]


def read_by(callee: Party, caller: Party, *, now: int) -> set[bytes]:
    """List the tags of the pair mailboxes that the callee polls."""
    direction = pair_direction(
        callee.vault.identity + callee.vault.device_id,
        caller.vault.identity + caller.vault.device_id,
    )
    return {
        mailbox_tag(fetch)
        for secret in callee.device(caller).trust.slots.secrets
        for fetch in pair_fetches(secret, direction, now=now)
    }


def test_a_first_invite_goes_to_the_device_mailbox() -> None:
    alice, bob = pair()

    assert addresses(alice, bob) == [mailbox_tag(bob.vault.device_fetch)]


@pytest.mark.parametrize("skew_s", [0, -DAY_S, DAY_S])
def test_a_later_invite_goes_to_a_mailbox_that_only_the_pair_knows(
    skew_s: int,
) -> None:
    alice, bob = pair()
    call(alice, bob)
    (tag,) = addresses(alice, bob)

    assert tag != mailbox_tag(bob.vault.device_fetch)
    assert tag in read_by(bob, alice, now=NOW + skew_s)


def test_the_two_directions_of_a_pair_have_mailboxes_of_their_own() -> None:
    alice, bob = pair()
    call(alice, bob)

    assert not {*addresses(alice, bob)} & {*addresses(bob, alice)}


def test_an_invite_goes_under_every_secret_that_the_other_may_hold() -> None:
    alice, bob = pair()
    call(alice, bob)
    call(alice, bob, alerting_acked=False)
    tags = addresses(bob, alice)

    assert len(tags) == 2
    assert {*tags} & read_by(alice, bob, now=NOW)


def test_an_invite_goes_to_the_device_too_where_it_may_hold_no_secret() -> None:
    alice, bob = pair()
    call(alice, bob, alerting_acked=False)
    slots = bob.device(alice).trust.slots

    assert slots == Slots(slots.rs1, NONE)
    assert mailbox_tag(alice.vault.device_fetch) in addresses(bob, alice)
