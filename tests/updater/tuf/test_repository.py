import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import DelegatedRole, TargetFile
from tuf.ngclient import Updater

from tests.updater.repositories import NOW, TufRepository, signer
from updater.errors import BusyError, FetchError, RepositoryError, StoreError
from updater.fetch.fetch import Fetcher, Network
from updater.files import Files
from updater.testing.faults import FailingDisk, RecordingFiles, out_of_order, sweep
from updater.testing.hostile import HostileServer, endless, page
from updater.tuf.layout import DAY_S, Anchor
from updater.tuf.ngclient import ROLE_BYTES, TIMESTAMP_BYTES, Client
from updater.tuf.repository import Repository, Site, begin, stored_root

BUNDLE: Final = "releases/1.0/ringfence-1.0-cp311-linux-x86_64.tar"
CHANNEL: Final = "channels/stable.json"
REPORT: Final = BUNDLE + ".rebuild-alpha.claim.json"


class User:
    """Somebody who updates from one repository, which lies in a folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.publisher = TufRepository()
        self.publisher.add(CHANNEL, b"{}", "channels")
        self.publisher.add(BUNDLE, b"bundle" * 20_000, "releases")
        self.publisher.add(REPORT, b"same bytes", "rebuild-alpha")
        self.publisher.publish("channels", "releases", "rebuild-alpha")
        self.now: float = NOW
        self.root = self.publisher.first_root
        self.folder = home / "tuf"
        self.files = Files()
        self.checked = True
        self.fetcher = Fetcher(Files(), Network(loopback=True, copies=True))

    def repository(self, *sites: str) -> Repository:
        served = self.home / "served"
        self.publisher.write(served)
        anchor = Anchor(self.root, self.now, checked=self.checked)
        return Repository(
            self.folder,
            self.fetcher,
            [Site.under(each) for each in sites or (served.as_uri() + "/",)],
            anchor,
            self.files,
        )

    def refresh(self, *sites: str) -> Repository:
        with self.repository(*sites) as repository:
            repository.refresh()
        return repository


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    one = User(tmp_path)
    with one.fetcher:
        yield one


@pytest.fixture
def publisher(user: User) -> TufRepository:
    return user.publisher


@pytest.fixture
def server(user: User) -> Iterator[HostileServer]:
    with HostileServer(user.home / "served") as serving:
        yield serving


# What holds


def test_what_a_role_lists_is_found_and_read(user: User) -> None:
    repository = user.refresh()
    found = repository.find(CHANNEL)

    assert found is not None
    assert (found.role, found.size) == ("channels", 2)
    assert repository.read(found, most=2) == b"{}"
    assert repository.find("channels/none.json") is None


def test_a_large_file_is_downloaded_and_read_in_parts(
    user: User, server: HostileServer
) -> None:
    repository = user.refresh(server.url)
    found = repository.find(BUNDLE)
    assert found is not None
    repository.download(found, user.home / "bundle")

    assert (user.home / "bundle").read_bytes() == b"bundle" * 20_000
    assert repository.read_range(found, 6, 6) == b"bundle"


def test_it_says_what_it_verified(user: User) -> None:
    repository = user.refresh()
    repository.find(CHANNEL)
    facts = {each.role: each for each in repository.roles()}

    assert list(facts) == ["channels", "root", "snapshot", "targets", "timestamp"]
    assert facts["timestamp"].expires == NOW + DAY_S
    assert facts["root"].version == 1
    with pytest.raises(RepositoryError, match="claims has not been loaded"):
        repository.signed("claims")


def test_nothing_new_costs_two_requests(user: User, server: HostileServer) -> None:
    user.refresh(server.url)
    server.asked.clear()
    user.refresh(server.url)

    assert [each.path for each in server.asked] == [
        "/metadata/2.root.json",
        "/metadata/timestamp.json",
    ]


def test_a_new_root_is_followed_through_all_steps(
    user: User, publisher: TufRepository
) -> None:
    user.refresh()
    for _ in range(3):
        publisher.rotate_root()
    publisher.publish()

    assert user.refresh().signed("root").version == 4
    assert (
        stored_root(user.folder, user.files) == publisher.files["metadata/4.root.json"]
    )


def test_a_root_of_two_families_of_keys_is_verified(
    user: User, publisher: TufRepository
) -> None:
    lattice = [
        CryptoSigner(MLDSA65PrivateKey.from_seed_bytes(bytes([each]) * 32))
        for each in range(3)
    ]
    publisher.rotate_root([*(signer(f"new {each}") for each in range(3)), *lattice])
    publisher.root.roles["root"].threshold = 4
    publisher.sign_root([*publisher.signers["root"], *map(signer, _first_keys())])
    publisher.publish()

    assert user.refresh().signed("root").version == 2


def test_a_file_moves_to_the_archive(user: User, publisher: TufRepository) -> None:
    moved = publisher.roles["releases"].targets.pop(BUNDLE)
    publisher.roles["archive"].targets[BUNDLE] = moved
    publisher.publish("releases", "archive")
    found = user.refresh().find(BUNDLE)

    assert found is not None
    assert found.role == "archive"


def test_keys_that_were_lost_after_a_fast_forward_are_recovered_from(
    user: User, publisher: TufRepository
) -> None:
    publisher.timestamp.version = publisher.snapshot.version = 1 << 30
    publisher.publish()
    user.refresh()
    for name in ("snapshot", "timestamp"):
        publisher._set_keys(name, [signer(f"{name} new")])
    publisher.timestamp.version = publisher.snapshot.version = 5
    publisher.rotate_root()
    publisher.publish()

    assert user.refresh().signed("timestamp").version == 6


# What does not


def _unsigned(publisher: TufRepository) -> None:
    publisher.sign("targets", [signer("nobody")])


def _below_threshold(publisher: TufRepository) -> None:
    publisher.sign("targets", publisher.signers["targets"][:1])


def _expired(publisher: TufRepository) -> None:
    publisher.expire("targets", NOW - 1)
    publisher.targets.version += 1
    publisher.sign("targets")


def _too_long_lived(publisher: TufRepository) -> None:
    publisher.expire("targets", NOW + 10 * 365 * DAY_S)
    publisher.targets.version += 1
    publisher.sign("targets")


def _not_empty(publisher: TufRepository) -> None:
    publisher.targets.targets["a"] = TargetFile(0, {"sha256": "0" * 64}, "a")
    publisher.targets.version += 1
    publisher.sign("targets")


def _foreign_role(publisher: TufRepository) -> None:
    role = DelegatedRole("anything", [], 1, terminating=True, paths=["trust/*"])
    publisher.set_delegation(role, [signer("anything")])
    publisher.targets.version += 1
    publisher.sign("targets")


def _twin_keys(publisher: TufRepository) -> None:
    key = publisher.signers["targets"][0].public_key
    twin = type(key)("0" * 64, key.keytype, key.scheme, dict(key.keyval))
    publisher.root.add_key(twin, "targets")
    publisher.root.version += 1
    publisher.sign_root()


def _inconsistent(publisher: TufRepository) -> None:
    publisher.root.consistent_snapshot = False
    publisher.root.version += 1
    publisher.sign_root()


def _role_dropped(publisher: TufRepository) -> None:
    del publisher.snapshot.meta["channels.json"]


def _huge_integer(publisher: TufRepository) -> None:
    publisher.targets.unrecognized_fields["n"] = 1 << 70
    publisher.targets.version += 1
    publisher.sign("targets")


_BAD: Final[dict[str, tuple[Callable[[TufRepository], None], str]]] = {
    "unsigned": (_unsigned, "unsigned"),
    "below the threshold": (_below_threshold, "threshold"),
    "expired": (_expired, "expired"),
    "expires in ten years": (_too_long_lived, "lifetime"),
    "targets lists a file": (_not_empty, "layout"),
    "a foreign role": (_foreign_role, "layout"),
    "one key under two ids": (_twin_keys, "layout"),
    "inconsistent snapshots": (_inconsistent, "layout"),
    "a role dropped": (_role_dropped, "missing"),
    "an integer that readers disagree on": (_huge_integer, "syntax"),
}


@pytest.mark.parametrize("what", _BAD)
def test_what_does_not_hold_is_refused(
    user: User, publisher: TufRepository, what: str
) -> None:
    user.refresh()
    spoil, detail = _BAD[what]
    publisher.targets.version += 1
    publisher.sign("targets")
    spoil(publisher)
    publisher.sign_snapshot()
    publisher.sign_timestamp()

    with pytest.raises(RepositoryError) as refusal:
        user.refresh()
    assert refusal.value.detail == detail


@pytest.mark.parametrize("name", ["timestamp.json", "2.snapshot.json"])
def test_a_changed_byte_is_refused(
    user: User, publisher: TufRepository, name: str
) -> None:
    raw = publisher.files[f"metadata/{name}"]
    publisher.files[f"metadata/{name}"] = raw.replace(b'"version":2', b'"version":3')

    with pytest.raises(RepositoryError) as refusal:
        user.refresh()
    assert refusal.value.detail in {"unsigned", "mismatch"}


def test_an_older_timestamp_is_refused(user: User, publisher: TufRepository) -> None:
    older = publisher.files["metadata/timestamp.json"]
    publisher.publish()
    user.refresh()
    publisher.files["metadata/timestamp.json"] = older

    with pytest.raises(RepositoryError) as refusal:
        user.refresh()
    assert refusal.value.detail == "rollback"


def test_an_older_snapshot_in_a_newer_timestamp_is_refused(
    user: User, publisher: TufRepository
) -> None:
    publisher.publish()
    user.refresh()
    publisher.snapshot.version = 1
    publisher.sign_snapshot()
    publisher.sign_timestamp()

    with pytest.raises(RepositoryError) as refusal:
        user.refresh()
    assert refusal.value.detail == "rollback"


def test_a_timestamp_of_yesterday_is_expired(user: User) -> None:
    user.refresh()
    user.now += 2 * DAY_S

    with pytest.raises(RepositoryError) as refusal:
        user.refresh()
    assert refusal.value.detail == "expired"


def test_expiry_is_judged_at_the_time_that_is_given(
    user: User, publisher: TufRepository
) -> None:
    publisher.now = user.now = 4_000_000_000  # far from any clock that runs this
    for name in ("root", "targets"):
        publisher.renew(name)
        publisher.signed(name).version += 1
    publisher.sign_root()
    publisher.sign("targets")
    publisher.publish(*publisher.delegated)

    assert user.refresh().signed("timestamp").expires == 4_000_000_000 + DAY_S


def test_a_root_that_is_none_is_refused(user: User) -> None:
    user.root = b"{}"

    with pytest.raises(RepositoryError) as refusal:
        user.refresh()
    assert refusal.value.detail == "syntax"


def test_a_delegated_role_delegates_no_further(
    user: User, publisher: TufRepository
) -> None:
    publisher.roles["channels"].delegations = publisher.targets.delegations
    publisher.publish("channels")

    with pytest.raises(RepositoryError, match="channels delegates to"):
        user.refresh().find(CHANNEL)


def test_a_stolen_key_of_claims_lists_no_bundle(
    user: User, publisher: TufRepository
) -> None:
    publisher.add("releases/1.0/other.tar", b"", "claims")
    publisher.add(REPORT.replace("alpha", "beta"), b"", "claims")
    publisher.publish("claims")
    repository = user.refresh()

    assert repository.find("releases/1.0/other.tar") is None
    assert repository.find(REPORT.replace("alpha", "beta")) is None


def test_an_operator_who_is_late_stops_nobody(
    user: User, publisher: TufRepository
) -> None:
    publisher.expire("rebuild-alpha", NOW - 1)
    publisher.roles["rebuild-alpha"].version += 1
    publisher.sign("rebuild-alpha")
    publisher.publish()
    repository = user.refresh()

    assert repository.find(REPORT) is None
    assert repository.find(BUNDLE) is not None


def test_an_expired_role_that_is_no_operators_stops_the_lookup(
    user: User, publisher: TufRepository
) -> None:
    publisher.expire("channels", NOW - 1)
    publisher.roles["channels"].version += 1
    publisher.sign("channels")
    publisher.publish()

    with pytest.raises(RepositoryError) as refusal:
        user.refresh().find(CHANNEL)
    assert refusal.value.detail == "expired"


def test_a_target_that_is_listed_too_large_is_not_fetched(user: User) -> None:
    repository = user.refresh()
    found = repository.find(CHANNEL)
    assert found is not None

    with pytest.raises(RepositoryError, match=r"expected at most 1$"):
        repository.read(found, most=1)


def test_nothing_is_known_before_a_refresh(user: User) -> None:
    with pytest.raises(RepositoryError, match="has not been refreshed"):
        user.repository().find(CHANNEL)


def test_layout_and_lifetimes_are_ours_alone(
    user: User, publisher: TufRepository
) -> None:
    user.checked = False
    _foreign_role(publisher)
    publisher.sign_snapshot()
    publisher.expire("timestamp", NOW + 10 * 365 * DAY_S)
    publisher.sign_timestamp(expires=NOW + 10 * 365 * DAY_S)

    assert user.refresh().find(CHANNEL) is not None


# Sites


def test_the_next_site_is_asked_when_one_is_dead_lying_or_a_portal(
    user: User, server: HostileServer
) -> None:
    lies = json.dumps({"signatures": [], "signed": {"_type": "root"}}).encode()
    server.behaviour["/portal/metadata/2.root.json"] = page(b"<html>log in</html>")
    server.behaviour["/liar/metadata/2.root.json"] = page(lies)
    bad = ("http://127.0.0.1:1/", server.url + "portal/", server.url + "liar/")

    assert user.refresh(*bad, server.url).find(CHANNEL) is not None
    with pytest.raises(RepositoryError):
        user.refresh(*bad)


@pytest.mark.parametrize(
    "answer", [b"<html>log in</html>", b'{"signatures": [', b"", b"[" * 10_000]
)
def test_what_is_no_json_is_a_failure_of_the_network(
    user: User, server: HostileServer, answer: bytes
) -> None:
    server.behaviour["/metadata/timestamp.json"] = page(answer)

    with pytest.raises(FetchError, match="expected a JSON object"):
        user.refresh(server.url)


def test_a_site_that_is_held_back_is_not_the_last_word(
    user: User, publisher: TufRepository, tmp_path: Path
) -> None:
    stale = tmp_path / "stale"
    publisher.write(stale)
    user.refresh()
    user.now = publisher.now = NOW + 0.6 * DAY_S
    publisher.publish()

    fresh = user.refresh(stale.as_uri() + "/", (tmp_path / "served").as_uri() + "/")
    assert fresh.signed("timestamp").version == publisher.timestamp.version


def test_a_site_that_is_held_back_is_better_than_none(
    user: User, tmp_path: Path
) -> None:
    user.refresh()
    user.now = NOW + 0.6 * DAY_S
    served = (tmp_path / "served").as_uri() + "/"

    assert user.refresh(served, "http://127.0.0.1:1/").find(CHANNEL) is not None


def test_without_a_site_nobody_can_be_asked(user: User) -> None:
    user.refresh()
    nobody = Repository(user.folder, user.fetcher, [], Anchor(user.root, NOW), Files())

    with nobody, pytest.raises(FetchError, match="no site to ask"):
        nobody.refresh()


def test_a_target_that_lies_is_fetched_elsewhere(
    user: User, server: HostileServer
) -> None:
    repository = user.refresh(server.url + "liar/", server.url)
    found = repository.find(CHANNEL)
    assert found is not None
    path = f"targets/channels/{found.sha256}.stable.json"
    server.behaviour[f"/liar/{path}"] = page(b"[]")

    assert repository.read(found, most=2) == b"{}"
    server.behaviour[f"/{path}"] = page(b"[]")
    with pytest.raises(FetchError, match=f"expected {found.sha256}"):
        repository.read(found, most=2)


def test_a_site_that_lies_about_a_role_is_not_the_end(
    user: User, publisher: TufRepository, server: HostileServer
) -> None:
    liar = user.home / "served" / "liar"
    publisher.write(liar)
    (liar / "metadata" / "2.channels.json").write_bytes(b"{}")
    (liar / "metadata" / "2.releases.json").unlink()
    repository = user.refresh(server.url + "liar/", server.url)

    assert repository.find(CHANNEL) is not None
    assert repository.find(BUNDLE) is not None


def test_a_run_is_of_one_snapshot(
    user: User, publisher: TufRepository, server: HostileServer
) -> None:
    older = user.home / "served" / "older"
    publisher.write(older)
    (older / "metadata" / "2.channels.json").unlink()
    publisher.publish("channels")
    repository = user.refresh(server.url + "older/", server.url)

    with pytest.raises(FetchError, match="answered 404"):
        repository.find(CHANNEL)


@pytest.mark.parametrize("site", ["timestamp.json", "2.root.json"])
def test_endless_metadata_is_not_read(
    user: User, server: HostileServer, site: str
) -> None:
    server.behaviour[f"/metadata/{site}"] = endless()

    with pytest.raises(FetchError) as failure:
        user.refresh(server.url)
    assert failure.value.kind == "too-long"


def test_a_length_that_a_stolen_key_signed_has_a_limit(user: User) -> None:
    asked: list[int] = []

    def get(_: str, most: int) -> bytes:
        asked.append(most)
        raise FetchError("cut", "")

    client = Client(user.home, "", get, Anchor(user.root, NOW), Files())
    for most in (TIMESTAMP_BYTES, 1 << 40):
        with pytest.raises(FetchError):
            client._download_metadata("a", most)
    assert asked == [TIMESTAMP_BYTES, ROLE_BYTES]


# The folder


def test_two_runs_on_one_folder_are_refused(user: User) -> None:
    with user.repository(), pytest.raises(BusyError), user.repository():
        pass


def test_a_root_is_stored_without_asking_anybody(user: User) -> None:
    begin(user.folder, user.root, user.files)

    assert stored_root(user.folder, user.files) == user.root
    assert (user.folder / "root.json").read_bytes() == user.root
    with pytest.raises(RepositoryError, match="no root is stored"):
        stored_root(user.home, user.files)


def test_state_that_is_damaged_or_gone_is_fetched_again(user: User) -> None:
    user.refresh()
    (user.folder / "timestamp.json").write_bytes(b"")
    (user.folder / "snapshot.json").unlink()
    (user.folder / "root.json").unlink()

    assert user.refresh().find(CHANNEL) is not None


def test_nothing_is_renamed_before_it_is_synced(user: User) -> None:
    recording = RecordingFiles()
    user.files = recording
    user.refresh()

    assert out_of_order(recording.steps) == []


@pytest.mark.parametrize("at", range(1, 24, 4))
def test_a_disk_that_breaks_is_no_fault_of_the_repository(user: User, at: int) -> None:
    user.files = FailingDisk(at)
    with pytest.raises(StoreError, match="Input/output error"):
        user.refresh()
    user.files = Files()

    assert user.refresh().find(CHANNEL) is not None


@pytest.mark.parametrize(
    "every", [pytest.param(1, marks=pytest.mark.slow, id="each"), 13]
)
def test_a_kill_at_any_change_loses_nothing(tmp_path: Path, every: int) -> None:
    before = tmp_path / "before"
    _lay_out(before)
    figures = sweep(
        "tests.updater.tuf.test_repository:refresh_lies_there",
        tmp_path,
        prepare=lambda place: shutil.copytree(
            before, place, symlinks=True, dirs_exist_ok=True
        ),
        judge=_judge,
        every=every,
    )

    assert figures.bad == ()
    assert figures.killed > 20 // every


def refresh_lies_there(folder: Path) -> None:
    """Refresh from a copy that lies in the folder; the task of the sweep above."""
    fetcher = Fetcher(Files(), Network(copies=True))
    root = (folder / "served/metadata/1.root.json").read_bytes()
    site = Site.under((folder / "served").as_uri() + "/")
    anchor = Anchor(root, NOW)
    with Repository(folder / "tuf", fetcher, [site], anchor, Files()) as repository:
        repository.refresh()
        repository.find(CHANNEL)


# What we rely on of python-tuf, which may change there


def test_the_private_names_of_the_library_are_there(user: User) -> None:
    client = Client(user.home, "", lambda _, __: b"", Anchor(user.root, 7), Files())

    assert client._trusted_set.reference_time == dt.datetime.fromtimestamp(7, tz=dt.UTC)
    assert client._trusted_set._trusted_delegations == {("root", "root")}
    for name in ("_persist_root", "_persist_file", "_update_root_symlink"):
        assert callable(getattr(Updater, name))


def test_an_unmodified_client_reads_our_repository(
    user: User, server: HostileServer, publisher: TufRepository
) -> None:
    publisher.now = dt.datetime.now(dt.UTC).timestamp()
    for name in ("root", "targets"):
        publisher.renew(name)
        publisher.signed(name).version += 1
    publisher.sign_root()
    publisher.sign("targets")
    publisher.publish(*publisher.delegated)
    publisher.write(user.home / "served")
    theirs = Updater(
        str(user.home / "theirs"),
        server.url + "metadata/",
        bootstrap=publisher.first_root,
    )

    assert theirs.get_targetinfo(BUNDLE) is not None


def test_the_example_in_the_document_is_this_one() -> None:
    publisher = TufRepository(operators=("alpha",))
    publisher.add(CHANNEL, b"{}", "channels")
    publisher.publish("channels")
    document = (
        (Path(__file__).parents[3] / "docs/formats/repository.md")
        .read_text()
        .splitlines()
    )

    assert publisher.files["metadata/timestamp.json"].decode() in document
    assert [each for each in publisher.files if each in document] != []


def _first_keys() -> list[str]:
    return [f"root {each}" for each in range(5)]


def _lay_out(folder: Path) -> None:
    publisher = TufRepository()
    publisher.add(CHANNEL, b"{}", "channels")
    publisher.write(folder / "served")
    refresh_lies_there(folder)
    publisher.rotate_root()
    publisher.publish("channels")
    publisher.write(folder / "served")


def _judge(folder: Path) -> str:
    if not (folder / "tuf" / "root.json").exists():
        return "the link to the root is missing"
    for each in folder.glob("tuf/**/*.json"):
        json.loads(each.read_bytes())
    refresh_lies_there(folder)
    left = [each.name for each in folder.glob("tuf/**/*") if each.suffix == ".new"]
    return f"left over: {left}" if left else ""
