"""Freshness of INVITEs: what is late, seen before, or too much.

Memory of this run. What must survive a restart (the time stamp last confirmed by
each device) lies in the store and is an argument here. Times are unix milliseconds.
"""

from voip.errors import HandshakeError, LimitError

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

WINDOW_MS = MINUTE_MS
"""How far the clocks of two people may be apart, delivery included."""

BY_HAND_WINDOW_MS = 15 * MINUTE_MS
"""The window where people carry the INVITE: they copy, send, find and paste it.

A longer window keeps an INVITE worth replaying for longer. Where somebody must paste it
that gains nothing: what they get back is sealed to the caller who made it, and the call
goes no further without CONFIRM, which only that caller can make.
"""

SEEN_WINDOWS = 5
"""How long an ephemeral key is remembered: longer than both halves of a window."""

SEEN_LIMIT = 4096
"""Ephemeral keys remembered; full means refused, for forgetting would allow a replay.

Far above what contacts can reach (a contact is refused after 30 an hour).
"""

PER_MINUTE = 6
PER_HOUR = 30
"""Unconfirmed handshakes of one identity: each is a free guess at the words (2^-33)."""

STRANGERS = b""
"""Stands for everybody who is not a contact: identities cost nothing to make."""


def is_late(ts_ms: int, now_ms: int, *, window_ms: int = WINDOW_MS) -> bool:
    """Tell whether an INVITE came more than `window_ms` after it was made.

    Raises:
        HandshakeError: it was made more than that in the future; admitting it would
            let it be replayed until then.
    """
    if ts_ms > now_ms + window_ms:
        raise HandshakeError("invite is from the future")
    return ts_ms < now_ms - window_ms


class ReplayGuard:
    """Admits INVITEs, each at most once and none too often.

    `window_ms` is how old one may be; `BY_HAND_WINDOW_MS` where people carry them.
    """

    def __init__(self, window_ms: int = WINDOW_MS) -> None:
        self.window_ms = window_ms
        self._seen: dict[bytes, int] = {}
        """When each ephemeral key was admitted, oldest first."""
        self._unconfirmed: dict[bytes, dict[bytes, int]] = {}
        """Per identity: when each of its unconfirmed ones was admitted."""
        self._noted: dict[bytes, list[int]] = {}
        """Per identity, and for all strangers: when one was noted."""

    def admit(
        self,
        identity: bytes,
        e_a: bytes,
        *,
        ts_ms: int,
        last_confirmed_ms: int,
        now_ms: int,
    ) -> None:
        """Admit an INVITE and remember it as unconfirmed.

        Args:
            identity: the caller's (32 bytes); rates are counted per identity.
            e_a: the caller's ephemeral key (32 bytes).
            ts_ms: when the INVITE was made, by the caller's clock.
            last_confirmed_ms: newest `ts_ms` that this *device* confirmed; 0 = none.
            now_ms: the time.

        Raises:
            HandshakeError: too old, from the future, or seen before.
            LimitError: 6 unconfirmed in a minute or 30 in an hour, or memory is full.
        """
        self._forget(now_ms)
        if is_late(ts_ms, now_ms, window_ms=self.window_ms):
            raise HandshakeError("invite is too old")
        if ts_ms <= last_confirmed_ms:
            raise HandshakeError("invite is not newer than the last confirmed one")
        if e_a in self._seen:
            raise HandshakeError("invite was seen before")
        if len(self._seen) >= SEEN_LIMIT:
            raise LimitError(f"replay memory is full: {SEEN_LIMIT} invites")
        self._check_rate(identity, now_ms)
        self._seen[e_a] = now_ms
        self._unconfirmed.setdefault(identity, {})[e_a] = now_ms

    def admit_to_log(self, whose: bytes, now_ms: int) -> None:
        """Admit an INVITE that is not to be answered to what the user can look up.

        Counted apart: what gathered while we were away must not keep a fresh one out.

        Args:
            whose: an identity, or `STRANGERS`.
            now_ms: the time.

        Raises:
            LimitError: 30 in an hour; a flood would push true calls out of the log,
                and each is a write of the store.
        """
        hour_ago = now_ms - HOUR_MS
        self._noted = {
            each: recent
            for each, times in self._noted.items()
            if (recent := [time for time in times if time > hour_ago])
        }
        recent = self._noted.get(whose, [])
        if len(recent) >= PER_HOUR:
            raise LimitError(f"noted invites: at most {PER_HOUR} an hour, came another")
        self._noted[whose] = [*recent, now_ms]

    def confirm(self, identity: bytes, e_a: bytes) -> None:
        """Take an INVITE out of the count: its CONFIRM verified."""
        self._unconfirmed.get(identity, {}).pop(e_a, None)

    def _check_rate(self, identity: bytes, now_ms: int) -> None:
        times = self._unconfirmed.get(identity, {}).values()
        recent = sum(time > now_ms - MINUTE_MS for time in times)
        if recent >= PER_MINUTE:
            raise LimitError(
                f"unconfirmed handshakes: at most {PER_MINUTE} a minute, came another"
            )
        if len(times) >= PER_HOUR:
            raise LimitError(
                f"unconfirmed handshakes: at most {PER_HOUR} an hour, came another"
            )

    def _forget(self, now_ms: int) -> None:
        """Drop what no rule asks for any more, so that memory stays bounded."""
        oldest = now_ms - SEEN_WINDOWS * self.window_ms
        while self._seen and next(iter(self._seen.values())) <= oldest:
            del self._seen[next(iter(self._seen))]
        self._unconfirmed = {
            identity: recent
            for identity, times in self._unconfirmed.items()
            if (
                recent := {
                    e: time for e, time in times.items() if time > now_ms - HOUR_MS
                }
            )
        }
