"""What a publisher does, as those see it who look at the public folder."""

from pathlib import Path

import pytest

from tests.updater.publish.projects import (
    CLAIMS,
    DAY,
    EVERYTHING,
    ORIGIN,
    PLATFORM,
    PRODUCT,
    TUF,
    Project,
    key,
    setup,
    trust_set,
)
from updater.errors import NotYetError, RefusedError
from updater.fetch.fetch import Fetcher, Network
from updater.files import Files
from updater.publish import metadata
from updater.publish.draft import read_channel
from updater.publish.keyring import spki
from updater.publish.roles import Signers
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.claims.yank import YankClaim
from updater.transparency.entry import Entry, read_entry
from updater.tuf.layout import Anchor
from updater.tuf.repository import Repository, Site

ONLINE = (*TUF["claims"], *TUF["snapshot"], *TUF["timestamp"], key(ORIGIN))


def found(project: Project, *paths: str) -> list[bool]:
    """Say which files a client finds in the public folder."""
    root = (project.public / "metadata/1.root.json").read_bytes()
    site = Site.under(f"file://{project.public}/")
    anchor = Anchor(root, project.clock.now())
    with (
        Fetcher(Files(), Network(copies=True)) as fetcher,
        Repository(
            project.folder / "client", fetcher, [site], anchor, Files()
        ) as repository,
    ):
        repository.refresh()
        return [repository.find(path) is not None for path in paths]


def claims(project: Project) -> list[type]:
    """Give the kinds of claims in the public log, in order."""
    folder = project.public / "log/tile/entries"
    newest = max(folder.glob("000.p/*"), key=lambda path: int(path.name))
    leaves, kinds = newest.read_bytes(), []
    while leaves:
        size = int.from_bytes(leaves[:2], "big")
        entry = read_entry(leaves[2 : 2 + size])
        kinds.append(type(entry.claim) if isinstance(entry, Entry) else type(entry))
        leaves = leaves[2 + size :]
    return kinds


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path).create()


def test_a_release_has_its_claim_and_proof_beside_it(project: Project) -> None:
    target = PRODUCT.target("1.0", PLATFORM)

    project.release("1.0")

    assert found(project, target, f"{target}.claim.json", f"{target}.tlog-proof") == [
        True,
        True,
        True,
    ]


def test_a_release_is_in_the_log(project: Project) -> None:
    project.release("1.0").release("1.1")

    assert claims(project)[-2:] == [ReleaseClaim, ReleaseClaim]


def test_a_version_is_released_once(project: Project) -> None:
    project.release("1.0")

    with pytest.raises(RefusedError, match="a version has one file"):
        project.release("1.0")


def test_without_the_second_key_of_releases_nothing_is_logged(project: Project) -> None:
    alone = [*ONLINE, *TUF["channels"], *TUF["releases"][:1], *CLAIMS["release"]]

    with pytest.raises(NotYetError, match="releases: 1 more"):
        project.publisher(alone).release(project.draft("1.0"))

    assert ReleaseClaim not in claims(project)


def test_who_has_the_missing_keys_goes_on(project: Project) -> None:
    people = [*TUF["channels"][:1], *TUF["releases"][:1]]
    with pytest.raises(NotYetError):
        project.publisher([*ONLINE, *people]).release(project.draft("1.0"))
    with pytest.raises(NotYetError, match="claim: 2 more"):
        project.publisher([*ONLINE, *TUF["releases"]]).publish()

    project.publisher([*ONLINE, *CLAIMS["release"]]).publish()

    assert found(project, PRODUCT.target("1.0", PLATFORM)) == [True]


def test_silent_witnesses_are_waited_for(project: Project) -> None:
    project.silent.add("w2")
    with pytest.raises(NotYetError):
        project.release("1.0")
    project.silent.clear()

    project.publisher().publish()

    assert found(project, PRODUCT.target("1.0", PLATFORM)) == [True]


def test_while_a_change_is_under_way_no_other_begins(project: Project) -> None:
    project.silent.add("w2")
    with pytest.raises(NotYetError):
        project.release("1.0")

    with pytest.raises(RefusedError, match=r"under way since before: release 1\.0"):
        project.release("1.1")


def test_a_dropped_change_leaves_its_numbers_used(project: Project) -> None:
    with pytest.raises(NotYetError):
        project.publisher(TUF["releases"]).release(project.draft("1.0"))
    project.publisher().drop()

    project.release("1.1")

    data = project.place.role("releases")
    assert data is not None
    assert metadata.read(data).version == 3


def test_what_is_logged_is_not_dropped(project: Project) -> None:
    project.silent.add("w2")
    with pytest.raises(NotYetError):
        project.release("1.0")

    with pytest.raises(RefusedError, match="for everybody to see"):
        project.publisher().drop()


def test_a_run_cut_off_for_days_makes_a_new_timestamp(project: Project) -> None:
    online = [*CLAIMS["release"], *TUF["channels"], *TUF["releases"], key(ORIGIN)]
    some = project.publisher([*online, *TUF["claims"], *TUF["snapshot"]])
    with pytest.raises(NotYetError):
        some.release(project.draft("1.0"))
    project.clock.time += 5 * DAY

    project.publisher().publish()

    assert found(project, PRODUCT.target("1.0", PLATFORM)) == [True]


def test_a_yank_is_logged_without_any_metadata(project: Project) -> None:
    project.release("1.0")

    project.publisher([*CLAIMS["yank"][:1], *ONLINE]).yank("1.0", reason="broken")

    assert claims(project)[-1] is YankClaim


