"""Which key when: install, switch, retire, and never one key twice.

A rekey to epoch e+1, as each side lives it (docs/formats/media.md)::

    responder   REKEY came: install e+1 to receive ─ sends REKEY_ACK
    initiator   REKEY_ACK came: install e+1 to receive ─ sends under e+1
    responder   first packet verifies under e+1 ─ sends under e+1
    both        drop e 10 s after their first packet under e+1

Receiving always comes first, so no packet is ever sent that cannot be read. While a
stream is close to the wrap of its 16-bit sequence number nobody switches: SRTP counts
the wraps by guessing (RFC 3711 §3.3.1), and under a new key whose first packets are
lost around a wrap it would guess wrong for good.
"""

from dataclasses import dataclass, field
from typing import Final

from voip.errors import KeyReuseError, UnexpectedEventError
from voip.handshake import schedule
from voip.media.events import MediaEvent, ReceiveEpochRetired, RekeyDue, RekeyLate

CALLER: Final = 0
CALLEE: Final = 1

REKEY_EVERY_S = 120.0  # what a passive thief of live memory can read at most
CALLEE_WAITS_S = 5.0  # so that the two sides do not begin at once every time
WARN_AFTER_S = 300.0  # two rekeys have failed
GIVE_UP_AFTER_S = 600.0  # dropping records must not hold a call in an old epoch
RETIRE_AFTER_S = 10.0  # no packet of the old epoch travels for longer
WRAP_GUARD = 1024  # the replay window: what is later than that is refused anyway
ASK_AGAIN_S = 10.0  # while nobody has begun the rekey that is due
ACTIVE_S = 10.0  # a stream paused for longer does not hold the others up


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochKeys:
    """The media keys of one epoch, each key (32) || salt (12)."""

    srtp_send: bytes = field(repr=False)
    srtp_receive: bytes = field(repr=False)
    record_send: bytes = field(repr=False)
    record_receive: bytes = field(repr=False)


class KeyFactory:
    """Derives the media keys of each epoch, once.

    Two SRTP sessions under one key would both start their sequences there and so
    repeat AES-GCM nonces, which gives away plaintext and authentication key.
    """

    def __init__(self, role: int) -> None:
        """Take the side we play, `CALLER` or `CALLEE`."""
        self._role = role
        self._newest = -1

    def keys(self, epoch: int, secret: bytes) -> EpochKeys:
        """Derive the keys of `epoch` from its 64-byte secret.

        Raises:
            KeyReuseError: this epoch, or a later one, had its keys before.
        """
        if epoch <= self._newest:
            raise KeyReuseError(f"keys of epoch {epoch} were handed out before")
        self._newest = epoch
        return EpochKeys(
            srtp_send=schedule.srtp(secret, self._role, epoch),
            srtp_receive=schedule.srtp(secret, 1 - self._role, epoch),
            record_send=schedule.record(secret, self._role, epoch),
            record_receive=schedule.record(secret, 1 - self._role, epoch),
        )


class Epochs:
    """The epochs of one side of a call, as numbers and times in seconds."""

    def __init__(self, now: float, role: int) -> None:
        self.sending = 0
        self.receiving: tuple[int, ...] = (0,)  # newest first
        self.trial: tuple[int, ...] = (0,)  # the one in use first: a miss costs double
        self._rekey_every_s = REKEY_EVERY_S + CALLEE_WAITS_S * (role == CALLEE)
        self._retired: list[int] = []
        self._wanted = 0
        self._heard = 0
        self._retire_at: float | None = None
        self._completed_at = now
        self._ask_at = now
        self._limits = [WARN_AFTER_S, GIVE_UP_AFTER_S]
        self._position: dict[int, tuple[int, float]] = {}  # ssrc -> sequence, when

    @property
    def is_ready(self) -> bool:
        """Whether a rekey may start: one epoch is live, in both directions."""
        return self.receiving == (self.sending,)

    def install(self, epoch: int, *, initiator: bool) -> None:
        """Receive under a new epoch from now on; the initiator also sends under it.

        As responder an older epoch may still be live here: the other side, which
        began, has heard us in the present one for 10 s and dropped it first.

        Raises:
            UnexpectedEventError: not the next epoch, or two are live already.
        """
        present, *older = self.receiving
        is_next = epoch == self.sending + 1 == present + 1
        if not is_next or (initiator and older):
            raise UnexpectedEventError(
                f"epoch {epoch} while sending under {self.sending} "
                f"and receiving under {self.receiving}"
            )
        self._drop(older)
        self.receiving = (epoch, present)
        self.trial = (present, epoch)
        if initiator:
            self._wanted = epoch

    def verified(self, epoch: int, now: float) -> None:
        """Take note of a packet that verified under `epoch`."""
        if epoch > self._heard:
            self._heard = self._wanted = epoch
            self.trial = self.receiving
            self._retire_at = now + RETIRE_AFTER_S
            self._note_completion(now)

    def sent(self, ssrc: int, sequence: int, now: float) -> None:
        """Take note of an RTP packet about to be sealed; then ask `switch`."""
        self._position[ssrc] = (sequence, now)

    def switch(self, now: float) -> bool:
        """Move sending to the epoch it should be in, unless a wrap is near."""
        if self._wanted == self.sending:
            return False
        if any(
            now - when <= ACTIVE_S and 65536 - sequence <= WRAP_GUARD
            for sequence, when in self._position.values()
        ):
            return False
        self.sending = self._wanted
        self._note_completion(now)
        return True

    def tick(self, now: float) -> list[MediaEvent]:
        """Retire an old epoch and ask for a new one, as time passes."""
        if self._retire_at is not None and now >= self._retire_at:
            self._drop(list(self.receiving[1:]))
        news: list[MediaEvent] = [ReceiveEpochRetired(old) for old in self._retired]
        self._retired.clear()
        age = now - self._completed_at
        if self.is_ready and age >= self._rekey_every_s and now >= self._ask_at:
            self._ask_at = now + ASK_AGAIN_S
            news.append(RekeyDue())
        if self._limits and age >= self._limits[0]:
            news.append(RekeyLate(self._limits.pop(0), fatal=not self._limits))
        return news

    def _drop(self, old: list[int]) -> None:
        self._retire_at = None
        self._retired += old
        self.receiving = self.trial = self.receiving[:1]

    def _note_completion(self, now: float) -> None:
        if self.sending == self._heard == self.receiving[0]:
            self._completed_at = now
            self._limits = [WARN_AFTER_S, GIVE_UP_AFTER_S]
