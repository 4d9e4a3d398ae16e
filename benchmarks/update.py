"""A check that finds nothing new, whole; and two people who compare what they saw."""

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from tuf.ngclient import Updater

from benchmarks.figure import (
    Contender,
    Figure,
    figure,
    microseconds,
    race,
    ratios,
    repeated,
)
from tests.updater.clients import Client
from tests.updater.followers import anchor_of, follow
from tests.updater.transparency import worlds
from tests.updater.transparency.worlds import KEY, ORIGIN, junk
from tests.updater.world import DAY, World
from updater.driver.comparing import Comparing, open_logs
from updater.fetch.fetch import Network
from updater.gates.evidence import Wish
from updater.testing.hostile import HostileServer
from updater.transparency.checkpoint import Checkpoint, sign_checkpoint
from updater.transparency.evidence import build_fork, format_evidence
from updater.transparency.merkle import hash_node, prove_consistency, root_at

SIZE, OLD_SIZE = 1_000_000, 543_210
LINES = 4  # of a note that a peer is shown: the log's and the fewest witnesses'


def figures() -> list[Figure]:
    """Count and time a check without news and an honest exchange; weigh a fork."""
    return [*_check(), *_exchange(), _fork()]


def _check() -> list[Figure]:
    world = World()
    world.release("1.0")
    world.wait(10 * DAY)
    with tempfile.TemporaryDirectory() as name:
        client = Client(world, Path(name))
        client.network = Network(copies=True, loopback=True)
        assert client.apply(world).kind == "installed"
        bare_home = Path(name, "bare")
        bare_home.mkdir()
        with HostileServer(client.site) as server:
            client.bases = (server.url,)

            def ours() -> None:
                assert client.updater.check(Wish()).kind == "current"

            def bare() -> None:
                root = client.anchor.root
                address = server.url + "metadata/"
                Updater(str(bare_home), address, bootstrap=root).refresh()

            mine, theirs = race(_on_cpu(ours), _on_cpu(bare))
            server.asked.clear()
            ours()
            asked = [each.path[1:] for each in server.asked]
    kinds = Counter(path.partition("/")[0] for path in asked)
    files = world.repository.files
    sizes = [len(files.get(each, b"")) for each in asked]
    return [
        figure(
            "requests for metadata, nothing new", [kinds["metadata"]], unit="", bar=2
        ),
        figure("requests in all, with the log's", [len(asked)], unit="", bar=3),
        figure("bytes of metadata then", [sum(sizes)], unit="B", bar=600),
        figure(
            "processor time of it / bare ngclient",
            ratios(mine, theirs),
            note=f"{microseconds(mine)}; log, witnesses and every gate included",
        ),
    ]


def _on_cpu(operation: Callable[[], object]) -> Contender:
    """Count the processor's time, the server's in it, and no wait for a disk."""
    operation()

    def run() -> float:
        began = time.process_time()
        operation()
        return time.process_time() - began

    return run


def _exchange() -> list[Figure]:
    world = worlds.World()
    with tempfile.TemporaryDirectory() as name:
        sides = []
        for number, who in enumerate(("alice", "bob")):
            world.log.leaves += junk(number, 300)
            world.publish()
            sides.append(open_logs(follow(world, Path(name, who)), anchor_of(world)))
        alice, bob = sides
        frames = _talk(alice, bob)
        mine, bare = race(
            repeated(lambda: _talk(alice, bob)), repeated(_signatures(2 * LINES))
        )
    return [
        figure("frames of an honest exchange", [frames], unit="", bar=8),
        figure(
            "both sides of it / the bare Ed25519 checks",
            ratios(mine, bare),
            bar=10,
            note=f"{microseconds(mine)}; {LINES} signatures of a peer, each way",
        ),
    ]


def _talk(alice: Comparing, bob: Comparing) -> int:
    """Let both talk until there is nothing to say; give the number of frames."""
    ends = (alice.exchange(initiator=True), bob.exchange(initiator=False))
    ends[1].start(0.0)
    waiting = [(1, frame) for frame in ends[0].start(0.0)]
    count = 0
    while waiting:
        to, frame = waiting.pop(0)
        waiting += [(1 - to, each) for each in ends[to].receive(frame, 0.0)]
        count += 1
    for end in ends:
        assert end.result is not None
        assert len(end.result.agreed) == 1
    return count


def _signatures(count: int) -> Callable[[], None]:
    key = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)
    public = key.public_key().public_bytes_raw()
    message = bytes(120)
    signature = key.sign(message)

    def check() -> None:
        for _ in range(count):
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)

    return check


def _fork() -> Figure:
    """Prove two histories of a log of a million entries."""
    levels = [bytes(32)]  # a tree of equal leaves: each level has one hash
    while len(levels) < SIZE.bit_length():
        levels.append(hash_node(levels[-1], levels[-1]))

    def node(level: int, _: int) -> bytes:
        return levels[level]

    large = Checkpoint(ORIGIN, SIZE, root=root_at(SIZE, node))
    other = Checkpoint(ORIGIN, OLD_SIZE, root=bytes(range(32)))
    evidence = build_fork(
        sign_checkpoint(other, KEY),
        sign_checkpoint(large, KEY),
        proof=prove_consistency(OLD_SIZE, SIZE, node),
        root=root_at(OLD_SIZE, node),
        log_key=KEY.verifier,
    )
    data = format_evidence(evidence)
    return figure("evidence of a fork at 10^6", [len(data)], unit="B", bar=2048)
