"""A rebuilder's daemon: what it does about releases, and what a kill leaves."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from reproducible.compare.verdict import Comparison, FileId
from reproducible.drive.outlets import Outbox
from reproducible.drive.page import Watched
from reproducible.drive.telling import Told
from reproducible.drive.watching import Duty, Watcher
from reproducible.errors import IsolationError
from reproducible.explain.explaining import Explained
from tests.reproducible.drive.standings import dice
from tests.updater.clients import Client
from tests.updater.places import PLATFORM
from tests.updater.transparency import claimants
from tests.updater.world import DAY, World, ready
from updater.driver.published import Published, Releases, open_releases
from updater.errors import BusyError, RefusedError, StoreError
from updater.files import Files
from updater.transparency.claims.rebuild import RebuildClaim, Verdict
from updater.transparency.entry import parse_entry


class Killed(BaseException):
    """The process was killed."""


class Broken:
    """An outlet with a fault."""

    def hand_out(self, name: str, leaf: bytes) -> None:
        raise ZeroDivisionError(f"{name}: {len(leaf)}")


@dataclass
class Bench:
    """A rebuilder in a world, whose builds end as a test wants."""

    world: World
    folder: Path
    verdict: Verdict = "identical"
    life_s: int = 120 * DAY
    error: Exception | None = None
    built: list[str] = field(default_factory=list)
    handed: list[bytes] = field(default_factory=list)
    killed_at: str = ""
    refuses: bool = False
    faults: dict[str, Exception] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = Client(self.world, self.folder / "client")
        self.place = self.folder / "watch"

    def once(self, **changes: object) -> dict[str, str | None]:
        """Do a round; gives the verdict of each version, as the page has it."""
        self.watcher(**changes).once()
        return self.shown()

    def shown(self) -> dict[str, str | None]:
        status = json.loads((self.place / "public/status.json").read_bytes())
        return {each["version"]: each["verdict"] for each in status["files"]}

    def trouble(self, version: str) -> str:
        status = json.loads((self.place / "public/status.json").read_bytes())
        (job,) = (each for each in status["files"] if each["version"] == version)
        return str(job["trouble"])

    def watcher(self, **changes: object) -> Watcher:
        (self.folder / "scratch").mkdir(exist_ok=True)
        duty = Duty(
            about=Watched(project="pkg:pypi/app", operator="anna", key="c" * 64),
            releases=self.releases,
            rebuild=self.rebuild,
            outlets=[self, Outbox(self.folder / "outbox")],
            platforms=None,
            scratch=self.folder / "scratch",
            now=lambda: self.world.now,
            pause=lambda _: False,
            entropy=dice,
        )
        return Watcher(self.place, replace(duty, **changes))  # type: ignore[arg-type]  # any field

    @contextmanager
    def releases(self) -> Iterator[Releases]:
        client = self.client.see(self.world)
        with open_releases(client.root, client.anchor, client.given) as found:
            yield found

    def rebuild(self, published: Published, out: Path) -> Told:
        """Build nothing, and say what the test wants to be found."""
        version = published.claim.version
        self.built.append(version)
        if self.error is not None:
            raise self.error
        if version in self.faults:
            raise self.faults[version]
        made = self.world.releases[version]
        other = "d" * 64 if self.verdict == "different" else ""
        claim = parse_entry(self.world.rebuild_leaf(made, "anna", other=other)).claim
        assert isinstance(claim, RebuildClaim)
        claim = replace(claim, expires_on=claim.finished_on + self.life_s)
        leaf = claimants.entry(claim, claimants.OPERATOR_KEYS["anna"])
        report = out / f"{made.name}.compare.html"
        report.write_text("report")
        if self.killed_at == "built":
            raise Killed
        file = FileId(made.name, 1, sha256=made.sha256)
        comparison = Comparison(
            verdict=self.verdict, method="sha256", published=file, rebuilt=file
        )
        return Told(
            explained=Explained(comparison),
            level=1,
            claim=claim,
            leaf=leaf,
            files=(report,),
        )

    def hand_out(self, name: str, leaf: bytes) -> None:
        """Be an outlet."""
        assert name == f"app-{self.built[-1]}-{PLATFORM}.tar.rebuild-anna.claim.json"
        if self.killed_at == "handing":
            raise Killed
        if self.refuses:
            raise RefusedError("not now")
        self.handed.append(leaf)

    def is_kept(self) -> bool:
        """Tell whether no file of a release is left where it was fetched to."""
        return any(self.client.root.store.iterdir())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(ready(), tmp_path)


def test_each_new_release_is_rebuilt_once(bench: Bench) -> None:
    bench.once()
    bench.world.release("1.1")
    bench.once()
    shown = bench.once()

    assert bench.built == ["1.0", "1.1"]
    assert shown == {"1.1": "identical", "1.0": "identical"}


def test_what_is_found_is_handed_out(bench: Bench) -> None:
    bench.once()

    (file,) = (bench.folder / "outbox").iterdir()
    assert bench.handed == [file.read_bytes()]


def test_what_differs_is_handed_out_alike(bench: Bench) -> None:
    bench.verdict = "different"

    assert bench.once() == {"1.0": "different"}
    assert len(bench.handed) == 1


def test_the_report_lies_beside_the_page(bench: Bench) -> None:
    bench.once()

    name = f"app-1.0-{PLATFORM}.tar"
    folder = bench.place / "public"
    assert (folder / name / f"{name}.compare.html").read_text() == "report"
    assert "identical" in (folder / "index.html").read_text()


def test_nothing_that_was_fetched_is_kept(bench: Bench) -> None:
    bench.once()

    assert not bench.is_kept()


def test_only_wanted_platforms_are_rebuilt(bench: Bench) -> None:
    assert bench.once(platforms=frozenset({"cp399-linux-x86_64"})) == {}


def test_a_withdrawn_release_is_not_rebuilt(bench: Bench) -> None:
    bench.world.yank(bench.world.releases["1.0"])
    bench.world.publish()

    assert bench.once() == {"1.0": None}
    assert bench.built == []


def test_without_a_verdict_nothing_is_handed_out_and_it_is_tried_later(
    bench: Bench,
) -> None:
    bench.error = IsolationError("no sandbox")
    bench.once()
    bench.once()
    bench.error = None
    bench.world.wait(3600)

    assert bench.handed == []
    assert bench.once() == {"1.0": "identical"}
    assert bench.built == ["1.0", "1.0"]


def test_a_fault_of_ours_with_one_release_does_not_stop_the_others(
    bench: Bench,
) -> None:
    bench.world.release("1.1")
    bench.faults["1.1"] = ZeroDivisionError("by none")

    assert bench.once() == {"1.1": None, "1.0": "identical"}
    assert bench.trouble("1.1") == "a fault of ours: ZeroDivisionError: by none"


def test_a_fault_of_ours_is_told_with_its_way_and_remembered(bench: Bench) -> None:
    told: list[str] = []
    bench.faults["1.0"] = ZeroDivisionError("by none")
    watcher = bench.watcher(tell=told.append)
    watcher.once()

    assert watcher.is_faulty
    assert any("in rebuild" in line for line in told)


def test_what_was_fetched_is_not_kept_where_there_is_no_verdict(bench: Bench) -> None:
    bench.error = IsolationError("no sandbox")
    bench.once()

    assert not bench.is_kept()


def test_a_folder_that_knew_another_file_says_nothing_of_this_one(
    bench: Bench,
) -> None:
    bench.error = IsolationError("no sandbox")
    bench.once()
    state = bench.place / "state.json"
    known = bench.world.releases["1.0"].sha256
    state.write_text(state.read_text().replace(known, "e" * 64))
    bench.error = None
    bench.world.wait(DAY)
    bench.once()

    rows = json.loads((bench.place / "public/status.json").read_bytes())["files"]
    assert {each["sha256"]: each["verdict"] for each in rows} == {
        "e" * 64: None,
        known: "identical",
    }


def test_a_repository_that_does_not_answer_is_said_on_the_page(bench: Bench) -> None:
    bench.once()
    bench.client.bases = ("file:///nowhere/",)
    bench.once()

    page = (bench.place / "public/index.html").read_text()
    assert "The last look failed" in page
    assert bench.shown() == {"1.0": "identical"}


def test_an_outlet_that_refuses_is_asked_again(bench: Bench) -> None:
    bench.refuses = True
    bench.once()
    bench.refuses = False
    bench.once()

    assert (len(bench.handed), bench.built) == (1, ["1.0"])


def test_a_fault_of_ours_in_an_outlet_stops_no_other_release(bench: Bench) -> None:
    bench.world.release("1.1")
    watcher = bench.watcher(outlets=[Broken()])
    watcher.once()

    assert (watcher.is_faulty, bench.built) == (True, ["1.1", "1.0"])
    assert bench.shown() == {"1.1": "identical", "1.0": "identical"}


def test_a_statement_is_renewed_before_its_end(bench: Bench) -> None:
    bench.life_s = 10 * DAY
    bench.once()
    bench.world.wait(6 * DAY)
    bench.once()

    assert (bench.built, len(set(bench.handed))) == (["1.0", "1.0"], 2)


def test_a_kill_while_building_leaves_nothing_said(bench: Bench) -> None:
    bench.killed_at = "built"
    with pytest.raises(Killed):
        bench.once()
    bench.killed_at = ""
    bench.once()

    assert (len(bench.handed), bench.built) == (1, ["1.0", "1.0"])


def test_a_kill_while_handing_out_makes_no_second_statement(bench: Bench) -> None:
    bench.killed_at = "handing"
    with pytest.raises(Killed):
        bench.once()
    bench.killed_at = ""
    bench.once()

    assert (len(bench.handed), bench.built) == (1, ["1.0"])


def test_a_statement_that_the_state_does_not_name_is_thrown_away(bench: Bench) -> None:
    bench.once()
    (bench.place / "said/orphan").mkdir()
    bench.once()

    assert list((bench.place / "said").iterdir()) == []


def test_a_second_watcher_is_told_that_the_first_is_at_work(bench: Bench) -> None:
    bench.once()

    with (
        Files().lock(bench.place / "lock"),
        pytest.raises(BusyError),
    ):
        bench.once()


def test_a_state_that_cannot_be_read_stops_it(bench: Bench) -> None:
    bench.once()
    (bench.place / "state.json").write_bytes(b"{}")

    with pytest.raises(StoreError, match=r"state\.json"):
        bench.once()


def test_it_goes_round_after_round_until_told_to_stop(bench: Bench) -> None:
    waits: list[float] = []

    def pause(seconds: float) -> bool:
        if seconds:
            waits.append(seconds)
            bench.world.release(f"1.{len(waits)}")
        return len(waits) == 3

    bench.watcher(pause=pause).run(3600)

    assert bench.built == ["1.0", "1.1", "1.2"]
    assert waits == [3600] * 3


def test_told_to_stop_it_begins_no_further_build(bench: Bench) -> None:
    bench.world.release("1.1")

    bench.watcher(pause=lambda _: bool(bench.built)).run(3600)

    assert bench.built == ["1.1"]


def test_progress_is_told(bench: Bench) -> None:
    told: list[str] = []
    bench.once(tell=told.append)

    assert told == [f"1.0 for {PLATFORM}", "identical"]
