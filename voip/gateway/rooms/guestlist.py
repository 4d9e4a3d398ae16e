"""What a guest of ours is told: our own legs, and beside them those of other members.

Pure. A guest hears other members by way of us, and so whoever they carry. He is told of
these in the one list that he gets, under numbers of our own; and until he has shown a
member's legs he and that member do not hear each other. ::

    own legs      1, 2, ...      as all members are told of them
    beside them   255, 254, ...  "NAME with MEMBER"

Format of the list: docs/formats/legs.md.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from voip.notice import NOTHING, Told
from voip.signalling.legs import (
    MAX_LEGS,
    MAX_NAME_BYTES,
    Legs,
    LegsAck,
    ListedLeg,
)

_LAST_ID: Final = 255
_MAX_UNANSWERED: Final = 64
"""Lists whose answer means anything: members can change theirs while he thinks."""


class MemberLegs(NamedTuple):
    """The legs of another member, and our name for that member."""

    alias: str
    legs: tuple[ListedLeg, ...]


class GuestList:
    """The list of one guest, made of ours and those of other members."""

    def __init__(self) -> None:
        self._ours = NOTHING
        self._others: Mapping[str, MemberLegs] = {}
        self._told = Told()
        self._version = 0
        self._own_versions: dict[int, int] = {}
        self._ids: dict[tuple[str, int], int] = {}
        self._unheard: frozenset[str] = frozenset()

    def ours(self, legs: Legs) -> Legs:
        """Take our own list as it is now; gives what the guest is told."""
        self._ours = legs
        return self._tell()

    def beside(self, others: Mapping[str, MemberLegs]) -> Legs | None:
        """Take the legs of other members, by any name for each of these.

        Gives what the guest is told; None if it is nothing new, or he is told of
        nothing yet: then it comes with our own list.
        """
        if others == self._others:
            return None
        self._others = dict(others)
        return self._tell() if self._version else None

    def answer(self, ack: LegsAck) -> LegsAck | None:
        """Take the guest's answer; gives what it says to our own list.

        None if he has answered to a newer one already, or this one is long past.

        Raises:
            MalformedError: it speaks of a list that was never sent.
        """
        self._told.answer(ack)
        version = self._own_versions.get(ack.version)
        self._own_versions = {
            each: own for each, own in self._own_versions.items() if each >= ack.version
        }
        if ack.version == self._version:
            self._forget()
        return None if version is None else LegsAck(version, ack.answer)

    def knows(self, member: str) -> bool:
        """Whether the guest has shown all whom this member carries."""
        theirs = self._others.get(member)
        if theirs is None:
            return True
        return member not in self._unheard and all(
            self._told.knows(self._ids[member, leg.id]) for leg in theirs.legs
        )

    def _forget(self) -> None:
        """Free the numbers that are in the list no more, which the guest has answered.

        Before he has, he could take another leg for one that he knows.
        """
        listed = {
            (member, leg.id)
            for member, theirs in self._others.items()
            for leg in theirs.legs
        }
        self._ids = {key: self._ids[key] for key in listed}

    def _tell(self) -> Legs:
        listed = list(self._ours.legs)
        unheard = set()
        for member, theirs in self._others.items():
            ids = [self._id(member, leg) for leg in theirs.legs]
            is_free = min(ids, default=_LAST_ID) > self._highest
            if is_free and len(listed) + len(ids) <= MAX_LEGS:
                listed += [
                    replace(leg, id=number, name=_named(leg.name, theirs.alias))
                    for number, leg in zip(ids, theirs.legs, strict=True)
                ]
            else:
                unheard.add(member)  # who cannot be listed is not heard
        self._unheard = frozenset(unheard)
        self._version += 1
        self._own_versions[self._version] = self._ours.version
        self._own_versions.pop(self._version - _MAX_UNANSWERED, None)
        legs = Legs(self._version, tuple(sorted(listed, key=lambda leg: leg.id)))
        self._told.tell(legs)
        return legs

    @property
    def _highest(self) -> int:
        return max((leg.id for leg in self._ours.legs), default=0)

    def _id(self, member: str, leg: ListedLeg) -> int:
        """Give the number of a leg, the same while it lasts; 0 where none is left."""
        known = self._ids.get((member, leg.id))
        if known is None:
            used = set(self._ids.values())
            free = (each for each in range(_LAST_ID, 0, -1) if each not in used)
            known = self._ids[member, leg.id] = next(free, 0)
        return known


def _named(name: str, alias: str) -> str:
    """Say who it is and with whom, in as many bytes as a name may have."""
    said = f"{name} with {alias}" if name else f"with {alias}"
    return said.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
