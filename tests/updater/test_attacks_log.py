"""Attacks on the log and by it, held against the whole updater.

The one who attacks holds the log's key where nothing else is said, and TUF is good: a
gate of the log has to refuse alone. What the client of the log does by itself is tested
with it; here is what comes of it for an update.
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.clients import Client
from tests.updater.places import app_bundle
from tests.updater.transparency import claimants
from tests.updater.transparency.policies import keys as witness_keys
from tests.updater.world import DAY, World, ready
from updater.driver.back import unfreeze
from updater.errors import MisbehaviourError, RefusedError
from updater.gates.evidence import Wish
from updater.statement import format_envelope, parse_envelope, sign
from updater.transparency.checkpoint import (
    cosign,
    format_checkpoint,
    merge_lines,
    parse_checkpoint,
    sign_checkpoint,
)
from updater.transparency.claims.parts import Head
from updater.transparency.evidence import Fork, format_evidence, parse_evidence, verify
from updater.transparency.honour import POLICY, TRUST, read_set
from updater.transparency.key import Kind, SigningKey
from updater.transparency.note import parse_note
from updater.transparency.proof import LogProof, format_proof
from updater.transparency.trust import format_trust

ONLINE = ("timestamp", "snapshot", "channels", "claims")
NOTHING: dict[str, str] = {}


@pytest.fixture
def world() -> World:
    return ready()


@pytest.fixture
def client(world: World, tmp_path: Path) -> Client:
    return Client(world, tmp_path / "one")


def owner(world: World, *witnesses: str) -> World:
    """Give the world in the hands of whoever runs the log."""
    named = tuple(f"witness:{each}" for each in witnesses)
    return world.thief(*ONLINE, "log", "releases", "claim:release", *named)


def forked(world: World, *witnesses: str) -> World:
    """Give a world whose log forgot the last release, and says another thing."""
    thief = owner(world, *witnesses)
    thief.rewind_log(1)
    thief.log.leaves += [b"another history"] * 5
    thief.witness()
    return thief


def separate(world: World, *witnesses: str) -> World:
    """Give a whole world of its own, for somebody who never saw another."""
    thief = owner(world, *witnesses)
    made = thief.releases["1.0"]
    thief.rewind_log(1)
    thief.log_release("1.0", made.bundle, made.leaf)
    thief.log.leaves += [world.rebuild_leaf(made, each) for each in ("bert", "anna")]
    thief.publish()
    return thief


# Two histories


def test_a_fork_freezes_with_evidence_that_a_stranger_can_check(
    world: World, client: Client
) -> None:
    client.check(world)
    refused = client.check(forked(world, "w1", "w2", "w3"))
    name = client.log.evidence()[0]
    found = parse_evidence(client.log.read_evidence(name))

    verify(found, world.log.key.verifier, world.trust)

    assert (refused["freeze"], refused["consistency"]) == ("frozen", "fork")


def test_after_a_fork_the_honest_history_installs_nothing_either(
    world: World, client: Client
) -> None:
    client.check(world)
    client.check(forked(world, "w1", "w2", "w3"))
    world.wait(60)

    refused = client.check(world)

    assert refused == {"freeze": "frozen"}


def test_whoever_looked_at_the_evidence_goes_on(world: World, client: Client) -> None:
    client.check(world)
    client.check(forked(world, "w1", "w2", "w3"))
    evidence = client.log.evidence()[0]
    unfreeze(client.root, client.anchor, evidence)
    last = client.root.audit_file().read_text().splitlines()[-1]
    world.wait(60)

    assert client.check(world) == NOTHING
    assert f'{{"evidence":"{evidence}"}},"event":"unfreeze"' in last


def test_a_frozen_log_is_not_left_behind_for_its_successor(
    world: World, client: Client
) -> None:
    client.check(world)
    client.check(forked(world, "w1", "w2", "w3"))
    closed = Head(world.log.origin, world.log.size, world.log.root)
    world.trust = replace(world.trust, closed_logs=(closed,))
    policy = world.ledger.policy_text + f"log {claimants.NEW_LOG.verifier}\n".encode()
    files = {POLICY: policy, TRUST: format_trust(world.trust)}
    client.anchor = replace(client.anchor, trust=read_set(files))

    assert client.check(world)["freeze"] == "frozen"


def test_two_machines_on_two_branches_tell_each_other(
    world: World, client: Client, tmp_path: Path
) -> None:
    other = Client(world, tmp_path / "two")
    thief = separate(world, "w1", "w2", "w3")
    world.rebuild(world.releases["1.0"], "carl")
    world.publish()
    seen = [client.check(world), other.check(thief)]
    client.log.record_evidence(_evidence(client, thief))

    assert [each.get("freeze") for each in seen] == [None, None]
    assert client.check(world)["freeze"] == "frozen"


def _evidence(client: Client, other: World) -> bytes:
    """Have a machine hold the other's checkpoint against its own tree."""
    with pytest.raises(MisbehaviourError) as caught:
        client.log.compare(other.log.note)
    return caught.value.report


