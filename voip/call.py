"""The call machine: what may happen when, seen from one side.

Pure: it is fed events and the time in seconds, and answers with commands. `_NEXT` is
the whole of it; an event that has no line there has no place, and changes nothing.
The caller has one leg per device it dials (at most 8), the callee has one.

The caller::

    IDLE ── Dialled ──> INVITED ── WillRing ──> CONFIRMED ── Alerted ──> ALERTED
                                                    └──── Accepted ────────┤
    ACTIVE <── FirstPacketVerified ── CONNECTING <─────────────────────────┘

The callee; nobody is rung before CONFIRM verified, but who pasted the INVITE; where a
gateway calls, not before it said whom it joins::

    IDLE ── InviteAnswered ──> ANSWERED ── Confirmed, LegsTold ──> RINGING
    CONNECTING <── Selected ── ACCEPTED <── UserAccepted ───┘

A caller who knocks has chosen, so that `Knocked` leads there as well; then `Selected`
comes later. The microphone opens once there is a way to who proved to be there, which
a connectivity check shows before the first packet does.

Both: ACTIVE ── PathLost ──> RECONNECTING ── PathRestored ──> ACTIVE, and from
everywhere to ENDED.
"""

from enum import Enum, auto
from typing import assert_never

from voip.errors import UnexpectedEventError
from voip.events import (
    Accepted,
    Alerted,
    Command,
    Confirmed,
    Dialled,
    End,
    Event,
    Finish,
    FirstPacketVerified,
    GlareLost,
    HungUp,
    InviteAnswered,
    Knocked,
    LegsTold,
    MediaLost,
    MeetCaller,
    OpenMicrophone,
    PathFound,
    PathLost,
    PathRestored,
    RestartPath,
    Ring,
    SecurityFailed,
    Selected,
    SendAccept,
    SendAlerting,
    SendConfirm,
    SendHangup,
    SendSelect,
    StartMedia,
    StartRekey,
    Superseded,
    TellUnreachable,
    TimePassed,
    Unavailable,
    UserAccepted,
    UserDeclined,
    UserHungUp,
    WillRing,
)
from voip.signalling.messages import HangupReason

INVITE_TTL_S = 60.0  # people expect a call to give up after about a minute
UNREACHABLE_S = 10.0  # after this long without RINGING we say so, and go on trying
CONFIRM_S = 15.0  # two mailbox round trips, with one resend of each
LEGS_S = 10.0  # one mailbox round trip, with two resends
SELECT_S = 10.0  # one mailbox round trip, with two resends
CONNECT_S = 15.0  # ICE with every check lost twice
RECONNECT_S = 60.0  # a lift, a tunnel, a router that starts again
BY_HAND_S = 900.0  # pasted text travels at the pace of people


class State(Enum):
    """Where a call stands."""

    IDLE = auto()
    INVITED = auto()
    CONFIRMED = auto()
    ALERTED = auto()
    ANSWERED = auto()
    RINGING = auto()
    ACCEPTED = auto()
    CONNECTING = auto()
    ACTIVE = auto()
    RECONNECTING = auto()
    ENDED = auto()


_CALLING = (State.INVITED, State.CONFIRMED, State.ALERTED)
_TALKING = (State.CONNECTING, State.ACTIVE, State.RECONNECTING)
_ALIVE = (*_CALLING, State.ANSWERED, State.RINGING, State.ACCEPTED, *_TALKING)

_NEXT: dict[tuple[State, type[Event]], State] = {
    # The caller.
    (State.IDLE, Dialled): State.INVITED,
    (State.INVITED, WillRing): State.CONFIRMED,
    (State.CONFIRMED, WillRing): State.CONFIRMED,
    (State.ALERTED, WillRing): State.ALERTED,
    (State.CONFIRMED, Alerted): State.ALERTED,
    (State.ALERTED, Alerted): State.ALERTED,
    (State.CONFIRMED, Accepted): State.CONNECTING,
    (State.ALERTED, Accepted): State.CONNECTING,
    **{(state, Unavailable): state for state in _CALLING},
    (State.INVITED, GlareLost): State.ENDED,
    # The callee.
    (State.IDLE, InviteAnswered): State.ANSWERED,
    (State.ANSWERED, Confirmed): State.RINGING,
    (State.ANSWERED, LegsTold): State.RINGING,
    (State.ACCEPTED, Confirmed): State.ACCEPTED,  # by hand: accepted beforehand
    (State.RINGING, UserAccepted): State.ACCEPTED,
    (State.ANSWERED, UserAccepted): State.ACCEPTED,  # by hand, or after glare
    (State.RINGING, UserDeclined): State.ENDED,
    (State.ACCEPTED, Selected): State.CONNECTING,
    (State.ACCEPTED, Knocked): State.CONNECTING,
    **{(state, Selected): state for state in _TALKING},  # after a knock
    # Both.
    (State.CONNECTING, PathFound): State.CONNECTING,
    (State.CONNECTING, FirstPacketVerified): State.ACTIVE,
    (State.ACTIVE, PathLost): State.RECONNECTING,
    (State.RECONNECTING, PathLost): State.RECONNECTING,  # another network has come
    (State.RECONNECTING, PathRestored): State.ACTIVE,
    **{(state, MediaLost): State.ENDED for state in (State.ACCEPTED, *_TALKING)},
    **{(state, UserHungUp): State.ENDED for state in _ALIVE},
    **{(state, HungUp): State.ENDED for state in _ALIVE},
    **{(state, SecurityFailed): State.ENDED for state in _ALIVE},
    **{(state, Superseded): State.ENDED for state in _ALIVE},
    **{(state, TimePassed): State.ENDED for state in _ALIVE},
}

