"""The commands, in this process, on a repository that is served on loopback."""

import functools
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli import main
from tests.updater.places import BROKEN, app_bundle
from tests.updater.repositories import TufRepository
from tests.updater.world import DAY, OPERATORS, Release, World
from updater.driver.embedded import write_anchor
from updater.files import Files

Capsys = pytest.CaptureFixture[str]


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Desk:
    """A user at a terminal, and what is served to them."""

    world: World
    folder: Path
    address: str
    capsys: Capsys

    def run(self, *words: str) -> tuple[int, str, str]:
        """Run `ringfence update` and give the exit code and what it printed."""
        self.world.write(self.folder / "site")
        place = ["--root", str(self.folder / "root")]
        if words[0] in {"check", "apply", "verify", "offline"}:
            place += ["--repository", self.address, "--dev"]
        code = main.main(["update", *words, *place])
        printed = self.capsys.readouterr()
        return code, printed.out, printed.err

    def facts(self, *words: str) -> dict[str, Any]:
        """Run it for a program, and give the last object."""
        _, out, _ = self.run(*words, "--json")
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        return found

    def release(self, version: str, **how: Any) -> Release:
        """Publish a release that is public for long enough."""
        self.world.now -= 10 * DAY
        made = self.world.release(version, **how)
        self.world.wait(10 * DAY)
        return made


