"""How what is typed becomes orders, and what is shown becomes lines."""

import json
from collections.abc import Iterator
from dataclasses import replace

import click
import pytest

from cli.console import Lines, Screen
from cli.orders import Act, Misspelt, SendText
from cli.view import Seen
from voip.call import State
from voip.events import End

_SEEN = Seen(alias="bob", state=State.ACTIVE)


@pytest.fixture(autouse=True)
def context() -> Iterator[click.Context]:
    """Be inside of a command, as the console is."""
    with click.Context(click.Command("call")) as running:
        yield running


def _now() -> Seen:
    return _SEEN


def test_lines_come_in_pieces() -> None:
    lines = Lines()
    orders = [
        order
        for piece in (b"mu", b"te\nho", b"ld\nunmute\n", b"hang")
        for order in lines.take(piece, _now)
    ]

    assert orders == [Act.MUTE, Act.HOLD, Act.UNMUTE]


def test_a_line_that_is_no_order_is_told_and_the_next_is_read() -> None:
    misspelt, mute = Lines().take(b"nons\x1bense\xff\nmute\n", _now)

    assert isinstance(misspelt, Misspelt)
    assert misspelt.sentence.startswith("expected one of accept, ")
    assert mute is Act.MUTE


def test_a_refusal_is_printed_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    Lines().refuse(_SEEN, "no \x1b")

    assert capsys.readouterr().err == "ringfence: error: no \\x1b\n"


def test_a_line_without_an_end_is_not_kept_for_ever() -> None:
    lines = Lines()
    taken = [order for _ in range(3) for order in lines.take(4096 * b"x", _now)]

    assert [type(order) for order in taken] == [Misspelt]
    assert list(lines.take(b"mute\n", _now)) == [Act.MUTE]


def test_a_typed_order_that_is_none_is_told() -> None:
    (misspelt,) = Screen().take(b":nonsense\r", _now)

    assert isinstance(misspelt, Misspelt)


def test_programs_read_refusals_where_they_read_the_rest(
    context: click.Context, capsys: pytest.CaptureFixture[str]
) -> None:
    context.meta["cli.output.json"] = True
    Lines().refuse(_SEEN, "no")

    assert json.loads(capsys.readouterr().out) == {"event": "error", "sentence": "no"}


def test_a_character_of_several_bytes_comes_in_pieces() -> None:
    screen = Screen()
    text = "tä€𝄞\r".encode()
    orders = [
        order for byte in text for order in screen.take(bytes([byte]), lambda: _SEEN)
    ]

    assert orders == [SendText("ä€𝄞")]


def test_bytes_that_are_no_text_do_not_block_the_keys() -> None:
    screen = Screen()
    orders = [
        order
        for piece in (b"\xff\xff", b"\xff\xff\xff", b"m")
        for order in screen.take(piece, _now)
    ]

    assert orders == [Act.MUTE]


def test_a_region_is_drawn_over_itself(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.draw(_SEEN, 0.0, None)
    first = capsys.readouterr().out
    screen.draw(_SEEN, 0.0, None)
    second = capsys.readouterr().out

    assert first.count("\n") == second.count("\n") == 3
    assert "\x1b[3A" not in first
    assert second.startswith("\x1b[?7l\x1b[3A\r\x1b[K")


def test_what_is_over_is_drawn_once_and_the_next_call_below(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen, over = Screen(), replace(_SEEN, end=End.HUNG_UP)
    screen.draw(over, 0.0, None)
    first = capsys.readouterr().out
    screen.draw(over, 0.0, None)
    again = capsys.readouterr().out
    screen.draw(_SEEN, 0.0, None)
    following = capsys.readouterr().out

    up = f"\x1b[{first.count(chr(10))}A"
    assert up in again
    assert up not in following


def test_a_refusal_is_shown_in_the_region() -> None:
    assert Screen().refuse(_SEEN, "no").log == ("not done: no",)
