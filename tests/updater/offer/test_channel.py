"""Channel files: which release a channel offers, to whom, and how fast."""

from dataclasses import replace

import pytest

from tests.updater.transparency.mangled import assert_one_spelling
from updater import jcs
from updater.errors import MalformedError
from updater.jcs import Json
from updater.offer.channel import Channel, Via, format_channel, parse_channel
from updater.offer.waves import NORMAL, Wave

CHANNEL = Channel(
    name="stable",
    project="pkg:pypi/ringfence",
    sequence=7,
    version="1.4.0",
    minimum="1.2.0",
    paused=False,
    platforms=("cp311-linux-x86_64", "cp312-linux-aarch64"),
    delta_from=("1.3.0", "1.3.1"),
    via=(Via("1.3.0", "1.3.1"),),
    waves=NORMAL,
)


def _changed(**changes: Json) -> bytes:
    value = jcs.parse(format_channel(CHANNEL), most=10_000)
    assert isinstance(value, dict)
    return jcs.write(value | changes)


def test_what_is_written_is_read() -> None:
    assert parse_channel(format_channel(CHANNEL)) == CHANNEL


def test_a_channel_file_has_one_spelling() -> None:
    assert_one_spelling(parse_channel, format_channel, format_channel(CHANNEL))


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "ringfence-channel/2"},
        {"channel": "Stable"},
        {"project": "https://elsewhere"},
        {"sequence": 0},
        {"version": "1!1.4.0"},
        {"minimum": "v1"},
        {"paused": 0},
        {"platforms": []},
        {"platforms": ["cp311-linux-x86_64"] * 2},
        {"platforms": ["cp311-linux"]},
        {"deltaFrom": ["1", "2", "3", "4"]},
        {"deltaFrom": ["1", "1"]},
        {"via": [{"below": "1.0"}]},
        {"via": [{"below": "1.0", "take": "1.0", "why": ""}]},
        {"waves": []},
        {"waves": [{"afterSeconds": 0, "perMille": 999}]},
        {"waves": [{"afterSeconds": 0, "perMille": 0}]},
        {"waves": [{"afterSeconds": 2_592_001, "perMille": 1000}]},
        {
            "waves": [
                {"afterSeconds": 0, "perMille": 10},
                {"afterSeconds": 0, "perMille": 1000},
            ]
        },
        {
            "waves": [
                {"afterSeconds": 0, "perMille": 1000},
                {"afterSeconds": 9, "perMille": 1000},
            ]
        },
        {"severity": "security"},
    ],
    ids=str,
)
def test_another_shape_is_refused(changes: dict[str, Json]) -> None:
    with pytest.raises(MalformedError):
        parse_channel(_changed(**changes))


@pytest.mark.parametrize(
    ("installed", "next_one"),
    [(None, "1.4.0"), ("1.2.0", "1.3.1"), ("1.3.0", "1.4.0"), ("1.3.1", "1.4.0")],
)
def test_old_data_takes_the_step_that_it_needs(
    installed: str | None, next_one: str
) -> None:
    assert CHANNEL.offer(installed) == next_one


def test_of_several_steps_the_lowest_comes_first() -> None:
    steps = (Via("1.3", "1.3"), Via("1.1", "1.1"), Via("1.2", "1.2"))

    assert replace(CHANNEL, via=steps).offer("1.0") == "1.1"


def test_a_step_that_was_taken_is_not_taken_again() -> None:
    assert replace(CHANNEL, via=(Via("1.4", "1.3.1"),)).offer("1.3.1") == "1.4.0"


def test_a_version_below_the_minimum_is_not_supported() -> None:
    assert not CHANNEL.is_supported("1.1.9")


def test_the_minimum_in_another_spelling_is_supported() -> None:
    assert CHANNEL.is_supported("1.2")


def test_one_wave_for_all_is_enough() -> None:
    channel = replace(CHANNEL, waves=(Wave(0, 1000),))

    assert parse_channel(format_channel(channel)) == channel
