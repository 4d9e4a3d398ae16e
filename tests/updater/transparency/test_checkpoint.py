"""Checkpoints: who signed what, when, and under which name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.logs import (
    LOG,
    ORIGIN,
    TIME,
    WITNESS,
    checkpoint,
    signed,
    witness,
)
from tests.updater.transparency.mangled import assert_one_spelling
from updater.errors import MalformedError, SignatureError
from updater.transparency.checkpoint import (
    Checkpoint,
    cosign,
    cosigned_message,
    cut_note,
    format_checkpoint,
    merge_lines,
    open_checkpoint,
    parse_checkpoint,
    parse_extended,
    parse_number,
    sign_checkpoint,
)
from updater.transparency.key import Kind, SigningKey
from updater.transparency.merkle import EMPTY_ROOT
from updater.transparency.note import (
    MAX_LINES,
    MAX_NOTE,
    Note,
    SignatureLine,
    format_note,
    parse_note,
    sign_line,
)

_TEXT = format_checkpoint(checkpoint())
_EXAMPLE = """\
bt.example/ringfence/1
3
NmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE=

— bt.example/ringfence/1 ssQrOnQJrcJclJ6qpIX3TMexu08ENIs6HVZhujI4vvCjpCVik26XW97xorg\
qwt/OGS5giY3rkkLPq3EUrYCNBhSa5ww=
— w1.example/bt 6A4DtwAAAABlU/EAENbF5XflhaZAHtxdl1tvB4r+1dQKBJ008cyOzRwQ3yziq3HbORVLTG9\
X//NR6LRzP+3ibjyQXCp4SWilIcppCA==
""".encode()
"""Of entries a, b and c."""


def test_the_worked_example_opens() -> None:
    opened = open_checkpoint(_EXAMPLE, [LOG.verifier], [WITNESS.verifier])

    assert (opened.checkpoint.origin, opened.checkpoint.size) == (ORIGIN, 3)
    assert opened.cosignatures == {WITNESS.verifier: (TIME,)}
    assert opened.note == _EXAMPLE


def test_the_worked_example_is_made_again() -> None:
    head = parse_checkpoint(parse_note(_EXAMPLE).text)
    line = cosign(format_checkpoint(head), WITNESS, TIME)

    assert merge_lines(sign_checkpoint(head, LOG), str(line).encode()) == _EXAMPLE


def test_a_checkpoint_has_one_spelling() -> None:
    assert_one_spelling(parse_checkpoint, format_checkpoint, _TEXT)


@given(st.binary(max_size=120))
def test_any_bytes_are_a_checkpoint_or_malformed(data: bytes) -> None:
    try:
        found = parse_checkpoint(data)
    except MalformedError:
        return

    assert format_checkpoint(found) == data


@pytest.mark.parametrize(
    "size", ["", "00", "03", "+3", "3_0", " 3", "٣", "3\n", str(2**63)]
)
def test_a_size_has_one_spelling(size: str) -> None:
    with pytest.raises(MalformedError, match="expected a decimal number"):
        parse_number(size, "size")


def test_the_largest_size_is_read() -> None:
    assert parse_number(str(2**63 - 1), "size") == 2**63 - 1


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"origin\n3\n",
        _TEXT[:-1],
        b"\n" + _TEXT[_TEXT.index(b"\n") + 1 :],
        _TEXT + b"\n",
        _TEXT.replace(b"bt.", b"\xff"),
    ],
)
def test_what_has_not_three_lines_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedError, match=r"three lines|UTF-8"):
        parse_extended(text)


def test_extension_lines_are_for_witnesses_only() -> None:
    text = _TEXT + b"an extension\n"
    note = format_note(Note(text, (sign_line(LOG, text),)))
    opened = open_checkpoint(note, [LOG.verifier], is_extended=True)

    assert opened.checkpoint == checkpoint()
    with pytest.raises(MalformedError, match="expected three lines, came more"):
        open_checkpoint(note, [LOG.verifier])


def test_an_extension_is_part_of_what_a_witness_signs() -> None:
    text = _TEXT + b"an extension\n"
    note = format_note(Note(text, (sign_line(LOG, text), cosign(_TEXT, WITNESS, TIME))))

    with pytest.raises(SignatureError, match="is wrong"):
        open_checkpoint(note, [LOG.verifier], [WITNESS.verifier], is_extended=True)


def test_a_root_of_nothing_that_is_not_empty_parses_as_evidence() -> None:
    wrong = Checkpoint(ORIGIN, 0, root=bytes(32))
    opened = open_checkpoint(sign_checkpoint(wrong, LOG), [LOG.verifier])

    assert opened.checkpoint.root != EMPTY_ROOT


def test_the_key_of_another_log_says_nothing() -> None:
    other = SigningKey("bt.example/other/1", Kind.LOG, seed=LOG.seed)
    note = format_note(Note(_TEXT, (sign_line(other, _TEXT),)))

    with pytest.raises(SignatureError, match="expected a signature of"):
        open_checkpoint(note, [LOG.verifier, other.verifier])
    with pytest.raises(SignatureError, match="is no wanted log"):
        open_checkpoint(note, [other.verifier])


def test_witnesses_do_not_stand_in_for_the_log() -> None:
    note = format_note(Note(_TEXT, (cosign(_TEXT, WITNESS, TIME),)))

    with pytest.raises(SignatureError, match="not signed by its log"):
        open_checkpoint(note, [LOG.verifier], [WITNESS.verifier])


def test_a_cosignature_is_not_a_signature_of_the_log() -> None:
    # The same key bytes under both kinds: each line counts for its own kind alone.
    both = SigningKey(ORIGIN, Kind.WITNESS, seed=LOG.seed)
    line = cosign(_TEXT, both, TIME)
    as_log = SignatureLine(ORIGIN, LOG.verifier.key_id, payload=line.payload[8:])

    with pytest.raises(SignatureError, match="is wrong"):
        open_checkpoint(format_note(Note(_TEXT, (as_log,))), [LOG.verifier])


def test_a_time_is_part_of_what_is_signed() -> None:
    line = cosign(_TEXT, WITNESS, TIME)
    later = (TIME + 1).to_bytes(8, "big") + line.payload[8:]
    moved = SignatureLine(line.name, line.key_id, payload=later)
    note = merge_lines(signed(), str(moved).encode())

    with pytest.raises(SignatureError, match="is wrong"):
        open_checkpoint(note, [LOG.verifier], [WITNESS.verifier])


def test_each_time_of_a_witness_is_kept_once() -> None:
    note = signed((WITNESS, TIME + 9), (WITNESS, TIME), (WITNESS, 0))
    opened = open_checkpoint(note, [LOG.verifier], [WITNESS.verifier])

    assert opened.cosignatures == {WITNESS.verifier: (0, TIME, TIME + 9)}


def test_ml_dsa_signs_the_names_and_the_tree() -> None:
    key = witness(1, kind=Kind.ML_DSA)
    message = cosigned_message(key.verifier, _TEXT, TIME)

    assert message == (
        b"subtree/v1\n\0\x0dw1.example/bt" + TIME.to_bytes(8, "big")
        + b"\x16bt.example/ringfence/1" + bytes(8) + (3).to_bytes(8, "big")
        + checkpoint().root
    )  # fmt: skip


def test_a_log_may_add_a_line_of_ml_dsa_that_is_nobodys_cosignature() -> None:
    second = SigningKey(ORIGIN, Kind.ML_DSA, seed=bytes([9]) * 32)
    witnessing = witness(1, kind=Kind.ML_DSA)
    note = signed((second, TIME), (witnessing, TIME))
    opened = open_checkpoint(
        note, [LOG.verifier, second.verifier], [witnessing.verifier]
    )

    assert opened.cosignatures == {witnessing.verifier: (TIME,)}


def test_ml_dsa_alone_is_no_signature_of_the_log() -> None:
    second = SigningKey(ORIGIN, Kind.ML_DSA, seed=bytes([9]) * 32)
    note = format_note(Note(_TEXT, (cosign(_TEXT, second, TIME),)))

    with pytest.raises(SignatureError, match="not signed by its log"):
        open_checkpoint(note, [LOG.verifier, second.verifier])


def test_a_name_too_long_for_ml_dsa_is_malformed() -> None:
    key = witness(1, name="w" * 256, kind=Kind.ML_DSA)

    with pytest.raises(MalformedError, match="a name of 1 to 255 bytes"):
        cosign(_TEXT, key, TIME)


def test_lines_are_merged_once() -> None:
    line = str(cosign(_TEXT, WITNESS, TIME)).encode()
    once = merge_lines(signed(), line)

    assert merge_lines(once, line) == once
    assert len(parse_note(once).lines) == 2


def test_more_lines_than_a_note_holds_are_not_merged() -> None:
    lines = "".join(
        str(SignatureLine(f"s{number}", bytes(4), payload=bytes(64)))
        for number in range(MAX_LINES)
    )

    with pytest.raises(MalformedError, match="at most 64 signature lines"):
        merge_lines(signed(), lines.encode())


def test_a_note_does_not_grow_past_its_limit() -> None:
    line = SignatureLine("s", bytes(4), payload=bytes(100_000))
    other = SignatureLine("t", bytes(4), payload=bytes(100_000))
    note = merge_lines(signed(), str(line).encode())

    with pytest.raises(MalformedError, match=f"at most {MAX_NOTE} bytes"):
        merge_lines(note, str(other).encode())


def test_a_note_is_cut_to_the_lines_that_matter() -> None:
    stranger = SignatureLine("stranger", bytes(4), payload=bytes(64))
    note = signed((WITNESS, TIME), (WITNESS, TIME + 9))
    note = merge_lines(note, str(stranger).encode())
    cut = cut_note(note, LOG.verifier, {WITNESS.verifier: TIME + 9})

    assert cut_note(note, LOG.verifier) == signed()
    assert cut == signed((WITNESS, TIME + 9))


def test_a_note_without_the_line_cannot_be_cut_to_it() -> None:
    with pytest.raises(SignatureError, match=r"a signature of 'w1\.example/bt'"):
        cut_note(signed((WITNESS, TIME)), LOG.verifier, {WITNESS.verifier: TIME + 1})
