"""Writing a log: what is shown, what is refused, and what an interrupted run leaves."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.transparency.claimants import (
    SUCCESSOR,
    SUCCESSOR_KEYS,
    YANK,
    YANK_KEYS,
    entry,
)
from tests.updater.transparency.logs import ORIGIN
from tests.updater.transparency.writers import OPEN_TRUST, World, release, yank, yanks
from updater.errors import (
    BusyError,
    NotYetError,
    ProofError,
    RefusedError,
    StoreError,
    UnreachableError,
)
from updater.testing.faults import FullDisk, RecordingFiles, out_of_order
from updater.transparency.addresses import Address, format_addresses
from updater.transparency.asking import Answer
from updater.transparency.checkpoint import open_checkpoint
from updater.transparency.key import Kind, SigningKey
from updater.transparency.merkle import hash_leaf
from updater.transparency.note import parse_note
from updater.transparency.proof import check_proof, parse_proof
from updater.transparency.tiles import TileReader
from updater.transparency.witnessed import accept


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path).create()


def tree(folder: Path) -> dict[str, str]:
    """Hash every file of a public folder that holds no cosignature."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(data).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and b"\xe2\x80\x94" not in (data := path.read_bytes())
    }


def shown_size(world: World) -> int:
    note = (world.folder / "public/checkpoint").read_bytes()
    return accept(world.disk.policy(), note, world.clock.time).checkpoint.size


def test_what_is_published_opens_as_a_client_opens_it(world: World) -> None:
    published = world.publish(*yanks(3))
    world.clock.time += 100
    published = world.publish(*yanks(300, since=3))
    tree = published.checkpoint

    assert (published.added, published.silent, shown_size(world)) == (300, {}, 303)
    reader = TileReader(tree.size, tree.root, world.disk.read)
    assert list(reader.entries(1)) == yanks(47, since=256)


def test_each_entry_has_its_claim_and_proof(world: World) -> None:
    leaf = yank(1)
    world.publish(yank(0), leaf)
    name = hash_leaf(leaf).hex()
    proof = parse_proof(
        (world.folder / f"public/proofs/{name}.tlog-proof").read_bytes()
    )
    opened = open_checkpoint(proof.checkpoint, [world.log_key.verifier])

    check_proof(proof, hash_leaf(leaf), opened)
    assert (world.folder / f"public/claims/{name}.json").read_bytes() == leaf


def test_a_file_is_found_by_the_first_release_that_names_it(world: World) -> None:
    world.publish(yank(0), release("1.4.0"))
    world.clock.time += 100
    world.publish(release("1.5.0"))

    assert world.disk.index_of("a1" * 32) == 1


def test_the_same_entries_in_the_same_batches_make_the_same_folder(
    tmp_path: Path,
) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        world = World(tmp_path / name).create()
        world.publish(*yanks(3))
        world.clock.time += 100 if name == "one" else 900
        world.publish(*yanks(260, since=3))
        found.append(tree(tmp_path / name / "public"))

    assert found[0] == found[1]


def test_nothing_new_publishes_nothing(world: World) -> None:
    first = world.publish(yank(1))
    asked = len(world.asked)

    assert world.log.publish(world.means).note == first.note
    assert len(world.asked) == asked


def test_an_empty_log_has_nothing_to_publish_or_refresh(world: World) -> None:
    with pytest.raises(RefusedError, match="the log is empty"):
        world.log.publish(world.means)
    with pytest.raises(RefusedError, match="the log is empty"):
        world.log.refresh(world.means)
    with pytest.raises(RefusedError, match="the log is empty"):
        world.log.prove(0)


def test_a_refresh_has_new_times_and_the_same_tree(world: World) -> None:
    first = world.publish(yank(1))
    proof = next((world.folder / "public/proofs").iterdir())
    before = proof.read_bytes()
    world.clock.time += 86_400
    second = world.log.refresh(world.means)

    assert parse_note(second.note).text == parse_note(first.note).text
    assert second.note != first.note
    assert proof.read_bytes() == before  # the time it was first seen stays


def test_an_entry_is_proved_under_the_public_checkpoint(world: World) -> None:
    world.publish(*yanks(5))
    proof = world.log.prove(3)

    check_proof(
        proof,
        hash_leaf(yank(3)),
        open_checkpoint(proof.checkpoint, [world.log_key.verifier]),
    )
    with pytest.raises(ProofError):
        world.log.prove(5)


