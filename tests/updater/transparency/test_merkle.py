"""Trees: published vectors, a slow reference, and every proof there is."""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from tests.updater.transparency.logs import leaves, nodes_of
from updater.errors import ProofError
from updater.shape import unbase64
from updater.transparency.merkle import (
    EMPTY_ROOT,
    MAX_PROOF,
    check_consistency,
    check_inclusion,
    hash_leaf,
    hash_node,
    hash_parents,
    hash_tree,
    peaks,
    prove_consistency,
    prove_inclusion,
    root_at,
    root_from_inclusion,
)

# Published small trees of RFC 6962 implementations.
_LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
_ROOTS = (
    "e3b0c442",
    "6e340b9c",
    "fac54203",
    "aeb6bcfe",
    "d37ee418",
    "4e3bbb1f",
    "76e67dad",
    "ddb89be4",
    "5dc9da79",
)


@pytest.mark.parametrize("size", range(9))
def test_published_trees_have_their_roots(size: int) -> None:
    hashes = [hash_leaf(each) for each in _LEAVES[:size]]

    assert root_at(size, nodes_of(hashes)).hex().startswith(_ROOTS[size])
    assert hash_tree(hashes).hex().startswith(_ROOTS[size])


def test_published_inclusion_probes_are_judged_right(vectors: Path) -> None:
    def check(case: dict[str, object]) -> None:
        check_inclusion(
            unbase64(case["leafHash"], "leaf"),  # type: ignore[arg-type] # JSON
            case["leafIdx"],  # type: ignore[arg-type] # JSON
            case["treeSize"],  # type: ignore[arg-type] # JSON
            unbase64(case["root"], "root"),  # type: ignore[arg-type] # JSON
            _hashes(case),
        )

    assert _misjudged(vectors / "merkle/inclusion", check) == (98, [])


def test_published_consistency_probes_are_judged_right(vectors: Path) -> None:
    def check(case: dict[str, object]) -> None:
        check_consistency(
            case["size1"],  # type: ignore[arg-type] # JSON
            case["size2"],  # type: ignore[arg-type] # JSON
            unbase64(case["root1"], "root"),  # type: ignore[arg-type] # JSON
            unbase64(case["root2"], "root"),  # type: ignore[arg-type] # JSON
            _hashes(case),
        )

    assert _misjudged(vectors / "merkle/consistency", check) == (98, [])


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert root_at(0, nodes_of([])) == hash_tree([]) == EMPTY_ROOT


def test_parents_are_of_whole_pairs() -> None:
    one, two, three = leaves(3)

    assert hash_parents([one, two, three]) == [hash_node(one, two)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 100, 255, 256, 257])
def test_a_slow_reference_agrees(size: int) -> None:
    hashes = leaves(size)
    nodes = nodes_of(hashes)

    assert root_at(size, nodes) == hash_tree(hashes) == _root(hashes)
    for index in {0, 1 % size, size // 2, size - 1}:
        assert prove_inclusion(index, size, nodes) == _path(index, hashes)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 21, 32, 33])
def test_each_leaf_is_proved_and_nothing_else_is(size: int) -> None:
    hashes = leaves(size + 1)
    nodes = nodes_of(hashes)
    root = root_at(size, nodes)
    for index in range(size):
        proof = prove_inclusion(index, size, nodes)
        check_inclusion(hashes[index], index, size, root, proof)
        assert root_from_inclusion(hashes[index], index, size, proof) == root
        for wrong in _wrong(proof):
            with pytest.raises(ProofError):
                check_inclusion(hashes[index], index, size, root, wrong)
        for other in range(size):
            if other != index:
                with pytest.raises(ProofError):
                    check_inclusion(hashes[index], other, size, root, proof)


@pytest.mark.parametrize("new", [1, 2, 3, 4, 7, 8, 9, 16, 21, 33])
def test_each_earlier_tree_begins_the_later_and_no_other_does(new: int) -> None:
    nodes = nodes_of(leaves(new))
    root = root_at(new, nodes)
    foreign = hash_leaf(b"foreign")
    for old in range(1, new + 1):
        proof = prove_consistency(old, new, nodes)
        old_root = root_at(old, nodes)
        check_consistency(old, new, old_root, root, proof)
        for wrong in _wrong(proof):
            with pytest.raises(ProofError):
                check_consistency(old, new, old_root, root, wrong)
        with pytest.raises(ProofError):
            check_consistency(old, new, foreign, root, proof)
        with pytest.raises(ProofError):
            check_consistency(old, new, old_root, foreign, proof)


@pytest.mark.parametrize("size", [*range(34, 600, 47), 600])
def test_every_proof_of_a_larger_tree_verifies(size: int) -> None:
    hashes = leaves(size)
    nodes = nodes_of(hashes)
    root = root_at(size, nodes)
    for index in range(size):
        check_inclusion(
            hashes[index], index, size, root, prove_inclusion(index, size, nodes)
        )
        old = index + 1
        proof = prove_consistency(old, size, nodes)
        check_consistency(old, size, root_at(old, nodes), root, proof)


