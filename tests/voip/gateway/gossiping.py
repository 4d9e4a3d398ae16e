"""Members of a room who tell each other what they know, without calls or clocks."""

from collections import deque
from dataclasses import dataclass, field

from voip.gateway.rooms.roster import Membership
from voip.signalling.group import Members, Roster

GROUP = b"\x07" * 16
STEP_S = 0.5


def key(name: str) -> bytes:
    """Make the key of a device; keys sort as names do."""
    return name.encode().ljust(48, b".")


@dataclass(slots=True)
class Gossip:
    """People in one room. What is said takes a step to arrive, and keeps its order."""

    now: float = 0.0
    people: dict[str, Membership] = field(default_factory=dict)
    links: set[tuple[str, str]] = field(default_factory=set)
    under_way: dict[tuple[str, str], deque[Members | Roster]] = field(
        default_factory=dict
    )
    said: dict[tuple[str, str], tuple[Members, Roster]] = field(default_factory=dict)

    def open(self, name: str) -> Membership:
        return self._enter(name, is_opener=True)

    def invite(self, name: str, by: str) -> Membership:
        came = self._enter(name)
        self.link(name, by)
        return came

    def link(self, one: str, other: str) -> None:
        for ours, theirs in ((one, other), (other, one)):
            self.links.add((ours, theirs))
            self.people[ours].linked(key(theirs), self.now)

    def leave(self, name: str) -> None:
        self.people.pop(name).leave()
        self._cut(name, left=True)

    def crash(self, name: str) -> None:
        self.people.pop(name)
        self._cut(name, left=False)

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += STEP_S
            self._deliver()
            for name in sorted(self.people):
                self._act(name)

    def members(self, name: str) -> list[str]:
        keys = self.people[name].members
        return [each.rstrip(b".").decode() for each in keys]

    def _enter(self, name: str, *, is_opener: bool = False) -> Membership:
        came = Membership(GROUP, key(name), is_opener=is_opener)
        self.people[name] = came
        return came

    def _act(self, name: str) -> None:
        ours = self.people[name]
        ours.tick(self.now)
        for other, theirs in sorted(self.people.items()):
            known = key(other) in ours.to_dial() and theirs.is_in(key(name))
            if (name, other) not in self.links and known:
                self.link(name, other)
        for one, other in sorted(self.links):
            if one == name:
                self._say(name, other)

    def _say(self, name: str, other: str) -> None:
        saying = self.people[name].message(), self.people[name].roster()
        if self.said.get((name, other)) != saying:
            self.said[name, other] = saying
            self.under_way.setdefault((name, other), deque()).extend(saying)

    def _deliver(self) -> None:
        for (name, other), waiting in self.under_way.items():
            while waiting:
                message = waiting.popleft()
                if isinstance(message, Members):
                    self.people[other].take(key(name), message, self.now)
                else:
                    self.people[other].take_roster(key(name), message, self.now)

    def _cut(self, name: str, *, left: bool) -> None:
        for pair in [pair for pair in self.links if name in pair]:
            self.links.discard(pair)
            self.under_way.pop(pair, None)
            self.said.pop(pair, None)
            if pair[1] == name:
                self.people[pair[0]].unlinked(key(name), self.now, left=left)
