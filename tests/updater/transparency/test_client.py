"""A client of a log, held against logs, servers and disks that lie."""

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.transparency import claimants
from tests.updater.transparency.worlds import DAY, Log, Witness, World, junk
from updater.errors import (
    BusyError,
    MisbehaviourError,
    ProofError,
    RefusedError,
    StoreError,
    UnreachableError,
)
from updater.files import Files, Step
from updater.transparency.checkpoint import merge_lines
from updater.transparency.claims.parts import Head
from updater.transparency.client import LogClient
from updater.transparency.evidence import Fork, parse_evidence, verify
from updater.transparency.gossip import Exchange
from updater.transparency.index import Place
from updater.transparency.key import Kind, SigningKey
from updater.transparency.merkle import hash_leaf
from updater.transparency.note import parse_note
from updater.transparency.policy import Policy, parse_policy
from updater.transparency.run import MAX_ENTRIES

FILE = "a1" * 32
OTHER_FILE = "a2" * 32


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World, tmp_path: Path) -> LogClient:
    return follow(world, tmp_path / "log")


def follow(
    world: World,
    folder: Path,
    *,
    source: Log | None = None,
    floor: bytes | None = None,
    files: Files | None = None,
    own_policy: Policy | None = None,
    max_entries: int = MAX_ENTRIES,
) -> LogClient:
    return LogClient(
        folder,
        world.log.origin,
        files=files or Files(),
        source=source or world.log,
        trust_file=world.trust_file,
        built_in=world.trust_set,
        floor=floor,
        own_policy=own_policy,
        max_entries=max_entries,
        now=lambda: world.now,
        entropy=bytes,
        pause=lambda _: None,
    )


def test_a_first_run_reads_every_entry(world: World, client: LogClient) -> None:
    world.release("1.0.0", FILE)
    world.log.leaves += junk(1, 300)
    world.publish()

    view = client.update()

    assert view.troubles == ()
    assert (view.memory.next_entry, view.index.garbage) == (301, 300)
    assert [each.sha256 for each in view.index.files] == [FILE]
    assert view.fresh_at == world.now


def test_nothing_new_takes_one_request(world: World, client: LogClient) -> None:
    world.log.leaves += junk(1, 300)
    world.publish()
    client.update()
    world.log.asked.clear()

    view = client.update()

    assert view.is_complete
    assert world.log.asked == ["checkpoint"]


def test_requests_do_not_depend_on_what_is_wanted(
    world: World, client: LogClient
) -> None:
    index = world.release("1.0.0", FILE)
    world.rebuild(FILE)
    note = world.publish()
    client.update()
    world.log.leaves += junk(1, 600)
    world.publish()
    client.update()
    world.log.asked.clear()

    client.compare(note)
    rebuilds = client.rebuilds(FILE)
    client.leaf(client.view().index.files[0].place)

    assert [each.index for each in rebuilds] == [index + 1]
    assert world.log.asked == []


def test_progress_is_told(world: World, client: LogClient) -> None:
    world.log.leaves += junk(1, 600)
    world.publish()
    told: list[tuple[int, int]] = []

    client.update(lambda done, of: told.append((done, of)))

    assert told == [(256, 600), (512, 600), (600, 600)]


def test_a_silent_server_is_no_reason_to_forget(
    world: World, client: LogClient
) -> None:
    world.release("1.0.0", FILE)
    world.publish()
    client.update()
    world.log.hidden.add("checkpoint")

    view = client.update()

    assert [each.code for each in view.troubles] == ["network"]
    assert view.head is not None
    assert view.index.files


def test_a_page_of_somebody_else_is_no_checkpoint(
    world: World, client: LogClient
) -> None:
    world.publish()
    world.log.altered["checkpoint"] = b"<html>please log in</html>"

    view = client.update()

    assert [each.code for each in view.troubles] == ["network"]


def test_another_log_is_refused(world: World, client: LogClient) -> None:
    other = replace(world.log.key, name="bt.example/other/1")
    world.log.altered["checkpoint"] = Log(other).checkpoint()

    view = client.update()

    assert [each.code for each in view.troubles] == ["origin"]


