"""A telephone account's file, and what the stack is told."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.gateway.admission import Rule
from voip.gateway.sip.account import (
    MAX_BYTES,
    SipAccount,
    parse_account,
    parse_password,
    parse_uri,
)
from voip.gateway.sip.host import Host
from voip.gateway.sip.statements import Codec, Keying, Transport

FULL = """\
# who we are
account sip:alice@pbx.example       # our extension
password-file pbx.password
login alice-7
proxy edge.pbx.example:5061
transport tcp
keying dtls
codecs pcmu opus
register 300
video yes
unencrypted allowed

number bob sip:+493012345@pbx.example
number carol sip:#31@pbx.example
ring bob
deny sip:+49900*@pbx.example
allow sip:+49*@pbx.example
"""
SHORT = b"account sip:alice@pbx.example"


def account(*lines: str) -> SipAccount:
    return parse_account("\n".join(["account sip:alice@pbx.example", *lines]).encode())


def test_every_statement_is_understood() -> None:
    assert parse_account(FULL.encode()) == SipAccount(
        user="alice",
        host=Host("pbx.example"),
        password_file="pbx.password",
        login="alice-7",
        proxy=Host("edge.pbx.example", 5061),
        transport=Transport.TCP,
        keying=Keying.DTLS,
        codecs=(Codec.PCMU, Codec.OPUS),
        register_s=300,
        has_video=True,
        may_be_plain=True,
        numbers=(
            ("bob", "sip:+493012345@pbx.example"),
            ("carol", "sip:#31@pbx.example"),
        ),
        ring="bob",
        rules=(
            Rule("sip:+49900*@pbx.example", allows=False),
            Rule("sip:+49*@pbx.example", allows=True),
        ),
    )


def test_what_is_not_said_is_the_safest() -> None:
    read = parse_account(SHORT)

    assert (read.transport, read.keying, read.may_be_plain, read.rules) == (
        Transport.TLS,
        Keying.SDES,
        False,
        (),
    )


def test_a_contact_has_the_number_of_its_line() -> None:
    read = parse_account(FULL.encode())

    assert (read.number_of("bob"), read.number_of("eve")) == (
        "sip:+493012345@pbx.example",
        None,
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("acount x", r"line 2: expected one of account sip:USER@HOST"),
        ("account sip:bob@pbx.example", "line 2: 'account' is said twice"),
        ("number bob sip:1@b;transport=udp", "and no more"),
        ("number bob sips:1@b", "and no more"),
        ("number b\x07 sip:1@b", "expected an alias"),
        ("allow", "expected one of account"),
        ("allow tel:*", "pattern 'tel:\\*'"),
        ("keying none", "needs the line 'unencrypted allowed'"),
    ],
    ids=range(8),
)
def test_a_line_that_is_not_understood_is_refused(line: str, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        account(line)


def test_a_contact_with_two_numbers_is_refused() -> None:
    with pytest.raises(MalformedError, match="line 3: 'bob' has a number already"):
        account("number bob sip:1@a", "number bob sip:2@a")


def test_a_file_without_an_account_is_refused() -> None:
    with pytest.raises(MalformedError, match="no line 'account"):
        parse_account(b"transport tls")


def test_a_file_that_is_no_text_is_refused() -> None:
    with pytest.raises(MalformedError, match="expected UTF-8"):
        parse_account(b"account \xff")


def test_a_large_file_is_refused() -> None:
    with pytest.raises(MalformedError, match="at most 65536 bytes"):
        parse_account(bytes(MAX_BYTES + 1))


@given(st.binary(max_size=200))
def test_any_file_gives_an_account_or_the_one_error(data: bytes) -> None:
    with suppress(MalformedError):
        parse_account(data)


@given(st.text(max_size=60))
def test_any_line_is_understood_or_the_one_error(line: str) -> None:
    with suppress(MalformedError):
        account(line)


@given(st.from_regex(r"sip:[^@]{0,9}@[a-z0-9.:\[\];]{0,12}", fullmatch=True))
def test_whom_to_call_has_one_spelling(uri: str) -> None:
    try:
        read = parse_uri(uri)
    except MalformedError:
        return

    assert parse_uri(read) == read


@pytest.mark.parametrize(
    ("lines", "proven"),
    [
        ((), True),
        (("proxy 192.0.2.1",), False),
        (("proxy [2001:db8::1]",), False),
        (("transport tcp",), False),
        (("transport udp",), False),
    ],
    ids=["tls", "address", "address6", "tcp", "udp"],
)
def test_only_a_name_over_tls_is_proven(
    lines: tuple[str, ...], *, proven: bool
) -> None:
    assert account(*lines).is_authenticated is proven


def test_a_password_is_one_line() -> None:
    assert parse_password(b"pa ss:word\n") == "pa ss:word"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "1 to 128 characters, came 0"),
        (b"\n", "1 to 128 characters, came 0"),
        (b"a" * 129, "came 129"),
        (b"a\nb", "one line"),
        (b'a"b', "without quotation mark"),
        (b"a\\b", "without quotation mark"),
        (b"a;mediaenc=", "without quotation mark, backslash and semicolon"),
        (b"\xff", "UTF-8"),
    ],
    ids=range(8),
)
def test_a_password_that_the_stack_would_misread_is_refused(
    data: bytes, why: str
) -> None:
    with pytest.raises(MalformedError, match=why):
        parse_password(data)
