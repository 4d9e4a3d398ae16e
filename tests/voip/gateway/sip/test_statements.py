"""What a line of an account's file may say."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.gateway.sip.host import Host
from voip.gateway.sip.statements import (
    Codec,
    Keying,
    Transport,
    parse_alias,
    parse_statement,
)


def parse(line: str) -> dict[str, object]:
    word, *values = line.split()
    return parse_statement(word, values)


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (
            "account sip:alice@pbx.example",
            {"user": "alice", "host": Host("pbx.example")},
        ),
        ("password-file a/b", {"password_file": "a/b"}),
        ("login alice-7", {"login": "alice-7"}),
        ("proxy [::1]:5061", {"proxy": Host("::1", 5061)}),
        ("transport tcp", {"transport": Transport.TCP}),
        ("keying dtls", {"keying": Keying.DTLS}),
        ("codecs pcma opus", {"codecs": (Codec.PCMA, Codec.OPUS)}),
        ("register 30", {"register_s": 30}),
        ("register 86400", {"register_s": 86400}),
        ("register never", {"register_s": 0}),
        ("listen 5060", {"listen": 5060}),
        ("video yes", {"has_video": True}),
        ("video no", {"has_video": False}),
        ("unencrypted allowed", {"may_be_plain": True}),
        ("ring bob", {"ring": "bob"}),
    ],
    ids=range(15),
)
def test_a_statement_gives_its_fields(line: str, fields: dict[str, object]) -> None:
    assert parse(line) == fields


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("transport", "expected one of account"),
        ("transport sctp", "expected one of udp, tcp, tls, came 'sctp'"),
        ("keying srtp", "expected one of sdes, dtls, none"),
        ("codecs", "expected one of account"),
        ("codecs opus opus", "a codec is named twice"),
        ("codecs speex", "expected one of opus, pcmu, pcma"),
        ("register soon", "expected seconds or 'never'"),
        ("register ٣٠٠", "expected seconds or 'never'"),
        ("register 29", "30 to 86400 seconds, came 29"),
        ("register 86401", "30 to 86400 seconds, came 86401"),
        ("video maybe", "expected yes or no"),
        ("unencrypted yes", "expected one of account"),
        ("login a;b", "expected a login"),
        ("proxy sips:edge", "expected HOST or HOST:PORT"),
        ("ring a b", "expected one of account"),
        ("ring \x07", "expected an alias"),
        ("ring " + "b" * 65, "expected an alias"),
        ("listen 0", "expected a port of 1 to 65535"),
        ("listen 65536", "expected a port of 1 to 65535"),
        ("acount x", "came 'acount x'"),
    ],
    ids=range(20),
)
def test_what_is_no_statement_is_refused(line: str, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        parse(line)


@given(st.text(max_size=20), st.lists(st.text(max_size=30), max_size=4))
def test_any_words_are_a_statement_or_the_one_error(
    word: str, values: list[str]
) -> None:
    with suppress(MalformedError):
        parse_statement(word, values)


def test_an_alias_is_what_a_person_can_read() -> None:
    assert parse_alias("Bärbel-2") == "Bärbel-2"
