"""What the SIP stack is told of an account, in its own words.

Rules. The stack ignores what it does not know, so a misspelt word would be a call
without encryption: there are two words for that, both written once, here.
"""

from voip.errors import MalformedError
from voip.gateway.sip.account import SipAccount, check_password
from voip.gateway.sip.statements import Codec, Keying

_CODECS = {
    Codec.OPUS: "opus/48000/2",
    Codec.PCMU: "pcmu/8000/1",
    Codec.PCMA: "pcma/8000/1",
}
_MEDIAENC = {
    Keying.SDES: ("mediaenc=srtp-mand",),
    Keying.DTLS: ("mediaenc=dtls_srtp",),
    Keying.NONE: (),
}


def format_account_line(account: SipAccount, password: str | None) -> str:
    """Write the account as the stack reads it.

    Never to be logged: it holds the password.

    Raises:
        MalformedError: what `check_password` raises.
    """
    check_password(password or "")
    transport = f"transport={account.transport}"
    params = [
        f"<sip:{account.user}@{account.host};{transport}>",
        *([f'auth_pass="{password}"'] if password else []),
        *([f"auth_user={account.login}"] if account.login else []),
        f"regint={account.register_s}",
        "answermode=manual",
        "audio_codecs=" + ",".join(_CODECS[codec] for codec in account.codecs),
        "video_codecs=vp8",
        "dtmfmode=rtpevent",
        # Everything by the one host whose certificate is checked: a request of ours
        # to another would be answered by whom we know nothing about.
        f'outbound="sip:{account.exchange};{transport}"',
        *_MEDIAENC[account.keying],
    ]
    return ";".join(params)


def format_config(
    account: SipAccount,
    *,
    ca_file: str,
    interface: str | None = None,
) -> str:
    """Write the stack's settings.

    Args:
        account: whose they are.
        ca_file: the PEM of those who vouch for TLS.
        interface: the network interface or address; by default all.

    Raises:
        MalformedError: a path or an interface that the stack would read otherwise.
    """
    _check_value("authorities", ca_file)
    _check_value("interface", interface or "")
    # RFC 3263 §4.2: with a port there is no SRV to ask for, and the system's own
    # resolver knows names that no server does.
    has_port = account.exchange.port is not None or account.exchange.is_literal
    lines = [
        # Both always: without them the stack accepts any certificate.
        "sip_verify_server yes",
        f"sip_cafile {ca_file}",
        # One way in alone: by another, keys could come in clear. A stack without a
        # certificate takes no TLS from outside, so what comes by TLS comes on the
        # connection that we made, to the name that we checked.
        f"sip_transports {account.transport}",
        f"dns_getaddrinfo {'yes' if has_port else 'no'}",
        "audio_jitter_buffer_type adaptive",
        "audio_jitter_buffer_ms 40-200",
        "ausrc_srate 48000",
        "ausrc_channels 1",
        "ausrc_format s16",
        "auplay_format s16",
        "opus_bitrate 32000",
        *([f"net_interface {interface}"] if interface else []),
        # No address means each that this machine has, of IPv6 too.
        *([f"sip_listen 0.0.0.0:{account.listen}"] if account.listen else []),
    ]
    return "".join(f"{line}\n" for line in lines)


def _check_value(what: str, text: str) -> None:
    # A carriage return would be a second line, and so another setting.
    if not text.isprintable() or " " in text:
        raise MalformedError(f"{what}: the stack cannot read {text!r}")