def test_a_claim_is_in_the_log_once(world: World) -> None:
    world.publish(yank(1))

    with pytest.raises(RefusedError, match="in the log already"):
        world.log.append([yank(1)])
    world.log.append([yank(2)])
    with pytest.raises(RefusedError, match="in the log already"):
        world.log.append([yank(2)])
    with pytest.raises(RefusedError, match="in the log already"):
        world.log.append([yank(3), yank(3)])


def test_a_version_has_one_file_in_waiting_claims_too(world: World) -> None:
    world.log.append([release()])

    with pytest.raises(RefusedError, match="a version has one file"):
        world.log.append([release(sha256="a9" * 32)])


def test_nothing_follows_a_successor(world: World) -> None:
    world.publish(entry(SUCCESSOR, *SUCCESSOR_KEYS))

    with pytest.raises(RefusedError, match="the log is closed"):
        world.log.append([yank(1)])


def test_a_second_writer_is_told_it_is_busy(world: World) -> None:
    with world.files.lock(world.disk.lock), pytest.raises(BusyError):
        world.log.append([yank(1)])


def test_another_key_signs_nothing(world: World) -> None:
    world.log.append([yank(1)])
    world.log_key = SigningKey(ORIGIN, Kind.LOG, seed=b"\x09" * 32)

    with pytest.raises(RefusedError, match="expected the key"):
        world.log.publish(world.means)


def test_without_a_quorum_nothing_is_shown_and_the_tree_is_kept(world: World) -> None:
    world.publish(yank(1))
    world.clock.time += 100
    world.silent = {"w2", "w3"}
    with pytest.raises(NotYetError, match="too few for the quorum: w2"):
        world.publish(yank(2))

    assert shown_size(world) == 1
    pending = (world.folder / "public/checkpoint.pending").read_bytes()
    world.silent = {"w3"}
    assert world.log.publish(world.means).checkpoint.size == 2
    assert (
        parse_note(pending).text
        == parse_note((world.folder / "public/checkpoint").read_bytes()).text
    )


def test_it_waits_for_the_quorum_as_long_as_it_is_told(world: World) -> None:
    world.publish(yank(1))
    world.silent = {"w2", "w3"}
    world.wait_s = 60.0
    with pytest.raises(NotYetError):
        world.publish(yank(2))

    assert world.clock.slept == [15.0] * 4


def test_no_witness_means_no_publication(world: World) -> None:
    world.silent = {"w1", "w2", "w3"}

    with pytest.raises(UnreachableError, match="no witness could be asked: w1"):
        world.publish(yank(1))
    assert world.disk.journal().state == "published"


def test_a_witness_behind_is_told_the_whole_way(world: World) -> None:
    world.silent = {"w3"}
    world.publish(*yanks(3))
    world.silent = set()
    world.clock.time += 100
    published = world.publish(*yanks(7, since=3))

    assert published.silent == {}


def test_a_line_of_a_stranger_counts_for_nobody(world: World) -> None:
    def swapped(name: str, answer: Answer) -> Answer:
        if name == "w2" and answer.status == 200 and answer.body.count(b"\n") == 1:
            return Answer(200, answer.body.replace(b"w2.example", b"w9.example"))
        return answer

    world.tampered = swapped
    published = world.publish(yank(1))

    assert list(published.silent) == ["w2"]


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"\xff", "— w2.example/bt AAAA\n".encode()]
)
def test_what_a_witness_answers_is_a_line_or_nothing(world: World, body: bytes) -> None:
    world.tampered = lambda name, answer: Answer(200, body) if name == "w2" else answer
    published = world.publish(yank(1))

    assert list(published.silent) == ["w2"]


def restore(world: World, backup: dict[Path, bytes]) -> None:
    """Put a backup of both folders in their place."""
    for folder in ("public", "private"):
        for path in sorted((world.folder / folder).rglob("*")):
            if path.is_file() and path not in backup:
                path.unlink()
    for path, data in backup.items():
        path.write_bytes(data)


def backup_of(world: World, *folders: str) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for folder in folders
        for path in (world.folder / folder).rglob("*")
        if path.is_file()
    }


def test_a_restored_backup_is_stopped_by_the_witnesses(world: World) -> None:
    world.publish(yank(1))
    backup = backup_of(world, "public", "private")
    world.clock.time += 100
    world.publish(yank(2))
    restore(world, backup)
    world.log.append([yank(3)])

    with pytest.raises(StoreError, match="state-lost: w1 cosigned size 2"):
        world.log.publish(world.means)