_REASON_OF_SILENCE: dict[State, End] = {
    State.INVITED: End.UNREACHABLE,
    State.CONFIRMED: End.NO_ANSWER,
    State.ALERTED: End.NO_ANSWER,
    State.ANSWERED: End.UNCONFIRMED,
    State.RINGING: End.MISSED,
    State.ACCEPTED: End.LOST,
    State.CONNECTING: End.LOST,
    State.RECONNECTING: End.LOST,
}

_USER_LEFT: dict[State, End] = {
    **dict.fromkeys(_CALLING, End.CANCELLED),
    State.ANSWERED: End.UNCONFIRMED,
    **dict.fromkeys((State.RINGING, State.ACCEPTED), End.DECLINED),
    **dict.fromkeys(_TALKING, End.HUNG_UP),
}

# How a HANGUP reads while the human is being rung, where it is news about the call...
_WHILE_RINGING: dict[HangupReason, End] = {
    HangupReason.ANSWERED_ELSEWHERE: End.ANSWERED_ELSEWHERE,
    HangupReason.DECLINED_ELSEWHERE: End.DECLINED_ELSEWHERE,
    HangupReason.SECURITY: End.SECURITY,
    HangupReason.GLARE: End.GLARE,
}
# ... and in any other state.
_OTHERWISE: dict[HangupReason, End] = {
    HangupReason.DECLINED: End.DECLINED,
    HangupReason.BUSY: End.BUSY,
    HangupReason.ANSWERED_ELSEWHERE: End.ANSWERED_ELSEWHERE,
    HangupReason.DECLINED_ELSEWHERE: End.DECLINED_ELSEWHERE,
    HangupReason.TIMEOUT: End.NO_ANSWER,
    HangupReason.SECURITY: End.SECURITY,
    HangupReason.LOST: End.LOST,
    HangupReason.GLARE: End.GLARE,
}