def test_evidence_of_a_lie_that_was_none_is_refused(
    world: World, client: Client
) -> None:
    client.check(world)
    note = world.log.note
    made_up = Fork(
        note, note, proof=(), root_of_a_in_b=bytes(32), log_key=world.log.key.verifier
    )

    with pytest.raises(RefusedError):
        client.log.record_evidence(format_evidence(made_up))

    assert client.check(world) == NOTHING


# The past


def test_an_old_checkpoint_takes_nothing_back(world: World, client: Client) -> None:
    old = world.log.note
    made = world.release("1.1")
    world.yank(made)
    world.wait(8 * DAY)
    client.check(world)
    client.see(world)
    (client.site / "log/checkpoint").write_bytes(old)

    report = client.updater.check(Wish())

    assert [each.code for each in report.notices] == ["old-copy"]
    assert client.check() == {"yank": "yanked"}


def test_a_log_that_stands_still_is_stale(world: World, client: Client) -> None:
    client.check(world)
    for each in world.witnesses:
        each.is_silent = True
    shown = world.log.note
    world.wait(31 * DAY)
    world.log.note = shown

    assert client.check(world) == {"fresh": "stale"}


def test_few_witnesses_who_lie_make_nothing_fresh(world: World, client: Client) -> None:
    shown = world.log.note
    for each in world.witnesses:
        each.is_silent = each.name not in {"w1", "w2"}
    world.wait(31 * DAY)
    world.log.note = merge_lines(shown, world.log.note.split(b"\n\n", 1)[1])

    assert client.check(world) == {"fresh": "stale"}


def test_few_witnesses_who_lie_make_nothing_old(world: World, client: Client) -> None:
    made = world.release("1.1")
    note = world.log.note
    lines = [
        str(cosign(_tree(note), each.key, int(world.now) - 30 * DAY)).encode()
        for each in world.witnesses[:2]
    ]
    for line in lines:
        note = merge_lines(note, line)
    world.prove(made, note)
    world.publish()

    refused = client.check(world)

    assert refused == {"wave": "rollout", "cooldown": "cooldown"}


def test_times_in_the_future_count_for_nothing(world: World, client: Client) -> None:
    shown = world.log.note
    for each in world.witnesses:
        line = cosign(_tree(shown), each.key, int(world.now) + 40 * DAY)
        shown = merge_lines(shown, str(line).encode())
    world.now += 31 * DAY
    world.repository.now = world.now
    world.repository.publish("claims", "channels")
    world.log.note = shown

    assert client.check(world) == {"fresh": "stale"}


def _tree(note: bytes) -> bytes:
    return format_checkpoint(parse_checkpoint(parse_note(note).text))


# Withheld and damaged files


def swap_entries(path: Path) -> None:
    path.write_bytes(path.read_bytes()[::-1])


def append_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def portal(path: Path) -> None:
    path.write_bytes(b"<html>please log in</html>")


