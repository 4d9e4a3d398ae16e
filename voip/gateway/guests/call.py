"""The life of a guest's call, from CONFIRM to its end, as rules.

::

    guest                           gateway                       host
      CONFIRM ──────────────────────▶ nonce checked, link spent
      ◀───────────────────── ALERTING │── AskHost ────────────────▶ at the door
      ◀── ACCEPT (TURN servers) ──────│◀─ accept ─────────────────
      OFFER ────────────────────────▶ StartMedia
      ◀─────────────────────── ANSWER │◀─ answered
      COUNTS, REKEY, STATE, SAS_RESULT, LEGS ... HANGUP

Time, messages and the host's wishes go in, commands come out; whoever runs them does
the sockets and the media. Nothing of the gateway's addresses leaves before `accept`.
Times are seconds of one monotonic clock.
"""

from collections.abc import Iterable
from dataclasses import replace
from enum import Enum
from typing import Final

from voip.errors import RefusedError, TrustError, UnexpectedEventError
from voip.gateway.guests import handshake as guest
from voip.gateway.guests.commands import (
    AskHost,
    Command,
    End,
    Pass,
    Say,
    Spend,
    StartMedia,
    Warn,
)
from voip.gateway.guests.handshake import GuestKeys, Hello
from voip.gateway.guests.messages import (
    Accept,
    Answer,
    Count,
    Counts,
    GuestMessage,
    Happening,
    Notice,
    Offer,
    Present,
    RekeyAck,
    Server,
)
from voip.gateway.guests.rekeying import Rekeying
from voip.gateway.guests.tally import Tally
from voip.identity.keys import Entropy
from voip.signalling.legs import Digits, LegEnd, Legs, LegsAck
from voip.signalling.messages import (
    Alerting,
    Confirm,
    Hangup,
    HangupReason,
    Ping,
    Pong,
    SasResult,
    State,
    Unknown,
)

CONFIRM_S: Final = 10.0  # the page answers by itself
SPEND_S: Final = 15.0  # the store waits 10 s for another program's lock
DOOR_S: Final = 120.0  # people wait so long at a door
OFFER_S: Final = 30.0  # the page may have to ask for the camera
RESUME_S: Final = 30.0
QUIET_S: Final = 15.0
"""Without a message; the page sends COUNTS every 2 s, so its way is gone."""
MAX_OFFERS: Final = 20  # media connections in this time; the page makes one in 3 s
OFFERS_S: Final = 300.0

_NO_DEVICE: Final = bytes(16)  # HANGUP names a device; a guest has none


class Stage(Enum):
    """How far a guest is."""

    CONFIRMING = "confirming"
    SPENDING = "confirmed"  # its link is being noted as used
    DOOR = "at the door"
    ACCEPTED = "accepted"
    TALKING = "talking"
    ENDED = "ended"


