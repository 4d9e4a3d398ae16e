"""What becomes of one telephone call: what the worker tells, and what follows from it.

Rules. Sound passes only while `is_safe`: the keys of the stream are known, and good
enough for what this gateway was allowed to do. ::

    DIALLED ──────────────┐
       │ ringing          │ established
       v                  v
    RINGING ─────────> CHECKING ── encrypted ──> SAFE ──┐ offer of other media
                          ^   │ 3 s without            │
    CAME ── we answer ────┘   v                        │
                            ENDED  <── closed          │
                          ^────────────────────────────┘

Times are seconds of any steady clock.
"""

from dataclasses import dataclass
from enum import Enum

from voip.errors import CallError, NotAllowedError, TrustError, UnreachableError
from voip.gateway.sip.account import Keying, SipAccount, Transport
from voip.gateway.sip.frames import THEIRS_SDP, Command, Event, Order, Said
from voip.gateway.sip.mark import DTLS_SUITE, GOOD_SUITES, mark_of
from voip.signalling.legs import TOUCH_TONES, LegReason, Mark

SETUP_S = 32.0
"""64 times T1 (RFC 3261 §17.1.1.2): some telephones answer an offer of SRTP with
nothing at all."""
RING_S = 120.0  # an exchange gives up, or takes a message, before that
KEYS_S = 3.0
"""How long the stack may take to say how a stream is encrypted. DTLS is done in two
round trips, and the stack tells it a second after the answer."""

# The stack's words.
_NO_CODECS = "No common audio or video codecs"  # of an offer without keys, too
_TLS = "Protocol error"  # of a certificate or a name that it does not accept
_SILENT = "rtp stream error"


class _State(Enum):
    CAME = "came"
    DIALLED = "dialled"
    RINGING = "ringing"
    CHECKING = "checking"
    SAFE = "safe"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Rings:
    """The telephone rings at the other side."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody, or something, answered; nothing passes before `Secured`."""


@dataclass(frozen=True, slots=True)
class Secured:
    """Sound may pass, and this is how weak the leg is."""

    mark: Mark
    suite: str


@dataclass(frozen=True, slots=True)
class Unsecured:
    """Nothing may pass from now on: other keys are being agreed on, or none."""


@dataclass(frozen=True, slots=True)
class Held:
    """The other side put us on hold, or took us off."""

    on: bool


@dataclass(frozen=True, slots=True)
class Pressed:
    """The other side pressed a key, out of 0-9, A-D, * and #."""

    digit: str


@dataclass(frozen=True, slots=True)
class Referred:
    """The other side asks us to call somebody else instead; theirs, so escape it."""

    uri: str


@dataclass(frozen=True, slots=True)
class TransferFailed:
    """They did not call whom we asked them to call; the call goes on."""

    status: int


@dataclass(frozen=True, slots=True)
class CallOver:
    """The call is over.

    Attributes:
        reason: for those who are told of the leg.
        status: of SIP, or 0.
        text: a sentence of ours.
        is_certificate: the exchange is not who it should be.
    """

    reason: LegReason
    status: int
    text: str
    is_certificate: bool = False


Happened = (
    Rings
    | Answered
    | Secured
    | Unsecured
    | Held
    | Pressed
    | Referred
    | TransferFailed
    | CallOver
)


def expected(account: SipAccount) -> Mark:
    """Say how weak a leg will be if all goes well; nothing was checked yet."""
    return _mark(account, _USUAL[account.keying])


def may_be_called(account: SipAccount, *, allowed: bool) -> bool:
    """Say whether a call may be made or taken; `allowed` is the user's word for it."""
    is_weak = expected(account) is Mark.NOT_ENCRYPTED
    return not is_weak or (allowed and account.may_be_plain)