def bomb(path: Path) -> None:
    path.write_bytes(gzip.compress(bytes(1 << 26)))


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    "harm",
    [swap_entries, append_byte, portal, bomb, remove],
    ids=lambda harm: harm.__name__,
)
@pytest.mark.parametrize("kind", ["entries", "0"])
def test_damaged_files_stop_an_install_until_they_are_whole(
    harm: Callable[[Path], None], kind: str, world: World, client: Client
) -> None:
    client.see(world)
    harm(next((client.site / "log/tile" / kind).rglob("*.p/*")))

    refused = client.check()

    assert refused["consistency"] in {"tiles", "entries", "network"}
    assert "freeze" not in refused
    assert client.check(world) == NOTHING


def test_a_checkpoint_that_is_a_page_is_no_answer(world: World, client: Client) -> None:
    client.check(world)
    client.see(world)
    portal(client.site / "log/checkpoint")

    assert client.check() == {"consistency": "network"}


# What the log says, and TUF leaves out


def test_a_yank_that_only_the_log_knows_stops_an_install(
    world: World, client: Client
) -> None:
    world.yank(world.releases["1.0"])
    world.witness()

    assert client.check(world) == {"yank": "yanked"}


def test_a_yank_with_a_field_of_the_future_stops_an_install(
    world: World, client: Client
) -> None:
    envelope = parse_envelope(world.yank_leaf(world.releases["1.0"]))
    payload = json.loads(envelope.payload)
    payload["predicate"]["zz"] = 1
    raw = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
    world.log.append(format_envelope(sign(raw, claimants.YANK_KEYS[:1])))
    world.witness()

    assert client.check(world) == {"yank": "yanked"}


def test_a_veto_that_only_the_log_knows_stops_an_install(
    world: World, client: Client
) -> None:
    world.rebuild(world.releases["1.0"], "carl", other="0f" * 32)
    world.witness()

    assert client.check(world) == {"rebuild": "rebuild-veto"}


def test_a_second_file_for_a_version_freezes(world: World, client: Client) -> None:
    client.check(world)
    thief = owner(world)
    bundle = app_bundle("1.0", "def run(): return 1\n")
    thief.log.append(thief.claim("1.0", bundle))
    thief.witness()

    refused = client.check(thief)

    assert refused == {"freeze": "frozen", "consistency": "duplicate-release"}


def test_the_same_entry_twice_is_no_crime(world: World, client: Client) -> None:
    world.log.append(world.releases["1.0"].leaf)
    world.publish()

    assert client.check(world) == NOTHING


# Names and keys


@pytest.fixture
def known(world: World, client: Client) -> World:
    """Give a world that the client knows for long: only the proof is in doubt."""
    client.check(world)
    world.wait(8 * DAY)
    return world


def other_origin(world: World) -> SigningKey:
    return replace(world.log.key, name="bt.example/other/1")


def proof_of(world: World, note: bytes) -> bytes:
    made = world.releases["1.0"]
    return format_proof(world.log.proof(made.index, note))


def prove_with(world: World, note: bytes) -> None:
    """List the proof of the release under a note, once the log was seen for a week."""
    path = world.releases["1.0"].path
    world.repository.add(f"{path}.tlog-proof", proof_of(world, note), "claims")
    world.publish()


def witnessed(world: World, key: SigningKey, *witnesses: SigningKey) -> bytes:
    """Sign the log's tree with a key, and by these."""
    head = parse_checkpoint(parse_note(world.log.note).text)
    head = replace(head, origin=key.name)
    note = sign_checkpoint(head, key)
    for each in witnesses:
        line = cosign(format_checkpoint(head), each, int(world.now) - 8 * DAY)
        note = merge_lines(note, str(line).encode())
    return note


def test_a_proof_of_another_log_is_refused(known: World, client: Client) -> None:
    keys = [each.key for each in known.witnesses]
    prove_with(known, witnessed(known, other_origin(known), *keys))

    assert client.check(known)["inclusion"] == "origin"


def test_a_proof_signed_by_a_stranger_is_refused(known: World, client: Client) -> None:
    stranger = SigningKey(known.log.origin, Kind.LOG, seed=bytes([77]) * 32)
    keys = [each.key for each in known.witnesses]
    prove_with(known, witnessed(known, stranger, *keys))

    assert client.check(known)["inclusion"] == "log-signature"