def test_a_checkpoint_with_a_wrong_signature_is_refused(
    world: World, client: LogClient
) -> None:
    key = replace(world.log.key, seed=b"\x99" * 32)
    world.log.altered["checkpoint"] = Log(key).checkpoint()

    view = client.update()

    assert [each.code for each in view.troubles] == ["log-signature"]


def test_two_of_four_witnesses_do_not_suffice(world: World, client: LogClient) -> None:
    world.witness("w1").is_silent = world.witness("w2").is_silent = True
    world.release("1.0.0", FILE)
    world.publish()

    view = client.update()

    assert [each.code for each in view.troubles] == ["quorum"]
    assert view.head is None


def test_an_old_copy_leaves_what_was_accepted(world: World, client: LogClient) -> None:
    world.release("1.0.0", FILE)
    old = world.publish()
    world.release("1.1.0", OTHER_FILE)
    world.publish()
    client.update()
    world.log.altered["checkpoint"] = old

    view = client.update()

    assert view.is_complete
    assert view.is_old_copy
    assert view.memory.head.size == 2


def test_an_older_note_of_the_same_tree_does_not_make_it_older(
    world: World, client: LogClient
) -> None:
    world.release("1.0.0", FILE)
    old = world.publish()
    world.now += DAY
    world.publish()
    client.update()
    world.log.altered["checkpoint"] = old

    view = client.update()

    assert view.fresh_at == world.now


def test_what_was_first_seen_stays_the_first(world: World, client: LogClient) -> None:
    index = world.release("1.0.0", FILE)
    first = world.now
    world.publish()
    client.update()
    world.now += DAY
    world.release("1.1.0", OTHER_FILE)
    world.publish()

    view = client.update()

    assert view.seen_at(index) == first
    assert view.seen_at(index + 1) == world.now


@pytest.fixture
def forked(world: World, client: LogClient) -> Log:
    """A log that the client followed, and another that its key signed."""
    world.release("1.0.0", FILE)
    world.publish()
    other = world.log.fork()
    world.release("1.1.0", FILE)
    world.publish()
    client.update()
    world.release("1.1.0", OTHER_FILE, other)
    world.release("1.2.0", OTHER_FILE, other)
    world.publish(other)
    return other


def test_a_second_history_is_proven_and_freezes(
    world: World, forked: Log, tmp_path: Path
) -> None:
    victim = follow(world, tmp_path / "log", source=forked)

    view = victim.update()

    assert [each.code for each in view.troubles] == ["fork"]
    assert view.evidence == view.troubles[0].evidence
    assert view.evidence is not None
    found = parse_evidence(victim.read_evidence(view.evidence))
    assert isinstance(found, Fork)
    verify(found, world.log.key.verifier)


def test_a_second_history_needs_no_witness_to_be_proven(
    world: World, forked: Log, tmp_path: Path
) -> None:
    forked.publish(at=world.now)

    view = follow(world, tmp_path / "log", source=forked).update()

    assert [each.code for each in view.troubles] == ["fork"]


def test_an_older_copy_of_a_second_history_is_proven(
    world: World, client: LogClient
) -> None:
    other = Log(leaves=junk(1, 2))
    world.log.leaves += junk(2, 5)
    world.publish()
    client.update()
    world.log.altered["checkpoint"] = world.publish(other)

    view = client.update()

    assert [each.code for each in view.troubles] == ["fork"]


def test_a_freeze_stands_when_the_server_is_good_again(
    world: World, client: LogClient, forked: Log, tmp_path: Path
) -> None:
    frozen = follow(world, tmp_path / "log", source=forked).update().evidence

    view = client.update()

    assert view.is_complete
    assert view.evidence == frozen


def test_who_unfreezes_goes_on_with_the_own_branch(
    world: World, client: LogClient, forked: Log, tmp_path: Path
) -> None:
    victim = follow(world, tmp_path / "log", source=forked)
    name = victim.update().evidence or ""
    client.unfreeze(name)

    again = victim.update()

    assert [each.code for each in again.troubles] == ["fork"]
    assert again.evidence is None
    assert client.update().is_complete
    assert client.evidence() == [name]


