"""Notes: what opens them, and what makes the whole note worthless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.logs import LOG, WITNESS
from tests.updater.transparency.mangled import assert_one_spelling
from updater.errors import MalformedError, SignatureError
from updater.transparency.key import Kind, SigningKey, parse_vkey
from updater.transparency.note import (
    MAX_LINES,
    MAX_NOTE,
    Note,
    SignatureLine,
    Signed,
    format_note,
    open_note,
    parse_lines,
    parse_note,
    sign_line,
)

_TEXT = b"This is an example message.\n"
_KEY = parse_vkey(
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
)
_PUBLISHED = """\
This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYj\
OBH3mFXmRKuwHjG1Yu72IneyaQM=
""".encode()


def _note(*lines: SignatureLine, text: bytes = _TEXT) -> bytes:
    return format_note(Note(text, lines))


def test_the_published_note_opens() -> None:
    opened = open_note(_PUBLISHED, [_KEY])

    assert (opened.text, opened.signatures) == (_TEXT, (Signed(_KEY),))


@pytest.mark.parametrize("at", range(len(_TEXT)))
def test_a_changed_text_does_not_open(at: int) -> None:
    changed = _PUBLISHED[:at] + bytes([_PUBLISHED[at] ^ 1]) + _PUBLISHED[at + 1 :]

    with pytest.raises((SignatureError, MalformedError)):
        open_note(changed, [_KEY])


def test_a_note_has_one_spelling() -> None:
    assert_one_spelling(parse_note, format_note, _PUBLISHED)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_note_or_malformed(data: bytes) -> None:
    try:
        note = parse_note(data)
    except MalformedError:
        return

    assert format_note(note) == data


def test_the_text_ends_at_the_last_empty_line() -> None:
    text = b"one\n\nmore\n\n\n"
    note = parse_note(_note(sign_line(LOG, text), text=text))

    assert note.text == text


def test_lines_of_strangers_are_skipped() -> None:
    stranger = SigningKey("stranger.example", Kind.LOG, seed=bytes(32))
    note = _note(sign_line(stranger, b"another\n"), sign_line(LOG, _TEXT))

    assert open_note(note, [LOG.verifier]).signatures == (Signed(LOG.verifier),)


def test_a_name_or_an_id_alone_makes_nobody_known() -> None:
    own = sign_line(LOG, b"another\n")
    renamed = SignatureLine("other.example", own.key_id, payload=own.payload)
    new_id = SignatureLine(own.name, b"\0\0\0\0", payload=own.payload)
    note = _note(renamed, new_id, sign_line(LOG, _TEXT))

    assert len(open_note(note, [LOG.verifier]).signatures) == 1


def test_a_wrong_line_of_a_known_key_refuses_the_whole_note() -> None:
    note = _note(sign_line(LOG, _TEXT), sign_line(LOG, b"another\n"))

    with pytest.raises(SignatureError, match="is wrong"):
        open_note(note, [LOG.verifier])


def test_a_note_that_no_wanted_key_signed_does_not_open() -> None:
    with pytest.raises(SignatureError, match=r"a signature of 'bt\.example"):
        open_note(_PUBLISHED, [LOG.verifier])
    with pytest.raises(SignatureError, match="a signature of 'nobody'"):
        open_note(_PUBLISHED, [])


def test_several_lines_of_one_cosigner_are_all_checked() -> None:
    lines = [sign_line(WITNESS, _TEXT, time=time) for time in (7, 8)]
    opened = open_note(_note(*lines), [WITNESS.verifier])

    assert [each.time for each in opened.signatures] == [7, 8]


@pytest.mark.parametrize("payload", [bytes(1), bytes(63), bytes(65), bytes(72)])
def test_a_signature_of_another_length_is_refused(payload: bytes) -> None:
    line = SignatureLine(LOG.name, LOG.verifier.key_id, payload=payload)

    with pytest.raises(SignatureError, match="has not the form"):
        open_note(_note(line), [LOG.verifier])


def test_a_time_past_63_bits_is_refused() -> None:
    payload = b"\x80" + bytes(71)
    line = SignatureLine(WITNESS.name, WITNESS.verifier.key_id, payload=payload)

    with pytest.raises(SignatureError, match="has not the form"):
        open_note(_note(line), [WITNESS.verifier])


def test_sixty_four_lines_open_and_one_more_does_not() -> None:
    strangers = [
        SignatureLine(f"s{number}", bytes(4), payload=bytes(64))
        for number in range(MAX_LINES - 1)
    ]
    full = _note(*strangers, sign_line(LOG, _TEXT))

    assert len(open_note(full, [LOG.verifier]).signatures) == 1
    with pytest.raises(MalformedError, match="1 to 64 signature lines, came 65"):
        open_note(_note(*strangers, *strangers[:1], sign_line(LOG, _TEXT)), [])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bytes(MAX_NOTE + 1), "at most 262144 bytes"),
        (b"text\r\n\n", "no control characters"),
        (b"text\n", "an empty line and signatures"),
        (b"text\n\n", "1 to 64 signature lines, came 0"),
        (b"te\xffxt\n\n\xe2\x80\x94 a AAAAAAA=\n", "expected UTF-8"),
        (b"text\n\n\xe2\x80\x94 a\xff AAAAAAA=\n", "expected UTF-8"),
        (b"text\n\n\xe2\x80\x94 a AAAAAAA=", "a newline at its end"),
        (b"text\n\n- a AAAAAAA=\n", "expected '— ' first"),
        ("text\n\n— a\u2003b AAAAAAA=\n".encode(), "no plus and no space"),
        ("text\n\n—  AAAAAAA=\n".encode(), "no plus and no space"),
        ("text\n\n— a AAAAAA==\n".encode(), "expected a signature"),
        ("text\n\n— a AAAAAAB=\n".encode(), "canonical"),
        ("text\n\n— a b AAAAAAA=\n".encode(), "base64"),
    ],
)
def test_what_is_no_note_is_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse_note(data)


def test_a_witness_answers_with_lines_alone() -> None:
    line = sign_line(WITNESS, _TEXT, time=7)

    assert parse_lines(str(line).encode()) == (line,)


def test_lines_alone_are_bounded_as_well() -> None:
    with pytest.raises(MalformedError, match=f"at most {MAX_NOTE} bytes"):
        parse_lines(bytes(MAX_NOTE + 1))
