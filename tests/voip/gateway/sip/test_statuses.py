"""What an exchange's answers mean to people."""

import pytest

from voip.errors import NotAllowedError, TrustError, UnreachableError
from voip.gateway.sip.account import SipAccount
from voip.gateway.sip.frames import Event, Said
from voip.gateway.sip.host import Host
from voip.gateway.sip.statements import Transport
from voip.gateway.sip.statuses import is_certificate, meaning_of, why_unregistered
from voip.signalling.legs import LegReason

TLS = SipAccount(user="alice", host=Host("pbx.example"))
UDP = SipAccount(user="alice", host=Host("pbx.example"), transport=Transport.UDP)
TLS_ERROR = Event(Said.CLOSED, 1, 0, "Protocol error [71]")

REASONS = {
    401: LegReason.NOT_ALLOWED,
    403: LegReason.DECLINED,
    404: LegReason.DECLINED,
    407: LegReason.NOT_ALLOWED,
    408: LegReason.NO_ANSWER,
    415: LegReason.DECLINED,
    480: LegReason.NO_ANSWER,
    484: LegReason.DECLINED,
    486: LegReason.BUSY,
    487: LegReason.NO_ANSWER,
    488: LegReason.NO_ENCRYPTION,
    500: LegReason.UNREACHABLE,
    503: LegReason.UNREACHABLE,
    600: LegReason.BUSY,
    603: LegReason.DECLINED,
    606: LegReason.NO_ENCRYPTION,
    0: LegReason.UNREACHABLE,
}


def closed(status: int, text: str = "") -> Event:
    return Event(Said.CLOSED, 1, status, text)


@pytest.mark.parametrize("status", REASONS)
def test_each_status_has_a_meaning(status: int) -> None:
    reason, text = meaning_of(closed(status), TLS)

    assert (reason, bool(text)) == (REASONS[status], True)


@pytest.mark.parametrize(
    "event",
    [closed(488), closed(0, "No common audio or video codecs")],
    ids=["by its status", "by the stack's words"],
)
def test_a_telephone_without_encryption_is_named(event: Event) -> None:
    assert meaning_of(event, TLS) == (
        LegReason.NO_ENCRYPTION,
        "pbx.example offers no encryption",
    )


def test_a_certificate_that_is_not_accepted_is_named() -> None:
    assert meaning_of(TLS_ERROR, TLS) == (
        LegReason.UNREACHABLE,
        "certificate of pbx.example not accepted",
    )


@pytest.mark.parametrize(
    ("event", "of", "is_one"),
    [
        (TLS_ERROR, TLS, True),
        (TLS_ERROR, UDP, False),
        (closed(500, "Protocol error"), TLS, False),
        (closed(0, "No route"), TLS, False),
    ],
    ids=["not accepted", "without TLS", "with a status", "another error"],
)
def test_only_tls_has_a_certificate_to_blame(
    event: Event, of: SipAccount, *, is_one: bool
) -> None:
    assert is_certificate(event, of) is is_one


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (Event(Said.UNREGISTERED, 0, 401, "Unauthorized"), NotAllowedError),
        (Event(Said.UNREGISTERED, 0, 503, "Busy"), UnreachableError),
        (Event(Said.UNREGISTERED, 0, 0, "Timed out"), UnreachableError),
        (Event(Said.UNREGISTERED, 0, 0, "Protocol error [71]"), TrustError),
    ],
    ids=["password", "busy", "silent", "certificate"],
)
def test_each_refusal_of_the_exchange_has_its_error(
    event: Event, error: type[Exception]
) -> None:
    assert type(why_unregistered(event, TLS)) is error
