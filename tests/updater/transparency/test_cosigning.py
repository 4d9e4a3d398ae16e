"""What a witness checks before it signs: every row of tlog-witness, in order."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.logs import (
    LOG,
    ORIGIN,
    TIME,
    WITNESS,
    checkpoint,
    leaves,
    nodes_of,
    signed,
)
from tests.updater.transparency.mangled import assert_one_spelling
from updater.errors import DeclinedError, MalformedError, ProofError
from updater.shape import base64_text
from updater.transparency.checkpoint import Checkpoint, merge_lines, sign_checkpoint
from updater.transparency.cosigning import (
    BURST_S,
    MAX_BODY,
    NOTHING,
    RATE_S,
    REPEAT_S,
    Head,
    Opened,
    Submission,
    check_clock,
    check_growth,
    check_post,
    check_prefix,
    check_rate,
    format_submission,
    is_repeated,
    open_checkpoint,
    open_submission,
    parse_submission,
    place_of,
)
from updater.transparency.key import Kind, SigningKey
from updater.transparency.merkle import EMPTY_ROOT, prove_consistency

LOGS = {ORIGIN: (LOG.verifier,)}
OTHER_LOG = SigningKey("other.example/bt/1", Kind.LOG, seed=bytes([7]) * 32)
IMPOSTOR = SigningKey(ORIGIN, Kind.LOG, seed=bytes([8]) * 32)


def proof(old: int, new: int) -> tuple[bytes, ...]:
    """Prove one size of the example log against another."""
    return tuple(prove_consistency(old, new, nodes_of(leaves(new))))


def asked(old: int, new: int) -> bytes:
    """Give the body of an honest request."""
    hashes = proof(old, new) if 0 < old < new else ()
    return format_submission(Submission(old, hashes, note=signed(size=new)))


def head(size: int) -> Head:
    """Give what a witness knows that saw this size."""
    return Head(size, checkpoint(size).root) if size else NOTHING


def declined(check: Callable[[], object]) -> DeclinedError:
    """Expect that a check declines, and give how."""
    with pytest.raises(DeclinedError) as caught:
        check()
    return caught.value


def test_the_written_form_of_a_request() -> None:
    note = signed(size=3)

    assert asked(2, 3) == (b"old 2\n" + _base64(proof(2, 3)[0]) + b"\n\n" + note)


def _base64(data: bytes) -> bytes:
    return base64_text(data).encode()


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (1, 1), (1, 3), (3, 8)])
def test_an_honest_request_is_let_through(old: int, new: int) -> None:
    opened = open_submission(asked(old, new), LOGS)
    check_growth(opened, head(old))

    assert (opened.checkpoint, opened.note) == (checkpoint(new), signed(size=new))


def test_a_request_has_one_spelling() -> None:
    assert_one_spelling(parse_submission, format_submission, asked(1, 3))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_malformed(data: bytes) -> None:
    try:
        found = parse_submission(data)
    except MalformedError:
        return

    assert format_submission(found) == data


def test_405_for_another_method() -> None:
    assert declined(lambda: check_post("PUT", 0)).status == 405


def test_413_for_a_body_that_is_too_long() -> None:
    check_post("POST", MAX_BODY)

    assert declined(lambda: check_post("POST", MAX_BODY + 1)).status == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 00\n\n" + signed(),
        b"new 0\n\n" + signed(),
        b"old 0\nAAAA\n\n" + signed(),
        b"old \xff\n\n" + signed(),
        b"old 1\n" + b"A" * 43 + b"=\n" * 64 + b"\n" + signed(),
        b"old 0\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + signed(),
        b"old 0\n\nno note\n",
        b"old 0\n\n" + signed().replace(b"\n3\n", b"\n03\n"),
    ],
    ids=range(10),
)
def test_400_for_the_form(body: bytes) -> None:
    assert declined(lambda: open_submission(body, LOGS)).status == 400


def test_404_for_an_unknown_log() -> None:
    note = sign_checkpoint(replace(checkpoint(), origin=OTHER_LOG.name), OTHER_LOG)
    body = format_submission(Submission(0, (), note=note))

    assert declined(lambda: open_submission(body, LOGS)).status == 404


def test_404_for_a_log_of_which_only_a_witness_key_is_known() -> None:
    logs = {ORIGIN: (replace(LOG.verifier, kind=Kind.WITNESS),)}

    assert declined(lambda: open_submission(asked(0, 1), logs)).status == 404


def test_403_for_a_note_that_the_log_did_not_sign() -> None:
    note = sign_checkpoint(checkpoint(), IMPOSTOR)
    body = format_submission(Submission(0, (), note=note))

    assert declined(lambda: open_submission(body, LOGS)).status == 403


def test_403_for_a_second_wrong_line_of_the_log() -> None:
    wrong = signed(size=4).rpartition(b"\n\n")[2]
    body = format_submission(Submission(0, (), note=merge_lines(signed(), wrong)))

    assert declined(lambda: open_submission(body, LOGS)).status == 403


def test_403_comes_before_400_for_the_sizes() -> None:
    note = sign_checkpoint(checkpoint(), IMPOSTOR)
    body = format_submission(Submission(9, (), note=note))

    assert declined(lambda: open_submission(body, LOGS)).status == 403


def test_400_for_an_old_size_above_the_new_one() -> None:
    body = format_submission(Submission(4, (), note=signed()))

    assert declined(lambda: open_submission(body, LOGS)).status == 400


@pytest.mark.parametrize(("known", "old"), [(1, 2), (2, 1), (0, 1), (1, 0)])
def test_409_with_the_size_that_is_known(known: int, old: int) -> None:
    opened = open_submission(asked(old, 3), LOGS)
    error = declined(lambda: check_growth(opened, head(known)))

    assert (error.status, error.size) == (409, known)


def opened_at(old: int, new: Checkpoint, hashes: tuple[bytes, ...] = ()) -> Opened:
    """Open a request for any tree, as its log signed it."""
    note = sign_checkpoint(new, LOG)
    body = format_submission(Submission(old, hashes, note=note))
    return open_submission(body, LOGS)


@pytest.mark.parametrize(
    ("old", "new", "hashes"),
    [
        (0, Checkpoint(ORIGIN, 0, root=b"\x01" * 32), ()),
        (0, checkpoint(3), proof(2, 3)),
        (3, replace(checkpoint(3), root=b"\x01" * 32), ()),
        (3, checkpoint(3), proof(2, 3)),
        (2, checkpoint(3), ()),
        (2, replace(checkpoint(3), root=b"\x01" * 32), proof(2, 3)),
        (2, checkpoint(3), (b"\x01" * 32,)),
    ],
    ids=range(7),
)
def test_422_for_a_tree_that_does_not_follow(
    old: int, new: Checkpoint, hashes: tuple[bytes, ...]
) -> None:
    opened = opened_at(old, new, hashes)

    assert declined(lambda: check_growth(opened, head(old))).status == 422


def test_409_comes_before_422() -> None:
    opened = opened_at(2, replace(checkpoint(3), root=b"\x01" * 32), proof(2, 3))

    assert declined(lambda: check_growth(opened, head(1))).status == 409


def test_a_prefix_of_an_empty_tree_needs_the_empty_root() -> None:
    check_prefix(NOTHING, Checkpoint(ORIGIN, 0, root=EMPTY_ROOT), ())

    with pytest.raises(ProofError, match="empty root"):
        check_prefix(NOTHING, Checkpoint(ORIGIN, 0, root=b"\x01" * 32), ())


def test_lines_of_strangers_are_not_kept() -> None:
    opened = open_checkpoint(signed((WITNESS, TIME)), LOGS)

    assert opened.note == signed()


def test_extension_lines_are_part_of_what_is_cosigned() -> None:
    text = signed().partition(b"\n\n")[0] + b"\nmore\n"
    line = b"\xe2\x80\x94 " + ORIGIN.encode() + b" "
    key = LOG.verifier
    note = text + b"\n" + line + _base64(key.key_id + LOG.sign(text)) + b"\n"

    assert open_checkpoint(note, LOGS).text == text


@pytest.mark.parametrize(("now", "last"), [(9, 10), (0, 0), (-1, 0)])
def test_503_for_a_clock_that_fell_behind(now: int, last: int) -> None:
    assert declined(lambda: check_clock(now, last)).status == 503


def test_the_same_second_twice_is_no_step_back() -> None:
    check_clock(10, 10)


def test_the_same_text_is_repeated_for_a_minute() -> None:
    opened = open_checkpoint(signed(), LOGS)
    known = signed((WITNESS, TIME))

    assert is_repeated(opened, known, TIME, TIME + REPEAT_S - 1)
    assert not is_repeated(opened, known, TIME, TIME + REPEAT_S)
    assert not is_repeated(opened, signed(size=4), TIME, TIME)


def test_429_for_more_commits_than_a_log_needs() -> None:
    full_at = 0.0
    for _ in range(BURST_S // RATE_S):
        full_at = check_rate(full_at, TIME)

    assert declined(lambda: check_rate(full_at, TIME)).status == 429
    assert check_rate(full_at, TIME + RATE_S) == full_at + RATE_S


def test_a_place_is_the_hash_of_the_origin() -> None:
    assert place_of(ORIGIN) == (
        "d29a0de70e852347e620900142381f81f3927c12eda5f417d8fdef7b0fa5d17a"
    )
