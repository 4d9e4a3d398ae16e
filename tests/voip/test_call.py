"""The call machine, read as the protocol's two tables and its attacks."""

import pytest

from voip.call import (
    _NEXT,
    BY_HAND_S,
    CONFIRM_S,
    CONNECT_S,
    INVITE_TTL_S,
    LEGS_S,
    RECONNECT_S,
    SELECT_S,
    UNREACHABLE_S,
    Call,
    State,
)
from voip.description import Description
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

A, B, C = b"A" * 16, b"B" * 16, b"C" * 16
MEDIA = Description(ufrag="abcd", pwd="p" * 22, streams=(), candidates=())

Step = tuple[Event, list[Command], State]

DIALLED: Step = (Dialled((A, B)), [], State.INVITED)
A_RINGS: list[Step] = [
    DIALLED,
    (WillRing(A), [SendConfirm(A)], State.CONFIRMED),
    (WillRing(B), [SendConfirm(B)], State.CONFIRMED),
    (Alerted(A), [], State.ALERTED),
    (Alerted(B), [], State.ALERTED),
]
A_HAS_IT: list[Step] = [
    *A_RINGS,
    (
        Accepted(A, MEDIA),
        [
            SendSelect(A, MEDIA),
            SendHangup(B, HangupReason.ANSWERED_ELSEWHERE),
            StartMedia(A, MEDIA),
        ],
        State.CONNECTING,
    ),
]
TALKING: list[Step] = [
    *A_HAS_IT,
    (FirstPacketVerified(), [OpenMicrophone()], State.ACTIVE),
]
ANSWERED: list[Step] = [(InviteAnswered(leg=A, ring_s=40.0), [], State.ANSWERED)]
RINGING: list[Step] = [
    *ANSWERED,
    (Confirmed(A), [SendAlerting(A), Ring()], State.RINGING),
]
ACCEPTED: list[Step] = [
    *RINGING,
    (UserAccepted(), [SendAccept(A)], State.ACCEPTED),
]
MEETING: list[Step] = [
    *ACCEPTED,
    (Knocked(A), [MeetCaller(A)], State.CONNECTING),
]


SELECTED: Step = (Selected(A, MEDIA), [StartMedia(A, MEDIA)], State.CONNECTING)


def play(steps: list[Step], *, at: float = 0.0) -> Call:
    call = Call()
    for event, commands, state in steps:
        assert call.receive(event, at) == commands, event
        assert call.state is state, event
    return call


def over(end: End, *before: Command) -> list[Command]:
    return [*before, Finish(end)]


