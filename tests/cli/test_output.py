"""What peers send is shown, and cannot act on the terminal."""

import json

import click
import pytest

from cli import output


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë 日本 🙂", "Zoë 日本 🙂"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("evil\u202etxt", r"evil\u202etxt"),
        ("two\nlines\u2028here", r"two\nlines\u2028here"),
        ("lone \ud800", r"lone \ud800"),
    ],
)
def test_only_characters_with_a_picture_are_shown_as_they_are(
    text: str, shown: str
) -> None:
    assert output.escape(text) == shown


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], "bob\nverified\n"), (["--json"], '{"alias": "bob", "trust": "verified"}\n')],
)
def test_a_result_is_lines_or_one_object(
    capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    @click.command()
    @output.json_option
    def command() -> None:
        output.show({"trust": "verified", "alias": "bob"}, "bob", "verified")

    command.main(arguments, standalone_mode=False)

    assert capsys.readouterr().out == expected


def test_json_of_a_hostile_name_is_one_line_of_ascii(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @click.command()
    @output.json_option
    def command() -> None:
        output.show({"alias": "a\n\u202eb"})

    command.main(["--json"], standalone_mode=False)
    out = capsys.readouterr().out

    assert (out.isascii(), json.loads(out)) == (True, {"alias": "a\n\u202eb"})


def test_a_complaint_escapes_what_a_library_quoted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.complain("relay said \x1b[2J", "look at it")

    assert capsys.readouterr().err == (
        "ringfence: error: relay said \\x1b[2J\nringfence: hint: look at it\n"
    )


def test_an_alarm_has_no_colour_off_a_terminal() -> None:
    assert output.alarm("BROKEN") == "BROKEN"


def test_a_day_is_the_same_for_everybody() -> None:
    assert output.day(1_800_000_000) == "2027-01-15"