class GuestCall:
    """One guest's call, seen from the gateway.

    Attributes:
        hello: what the guest said first.
        stage: how far it is.
        rekeying: the epochs of its frame keys.
    """

    def __init__(
        self,
        hello: Hello,
        e_g: bytes,
        keys: GuestKeys,
        *,
        now: float,
        entropy: Entropy,
    ) -> None:
        """Take what the handshake gave; `e_g` is the guest's ephemeral key."""
        self.hello = hello
        self.stage = Stage.CONFIRMING
        self.rekeying = Rekeying(keys.call_secret, entropy)
        self._e_g, self._keys = e_g, keys
        self._sas = b""
        self._deadline = now + CONFIRM_S
        self._heard_at, self._is_asked = now, False
        self._offers: list[float] = []  # when the newest came
        self._has_media = False
        self._shown: State | None = None  # the newest, whatever its version
        self._tally: Tally | None = None
        self._theirs: tuple[Count, ...] = ()
        self._lost_at: float | None = None

    def receive(self, message: GuestMessage, now: float) -> list[Command]:  # noqa: PLR0911 - one line a type
        """Take one message of the guest's.

        Raises:
            RefusedError: a message that has no place now, or that shows that the guest
                is not who the handshake was with: the call must end.
        """
        self._heard_at, self._is_asked = now, False
        match message:
            case Confirm(nonce):
                return self._confirmed(nonce, now)
            case Hangup(reason, _):
                return self._end(reason, "the guest hung up", by_guest=True)
            case Ping(t):
                return [Say(Pong(t))] if t else []
            case Pong() | Unknown():
                return []
            case _ if self.stage not in {Stage.ACCEPTED, Stage.TALKING}:
                # Who is not let in yet has nothing to say that the host would read.
                said = type(message).__name__
                raise RefusedError(f"guest: {said} while {self.stage.value}")
            case Offer(sdp):
                return self._offered(sdp, now)
            case RekeyAck(fields):
                return [self.rekeying.answered(fields, now)]
            case _:
                return self._told(message)

    def _told(self, message: GuestMessage) -> list[Command]:
        match message:
            case SasResult(matched):
                if not matched:
                    raise TrustError("the guest reads other words")
                return [Pass(message)]
            case State():
                before, self._shown = self._shown, replace(message, version=0)
                return [] if self._shown == before else [Pass(message)]
            case LegsAck() | Digits():
                return [Pass(message)]
            case Counts(counts):
                self._theirs = counts
                return []
            case _:
                raise RefusedError(
                    f"guest: {type(message).__name__} is not for a guest to say"
                )

    # The host's machine, and his wishes.

    def spent(self, now: float) -> list[Command]:
        """Ask the host, now that the link is noted as used; nothing after the end."""
        if self.stage is not Stage.SPENDING:
            return []
        self.stage, self._deadline = Stage.DOOR, now + DOOR_S
        return [AskHost(self._sas), Say(Alerting())]

    def accept(self, now: float) -> None:
        """Let the guest in; he hears of it with `equip`.

        Raises:
            UnexpectedEventError: nobody is at the door.
        """
        if self.stage is not Stage.DOOR:
            raise UnexpectedEventError(f"guest: accepted while {self.stage.value}")
        self.stage, self._deadline = Stage.ACCEPTED, now + OFFER_S

    def equip(self, servers: tuple[Server, ...]) -> list[Command]:
        """Tell a guest who was let in which servers to use, from now on."""
        is_in = self.stage in {Stage.ACCEPTED, Stage.TALKING}
        return [Say(Accept(servers))] if is_in else []

    def hang_up(self, reason: HangupReason, why: str) -> list[Command]:
        """End it; a second time does nothing."""
        return self._end(reason, why)

    def compared(self, *, matched: bool) -> list[Command]:
        """Tell the guest what the host said of the words; other words end the call."""
        if not matched:
            said = Say(SasResult(matched=False))
            return [said, *self._end(HangupReason.SECURITY, "the words differ")]
        return [Say(SasResult(matched=True))]

    def opened_again(self) -> list[Command]:
        """Tell both that somebody used the link once more."""
        what = Happening.OPENED_AGAIN
        return [Say(Notice(what)), Warn(what)]

    def tell(self, message: Legs | LegEnd | State | Present) -> list[Command]:
        """Say something to the guest, once there is somebody to say it to."""
        is_early = self.stage in {Stage.CONFIRMING, Stage.SPENDING}
        return [] if is_early else [Say(message)]

    # What the media did.

    def answered(self, sdp: str, now: float) -> list[Command]:
        """Take the answer to the newest offer."""
        if self.stage is Stage.ENDED:
            return []
        if self.stage is Stage.ACCEPTED:
            self.stage = Stage.TALKING
            self.rekeying.talking(now)
        self._deadline = now + RESUME_S
        return [Say(Answer(sdp))]

    def connected(self) -> None:
        """Note that media have a way to the guest."""
        self._deadline = float("inf")

    def disconnected(self, now: float) -> None:
        """Note that they have none; the guest may make another connection."""
        self._deadline = now + RESUME_S

    def count(self, ours: Iterable[Count]) -> list[Command]:
        """Judge the last two seconds, and tell the guest what we counted.

        Raises:
            TrustError: frames passed that nobody sealed.
        """
        counts = tuple(ours)
        if self._tally is None:
            return []
        self._tally.judge(counts, self._theirs)
        return [Say(Counts(counts))]

    # Time, and sockets.

    def tick(self, now: float) -> list[Command]:
        """Let time pass; called some times a second."""
        if self.stage is Stage.ENDED:
            return []
        # A line that closed is waited for; one that is only quiet is asked first.
        gone_at = self._heard_at + QUIET_S if self._lost_at is None else self._lost_at
        if now >= gone_at + RESUME_S:
            return self._end(HangupReason.LOST, "the guest's line is gone")
        if now >= self._deadline:
            return self._end(*_OVERDUE[self.stage])
        if now >= self.rekeying.due_at:
            if self.rekeying.is_asked:
                return self._end(HangupReason.SECURITY, "the guest takes no new keys")
            return [Say(self.rekeying.ask(now))]
        return self._ask(now)

    def line_lost(self, now: float) -> None:
        """Note that the socket closed; the guest may come back with RESUME."""
        self._lost_at = now

    def resumed(self, now: float) -> None:
        """Note that the guest is back on a new socket."""
        self._lost_at, self._heard_at = None, now

    def _ask(self, now: float) -> list[Command]:
        """Ask a guest who says nothing whether he is there, once."""
        if self._is_asked or now < self._heard_at + QUIET_S:
            return []
        self._is_asked = True
        return [Say(Ping(1))]

    def _confirmed(self, nonce: bytes, now: float) -> list[Command]:
        if self.stage is not Stage.CONFIRMING:
            raise RefusedError("guest: CONFIRM came twice")
        guest.check_commitment(self.hello.commit, nonce, self._e_g)
        self.stage, self._deadline = Stage.SPENDING, now + SPEND_S
        self._sas = self._keys.sas(nonce)
        return [Spend()]

    def _offered(self, sdp: str, now: float) -> list[Command]:
        is_first, self._has_media = not self._has_media, True
        recent = [at for at in self._offers if now < at + OFFERS_S]
        self._offers = [*recent, now]
        if len(self._offers) > MAX_OFFERS:
            raise RefusedError(
                f"guest: more than {MAX_OFFERS} connections in {OFFERS_S:.0f} s"
            )
        self._tally = Tally(patient=is_first)
        self._theirs = ()
        commands: list[Command] = [StartMedia(sdp)]
        if not is_first and not self.rekeying.is_asked:
            # Another path is another chance for who listens: new keys for it.
            commands.append(Say(self.rekeying.ask(now)))
        return commands

    def _end(
        self, reason: HangupReason, why: str, *, by_guest: bool = False
    ) -> list[Command]:
        if self.stage is Stage.ENDED:
            return []
        self.stage = Stage.ENDED
        ended = End(reason, why, by_guest)
        return [ended] if by_guest else [Say(Hangup(reason, _NO_DEVICE)), ended]


_OVERDUE: Final = {
    Stage.CONFIRMING: (HangupReason.TIMEOUT, "the guest did not confirm"),
    Stage.SPENDING: (HangupReason.LOST, "the store of the host does not answer"),
    Stage.DOOR: (HangupReason.TIMEOUT, "nobody opened the door"),
    Stage.ACCEPTED: (HangupReason.TIMEOUT, "the guest set up no media"),
    Stage.TALKING: (HangupReason.LOST, "there is no way to the guest"),
}
"""Why a guest's call ends when its deadline passed."""
