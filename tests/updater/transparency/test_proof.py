"""Proof files: their form, and what they prove only with an opened checkpoint."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.logs import (
    LOG,
    TIME,
    WITNESS,
    leaves,
    signed,
    witness,
)
from tests.updater.transparency.mangled import assert_one_spelling
from updater.errors import MalformedError, ProofError
from updater.transparency.checkpoint import open_checkpoint
from updater.transparency.key import Kind
from updater.transparency.merkle import hash_leaf, prove_inclusion
from updater.transparency.proof import (
    MAX_EXTRA,
    MAX_FILE,
    LogProof,
    check_proof,
    format_proof,
    parse_proof,
)

_EXAMPLE = """\
c2sp.org/tlog-proof@v1
index 1
Aippeebat6pa5MPl5F9+l3ESp+Y1k4INvsHsc4ok+Tw=
WX/LMSgtNGVMIA00GPylcFxkjr8ybsc9jd7xGEH4dtg=

bt.example/ringfence/1
3
NmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE=

— bt.example/ringfence/1 ssQrOnQJrcJclJ6qpIX3TMexu08ENIs6HVZhujI4vvCjpCVik26XW97xorg\
qwt/OGS5giY3rkkLPq3EUrYCNBhSa5ww=
— w1.example/bt 6A4DtwAAAABlU/EAENbF5XflhaZAHtxdl1tvB4r+1dQKBJ008cyOzRwQ3yziq3HbORVLTG9\
X//NR6LRzP+3ibjyQXCp4SWilIcppCA==
""".encode()


def test_the_worked_example_proves_its_entry() -> None:
    proof = parse_proof(_EXAMPLE)
    opened = open_checkpoint(proof.checkpoint, [LOG.verifier], [WITNESS.verifier])

    check_proof(proof, hash_leaf(b"b"), opened)
    assert len(_EXAMPLE) == 436
    with pytest.raises(ProofError, match="leaf 1 is not under the root at 3"):
        check_proof(proof, hash_leaf(b"a"), opened)


def test_a_proof_has_one_spelling() -> None:
    assert_one_spelling(parse_proof, format_proof, _EXAMPLE)


@given(st.binary(max_size=200).map(lambda end: _EXAMPLE[:80] + end))
def test_any_bytes_are_a_proof_or_malformed(data: bytes) -> None:
    try:
        proof = parse_proof(data)
    except MalformedError:
        return

    assert format_proof(proof) == data


def test_extra_data_is_read_past() -> None:
    head, _, rest = _EXAMPLE.partition(b"index")
    with_extra = head + b"extra AAAA\nindex" + rest

    assert parse_proof(with_extra) == parse_proof(_EXAMPLE)


def test_another_checkpoint_proves_nothing() -> None:
    proof = parse_proof(_EXAMPLE)
    opened = open_checkpoint(proof.checkpoint, [LOG.verifier])
    with_more = replace(proof, checkpoint=proof.checkpoint[:-1])

    with pytest.raises(ProofError, match="another checkpoint was opened"):
        check_proof(with_more, hash_leaf(b"b"), opened)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"@v1", b"@v2", "expected c2sp"),
        (b"@v1", b"@v\xff", "expected ASCII"),
        (b"index 1", b"index 01", "expected a decimal number"),
        (b"index 1\n", b"", "expected a line of index"),
        (b"index 1", b"extra !!!!\nindex 1", "expected base64"),
        (b"index 1", b"extra AAAA", "expected a line of index"),
        (b"Tw=\n", b"Tw\n", "base64"),
        (b"Tw=\n", b"Tx=\n", "canonical"),
        (b"Tw=\n", b"Tw=\nAAAA\n", "expected 32 bytes, came 3"),
        (b"\n\nbt", b"\nbt", "expected 32 bytes|base64"),
    ],
)
def test_other_forms_are_malformed(old: bytes, new: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse_proof(_EXAMPLE.replace(old, new, 1))


@pytest.mark.parametrize(
    "data", [b"", b"c2sp.org/tlog-proof@v1\n", b"c2sp.org/tlog-proof@v1\nindex 1\n\n"]
)
def test_a_proof_without_a_checkpoint_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError, match="then a checkpoint"):
        parse_proof(data)


def test_a_proof_without_lines_is_malformed() -> None:
    with pytest.raises(MalformedError, match="expected a line of index"):
        parse_proof(b"c2sp.org/tlog-proof@v1\n\nnote\n")


def test_sizes_are_bounded() -> None:
    hashes = leaves(64)
    long = LogProof(1, tuple(hashes), checkpoint=b"note\n")
    extra = (
        b"c2sp.org/tlog-proof@v1\nextra " + b"A" * MAX_EXTRA + b"\nindex 1\n\nnote\n"
    )

    with pytest.raises(MalformedError, match="at most 63 hashes"):
        parse_proof(format_proof(long))
    with pytest.raises(MalformedError, match="bytes of extra"):
        parse_proof(extra)
    with pytest.raises(MalformedError, match=f"at most {MAX_FILE} bytes"):
        parse_proof(bytes(MAX_FILE + 1))
    assert (
        len(parse_proof(format_proof(replace(long, hashes=long.hashes[1:]))).hashes)
        == 63
    )


@pytest.mark.parametrize(
    ("kind", "entries", "expected"),
    [
        (Kind.WITNESS, 10**3, 1_057),
        (Kind.WITNESS, 10**6, 1_507),
        (Kind.WITNESS, 10**9, 1_957),
        (Kind.ML_DSA, 10**3, 10_477),
        (Kind.ML_DSA, 10**9, 11_377),
    ],
)
def test_a_proof_with_three_witnesses_is_small(
    kind: Kind, entries: int, expected: int
) -> None:
    cosigners = [(witness(number, kind=kind), TIME) for number in (1, 2, 3)]
    hashes = prove_inclusion(5, entries, lambda *_: bytes(32))
    proof = LogProof(5, tuple(hashes), checkpoint=signed(*cosigners))

    assert abs(len(format_proof(proof)) - expected) < 120  # names and digits
