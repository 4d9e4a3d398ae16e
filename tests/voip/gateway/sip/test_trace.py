"""Messages of SIP as they are written down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.gateway.sip.trace import MAX_TEXT, format_traced

HEAD = "TX TLS 192.0.2.7:35874 -> 192.0.2.1:5061"
AT = 1795365181.25
KEY = "I94YJtXaswn97ICQbE0LhEAv1s3ERbuo4swz4WMk"


def traced(*lines: str) -> str:
    return format_traced("\r\n".join((HEAD, *lines)), AT)


def test_a_message_is_dated_and_indented() -> None:
    assert traced("INVITE sip:200@pbx.example SIP/2.0", "", "v=0") == (
        "2026-11-22T16:33:01.250Z TX TLS 192.0.2.7:35874 -> 192.0.2.1:5061\n"
        "  INVITE sip:200@pbx.example SIP/2.0\n"
        "\n"
        "  v=0\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}",
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 INLINE:{KEY}|2^20|1:4;inline:{KEY}|2^20",
        f"k=base64:{KEY}",
        f"a=key-mgmt:mikey {KEY}",
        f'Authorization: Digest username="alice", response="{KEY}"',
        f'proxy-authorization : Digest username="alice",\r\n\tresponse="{KEY}"',
        f'Authentication-Info: rspauth="{KEY}"',
    ],
    ids=["sdes", "two keys", "k", "mikey", "answer", "folded answer", "proof"],
)
def test_keys_and_proofs_of_the_password_are_left_out(line: str) -> None:
    text = traced("x", line, "a=sendrecv")

    assert (KEY in text, "[left out]" in text, "a=sendrecv" in text) == (
        False,
        True,
        True,
    )


def test_a_challenge_is_kept() -> None:
    line = 'WWW-Authenticate: Digest realm="pbx", nonce="1"'

    assert line in traced(line)


def test_what_a_stranger_writes_is_no_message_of_its_own() -> None:
    first, *rest = traced("INVITE", f"\rTX TLS {HEAD}\x1b[2J\x85").splitlines()

    assert first.endswith(HEAD)
    assert rest == ["  INVITE", "", f"  TX TLS {HEAD}\\x1b[2J\\x85"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_becomes_printable_lines_of_which_one_begins(text: str) -> None:
    first, *rest = format_traced(text, AT).split("\n")

    assert first.startswith("2026-11-22T16:33:01.250Z ")
    assert all(line.isprintable() for line in (first, *rest))
    assert all(not line or line.startswith("  ") for line in rest)


def test_a_text_without_end_is_cut() -> None:
    assert len(format_traced("a" * 2 * MAX_TEXT, AT)) < MAX_TEXT + 64