def test_a_true_proof_does_not_pass_at_another_size_of_the_same_shape() -> None:
    # (index 5, size 8) has the path of (5, 7), (9, 11) and (33, 36): only the length
    # and the size of the signed checkpoint tell them apart.
    hashes = leaves(8)
    nodes = nodes_of(hashes)
    proof = prove_inclusion(5, 8, nodes)

    with pytest.raises(ProofError, match="expected 4 hashes, came 3"):
        check_inclusion(hashes[5], 5, 9, root_at(8, nodes), proof)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, 2**63)])
def test_an_index_outside_the_tree_is_refused(index: int, size: int) -> None:
    leaf = hash_leaf(b"")

    with pytest.raises(ProofError, match="is not in a tree of"):
        check_inclusion(leaf, index, size, leaf, [])
    with pytest.raises(ProofError, match="is not in a tree of"):
        prove_inclusion(index, size, nodes_of([leaf]))


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 3), (4, 3), (-1, 3), (1, 2**63)])
def test_what_begins_nothing_is_not_provable(old: int, new: int) -> None:
    root = hash_leaf(b"")

    with pytest.raises(ProofError, match="is not provable"):
        check_consistency(old, new, root, root, [])
    with pytest.raises(ProofError, match="is not provable"):
        prove_consistency(old, new, nodes_of([root]))


def test_two_roots_at_one_size_are_told_apart() -> None:
    with pytest.raises(ProofError, match="two roots at size 3"):
        check_consistency(3, 3, hash_leaf(b"a"), hash_leaf(b"b"), [])


def test_hashes_of_another_length_are_refused() -> None:
    one, two = leaves(2)
    root = hash_node(one, two)

    with pytest.raises(ProofError, match="expected hashes of 32 bytes"):
        check_inclusion(one, 0, 2, root, [two + b"\0"])
    with pytest.raises(ProofError, match="expected a 32-byte leaf, came 31"):
        check_inclusion(one[:-1], 0, 2, root, [two])


def test_the_longest_proof_is_that_of_the_largest_tree() -> None:
    leaf = hash_leaf(b"")
    asked: list[tuple[int, int]] = []

    def nodes(level: int, index: int) -> bytes:
        asked.append((level, index))
        return leaf

    proof = prove_inclusion(0, 2**63 - 1, nodes)

    assert len(proof) == MAX_PROOF
    assert len(asked) < 2 * MAX_PROOF
    assert len(prove_consistency(3, 2**62, nodes)) == MAX_PROOF


def test_peaks_are_complete_subtrees_side_by_side() -> None:
    found = peaks(0b1011_0000_0001)
    ends = [(index + 1) << level for level, index in found]

    assert found[0] == (11, 0)
    assert ends[-1] == 0b1011_0000_0001
    assert all(
        index << level == end
        for end, (level, index) in zip(ends[:-1], found[1:], strict=True)
    )
    assert all(high > low for (high, _), (low, _) in pairwise(found))


def _wrong(proof: list[bytes]) -> list[list[bytes]]:
    """Give proofs of another order, length or hash."""
    more = [*proof, EMPTY_ROOT]
    swapped = [proof[::-1]] if proof != proof[::-1] else []
    flipped = [
        [*proof[:at], bytes([each[0] ^ 1]) + each[1:], *proof[at + 1 :]]
        for at, each in enumerate(proof)
    ]
    fewer = [proof[:-1], proof[1:]] if proof else []
    return [more, [EMPTY_ROOT, *proof], *swapped, *flipped, *fewer]


def _root(hashes: Sequence[bytes]) -> bytes:
    """Follow the definition of the RFC to the letter."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hash_node(_root(hashes[:split]), _root(hashes[split:]))


def _path(index: int, hashes: Sequence[bytes]) -> list[bytes]:
    if len(hashes) == 1:
        return []
    split = 1 << (len(hashes) - 1).bit_length() - 1
    left, right = hashes[:split], hashes[split:]
    if index < split:
        return [*_path(index, left), _root(right)]
    return [*_path(index - split, right), _root(left)]


def _hashes(case: dict[str, object]) -> list[bytes]:
    proof = case["proof"]
    if proof is None:
        return []
    assert isinstance(proof, list)
    return [unbase64(each, "proof") for each in proof]


def _misjudged(
    folder: Path, check: Callable[[dict[str, object]], None]
) -> tuple[int, list[str]]:
    """Count the cases, and name those whose outcome is not the expected one."""
    files = sorted(folder.rglob("*.json"))
    wrong = []
    for file in files:
        case = json.loads(file.read_text())
        # Nothing can be proved from size 0: others let some of these cases through.
        is_error = case["wantErr"] or case.get("size1") == 0
        try:
            check(case)
        except ProofError:
            if not is_error:
                wrong.append(file.name)
        else:
            if is_error:
                wrong.append(file.name)
    return len(files), wrong
