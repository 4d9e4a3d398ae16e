"""What becomes of one telephone call: what the worker tells, and what follows from it.

Rules. Sound passes only while `is_safe`: the keys of the stream are known, and good
enough for what this gateway was allowed to do. What an exchange plays before anybody
answers (early media, RFC 3960) is heard under the same conditions, and not answered. ::

    DIALLED ──────────────┐
       │ ringing          │ established
       v                  v
    RINGING ─────────> CHECKING ── encrypted ──> SAFE ──┐ offer of other media
     ^   │ progress       ^   │ 3 s without             │
     │   v                │   v                         │
     └─ EARLY ────────────┤ ENDED  <── closed           │
    CAME ── we answer ────┘                             │
                          ^─────────────────────────────┘

Times are seconds of any steady clock.
"""

from dataclasses import dataclass
from enum import Enum

from voip.gateway.sip.account import SipAccount
from voip.gateway.sip.frames import THEIRS_SDP, Command, Event, Order, Said
from voip.gateway.sip.keys import StreamKeys
from voip.gateway.sip.mark import GOOD_SUITES
from voip.gateway.sip.statuses import is_certificate, meaning_of
from voip.signalling.legs import TOUCH_TONES, LegReason, Mark

SETUP_S = 32.0
"""64 times T1 (RFC 3261 §17.1.1.2): some telephones answer an offer of SRTP with
nothing at all."""
RING_S = 120.0  # an exchange gives up, or takes a message, before that
KEYS_S = 3.0
"""How long the stack may take to say how a stream is encrypted. DTLS is done in two
round trips, and the stack tells it a second after the answer."""

AGREE_S = 5.0
"""For an answer to an offer of ours, for which nobody has to lift anything: by UDP it
was sent again after 0.5, 1.5 and 3.5 s (RFC 3261 §17.1.1.2)."""

_SILENT = "rtp stream error"  # the stack's words


class _State(Enum):
    CAME = "came"
    DIALLED = "dialled"
    RINGING = "ringing"
    EARLY = "early"
    CHECKING = "checking"
    SAFE = "safe"
    ENDED = "ended"


_CALLED = frozenset({_State.RINGING, _State.EARLY})
_ASKED = _CALLED | {_State.DIALLED}


@dataclass(frozen=True, slots=True)
class Rings:
    """The telephone rings at the other side."""


@dataclass(frozen=True, slots=True)
class EarlyMedia:
    """Before anybody answers something may be heard, and this is how weak it is."""

    mark: Mark
    suite: str


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
    | EarlyMedia
    | Answered
    | Secured
    | Unsecured
    | Held
    | Pressed
    | Referred
    | TransferFailed
    | CallOver
)