def test_only_what_was_released_is_yanked(project: Project) -> None:
    with pytest.raises(RefusedError, match=r"no release 1\.0 is in the log"):
        project.publisher().yank("1.0", reason="broken")


def test_refreshing_keeps_alive_what_is_public(project: Project) -> None:
    project.release("1.0")
    for _ in range(40):
        project.clock.time += DAY * 0.9
        project.publisher().refresh()

    assert found(project, PRODUCT.target("1.0", PLATFORM)) == [True]


def test_refreshing_needs_the_online_keys_alone(project: Project) -> None:
    project.clock.time += DAY / 2

    due = project.publisher(ONLINE).refresh()

    assert due == []


def test_refreshing_says_what_people_must_sign_soon(project: Project) -> None:
    project.clock.time += 20 * DAY

    due = project.publisher(ONLINE).refresh()

    assert [each.role for each in due] == ["channels"]


def test_refreshing_goes_on_while_people_are_waited_for(project: Project) -> None:
    with pytest.raises(NotYetError):
        project.publisher(ONLINE).release(project.draft("1.0"))
    project.clock.time += DAY * 0.9
    project.publisher(ONLINE).refresh()
    project.clock.time += DAY * 0.9

    project.publisher().publish()

    assert found(project, PRODUCT.target("1.0", PLATFORM)) == [True]


def rotate(project: Project, roles: list[str], **options: bool) -> None:
    new = {role: Signers(1, (spki(key(f"new {role}")),)) for role in roles}
    ring = [*EVERYTHING, *(key(f"new {role}") for role in roles)]
    project.publisher(ring).rotate(new, **options)


@pytest.mark.parametrize(
    "roles",
    [
        ["timestamp", "snapshot"],
        ["targets"],
        ["channels", "claims"],
        ["releases"],
        ["trust"],
    ],
)
def test_clients_follow_new_keys(project: Project, roles: list[str]) -> None:
    project.release("1.0")

    rotate(project, roles, at_once=True)

    assert found(project, PRODUCT.target("1.0", PLATFORM), "channels/stable.json") == [
        True,
        True,
    ]


def test_new_keys_are_announced_before_they_count(project: Project) -> None:
    with pytest.raises(NotYetError, match="announced, and not before 20"):
        rotate(project, ["timestamp"])
    project.clock.time += 3 * DAY + 1

    project.publisher([*EVERYTHING, key("new timestamp")]).publish()

    assert (project.public / "metadata/2.root.json").is_file()


def test_a_role_that_is_not_there_gets_no_keys(project: Project) -> None:
    with pytest.raises(RefusedError, match="expected a role of"):
        rotate(project, ["nobody"])


def test_old_releases_move_to_the_archive(project: Project) -> None:
    for number in range(14):
        project.release(f"1.{number}")

    data = project.place.role("archive")
    assert data is not None
    assert {path.split("/")[1] for path in metadata.read(data).files} == {"1.0", "1.1"}


def test_former_trust_files_stay_to_be_had(project: Project) -> None:
    project.publisher().set_trust(trust_set(cooldown_normal_s=7200))

    data = project.place.role("trust")
    assert data is not None
    paths = list(metadata.read(data).files)
    assert sum(path.startswith("trust/history/") for path in paths) == 2


def test_trust_files_that_are_public_are_not_announced_again(project: Project) -> None:
    with pytest.raises(RefusedError, match="public already"):
        project.publisher().set_trust(trust_set())


def test_the_log_judges_by_new_trust_files_once_they_are_in_force(
    project: Project,
) -> None:
    project.publisher().set_trust(trust_set(cooldown_normal_s=7200))
    project.publisher().refresh()
    before = project.place.log.trust().cooldown_normal_s
    project.clock.time += 3 * DAY + 1

    project.publisher().refresh()

    assert (before, project.place.log.trust().cooldown_normal_s) == (3600, 7200)


def test_a_rehearsal_accepts_what_only_time_keeps_away(tmp_path: Path) -> None:
    project = Project(tmp_path, is_rehearsed=True).create()

    project.release("1.0")

    assert found(project, PRODUCT.target("1.0", PLATFORM)) == [True]


def test_a_rehearsal_refuses_to_offer_what_was_yanked(tmp_path: Path) -> None:
    project = Project(tmp_path, is_rehearsed=True).create().release("1.0")
    project.publisher().yank("1.0", reason="broken")
    channel = read_channel(project.place, "stable")
    assert channel is not None

    with pytest.raises(RefusedError, match=r"rehearsal: stable.*yanked"):
        project.publisher().set_channel(channel)


def test_a_weak_root_is_refused_unless_it_is_waived(tmp_path: Path) -> None:
    project = Project(tmp_path)
    weak = setup(roles={**setup().roles, "root": Signers(1, (spki(TUF["root"][0]),))})

    with pytest.raises(RefusedError, match="root-threshold"):
        project.publisher().create(weak)


def test_the_anchor_is_of_what_is_public(project: Project) -> None:
    anchor = project.publisher().anchor(
        channel="stable", repositories=("https://updates.example/",)
    )

    assert (anchor.origin, len(anchor.accepted)) == (ORIGIN, 2)


def test_other_places_get_the_same_files(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.places = [tmp_path / "mirror"]
    project.create().release("1.0")

    def names(folder: Path) -> list[str]:
        return sorted(str(each.relative_to(folder)) for each in folder.rglob("*"))

    assert names(tmp_path / "mirror") == names(project.public)