def test_a_restored_backup_is_stopped_at_one_size_too(world: World) -> None:
    world.publish(yank(1))
    backup = backup_of(world, "public", "private")
    world.clock.time += 100
    world.publish(yank(2))
    restore(world, backup)
    world.silent = {"w1", "w2", "w3"}
    world.is_dev = True  # nobody was asked, and the tree is promised and signed
    world.log.append([yank(3)])
    with pytest.raises(NotYetError):
        world.log.publish(world.means)
    world.silent = set()
    world.clock.time += 100

    with pytest.raises(StoreError, match=r"state-lost: .* cosigned another tree"):
        world.log.publish(world.means)


def test_a_restored_private_folder_is_stopped_by_the_public_one(world: World) -> None:
    world.publish(yank(1))
    backup = backup_of(world, "private")
    world.publish(yank(2))
    for path, data in backup.items():
        path.write_bytes(data)

    with pytest.raises(
        StoreError, match="state-lost: the public checkpoint has size 2"
    ):
        world.log.publish(world.means)


def test_a_restored_signed_tree_does_not_hide_a_later_one(world: World) -> None:
    world.publish(yank(1))
    late = world.disk.journal()
    world.publish(yank(2))
    shown = world.disk.read("checkpoint", 10_000)
    # As a backup that was made just before the journal said `published`.
    world.disk.store_journal(replace(late, state="signed"))

    with pytest.raises(StoreError, match="state-lost: the public checkpoint"):
        world.log.publish(world.means)
    assert world.disk.read("checkpoint", 10_000) == shown


@pytest.mark.parametrize("path", ["tile/entries/000.p/2", "tile/0/000.p/2"])
def test_a_bit_that_flipped_after_the_promise_is_damage(
    world: World, path: str
) -> None:
    world.publish(yank(1))
    world.clock.time += 100
    world.silent = {"w1", "w2", "w3"}
    world.is_dev = True
    with pytest.raises(NotYetError):
        world.publish(yank(2))
    signed = world.disk.journal()
    world.disk.store_journal(replace(signed, state="prepared", note=None))
    file = world.folder / "public" / path
    file.write_bytes(file.read_bytes()[:-1] + b"\0")

    with pytest.raises(StoreError, match="log-damaged"):
        world.log.publish(world.means)


def test_no_name_appears_before_its_bytes_are_on_the_disk(tmp_path: Path) -> None:
    files = RecordingFiles()
    world = World(tmp_path, files=files).create()
    world.publish(*yanks(300))

    assert out_of_order(files.steps) == []


def test_claims_can_be_handed_over_again_with_what_is_new(world: World) -> None:
    world.publish(yank(1))
    world.log.append([yank(2)])

    added = world.log.append_missing([yank(1), yank(2), yank(3), yank(3)])

    assert added == [hash_leaf(yank(3))]


def test_a_folder_is_a_log_once(world: World) -> None:
    with pytest.raises(RefusedError, match="there is a log already"):
        world.create()


def test_a_yank_with_a_field_too_many_is_not_appended(world: World) -> None:
    leaf = entry(YANK, YANK_KEYS[0]).replace(b"keyid", b"keyID")

    with pytest.raises(RefusedError):
        world.log.append([leaf])


@pytest.mark.parametrize("room", [0, 500, 2_000, 4_000, 6_000])
def test_a_full_disk_ends_a_run_that_the_next_finishes(
    tmp_path: Path, room: int
) -> None:
    world = World(tmp_path).create()
    world.publish(yank(1))
    world.log.append([yank(2)])
    full = World(tmp_path, files=FullDisk(room))
    with pytest.raises(StoreError, match="the disk is full"):
        full.log.publish(full.means)
    world.clock.time += 100

    assert world.log.publish(world.means).checkpoint.size == 2


def test_it_waits_for_the_cooldown_group_and_goes_on_without_it(
    tmp_path: Path,
) -> None:
    lines = ("group two 2 w1 w2", "group both any w3", "quorum two")
    trust = replace(OPEN_TRUST, cooldown_group="both")
    world = World(tmp_path, policy=lines, trust=trust, wait_s=30.0).create()
    world.silent = {"w3"}
    published = world.publish(yank(1))

    assert world.clock.slept == [15.0, 15.0]
    assert list(published.silent) == ["w3"]


def test_a_witness_without_an_address_is_asked_where_the_policy_says(
    world: World,
) -> None:
    policy = world.folder / "public/policy"
    text = policy.read_text().replace("\ngroup", " https://w3\ngroup", 1)
    policy.write_text(text)  # w3 is the last witness
    world.disk.files.replace(
        world.folder / "private/witnesses.json",
        format_addresses({"w1": Address("https://w1", "https://w1")}),
    )
    published = world.publish(yank(1))

    assert published.silent == {"w2": "has no address"}