@pytest.mark.parametrize(
    ("steps", "event", "commands", "state"),
    [
        # The caller.
        ([DIALLED], UserHungUp(), over(End.CANCELLED), State.ENDED),
        ([DIALLED], Unavailable(A, End.BUSY), [], State.INVITED),
        (
            [DIALLED, (Unavailable(A, End.BUSY), [], State.INVITED)],
            Unavailable(B, End.BUSY),
            over(End.BUSY),
            State.ENDED,
        ),
        ([DIALLED], GlareLost(), over(End.GLARE), State.ENDED),
        (
            A_RINGS,
            HungUp(A, HangupReason.DECLINED),
            over(End.DECLINED, SendHangup(B, HangupReason.DECLINED_ELSEWHERE)),
            State.ENDED,
        ),
        (A_RINGS, HungUp(A, HangupReason.BUSY), [], State.ALERTED),
        (A_RINGS, HungUp(A, HangupReason.NORMAL), [], State.ALERTED),
        (
            A_RINGS,
            UserHungUp(),
            over(
                End.CANCELLED,
                SendHangup(A, HangupReason.NORMAL),
                SendHangup(B, HangupReason.NORMAL),
            ),
            State.ENDED,
        ),
        (
            A_RINGS,
            SecurityFailed(A),
            [SendHangup(A, HangupReason.SECURITY)],
            State.ALERTED,
        ),
        (
            A_HAS_IT,
            Accepted(B, MEDIA),
            [SendHangup(B, HangupReason.ANSWERED_ELSEWHERE)],
            State.CONNECTING,
        ),
        (A_HAS_IT, HungUp(B, HangupReason.NORMAL), [], State.CONNECTING),
        (
            TALKING,
            WillRing(B),
            [SendHangup(B, HangupReason.ANSWERED_ELSEWHERE)],
            State.ACTIVE,
        ),
        # The callee.
        (ANSWERED, UserHungUp(), over(End.UNCONFIRMED), State.ENDED),
        (
            ANSWERED,
            HungUp(A, HangupReason.ANSWERED_ELSEWHERE),
            over(End.ANSWERED_ELSEWHERE),
            State.ENDED,
        ),
        (ANSWERED, HungUp(A, HangupReason.NORMAL), over(End.MISSED), State.ENDED),
        (
            RINGING,
            UserDeclined(),
            over(End.DECLINED, SendHangup(A, HangupReason.DECLINED)),
            State.ENDED,
        ),
        (
            RINGING,
            HungUp(A, HangupReason.ANSWERED_ELSEWHERE),
            over(End.ANSWERED_ELSEWHERE),
            State.ENDED,
        ),
        (
            RINGING,
            HungUp(A, HangupReason.DECLINED_ELSEWHERE),
            over(End.DECLINED_ELSEWHERE),
            State.ENDED,
        ),
        (RINGING, HungUp(A, HangupReason.TIMEOUT), over(End.MISSED), State.ENDED),
        (RINGING, Superseded(), over(End.SUPERSEDED), State.ENDED),
        (
            RINGING,
            UserHungUp(),
            over(End.DECLINED, SendHangup(A, HangupReason.NORMAL)),
            State.ENDED,
        ),
        (
            ACCEPTED,
            HungUp(A, HangupReason.ANSWERED_ELSEWHERE),
            over(End.ANSWERED_ELSEWHERE),
            State.ENDED,
        ),
        (ACCEPTED, Selected(A, MEDIA), [StartMedia(A, MEDIA)], State.CONNECTING),
        (MEETING, Selected(A, MEDIA), [StartMedia(A, MEDIA)], State.CONNECTING),
        (
            [*MEETING, (FirstPacketVerified(), [OpenMicrophone()], State.ACTIVE)],
            Selected(A, MEDIA),
            [StartMedia(A, MEDIA)],
            State.ACTIVE,
        ),
        (
            MEETING,
            HungUp(A, HangupReason.ANSWERED_ELSEWHERE),
            over(End.ANSWERED_ELSEWHERE),
            State.ENDED,
        ),
        # Both.
        (A_HAS_IT, PathFound(), [OpenMicrophone()], State.CONNECTING),
        (
            [*MEETING, (PathFound(), [OpenMicrophone()], State.CONNECTING)],
            FirstPacketVerified(),
            [],
            State.ACTIVE,
        ),
        (TALKING, PathLost(), [RestartPath()], State.RECONNECTING),
        (
            [*TALKING, (PathLost(), [RestartPath()], State.RECONNECTING)],
            PathRestored(),
            [StartRekey()],
            State.ACTIVE,
        ),
        (
            TALKING,
            UserHungUp(),
            over(End.HUNG_UP, SendHangup(A, HangupReason.NORMAL)),
            State.ENDED,
        ),
        (
            ACCEPTED,
            MediaLost(),
            over(End.LOST, SendHangup(A, HangupReason.LOST)),
            State.ENDED,
        ),
        (
            A_HAS_IT,
            MediaLost(),
            over(End.LOST, SendHangup(A, HangupReason.LOST)),
            State.ENDED,
        ),
        (TALKING, HungUp(A, HangupReason.NORMAL), over(End.HUNG_UP), State.ENDED),
        (TALKING, HungUp(A, HangupReason.LOST), over(End.LOST), State.ENDED),
        (
            TALKING,
            SecurityFailed(A),
            over(End.SECURITY, SendHangup(A, HangupReason.SECURITY)),
            State.ENDED,
        ),
    ],
)
def test_each_line_of_the_tables_holds(
    steps: list[Step], event: Event, commands: list[Command], state: State
) -> None:
    call = play(steps)

    assert call.receive(event, 0.0) == commands
    assert call.state is state


@pytest.mark.parametrize(
    ("steps", "wait_s", "commands"),
    [
        ([DIALLED], INVITE_TTL_S, over(End.UNREACHABLE)),
        (
            A_RINGS,
            INVITE_TTL_S,
            over(
                End.NO_ANSWER,
                SendHangup(A, HangupReason.TIMEOUT),
                SendHangup(B, HangupReason.TIMEOUT),
            ),
        ),
        (
            A_HAS_IT,
            CONNECT_S,
            over(End.LOST, SendHangup(A, HangupReason.LOST)),
        ),
        (ANSWERED, CONFIRM_S, over(End.UNCONFIRMED)),
        (RINGING, 40.0, over(End.MISSED)),
        (ACCEPTED, SELECT_S, over(End.LOST, SendHangup(A, HangupReason.LOST))),
        (MEETING, CONNECT_S, over(End.LOST, SendHangup(A, HangupReason.LOST))),
        (
            [*MEETING, (PathFound(), [OpenMicrophone()], State.CONNECTING)],
            CONNECT_S,
            over(End.LOST, SendHangup(A, HangupReason.LOST)),
        ),
        (
            [*TALKING, (PathLost(), [RestartPath()], State.RECONNECTING)],
            RECONNECT_S,
            over(End.LOST, SendHangup(A, HangupReason.LOST)),
        ),
    ],
)
def test_silence_ends_every_waiting_state(
    steps: list[Step], wait_s: float, commands: list[Command]
) -> None:
    call = play(steps, at=100.0)

    assert call.receive(TimePassed(), 100.0 + wait_s - 0.01) in (
        [],
        [TellUnreachable()],
    )
    assert call.receive(TimePassed(), 100.0 + wait_s) == commands
    assert call.deadline is None