def test_a_quorum_of_strangers_is_none(known: World, client: Client) -> None:
    strangers = witness_keys(5, 6, 7, 8).values()
    prove_with(known, witnessed(known, known.log.key, *strangers))

    assert client.check(known) == {"witness": "quorum"}


def test_one_witness_counts_once_however_often_it_signs(
    known: World, client: Client
) -> None:
    one = known.witnesses[0].key
    prove_with(known, witnessed(known, known.log.key, one, one, one))

    assert client.check(known) == {"witness": "quorum"}


def test_the_log_is_not_its_own_witness(known: World, client: Client) -> None:
    as_witness = [
        SigningKey(each.key.name, Kind.WITNESS, seed=known.log.key.seed)
        for each in known.witnesses
    ]
    prove_with(known, witnessed(known, known.log.key, *as_witness))

    assert client.check(known) == {"witness": "quorum"}


def test_a_cosignature_does_not_pass_for_a_log_signature(
    known: World, client: Client
) -> None:
    first = known.witnesses[0].key
    as_log = SigningKey(known.log.origin, Kind.WITNESS, seed=known.log.key.seed)
    head = parse_checkpoint(parse_note(known.log.note).text)
    line = cosign(format_checkpoint(head), as_log, int(known.now))
    note = format_checkpoint(head) + b"\n" + str(line).encode()
    note = merge_lines(
        note, str(cosign(format_checkpoint(head), first, int(known.now))).encode()
    )
    prove_with_raw(known, note)

    assert client.check(known)["inclusion"] == "log-signature"


def prove_with_raw(world: World, note: bytes) -> None:
    """The same, of a note that no log of ours would write."""
    good = world.log.proof(world.releases["1.0"].index, world.log.note)
    proof = format_proof(LogProof(good.index, good.hashes, checkpoint=note))
    path = world.releases["1.0"].path
    world.repository.add(f"{path}.tlog-proof", proof, "claims")
    world.publish()


def test_more_lines_than_anybody_needs_are_refused(
    known: World, client: Client
) -> None:
    lines = b"".join(
        str(cosign(_tree(known.log.note), each, 1_700_000_000)).encode()
        for each in witness_keys(*range(1, 66)).values()
    )
    prove_with_raw(known, known.log.note + lines)

    assert client.check(known)["inclusion"] == "proof-form"


def test_signatures_have_one_spelling(known: World, client: Client) -> None:
    note = known.log.note
    at = note.rindex(b"=")
    odd = note[: at - 1] + bytes([note[at - 1] ^ 1]) + note[at:]
    prove_with_raw(known, odd)

    assert "inclusion" in client.check(known)


# One's own witnesses


def test_ones_own_witnesses_can_refuse_too(world: World, client: Client) -> None:
    client.own_policy = read_set(
        {**world.trust_set.files, "policy": world.ledger.policy_text}
    ).policy
    for each in world.witnesses[:2]:
        each.is_silent = True
    world.wait(60)

    assert client.check(world)["consistency"] == "quorum"


# Our own memory


def log_state(client: Client) -> Path:
    return client.root.folder / "log/state.json"


def test_a_lost_memory_is_read_again_from_the_floor(
    world: World, client: Client
) -> None:
    client.check(world)
    log_state(client).unlink()

    assert client.check(world) == NOTHING


def test_a_memory_that_is_cut_installs_nothing(world: World, client: Client) -> None:
    client.check(world)
    data = log_state(client).read_bytes()
    log_state(client).write_bytes(data[: len(data) // 2])

    assert client.check(world)["consistency"] == "state"


def test_an_older_memory_is_caught_up(world: World, client: Client) -> None:
    client.check(world)
    data = log_state(client).read_bytes()
    world.wait(60)
    client.check(world)
    log_state(client).write_bytes(data)

    assert client.check(world) == NOTHING


def test_a_head_of_a_friend_must_be_reached(world: World, client: Client) -> None:
    client.check(world)
    behind = world.copy()
    world.yank(world.releases["1.0"])
    note = world.witness()
    client.log.learn(note)

    assert client.check(behind) == {"fresh": "behind-peers"}
