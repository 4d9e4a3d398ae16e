import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.description import Description
from voip.errors import MalformedError
from voip.signalling.control import Control, format_control, parse_control
from voip.signalling.messages import (
    Accept,
    Alerting,
    Hangup,
    HangupReason,
    Message,
    Ping,
    Pong,
)

CONTROL = Control(2, 1, message=Hangup(HangupReason.NORMAL, b"\x05" * 16))
RAW = bytes.fromhex("000000000000000200000000000000010501" + "05" * 16)


def test_a_control_message_is_written_to_the_byte() -> None:
    assert format_control(CONTROL) == RAW


def test_a_control_message_is_read_back() -> None:
    assert parse_control(RAW) == CONTROL


@pytest.mark.parametrize("size", range(len(RAW)))
def test_a_prefix_is_malformed(size: int) -> None:
    with pytest.raises(MalformedError):
        parse_control(RAW[:size])


def test_a_byte_too_many_is_malformed() -> None:
    with pytest.raises(MalformedError, match="1 bytes too many"):
        parse_control(RAW + b"\0")


@given(st.binary(max_size=60))
def test_any_bytes_are_a_control_message_or_malformed(raw: bytes) -> None:
    try:
        control = parse_control(raw)
    except MalformedError:
        return

    assert format_control(control) == raw


@given(st.integers(0, len(RAW) - 1), st.integers(0, 255))
def test_a_changed_byte_is_another_control_message_or_malformed(
    at: int, byte: int
) -> None:
    changed = RAW[:at] + bytes([byte]) + RAW[at + 1 :]
    try:
        control = parse_control(changed)
    except MalformedError:
        return

    assert format_control(control) == changed


@pytest.mark.parametrize("message", [Ping(1), Pong(1)])
def test_ping_and_pong_are_not_counted(message: Message) -> None:
    with pytest.raises(MalformedError, match=r"control: p.ng with seq 1"):
        Control(1, 0, message=message)


def test_a_message_without_a_seq_is_malformed() -> None:
    with pytest.raises(MalformedError, match="control: alerting with seq 0"):
        Control(0, 0, message=Alerting())


def test_a_message_longer_than_a_blob_is_refused() -> None:
    media = Description("abcd", "0" * 22, candidates=("a" * 255,) * 16)

    with pytest.raises(MalformedError, match="expected at most 4066 bytes, came 4"):
        format_control(Control(1, 0, message=Accept(media)))


def test_a_longer_message_is_malformed() -> None:
    with pytest.raises(MalformedError, match="expected at most 4066 bytes, came 4067"):
        parse_control(bytes(4067))