def test_nobody_answering_is_said_once_and_the_call_goes_on() -> None:
    call = play([DIALLED])

    assert call.deadline == UNREACHABLE_S
    assert call.receive(TimePassed(), UNREACHABLE_S) == [TellUnreachable()]
    assert call.state is State.INVITED
    assert call.deadline == INVITE_TTL_S


def test_one_refusal_and_silence_reads_as_the_refusal() -> None:
    call = play([DIALLED])
    call.receive(Unavailable(A, End.BUSY), 0.0)

    assert call.receive(TimePassed(), INVITE_TTL_S) == over(End.BUSY)


def test_an_active_call_waits_for_nothing() -> None:
    call = play(TALKING)

    assert call.deadline is None
    assert call.receive(TimePassed(), 1e9) == []


def test_another_network_is_tried_while_reconnecting_and_buys_no_time() -> None:
    call = play([*TALKING, (PathLost(), [RestartPath()], State.RECONNECTING)])
    deadline = call.deadline
    commands = call.receive(PathLost(), RECONNECT_S - 1)

    assert (commands, call.deadline) == ([RestartPath()], deadline)


def test_glare_is_accepted_only_after_confirm() -> None:
    call = play(
        [(InviteAnswered(leg=A, ring_s=60, auto_accept=True), [], State.ANSWERED)]
    )

    assert call.receive(Confirmed(A), 0.0) == [SendAlerting(A), SendAccept(A)]
    assert call.state is State.ACCEPTED


GATEWAY: list[Step] = [
    (InviteAnswered(leg=A, ring_s=40.0, legs_follow=True), [], State.ANSWERED),
    (Confirmed(A), [], State.ANSWERED),
]


def test_a_gateway_rings_once_it_said_whom_it_joins() -> None:
    call = play(
        [*GATEWAY, (LegsTold(A), [SendAlerting(A), Ring()], State.RINGING)], at=5.0
    )

    assert call.deadline == 5.0 + 40.0


def test_a_gateway_that_says_nothing_is_missed_after_10_s() -> None:
    call = play(GATEWAY)

    assert call.deadline == LEGS_S
    assert call.receive(TimePassed(), LEGS_S) == over(End.UNCONFIRMED)


@pytest.mark.parametrize("by_hand", [False, True])
def test_nobody_accepts_a_gateway_before_it_said_whom_it_joins(
    *, by_hand: bool
) -> None:
    call = Call()
    asked = InviteAnswered(leg=A, ring_s=40.0, legs_follow=True, by_hand=by_hand)
    call.receive(asked, 0.0)
    call.receive(Confirmed(A), 0.0)

    with pytest.raises(UnexpectedEventError, match="UserAccepted before"):
        call.receive(UserAccepted(), 1.0)


def test_glare_with_a_gateway_rings_all_the_same() -> None:
    call = Call()
    both = InviteAnswered(leg=A, ring_s=40.0, legs_follow=True, auto_accept=True)
    call.receive(both, 0.0)
    call.receive(Confirmed(A), 0.0)

    assert call.receive(LegsTold(A), 0.0) == [SendAlerting(A), Ring()]


def test_by_hand_accepts_before_confirm_and_waits_for_people() -> None:
    call = play(
        [
            (InviteAnswered(leg=A, ring_s=60, by_hand=True), [Ring()], State.ANSWERED),
            (UserAccepted(), [SendAccept(A)], State.ACCEPTED),
            (Confirmed(A), [SendAlerting(A)], State.ACCEPTED),
            (Selected(A, MEDIA), [StartMedia(A, MEDIA)], State.CONNECTING),
        ]
    )

    assert call.state is State.CONNECTING


def test_a_caller_by_hand_waits_for_people() -> None:
    call = Call()
    call.receive(Dialled((A,), by_hand=True), 0.0)
    call.receive(WillRing(A), 1.0)
    call.receive(Accepted(A, MEDIA), 2.0)

    assert call.deadline == 2.0 + BY_HAND_S


def test_by_hand_one_search_for_a_path_is_enough() -> None:
    call = Call()
    for event in (Dialled((A,), by_hand=True), WillRing(A), Accepted(A, MEDIA)):
        call.receive(event, 0.0)
    call.receive(FirstPacketVerified(), 0.0)
    searches = [call.receive(PathLost(), now) for now in (10.0, 18.0)]

    assert searches == [[RestartPath()], []]


