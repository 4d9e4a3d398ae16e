"""The sealed line: in order, each once, over sockets that die."""

import random

import pytest

from voip.errors import LimitError, MalformedError
from voip.gateway.guests.handshake import GuestKeys, Role
from voip.gateway.guests.line import (
    MAX_MESSAGE_BYTES,
    MAX_OPEN,
    GuestLine,
    is_resume,
    parse_resume,
)
from voip.gateway.guests.messages import GuestMessage, Offer
from voip.signalling.messages import Alerting, Ping, Pong, SasResult

KEYS = GuestKeys(bytes(range(64)), bytes(32))


def line(role: Role) -> GuestLine:
    return GuestLine(KEYS, role, random.Random(role).randbytes)


def pair() -> tuple[GuestLine, GuestLine]:
    return line(Role.GUEST), line(Role.GATEWAY)


def test_messages_arrive_in_order() -> None:
    guest, gateway = pair()
    said: list[GuestMessage] = [SasResult(matched=True), Ping(3), Offer("v=0")]

    assert [gateway.open(guest.seal(each)) for each in said] == said


@pytest.mark.parametrize(
    ("length", "size"), [(0, 256), (235, 256), (236, 512), (24_576, 24_832)]
)
def test_the_length_of_a_message_is_rounded_up(length: int, size: int) -> None:
    sealed = line(Role.GUEST).seal(Offer("x" * length))

    assert len(sealed) == 12 + size + 16


def test_a_flipped_byte_anywhere_is_noticed() -> None:
    sealed = line(Role.GUEST).seal(Alerting())
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1

        with pytest.raises(MalformedError, match="changed on its way"):
            line(Role.GATEWAY).open(bytes(changed))


def test_a_message_does_not_come_back_to_who_sent_it() -> None:
    sealed = line(Role.GUEST).seal(Alerting())

    with pytest.raises(MalformedError, match="changed on its way"):
        line(Role.GUEST).open(sealed)


@pytest.mark.parametrize("size", [0, 28, MAX_MESSAGE_BYTES + 1])
def test_a_message_of_no_possible_size_is_refused(size: int) -> None:
    with pytest.raises(MalformedError, match="expected a message of at most"):
        line(Role.GATEWAY).open(bytes(size))


def test_a_message_that_was_taken_out_is_missed() -> None:
    guest, gateway = pair()
    guest.seal(Alerting())

    with pytest.raises(MalformedError, match="place 2 after 0"):
        gateway.open(guest.seal(Alerting()))


def test_a_message_that_comes_again_is_told_once() -> None:
    guest, gateway = pair()
    sealed = guest.seal(Alerting())
    gateway.open(sealed)

    assert gateway.open(sealed) is None


def test_an_answer_to_what_was_never_said_is_refused() -> None:
    guest, gateway = pair()
    guest.open(gateway.seal(Alerting()))
    answer = guest.seal(Ping(1))

    with pytest.raises(MalformedError, match="acknowledging 1 of 0"):
        line(Role.GATEWAY).open(answer)


def test_what_was_not_acknowledged_leaves_again_on_another_socket() -> None:
    guest, gateway = pair()
    gateway.seal(Alerting())  # lost with its socket
    gateway.seal(SasResult(matched=True))

    assert [guest.open(each) for each in gateway.resume()] == [
        Alerting(),
        SasResult(matched=True),
    ]


def test_what_was_acknowledged_does_not_leave_again() -> None:
    guest, gateway = pair()
    guest.open(gateway.seal(Alerting()))
    gateway.open(guest.seal(Pong(1)))

    assert (gateway.resume(), gateway.acknowledged) == ([], 1)


def test_too_many_open_messages_are_refused() -> None:
    gateway = line(Role.GATEWAY)
    for _ in range(MAX_OPEN):
        gateway.seal(Alerting())

    with pytest.raises(LimitError, match="64 messages wait"):
        gateway.seal(Alerting())


def test_a_ping_with_a_place_is_refused() -> None:
    guest = line(Role.GUEST)

    with pytest.raises(MalformedError, match="type 13 with place 1"):
        line(Role.GATEWAY).open(guest._seal(1, Ping(1)))


def test_resume_names_the_call() -> None:
    raw = b"\x02" + bytes(range(16))

    assert (is_resume(raw), parse_resume(raw)) == (True, bytes(range(16)))


def test_a_hello_is_no_resume() -> None:
    assert not is_resume(b"\x01" + bytes(320))


@pytest.mark.parametrize("size", [1, 16, 18])
def test_a_resume_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(MalformedError, match="resume: expected 17 bytes"):
        parse_resume(b"\x02" * size)
