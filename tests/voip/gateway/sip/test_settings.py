"""What the SIP stack is told of an account: golden lines."""

import pytest

from voip.errors import MalformedError
from voip.gateway.sip.account import SipAccount, parse_account
from voip.gateway.sip.settings import format_account_line, format_config

FULL = b"""\
account sip:alice@pbx.example
login alice-7
proxy edge.pbx.example:5061
transport tcp
keying dtls
codecs pcmu opus
register 300
"""
SHORT = b"account sip:alice@pbx.example"


def account(*lines: str) -> SipAccount:
    return parse_account("\n".join(["account sip:alice@pbx.example", *lines]).encode())


def test_the_account_as_the_stack_reads_it() -> None:
    line = format_account_line(parse_account(FULL), "secret")

    assert line == (
        "<sip:alice@pbx.example;transport=tcp>"
        ';auth_pass="secret";auth_user=alice-7;regint=300;answermode=manual'
        ";audio_codecs=pcmu/8000/1,opus/48000/2;video_codecs=vp8;dtmfmode=rtpevent"
        ';outbound="sip:edge.pbx.example:5061;transport=tcp";mediaenc=dtls_srtp'
    )


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        ((), "mediaenc=srtp-mand"),
        (("keying dtls",), "mediaenc=dtls_srtp"),
        (
            ("keying none", "unencrypted allowed"),
            'outbound="sip:pbx.example;transport=tls"',
        ),
    ],
    ids=["sdes", "dtls", "none"],
)
def test_encryption_has_two_words_and_no_third(
    lines: tuple[str, ...], end: str
) -> None:
    line = format_account_line(account(*lines), None)

    assert line.endswith(end)


@pytest.mark.parametrize(
    "password", ["x;mediaenc=", 'x"', "x\\", "x\n", "x\x7f"], ids=range(5)
)
def test_a_password_that_would_be_another_parameter_is_refused(password: str) -> None:
    with pytest.raises(MalformedError, match="password: expected one line without"):
        format_account_line(account(), password)


def test_a_trunk_registers_never() -> None:
    assert ";regint=0;" in format_account_line(account("register never"), None)


def test_the_settings_as_the_stack_reads_them() -> None:
    config = format_config(parse_account(SHORT), ca_file="/etc/ssl/ca.pem")

    assert config == (
        "sip_verify_server yes\n"
        "sip_cafile /etc/ssl/ca.pem\n"
        "sip_transports tls\n"
        "dns_getaddrinfo no\n"
        "audio_jitter_buffer_type adaptive\n"
        "audio_jitter_buffer_ms 40-200\n"
        "ausrc_srate 48000\n"
        "ausrc_channels 1\n"
        "ausrc_format s16\n"
        "auplay_format s16\n"
        "opus_bitrate 32000\n"
    )


@pytest.mark.parametrize("proxy", ["pbx.example:5061", "192.0.2.1"])
def test_who_names_a_port_or_an_address_asks_for_no_srv(proxy: str) -> None:
    config = format_config(account(f"proxy {proxy}"), ca_file="/ca.pem")

    assert "dns_getaddrinfo yes\n" in config


def test_the_interface_and_the_port_can_be_chosen() -> None:
    config = format_config(account("listen 5060"), ca_file="/ca.pem", interface="eth0")

    assert config.endswith("net_interface eth0\nsip_listen 0.0.0.0:5060\n")


@pytest.mark.parametrize("path", ["/a b.pem", "/a\nsip_verify_server no", "/a\r"])
def test_a_path_that_would_be_another_setting_is_refused(path: str) -> None:
    with pytest.raises(MalformedError, match="the stack cannot read"):
        format_config(account(), ca_file=path)


@pytest.mark.parametrize(
    "interface", ["eth0\nsip_verify_server no", "eth0\r", "eth 0"], ids=range(3)
)
def test_an_interface_that_would_be_another_setting_is_refused(interface: str) -> None:
    with pytest.raises(MalformedError, match="interface: the stack cannot read"):
        format_config(account(), ca_file="/ca.pem", interface=interface)
