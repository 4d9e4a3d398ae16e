"""What a program writes on standard input during a call."""

import pytest

from cli.orders import (
    Act,
    Choose,
    Dial,
    EndLeg,
    Order,
    Press,
    Record,
    SendFile,
    SendText,
    UseDevice,
    parse_order,
)
from voip.errors import MalformedError
from voip.media.ends.listed import Way


@pytest.mark.parametrize(
    ("line", "order"),
    [
        *((act.value, act) for act in Act),
        (" mute \n", Act.MUTE),
        ("choose 1", Choose(0)),
        ("choose 4", Choose(3)),
        ("choose 0", Choose(None)),
        ("text hello, you", SendText("hello, you")),
        ("file a b.txt", SendFile("a b.txt")),
        ("tone 1#A", Press("1#A")),
        ("record a b.mkv", Record("a b.mkv")),
        ("dial +49 30 12", Dial("+49 30 12")),
        ("legs end 12", EndLeg(12)),
        ("device mic 1", UseDevice(Way.IN, 1)),
        ("device mic default", UseDevice(Way.IN, None)),
        ("device speaker USB 2", UseDevice(Way.OUT, "USB 2")),
        ("device speaker 1000", UseDevice(Way.OUT, "1000")),
    ],
)
def test_a_line_is_an_order(line: str, order: Order) -> None:
    assert parse_order(line) == order


@pytest.mark.parametrize(
    "line",
    [
        *("", "nonsense", "choose", "choose 5", "choose x", "text", "file", "mute 1"),
        *("tone", "record", "device", "device mic", "device mouth 1"),
        *("dial", "legs end", "legs end 0", "legs end x", "legs end 1000"),
    ],
)
def test_another_line_is_refused_with_a_list(line: str) -> None:
    with pytest.raises(MalformedError, match=r"expected one of accept, .*, came"):
        parse_order(line)