class SipCall:
    """One call of an account.

    Attributes:
        is_safe: whether sound may pass, as far as this leg goes.
        deadline: when `wait` wants to be asked; None for never.
    """

    def __init__(
        self,
        number: int,
        account: SipAccount,
        *,
        may_be_weak: bool,
        came: bool = False,
        now: float,
    ) -> None:
        """Begin with a call that was dialled, or `came`.

        `may_be_weak` is what the user said on this command line and the account allows.
        """
        self.is_safe = False
        self.deadline: float | None = None if came else now + SETUP_S
        self._number = number
        self._account = account
        self._may_be_weak = may_be_weak
        self._is_plain = account.keying is Keying.NONE
        self._state = _State.CAME if came else _State.DIALLED
        self._suite: str | None = None
        self._pictures: str | None = None
        self._is_agreeing = False

    @property
    def may_show(self) -> bool:
        """Whether pictures may pass: their keys are as good as the leg's mark says."""
        if self._is_plain or not self.is_safe:
            return self.is_safe
        if self._pictures is None:
            return False
        sound = _mark(self._account, self._suite or "")
        return _mark(self._account, self._pictures) <= sound

    def receive(  # noqa: PLR0911 -- a table
        self, event: Event, now: float
    ) -> list[Happened | Command]:
        """Take what the worker tells of this call, and say what it means."""
        if self._state is _State.ENDED:
            return []
        match event.said:
            case Said.RINGING if self._state is _State.DIALLED:
                self._state, self.deadline = _State.RINGING, now + RING_S
                return [Rings()]
            case Said.ESTABLISHED if not self._is_up:
                self._state = _State.CHECKING
                return [Answered(), *self._check(now)]
            case Said.ENCRYPTED:
                return self._learn(event.text)
            case Said.OFFER | Said.AGREED if self._is_up:
                return self._described(event, now)
            case Said.CLOSED:
                return self._end(why_closed(event, self._account, up=self._is_up))
            case _:
                return _told(event)

    def wait(self, now: float) -> list[Happened | Command]:
        """Say what follows from `deadline` having passed."""
        if self.deadline is None or now < self.deadline:
            return []
        self.deadline = None
        if self._state in {_State.DIALLED, _State.RINGING}:
            return self._give_up(LegReason.NO_ANSWER, "nobody answers")
        # Established, and the stack has not said that there are keys: there are none.
        return self._judge("")

    @property
    def _is_up(self) -> bool:
        return self._state in {_State.CHECKING, _State.SAFE}

    def _check(self, now: float) -> list[Happened | Command]:
        """Look whether the keys are known by now, or wait for them."""
        if self._is_plain:
            return self._judge("")
        if self._suite is None:
            self.deadline = now + KEYS_S
            return []
        return self._judge(self._suite)

    def _learn(self, text: str) -> list[Happened | Command]:
        suite = self._suite_of(text, "audio")
        self._pictures = self._suite_of(text, "video") or self._pictures
        if suite is None or self._is_plain:
            return []
        before, self._suite = self._suite, suite
        if not self._is_up or self._is_agreeing:
            return []
        is_known = self._state is _State.SAFE and suite == before
        return [] if is_known else self._judge(suite)

    def _suite_of(self, text: str, kind: str) -> str | None:
        """Read `STREAM,KIND,WHAT`, in the words of the keying that we asked for.

        With SDES it is the suite. With DTLS it is the component, RTP or RTCP, and what
        is missing there is the suite and not the encryption.
        """
        _, _, rest = text.partition(",")
        found, _, what = rest.partition(",")
        if found != kind:
            return None
        if self._account.keying is Keying.SDES:
            return what
        return DTLS_SUITE if what == "RTP" else None

    def _described(self, event: Event, now: float) -> list[Happened | Command]:
        """Shut from an offer of other media on, until it is known what came of it.

        The stack tells of the keys anew after each description of theirs; only DTLS
        goes on through a change of media, and its keys with it.
        """
        if event.text == THEIRS_SDP and self._account.keying is not Keying.DTLS:
            self._suite = self._pictures = None
        if event.said is Said.OFFER:
            was_safe, self.is_safe = self.is_safe, False
            self._state, self._is_agreeing = _State.CHECKING, True
            # For as long as it takes: of an offer of ours that they refuse, as some do
            # with a hold, the stack says nothing. The next one that they take opens.
            self.deadline = None
            return [Unsecured()] if was_safe else []
        if not self._is_agreeing:
            return []
        self._is_agreeing = False
        return self._check(now)

    def _judge(self, suite: str) -> list[Happened | Command]:
        mark = _mark(self._account, suite)
        if mark is Mark.NOT_ENCRYPTED and not self._may_be_weak:
            return self._give_up(LegReason.NO_ENCRYPTION, self._too_weak(suite))
        self._state, self.deadline, self.is_safe = _State.SAFE, None, True
        return [Secured(mark, suite if suite in GOOD_SUITES else "")]

    def _too_weak(self, suite: str) -> str:
        host = self._account.exchange.name
        if suite in GOOD_SUITES:
            return f"keys of the sound would go to {host} in clear"
        return f"expected encrypted sound from {host}, came none that is known"

    def _give_up(self, reason: LegReason, text: str) -> list[Happened | Command]:
        return [
            Command(Order.END, self._number),
            *self._end(CallOver(reason, 0, text)),
        ]

    def _end(self, over: CallOver) -> list[Happened | Command]:
        self._state, self.deadline, self.is_safe = _State.ENDED, None, False
        return [over]