class Call:
    """One call, seen from one side.

    `deadline` is the time at which the driver must hand in `TimePassed`, in the same
    seconds as every `now`; None while nothing is waited for.
    """

    def __init__(self) -> None:
        self.state = State.IDLE
        self.deadline: float | None = None
        self.end: End | None = None
        self._legs: list[bytes] = []  # those that could still take part
        self._losers: set[bytes] = set()  # those another device was chosen over
        self._confirmed: set[bytes] = set()
        self._give_up: float | None = None  # when a caller stops waiting
        self._by_hand = False
        self._auto_accept = False
        self._awaits_legs = False
        self._awaits_selection = False
        self._is_open = False
        self._ring_s = INVITE_TTL_S
        self._last_refusal = End.NO_ANSWER

    def receive(self, event: Event, now: float) -> list[Command]:
        """Take one event and say what is to be done about it.

        Raises:
            UnexpectedEventError: nothing changed; the event has no place here.
        """
        to = _NEXT.get((self.state, type(event)))
        leg = getattr(event, "leg", None)
        if leg in self._losers:
            return self._answer_loser(event)
        stranger = self._legs and leg is not None and leg not in self._legs
        if to is None or stranger:
            raise UnexpectedEventError(
                f"{type(event).__name__} while {self.state.name.lower()}"
            )
        return self._handle(event, to, now)

    def _handle(  # noqa: C901, PLR0911, PLR0912 -- one line per event, by type
        self, event: Event, to: State, now: float
    ) -> list[Command]:
        match event:
            case Dialled():
                return self._dialled(event, to, now)
            case WillRing():
                return self._will_ring(event, to)
            case Unavailable():
                return self._without(event.leg, event.end)
            case Alerted():
                return self._alerted(event, to)
            case Accepted():
                return self._accepted(event, to, now)
            case GlareLost():
                return self._finish(End.GLARE)
            case InviteAnswered():
                return self._invite_answered(event, to, now)
            case Confirmed():
                return self._was_confirmed(event, to, now)
            case LegsTold():
                return self._legs_told(event, to, now)
            case UserAccepted():
                return self._user_accepted(to, now)
            case UserDeclined():
                return self._user_declined()
            case Selected():
                return self._selected(event, to, now)
            case Knocked():
                return self._knocked(event, to, now)
            case PathFound():
                return self._go(to, self.deadline, *self._open_microphone())
            case FirstPacketVerified():
                return self._go(to, None, *self._open_microphone())
            case PathLost():
                return self._path_lost(to, now)
            case PathRestored():
                return self._go(to, None, StartRekey())
            case MediaLost():
                told = self._hang_up_all(HangupReason.LOST)
                return [*told, *self._finish(End.LOST)]
            case UserHungUp():
                return self._user_hung_up()
            case HungUp():
                return self._hung_up(event)
            case SecurityFailed():
                return self._security_failed(event)
            case Superseded():
                return self._finish(End.SUPERSEDED)
            case TimePassed():
                return self._time_passed(now)
            case _:
                assert_never(event)

    # The caller's side.

    def _dialled(self, event: Dialled, to: State, now: float) -> list[Command]:
        self._legs = list(event.legs)
        self._by_hand = event.by_hand
        self._give_up = now + (BY_HAND_S if event.by_hand else INVITE_TTL_S)
        first_word = self._give_up if event.by_hand else now + UNREACHABLE_S
        return self._go(to, first_word)

    def _will_ring(self, event: WillRing, to: State) -> list[Command]:
        if event.leg in self._confirmed:
            raise UnexpectedEventError("WillRing twice from one device")
        self._confirmed.add(event.leg)
        return self._go(to, self._give_up, SendConfirm(event.leg))

    def _alerted(self, event: Alerted, to: State) -> list[Command]:
        self._require_confirmed(event)
        return self._go(to, self._give_up)

    def _accepted(self, event: Accepted, to: State, now: float) -> list[Command]:
        self._require_confirmed(event)
        self._losers = {leg for leg in self._legs if leg != event.leg}
        self._legs = [event.leg]
        return self._go(
            to,
            now + (BY_HAND_S if self._by_hand else CONNECT_S),
            SendSelect(event.leg, event.media),
            *(
                SendHangup(leg, HangupReason.ANSWERED_ELSEWHERE)
                for leg in sorted(self._losers & self._confirmed)
            ),
            StartMedia(event.leg, event.media),
        )

    def _answer_loser(self, event: Event) -> list[Command]:
        """A device that accepts, or wakes up, after another one was chosen."""
        match event:
            case Accepted(leg) | WillRing(leg):
                return [SendHangup(leg, HangupReason.ANSWERED_ELSEWHERE)]
            case _:
                return []

    # The callee's side.

    def _invite_answered(
        self, event: InviteAnswered, to: State, now: float
    ) -> list[Command]:
        self._legs = [event.leg]
        self._by_hand = event.by_hand
        self._auto_accept = event.auto_accept
        self._ring_s = event.ring_s
        self._awaits_legs = event.legs_follow
        if not event.by_hand or event.legs_follow:
            return self._go(to, now + CONFIRM_S)
        # Whoever pasted the INVITE waits for it, so ringing disturbs nobody.
        return self._go(to, now + BY_HAND_S, Ring())

    def _was_confirmed(self, event: Confirmed, to: State, now: float) -> list[Command]:
        self._confirmed.add(event.leg)
        if self._awaits_legs:
            return self._go(State.ANSWERED, now + LEGS_S)
        alerting = SendAlerting(event.leg)
        if self.state is State.ACCEPTED:
            return [alerting]
        if self._auto_accept:
            return self._go(
                State.ACCEPTED, now + SELECT_S, alerting, SendAccept(event.leg)
            )
        return self._go(to, now + self._ring_s, alerting, Ring())

    def _legs_told(self, event: LegsTold, to: State, now: float) -> list[Command]:
        self._require_confirmed(event)
        # Who dialled the same person agreed to that person, and to no leg of theirs: so
        # this rings, even if both dialled at once.
        return self._go(to, now + self._ring_s, SendAlerting(event.leg), Ring())

    def _user_accepted(self, to: State, now: float) -> list[Command]:
        blind = self._awaits_legs or not self._by_hand
        if self.state is State.ANSWERED and blind:
            # Nothing of ours, not even an address, goes to a caller who has not
            # confirmed. By hand the ACCEPT is sealed to the one the user chose.
            raise UnexpectedEventError("UserAccepted before CONFIRM")
        wait_s = BY_HAND_S if self._by_hand else SELECT_S
        return self._go(to, now + wait_s, SendAccept(self._legs[0]))

    def _user_declined(self) -> list[Command]:
        return [
            SendHangup(self._legs[0], HangupReason.DECLINED),
            *self._finish(End.DECLINED),
        ]

    def _knocked(self, event: Knocked, to: State, now: float) -> list[Command]:
        self._require_confirmed(event)
        self._awaits_selection = True
        return self._go(to, now + CONNECT_S, MeetCaller(event.leg))

    def _selected(self, event: Selected, to: State, now: float) -> list[Command]:
        self._require_confirmed(event)
        deadline: float | None = now + CONNECT_S
        if self.state is not State.ACCEPTED:
            if not self._awaits_selection:
                raise UnexpectedEventError(f"Selected while {to.name.lower()}")
            self._awaits_selection, deadline = False, self.deadline
        return self._go(to, deadline, StartMedia(event.leg, event.media))

    # Both sides.

    def _open_microphone(self) -> list[Command]:
        was_open, self._is_open = self._is_open, True
        return [] if was_open else [OpenMicrophone()]

    def _path_lost(self, to: State, now: float) -> list[Command]:
        if self.state is State.ACTIVE:
            return self._go(to, now + RECONNECT_S, RestartPath())
        # By hand one search at a time: each has to be pasted, and answered.
        again = () if self._by_hand else (RestartPath(),)
        return self._go(to, self.deadline, *again)

    def _user_hung_up(self) -> list[Command]:
        end = _USER_LEFT[self.state]
        return [*self._hang_up_all(HangupReason.NORMAL), *self._finish(end)]

    def _hung_up(self, event: HungUp) -> list[Command]:
        if self.state in _CALLING:
            return self._refused(event)
        ringing = self.state in (State.ANSWERED, State.RINGING)
        if ringing:
            # The caller gave up: the user has missed it, whatever the reason was.
            return self._finish(_WHILE_RINGING.get(event.reason, End.MISSED))
        return self._finish(_OTHERWISE.get(event.reason, End.HUNG_UP))

    def _refused(self, event: HungUp) -> list[Command]:
        end = _OTHERWISE.get(event.reason, End.HUNG_UP)
        if event.reason is not HangupReason.DECLINED:
            return self._without(event.leg, end)
        # One device's human said no for all of them.
        self._legs.remove(event.leg)
        return [
            *self._hang_up_all(HangupReason.DECLINED_ELSEWHERE),
            *self._finish(End.DECLINED),
        ]

    def _security_failed(self, event: SecurityFailed) -> list[Command]:
        told = SendHangup(event.leg, HangupReason.SECURITY)
        if self.state in _CALLING and len(self._legs) > 1:
            # One device, or one man in the middle, must not silence the others.
            return [told, *self._without(event.leg, End.SECURITY)]
        return [told, *self._finish(End.SECURITY)]

    def _time_passed(self, now: float) -> list[Command]:
        if self.deadline is None or now < self.deadline:
            return []
        if (
            self.state is State.INVITED
            and self._give_up is not None
            and now < self._give_up
        ):
            return self._go(self.state, self._give_up, TellUnreachable())
        reason = HangupReason.TIMEOUT if self.state in _CALLING else HangupReason.LOST
        silent = self.state in (State.ANSWERED, State.RINGING)
        end = _REASON_OF_SILENCE[self.state]
        if end is End.UNREACHABLE and self._last_refusal is not End.NO_ANSWER:
            end = self._last_refusal
        told = [] if silent else self._hang_up_all(reason)
        return [*told, *self._finish(end)]

    # Steps shared by the handlers.

    def _go(
        self, state: State, deadline: float | None, *commands: Command
    ) -> list[Command]:
        self.state = state
        self.deadline = deadline
        return list(commands)

    def _finish(self, end: End) -> list[Command]:
        self.end = end
        return self._go(State.ENDED, None, Finish(end))

    def _without(self, leg: bytes, end: End) -> list[Command]:
        self._legs.remove(leg)
        self._last_refusal = end
        if not self._legs:
            return self._finish(end)
        return []

    def _hang_up_all(self, reason: HangupReason) -> list[Command]:
        """Tell every device that could be waiting.

        A leg without keys cannot be told anything; its INVITE expires by itself.
        """
        return [SendHangup(leg, reason) for leg in self._legs if leg in self._confirmed]

    def _require_confirmed(
        self, event: Alerted | Accepted | LegsTold | Selected | Knocked
    ) -> None:
        if event.leg not in self._confirmed:
            raise UnexpectedEventError(f"{type(event).__name__} before CONFIRM")
