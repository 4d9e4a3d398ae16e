import contextlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voip.errors import LimitError, MalformedError
from voip.signalling.control import Control, format_control, parse_control
from voip.signalling.delivery import Delivery, Path
from voip.signalling.envelope import open_blob, seal_blob
from voip.signalling.messages import (
    Alerting,
    Gossip,
    Hangup,
    HangupReason,
    Message,
    Ping,
    Pong,
    State,
)

HANGUP = Hangup(HangupReason.NORMAL, bytes(16))
BOX, RECORD = Path.MAILBOX, Path.RECORD


def raw(seq: int, ack: int = 0, message: Message | None = None) -> bytes:
    return format_control(Control(seq, ack, message=message or State(seq)))


def times_sent(path: Path, until: float) -> list[float]:
    """Run one message that is never acknowledged; give when it leaves."""
    delivery = Delivery()
    delivery.send(Alerting())
    times = []
    now = 0.0
    while now <= until:
        times.append(now)
        delivery.due(now, path)
        deadline = delivery.deadline(path)
        assert deadline is not None
        now = deadline
    return times


def test_messages_are_numbered_from_1() -> None:
    delivery = Delivery()

    assert [delivery.send(Alerting()), delivery.send(Alerting())] == [1, 2]


def test_a_message_is_due_at_once() -> None:
    delivery = Delivery()
    delivery.send(Alerting())

    assert [raw(1, message=Alerting())] == delivery.due(0.0, BOX)


def test_a_message_is_not_due_twice_at_a_time() -> None:
    delivery = Delivery()
    delivery.send(Alerting())
    delivery.due(0.0, BOX)

    assert delivery.due(1.9, BOX) == []


def test_by_mailbox_resends_wait_2_4_and_then_8_seconds() -> None:
    assert times_sent(BOX, 30) == [0, 2, 6, 14, 22, 30]


def test_by_record_resends_wait_1_2_and_then_4_seconds() -> None:
    assert times_sent(RECORD, 14) == [0, 1, 3, 7, 11]


def test_by_hand_a_message_leaves_once_while_people_carry_it() -> None:
    assert times_sent(Path.HAND, 899) == [0]


def test_by_hand_no_acknowledgement_leaves_by_itself() -> None:
    delivery = Delivery()
    delivery.receive(raw(1), 0.0)

    assert (delivery.due(9.0, Path.HAND), delivery.deadline(Path.HAND)) == ([], None)


def test_an_acknowledged_message_is_not_sent_again() -> None:
    delivery = Delivery()
    seq = delivery.send(Alerting())
    delivery.due(0.0, BOX)
    delivery.receive(raw(1, ack=1), 1.0)
    delivery.ping()

    assert (
        delivery.is_acknowledged(seq),
        delivery.due(99.0, BOX),
        delivery.deadline(BOX),
    ) == (True, [], None)


def test_a_side_is_idle_once_everything_is_acknowledged() -> None:
    delivery = Delivery()
    states = [delivery.is_idle]
    delivery.send(Alerting())
    states.append(delivery.is_idle)
    delivery.receive(raw(0, ack=1, message=Ping()), 0.0)
    states.append(delivery.is_idle)

    assert states == [True, False, True]


def test_a_side_that_owes_an_acknowledgement_is_not_idle() -> None:
    delivery = Delivery()
    delivery.receive(raw(1), 0.0)

    assert not delivery.is_idle


def test_a_hangup_waits_for_no_lost_message() -> None:
    assert Delivery().receive(raw(3, message=HANGUP), 0.0) == [HANGUP]


def test_a_hangup_does_not_acknowledge_what_was_lost_before_it() -> None:
    delivery = Delivery()
    delivery.receive(raw(3, message=HANGUP), 0.0)

    assert parse_control(delivery.ping()).ack == 0


def test_what_comes_after_a_hangup_is_handed_up_before_it_is_acknowledged() -> None:
    delivery = Delivery()
    delivery.receive(raw(3, message=HANGUP), 0.0)

    assert len(delivery.receive(raw(1), 0.1) + delivery.receive(raw(2), 0.2)) == 2
    assert parse_control(delivery.ping()).ack == 3


