"""The sender keys of a larger room as its members hand them to each other.

Carrier. Who has our key hears us: these calls have no microphone that could stay
closed. So who may hear us gets it, and who may no longer makes us take another one;
what a key is and when it changes is `senderkeys`. Keys travel in the pairwise calls and
reach the server never.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from voip.gateway.rooms.companion import Companion
from voip.gateway.rooms.senderkeys import HeardKeys, SendingKey
from voip.identity.keys import Entropy
from voip.media.sframe import Sealer, Sealers
from voip.signalling.group import SenderKey

Say = Callable[[Companion, SenderKey], int | None]
"""Tells a member something; gives the message's number, None if it cannot be said."""


@dataclass(frozen=True, slots=True)
class _Handed:
    """A key that was told to a member and is not acknowledged yet."""

    companion: Companion
    number: int
    epoch: int


class Keyring:
    """Our sender key, and who has it; those of the others.

    Attributes:
        heard: what opens the frames of the others.
        keyed: who may open what we send.
        sealer: of our key in use.
    """

    def __init__(  # noqa: PLR0913 -- whose keys, and who is told
        self,
        group_id: bytes,
        own: bytes,
        *,
        entropy: Entropy,
        company: Iterable[Companion],
        say: Say,
        seal_with: Callable[[Sealer], None],
    ) -> None:
        """Begin with a key that nobody has.

        Args:
            group_id: names the room.
            own: our key as a member, 48 bytes.
            entropy: random bytes.
            company: those whom we have a session with.
            say: tells one of them something.
            seal_with: hears of each change of the key in use.
        """
        self.heard = HeardKeys(group_id)
        self.keyed: set[Companion] = set()
        self._own = SendingKey(group_id, own, entropy=entropy)
        self._sealers = Sealers()
        self._in_use = self._own.in_use
        self.sealer = self._sealers.take(*self._in_use)
        self._handed: list[_Handed] = []
        self._company = company
        self._say = say
        self._seal_with = seal_with

    @property
    def epoch(self) -> int:
        """How often our key in use changed."""
        return self._own.epoch

    def weigh(self, may_hear: Mapping[Companion, bool]) -> frozenset[Companion]:
        """Hand members our key, or withdraw it; gives those who were handed it now."""
        lose = {each for each, may in may_hear.items() if not may} & self.keyed
        if lose:
            self._withdraw(lose)
        gain = [
            each for each, may in may_hear.items() if may and each not in self.keyed
        ]
        for each in gain:
            self._hand(each)
        return frozenset(gain)

    def gone(self, companion: Companion) -> None:
        """Take a new key, since a member went, and open nothing of theirs any more."""
        self.heard.drop(companion.key)
        self._withdraw({companion})

    def _hand(self, companion: Companion) -> None:
        """Tell a member our key, which opens nothing of before."""
        self.keyed.add(companion)
        self._say(companion, self._own.joined())
        self._use()

    def _withdraw(self, companions: set[Companion]) -> None:
        """Take a new key, and tell all who have the old one but these members."""
        self.keyed -= companions
        self._handed = [
            each for each in self._handed if each.companion not in companions
        ]
        for each in companions:
            self._own.gone(each.key)
        staying = tuple(each for each in self._company if each in self.keyed)
        told = self._own.left((each.key for each in staying), _now())
        for each in staying:
            number = self._say(each, told)
            if number is not None:
                self._handed.append(_Handed(each, number, told.epoch))
        self._use()

    def take(self, companion: Companion, told: SenderKey) -> None:
        """Take a member's key.

        Raises:
            RefusedError: nobody honest says it; see `HeardKeys.take`.
        """
        self.heard.take(companion.key, told, _now())

    def tick(self, now: float) -> None:
        """Use the key that is due, and forget those whose time is over."""
        for handed in tuple(self._handed):
            if handed.companion.conversation.has_taken(handed.number):
                key = handed.companion.key
                self._own.acknowledged(key, handed.epoch, now)
                self._handed.remove(handed)
        self.heard.tick(now)
        self._own.tick(now)
        self._use()

    def _use(self) -> None:
        in_use = self._own.in_use
        if in_use != self._in_use:
            self._in_use = in_use
            self.sealer = self._sealers.take(*in_use)
            self._seal_with(self.sealer)


def _now() -> float:
    return asyncio.get_running_loop().time()
