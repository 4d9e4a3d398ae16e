"""What the members of a room say of each other: each one's word, and no more.

Pure. It is for the screen, and for introductions; who is a member follows from counts
alone (`roster`). Keys are those of devices, 48 bytes.
"""

from collections.abc import Iterator

from voip.identity.trust import TrustState
from voip.signalling.group import Members, Seat


class Hearsay:
    """The newest list of each member whom we hear."""

    def __init__(self) -> None:
        self._said: dict[bytes, Members] = {}

    def take(self, sender: bytes, message: Members) -> None:
        """Take a member's list, in place of the one before."""
        self._said[sender] = message

    def forget(self, sender: bytes) -> None:
        """Know nothing of a member whom we hear no more."""
        self._said.pop(sender, None)

    def hand_of(self, key: bytes) -> bool:
        """Whether this member wants to speak."""
        said = self._said.get(key)
        return said is not None and said.hand

    def hearers(self, key: bytes) -> tuple[bytes, ...]:
        """Name those who say that they hear this member."""
        return tuple(by for by, seat in self._seats_of(key) if seat.is_heard)

    def trusts(self, key: bytes) -> dict[bytes, TrustState]:
        """Give the word that each of those who hear this member has for it."""
        return {by: seat.trust for by, seat in self._seats_of(key) if seat.is_heard}

    def lacking(self) -> Iterator[tuple[bytes, bytes]]:
        """Name who lacks whose card, as they say: (who, whose)."""
        for by, message in self._said.items():
            for seat in message.seats:
                if seat.is_unknown:
                    yield by, seat.key

    def _seats_of(self, key: bytes) -> Iterator[tuple[bytes, Seat]]:
        for by, message in self._said.items():
            for seat in message.seats:
                if seat.key == key:
                    yield by, seat