def test_in_a_hurry_everything_open_is_due_again() -> None:
    delivery = Delivery()
    delivery.send(Alerting())
    delivery.due(0.0, Path.MAILBOX)

    before = delivery.due(0.1, Path.MAILBOX)
    delivery.hurry()

    assert (before, len(delivery.due(0.1, Path.MAILBOX))) == ([], 1)


def test_a_hangup_in_order_is_acknowledged() -> None:
    delivery = Delivery()
    delivery.receive(raw(1, message=HANGUP), 0.0)

    assert parse_control(delivery.ping()).ack == 1


def test_a_hangup_is_handed_up_once() -> None:
    delivery = Delivery()
    delivery.receive(raw(1, message=HANGUP), 0.0)

    assert delivery.receive(raw(1, message=HANGUP), 1.0) == []


def test_nothing_is_resent_to_who_hung_up() -> None:
    delivery = Delivery()
    delivery.send(Alerting())
    delivery.receive(raw(1, message=HANGUP), 0.0)

    assert delivery.due(0.0, BOX) == []


def test_a_hangup_does_not_acknowledge_what_it_does_not_cover() -> None:
    delivery = Delivery()
    seq = delivery.send(Alerting())
    delivery.receive(raw(1, message=HANGUP), 0.0)

    assert not delivery.is_acknowledged(seq)


def test_an_acknowledgement_covers_what_came_before_only() -> None:
    delivery = Delivery()
    first, second = delivery.send(Alerting()), delivery.send(Alerting())
    delivery.receive(raw(0, ack=1, message=Ping()), 0.0)

    assert (
        delivery.is_acknowledged(first),
        delivery.is_acknowledged(second),
    ) == (True, False)


def test_an_old_acknowledgement_takes_nothing_back() -> None:
    delivery = Delivery()
    delivery.send(Alerting())
    delivery.receive(raw(2, ack=1), 0.0)
    delivery.receive(raw(1, ack=0), 0.0)

    assert delivery.acknowledged_through == 1


def test_an_acknowledgement_of_what_was_never_sent_is_malformed() -> None:
    with pytest.raises(MalformedError, match="control: ack 1 of at most 0 sent"):
        Delivery().receive(raw(1, ack=1), 0.0)


def test_a_message_is_handed_up_once() -> None:
    delivery = Delivery()

    assert ([State(1)], []) == (
        delivery.receive(raw(1), 0.0),
        delivery.receive(raw(1), 0.0),
    )


def test_messages_are_handed_up_in_order() -> None:
    delivery = Delivery()

    assert ([], [], [State(1), State(2), State(3)]) == (
        delivery.receive(raw(3), 0.0),
        delivery.receive(raw(2), 0.0),
        delivery.receive(raw(1), 0.0),
    )


def test_what_is_out_of_order_is_not_acknowledged() -> None:
    delivery = Delivery()
    delivery.receive(raw(2), 0.0)

    assert parse_control(delivery.ping()).ack == 0


def test_what_is_64_ahead_is_kept() -> None:
    delivery = Delivery()
    delivery.receive(raw(64), 0.0)
    for seq in range(1, 64):
        delivery.receive(raw(seq), 0.0)

    assert parse_control(delivery.ping()).ack == 64


def test_what_is_65_ahead_is_not_kept() -> None:
    delivery = Delivery()
    delivery.receive(raw(65), 0.0)
    for seq in range(1, 65):
        delivery.receive(raw(seq), 0.0)

    assert parse_control(delivery.ping()).ack == 64


def test_an_acknowledgement_by_mailbox_waits_a_moment_for_company() -> None:
    delivery = Delivery()
    delivery.receive(raw(1), 10.0)

    assert (delivery.due(10.1, BOX), delivery.deadline(BOX)) == ([], 10.0 + 0.2)


def test_an_acknowledgement_that_nothing_carries_leaves_as_a_ping() -> None:
    delivery = Delivery()
    delivery.receive(raw(1), 10.0)
    delivery.receive(raw(2), 10.1)

    assert [raw(0, ack=2, message=Ping())] == delivery.due(10.2, BOX)


