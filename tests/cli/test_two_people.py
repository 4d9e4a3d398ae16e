"""Two people, each a process with a home of their own, and a third runs the relay."""

import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.side import Side, save
from tests.voip.people import MemoryKeeper, introduce, person
from voip.identity.card import parse_relay

_MEDIA = ["--audio-in=tone", "--audio-out=null", "--loopback", "--json"]

Run = Callable[..., str]


Open = Callable[..., Side]


@pytest.fixture
def opened(start: Start) -> Iterator[Open]:
    """Give a function that starts a person's side; what is left is ended."""
    with ExitStack() as left:

        def run(person: str, *arguments: str) -> Side:
            side = Side(start(person, *arguments, *_MEDIA))
            left.callback(side.process.communicate)
            left.callback(side.process.kill)
            return side

        yield run


@pytest.fixture
def run(start: Start) -> Run:
    """Give a function that runs a command to its end; gives what it printed."""

    def run(person: str, *arguments: str, code: int = Code.DONE) -> str:
        process = start(person, *arguments)
        out, said = process.communicate(timeout=30)

        assert process.returncode == code, said
        return out

    return run


@pytest.fixture
def people(tmp_path: Path, relay_line: str) -> dict[str, MemoryKeeper]:
    """Make homes of alice, bob and carol, who know each other."""
    relay = parse_relay(relay_line)
    keepers = {name: person(name, relay) for name in ("alice", "bob", "carol")}
    introduce(keepers["alice"], keepers["bob"])
    introduce(keepers["carol"], keepers["bob"])
    for name, keeper in keepers.items():
        save(tmp_path / name, keeper.vault)
    return keepers


def _connected(opened: Open, *options: str) -> tuple[Side, Side]:
    """Let alice call bob, who answers."""
    bob = opened("bob", "answer", "--once", "--auto", *options)
    bob.until(event="listening")
    alice = opened("alice", "call", "bob", *options)
    for side in (alice, bob):
        side.until(event="state", state="active")
    return alice, bob


def _choose(side: Side, *, right: bool) -> None:
    """Compare the words, as a user who hears the right ones, or none of them."""
    words = next(each["words"] for each in side.seen if each["event"] == "words")
    side.say("choices")
    options = side.until(event="choices")["options"]
    side.say(f"choose {options.index(' '.join(words)) + 1 if right else 0}")


def test_from_nothing_to_a_verified_call(
    run: Run, opened: Open, tmp_path: Path, relay_line: str
) -> None:
    for name in ("alice", "bob"):
        made = ("--alias", name, "--relay", relay_line, "--kdf-mib=64")
        run(name, "identity", "create", *made)
        (tmp_path / f"{name}.card").write_text(run(name, "identity", "card"))
    run("alice", "contact", "add", str(tmp_path / "bob.card"))
    run("bob", "contact", "add", str(tmp_path / "alice.card"))
    alice, bob = _connected(opened, "--show-words")
    words = [
        next(each["words"] for each in side.seen if each["event"] == "words")
        for side in (alice, bob)
    ]
    _choose(alice, right=True)
    verified = alice.until(event="trust")
    alice.say("mute")
    alice.say("hold")
    bob.until(event="peer", muted=True, held=True)
    alice.say("rekey")
    bob.until(event="epoch", epoch=1)
    alice.say("hangup")

    assert words[0] == words[1]
    assert (verified["trust"], verified["reason"]) == ("verified", "words compared")
    assert (alice.end(), bob.end()) == (Code.DONE, Code.DONE)
    assert "verified" in run("alice", "contact", "show", "bob")
    assert "from alice: ended" in run("bob", "calls")


@pytest.mark.usefixtures("people")
def test_ringing_is_said_when_it_rings_and_an_order_answers(opened: Open) -> None:
    bob = opened("bob", "answer", "--once")
    bob.until(event="listening")
    alice = opened("alice", "call", "bob")
    alice.until(event="state", state="alerted")
    incoming = bob.until(event="incoming")
    bob.say("accept")
    alice.until(event="state", state="active")
    bob.say("hangup")

    assert incoming | {"alias": "alice", "trust": "new"} == incoming
    assert incoming["reason"] == "first call with this device"
    assert (alice.end(), bob.end()) == (Code.DONE, Code.DONE)