@pytest.mark.parametrize(
    ("steps", "event"),
    [
        (ANSWERED, UserAccepted()),  # nothing is sent to an unconfirmed caller
        ([DIALLED, (WillRing(A), [SendConfirm(A)], State.CONFIRMED)], WillRing(A)),
        ([DIALLED, (WillRing(A), [SendConfirm(A)], State.CONFIRMED)], Alerted(B)),
        (
            [DIALLED, (WillRing(A), [SendConfirm(A)], State.CONFIRMED)],
            Accepted(B, MEDIA),
        ),
        ([DIALLED], Alerted(C)),  # a device nobody dialled
        ([DIALLED], Alerted(A)),
        ([], UserAccepted()),
        (RINGING, Knocked(A)),  # nobody accepted yet
        (A_HAS_IT, Selected(A, MEDIA)),  # the caller selects
        ([*ACCEPTED, SELECTED], Selected(A, MEDIA)),
        ([*ACCEPTED, SELECTED], Knocked(A)),
        ([*MEETING, SELECTED], Selected(A, MEDIA)),  # a second selection
    ],
)
def test_an_event_out_of_place_changes_nothing(steps: list[Step], event: Event) -> None:
    call = play(steps)
    state, deadline = call.state, call.deadline

    with pytest.raises(UnexpectedEventError):
        call.receive(event, 5.0)
    assert (call.state, call.deadline) == (state, deadline)


@pytest.mark.parametrize("event", [Selected(A, MEDIA), Knocked(A)], ids=repr)
def test_who_has_not_confirmed_gets_no_media_even_by_hand(event: Event) -> None:
    call = Call()
    call.receive(InviteAnswered(leg=A, ring_s=60, by_hand=True), 0.0)
    call.receive(UserAccepted(), 0.0)

    with pytest.raises(UnexpectedEventError, match="before CONFIRM"):
        call.receive(event, 0.0)


EVENTS: list[Event] = [
    Dialled((A, B)),
    InviteAnswered(leg=A, ring_s=30),
    InviteAnswered(leg=A, ring_s=30, legs_follow=True),
    *(LegsTold(leg) for leg in (A, B)),
    *(WillRing(leg) for leg in (A, B)),
    *(Alerted(leg) for leg in (A, B)),
    *(Confirmed(leg) for leg in (A, B)),
    *(SecurityFailed(leg) for leg in (A, B)),
    Unavailable(A, End.BUSY),
    Accepted(A, MEDIA),
    Accepted(B, MEDIA),
    Selected(A, MEDIA),
    *(Knocked(leg) for leg in (A, B)),
    PathFound(),
    UserAccepted(),
    UserDeclined(),
    UserHungUp(),
    *(HungUp(A, reason) for reason in HangupReason),
    HungUp(B, HangupReason.DECLINED),
    FirstPacketVerified(),
    PathLost(),
    PathRestored(),
    MediaLost(),
    GlareLost(),
    Superseded(),
    TimePassed(),
]


def test_no_sequence_rings_without_confirm_and_every_path_can_end() -> None:
    """Walk every reachable state with every event, from both ends."""
    reached: set[tuple[State, type[Event]]] = set()
    frontier: list[tuple[Event, ...]] = [()]
    seen: set[tuple[object, ...]] = set()
    while frontier:
        trace = frontier.pop()
        for event in EVENTS:
            call = Call()
            commands: list[Command] = []
            before = call.state
            try:
                for step in (*trace, event):
                    before = call.state
                    commands = call.receive(step, call.deadline or 0.0)
            except UnexpectedEventError:
                continue
            reached.add((before, type(event)))
            if Ring() in commands:
                assert Confirmed(A) in (*trace, event)
                assert LegsTold(A) in (*trace, event) or not call._awaits_legs
            if OpenMicrophone() in commands:
                # Somebody accepted, was chosen, and proved to be there, on the path.
                chosen = {type(each) for each in (*trace, event)}
                assert chosen & {Accepted, UserAccepted}
                assert chosen & {Accepted, Selected, Knocked}
                assert chosen & {PathFound, FirstPacketVerified}
            if call.state is State.ENDED:
                assert call.deadline is None
                assert Finish(call.end or End.LOST) in commands
                continue
            key = (
                call.state,
                tuple(call._legs),
                frozenset(call._confirmed),
                frozenset(call._losers),
                call.deadline is None,
                call._auto_accept,
                call._awaits_legs,
                call._awaits_selection,
                call._is_open,
            )
            if key not in seen:
                seen.add(key)
                frontier.append((*trace, event))

    assert set(_NEXT) <= reached | {
        (State.ANSWERED, UserAccepted),
        (State.ACCEPTED, Confirmed),
    }
