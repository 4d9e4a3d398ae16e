"""Who is in a room and what they do, as its user is told.

Carrier, for it looks at sessions. Each user is told his own word of trust for each
member; what the others say of them stands beside it.
"""

from collections.abc import Callable

from voip.gateway.rooms.acquaintances import Acquaintances
from voip.gateway.rooms.company import Company
from voip.gateway.rooms.news import MembersChanged, MemberSeen, RoomNews, RosterAlarm
from voip.gateway.rooms.roster import IDENTITY_BYTES, Membership
from voip.identity.trust import TrustState


class Attendance:
    """What was told of the members, and what is to be told now."""

    def __init__(  # noqa: PLR0913 -- whom to look at, and whom to tell
        self,
        membership: Membership,
        company: Company,
        book: Acquaintances,
        *,
        us: Callable[[], MemberSeen],
        watched: Callable[[], str | None],
        tell: Callable[[RoomNews], None],
    ) -> None:
        """Take whom to look at; `us` says what we do ourselves.

        `watched` names the port whose pictures our user sees.
        """
        self._membership = membership
        self._company = company
        self._book = book
        self._us = us
        self._watched = watched
        self._tell = tell
        self._differing: frozenset[bytes] = frozenset()
        self._told: MembersChanged | None = None

    def look(self, now: float) -> None:
        """Tell what has changed."""
        differing = self._membership.differing(now)
        for key in sorted(differing ^ self._differing):
            name = self._book.name(key[:IDENTITY_BYTES])
            self._tell(RosterAlarm(key, name, differs=key in differing))
        self._differing = differing
        members = tuple(map(self._member, self._membership.members))
        seen = MembersChanged(members, self._membership.epoch)
        if seen != self._told:
            self._told = seen
            self._tell(seen)

    def _member(self, key: bytes) -> MemberSeen:
        if key == self._membership.own:
            return self._us()
        identity, companion = key[:IDENTITY_BYTES], self._company.find(key)
        seen = MemberSeen(
            key,
            self._book.name(identity),
            trust=TrustState.NEW if companion is None else companion.trust,
            introduced_by=self._book.introducer(identity),
            trusts=tuple(
                (self._book.name(by[:IDENTITY_BYTES]), trust)
                for by, trust in sorted(self._membership.trusts(key).items())
            ),
            has_hand_up=self._membership.hand_of(key),
            differs=key in self._differing,
        )
        if companion is None:
            return seen
        return companion.seen(seen, self._watched())