@pytest.mark.usefixtures("people")
def test_a_call_that_is_given_up_was_missed(opened: Open, run: Run) -> None:
    bob = opened("bob", "answer", "--once")
    bob.until(event="listening")
    alice = opened("alice", "call", "bob")
    alice.until(event="state", state="alerted")
    alice.say("hangup")

    assert (alice.end(), bob.end()) == (Code.NO_ANSWER, Code.NO_ANSWER)
    assert "from alice: missed" in run("bob", "calls", "--unseen", code=Code.NO_ANSWER)
    assert run("bob", "calls", "--unseen") == ""


@pytest.mark.usefixtures("people")
def test_a_declined_call_says_so_on_both_sides(opened: Open) -> None:
    bob = opened("bob", "answer", "--once")
    bob.until(event="listening")
    alice = opened("alice", "call", "bob")
    bob.until(event="incoming")
    bob.say("decline")

    assert (alice.end(), bob.end()) == (Code.REFUSED, Code.REFUSED)


@pytest.mark.usefixtures("people")
def test_who_calls_somebody_in_a_call_is_told_busy(opened: Open) -> None:
    _connected(opened)
    carol = opened("carol", "call", "bob")

    assert carol.end() == Code.BUSY


def test_a_call_is_answered_on_one_of_two_devices(
    opened: Open, run: Run, tmp_path: Path, people: dict[str, MemoryKeeper]
) -> None:
    del people
    backup = ("--backup-passphrase-file", str(tmp_path / "pw"), "--kdf-mib=64")
    run("bob", "identity", "export", str(tmp_path / "bob.backup"), *backup)
    run("bob2", "identity", "import", str(tmp_path / "bob.backup"), *backup)
    devices = [opened(name, "answer", "--once") for name in ("bob", "bob2")]
    for device in devices:
        device.until(event="listening")
    alice = opened("alice", "call", "bob")
    for device in devices:
        device.until(event="incoming")
    devices[1].say("accept")
    elsewhere = devices[0].until(event="ended")
    alice.until(event="state", state="active")
    alice.say("hangup")

    assert elsewhere["end"] == "answered elsewhere"
    assert [side.end() for side in (alice, *devices)] == [Code.DONE] * 3


@pytest.mark.usefixtures("people")
def test_two_who_call_each_other_get_one_call(opened: Open) -> None:
    for name in ("alice", "bob"):  # so that each has a device that can be called
        waiting = opened(name, "answer")
        waiting.until(event="listening")
        waiting.process.terminate()
        waiting.end()
    both = opened("alice", "call", "bob"), opened("bob", "call", "alice")
    calls = {side.until(event="state", state="active")["call_id"] for side in both}
    both[0].say("hangup")

    assert len(calls) == 1
    assert [side.end() for side in both] == [Code.DONE, Code.DONE]


@pytest.mark.usefixtures("people")
def test_none_of_these_words_breaks_the_trust(opened: Open, run: Run) -> None:
    alice, bob = _connected(opened, "--show-words")
    _choose(alice, right=False)
    bob.until(event="peer-compared", matched=False)
    alice.say("unmute")
    refused = alice.until(event="error")
    alice.say("hangup")

    assert "words differ" in refused["sentence"]
    assert (alice.end(), bob.end()) == (Code.DISTRUST, Code.DONE)
    assert "BROKEN" in run("alice", "contact", "show", "bob")


@pytest.mark.usefixtures("people")
def test_a_broken_contact_is_not_accepted_by_itself(opened: Open) -> None:
    alice, bob = _connected(opened, "--show-words")
    _choose(bob, right=False)
    bob.until(event="compared")
    alice.say("hangup")
    alice.end(), bob.end()
    bob = opened("bob", "answer", "--once", "--auto")
    bob.until(event="listening")
    alice = opened("alice", "call", "bob")
    incoming = bob.until(event="incoming")
    bob.say("accept")
    bob.until(event="microphone-closed")
    bob.say("continue")
    bob.until(event="continued")
    alice.say("hangup")

    assert (incoming["trust"], incoming["reason"]) == ("broken", "the words differ")
    assert (alice.end(), bob.end()) == (Code.DONE, Code.DISTRUST)


