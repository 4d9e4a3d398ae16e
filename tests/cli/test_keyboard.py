"""Keys pressed during a call."""

from dataclasses import replace

import pytest

from cli.keyboard import Keyboard
from cli.orders import Act, Choose, Order, Press, Record, SendText, UseDevice
from cli.view import Seen
from voip.call import State
from voip.errors import MalformedError
from voip.identity.trust import Reason, Trust, TrustState
from voip.media.ends.listed import Way

_TALKING = Seen(
    alias="bob", state=State.ACTIVE, words=("valve", "cute", "marble"), decimal="0"
)
_BROKEN = Trust(TrustState.BROKEN, Reason.MISMATCH, since=0)


def _press(keys: str, seen: Seen = _TALKING) -> tuple[list[Order], str]:
    """Press one key after the other; give the orders and what is being typed."""
    keyboard = Keyboard()
    orders = [keyboard.press(key, seen) for key in keys]
    return [order for order in orders if order is not None], keyboard.line


@pytest.mark.parametrize(
    ("keys", "orders"),
    [
        ("m", [Act.MUTE]),
        ("h", [Act.HOLD]),
        ("v", [Act.VIDEO_ON]),
        ("k", [Act.REKEY]),
        ("q", [Act.HANG_UP]),
        ("w2", [Act.CHOICES, Choose(1)]),
        ("wx0", [Act.CHOICES, Choose(None)]),
        ("w\x1bm", [Act.CHOICES, Act.MUTE]),
        ("tso q\x7f!\r", [SendText("so !")]),
        ("t\r", []),
        ("t\x01\n", []),
        ("tso\x1bk", [Act.REKEY]),
        ("adcx\x1b[A", []),
        ("s", [Act.SCREEN_ON]),
        ("1*#", [Press("1"), Press("*"), Press("#")]),
        ("w1", [Act.CHOICES, Choose(0)]),
        (" ", []),
        ("ra.mkv\r", [Record("a.mkv")]),
        ("r\r", []),
        (":device mic 1\r", [UseDevice(Way.IN, 1)]),
        (":\r", []),
    ],
)
def test_keys_give_orders(keys: str, orders: list[Order]) -> None:
    assert _press(keys)[0] == orders


def test_a_key_undoes_what_it_did() -> None:
    seen = replace(_TALKING, muted=True, held=True, video=True)

    assert _press("mhv", seen)[0] == [Act.UNMUTE, Act.RESUME, Act.VIDEO_OFF]


def test_a_key_stops_the_recording_that_it_began() -> None:
    assert _press("r", replace(_TALKING, recording="call.mkv"))[0] == [Act.RECORD_OFF]


def test_the_space_bar_is_for_who_pushes_to_talk() -> None:
    assert _press("  ", replace(_TALKING, push_to_talk=True))[0] == [Act.TALK] * 2


def test_an_order_that_is_none_is_malformed() -> None:
    with pytest.raises(MalformedError, match="expected one of accept"):
        _press(":nonsense\r")


def test_a_call_that_rings_is_accepted_or_declined() -> None:
    ringing = Seen(alias="bob", state=State.RINGING)

    assert _press("ad", ringing)[0] == [Act.ACCEPT, Act.DECLINE]


def test_words_are_not_compared_before_there_are_any() -> None:
    assert _press("w", Seen(alias="bob")) == ([], "")


def test_only_the_whole_word_continues() -> None:
    seen = replace(_TALKING, trust=_BROKEN)

    assert _press("cyes\r", seen)[0] == []
    assert _press("ccontinue\r", seen)[0] == [Act.CONTINUE]


def test_what_is_being_typed_is_shown() -> None:
    assert _press("tso")[1] == "text: so"
    assert _press("w")[1].startswith("which of these does the other side read?")


def test_an_entry_has_an_end() -> None:
    (text,), _ = _press("t" + 2000 * "x" + "\r")

    assert text == SendText(1000 * "x")
