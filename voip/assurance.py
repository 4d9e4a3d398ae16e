"""How sure we are of who is there, during one call: kept on disk and told to the user.

Carrier: writes the store. What a handshake or the user's comparison means for the trust
in a device is `voip.identity.trust`'s to say.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from voip.errors import UnexpectedEventError
from voip.events import End
from voip.identity.contact import Device
from voip.identity.trust import (
    DeviceTrust,
    Reason,
    TrustState,
    alerting_acked,
    broken,
    words_matched,
)
from voip.identity.vault import Vault
from voip.identity.words import decimal, words
from voip.leg import Leg
from voip.logline import LogLine
from voip.news import MicrophoneClosed, News, TrustKnown, WordsKnown

Keep = Callable[[Callable[[Vault], Vault]], Vault]
"""Applies a change to the store; on disk when it returns."""


class Assurance:
    """The trust of one call in the devices of one person, and its line in the log."""

    def __init__(
        self,
        identity: bytes,
        log: LogLine,
        *,
        keep: Keep,
        tell: Callable[[News], None],
        strict: bool = False,
    ) -> None:
        self._identity = identity
        self._log = log
        self._keep_change = keep
        self._tell = tell
        self._strict = strict
        self._settled_for_now = False  # the user speaks all the same, in this call
        self._differ = False  # the words, says the user: true before it is on disk

    # The log.

    async def begun(self) -> None:
        """Log that the call is real to its user."""
        await self._keep(self._log.begun)

    def answered(self) -> None:
        """Note when the two sides got connected."""
        self._log.answered(_unix())

    async def recorded(self, *, there: bool) -> None:
        """Log at once that the call is being recorded, whatever becomes of it."""
        record = self._log.record
        if not (record.recorded_there if there else record.recorded):
            await self._keep(lambda vault: self._log.recorded(vault, there=there))

    async def finished(self, end: End) -> None:
        """Log how the call ended."""
        await self._keep(lambda vault: self._log.finished(vault, end, _unix()))

    # Trust; each is on disk when it returns.

    def show(self, leg: Leg) -> None:
        """Tell the user who this seems to be, and the words if there are any."""
        self._tell(TrustKnown(leg.trust.trust, leg.device))
        if leg.sas is not None:
            self._tell(WordsKnown(words(leg.sas), decimal(leg.sas)))

    async def judged(self, leg: Leg) -> None:
        """Keep what the handshake says, where it is bad news.

        The caller's: whoever sent RINGING holds the identity's and the device's keys,
        and may never say anything more.
        """
        if leg.trust.trust.state is TrustState.BROKEN:
            await self._change(leg, leg.judged)

    async def committed(self, leg: Leg) -> None:
        """Keep the secret that this call leaves with both devices."""
        await self._change(leg, leg.committed)

    async def alerting_acked(self, leg: Leg) -> None:
        """Forget the secret before: the caller has the new one."""
        await self._change_trust(leg, lambda trust: alerting_acked(trust, leg.retained))

    async def broken(self, leg: Leg, reason: Reason) -> None:
        """Mark the device: something happened that happens to nobody honest."""
        await self._change_trust(leg, lambda trust: broken(trust, reason, _unix()))

    async def compared(self, leg: Leg, *, matched: bool) -> None:
        """Take what the user found when comparing the words.

        Where they differ the microphone stays closed from here on, also while the disk
        is slow, and if it refuses.

        Raises:
            UnexpectedEventError: there are no words yet.
        """
        if leg.sas is None:
            raise UnexpectedEventError("words compared before there are any")
        if matched:
            await self._change_trust(leg, lambda trust: words_matched(trust, _unix()))
            self._differ = False
        else:
            self._settled_for_now, self._differ = False, True
            await self.broken(leg, Reason.WORDS_DIFFER)

    # The microphone.

    def settle_for_now(self) -> None:
        """The user speaks although the trust is in doubt, in this call only."""
        self._settled_for_now = True

    def may_speak(self, leg: Leg) -> bool:
        """Whether the microphone may open; tells the user why not."""
        doubted = {TrustState.BROKEN}
        if self._strict:
            doubted.add(TrustState.NEW)  # nobody has compared words with it yet
        trust = leg.trust.trust
        is_doubted = self._differ or trust.state in doubted
        if self._settled_for_now or not is_doubted:
            return True
        reason = Reason.WORDS_DIFFER if self._differ else trust.reason
        self._tell(MicrophoneClosed(reason.value))
        return False

    # The store.

    async def _change_trust(
        self, leg: Leg, change: Callable[[DeviceTrust], DeviceTrust]
    ) -> None:
        before = leg.trust.trust
        await self._change(
            leg, lambda device, _now: replace(device, trust=change(device.trust))
        )
        if leg.trust.trust != before:
            self._tell(TrustKnown(leg.trust.trust, leg.device))

    async def _change(self, leg: Leg, change: Callable[[Device, int], Device]) -> None:
        now = _unix()

        def apply(vault: Vault) -> Vault:
            contact = vault.contacts.by_identity(self._identity)
            if contact is None:
                # A stranger, or removed during the call: shown, but not kept.
                leg.trust = change(Device(leg.device, leg.trust), now).trust
                return vault
            device = change(contact.device(leg.device, now), now)
            leg.trust = device.trust
            return replace(
                vault, contacts=vault.contacts.put(contact.with_device(device, now))
            )

        await self._keep(apply)

    async def _keep(self, change: Callable[[Vault], Vault]) -> None:
        await asyncio.to_thread(self._keep_change, change)


def _unix() -> int:
    return int(time.time())