def test_what_froze_nothing_unfreezes_nothing(world: World, client: LogClient) -> None:
    world.publish()
    client.update()

    with pytest.raises(RefusedError, match="is not frozen by"):
        client.unfreeze("00" * 32)


def test_a_proof_on_another_branch_is_proven(
    world: World, client: LogClient, forked: Log
) -> None:
    with pytest.raises(MisbehaviourError) as caught:
        client.compare(forked.publish(at=world.now, size=2))

    verify(parse_evidence(caught.value.report), world.log.key.verifier)
    assert client.view().evidence is not None


def test_a_proof_beyond_what_was_shown_is_not_comparable(
    world: World, client: LogClient
) -> None:
    world.release("1.0.0", FILE)
    world.publish()
    client.update()
    world.release("1.1.0", FILE)

    with pytest.raises(UnreachableError, match="up to 1, wanted is 2"):
        client.compare(world.publish())


def test_two_files_for_one_version_are_proven_and_freeze(
    world: World, client: LogClient
) -> None:
    world.release("1.0.0", FILE)
    world.publish()
    client.update()
    world.release("1.0.0", OTHER_FILE)
    world.publish()

    view = client.update()

    assert [each.code for each in view.troubles] == ["duplicate-release"]
    assert view.evidence is not None
    found = parse_evidence(client.read_evidence(view.evidence))
    verify(found, world.log.key.verifier, world.trust)


def test_two_files_that_the_user_settled_do_not_freeze_again(
    world: World, client: LogClient
) -> None:
    world.release("1.0.0", FILE)
    world.release("1.0.0", OTHER_FILE)
    world.publish()
    client.unfreeze(client.update().evidence or "")
    client.update()

    assert client.update().evidence is None


def test_an_entry_that_is_not_in_the_tree_blocks_until_it_is(
    world: World, client: LogClient
) -> None:
    world.release("1.0.0", FILE)
    world.publish()
    bundle = "tile/entries/000.p/1"
    good = world.log.get(bundle, 1 << 20)
    world.log.altered[bundle] = good[:-2] + b"}}"
    bad = client.update()
    standing = client.view()
    del world.log.altered[bundle]

    view = client.update()

    assert [each.code for each in bad.troubles] == ["entries"]
    assert bad.evidence is None
    assert [each.code for each in standing.troubles] == ["tiles"]
    assert view.is_complete


def test_tiles_that_do_not_give_the_root_block(world: World, client: LogClient) -> None:
    world.release("1.0.0", FILE)
    world.publish()
    world.log.altered["tile/0/000.p/1"] = bytes(32)

    view = client.update()

    assert [each.code for each in view.troubles] == ["tiles"]
    assert view.head is None


def test_a_partial_file_that_is_gone_is_taken_from_the_full_one(
    world: World, client: LogClient
) -> None:
    world.log.leaves += junk(1, 300)
    world.publish()
    world.log.altered["checkpoint"] = world.log.publish(
        *world.witnesses, at=world.now, size=200
    )
    world.log.hidden |= {"tile/0/000.p/200", "tile/entries/000.p/200"}

    view = client.update()

    assert view.is_complete
    assert view.memory.next_entry == 200


def test_a_damaged_cache_is_fetched_again(
    world: World, client: LogClient, tmp_path: Path
) -> None:
    world.log.leaves += junk(1, 600)
    world.publish()
    client.update()
    for path in (tmp_path / "log" / "cache").rglob("0*"):
        if path.is_file():
            path.write_bytes(bytes(path.stat().st_size))
    world.log.leaves += junk(2, 10)
    world.publish()

    view = client.update()

    assert view.troubles == ()


def test_a_lost_cache_is_read_again(
    world: World, client: LogClient, tmp_path: Path
) -> None:
    world.log_policy()
    world.rebuild(FILE)
    world.publish()
    client.update()
    Files().remove_tree(tmp_path / "log" / "cache")
    with pytest.raises(StoreError, match="not kept any more"):
        client.rebuilds(FILE)

    view = client.update()

    assert view.is_complete
    assert len(client.rebuilds(FILE)) == 1


def lost(file: Path) -> None:
    file.unlink()


