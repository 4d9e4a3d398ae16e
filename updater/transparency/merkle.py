"""Merkle trees over entries: hashes, roots and proofs (RFC 9162 section 2.1).

A leaf is SHA-256(00 || entry), a node SHA-256(01 || left || right), the empty tree
SHA-256 of nothing. A tree of n > 1 leaves splits at the largest power of two below n.
The two prefixes keep a node from passing as an entry; nothing switches them off.

What proves reads a tree through `Nodes`: `nodes(level, index)` is the hash over the
complete subtree of 2^level leaves that starts at leaf index * 2^level. What checks is
handed numbers and hashes; size and root come from a signed checkpoint and from nowhere
else, since a true proof also fits other indexes at other sizes.
"""

import hashlib
from collections.abc import Callable, Sequence

from updater.errors import ProofError

HASH_SIZE = 32
"""Bytes of a SHA-256 hash."""
MAX_SIZE = 2**63 - 1
"""The largest tree: sizes stay positive in signed 64-bit integers everywhere."""
MAX_PROOF = 63
"""Hashes in the longest proof: the depth of the largest tree.

Only a consistency proof beyond 2^62 entries could need one more.
"""
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without entries."""

Nodes = Callable[[int, int], bytes]
"""Gives the hash of a complete subtree by its level and its index on that level."""

_LEAF = b"\0"
_NODE = b"\1"


def hash_leaf(entry: bytes) -> bytes:
    """Hash an entry as a leaf, 32 bytes."""
    return hashlib.sha256(_LEAF + entry).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours into their parent, 32 bytes."""
    return hashlib.sha256(_NODE + left + right).digest()


def hash_parents(hashes: Sequence[bytes]) -> list[bytes]:
    """Hash neighbours two by two; the last of an odd number has no parent yet."""
    sha256 = hashlib.sha256
    return [
        sha256(_NODE + left + right).digest()
        for left, right in zip(hashes[::2], hashes[1::2], strict=False)
    ]


def hash_tree(hashes: Sequence[bytes]) -> bytes:
    """Give the root over leaf hashes, or over any row of equally high subtrees."""
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:
        above = hash_parents(row)
        # One without a neighbour rises unchanged: this is the split of the RFC.
        row = [*above, row[-1]] if len(row) % 2 else above
    return row[0]


def root_from_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes]
) -> bytes:
    """Compute the root that this proof leads to; it proves nothing until compared.

    Raises:
        ProofError: the index is not in the tree, or the proof has not the one length
            that it can have.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofError(f"inclusion: index {index} is not in a tree of {size}")
    inner = (index ^ (size - 1)).bit_length()
    border = (index >> inner).bit_count()
    _expect_hashes("inclusion", proof, inner + border)
    if len(leaf_hash) != HASH_SIZE:
        raise ProofError(f"inclusion: expected a 32-byte leaf, came {len(leaf_hash)}")
    node = leaf_hash
    for height, sibling in enumerate(proof):
        if height >= inner or index >> height & 1:
            node = hash_node(sibling, node)
        else:
            node = hash_node(node, sibling)
    return node


def check_inclusion(
    leaf_hash: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that this leaf stands at this index of the tree (RFC 9162 section 2.1.3).

    Raises:
        ProofError: it does not, as far as this proof shows.
    """
    if root_from_inclusion(leaf_hash, index, size, proof) != root:
        raise ProofError(f"inclusion: leaf {index} is not under the root at {size}")


def check_consistency(
    old_size: int,
    new_size: int,
    old_root: bytes,
    new_root: bytes,
    proof: Sequence[bytes],
) -> None:
    """Check that the old tree begins the new one (RFC 9162 section 2.1.4).

    An old size of 0 is refused: everything begins with nothing, so there is nothing to
    prove, and callers must say themselves what that means.

    Raises:
        ProofError: it does not, as far as this proof shows.
    """
    if not 1 <= old_size <= new_size <= MAX_SIZE:
        raise ProofError(f"consistency: from {old_size} to {new_size} is not provable")
    if old_size == new_size:
        _expect_hashes("consistency", proof, 0)
        if old_root != new_root:
            raise ProofError(f"consistency: two roots at size {old_size}")
        return
    # Start at the largest complete subtree that ends where the old tree ends.
    whole = (old_size & -old_size).bit_length() - 1
    last = (old_size - 1) >> whole
    inner = (last ^ ((new_size - 1) >> whole)).bit_length()
    border = (last >> inner).bit_count()
    is_seeded = old_size == 1 << whole  # that subtree is the old tree itself
    _expect_hashes("consistency", proof, inner + border + (not is_seeded))
    seed, path = (old_root, proof) if is_seeded else (proof[0], proof[1:])
    old = new = seed
    for height, sibling in enumerate(path):
        if height >= inner or last >> height & 1:
            old = hash_node(sibling, old)
            new = hash_node(sibling, new)
        else:
            new = hash_node(new, sibling)
    if old != old_root or new != new_root:
        raise ProofError(f"consistency: size {old_size} does not begin {new_size}")


def peaks(size: int) -> list[tuple[int, int]]:
    """Give level and index of the complete subtrees a tree consists of, left first."""
    return [
        (level, (size >> level) - 1)
        for level in range(size.bit_length() - 1, -1, -1)
        if size >> level & 1
    ]


def root_at(size: int, nodes: Nodes) -> bytes:
    """Compute the root at a size, be it of an older tree."""
    return _fold([nodes(level, index) for level, index in peaks(size)])


def prove_inclusion(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Make the proof that leaf `index` is in the tree of `size`, sibling first.

    Raises:
        ProofError: there is no such leaf.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofError(f"inclusion: index {index} is not in a tree of {size}")
    return _path(index, 0, size, nodes)


def prove_consistency(old_size: int, new_size: int, nodes: Nodes) -> list[bytes]:
    """Make the proof that the tree of `old_size` begins the tree of `new_size`.

    Raises:
        ProofError: it is none to prove, as in `check_consistency`.
    """
    if not 1 <= old_size <= new_size <= MAX_SIZE:
        raise ProofError(f"consistency: from {old_size} to {new_size} is not provable")
    if old_size == new_size:
        return []
    whole = (old_size & -old_size).bit_length() - 1
    last = (old_size >> whole) - 1
    path = _path(last, whole, new_size, nodes)
    return path if old_size == 1 << whole else [nodes(whole, last), *path]


def _fold(hashes: Sequence[bytes]) -> bytes:
    """Join peaks from the right, as the smaller tree is always the right one."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = hash_node(left, root)
    return root


def _path(index: int, level: int, size: int, nodes: Nodes) -> list[bytes]:
    """Collect the siblings from one complete subtree up to the root."""
    path: list[bytes] = []
    while True:
        sibling = index ^ 1
        if (sibling + 1) << level <= size:
            path.append(nodes(level, sibling))
        elif sibling << level < size:  # the ragged right end, under a node of its own
            path.append(_ragged(sibling << level, size, nodes))
        elif index == 0:
            return path
        index >>= 1
        level += 1


def _ragged(start: int, size: int, nodes: Nodes) -> bytes:
    """Compute the root over the leaves from `start`, where a peak begins, on."""
    return _fold(
        [nodes(level, at) for level, at in peaks(size) if at << level >= start]
    )


def _expect_hashes(what: str, proof: Sequence[bytes], count: int) -> None:
    """Refuse any other shape before the first hash is computed."""
    if len(proof) != count:
        raise ProofError(f"{what}: expected {count} hashes, came {len(proof)}")
    if any(len(each) != HASH_SIZE for each in proof):
        raise ProofError(f"{what}: expected hashes of 32 bytes")