def _told(event: Event) -> list[Happened | Command]:
    """Say what the other side's user did."""
    match event.said:
        case Said.HELD | Said.RESUMED:
            return [Held(on=event.said is Said.HELD)]
        case Said.DIGIT if event.text in TOUCH_TONES:
            return [Pressed(event.text)]
        case Said.REFERRED:
            return [Referred(event.text)]
        case Said.TRANSFER_FAILED:
            return [TransferFailed(event.status)]
        case _:
            return []


def why_closed(event: Event, account: SipAccount, *, up: bool) -> CallOver:
    """Say why a call is over; `up` if it was answered before."""
    status, host = event.status, account.exchange.name
    if up:
        if _SILENT in event.text:
            return CallOver(LegReason.LOST, 0, "no sound came any more")
        return CallOver(LegReason.NORMAL, status, "")
    if status == 0 and _NO_CODECS in event.text:
        return CallOver(LegReason.NO_ENCRYPTION, 0, _no_encryption(host))
    if status == 0 and account.transport is Transport.TLS and _TLS in event.text:
        text = f"certificate of {host} not accepted"
        return CallOver(LegReason.UNREACHABLE, 0, text, is_certificate=True)
    return by_status(status, host)


def why_unregistered(event: Event, account: SipAccount) -> CallError:
    """Say why the exchange does not know us; a refusal is not to be tried again."""
    host = account.exchange.name
    if event.status in _NO_LOGIN:
        return NotAllowedError(f"{host} does not accept the password: {event.status}")
    if event.status == 0 and account.transport is Transport.TLS and _TLS in event.text:
        return TrustError(f"certificate of {host} not accepted")
    status = f": {event.status}" if event.status else ""
    return UnreachableError(f"{host} does not register us{status}")


def by_status(status: int, host: str) -> CallOver:
    """Say what a final status of SIP means; 0 is none at all."""
    reason, text = _REASONS.get(status, (LegReason.DECLINED, "the call was declined"))
    if status == 0 or 500 <= status < 600:
        reason, text = LegReason.UNREACHABLE, f"{host} does not answer, or cannot"
    if reason is LegReason.NO_ENCRYPTION:
        text = _no_encryption(host)
    return CallOver(reason, status, text)


def _no_encryption(host: str) -> str:
    return f"{host} offers no encryption"


def _mark(account: SipAccount, suite: str) -> Mark:
    return mark_of(account.keying, suite, is_authenticated=account.is_authenticated)


_NO_LOGIN = frozenset({401, 403, 407})
_USUAL = {
    Keying.SDES: "AES_CM_128_HMAC_SHA1_80",
    Keying.DTLS: DTLS_SUITE,
    Keying.NONE: "",
}
_REASONS = {
    401: (LegReason.NOT_ALLOWED, "the password is not accepted"),
    403: (LegReason.DECLINED, "the exchange does not allow this call"),
    404: (LegReason.DECLINED, "nobody has this number"),
    407: (LegReason.NOT_ALLOWED, "the password is not accepted"),
    408: (LegReason.NO_ANSWER, "nobody answers"),
    480: (LegReason.NO_ANSWER, "nobody is there"),
    484: (LegReason.DECLINED, "the number is not complete"),
    486: (LegReason.BUSY, "the line is busy"),
    487: (LegReason.NO_ANSWER, "nobody answers"),
    488: (LegReason.NO_ENCRYPTION, ""),
    600: (LegReason.BUSY, "the line is busy"),
    603: (LegReason.DECLINED, "the call was declined"),
    606: (LegReason.NO_ENCRYPTION, ""),
}
