"""What the options of a call come to."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
import pytest

from cli import paths
from cli.home import Home
from cli.wishes import Wishes, call_options
from tests.voip.people import person
from voip.errors import MalformedError, MissingError
from voip.identity.card import RelayAddress
from voip.identity.vault import Candidates
from voip.media.ends.choice import Device, Made, Screen
from voip.media.ends.remember import VoiceSettings

_KEEPER = person("alice", None)
_VAULT = _KEEPER.vault
_HOME = Path("home")

T = TypeVar("T")


def _asked(ask: Callable[[Wishes], T], *arguments: str, home: Path = _HOME) -> T:
    """Ask within a command with these options, as the program does."""
    answers: list[T] = []

    @click.command()
    @call_options
    def command(**options: Any) -> None:
        answers.append(ask(Wishes(**options)))

    command.main(list(arguments), standalone_mode=False, obj=Home(home))
    return answers[0]


def _wishes(*arguments: str) -> Wishes:
    return _asked(lambda wishes: wishes, *arguments)


def test_nobody_is_asked_for_a_path_by_default() -> None:
    ice = _wishes().ice(_VAULT)

    assert (ice.servers, ice.relay_only, ice.loopback) == ((), False, False)


def test_who_hides_addresses_does_so_in_every_call() -> None:
    settings = replace(_VAULT.settings, candidates=Candidates.RELAY_ONLY)

    assert _wishes().ice(replace(_VAULT, settings=settings)).relay_only


def test_the_camera_is_for_calls_with_video() -> None:
    assert _wishes().choice().video_in is Made.NONE
    assert _wishes("--video").choice().video_in == Device(None)
    assert _wishes("--video", "--video-in=pattern").choice().video_in is Made.PATTERN


def test_pictures_at_hand_are_not_shown_unasked() -> None:
    manners = _wishes("--video-in=pattern").manners(_KEEPER)

    assert (manners.video, manners.screen) == (False, False)


def test_a_screen_in_place_of_a_camera_is_shown_as_one() -> None:
    manners = _wishes("--video", "--video-in=screen").manners(_KEEPER)

    assert (manners.video, manners.screen) == (False, True)


def test_a_screen_can_be_shown_beside_the_camera() -> None:
    wishes = _wishes("--video", "--screen", "--video-in=pattern")
    manners = wishes.manners(_KEEPER)

    assert (manners.video, manners.screen) == (True, True)
    assert wishes.choice().screen == Screen(None)


def test_one_call_can_treat_the_voice_in_its_own_way() -> None:
    asked = _asked(Wishes.sound, "--headphones", "--gain=6")
    raw = _asked(Wishes.sound, "--raw")

    assert (asked.voice, asked.microphone_db) == (VoiceSettings(headphones=True), 6.0)
    assert not raw.voice.does_anything(with_speaker=True)


def test_addresses_can_be_hidden_in_one_call() -> None:
    assert _wishes("--relay-only").ice(_VAULT).relay_only


def test_a_terminal_that_is_none_is_no_place_for_pictures() -> None:
    with pytest.raises(MissingError, match="--video-out kitty needs a terminal"):
        _wishes("--video-out=kitty").open_stage()


def test_other_places_for_pictures_take_no_terminal() -> None:
    assert _wishes("--video-out=window").open_stage() is None


def test_steady_pictures_are_a_wish_of_the_call() -> None:
    plan = _asked(
        lambda wishes: wishes.plan(wishes.open_ends(None)),
        *("--steady", "--data", "--audio-in=tone", "--audio-out=null"),
    )
    plan.close()

    assert (plan.steady, plan.data) == (True, True)


def test_logs_are_compared_with_those_of_the_home_s_own_updater() -> None:
    gossip = _wishes().manners(_KEEPER).gossip

    assert gossip is not None
    assert (gossip.root, gossip.after_s) == (_HOME / "update", None)


def test_an_updater_may_live_elsewhere() -> None:
    gossip = _wishes("--update-root=/opt/app", "--gossip-after=2").manners(_KEEPER)

    assert gossip.gossip is not None
    assert (gossip.gossip.root, gossip.gossip.after_s) == (Path("/opt/app"), 2.0)


def test_who_does_not_want_it_compares_no_logs() -> None:
    assert _wishes("--no-gossip").manners(_KEEPER).gossip is None


def test_a_login_is_for_the_turn_server_alone(tmp_path: Path) -> None:
    login = tmp_path / "login"
    login.write_text("alice:s3cret:x\n")
    stun, turn = (
        _wishes(
            "--ice-server=stun:192.0.2.1:3478",
            "--ice-server=turn:192.0.2.1:3478",
            f"--turn-login={login}",
        )
        .ice(_VAULT)
        .servers
    )

    assert (stun.username, stun.password) == (None, None)
    assert (turn.username, turn.password) == ("alice", "s3cret:x")


def test_a_certificate_is_judged_where_one_is_shown(tmp_path: Path) -> None:
    authority, login = tmp_path / "ca.pem", tmp_path / "login"
    authority.write_text("")
    login.write_text("a:b")
    turn, turns = (
        _wishes(
            *("--ice-server=turn:192.0.2.1", "--ice-server=turns:turn.example"),
            *(f"--turn-login={login}", f"--turn-ca={authority}"),
            f"--turn-pin={'ab' * 32}",
        )
        .ice(_VAULT)
        .servers
    )

    assert (turn.ca_file, turn.pin) == (None, None)
    assert (turns.ca_file, turns.pin) == (str(authority), b"\xab" * 32)


def test_a_certificate_that_nobody_shows_cannot_be_judged() -> None:
    with pytest.raises(MalformedError, match="are about turns: servers"):
        _wishes("--ice-server=stun:192.0.2.1", f"--turn-pin={'ab' * 32}").ice(_VAULT)


def test_a_pin_is_hex() -> None:
    with pytest.raises(MalformedError, match="expected 64 hex digits, came 'xy'"):
        _wishes("--turn-pin=xy").ice(_VAULT)


def test_a_login_without_a_password_is_refused(tmp_path: Path) -> None:
    login = tmp_path / "login"
    login.write_text("alice")

    with pytest.raises(MalformedError, match="expected USER:PASSWORD"):
        _wishes(f"--turn-login={login}").ice(_VAULT)


@pytest.mark.parametrize(
    "ask",
    [Wishes.check_ends, lambda wishes: wishes.open_ends(None)],
    ids=["check", "open"],
)
def test_calls_ask_for_the_devices_chosen_for_all_of_them(
    tmp_path: Path, ask: Callable[[Wishes], object]
) -> None:
    paths.sound(tmp_path).write_text("nonsense")

    with pytest.raises(MalformedError, match="sound settings: expected JSON"):
        _asked(ask, home=tmp_path)


def test_a_relay_lends_servers_where_it_is_asked_to() -> None:
    vault = person("alice", RelayAddress("relay.example", 443)).vault

    assert _wishes().ice(vault).lender is None
    assert _wishes("--turn=relay").ice(vault).lender is not None


def test_without_a_relay_nobody_can_lend() -> None:
    with pytest.raises(MissingError, match="you have no relay"):
        _wishes("--turn=relay").ice(_VAULT)
