"""Introductions in a room: whose card we hand to whom, and whose we take.

Carrier. Who is introduced to whom is `roster`'s to say; cards are read and kept by the
address book.
"""

from collections.abc import Callable

from voip.errors import CallError
from voip.gateway.rooms.acquaintances import Acquaintances
from voip.gateway.rooms.companion import Companion
from voip.gateway.rooms.company import Company
from voip.gateway.rooms.news import RoomNews, RoomWarned
from voip.gateway.rooms.roster import IDENTITY_BYTES, Membership
from voip.gateway.rooms.trusting import may_introduce
from voip.identity.trust import TrustState
from voip.signalling.group import Introduce


class Introductions:
    """What one member knows of the others, and makes known."""

    def __init__(
        self,
        membership: Membership,
        company: Company,
        book: Acquaintances,
        *,
        group_id: bytes,
        tell: Callable[[RoomNews], None],
    ) -> None:
        """Take who is here, and who is in the address book."""
        self._membership = membership
        self._company = company
        self._book = book
        self._group_id = group_id
        self._tell = tell

    def look(self, now: float) -> None:
        """Say what every member is to us, and introduce those who lack each other."""
        try:
            self._book.refresh(now)
        except CallError as error:
            self._tell(RoomWarned(str(error)))
        lacking = self._lacking()
        for key in self._membership.members:
            if key != self._membership.own:
                is_unknown = key[:IDENTITY_BYTES] in lacking
                self._membership.describe(key, self._trust(key), is_unknown=is_unknown)
        for to, about in self._membership.to_introduce():
            card = self._book.card(about[:IDENTITY_BYTES])
            companion = self._company.find(to)
            if card is not None and companion is not None:
                companion.introduce(Introduce(self._group_id, card))

    async def learn(self, companion: Companion, card: bytes) -> None:
        """Take up whom a member introduces, if we recognised that member."""
        by = companion.conversation.alias
        if not may_introduce(companion.trust):
            self._tell(
                RoomWarned(
                    f"{by} introduced somebody, but is new here:"
                    f" compare words with {by}"
                )
            )
            return
        try:
            introduced = await self._book.learn(card, of=self._lacking(), by=by)
        except CallError as error:
            self._tell(RoomWarned(f"{by}: {error}"))
            return
        if introduced is not None:
            self._tell(introduced)

    def _lacking(self) -> set[bytes]:
        identities = {key[:IDENTITY_BYTES] for key in self._membership.members}
        own = self._membership.own[:IDENTITY_BYTES]
        return {each for each in identities - {own} if not self._book.is_known(each)}

    def _trust(self, key: bytes) -> TrustState:
        companion = self._company.find(key)
        return TrustState.NEW if companion is None else companion.trust
