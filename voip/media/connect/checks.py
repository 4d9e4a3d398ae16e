"""Which pair of addresses is checked next, and which one carries the call.

One `Checks` is one run of ICE (RFC 8445) over one stream and one component. Keys of
pairs are its user's; it is told what arrived and says what to send::

    start ─> next, next, next ...      one check per 20 ms, as long as there is need
    heard, answered, refused           what came
    selected                           the pair that packets take

Every check of the caller nominates, so the first pair that answers is used at once. A
pair through a relay waits 150 ms while a direct one is open, and a direct one may take
over from a relayed one for 3 s; then the rest is left alone. The callee may send before
its own check was answered, on a pair on which an authenticated check nominated: for
half a second and 25 packets, so that nobody is flooded who did not ask for it.

A check is repeated after max(100 ms, 20 ms x open checks), doubling up to 500 ms, 12
sends in all. RFC 8445 §14.3 recommends 500 ms and more; RFC 8489 §6.2.1 lets go of that
where sends are paced, and one per 20 ms is all that ever leaves. Doubling without end
would make one call in fifty wait for seconds where a fifth of all packets is lost.
Pairs are not frozen by foundation (§6.1.2.6): with one component it only delays them.

All times are seconds of one clock that does not jump.
"""

from collections import deque
from collections.abc import Hashable
from enum import Enum, auto
from typing import Generic, TypeVar

TA_S = 0.020  # Ta of RFC 8445 §14.2 is at least 5 ms; 50 messages a second load nobody
RTO_S = 0.100
LONGEST_RTO_S = 0.500
SENDS = 12  # in 5.2 s
RELAY_WAIT_S = 0.150  # a direct answer within a continent comes first
SETTLE_S = 3.0
EARLY_S = 0.5  # our own check is repeated twice within that
EARLY_PACKETS = (
    25  # what an address may get that never answered: half a second of sound
)
KNOCK_S = 5.0  # below the 30 s after which some NATs forget (RFC 4787 §4.3)
GIVE_UP_S = 30.0  # the other side may begin later: signalling has delays of its own
MAX_PAIRS = 100  # RFC 8445 §6.1.2.5
_NUDGE_S = 0.050  # a peer's check makes us repeat ours, but not more often than this

K = TypeVar("K", bound=Hashable)


class _State(Enum):
    WAITING = auto()
    OPEN = auto()  # "In-Progress"
    WORKING = auto()  # "Succeeded"
    FAILED = auto()


class _Pair(Generic[K]):
    __slots__ = (
        "answered_at",
        "due",
        "interval",
        "is_nominated",
        "is_relayed",
        "key",
        "priority",
        "sends",
        "sent_at",
        "state",
    )

    def __init__(self, key: K, priority: int, *, is_relayed: bool) -> None:
        self.key = key
        self.priority = priority
        self.is_relayed = is_relayed
        self.is_nominated = False
        self.state = _State.WAITING
        self.sends = 0
        self.sent_at = self.due = self.interval = 0.0
        self.answered_at: float | None = None


