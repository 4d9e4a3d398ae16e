"""Who has shown which leg: nothing passes to a peer that has not."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voip.errors import LimitError, MalformedError, UnexpectedEventError
from voip.gateway.roll import (
    ANSWER_S,
    MAX_ID,
    Command,
    DropLeg,
    LosePeer,
    OpenLeg,
    OpenPeer,
    Roll,
    ShutLeg,
    ShutPeer,
    Tell,
)
from voip.signalling.legs import (
    LegEnd,
    LegKind,
    LegReason,
    Legs,
    LegsAck,
    LegStage,
    ListedLeg,
    Mark,
    Shown,
)

GUEST = ListedLeg(1, LegKind.BROWSER, mark=Mark.BROWSER_GUEST, host="talk.example")


def shown(version: int) -> LegsAck:
    return LegsAck(version, Shown.SHOWN)


def refused(version: int) -> LegsAck:
    return LegsAck(version, Shown.REFUSED)


def listed(roll: Roll) -> ListedLeg:
    leg = roll.leg(1)
    assert leg is not None
    return leg


def with_guest() -> Roll:
    """Bob is told, and has shown the list in which the guest has joined."""
    roll = Roll()
    roll.add_peer("bob")
    roll.want(GUEST, 0.0)
    roll.acknowledged("bob", shown(roll.legs.version))
    roll.acknowledged("bob", shown(roll.legs.version))
    return roll


def test_a_leg_joins_once_the_peer_has_shown_it() -> None:
    roll = Roll()
    roll.add_peer("bob")
    _, announced = roll.want(GUEST, 0.0)
    joined = roll.acknowledged("bob", shown(2))

    leg = replace(GUEST, stage=LegStage.JOINED)
    assert announced == [Tell("bob", Legs(2, (GUEST,)))]
    assert joined == [Tell("bob", Legs(3, (leg,))), OpenLeg(1)]


def test_a_leg_joins_at_once_where_nobody_is_to_be_told() -> None:
    _, commands = Roll().want(GUEST, 0.0)

    assert commands == [OpenLeg(1)]


def test_a_peer_who_comes_later_hears_nothing_before_it_has_shown_the_list() -> None:
    roll = Roll()
    roll.want(GUEST, 0.0)
    told = roll.add_peer("bob")
    opened = roll.acknowledged("bob", shown(roll.legs.version))

    assert told == [Tell("bob", roll.legs)]
    assert opened == [OpenPeer("bob")]


def test_a_peer_without_legs_is_heard_at_once() -> None:
    assert Roll().add_peer("bob") == [Tell("bob", Legs(1)), OpenPeer("bob")]


def test_a_leg_waits_for_the_slowest_peer() -> None:
    roll = Roll()
    roll.add_peer("bob")
    roll.add_peer("carol")
    roll.want(GUEST, 0.0)

    assert roll.acknowledged("bob", shown(2)) == []
    assert OpenLeg(1) in roll.acknowledged("carol", shown(2))


def test_a_leg_joins_when_the_one_it_waited_for_leaves() -> None:
    roll = Roll()
    roll.add_peer("bob")
    roll.want(GUEST, 0.0)

    assert roll.drop_peer("bob") == [ShutPeer("bob"), OpenLeg(1)]


def test_a_leg_that_somebody_refuses_is_dropped() -> None:
    roll = Roll()
    roll.add_peer("bob")
    roll.want(GUEST, 0.0)
    commands = roll.acknowledged("bob", refused(2))

    assert commands == [
        DropLeg(1, LegReason.REFUSED_BY_PEER),
        Tell("bob", LegEnd(1, LegReason.REFUSED_BY_PEER)),
        ShutPeer("bob"),
        Tell("bob", Legs(3)),
    ]


def test_whoever_refused_is_heard_again_once_it_has_shown_the_list_without() -> None:
    roll = Roll()
    roll.add_peer("bob")
    roll.want(GUEST, 0.0)
    roll.acknowledged("bob", refused(2))

    assert roll.acknowledged("bob", shown(3)) == [OpenPeer("bob")]


def test_nobody_answers_for_30_s_and_the_leg_is_dropped() -> None:
    roll = Roll()
    roll.add_peer("bob")
    roll.want(GUEST, 5.0)

    assert roll.deadline == 5.0 + ANSWER_S
    assert roll.pass_time(34.9) == []
    assert DropLeg(1, LegReason.REFUSED_BY_PEER) in roll.pass_time(35.0)
    assert roll.deadline is None


def test_a_leg_that_gets_weaker_is_shut_before_anybody_is_told() -> None:
    roll = with_guest()
    weaker = replace(listed(roll), mark=Mark.NOT_ENCRYPTED)
    commands = roll.change(weaker, 1.0)

    announced = replace(weaker, stage=LegStage.ANNOUNCED)
    assert commands == [
        ShutLeg(1),
        Tell("bob", Legs(roll.legs.version, (announced,))),
    ]


def test_a_leg_that_got_weaker_opens_when_that_was_shown() -> None:
    roll = with_guest()
    roll.change(replace(listed(roll), mark=Mark.NOT_ENCRYPTED), 1.0)

    assert OpenLeg(1) in roll.acknowledged("bob", shown(roll.legs.version))


def test_a_leg_that_gets_stronger_goes_on() -> None:
    roll = with_guest()
    stronger = replace(listed(roll), words_matched=True)

    assert roll.change(stronger, 1.0) == [Tell("bob", Legs(4, (stronger,)))]


def test_a_leg_on_hold_is_listed_so() -> None:
    roll = with_guest()
    held = replace(listed(roll), stage=LegStage.HELD)

    assert roll.change(held, 1.0) == [Tell("bob", Legs(4, (held,)))]


def test_a_leg_that_is_announced_cannot_be_listed_as_joined() -> None:
    roll = Roll()
    roll.add_peer("bob")
    roll.want(GUEST, 0.0)

    assert roll.change(replace(GUEST, stage=LegStage.JOINED), 1.0) == []


def test_a_leg_that_gets_weaker_while_announced_has_its_time_again() -> None:
    roll = Roll()
    roll.add_peer("bob")
    roll.want(GUEST, 0.0)
    roll.change(replace(GUEST, host="other.example"), 9.0)

    assert roll.deadline == 9.0 + ANSWER_S


def test_an_end_is_told_with_its_reason() -> None:
    roll = with_guest()
    ended = LegEnd(1, LegReason.BUSY, status=486, text="Busy Here")

    assert roll.end(ended) == [
        ShutLeg(1),
        Tell("bob", ended),
        Tell("bob", Legs(4)),
    ]
    assert roll.end(ended) == []
    assert roll.leg(1) is None


def test_who_refuses_what_others_hear_is_lost_once() -> None:
    roll = with_guest()
    roll.add_peer("carol")
    version = roll.legs.version

    assert roll.acknowledged("carol", refused(version)) == [LosePeer("carol")]
    assert roll.acknowledged("carol", refused(version)) == []
    assert roll.acknowledged("carol", shown(version)) == [OpenPeer("carol")]


def test_a_peer_that_takes_its_agreement_back_is_shut() -> None:
    roll = with_guest()

    assert roll.acknowledged("bob", refused(roll.legs.version)) == [
        ShutPeer("bob"),
        LosePeer("bob"),
    ]


def test_one_who_is_gone_says_nothing() -> None:
    roll = Roll()
    roll.add_peer("bob")
    roll.drop_peer("bob")

    assert roll.acknowledged("bob", shown(9)) == []
    assert roll.drop_peer("bob") == []


def test_a_peer_who_was_shut_leaves_without_a_word() -> None:
    roll = Roll()
    roll.want(GUEST, 0.0)
    roll.add_peer("bob")

    assert roll.drop_peer("bob") == []


def test_a_name_is_taken_once() -> None:
    roll = Roll()
    roll.add_peer("bob")

    with pytest.raises(UnexpectedEventError, match="'bob' is told already"):
        roll.add_peer("bob")


def test_a_leg_that_is_over_cannot_change() -> None:
    with pytest.raises(UnexpectedEventError, match="leg 1 is over"):
        Roll().change(GUEST, 0.0)


def test_an_answer_to_a_list_that_was_never_sent_is_malformed() -> None:
    roll = Roll()
    roll.add_peer("bob")

    with pytest.raises(MalformedError, match="version 2 of at most 1"):
        roll.acknowledged("bob", shown(2))


def test_nine_legs_are_too_many() -> None:
    roll = Roll()
    for _ in range(8):
        roll.want(GUEST, 0.0)

    with pytest.raises(LimitError, match="8 legs in one call"):
        roll.want(GUEST, 0.0)


def test_a_number_is_used_once() -> None:
    roll = Roll()
    for number in range(1, MAX_ID + 1):
        assert roll.want(GUEST, 0.0)[0] == number
        roll.end(LegEnd(number, LegReason.NORMAL))

    with pytest.raises(LimitError, match="no number is left"):
        roll.want(GUEST, 0.0)


@dataclass
class Outside:
    """What a gateway does, and a peer's own account of what it has shown."""

    open_legs: set[int] = field(default_factory=set)
    open_peers: set[str] = field(default_factory=set)
    sent: dict[str, list[Legs]] = field(default_factory=dict)
    agreed: dict[str, dict[int, ListedLeg]] = field(default_factory=dict)
    refusing: dict[str, bool] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)

    def do(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case ShutLeg(number) | DropLeg(number):
                    self.open_legs.discard(number)
                case OpenLeg(number):
                    self.open_legs.add(number)
                case ShutPeer(name):
                    self.open_peers.discard(name)
                case OpenPeer(name):
                    self.open_peers.add(name)
                case Tell(name, Legs() as legs):
                    self.sent.setdefault(name, []).append(legs)
                case _:
                    pass

    def step(
        self, roll: Roll, act: str, number: int, now: float, *, flag: bool
    ) -> list[Command]:
        """Let something happen, of which numbers and flag say the details."""
        name = ("bob", "carol")[number % 2]
        legs = roll.legs.legs
        leg = legs[number % len(legs)] if legs else None
        match act:
            case "want" if len(legs) < 3:
                return roll.want(GUEST, now)[1]
            case "mark" if leg is not None:
                return roll.change(replace(leg, mark=Mark(number % 4 + 1)), now)
            case "host" if leg is not None:
                return roll.change(replace(leg, host="abc"[number % 3]), now)
            case "end" if leg is not None:
                return roll.end(LegEnd(leg.id, LegReason.NORMAL))
            case "add" if name not in self.sent:
                return roll.add_peer(name)
            case "drop" if name in self.sent:
                for kept in (self.sent, self.agreed, self.refusing, self.newest):
                    kept.pop(name, None)
                return roll.drop_peer(name)
            case "ack" if name in self.sent:
                version = self.sent[name][-1 - number % min(len(self.sent[name]), 3)]
                answer = Shown.SHOWN if flag else Shown.REFUSED
                return roll.acknowledged(name, self.say(name, version, answer))
            case "wait":
                return roll.pass_time(now + 4.0 * number)
            case _:
                return []

    def say(self, name: str, legs: Legs, answer: Shown) -> LegsAck:
        """Have a peer answer to a list, late or not, and note what that means."""
        if legs.version >= self.newest.get(name, 0):
            self.newest[name] = legs.version
            self.refusing[name] = answer is Shown.REFUSED
            if answer is Shown.SHOWN:
                self.agreed[name] = {leg.id: leg for leg in legs.legs}
        return LegsAck(legs.version, answer)

    def check(self, roll: Roll) -> None:
        """Between an open leg and an open peer there is an agreement to that leg."""
        for number in self.open_legs:
            leg = roll.leg(number)
            assert leg is not None
            for name in self.open_peers:
                assert not self.refusing.get(name)
                agreed = self.agreed.get(name, {}).get(number)
                assert agreed is not None, (name, number)
                assert agreed.mark >= leg.mark
                assert agreed.host == leg.host


ACTS = st.sampled_from(
    ["want", "mark", "mark", "host", "end", "add", "drop", "ack", "ack", "wait"]
)
STEPS = st.tuples(ACTS, st.integers(0, 20), st.booleans())
BEGIN = [
    ("add", 0, True),
    ("want", 0, True),
    ("ack", 0, True),
    ("add", 1, True),
    ("ack", 1, True),
]
"""Two who have shown a guest, so that there is something to lose."""


@settings(max_examples=300)
@given(st.lists(STEPS, min_size=10, max_size=30))
def test_no_trace_opens_media_to_a_peer_that_has_not_shown_the_last_weakening(
    trace: list[tuple[str, int, bool]],
) -> None:
    roll, outside, now = Roll(), Outside(), 0.0
    for act, number, flag in [*BEGIN, *trace]:
        now += 1.0
        outside.do(outside.step(roll, act, number, now, flag=flag))
        outside.check(roll)
