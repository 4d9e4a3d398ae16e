"""What people do with sound and pictures in a call: two processes and a relay."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.side import Side, save
from tests.voip.people import introduce, person
from voip.identity.card import parse_relay
from voip.media.quality.judgement import Word

_MEDIA = ["--audio-in=tone", "--audio-out=null", "--loopback", "--json"]

Call = Callable[..., tuple[Side, Side]]


@pytest.fixture
def call(start: Start, tmp_path: Path, relay_line: str) -> Call:
    """Give a function that lets alice call bob with some options; bob accepts."""

    def connect(*options: str) -> tuple[Side, Side]:
        alice, bob = (
            person(name, parse_relay(relay_line)) for name in ("alice", "bob")
        )
        introduce(alice, bob)
        for keeper in (alice, bob):
            save(tmp_path / keeper.vault.alias, keeper.vault)
        answering = Side(start("bob", "answer", "--once", "--auto", *_MEDIA))
        answering.until(event="listening")
        calling = Side(start("alice", "call", "bob", *_MEDIA, *options))
        for side in (calling, answering):
            side.until(event="state", state="active")
        return calling, answering

    return connect


def _log(start: Start, name: str) -> dict[str, object]:
    """Give the last line of somebody's call log."""
    said, _ = start(name, "calls", "--json").communicate(timeout=20)
    last: dict[str, object] = json.loads(said.splitlines()[-1])
    return last


def test_a_key_that_is_pressed_arrives(call: Call) -> None:
    alice, bob = call()
    alice.say("tone 5")
    alice.until(event="tone-sent", digits="5")
    bob.until(event="digit", digit="5")
    alice.say("tone x")
    refused = alice.until(event="error")
    alice.say("hangup")

    assert "'x'" in refused["sentence"]
    assert (alice.end(), bob.end()) == (Code.DONE, Code.DONE)


def test_a_recording_is_announced_and_holds_both_sides(
    call: Call, start: Start, tmp_path: Path
) -> None:
    alice, bob = call()
    path = tmp_path / "call.mkv"
    alice.say(f"record {path}")
    bob.until(event="peer", recording=True)
    alice.until(event="recording")
    bob.say("tone 1")  # something to wait for, while sound is recorded
    alice.until(event="digit")
    alice.say(f"record {path}")
    twice = alice.until(event="error")
    alice.say("record off")
    files = alice.until(event="recorded")["files"]
    bob.until(event="peer", recording=False)
    alice.say("record off")
    none = alice.until(event="error")
    alice.say("hangup")
    codes = alice.end(), bob.end()
    with av.open(str(path)) as recorded:
        titles = [stream.metadata["title"] for stream in recorded.streams]

    assert codes == (Code.DONE, Code.DONE)
    assert files == [str(path)]
    assert sorted(titles) == ["other side", "our side"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert "exists already" in twice["sentence"]
    assert none["sentence"] == "nothing is being recorded"
    assert _log(start, "alice")["recorded"] is True
    assert _log(start, "bob")["recorded_there"] is True


def test_who_pushes_to_talk_is_heard_for_a_moment_only(call: Call) -> None:
    alice, bob = call("--push-to-talk")
    first = bob.until(event="peer")
    alice.say("talk")
    alice.until(event="own", muted=False)
    alice.until(event="own", muted=True)
    alice.say("hangup")

    assert first["muted"] is True
    assert (alice.end(), bob.end()) == (Code.DONE, Code.DONE)


def test_a_call_says_how_it_goes_and_how_it_was(call: Call, tmp_path: Path) -> None:
    table = tmp_path / "call.csv"
    alice, bob = call("--stats=1", f"--quality-csv={table}")
    figures = alice.until(event="stats", audio_codec="opus", path="direct")
    alice.say("quality")
    word = alice.until(event="quality")["word"]
    alice.say("hangup")
    summary = alice.until(event="summary")
    saved = alice.until(event="saved")
    codes = alice.end(), bob.end()
    with table.open() as rows:
        (*_, last) = csv.DictReader(rows)

    assert codes == (Code.DONE, Code.DONE)
    assert figures["audio_state"] in {"S1", "N1"}
    assert {word, summary["word"]} <= {each.value for each in Word}
    assert (summary["paths"], saved["path"]) == (["direct"], str(table))
    assert last["audio_codec"] == "opus"


def test_what_cannot_be_is_refused_and_the_call_goes_on(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    alice, bob = call()
    refused = {}
    for order in ("talk", "devices", "device mic 1", "screen on", "record call.avi"):
        alice.say(order)
        refused[order] = alice.until(event="error")["sentence"]
    alice.say("hangup")

    assert refused == {
        "talk": "the call began without --push-to-talk",
        "devices": "neither sound end of this call is a device",
        "device mic 1": "the microphone of this call is no device",
        "screen on": "no screen: DISPLAY is not set",
        "record call.avi": "a call is recorded as .mkv, came 'call.avi'",
    }
    assert (alice.end(), bob.end()) == (Code.DONE, Code.DONE)
