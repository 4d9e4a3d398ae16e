"""The doctor names what is wrong, what helps, and ends with the code for it."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.codes import Code
from cli.doctor import _lines
from cli.main import main
from tests.cli.conftest import Keep
from tests.voip.people import person
from voip.exposure import Exposure
from voip.identity.card import parse_relay
from voip.identity.vault import Candidates, Vault

Look = Callable[[list[str]], tuple[int, dict[str, dict[str, Any]]]]


@pytest.fixture
def look(capsys: pytest.CaptureFixture[str]) -> Look:
    """Give a function that runs the doctor; it gives the code, and each check."""

    def run(options: list[str]) -> tuple[int, dict[str, dict[str, Any]]]:
        capsys.readouterr()
        code = main([*options, "doctor", "--json"])
        said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return code, {each["check"]: each for each in said}

    return run


@pytest.fixture
def alice() -> Vault:
    return person("alice", None).vault


def test_a_new_person_is_told_how_to_begin(look: Look, tmp_path: Path) -> None:
    code, checks = look([f"--home={tmp_path}"])

    assert (code, checks["home"]["level"]) == (Code.MISSING, "fail")
    assert checks["home"]["advice"] == "'ringfence identity create' makes one"


def test_all_is_well(look: Look, keep: Keep, alice: Vault) -> None:
    code, checks = look(keep(alice))
    failed = [name for name, check in checks.items() if check["level"] == "fail"]

    assert (code, failed) == (Code.DONE, [])
    assert checks["store"]["said"].startswith("alice, ")
    assert {"call key", "clock", "opus", "vp8", "addresses"} <= checks.keys()


def test_a_folder_that_others_can_read_is_a_failure(
    look: Look, keep: Keep, alice: Vault, tmp_path: Path
) -> None:
    options = keep(alice)
    (tmp_path / "home").chmod(0o755)
    code, checks = look(options)

    assert (code, checks["home"]["level"]) == (Code.STORE, "fail")
    assert checks["home"]["advice"] == f"chmod go= {tmp_path / 'home'}"


def test_a_wrong_passphrase_is_a_failure_like_others(
    look: Look, keep: Keep, alice: Vault, tmp_path: Path
) -> None:
    options = keep(alice)
    (tmp_path / "pw").write_text("another\n")
    code, checks = look(options)

    assert (code, checks["store"]["level"]) == (Code.STORE, "fail")
    assert checks["opus"]["level"] == "ok"  # the rest is looked at all the same


def test_a_store_that_nothing_opens_is_left_closed(
    look: Look, keep: Keep, alice: Vault
) -> None:
    home, _ = keep(alice)
    code, checks = look([home])

    assert (code, checks["store"]["level"]) == (Code.DONE, "warn")


def test_without_a_relay_there_are_other_ways(
    look: Look, keep: Keep, alice: Vault
) -> None:
    _, checks = look(keep(alice))

    assert checks["relay"]["level"] == "warn"
    assert "'paste'" in checks["relay"]["said"]


def test_a_relay_that_is_away_could_not_be_asked(
    look: Look, keep: Keep, alice: Vault
) -> None:
    code, checks = look(keep(replace(alice, relay=parse_relay("127.0.0.1:1 -"))))

    assert (code, checks["relay"]["level"]) == (Code.UNREACHABLE, "fail")


def test_without_a_live_call_key_nobody_can_call(
    look: Look, keep: Keep, alice: Vault
) -> None:
    code, checks = look(keep(replace(alice, call_keys=())))

    assert (code, checks["call key"]["level"]) == (Code.MISSING, "fail")


def test_a_clock_behind_our_own_keys_is_wrong(
    look: Look, keep: Keep, monkeypatch: pytest.MonkeyPatch, alice: Vault
) -> None:
    options = keep(alice)
    past = time.time() - 30 * 86400
    monkeypatch.setattr(time, "time", lambda: past)
    code, checks = look(options)

    assert (code, checks["clock"]["level"]) == (Code.MISSING, "fail")


def test_relay_only_shows_no_address(look: Look, keep: Keep, alice: Vault) -> None:
    hidden = replace(alice.settings, candidates=Candidates.RELAY_ONLY)
    _, checks = look(keep(replace(alice, settings=hidden)))

    assert checks["addresses"]["said"] == "none of yours: relay-only"


def test_a_leak_is_the_last_word() -> None:
    exposure = Exposure(
        before_accept=(("192.0.2.1", 53),),
        after_accept=(),
        names=("stun.example",),
        audio_sizes=(108, 90),
        audio_packets={"speech": 7},
        rtp_first_bytes=(0x80, 0x90),
        payload_types=(96,),
        rtcp_sizes=(),
        record_sizes=(666,),
        epochs=(0,),
        complaints=("audio packets of 2 sizes: (108, 90)",),
    )
    lines = _lines(exposure)

    assert lines[-1] == "leak: audio packets of 2 sizes: (108, 90)"
    assert lines[3] == "audio packets, bytes: 108, 90; 7 during speech"


@pytest.mark.slow
def test_a_rehearsal_from_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["doctor", "--leak"])

    assert code == Code.DONE
    assert capsys.readouterr().out.endswith(
        "nothing shows what was said, or that nothing was\n"
    )