def garbled(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


@pytest.mark.parametrize("spoil", [lost, garbled, cut])
def test_one_tile_that_is_spoilt_is_had_again(
    world: World, client: LogClient, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    world.log.leaves += junk(1, 600)
    world.publish()
    client.update()
    note = world.log.publish(*world.witnesses, at=world.now, size=300)
    world.publish()
    spoil(*(tmp_path / "log" / "cache").glob("*/tile/0/001"))
    with pytest.raises((ProofError, UnreachableError)):
        client.compare(note)

    view = client.update()

    assert view.is_complete
    assert client.compare(note).size == 300


@pytest.mark.parametrize("spoil", [lost, garbled, cut])
def test_one_bundle_that_is_spoilt_is_had_again(
    world: World, client: LogClient, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    world.rebuild(FILE)
    world.log.leaves += junk(1, 600)
    world.publish()
    client.update()
    spoil(*(tmp_path / "log" / "cache").glob("*/tile/entries/000"))
    with pytest.raises(StoreError, match="not kept any more"):
        client.rebuilds(FILE)

    view = client.update()

    assert view.is_complete
    assert len(client.rebuilds(FILE)) == 1


def test_a_lost_bundle_does_not_hide_a_second_file(
    world: World, client: LogClient, tmp_path: Path
) -> None:
    world.release("1.0.0", FILE)
    world.log.leaves += junk(1, 600)
    world.publish()
    client.update()
    lost(*(tmp_path / "log" / "cache").glob("*/tile/entries/000"))
    world.release("1.0.0", OTHER_FILE)
    world.publish()

    codes = [client.update().troubles[0].code for _ in range(2)]

    assert codes == ["entries", "duplicate-release"]


def test_a_missing_state_begins_at_the_floor(
    world: World, client: LogClient, tmp_path: Path
) -> None:
    world.release("1.0.0", FILE)
    world.publish()
    client.update()
    (tmp_path / "log" / "state.json").unlink()

    view = client.update()

    assert view.is_complete


def test_an_unreadable_state_refuses_until_it_is_made_anew(
    world: World, client: LogClient, tmp_path: Path
) -> None:
    world.release("1.0.0", FILE)
    world.publish()
    client.update()
    (tmp_path / "log" / "state.json").write_bytes(b"{}")
    bad = client.update()
    client.start_again()

    view = client.update()

    assert [each.code for each in bad.troubles] == ["state"]
    assert view.is_complete


def test_a_state_made_anew_is_still_frozen(
    world: World, client: LogClient, forked: Log, tmp_path: Path
) -> None:
    name = follow(world, tmp_path / "log", source=forked).update().evidence
    client.start_again()

    assert client.update().evidence == name


def test_a_log_that_ends_before_the_floor_is_not_believed(
    world: World, tmp_path: Path
) -> None:
    old = world.log.fork()
    world.publish(old)
    world.release("1.0.0", FILE)
    floor = world.publish()

    view = follow(world, tmp_path, source=old, floor=floor).update()

    assert [each.code for each in view.troubles] == ["tiles"]


def test_a_first_run_on_another_branch_than_the_floor_is_proven(
    world: World, tmp_path: Path
) -> None:
    other = world.log.fork()
    world.release("1.0.0", FILE)
    floor = world.publish()
    other.leaves += junk(1, 3)
    world.publish(other)

    view = follow(world, tmp_path, source=other, floor=floor).update()

    assert [each.code for each in view.troubles] == ["fork"]


def test_a_newer_program_brings_a_newer_floor(world: World, tmp_path: Path) -> None:
    world.release("1.0.0", FILE)
    world.publish()
    follow(world, tmp_path).update()
    world.release("1.1.0", FILE)
    floor = world.publish()
    other = world.log.fork()
    other.leaves[1:] = junk(1, 2)
    world.publish(other)
    newer = follow(world, tmp_path, floor=floor)
    newer.record_agreement(b"alice", 1)

    forked = follow(world, tmp_path, floor=floor, source=other).update()

    assert [each.code for each in forked.troubles] == ["fork"]
    assert newer.update().is_complete


def test_a_log_that_goes_on_under_another_key_is_not_believed(
    world: World, tmp_path: Path
) -> None:
    world.release("1.0.0", FILE)
    world.publish()
    client = follow(world, tmp_path)
    client.update()
    client.learn(world.log.publish(*world.witnesses, at=world.now))
    world.log.key = replace(world.log.key, seed=b"\x99" * 32)
    world.publish()
    newer = follow(world, tmp_path)

    assert [each.code for each in client.update().troubles] == ["log-signature"]
    assert [each.code for each in newer.update().troubles] == ["log-signature"]
    assert newer.view().head is None


def test_a_head_of_a_peer_must_be_reached(world: World, client: LogClient) -> None:
    world.release("1.0.0", FILE)
    old = world.publish()
    client.update()
    world.release("1.1.0", FILE)
    client.learn(world.publish())
    world.log.altered["checkpoint"] = old
    behind = client.update()
    world.log.altered.clear()

    view = client.update()

    assert behind.behind_peers == 2
    assert view.behind_peers is None
    assert view.memory.learned == ()


def test_a_head_of_a_peer_on_another_branch_is_proven(
    world: World, client: LogClient, forked: Log
) -> None:
    client.learn(world.publish(forked))
    world.log.leaves += junk(5, 5)
    world.publish()

    view = client.update()

    assert [each.code for each in view.troubles] == ["fork"]


def test_agreements_are_counted_for_thirty_days(
    world: World, client: LogClient
) -> None:
    world.release("1.0.0", FILE)
    world.publish()
    client.update()
    client.record_agreement(b"alice", 1)
    client.record_agreement(b"alice", 1)
    client.record_agreement(b"bob", 1)

    assert client.view().agreements == (1, 1)
    world.now += 31 * DAY
    assert client.view().agreements == ()


def test_what_was_installed_is_remembered(world: World, client: LogClient) -> None:
    index = world.release("1.0.0", FILE)
    world.publish()
    client.update()
    leaf_hash = hash_leaf(world.log.leaves[index])
    client.record_install(Place(world.log.origin, index, leaf_hash=leaf_hash), "1.0.0")

    assert client.view().installed == "1.0.0"


def test_new_trust_files_count_once_they_were_public_for_long_enough(
    world: World, client: LogClient
) -> None:
    world.log_policy()
    world.publish()
    client.update()
    world.trust = replace(world.trust, cooldown_normal_s=9 * DAY)
    world.log_policy()
    world.publish()
    young = client.update()
    world.now += world.trust.policy_delay_s
    world.publish()

    old = client.update()

    assert young.honoured.current.trust.cooldown_normal_s == 7 * DAY
    assert old.honoured.current.trust.cooldown_normal_s == 9 * DAY
    assert old.is_complete


def test_trust_files_that_are_withheld_stop_the_client(
    world: World, client: LogClient
) -> None:
    world.log_policy()
    world.publish()
    client.update()
    world.trust = replace(world.trust, cooldown_normal_s=9 * DAY)
    world.log_policy()
    world.publish()
    client.update()
    world.now += world.trust.policy_delay_s
    world.publish()
    world.trust_files.clear()

    view = client.update()

    assert [each.code for each in view.troubles] == ["network"]


def test_other_trust_files_judge_every_entry_again(
    world: World, client: LogClient
) -> None:
    built_in = world.trust_set
    world.log_policy()
    trust = world.trust
    new_key = claimants.key(99)
    roles = {
        **trust.roles,
        "yank": replace(trust.roles["yank"], keys=(claimants.public(new_key),)),
    }
    world.trust = replace(trust, roles=roles)
    world.log_policy()
    index = world.release("1.0.0", FILE)
    release = replace(
        claimants.YANK.release, leaf_hash=hash_leaf(world.log.leaves[index])
    )
    world.log.append(claimants.entry(replace(claimants.YANK, release=release), new_key))
    world.publish()
    world.trust, new = trust, world.trust
    assert world.trust_set.digests == built_in.digests
    before = client.update()
    world.now += 3 * DAY
    world.publish()

    after = client.update()

    assert after.honoured.current.trust == new
    assert (before.index.garbage, len(before.index.yanks)) == (1, 0)
    assert (after.index.garbage, len(after.index.yanks)) == (0, 1)


def test_a_run_that_is_overtaken_starts_over(world: World, tmp_path: Path) -> None:
    world.release("1.0.0", FILE)
    world.publish()
    other = follow(world, tmp_path / "log")

    class Overtaking(Log):
        def get(self, path: str, max_bytes: int) -> bytes:
            if path == "checkpoint" and not self.asked:
                other.update()
            return super().get(path, max_bytes)

    slow = follow(
        world,
        tmp_path / "log",
        source=Overtaking(world.log.key, world.log.leaves, world.log.note),
    )

    view = slow.update()

    assert view.is_complete
    assert view.memory == replace(other.view().memory)


def test_a_lock_that_is_held_is_told(
    world: World, client: LogClient, tmp_path: Path
) -> None:
    world.publish()
    client.update()
    with Files().lock(tmp_path / "log" / "lock"):
        view = client.update()

        with pytest.raises(BusyError):
            client.record_agreement(b"alice", 1)

    assert [each.code for each in view.troubles] == ["busy"]


def test_two_clients_on_two_branches_hold_the_same_evidence(
    world: World, forked: Log, tmp_path: Path
) -> None:
    ours = follow(world, tmp_path / "log", source=forked).update().evidence
    theirs = follow(world, tmp_path / "theirs", source=forked)
    theirs.update()

    view = follow(world, tmp_path / "theirs").update()

    assert view.evidence == ours


def test_evidence_of_another_log_is_refused(world: World, client: LogClient) -> None:
    world.publish()
    client.update()

    with pytest.raises(RefusedError):
        client.record_evidence(b"{}")


class Killed(BaseException):
    """The process is gone, from one moment to the next."""


class Mortal(Files):
    """A disk under a process that is killed before its n-th change."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def about_to(self, step: Step) -> None:  # noqa: ARG002 - as Files calls it
        self.left -= 1
        if self.left < 0:
            raise Killed


def test_a_run_killed_at_any_change_is_finished_by_the_next(
    world: World, tmp_path: Path
) -> None:
    world.log_policy()
    world.release("1.0.0", FILE)
    world.publish()
    found = set()
    left = 0
    while True:
        folder = tmp_path / str(left)
        follow(world, folder).update()
        grown = world.log.fork()
        grown.leaves += junk(1, 20)
        world.publish(grown)
        try:
            follow(world, folder, source=grown, files=Mortal(left)).update()
        except Killed:
            view = follow(world, folder, source=grown).update()
            found.add((view.is_complete, view.memory.next_entry, view.index.garbage))
            left += 1
            continue
        break

    assert found == {(True, 22, 20)}
    assert left > 10


def test_a_full_disk_is_told_and_nothing_is_lost(world: World, tmp_path: Path) -> None:
    class Full(Files):
        def about_to(self, step: Step) -> None:  # noqa: ARG002 - as Files calls it
            raise OSError(errno.ENOSPC, "No space left on device")

    world.release("1.0.0", FILE)
    world.publish()
    follow(world, tmp_path).update()
    world.release("1.1.0", FILE)
    world.publish()

    bad = follow(world, tmp_path, files=Full()).update()

    assert [each.code for each in bad.troubles] == ["state"]
    assert follow(world, tmp_path).view().memory.next_entry == 1


def test_a_users_own_policy_must_be_met_too(world: World, tmp_path: Path) -> None:
    friend = SigningKey("alice.example/phone", Kind.WITNESS, seed=b"\x77" * 32)
    lines = [f"log {world.log.key.verifier}", f"witness alice {friend.verifier}"]
    own = parse_policy("\n".join([*lines, "quorum alice", ""]).encode())
    world.release("1.0.0", FILE)
    world.publish()
    client = follow(world, tmp_path, own_policy=own)
    before = client.update()
    world.witnesses.append(Witness("alice", friend))
    world.publish()
    world.witnesses.pop()

    assert [each.code for each in before.troubles] == ["quorum"]
    assert client.update().is_complete


def test_a_closed_log_does_not_grow(world: World, tmp_path: Path) -> None:
    world.release("1.0.0", FILE)
    closed = Head(world.log.origin, 1, world.log.root)
    world.trust = replace(world.trust, closed_logs=(closed,))
    world.publish()
    client = follow(world, tmp_path)
    whole = client.update()
    world.release("1.1.0", FILE)
    world.publish()

    view = client.update()

    assert whole.is_complete
    assert [each.code for each in view.troubles] == ["origin"]


def test_a_flood_is_read_in_several_runs(world: World, tmp_path: Path) -> None:
    world.log.leaves += junk(1, 900)
    world.publish()
    client = follow(world, tmp_path, max_entries=300)

    first = client.update()

    assert [each.code for each in first.troubles] == ["entries"]
    assert first.memory.next_entry == 512  # whole bundles
    assert client.update().is_complete


def exchange(ours: LogClient, theirs: LogClient) -> tuple[Exchange, Exchange]:
    """Have two clients compare over a good link."""
    alice = Exchange(ours.peer_view(), initiator=True, entropy=bytes)
    bob = Exchange(theirs.peer_view(), initiator=False, entropy=bytes)
    bob.start(0.0)
    for_bob, for_alice = alice.start(0.0), list[bytes]()
    while for_bob or for_alice:
        for_alice += [each for frame in for_bob for each in bob.receive(frame, 0.0)]
        for_bob = [each for frame in for_alice for each in alice.receive(frame, 0.0)]
        for_alice = []
    return alice, bob


def test_two_clients_that_talk_find_a_fork(
    world: World, client: LogClient, forked: Log, tmp_path: Path
) -> None:
    theirs = follow(world, tmp_path / "theirs", source=forked)
    theirs.update()

    alice, bob = exchange(client, theirs)

    for side, who in ((alice, client), (bob, theirs)):
        assert side.result is not None
        (outcome,) = side.result.outcomes
        assert outcome.evidence is not None
        name = who.record_evidence(outcome.evidence)
        assert who.view().evidence == name


def test_two_clients_that_talk_learn_who_is_ahead(
    world: World, client: LogClient, tmp_path: Path
) -> None:
    world.release("1.0.0", FILE)
    world.publish()
    client.update()
    world.log.leaves += junk(1, 300)
    world.publish()
    theirs = follow(world, tmp_path / "theirs")
    theirs.update()

    alice, _ = exchange(client, theirs)

    assert alice.result is not None
    (outcome,) = alice.result.agreed
    assert outcome.learned is not None
    client.learn(outcome.learned)
    assert client.view().behind_peers == 301


def test_peers_ask_nobody(world: World, client: LogClient, tmp_path: Path) -> None:
    world.log.leaves += junk(1, 300)
    world.publish()
    client.update()
    theirs = follow(world, tmp_path / "theirs")
    theirs.update()
    world.log.asked.clear()

    exchange(client, theirs)

    assert world.log.asked == []


def test_what_was_never_accepted_is_not_offered(client: LogClient) -> None:
    assert client.peer_view().heads() == []


def test_a_peers_head_is_cut_to_the_fewest_witnesses(
    world: World, client: LogClient
) -> None:
    world.release("1.0.0", FILE)
    world.publish()
    client.update()

    (head,) = client.peer_view().heads()

    assert len(parse_note(head.note).lines) == 4  # the log and three of four


def test_a_first_look_without_any_state_asks_nobody(
    world: World, client: LogClient
) -> None:
    view = client.view()

    assert [each.code for each in view.troubles] == ["network"]
    assert world.log.asked == []


def test_times_of_fewer_liars_than_the_margin_change_nothing(
    world: World, client: LogClient
) -> None:
    """Of four witnesses three suffice: one may say what it likes."""
    index = world.release("1.0.0", FILE)
    note = world.log.checkpoint()
    honest = world.now
    for witness, at in zip(
        world.witnesses, (honest - 900 * DAY, honest, honest, honest), strict=True
    ):
        note = merge_lines(note, witness.cosign(note, at))
    world.log.note = note
    world.now += 40 * DAY
    liar = world.witnesses[0].cosign(note, int(world.now))
    world.log.note = merge_lines(note, liar)

    view = client.update()

    assert view.fresh_at == honest
    assert view.seen_at(index) == honest
