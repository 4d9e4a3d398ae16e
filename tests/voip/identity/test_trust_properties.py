"""Retained secrets under loss: honest stores never alarm, a copied store always does.

The trace of one handshake, and where it can be cut by loss or crash::

    0 INVITE · 1 RINGING · 2 CONFIRM (callee commits) · 3 ALERTING (caller commits)
    4 acknowledgement (callee drops the former secret) · 5 all arrived
"""

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from voip.identity.trust import (
    DeviceTrust,
    Slots,
    TrustState,
    alerting_acked,
    commit_callee,
    commit_caller,
    first_seen,
    judge,
)

COMPLETE = 5
SHARED = b"shared".ljust(64)
UNKNOWN = first_seen(0, known_contact=False, number_verified_at=None)


@dataclass
class End:
    """One device's view of the other, as it is on disk."""

    trust: DeviceTrust = UNKNOWN

    @property
    def is_broken(self) -> bool:
        return self.trust.trust.state is TrustState.BROKEN


@dataclass
class World:
    """Runs handshakes; each makes a secret nobody else has."""

    count: int = 0
    late_acks: list[tuple[End, bytes]] = field(default_factory=list)

    def call(self, caller: End, callee: End, cut: int) -> None:
        self.count += 1
        secret = self.count.to_bytes(64, "big")
        if cut == 0:
            return
        hints = caller.trust.slots.secrets
        matched = next((s for s in callee.trust.slots.secrets if s in hints), None)
        judged = judge(callee.trust, matched, self.count)
        if cut == 1:
            return
        caller.trust = judge(caller.trust, matched, self.count)
        if cut == 2:
            return
        callee.trust = commit_callee(judged, secret, matched)
        if cut == 3:
            return
        caller.trust = commit_caller(caller.trust, secret)
        if cut == 4:
            self.late_acks.append((callee, secret))
            return
        callee.trust = alerting_acked(callee.trust, secret)

    def deliver_late_acks(self) -> None:
        for callee, secret in self.late_acks:
            callee.trust = alerting_acked(callee.trust, secret)
        self.late_acks.clear()


def invite_arrives(caller: End, callee: End) -> bool:
    """Say whether some mailbox holds the INVITE and is polled by the callee."""
    posted: set[bytes] = set(caller.trust.slots.secrets)
    if caller.trust.slots.tolerates_none:
        posted.add(b"device mailbox")
    return bool(posted & {*callee.trust.slots.secrets, b"device mailbox"})


CUTS = st.integers(0, COMPLETE)
CALLS = st.lists(st.tuples(st.booleans(), CUTS, st.booleans()), max_size=16)


@given(CALLS)
def test_honest_stores_never_alarm_and_always_reach_each_other(
    calls: list[tuple[bool, int, bool]],
) -> None:
    world, alice, bob = World(), End(), End()
    for alice_calls, cut, late in calls:
        world.call(*((alice, bob) if alice_calls else (bob, alice)), cut)
        if late:
            world.deliver_late_acks()

        assert (alice.is_broken, bob.is_broken) == (False, False)
        assert invite_arrives(alice, bob)
        assert invite_arrives(bob, alice)


@given(CALLS)
def test_after_a_call_that_arrived_whole_both_hold_one_secret(
    calls: list[tuple[bool, int, bool]],
) -> None:
    world, alice, bob = World(), End(), End()
    for alice_calls, cut, _ in (*calls, (True, COMPLETE, False)):
        world.call(*((alice, bob) if alice_calls else (bob, alice)), cut)

    assert alice.trust.slots == bob.trust.slots == Slots(bob.trust.slots.rs1)


@given(
    calls=st.lists(st.tuples(st.booleans(), st.booleans(), CUTS), max_size=12),
    thief_is_last=st.booleans(),
)
def test_a_copied_store_is_noticed_once_both_copies_completed_a_call(
    *, calls: list[tuple[bool, bool, int]], thief_is_last: bool
) -> None:
    world, bob = World(), End()
    start = replace(bob.trust, slots=Slots(SHARED))
    bob.trust = start
    alice, thief = End(start), End(start)
    whole = [(True, False, COMPLETE), (False, False, COMPLETE)]
    if thief_is_last:
        whole.reverse()
    for thief_takes_part, bob_calls, cut in (*calls, *whole):
        other = thief if thief_takes_part else alice
        # Copies drift apart, and then the INVITE reaches the device mailbox only, where
        # it goes when nothing answers from the pair mailboxes.
        world.call(*((bob, other) if bob_calls else (other, bob)), cut)

    assert alice.is_broken or bob.is_broken or thief.is_broken