class Checks(Generic[K]):
    """The list of pairs of one side."""

    def __init__(self, *, controlling: bool) -> None:
        """Take the role: the caller controls."""
        self.controlling = controlling
        self.is_complete = False  # no pair is added any more, so failing can be known
        self._pairs: dict[K, _Pair[K]] = {}
        self._urgent: deque[_Pair[K]] = deque()
        self._single: deque[_Pair[K]] = deque()
        self._is_started = False
        self._started_at = 0.0
        self._free_at = 0.0
        self._selected: _Pair[K] | None = None
        self._settled_at = 0.0
        self._moving_since: float | None = None
        self._early: _Pair[K] | None = None
        self._early_until = 0.0
        self._early_left = EARLY_PACKETS

    # What is known.

    @property
    def selected(self) -> K | None:
        """The pair that packets take."""
        return None if self._selected is None else self._selected.key

    @property
    def answered_at(self) -> float | None:
        """When the peer last proved to be at the other end of the selected pair."""
        return None if self._selected is None else self._selected.answered_at

    @property
    def early_pair(self) -> K | None:
        """The pair on which the callee may send before it is selected."""
        return None if self._early is None else self._early.key

    def is_hopeless(self, now: float) -> bool:
        """Whether no pair is left that could still work, and none is added."""
        if self._selected is not None or not self.is_complete or not self._is_started:
            return False
        return not self._pairs or (
            now >= self._started_at + GIVE_UP_S
            and all(pair.state is _State.FAILED for pair in self._pairs.values())
        )

    # What happens.

    def add(self, key: K, priority: int, *, is_relayed: bool) -> None:
        """Take a pair, or learn more about it; beyond 100 it is left out."""
        pair = self._pairs.get(key)
        if pair is not None:
            pair.is_relayed = is_relayed
        elif len(self._pairs) < MAX_PAIRS:
            self._pairs[key] = _Pair(key, priority, is_relayed=is_relayed)

    def start(self, now: float) -> None:
        """Begin: the peer's password is known."""
        self._is_started = True
        self._started_at = now

    def heard(self, key: K, now: float, *, nominates: bool) -> None:
        """Take note of an authenticated check of the peer's on this pair.

        Ours follows at once (RFC 8445 §7.3.1.4): what kept it away may be gone.
        """
        pair = self._pairs.get(key)
        if pair is None:
            return
        if pair.state in (_State.WAITING, _State.FAILED):
            self._reopen(pair)
            self._hurry(pair)
        elif pair.state is _State.OPEN and now >= pair.sent_at + _NUDGE_S:
            self._hurry(pair)
        if nominates and not self.controlling:
            pair.is_nominated = True
            self._consider(pair, now)
            self._begin_early(pair, now)

    def answered(self, key: K, now: float) -> None:
        """Take note of an authenticated answer of the peer's on this pair."""
        pair = self._pairs.get(key)
        if pair is None:
            return
        pair.state = _State.WORKING
        pair.answered_at = now
        pair.is_nominated = pair.is_nominated or self.controlling
        self._consider(pair, now)

    def refused(self, key: K) -> None:
        """Take note that the peer, or the way there, refused the check."""
        pair = self._pairs.get(key)
        if pair is not None and pair.state is _State.OPEN:
            pair.state = _State.FAILED

    def followed(self, key: K) -> None:
        """Take note, as callee, that a verified packet came on this pair.

        The caller decides, and his packets show what he decided. Only a pair that
        answered is followed: whoever moves a packet elsewhere has no password.
        """
        pair = self._pairs.get(key)
        if (
            pair is not None
            and not self.controlling
            and pair.state is _State.WORKING
            and self._selected is not None
        ):
            self._selected = pair

    def check(self) -> None:
        """Ask for a single check of the selected pair; nothing fails by it."""
        if self._selected is not None and self._selected not in self._single:
            self._single.append(self._selected)

    def check_all(self, now: float) -> None:
        """Ask for new checks of all pairs; the first that answers may take over."""
        if self._selected is None:
            return
        for pair in self._pairs.values():
            self._reopen(pair)
        self._settled_at = now + SETTLE_S
        self._moving_since = now

    def try_again(self) -> None:
        """Give the pairs that failed another chance."""
        for pair in self._pairs.values():
            if pair.state is _State.FAILED:
                self._reopen(pair)

    # What is to be done.

    def next(self, now: float) -> tuple[K, bool] | None:
        """Say on which pair a check is to be sent now, if on any.

        Returns:
            The pair, and whether it is a new check rather than the last one again.
        """
        if not self._is_started:
            return None
        self._expire(now)
        if now < self._free_at:
            return None
        picked = self._pick(now)
        if picked is not None:
            self._free_at = now + TA_S
        return picked

    def wake(self, now: float) -> float | None:
        """Say when to ask again, if nothing happens before."""
        if not self._is_started:
            return None
        times = []
        if self._urgent or self._single:
            times.append(now)
        if not self._is_settled(now):
            for pair in self._pairs.values():
                if pair.state is _State.WAITING:
                    times.append(self._first_at(pair))
                elif pair.state is _State.OPEN:
                    times.append(pair.due)
                elif pair.state is _State.FAILED and self._may_knock(pair):
                    times.append(pair.due + KNOCK_S)
            if self.is_complete and now < self._started_at + GIVE_UP_S:
                times.append(self._started_at + GIVE_UP_S)
        return max(min(times), self._free_at) if times else None

    def early(self, now: float) -> K | None:
        """Say where one packet may go before a pair is selected, if anywhere."""
        if self._early is None or now >= self._early_until or not self._early_left:
            return None
        self._early_left -= 1
        return self._early.key

    def _pick(self, now: float) -> tuple[K, bool] | None:
        if self._single:
            return self._single.popleft().key, True
        while self._urgent:
            pair = self._urgent.popleft()
            if pair.state is _State.WAITING:
                return self._open(pair, now)
            if pair.state is _State.OPEN:
                pair.sent_at = now
                return pair.key, False
        return None if self._is_settled(now) else self._pick_usual(now)

    def _pick_usual(self, now: float) -> tuple[K, bool] | None:
        pairs = self._pairs.values()
        new = [
            pair
            for pair in pairs
            if pair.state is _State.WAITING and self._first_at(pair) <= now
        ]
        if new:
            return self._open(max(new, key=lambda pair: pair.priority), now)
        late = [pair for pair in pairs if pair.state is _State.OPEN and pair.due <= now]
        if not late:
            return None
        pair = min(late, key=lambda pair: pair.due)
        pair.sends += 1
        pair.interval = max(pair.interval, min(2 * pair.interval, LONGEST_RTO_S))
        pair.sent_at = now
        pair.due = now + pair.interval
        return pair.key, False

    def _open(self, pair: _Pair[K], now: float) -> tuple[K, bool]:
        pair.state = _State.OPEN
        busy = sum(
            each.state in (_State.WAITING, _State.OPEN) for each in self._pairs.values()
        )
        pair.sends = 1
        pair.interval = max(RTO_S, TA_S * busy)
        pair.sent_at = now
        pair.due = now + pair.interval
        return pair.key, True

    def _first_at(self, pair: _Pair[K]) -> float:
        """When a waiting pair may be checked for the first time."""
        if pair.is_relayed and any(
            not each.is_relayed and each.state in (_State.WAITING, _State.OPEN)
            for each in self._pairs.values()
        ):
            return self._started_at + RELAY_WAIT_S
        return self._started_at

    def _expire(self, now: float) -> None:
        for pair in self._pairs.values():
            if pair.state is _State.OPEN and pair.sends == SENDS and pair.due <= now:
                pair.state = _State.FAILED
            elif (
                pair.state is _State.FAILED
                and pair.due + KNOCK_S <= now
                and self._may_knock(pair)
            ):
                self._reopen(pair)

    def _may_knock(self, pair: _Pair[K]) -> bool:
        """Whether a failed pair gets another chance by itself."""
        return not self.is_complete or pair.due + KNOCK_S < self._started_at + GIVE_UP_S

    def _is_settled(self, now: float) -> bool:
        return self._selected is not None and now >= self._settled_at

    def _reopen(self, pair: _Pair[K]) -> None:
        pair.state = _State.WAITING
        pair.sends = 0

    def _hurry(self, pair: _Pair[K]) -> None:
        if pair not in self._urgent:
            self._urgent.append(pair)

    def _consider(self, pair: _Pair[K], now: float) -> None:
        """Select a pair that works and is nominated, if it is better."""
        if pair.state is not _State.WORKING or not pair.is_nominated:
            return
        current = self._selected
        if current is None:
            self._settled_at = now + SETTLE_S
            self._selected = pair
        elif current.is_relayed and not pair.is_relayed:
            if now < self._settled_at:
                self._selected = pair
        elif self._moving_since is not None and (
            current.answered_at is None or current.answered_at < self._moving_since
        ):
            self._moving_since = None
            self._selected = pair

    def _begin_early(self, pair: _Pair[K], now: float) -> None:
        if self._selected is not None:
            return
        if self._early is None:
            self._early_until = now + EARLY_S
            self._early = pair
        elif self._early.is_relayed and not pair.is_relayed:
            self._early = pair  # within the same half second and 25 packets
