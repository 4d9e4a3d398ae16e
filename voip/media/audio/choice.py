"""Which state the audio stream is sent in.

Rules: it is told what the network did to earlier packets and answers with a state, so
that a change of packet size tells an observer nothing that it did not do itself.

More copies come at once when packets are lost, and go only after ten good seconds.
A path that is full is not cured by copies: then only smaller packets are allowed, and
what was too much is not tried again for a while.
"""

import math
from collections.abc import Sequence

from voip.media.audio.states import START, AudioState

START_S = 1.0
"""How long a call stays in the state that it began in: nothing is known before."""
CHANGE_S = 2.0
"""No two changes are nearer than this, whatever happens."""
CALM_S = 10.0
"""How long losses must be low before copies go."""
CALM_SHARE = 0.7
"""Low is below this part of what brought the copies."""
BARRED_S, MAX_BARRED_S = 30.0, 240.0
"""How long a rate that filled the path is not tried again; doubled each time."""

BURSTY_RUN = 1.8
"""Mean length of a run of losses from which copies stand further apart."""
_SCATTERED_FROM = (0.0, 0.04, 0.15)
_BURSTY_FROM = (0.0, 0.02, 0.08)
"""Share lost from which one, two (S1, N1 have one) and three copies are sent."""
_SCATTERED = (AudioState.N1, AudioState.N2, AudioState.N3)
_BURSTY = (AudioState.N1, AudioState.N4, AudioState.N5)
_SMALL = (AudioState.S1, AudioState.S0, AudioState.S2)

_ROOM_KBPS = {
    AudioState.N3: 130.0,
    AudioState.N5: 130.0,
    AudioState.N1: 105.0,
    AudioState.N2: 105.0,
    AudioState.N4: 105.0,
    AudioState.S1: 75.0,
    AudioState.S0: 57.0,
    AudioState.S2: 0.0,
}
"""What the path must carry for a state. N1 asks for as much as N2, so that the answer
to losses is not a lack of room."""
ROOM_AGAIN = 1.1
"""A state with more kbit/s than now needs this much more room than it did to stay, or
an estimate that wavers around a limit would change the state every two seconds."""


class Choice:
    """The state of one audio stream; times are seconds of one monotonic clock."""

    def __init__(self, now: float) -> None:
        """Begin in `START` at `now`."""
        self._state = START
        self._began = now
        self._changed = now - CHANGE_S
        self._level = 0
        self._bursty = False
        self._loss_calm = now  # since when losses would do with fewer copies
        self._run_calm = now
        self._barred_kbps = math.inf
        self._barred_until = -math.inf
        self._barred_s = BARRED_S

    @property
    def state(self) -> AudioState:
        """The state to send in now."""
        return self._state

    def update(
        self,
        *,
        lost: float,
        run: float,
        room_kbps: float | None,
        overuse: bool,
        now: float,
    ) -> AudioState:
        """Choose anew; called at each report, or oftener.

        Args:
            lost: share of our packets that did not arrive, 0 to 1: of the last 500, or
                of the last 100 where that is more and at least 3 of them are lost.
            run: mean length of a run of losses in the last 1000 packets; 0 without any.
            room_kbps: what is left for audio on the path, whole IPv4 datagrams; None
                while nobody knows.
            overuse: the queue in the path grows.
            now: seconds.
        """
        self._weigh(lost, run, now)
        if now < self._began + START_S or now < self._changed + CHANGE_S:
            return self._state
        chosen = self._best(room_kbps, overuse=overuse, now=now)
        if chosen is not self._state:
            if overuse and chosen.value.kbps < self._state.value.kbps:
                self._bar(now)
            self._state = chosen
            self._changed = now
        return chosen

    def _weigh(self, lost: float, run: float, now: float) -> None:
        """Find out how many copies the losses ask for, and how far apart."""
        if run >= BURSTY_RUN and lost >= _BURSTY_FROM[1]:
            self._bursty = True
        if run >= BURSTY_RUN * CALM_SHARE:
            self._run_calm = now
        elif now >= self._run_calm + CALM_S:
            self._bursty = False
        from_ = _BURSTY_FROM if self._bursty else _SCATTERED_FROM
        self._level = max(self._level, _reached(from_, lost))
        if lost >= from_[self._level] * CALM_SHARE:
            self._loss_calm = now
        elif now >= self._loss_calm + CALM_S:
            self._level = _reached([share * CALM_SHARE for share in from_], lost)
            self._loss_calm = now

    def _best(
        self, room_kbps: float | None, *, overuse: bool, now: float
    ) -> AudioState:
        kinds = _BURSTY if self._bursty else _SCATTERED
        # Where packets are lost N1 is not the next best: S1 sounds the same then, in
        # less room.
        wanted = kinds[self._level : 0 : -1] or kinds[:1]
        return next(
            state
            for state in (*wanted, *_SMALL)  # S2 always may
            if self._may(state, room_kbps, overuse=overuse, now=now)
        )

    def _may(
        self, state: AudioState, room_kbps: float | None, *, overuse: bool, now: float
    ) -> bool:
        current, kbps = self._state, state.value.kbps
        if state is not current:
            if overuse and kbps >= current.value.kbps:
                return False
            if now < self._barred_until and kbps >= self._barred_kbps:
                return False
        needed = _ROOM_KBPS[state]
        if needed > _ROOM_KBPS[current]:
            needed *= ROOM_AGAIN
        return room_kbps is None or room_kbps >= needed

    def _bar(self, now: float) -> None:
        """Keep away from what the state takes that is left now."""
        if now >= self._barred_until:  # else it is the same queue that still drains
            again = now < self._barred_until + MAX_BARRED_S
            self._barred_s = (
                min(2 * self._barred_s, MAX_BARRED_S) if again else BARRED_S
            )
        self._barred_kbps = self._state.value.kbps
        self._barred_until = now + self._barred_s


def _reached(shares: Sequence[float], lost: float) -> int:
    return max(level for level, share in enumerate(shares) if lost >= share)
