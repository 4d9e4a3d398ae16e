"""Who is in a room: each member works it out alike from what all of them say.

Pure. Nobody keeps the list and nobody is asked: every member tells every other one its
whole list (`Members`) and takes over whatever is newer in theirs. A device in the list
has a count, which only rises: odd means in the room, even means gone. Of two counts the
higher is the newer, in whatever order and how often they come; so members who hear
each other, even by way of a third, end with one list. What follows from it is said
again in one number (`Roster`), and who keeps concluding something else is reported.

    comes, and is heard by us             odd
    hangs up on us, or on somebody        even, at once
    heard by nobody for 30 s              even: it crashed, or lost its network
    said to be gone, but we hear it       odd again after 5 s: nobody can remove another
    we are said to be gone, but are not   odd again at once

A *key* names a device: identity (32 bytes) and device id (16 bytes). All times are
seconds of one steady clock. Format: docs/formats/rooms.md.
"""

from dataclasses import dataclass
from typing import Final

from voip.errors import LimitError
from voip.gateway.rooms.agreement import Agreement, roster_digest
from voip.gateway.rooms.hearsay import Hearsay
from voip.gateway.rooms.trusting import may_introduce
from voip.identity.trust import TrustState
from voip.signalling.group import MAX_COUNT, MAX_SEATS, Members, Roster, Seat

MAX_MEMBERS: Final = 6
"""Everybody sends to everybody: five copies of a voice are 0.3 Mbit/s each way."""
IDENTITY_BYTES: Final = 32

LOST_S: Final = 30.0  # a lift or a tunnel; who is away longer comes back as who joins
BELIEF_S: Final = 5.0
"""Until we contradict that a device which we hear is gone: its farewell to us may
still be on its way."""
KNOWN_S: Final = 10.0
"""How long somebody who calls may be in no list of ours: whoever asked them to come
tells us within two records."""
MAX_RAISE: Final = 16
"""Of a count by one message: eight times gone and back since the last one. Who could
raise it at will could put an end to counting."""
MAX_RAISED: Final = MAX_COUNT // 2  # by messages; the rest is for what we see
MAX_FIRST: Final = 1 << 12  # of a count that we hear of for the first time


@dataclass(slots=True)
class _Known:
    """What we hold of one device."""

    count: int
    is_heard: bool = False
    is_unknown: bool = False
    trust: TrustState = TrustState.NEW
    alone_since: float | None = None  # in the room, but heard by nobody
    gone_since: float | None = None  # said to be gone, but heard by us

    @property
    def is_in(self) -> bool:
        return self.count % 2 == 1


