"""Whether all in a room conclude the same, and who has not for too long.

Pure; times are seconds of one steady clock. Each member says in one number what follows
from its list (`Roster`). Who says another for too long was told something else, by
somebody, or tells others something else. Format: docs/formats/rooms.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from voip.identity.keys import T
from voip.signalling.group import Roster
from voip.wire import be32

ALARM_S: Final = 5.0
"""How long somebody may contradict us, since our list changed: what he knows and we do
not came before what he concludes from it."""
BEHIND_S: Final = 15.0
"""How long somebody may know less than we do: a list is two records of a second each,
and waits behind others while several people come at once."""
LONGEST_S: Final = 30.0
"""Since the lists first differed: who changes his for ever must not hide by it."""


def roster_digest(group_id: bytes, epoch: int, members: Iterable[bytes]) -> bytes:
    """Hash a list of members (keys of 48 bytes) of an epoch: 32 bytes.

    T("roster", group_id || be32 epoch || keys, sorted).
    """
    return T(b"roster", group_id + be32(epoch) + b"".join(sorted(members)))


@dataclass(slots=True)
class _Differing:
    """Since when somebody concludes something else."""

    first: float
    since: float


class Agreement:
    """What follows from our list, held against what others say follows from theirs."""

    def __init__(self, ours: Roster) -> None:
        """Agree with nobody yet; `ours` is what follows from our list."""
        self._ours = ours
        self._concluded: dict[bytes, Roster] = {}
        self._differing: dict[bytes, _Differing] = {}
        self._left: set[bytes] = set()

    @property
    def is_whole(self) -> bool:
        """Whether all whom we hear conclude what we do."""
        return not self._differing

    def take(self, sender: bytes, roster: Roster) -> None:
        """Take what somebody concludes."""
        self._concluded[sender] = roster

    def forget(self, sender: bytes, now: float) -> None:
        """Hear somebody no more; who differed for too long goes on doing so."""
        if sender in self.differing(now):
            self._left.add(sender)  # or hanging up would end the alarm
        self._concluded.pop(sender, None)

    def compare(self, ours: Roster, heard: frozenset[bytes], now: float) -> None:
        """Look who of those whom we hear differs from what follows from our list."""
        if ours != self._ours:
            self._ours = ours
            for differing in self._differing.values():
                differing.since = now  # they need time to follow
        agreeing = {key for key, said in self._concluded.items() if said == ours}
        self._left -= agreeing
        self._differing = {
            key: self._differing.get(key) or _Differing(now, now)
            for key in heard - agreeing
        }

    def differing(self, now: float) -> frozenset[bytes]:
        """Name those who have concluded something else for too long, or left so."""
        return frozenset(self._left).union(
            key
            for key, differing in self._differing.items()
            if now - differing.since >= self._patience_s(key)
            or now - differing.first >= LONGEST_S
        )

    def _patience_s(self, key: bytes) -> float:
        concluded = self._concluded.get(key)
        is_behind = concluded is None or concluded.epoch < self._ours.epoch
        return BEHIND_S if is_behind else ALARM_S
