"""The log's rules against the bare hashes and signature checks they consist of."""

import hashlib
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from benchmarks.figure import Figure, figure, microseconds, race, ratios, repeated
from updater.transparency.checkpoint import (
    Checkpoint,
    cosign,
    format_checkpoint,
    merge_lines,
    sign_checkpoint,
)
from updater.transparency.key import Kind, SigningKey
from updater.transparency.merkle import (
    check_consistency,
    check_inclusion,
    hash_leaf,
    hash_node,
    hash_tree,
    prove_consistency,
    prove_inclusion,
    root_at,
)
from updater.transparency.policy import parse_policy
from updater.transparency.proof import (
    LogProof,
    check_proof,
    format_proof,
    parse_proof,
)
from updater.transparency.tiles import TileReader
from updater.transparency.witnessed import accept

ENTRIES = 4_096  # hashed at once: the ratio is that of a million, in a slice's time
SIZE = 1_000_000
INDEX = 654_321
OLD_SIZE = 543_210
NOW = 1_700_000_000
HASH = bytes(range(32))


def figures() -> list[Figure]:
    """Time hashing, one whole proof file, and the two Merkle checks at a million."""
    return [_hashing(), _proof_file(), *_checks(), *_cold()]


def _hashing() -> Figure:
    entries = [number.to_bytes(4, "big") + bytes(86) for number in range(ENTRIES)]
    sha256 = hashlib.sha256

    def ours() -> None:
        hash_tree([hash_leaf(entry) for entry in entries])

    def bare() -> None:
        # The same number of calls over the same number of bytes.
        for entry in entries:
            sha256(b"\0" + entry).digest()
        for _ in range(ENTRIES - 1):
            sha256(b"\1" + HASH + HASH).digest()

    mine, theirs = race(repeated(ours), repeated(bare))
    return figure(
        "leaves and tree / bare hashlib",
        ratios(mine, theirs),
        bar=2.0,
        note=f"{ENTRIES} entries of 90 bytes",
    )


def _proof_file() -> Figure:
    """Read and check a proof file: the log's line and three cosignatures."""
    log = SigningKey("bt.example/ringfence/1", Kind.LOG, seed=bytes([1]) * 32)
    witnesses = [
        SigningKey(f"w{number}.example/bt", Kind.WITNESS, seed=bytes([number]) * 32)
        for number in (2, 3, 4)
    ]
    rows = [f"witness w{key.name[1]} {key.verifier}" for key in witnesses]
    text = "\n".join(
        (f"log {log.verifier}", *rows, "group us all w2 w3 w4", "quorum us\n")
    )
    policy = parse_policy(text.encode())
    leaf, nodes = hash_leaf(b"entry"), _nodes(hash_leaf(b"entry"))
    head = Checkpoint(log.name, SIZE, root=root_at(SIZE, nodes))
    note = sign_checkpoint(head, log)
    for key in witnesses:
        line = cosign(format_checkpoint(head), key, NOW)
        note = merge_lines(note, str(line).encode())
    hashes = tuple(prove_inclusion(INDEX, SIZE, nodes))
    data = format_proof(LogProof(INDEX, hashes, checkpoint=note))

    def ours() -> None:
        proof = parse_proof(data)
        check_proof(proof, leaf, accept(policy, proof.checkpoint, NOW))

    mine, theirs = race(repeated(ours), repeated(_four_signatures()))
    return figure(
        "proof file, read and checked / 4 bare Ed25519",
        ratios(mine, theirs),
        bar=1.6,
        note=f"{microseconds(mine)}, {len(data)} bytes: the log and 3 witnesses",
    )


def _four_signatures() -> Callable[[], None]:
    key = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)
    public = key.public_key().public_bytes_raw()
    message = bytes(120)
    signature = key.sign(message)

    def check() -> None:
        for _ in range(4):
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)

    return check


def _checks() -> list[Figure]:
    leaf = hash_leaf(b"entry")
    nodes = _nodes(leaf)
    root, old_root = root_at(SIZE, nodes), root_at(OLD_SIZE, nodes)
    inclusion = prove_inclusion(INDEX, SIZE, nodes)
    consistency = prove_consistency(OLD_SIZE, SIZE, nodes)

    def include() -> None:
        check_inclusion(leaf, INDEX, SIZE, root, inclusion)

    def compare() -> None:
        check_consistency(OLD_SIZE, SIZE, old_root, root, consistency)

    def bare() -> None:
        hash_node(leaf, leaf)

    included, compared, node = race(
        repeated(include), repeated(compare), repeated(bare)
    )
    return [
        figure(
            f"{what} at 10^6 / 1 node hash",
            ratios(mine, node),
            bar=60,
            note=f"{microseconds(mine)}, {len(proof)} hashes",
        )
        for what, mine, proof in (
            ("inclusion", included, inclusion),
            ("consistency", compared, consistency),
        )
    ]


def _cold() -> list[Figure]:
    """Count what a proof out of tiles takes when none is known yet."""
    asked: list[int] = []

    def read(path: str, most: int) -> bytes:
        asked.append(most)
        # Tiles of equal hashes, each level the root of the one below.
        return _level(int(path.split("/")[1])) * (most // 32)

    nodes = _nodes(HASH)
    TileReader(SIZE, root_at(SIZE, nodes), read).prove_inclusion(INDEX)
    return [
        figure("tiles for a proof at 10^6, none known", [len(asked)], unit="", bar=6),
        figure("bytes of them", [sum(asked)], unit="B"),
    ]


def _level(level: int) -> bytes:
    return _nodes(HASH)(8 * level, 0)


def _nodes(leaf: bytes) -> Callable[[int, int], bytes]:
    """Make a tree of equal leaves, so that each level has one hash."""
    levels = [leaf]
    while len(levels) < 64:
        levels.append(hash_node(levels[-1], levels[-1]))
    return lambda level, _: levels[level]
