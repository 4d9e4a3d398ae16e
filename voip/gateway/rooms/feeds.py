"""Whose a feed of the forwarding server is: the one whose key opens it, nobody else's.

The server says which feeds there are and may say anything about them. Names come from
keys alone; a feed that two members' keys open, or nobody's for 5 s, is a server that
mixes things up or adds some of its own: it is closed, and the user hears of it. Times
are seconds of one monotonic clock.

Feeds without a name take up places at the server: who left the room knows the way back
to it. They are *strangers'*; whoever made the room there may have them removed.
"""

from dataclasses import dataclass, field
from enum import Enum

UNOPENED_S = 5.0
"""How long frames of a feed may come that nobody's key opens: its key is on its way."""
SILENT_S = 30.0
"""How long a feed may say nothing at all: a member speaks, if only silence, as soon as
it has a path, and gives that up after 15 s."""


class Verdict(Enum):
    """What follows from a frame."""

    NOTHING = "nothing new"
    NAMED = "the feed now has a name"
    MIXED = "two members' keys open it"
    UNKNOWN = "no member's key opens it"


@dataclass(slots=True)
class _Feed:
    member: bytes | None = None
    unopened_since: float | None = None
    silent_since: float | None = None


@dataclass(slots=True)
class Feeds:
    """The feeds of a room, by the server's number for each."""

    _open: dict[int, _Feed] = field(default_factory=dict)
    _unknown: set[int] = field(default_factory=set)
    _spoke: dict[int, bytes] = field(default_factory=dict)  # and who is here still

    def expect(self, feed: int, now: float) -> None:
        """Note that packets of a feed should come from now on, under a new name."""
        self._open[feed] = _Feed(silent_since=now)

    def opened(self, feed: int, member: bytes) -> Verdict:
        """Note that a frame opened with the key of this member."""
        known = self._open.setdefault(feed, _Feed())
        known.unopened_since = known.silent_since = None
        if known.member == member:
            return Verdict.NOTHING
        if known.member is not None:
            return Verdict.MIXED
        known.member = self._spoke[feed] = member
        return Verdict.NAMED

    def unopened(self, feed: int, now: float) -> Verdict:
        """Note that a frame came which no key opens."""
        known = self._open.setdefault(feed, _Feed())
        known.silent_since = None
        if known.unopened_since is None:
            known.unopened_since = now
        if now - known.unopened_since < UNOPENED_S:
            return Verdict.NOTHING
        self._unknown.add(feed)
        return Verdict.UNKNOWN

    def retry(self) -> frozenset[int]:
        """Give, once, feeds closed as `UNKNOWN`: a new key may be theirs."""
        again, self._unknown = frozenset(self._unknown), set()
        for feed in again:
            del self._open[feed]
        return again

    def strangers(self, now: float) -> frozenset[int]:
        """Give the feeds that no member's key opens, and those that say nothing.

        They may still be those of members whose key is not here. One that a member's
        key has opened is no stranger's while that member is here: its next key may be
        late, and a relay can make it so.
        """
        silent = (
            feed
            for feed, known in self._open.items()
            if known.silent_since is not None and now - known.silent_since >= SILENT_S
        )
        return frozenset(self._unknown.union(silent) - self._spoke.keys())

    def left(self, member: bytes) -> None:
        """Note that a member is gone: what it leaves behind is nobody's."""
        self._spoke = {
            feed: each for feed, each in self._spoke.items() if each != member
        }

    def gone(self, feed: int) -> None:
        """Forget a feed that the server does not have any more."""
        self._open.pop(feed, None)
        self._spoke.pop(feed, None)
        self._unknown.discard(feed)