@pytest.mark.usefixtures("people")
def test_text_and_a_file_arrive_and_are_saved(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "map.txt").write_text("turn left")
    alice, bob = _connected(opened, "--data", f"--files={tmp_path}/inbox")
    _insist(alice, "text hello", "text-sent")
    text = bob.until(event="text")
    alice.say(f"file {tmp_path}/map.txt")
    saved = bob.until(event="saved")
    alice.say(f"file {tmp_path}/map.txt")
    twice = bob.until(event="error")
    alice.say("file /nonsense")
    missing = alice.until(event="error")
    alice.say("hangup")
    path = Path(saved["path"])

    assert text["text"] == "hello"
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("turn left", 0o600)
    assert "File exists" in twice["sentence"]
    assert missing["sentence"] == "file /nonsense: No such file or directory"
    assert (alice.end(), bob.end()) == (Code.DONE, Code.DONE)


def _insist(side: Side, order: str, done: str) -> None:
    """Repeat an order until it can be: the data channel opens after the sound."""
    while True:
        side.say(order)
        if side.until()["event"] == done:
            return


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_hangs_up(opened: Open, number: signal.Signals) -> None:
    alice, bob = _connected(opened)
    alice.process.send_signal(number)

    assert (alice.end(), bob.end()) == (Code.DONE, Code.DONE)


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
@pytest.mark.usefixtures("people")
def test_an_end_that_fails_is_told_while_the_call_goes_on(
    opened: Open, start: Start, tmp_path: Path
) -> None:
    bob = opened("bob", "answer", "--once", "--auto")
    bob.until(event="listening")
    record = f"--audio-out=file:{tmp_path}/heard.wav"
    alice = Side(start("alice", "call", "bob", "--audio-in=tone", record, *_MEDIA[2:]))
    full = (1 << 16, 1 << 16)  # bytes of any file: 0.7 s of sound, and any store
    resource.prlimit(alice.process.pid, resource.RLIMIT_FSIZE, full)
    problem = alice.until(event="problem")
    alice.say("hangup")

    assert problem["sentence"].endswith("File too large")
    assert (alice.end(), bob.end()) == (Code.DONE, Code.DONE)


@pytest.mark.usefixtures("people")
def test_an_interrupt_ends_the_waiting(opened: Open) -> None:
    bob = opened("bob", "answer")
    bob.until(event="listening")
    bob.process.terminate()

    assert bob.end() == Code.INTERRUPTED


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["call", "nobody"], Code.REFUSED),
        (["call", "bob", "--video-in=file:nothing.mkv"], Code.MISSING),
        (["call", "bob", "--video-in=nonsense"], Code.REFUSED),
        (["call", "bob"], Code.UNREACHABLE),  # he never published a device
        (["--passphrase-file=/dev/null", "call", "bob"], Code.USAGE),
    ],
)
def test_a_call_that_cannot_be_says_why(
    opened: Open, arguments: list[str], code: Code
) -> None:
    assert opened("alice", *arguments).end() == code


@pytest.mark.usefixtures("people")
def test_another_passphrase_opens_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("another\n")

    assert run("alice", "call", "bob", *_MEDIA, code=Code.STORE) == ""


def test_a_listener_takes_calls_without_a_relay(opened: Open, tmp_path: Path) -> None:
    alice, bob = person("alice", None), person("bob", None)
    introduce(alice, bob)
    save(tmp_path / "bob", bob.vault)
    listener = opened("bob", "listen", "127.0.0.1:0", "--once", "--auto")
    line = listener.until(event="relay")["relay"]
    bob.vault = replace(bob.vault, relay=parse_relay(line))
    introduce(alice, bob)  # with the card that names the listener
    save(tmp_path / "alice", alice.vault)
    listener.until(event="listening")
    alice_calls = opened("alice", "call", "bob")
    relayed = alice_calls.until(event="state", state="active")
    alice_calls.say("hangup")

    assert (alice_calls.end(), listener.end()) == (Code.DONE, Code.DONE), relayed