class SipCall:
    """One call of an account.

    Attributes:
        is_safe: whether sound may pass, as far as this leg goes.
        may_hear: whether theirs may: also what is played before anybody answers.
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
        self.may_hear = False
        self.deadline: float | None = None if came else now + SETUP_S
        self._number = number
        self._account = account
        self._may_be_weak = may_be_weak
        self._state = _State.CAME if came else _State.DIALLED
        self._keys = StreamKeys(account)
        self._is_agreeing = False
        self._early: EarlyMedia | None = None  # as it was told last

    @property
    def may_show(self) -> bool:
        """Whether pictures may pass: their keys are as good as the leg's mark says."""
        return self.is_safe and self._keys.are_pictures_as_good

    @property
    def is_ringing(self) -> bool:
        """Whether nobody has answered, and nothing of theirs may be heard."""
        return self._state in _CALLED and not self.may_hear

    def receive(  # noqa: PLR0911 -- a table
        self, event: Event, now: float
    ) -> list[Happened | Command]:
        """Take what the worker tells of this call, and say what it means."""
        if self._state is _State.ENDED:
            return []
        match event.said:
            case Said.RINGING | Said.PROGRESS if self._state in _ASKED:
                return self._ring(early=event.said is Said.PROGRESS, now=now)
            case Said.ESTABLISHED if not self._is_up:
                self._state = _State.CHECKING
                return [Answered(), *self._check(now)]
            case Said.ENCRYPTED:
                return self._learn(event.text)
            case Said.OFFER | Said.AGREED:
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
        if self._state in _ASKED:
            return self._give_up(LegReason.NO_ANSWER, "nobody answers")
        if self._is_agreeing:
            # RFC 3261 §14.1: what they do not agree to changes nothing. The stack tells
            # of their answer, and of a refusal nothing.
            self._is_agreeing = False
            return self._check(now)
        # Established, and the stack has not said that there are keys: there are none.
        return self._judge()

    @property
    def _is_up(self) -> bool:
        return self._state in {_State.CHECKING, _State.SAFE}

    def _ring(self, *, early: bool, now: float) -> list[Happened | Command]:
        """Take that they are told of the call; `early` if they describe a sound."""
        is_first = self._state is _State.DIALLED
        if is_first:
            self.deadline = now + RING_S
        self._state = _State.EARLY if early else _State.RINGING
        return [*([Rings()] if is_first else []), *self._listen()]

    def _listen(self) -> list[Happened | Command]:
        """Let what comes before the answer be heard, if its keys are good enough."""
        mark, suite = self._keys.mark, self._keys.sound
        is_good = mark is not Mark.NOT_ENCRYPTED or self._may_be_weak
        if self._state is not _State.EARLY or suite is None or not is_good:
            self.may_hear = False
            return []
        self.may_hear = True
        before, self._early = self._early, EarlyMedia(mark, _shown(suite))
        return [] if self._early == before else [self._early]

    def _check(self, now: float) -> list[Happened | Command]:
        """Look whether the keys are known by now, or wait for them."""
        self.may_hear = False
        if self._keys.sound is None:
            self.deadline = now + KEYS_S
            return []
        return self._judge()

    def _learn(self, text: str) -> list[Happened | Command]:
        before = self._keys.sound
        if not self._keys.learn(text) or self._is_agreeing:
            return []
        if not self._is_up:
            return self._listen()
        is_known = self._state is _State.SAFE and self._keys.sound == before
        return [] if is_known else self._judge()

    def _described(self, event: Event, now: float) -> list[Happened | Command]:
        """Shut from an offer of other media on, until it is known what came of it.

        The stack tells of the keys anew after each description of theirs; only DTLS
        goes on through a change of media, and its keys with it.
        """
        if event.text == THEIRS_SDP:
            self._keys.describe()
        if not self._is_up:
            # Of an early sound, or of the answer: another may have taken the call, with
            # other keys (RFC 3261 §13.2.2.4), or with none.
            return self._listen()
        if event.said is Said.OFFER:
            was_safe = self.is_safe
            self.is_safe = self.may_hear = False
            self._state, self._is_agreeing = _State.CHECKING, True
            self.deadline = None if event.text == THEIRS_SDP else now + AGREE_S
            return [Unsecured()] if was_safe else []
        if not self._is_agreeing and self._keys.sound is not None:
            return []
        # Also where it comes too late, or nobody waits for it.
        was_safe, self.is_safe = self.is_safe, False
        self._state, self._is_agreeing = _State.CHECKING, False
        return [*([Unsecured()] if was_safe else []), *self._check(now)]

    def _judge(self) -> list[Happened | Command]:
        mark, suite = self._keys.mark, self._keys.sound or ""
        if mark is Mark.NOT_ENCRYPTED and not self._may_be_weak:
            return self._give_up(LegReason.NO_ENCRYPTION, self._too_weak(suite))
        self._state, self.deadline = _State.SAFE, None
        self.is_safe = self.may_hear = True
        return [Secured(mark, _shown(suite))]

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
        self._state, self.deadline = _State.ENDED, None
        self.is_safe = self.may_hear = False
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
    if not up:
        reason, text = meaning_of(event, account)
        return CallOver(
            reason, event.status, text, is_certificate=is_certificate(event, account)
        )
    if _SILENT in event.text:
        return CallOver(LegReason.LOST, 0, "no sound came any more")
    return CallOver(LegReason.NORMAL, event.status, "")


def _shown(suite: str) -> str:
    return suite if suite in GOOD_SUITES else ""