class Membership:
    """The members of one room, as one of them sees it.

    Attributes:
        own: our key, 48 bytes.
        hand: whether we want to speak.
    """

    def __init__(
        self,
        group_id: bytes,
        own: bytes,
        *,
        is_opener: bool = False,
        limit: int = MAX_MEMBERS,
    ) -> None:
        """Be the only member so far; `is_opener`, nobody was there before.

        `limit`: how many may be in the room, at most `MAX_SEATS`.
        """
        self.own = own
        self.hand = False
        self._limit = limit
        self._group_id = group_id
        self._is_settled = is_opener
        self._is_leaving = False
        self._known = {own: _Known(1)}
        self._hearsay = Hearsay()
        self._introduced: set[tuple[bytes, bytes]] = set()
        self._agreement = Agreement(self.roster())

    @property
    def members(self) -> tuple[bytes, ...]:
        """The keys of all who are in the room, ourselves included, sorted."""
        return tuple(sorted(key for key, known in self._known.items() if known.is_in))

    @property
    def heard(self) -> frozenset[bytes]:
        """Those with whom we have a session that works."""
        return frozenset(key for key, known in self._known.items() if known.is_heard)

    @property
    def epoch(self) -> int:
        """The sum of all counts: rises with every change, alike for all."""
        return sum(known.count for known in self._known.values())

    def roster(self) -> Roster:
        """What follows from the list, for all others."""
        epoch = self.epoch
        digest = roster_digest(self._group_id, epoch, self.members)
        return Roster(self._group_id, epoch, digest=digest)

    def message(self) -> Members:
        """The list itself, for all others."""
        return Members(
            self._group_id,
            tuple(
                Seat(
                    key,
                    known.count,
                    is_heard=known.is_heard,
                    is_unknown=known.is_unknown,
                    trust=known.trust,
                )
                for key, known in sorted(self._known.items())
            ),
            hand=self.hand,
        )

    # What we see ourselves.

    def check_room(self) -> None:
        """Check that one more may be asked to come.

        Raises:
            LimitError: the room is full.
        """
        if len(self.members) >= self._limit:
            raise LimitError(f"{self._limit} people are in this room, its most")

    def is_in(self, key: bytes) -> bool:
        """Whether somebody in the room says that this device belongs there."""
        known = self._known.get(key)
        return known is not None and known.is_in

    def judge_caller(
        self, key: bytes, trust: TrustState, *, sessions: int, waited_s: float
    ) -> str | None:
        """Decide on a device that calls us into this room.

        Only who is in our list comes in: that somebody knows the room's name proves
        nothing, for who left knows it, too.

        Args:
            key: its identity and device id.
            trust: our word for it.
            sessions: how many we have, with whomever.
            waited_s: how long it has been ringing.

        Returns:
            Why not, as a sentence; empty to let it in; None to ask again.
        """
        if trust is TrustState.BROKEN:
            return "the trust in them is broken"
        if sessions >= self._limit - 1:
            return "the room is full"
        if self.is_in(key):
            return ""
        if waited_s < KNOWN_S:
            return None
        return "nobody in the room has asked them to come"

    def linked(self, key: bytes, now: float) -> None:
        """Take up that a session with this device works.

        Raises:
            LimitError: 16 devices were in this room before it.
        """
        if key not in self._known and len(self._known) == MAX_SEATS:
            raise LimitError(f"{MAX_SEATS} devices were here before: open another room")
        known = self._known.setdefault(key, _Known(0))
        known.is_heard = True
        if not known.is_in:
            known.count += 1
        self._settle(now)

    def unlinked(self, key: bytes, now: float, *, left: bool) -> None:
        """Take up that the session is over; `left`, because its user hung up."""
        self._agreement.forget(key, now)
        known = self._known[key]
        known.is_heard = False
        self._hearsay.forget(key)
        if left and known.is_in:
            known.count += 1
        self._settle(now)

    def describe(self, key: bytes, trust: TrustState, *, is_unknown: bool) -> None:
        """Note what this member is to us, which the others are told.

        `is_unknown`: not in our address book, so somebody must introduce it.
        """
        known = self._known[key]
        known.trust, known.is_unknown = trust, is_unknown

    def leave(self) -> None:
        """Be gone, for whom this still reaches."""
        self._is_leaving = True
        self._known[self.own].count += 1

    # What the others say.

    def take(self, sender: bytes, message: Members, now: float) -> None:
        """Take over what is newer in the list of a member whom we hear.

        What cannot be (a count that leaps, a 17th device) is left out. Then their list
        is not ours, and `differing` says so in the end.
        """
        for seat in message.seats:
            known = self._known.get(seat.key)
            if known is None:
                if len(self._known) < MAX_SEATS and seat.count <= MAX_FIRST:
                    self._known[seat.key] = _Known(seat.count)
            elif known.count < seat.count <= min(known.count + MAX_RAISE, MAX_RAISED):
                known.count = seat.count
        self._hearsay.take(sender, message)
        self._settle(now)

    def take_roster(self, sender: bytes, roster: Roster, now: float) -> None:
        """Take what follows from the list of a member whom we hear."""
        self._agreement.take(sender, roster)
        self._settle(now)

    def tick(self, now: float) -> None:
        """Let time pass; to be called several times a second."""
        self._settle(now)

    # What is to be done.

    def to_dial(self) -> tuple[bytes, ...]:
        """Name members whom we are to call: of two, the one with the lower key calls.

        Nobody takes part with two devices: a second one would get no session.
        """
        held = {key[:IDENTITY_BYTES] for key in (*self.heard, self.own)}
        return tuple(
            key
            for key in self.members
            if self.own < key
            and not self._known[key].is_unknown
            and key[:IDENTITY_BYTES] not in held
        )

    def to_introduce(self) -> tuple[tuple[bytes, bytes], ...]:
        """Name whom to introduce to whom, each pair once: (to, about).

        Somebody we hear lacks them, and we know them from before.
        """
        due = tuple(
            (to, about)
            for to, about in self._hearsay.lacking()
            if (to, about) not in self._introduced and self._is_vouched(about)
        )
        self._introduced.update(due)
        return due

    def must_go(self) -> bool:
        """Whether we came into a room that was full; who was there before stays."""
        return not self._is_settled and len(self.members) > self._limit

    def differing(self, now: float) -> frozenset[bytes]:
        """Name those who have concluded something else for too long, or left so."""
        return self._agreement.differing(now)

    # What the others say of each other: their word, for the screen only.

    def hand_of(self, key: bytes) -> bool:
        """Whether this member wants to speak."""
        if key == self.own:
            return self.hand
        return self._hearsay.hand_of(key)

    def hearers(self, key: bytes) -> tuple[bytes, ...]:
        """Name those of whom we know that they hear this member."""
        others = self._hearsay.hearers(key)
        known = self._known.get(key)
        is_ours = known is not None and known.is_heard
        return tuple(sorted((self.own, *others) if is_ours else others))

    def trusts(self, key: bytes) -> dict[bytes, TrustState]:
        """Give the word that each of those who hear this member has for it."""
        return self._hearsay.trusts(key)

    # Working it out.

    def _is_vouched(self, key: bytes) -> bool:
        known = self._known.get(key)
        return known is not None and known.is_in and may_introduce(known.trust)

    def _settle(self, now: float) -> None:
        for key, known in self._known.items():
            if key == self.own:
                # Only we know that we are here.
                known.count += not known.is_in and not self._is_leaving
            elif known.is_heard:
                self._contradict(known, now)
            else:
                self._give_up(key, known, now)
        self._agreement.compare(self.roster(), self.heard, now)
        agree = bool(self.heard) and self._agreement.is_whole
        if agree and len(self.members) <= self._limit:
            self._is_settled = True  # all agree that there is room for us

    def _contradict(self, known: _Known, now: float) -> None:
        known.alone_since = None
        if known.is_in:
            known.gone_since = None
        elif known.gone_since is None:
            known.gone_since = now
        elif now - known.gone_since >= BELIEF_S:
            known.count, known.gone_since = known.count + 1, None

    def _give_up(self, key: bytes, known: _Known, now: float) -> None:
        known.gone_since = None
        if not known.is_in or self.hearers(key):
            known.alone_since = None
        elif known.alone_since is None:
            known.alone_since = now
        elif now - known.alone_since >= LOST_S:
            known.count, known.alone_since = known.count + 1, None