def test_an_acknowledgement_travels_with_a_message() -> None:
    delivery = Delivery()
    delivery.receive(raw(1), 10.0)
    delivery.send(Alerting())
    delivery.due(10.1, BOX)

    assert delivery.due(10.3, BOX) == []


def test_a_duplicate_is_acknowledged_again() -> None:
    delivery = Delivery()
    delivery.receive(raw(1), 0.0)
    delivery.due(1.0, BOX)
    delivery.receive(raw(1), 2.0)

    assert [raw(0, ack=1, message=Ping())] == delivery.due(2.2, BOX)


def test_by_record_an_acknowledgement_causes_no_packet_of_its_own() -> None:
    delivery = Delivery()
    delivery.receive(raw(1), 0.0)

    assert (delivery.due(9.0, RECORD), delivery.deadline(RECORD)) == ([], None)


def test_a_ping_needs_no_acknowledgement() -> None:
    delivery = Delivery()
    delivery.receive(raw(0, message=Ping(7)), 0.0)

    assert None is delivery.deadline(BOX)


def test_a_ping_is_handed_up() -> None:
    assert [Ping(7)] == Delivery().receive(raw(0, message=Ping(7)), 0.0)


def test_ping_and_pong_are_sent_once_and_not_counted() -> None:
    delivery = Delivery()
    delivery.send(Pong(7))

    assert ([raw(0, message=Pong(7))], 1) == (
        delivery.due(0.0, RECORD),
        delivery.send(Alerting()),
    )


def test_a_pong_is_due_at_once() -> None:
    delivery = Delivery()
    delivery.send(Pong(7))

    assert float("-inf") == delivery.deadline(RECORD)


def test_pongs_that_cannot_leave_do_not_pile_up() -> None:
    delivery = Delivery()
    for t in range(1, 100):
        delivery.send(Pong(t))

    assert len(delivery.due(0.0, BOX)) == 64


def test_a_peer_that_acknowledges_nothing_ends_in_a_limit() -> None:
    delivery = Delivery()
    for _ in range(64):
        delivery.send(Alerting())

    with pytest.raises(LimitError, match="64 control messages wait"):
        delivery.send(Alerting())


def test_a_hangup_can_be_sent_when_nothing_else_can() -> None:
    delivery = Delivery()
    for _ in range(64):
        delivery.send(Alerting())

    assert delivery.send(HANGUP) == 65


@settings(max_examples=20)  # each runs two ends for minutes of their time
@given(st.integers(0, 2**32), st.integers(0, 60))
def test_over_a_bad_relay_all_messages_arrive_once_and_in_order(
    seed: int, loss_percent: int
) -> None:
    luck = random.Random(seed)
    ends, keys = (Delivery(), Delivery()), (bytes(32), b"\x01" * 32)
    sent = [Gossip(bytes([number])) for number in range(1, 20)]
    got: tuple[list[Message], list[Message]] = ([], [])
    for message in sent:
        ends[0].send(message)
        ends[1].send(message)
    air: list[tuple[int, bytes]] = []
    for step in range(2000):
        now = step / 4
        for side, end in enumerate(ends):
            for ctl in end.due(now, BOX):
                blob = seal_blob(keys[side], ctl, entropy=luck.randbytes)
                # It may go to the wrong side, come twice, or not at all.
                to = 1 - side if luck.randrange(10) else side
                copies = luck.randrange(1, 3)
                if luck.randrange(100) >= loss_percent:
                    air += [(to, blob)] * copies
        luck.shuffle(air)
        landing, air = air[: len(air) // 2 + 1], air[len(air) // 2 + 1 :]
        for side, blob in landing:
            with contextlib.suppress(MalformedError):
                ctl = open_blob(keys[1 - side], blob)
                messages = ends[side].receive(ctl, now)
                got[side].extend(each for each in messages if isinstance(each, Gossip))
        if all(end.deadline(BOX) is None for end in ends):
            break

    assert got == (sent, sent)