@pytest.fixture
def desk(tmp_path: Path, capsys: Capsys) -> Iterator[Desk]:
    """Give a user who has made the folder and installed nothing yet."""
    now = time.time()
    world = World()
    world.now = now
    world.repository = TufRepository(now=now - 10 * DAY, operators=OPERATORS)
    write_anchor(tmp_path / "anchor", world.anchor, Files())
    world.publish()
    (tmp_path / "site").mkdir()
    handler = functools.partial(Quiet, directory=str(tmp_path / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(
            target=server.serve_forever, args=(0.01,), daemon=True
        )
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/"
        desk = Desk(world, tmp_path, address, capsys)
        desk.run("init", "--anchor", str(tmp_path / "anchor"))
        yield desk
        server.shutdown()
        thread.join()


def test_a_release_is_offered_installed_and_then_up_to_date(desk: Desk) -> None:
    desk.release("1.1")

    assert desk.run("check")[:2] == (
        2,
        "1.1 may be installed now: 'ringfence update apply' does it\n",
    )
    assert desk.run("apply")[:2] == (0, "installed 1.1; the next start runs it\n")
    assert desk.run("check")[:2] == (0, "up to date: 1.1 is what stable offers\n")


def test_explain_gives_each_gate_its_line(desk: Desk) -> None:
    desk.release("1.1")
    _, out, _ = desk.run("check", "--explain")
    lines = out.splitlines()

    assert len(lines) == 19
    assert (
        lines[0] == "clock        yes      the clock is not behind any time seen before"
    )
    assert lines[5] == "wave         waived   asked by hand, so no wave is waited for"
    assert lines[6].startswith("fetch        -        it is fetched when nothing else")
    assert re.match("witness +yes +signed by 4 witnesses: ", lines[12])


def test_what_many_gates_lack_is_said_once(desk: Desk) -> None:
    nobody = replace(desk, address="http://127.0.0.1:9/")  # a port that nobody has
    code, _, err = nobody.run("check")

    assert code == 75
    assert err.count("http://127.0.0.1:9/") == 1


def test_a_young_release_is_not_yet_and_says_when(desk: Desk) -> None:
    desk.world.release("1.1")
    code, out, err = desk.run("check")

    assert (code, out) == (3, "")
    assert "error: not yet: 1.1: public for 0 s by the witnesses' times" in err
    assert re.search(r"hint: not before 20\d\d-\d\d-\d\d \d\d:\d\d UTC", err)


def test_break_glass_does_not_wait_and_is_written_down(desk: Desk) -> None:
    desk.world.release("1.1")
    code, _, _ = desk.run("apply", "--break-glass", "a hole is being used")
    audit = (desk.folder / "root" / "audit.jsonl").read_text()

    assert code == 0
    assert "not waited for: a hole is being used" in audit


def test_a_withdrawn_release_is_refused_and_named(desk: Desk) -> None:
    made = desk.release("1.1")
    desk.world.yank(made)
    desk.world.publish()
    code, _, err = desk.run("apply")

    assert code == 1
    assert "error: refused: 1.1: withdrawn in entry" in err
    assert "(yanked)" in err


def test_a_withdrawn_version_that_runs_is_noted(desk: Desk) -> None:
    made = desk.release("1.1")
    desk.run("apply")
    desk.world.yank(made)
    desk.world.publish()
    code, _, err = desk.run("check")

    assert code == 0
    assert "note: what runs here was withdrawn" in err


def test_nobody_answering_is_75(desk: Desk) -> None:
    desk.release("1.1")
    desk.address = "http://127.0.0.1:9/"
    code, _, err = desk.run("check")

    assert code == 75
    assert "error: could not ask: " in err
    assert "hint: try again later" in err


def test_json_is_one_object_with_every_gate(desk: Desk) -> None:
    desk.release("1.1")
    facts = desk.facts("check")

    assert (facts["kind"], facts["offered"], facts["current"]) == (
        "waiting",
        "1.1",
        None,
    )
    assert [each["gate"] for each in facts["gates"]][:3] == ["clock", "freeze", "tuf"]
    assert {each["says"] for each in facts["gates"]} == {"yes", "unasked"}


def test_status_tells_what_was_found_without_asking(desk: Desk) -> None:
    desk.release("1.1")
    desk.run("apply")
    desk.world.release("1.2")
    desk.run("check")
    code, out, _ = desk.run("status")

    assert code == 0
    assert re.search("(?m)^version +1.1$", out)
    assert re.search("(?m)^last check +.*: 1.2 not yet$", out)
    assert re.search("(?m)^ +cooldown: public for 0 s", out)
    assert re.search("(?m)^ +not before ", out)
    assert re.search("(?m)^metadata +good until ", out)
    assert re.search("(?m)^audit head +[0-9]+ [0-9a-f]{64}$", out)


def test_status_is_2_while_something_may_be_installed(desk: Desk) -> None:
    desk.release("1.1")
    desk.run("check")

    assert desk.run("status")[0] == 2
    assert desk.facts("status")["last"] == "waiting"


def test_a_release_that_fails_its_probe_leaves_what_ran(desk: Desk) -> None:
    desk.release("1.1")
    desk.run("apply")
    desk.release("1.2", bundle=app_bundle("1.2", BROKEN))
    code, _, err = desk.run("apply")

    assert code == 1
    assert "(unhealthy)" in err
    assert desk.facts("status")["version"] == "1.1"
    assert desk.run("check")[0] == 1  # it is not tried again by itself


def test_rollback_goes_back_and_the_version_left_is_skipped(desk: Desk) -> None:
    desk.release("1.1")
    desk.run("apply")
    desk.release("1.2")
    desk.run("apply")
    code, out, _ = desk.run("rollback")

    assert code == 0
    assert re.fullmatch("back to 1.1-[0-9a-f]{12}; the next start runs it\n", out)
    assert "(skipped)" in desk.run("check")[2]
    assert desk.run("check", "--to", "1.2")[0] == 2


def test_rollback_to_a_withdrawn_version_needs_a_word(desk: Desk) -> None:
    made = desk.release("1.1")
    desk.run("apply")
    desk.release("1.2")
    desk.run("apply")
    desk.world.yank(made)
    desk.world.publish()
    desk.run("check")

    assert desk.run("rollback")[0] == 64
    assert desk.run("rollback", "--anyway")[0] == 0


def test_rollback_without_a_version_before_is_refused(desk: Desk) -> None:
    desk.release("1.1")
    desk.run("apply")

    assert desk.run("rollback")[0] == 1


def test_audit_finds_a_file_that_was_changed(desk: Desk) -> None:
    desk.release("1.1")
    desk.run("apply")

    assert desk.run("audit")[0] == 0

    (changed,) = (desk.folder / "root").glob("versions/*/lib/app/main.py")
    changed.chmod(0o600)
    changed.write_text("print('mine')")
    code, out, _ = desk.run("audit")

    assert code == 1
    assert re.search("(?m)^BAD  1.1-[0-9a-f]{12}: ", out)


def test_audit_checks_the_evidence_again(desk: Desk) -> None:
    desk.release("1.1")
    desk.run("apply")
    _, out, _ = desk.run("audit")

    assert re.search("(?m)^ok   1.1-[0-9a-f]{12} evidence: entry 1 of [0-9]+ in ", out)


def test_verify_judges_a_file_and_installs_nothing(desk: Desk) -> None:
    made = desk.release("1.1")
    file = desk.folder / "some.tar"
    file.write_bytes(made.bundle)

    assert desk.run("verify", str(file))[:2] == (0, "some.tar: every gate says yes\n")
    assert desk.facts("status")["version"] is None


def test_verify_refuses_a_file_that_was_changed(desk: Desk) -> None:
    made = desk.release("1.1")
    file = desk.folder / "some.tar"
    file.write_bytes(made.bundle[:-1] + b"\1")
    code, _, err = desk.run("verify", str(file))

    assert code == 1
    assert "(manifest)" in err


def test_verify_knows_an_older_release_than_the_one_that_runs(desk: Desk) -> None:
    made = desk.release("1.1")
    desk.release("1.2")
    desk.run("apply")
    file = desk.folder / "some.tar"
    file.write_bytes(made.bundle)

    assert desk.run("verify", str(file))[0] == 0


@pytest.mark.parametrize("name", ["copy", "copy.tar"])
def test_a_copy_updates_without_a_network(desk: Desk, name: str) -> None:
    desk.release("1.1")
    copy = desk.folder / name

    assert desk.run("offline", str(copy), "--make")[0] == 0

    desk.address = "http://127.0.0.1:9/"
    today = time.strftime("%Y-%m-%d", time.gmtime(desk.world.now))
    code, out, _ = desk.run("offline", str(copy), "--accept-as-of", today)

    assert (code, out) == (0, "installed 1.1; the next start runs it\n")


def test_a_copy_is_not_installed_unless_somebody_says_yes(desk: Desk) -> None:
    desk.release("1.1")
    copy = desk.folder / "copy"
    desk.run("offline", str(copy), "--make")
    code, _, err = desk.run("offline", str(copy))

    assert code == 64
    assert "later warnings are unknown" in err
    assert desk.facts("status")["version"] is None


def test_settings_can_only_ask_for_more(desk: Desk) -> None:
    desk.release("1.1")
    settings = desk.folder / "root" / "update.toml"
    settings.write_text("[tighten]\nrebuild_threshold = 3\n")
    code, _, err = desk.run("check")

    assert code == 3
    assert "(rebuild-quorum)" in err


def test_a_misspelled_setting_is_no_setting(desk: Desk) -> None:
    settings = desk.folder / "root" / "update.toml"
    settings.write_text("[tighten]\ncooldown = 3\n")

    assert desk.run("check")[0] == 64


@pytest.mark.parametrize(
    ("apply", "code", "version"),
    [("never", 0, None), ("ask", 2, None), ("auto", 0, "1.1")],
)
def test_a_timer_does_what_the_settings_say(
    desk: Desk, apply: str, code: int, version: str | None
) -> None:
    desk.release("1.1")
    (desk.folder / "root" / "update.toml").write_text(f'apply = "{apply}"\n')

    assert desk.run("apply", "--scheduled")[0] == code
    assert desk.facts("status")["version"] == version


def test_a_timer_waits_for_its_wave(desk: Desk) -> None:
    desk.world.channel = replace(desk.world.channel, paused=True)
    desk.release("1.1")
    code, _, err = desk.run("apply")

    assert code == 3
    assert "(paused)" in err
    assert desk.run("apply", "--ignore-pause")[0] == 0
