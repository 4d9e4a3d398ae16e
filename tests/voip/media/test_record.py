"""Records: bytes, window, fragments and what waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import LimitError, MalformedError, RefusedError
from voip.handshake import schedule
from voip.media.record import (
    CONTROL_BYTES,
    FRAGMENT_BYTES,
    MAX_FRAGMENTS,
    MAX_PENDING,
    MAX_QUEUED,
    PENDING_S,
    RECORD_BYTES,
    SCTP_MAX_BYTES,
    WINDOW,
    ControlQueue,
    Fragment,
    Opener,
    Reassembly,
    Sealer,
    format_fragment,
    format_sctp,
    fragment,
    is_record,
    parse_fragment,
    parse_number,
)

# Epoch 0 of the caller, from the check values of the key schedule.
KEY = bytes(range(44))
PING = format_fragment(Fragment(message_id=1, index=0, count=1, data=b"ping"))


def _sealed(count: int) -> list[bytes]:
    sealer = Sealer(KEY, 0)
    return [sealer.seal(PING) for _ in range(count)]


def test_a_control_record_has_one_size() -> None:
    sizes = {
        len(Sealer(KEY, 0).seal(format_fragment(part)))
        for length in (0, 1, 633, 634, 5064)
        for part in fragment(bytes(length), 9)
    }

    assert sizes == {RECORD_BYTES}


def test_the_second_record_of_the_check_value_begins_as_published() -> None:
    keys = schedule.session_keys(bytes(range(64)), bytes(range(64, 128)))
    sealer = Sealer(schedule.record(keys.call_secret, 0, 0), 0)
    sealer.seal(b"number 0")
    second = sealer.seal(b"\x01".ljust(CONTROL_BYTES, b"\0"))

    assert second[:26].hex() == "30000000000000000001fa41ad562147c8853885cb12d00478be"


def test_a_record_opens_once() -> None:
    (record,) = _sealed(1)
    opener = Opener(KEY, 0)
    first = opener.open(record)
    with pytest.raises(RefusedError, match="came before"):
        opener.open(record)

    assert first == PING


def test_records_open_in_any_order() -> None:
    records = _sealed(4)
    opener = Opener(KEY, 0)
    opened = [opener.open(records[n]) for n in (2, 0, 3, 1)]

    assert opened == [PING] * 4


def test_a_reordered_record_opens_only_once() -> None:
    records = _sealed(2)
    opener = Opener(KEY, 0)
    opener.open(records[1])
    opener.open(records[0])

    with pytest.raises(RefusedError, match="came before"):
        opener.open(records[0])


def test_the_oldest_record_inside_the_window_opens() -> None:
    records = _sealed(WINDOW)
    opener = Opener(KEY, 0)
    opener.open(records[-1])

    assert opener.open(records[0]) == PING


def test_a_record_before_the_window_is_refused() -> None:
    records = _sealed(WINDOW + 1)
    opener = Opener(KEY, 0)
    opener.open(records[-1])

    with pytest.raises(RefusedError, match="too late"):
        opener.open(records[0])


def test_a_leap_in_the_numbers_forgets_what_came_before_it() -> None:
    records = _sealed(2 * WINDOW)
    opener = Opener(KEY, 0)
    opener.open(records[0])
    opener.open(records[-1])

    assert opener.open(records[-2]) == PING


@given(st.integers(0, RECORD_BYTES - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_and_the_true_record_still_opens(
    place: int, change: int
) -> None:
    (record,) = _sealed(1)
    forged = bytearray(record)
    forged[place] ^= change
    opener = Opener(KEY, 0)
    with pytest.raises(RefusedError):
        opener.open(bytes(forged))

    assert opener.open(record) == PING


def test_a_record_of_the_other_direction_is_refused() -> None:
    (record,) = _sealed(1)

    with pytest.raises(RefusedError, match="verify"):
        Opener(bytes(44), 0).open(record)


def test_a_record_of_another_epoch_is_refused_before_any_cryptography() -> None:
    (record,) = _sealed(1)

    with pytest.raises(RefusedError, match="not of epoch 1"):
        Opener(KEY, 1).open(record)


def test_epochs_are_counted_modulo_256() -> None:
    record = Sealer(KEY, 257).seal(PING)

    assert (record[1], Opener(KEY, 257).open(record)) == (1, PING)


@pytest.mark.parametrize("size", [0, 26, 1328])
def test_a_record_of_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(MalformedError, match="bytes"):
        parse_number(b"\x30" * size)


def test_another_first_byte_is_no_record() -> None:
    with pytest.raises(MalformedError, match="0x31"):
        parse_number(b"\x31" * 100)


@pytest.mark.parametrize(
    ("datagram", "expected"), [(b"\x30", True), (b"\x80", False), (b"", False)]
)
def test_records_are_told_by_their_first_byte(
    datagram: bytes, *, expected: bool
) -> None:
    assert is_record(datagram) is expected


def test_an_sctp_packet_follows_its_kind() -> None:
    assert format_sctp(b"packet") == b"\x02packet"


def test_an_sctp_packet_longer_than_a_record_is_refused() -> None:
    with pytest.raises(LimitError, match="1301"):
        format_sctp(bytes(SCTP_MAX_BYTES + 1))


# Fragments.


@given(st.binary(min_size=CONTROL_BYTES, max_size=CONTROL_BYTES))
def test_any_plaintext_gives_a_fragment_or_one_error(plaintext: bytes) -> None:
    try:
        part = parse_fragment(plaintext)
    except MalformedError:
        return

    assert format_fragment(part) == plaintext


@given(st.binary(max_size=MAX_FRAGMENTS * FRAGMENT_BYTES))
def test_a_message_comes_out_as_it_went_in(message: bytes) -> None:
    reassembly = Reassembly()
    parts = [parse_fragment(format_fragment(part)) for part in fragment(message, 3)]
    results = [reassembly.add(part, 0.0) for part in reversed(parts)]

    assert results == [None] * (len(parts) - 1) + [message]


def test_a_message_longer_than_eight_fragments_is_refused() -> None:
    with pytest.raises(LimitError, match="5065"):
        fragment(bytes(5065), 0)


@pytest.mark.parametrize("size", [0, CONTROL_BYTES - 1, CONTROL_BYTES + 1])
def test_a_fragment_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(MalformedError, match="640"):
        parse_fragment(PING.ljust(size, b"\0")[:size])


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("03 0001 00 01 0000", "kind 3"),
        ("01 0001 00 00 0000", "part 0 of 0"),
        ("01 0001 01 01 0000", "part 1 of 1"),
        ("01 0001 00 09 0279", "part 0 of 9"),
        ("01 0001 00 02 0001", "full part"),
        ("01 0001 00 01 027a", "cut short"),
        ("01 0001 00 01 0000 07", "zeros"),
    ],
)
def test_a_fragment_that_does_not_add_up_is_refused(head: str, reason: str) -> None:
    plaintext = bytes.fromhex(head).ljust(CONTROL_BYTES, b"\0")

    with pytest.raises(MalformedError, match=reason):
        parse_fragment(plaintext)


def _part(message_id: int, index: int, count: int = 2, mark: bytes = b"") -> Fragment:
    return Fragment(message_id=message_id, index=index, count=count, data=mark)


def test_two_messages_may_come_interleaved() -> None:
    reassembly = Reassembly()
    reassembly.add(_part(1, 0, mark=b"a"), 0.0)
    reassembly.add(_part(2, 0, mark=b"b"), 0.0)
    done = [
        reassembly.add(_part(1, 1, mark=b"A"), 0.0),
        reassembly.add(_part(2, 1, mark=b"B"), 0.0),
    ]

    assert done == [b"aA", b"bB"]


def test_a_message_whose_rest_does_not_come_is_forgotten() -> None:
    reassembly = Reassembly()
    reassembly.add(_part(1, 0), 0.0)

    assert reassembly.add(_part(1, 1), PENDING_S + 0.1) is None


def test_only_so_many_messages_are_held() -> None:
    reassembly = Reassembly()
    for message_id in range(MAX_PENDING + 1):
        reassembly.add(_part(message_id, 0), 0.0)

    assert reassembly.add(_part(0, 1), 0.0) is None


def test_the_newest_messages_are_the_ones_held() -> None:
    reassembly = Reassembly()
    for message_id in range(MAX_PENDING + 1):
        reassembly.add(_part(message_id, 0, mark=b"x"), 0.0)

    assert reassembly.add(_part(1, 1, mark=b"y"), 0.0) == b"xy"


def test_a_number_in_use_by_another_message_starts_afresh() -> None:
    reassembly = Reassembly()
    reassembly.add(_part(1, 0, count=3, mark=b"old"), 0.0)
    reassembly.add(_part(1, 0, mark=b"new"), 0.0)

    assert reassembly.add(_part(1, 1, mark=b"er"), 0.0) == b"newer"


# What waits.


def _message(sequence: int, rest: bytes = b"") -> bytes:
    return sequence.to_bytes(8, "big") + rest


def _taken(queue: ControlQueue) -> bytes:
    plaintext = queue.take()
    assert plaintext is not None
    return parse_fragment(plaintext).data


def test_nothing_waits_at_first() -> None:
    queue = ControlQueue()

    assert (queue.is_empty, queue.take()) == (True, None)


def test_messages_leave_in_the_order_in_which_they_came() -> None:
    queue = ControlQueue()
    queue.put(_message(1))
    queue.put(_message(2))

    assert [_taken(queue), _taken(queue)] == [_message(1), _message(2)]


def test_a_long_message_leaves_part_by_part() -> None:
    queue = ControlQueue()
    long = _message(1, bytes(1000))
    queue.put(long)
    first = _taken(queue)
    is_empty_between = queue.is_empty
    second = _taken(queue)

    assert (first + second, is_empty_between, queue.is_empty) == (long, False, True)


def test_a_repeat_takes_the_place_of_the_one_that_waits() -> None:
    queue = ControlQueue()
    queue.put(_message(1))
    queue.put(_message(2, b"first"))
    queue.put(_message(2, b"repeat"))
    leaving = [_taken(queue), _taken(queue), queue.take()]

    assert leaving == [_message(1), _message(2, b"repeat"), None]


def test_a_repeat_of_one_that_is_leaving_is_not_needed() -> None:
    queue = ControlQueue()
    queue.put(_message(1, bytes(1000)))
    queue.take()
    queue.put(_message(1, b"repeat"))
    queue.take()

    assert queue.is_empty


def test_a_repeat_of_one_that_left_waits_again() -> None:
    queue = ControlQueue()
    queue.put(_message(1))
    queue.take()
    queue.put(_message(1))

    assert _taken(queue) == _message(1)


def test_a_full_queue_drops_the_newest() -> None:
    queue = ControlQueue()
    for sequence in range(1, MAX_QUEUED + 2):
        queue.put(_message(sequence))
    left = [_taken(queue) for _ in range(MAX_QUEUED)]

    assert (left[-1], queue.is_empty) == (_message(MAX_QUEUED), True)


def test_a_message_that_can_never_leave_is_not_queued() -> None:
    with pytest.raises(LimitError, match="5065"):
        ControlQueue().put(bytes(5065))


def test_each_message_has_a_number_of_its_own() -> None:
    queue = ControlQueue()
    ids = [parse_fragment(queue.cut(b"x")[0]).message_id for _ in range(3)]

    assert ids == [1, 2, 3]
