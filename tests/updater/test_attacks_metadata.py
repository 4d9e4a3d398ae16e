"""Attacks on the TUF repository and on the clock, held against the whole updater.

Whoever attacks holds what it takes for everything else to be good, so that one gate
alone refuses; which one is what each test says.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.updater.clients import Client
from tests.updater.places import PLATFORM, app_bundle
from tests.updater.repositories import TufRepository, signer
from tests.updater.transparency import claimants
from tests.updater.world import DAY, World, ready
from updater.driver.conclusion import Report
from updater.findings import Refusal
from updater.gates.evidence import Wish
from updater.transparency.trust import Role

YEAR = 365 * DAY


def tuf(report: Report) -> tuple[str, object]:
    """Give the code and the detail of what the gate `tuf` said."""
    said = next(each.outcome for each in report.results if each.gate == "tuf")
    assert isinstance(said, Refusal), said
    return said.code, said.facts.get("detail")


def look(client: Client, world: World) -> tuple[str, object]:
    """Check, and give what the gate `tuf` said."""
    return tuf(client.see(world).updater.check(Wish()))


# Signatures


def unsigned(repository: TufRepository) -> None:
    repository.signers["timestamp"] = [signer("somebody")]
    repository.sign_timestamp()


def below_threshold(repository: TufRepository) -> None:
    repository.targets.version += 1
    repository.sign("targets", repository.signers["targets"][:1])
    repository.sign_snapshot()
    repository.sign_timestamp()


def one_key_twice(repository: TufRepository) -> None:
    """Have one key stand under two ids, so that it alone makes a threshold of two."""
    key = repository.signers["releases"][0].public_key
    twin = key.from_dict("0f" * 32, key.to_dict())
    delegations = repository.targets.delegations
    assert delegations is not None
    assert delegations.roles is not None
    delegations.keys[twin.keyid] = twin
    delegations.roles["releases"].keyids.append(twin.keyid)
    repository.targets.version += 1
    repository.sign("targets")
    repository.publish()


def unknown_scheme(repository: TufRepository) -> None:
    for each in repository.root.keys.values():
        each.scheme = "rot13"
    repository.root.version += 1
    repository.sign_root()


def a_decade(repository: TufRepository) -> None:
    repository.sign_timestamp(expires=repository.now + 10 * YEAR)


def expired(repository: TufRepository) -> None:
    repository.sign_timestamp(expires=repository.now - 1)


def dropped(repository: TufRepository) -> None:
    del repository.snapshot.meta["releases.json"]
    repository.sign_snapshot()
    repository.sign_timestamp()


def older_role(repository: TufRepository) -> None:
    repository.snapshot.meta["targets.json"].version = 0
    repository.sign_snapshot()
    repository.sign_timestamp()


def listing(repository: TufRepository) -> None:
    repository.targets.targets = dict(repository.roles["releases"].targets)
    repository.targets.version += 1
    repository.sign("targets")
    repository.publish()


def foreign_role(repository: TufRepository) -> None:
    """Let the role of claims list artifacts too."""
    delegations = repository.targets.delegations
    assert delegations is not None
    assert delegations.roles is not None
    delegations.roles["claims"].paths = ["releases/*/*"]
    repository.targets.version += 1
    repository.sign("targets")
    repository.publish()


@pytest.mark.parametrize(
    ("act", "detail"),
    [
        (unsigned, "unsigned"),
        (below_threshold, "threshold"),
        (one_key_twice, "layout"),
        (unknown_scheme, "syntax"),
        (a_decade, "lifetime"),
        (expired, "expired"),
        (dropped, "missing"),
        (older_role, "syntax"),
        (listing, "layout"),
        (foreign_role, "layout"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_metadata_that_does_not_hold_is_refused(
    act: Callable[[TufRepository], None], detail: str, tmp_path: Path
) -> None:
    world = ready()
    client = Client(world, tmp_path)
    client.check(world)
    act(world.repository)

    assert look(client, world) == ("tuf", detail)


def test_what_was_shown_before_is_a_rollback(tmp_path: Path) -> None:
    before, world = ready(), ready()
    client = Client(world, tmp_path)
    world.wait(60)
    client.check(world)

    assert look(client, before) == ("tuf", "rollback")


def test_a_timestamp_and_snapshot_of_the_past_do_not_come_back(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    before = world.repository.files["metadata/timestamp.json"]
    world.wait(60)
    client.check(world)
    world.repository.files["metadata/timestamp.json"] = before

    assert look(client, world) == ("tuf", "rollback")


def test_without_memory_of_tuf_the_past_is_refused_all_the_same(
    tmp_path: Path,
) -> None:
    world = ready()
    thief = world.thief("timestamp", "snapshot", "channels", "claims")
    client = Client(world, tmp_path)
    world.release("1.1")
    world.wait(8 * DAY)
    client.apply(world)
    client.root.files.remove_tree(client.root.folder / "tuf")
    thief.now = world.now
    thief.repository.now = world.now
    thief.repository.publish("claims", "channels")

    assert client.check(thief) == {"select": "floor"}


def test_a_version_below_the_one_that_was_here_is_refused(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    world.release("1.1")
    world.wait(8 * DAY)
    client.apply(world)
    world.offer("1.0")
    world.publish()

    assert client.check(world) == {"select": "floor"}


# The fast-forward and its cure


def test_a_fast_forward_ends_with_a_rotation(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    thief = world.thief("timestamp", "snapshot")
    thief.repository.snapshot.version = thief.repository.timestamp.version = 1 << 30
    thief.repository.sign_snapshot()
    thief.repository.sign_timestamp()
    client.check(thief)
    world.wait(60)
    stuck = look(client, world)
    for name in ("snapshot", "timestamp"):
        world.repository.signers[name] = [signer(f"new {name}")]
    world.repository.rekey()
    world.log_policy()
    world.publish()
    client.check(world)
    world.wait(4 * DAY)

    assert stuck == ("tuf", "rollback")
    assert client.check(world) == {}


# The clock


def test_a_clock_set_back_is_noticed(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    client.now = world.now + 20 * 3600
    client.check(world)
    client.now = world.now

    assert client.check() == {"clock": "clock"}


def test_a_clock_that_was_far_ahead_once_ends_nothing_for_good(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    client.now = world.now + 10 * YEAR
    client.check(world)
    client.now = None

    assert client.check(world) == {}


def test_expired_metadata_does_not_come_back_with_an_old_clock(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    frozen = world.files()
    world.wait(3 * DAY)
    client.check(world)
    world.repository.files |= {
        path: data for path, data in frozen.items() if path.startswith("metadata/")
    }
    client.root.files.remove_tree(client.root.folder / "tuf")
    client.see(world).now = world.now - 3 * DAY

    assert tuf(client.updater.check(Wish())) == ("tuf", "expired")


# Pairings


def make_two(world: World) -> tuple[str, str]:
    """Release 1.1 and 1.2; gives the paths of their files."""
    first, second = world.release("1.1"), world.release("1.2")
    world.wait(8 * DAY)
    return first.path, second.path


@pytest.mark.parametrize(
    ("suffix", "role", "refused"),
    [
        (
            ".claim.json",
            "claims",
            {
                "claim": "claim-mismatch",
                "inclusion": "inclusion",
                "consistency": "duplicate-release",
            },
        ),
        (".tlog-proof", "claims", {"inclusion": "inclusion"}),
    ],
)
def test_a_file_of_one_release_does_not_pass_for_that_of_another(
    suffix: str, role: str, refused: dict[str, str], tmp_path: Path
) -> None:
    world = ready()
    client = Client(world, tmp_path)
    first, second = make_two(world)
    listed = world.repository.roles[role].targets[first + suffix].hashes["sha256"]
    folder, _, name = (first + suffix).rpartition("/")
    data = world.repository.files[f"targets/{folder}/{listed}.{name}"]
    world.repository.add(second + suffix, data, role)
    world.publish()

    assert client.check(world) == refused


def test_a_bundle_of_one_version_does_not_pass_for_that_of_another(
    tmp_path: Path,
) -> None:
    world = ready()
    client = Client(world, tmp_path)
    bundle = app_bundle("1.0", platform=PLATFORM)
    world.list_release("1.1", bundle)
    made = world.log_release("1.1", bundle, world.claim("1.1", bundle))
    for operator in ("anna", "bert"):
        world.rebuild(made, operator)
    world.offer("1.1")
    world.publish()
    world.wait(8 * DAY)

    report = client.apply(world)

    assert report.headline is not None
    assert (report.headline[0], report.headline[1].code) == ("manifest", "manifest")
    assert client.root.current() is None


# Policy


def test_a_root_that_nobody_announced_installs_nothing(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    world.repository.rekey()
    world.publish()

    assert client.check(world) == {"policy": "policy-unlogged"}


def test_a_root_that_was_announced_a_day_ago_installs_nothing(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    world.repository.rekey()
    world.log_policy()
    world.publish()
    client.check(world)
    world.wait(DAY)

    assert client.check(world) == {"policy": "policy-young"}


def test_trust_files_nobody_may_announce_are_ignored(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    thief = world.thief("log", "timestamp", "snapshot", "trust", "channels", "claims")
    thief.change_trust(cooldown_normal_s=0, cooldown_security_s=0)
    thief.publish()
    client.check(thief)
    thief.wait(4 * DAY)
    report = client.see(thief).updater.check(Wish())

    assert [each.code for each in report.notices] == ["policy-ignored"]
    assert report.kind == "waiting"


def test_a_machine_that_slept_walks_through_all_trust_files(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    client.check(world)
    for number in (14, 15, 16):
        keys = (*claimants.RELEASE_KEYS[:2], claimants.key(number))
        role = Role(2, tuple(map(claimants.public, keys)))
        world.change_trust(roles=world.trust.roles | {"release": role})
        world.claim_keys["release"] = (keys[2], keys[0])
        world.publish()
        client.check(world)
        world.wait(4 * DAY)
    world.release("1.1")
    world.wait(8 * DAY)

    assert client.check(world) == {}
