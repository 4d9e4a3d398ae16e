"""Texts and files, and names that are harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import LimitError, MalformedError
from voip.media.transfer import (
    MAX_FILE_BYTES,
    MAX_NAME_BYTES,
    MAX_TEXT_BYTES,
    PART_BYTES,
    File,
    Inbox,
    Text,
    format_file,
    format_text,
    harmless_name,
)


def _received(messages: list[bytes]) -> list[Text | File | None]:
    inbox = Inbox()
    return [inbox.add(message) for message in messages]


def test_a_text_is_one_message() -> None:
    assert _received([format_text("grüezi")]) == [Text("grüezi")]


@given(st.binary(max_size=3 * PART_BYTES))
def test_a_file_comes_out_as_it_went_in(data: bytes) -> None:
    results = _received(format_file("notes.txt", data))

    assert [result for result in results if result] == [File("notes.txt", data)]


def test_a_file_begins_with_its_size_and_name() -> None:
    first, second = format_file("a", b"xyz")

    assert (first, second) == (bytes.fromhex("02 00000003 01 61"), b"\x03xyz")


def test_a_text_may_come_between_two_parts() -> None:
    begin, part = format_file("a", b"x")

    assert _received([begin, format_text("hi"), part]) == [
        None,
        Text("hi"),
        File("a", b"x"),
    ]


def test_a_file_of_the_largest_size_passes() -> None:
    results = _received(format_file("a", bytes(MAX_FILE_BYTES)))

    assert results[-1] == File("a", bytes(MAX_FILE_BYTES))


def test_a_larger_file_is_not_sent() -> None:
    with pytest.raises(LimitError, match="1048577"):
        format_file("a", bytes(MAX_FILE_BYTES + 1))


def test_a_longer_text_is_not_sent() -> None:
    with pytest.raises(LimitError, match="4001"):
        format_text("x" * (MAX_TEXT_BYTES + 1))


BEGIN = format_file("a", b"xy")[0]


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([b""], "cut short"),
        ([b"\x04"], "message 4"),
        ([b"\x03x"], "message 3"),
        ([b"\x01" + bytes(MAX_TEXT_BYTES + 1)], "at most 4000"),
        ([b"\x01\xff"], "UTF-8"),
        ([BEGIN, BEGIN], "not whole"),
        ([BEGIN[:-1]], "cut short"),
        ([BEGIN + b"x"], "too many"),
        ([b"\x02\x00\x10\x00\x01\x01a"], "1048577"),
        ([b"\x02" + bytes(4) + b"\x79" + b"a" * 121], "at most 120"),
        ([b"\x02" + bytes(4) + b"\x01\xff"], "UTF-8"),
        ([BEGIN, b"\x03"], "part of 0"),
        ([BEGIN, b"\x03xyz"], "part of 3"),
    ],
)
def test_a_message_out_of_place_is_refused(messages: list[bytes], reason: str) -> None:
    inbox = Inbox()
    for message in messages[:-1]:
        inbox.add(message)

    with pytest.raises(MalformedError, match=reason):
        inbox.add(messages[-1])


@given(st.lists(st.binary(max_size=20), max_size=4))
def test_any_messages_give_values_or_one_error(messages: list[bytes]) -> None:
    inbox = Inbox()
    try:
        results = [inbox.add(message) for message in messages]
    except MalformedError:
        return

    assert all(isinstance(result, Text | File | None) for result in results)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("photo 1.jpg", "photo 1.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\windows\\a.txt", "a.txt"),
        (".bashrc", "bashrc"),
        ("-rf", "rf"),
        ("", "file"),
        ("..", "file"),
        ("dir/", "file"),
        ("nul", "file"),
        ("COM1.txt", "file"),
        ("a\x1b[31m\n", "a_[31m_"),
        ("gpj.\u202eexe", "gpj._exe"),
        ("a\u2028b", "a_b"),
        ('<>:"|?*', "_______"),
        ("a. ", "a"),
        ("e\u0301", "\u00e9"),
        ("\ud800", "_"),
        ("\u00e9" * 100, "\u00e9" * (MAX_NAME_BYTES // 2)),
    ],
)
def test_a_name_is_made_harmless(name: str, expected: str) -> None:
    assert harmless_name(name) == expected


@given(st.text(max_size=200))
def test_a_harmless_name_stays_as_it_is(name: str) -> None:
    harmless = harmless_name(name)

    assert harmless_name(harmless) == harmless
