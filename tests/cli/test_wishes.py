"""What the options of a call come to."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from cli import paths
from cli.home import Home
from cli.wishes import Wishes, call_options
from tests.voip.people import person
from voip.errors import MalformedError
from voip.identity.vault import Candidates
from voip.media.ends.choice import Device, Made

_KEEPER = person("alice", None)
_VAULT = _KEEPER.vault
_HOME = Path("home")


def _wishes(*arguments: str) -> Wishes:
    """Read options as the program does."""
    read: list[Wishes] = []

    @click.command()
    @call_options
    def command(**options: Any) -> None:
        read.append(Wishes(**options))

    command.main(list(arguments), standalone_mode=False, obj=Home(_HOME))
    return read[0]


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

    assert (manners.video, manners.has_pictures) == (False, True)


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


def test_a_login_without_a_password_is_refused(tmp_path: Path) -> None:
    login = tmp_path / "login"
    login.write_text("alice")

    with pytest.raises(MalformedError, match="expected USER:PASSWORD"):
        _wishes(f"--turn-login={login}").ice(_VAULT)


@pytest.mark.parametrize("method", ["open_ends", "check_ends"])
def test_calls_ask_for_the_devices_chosen_for_all_of_them(
    tmp_path: Path, method: str
) -> None:
    paths.sound(tmp_path).write_text("nonsense")

    @click.command()
    @call_options
    def command(**options: Any) -> None:
        getattr(Wishes(**options), method)()

    with pytest.raises(MalformedError, match="sound settings: expected JSON"):
        command.main([], standalone_mode=False, obj=Home(tmp_path))
