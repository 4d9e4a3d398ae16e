"""A contact who keeps to no rule: he has the keys of the call and says what he likes.

What he sends is handed to the victim's transport as the socket would hand it over, one
datagram after the other, so that a flood takes no longer than the victim.
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pylibsrtp import Error, Policy, Session

from tests.voip.media.call_media import SECRET, Side, connected
from voip.description import Kind
from voip.media.epochs import CALLER, KeyFactory
from voip.media.events import MediaEvent
from voip.media.profile import AUDIO_PT
from voip.media.record import Sealer


class Attacker:
    """The caller's keys, and the callee in reach."""

    def __init__(self, side: Side, victim: Side) -> None:
        keys = KeyFactory(CALLER).keys(0, SECRET)
        policy = Policy(
            key=keys.srtp_send,
            ssrc_type=Policy.SSRC_ANY_OUTBOUND,
            srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
        )
        policy.window_size = 1 << 14
        policy.allow_repeat_tx = True
        self._session = Session(policy)
        self._sealer = Sealer(keys.record_send, 0)
        self._sealer._number = 1 << 20  # far from those that his own side used
        self.side, self.victim = side, victim
        self.ssrcs = {each.kind: each.ssrc for each in side.media._ours}
        # His own sound ends, and his packets go on from there: older ones are refused.
        talk = side.media._content._talk
        talk.stop()
        self._first = talk.speaking.sequence
        self.victim_ssrcs = {each.kind: each.ssrc for each in victim.media._ours}

    async def breathe(self, seconds: float = 0.0) -> None:
        """Let the victim do what it does otherwise."""
        await asyncio.sleep(seconds)

    def events(self) -> list[MediaEvent]:
        """Take what the victim told."""
        told = self.victim.media._events
        return [told.get_nowait() for _ in range(told.qsize())]

    def send(self, datagram: bytes) -> None:
        """Let a datagram arrive."""
        receive = self.victim.media._ways.current.receive
        assert receive is not None
        receive(datagram)

    def rtp(
        self,
        payload: bytes,
        *,
        sequence: int = 0,
        timestamp: int = 0,
        ssrc: int | None = None,
        kind: int = AUDIO_PT,
        flags: int = 0x80,
    ) -> None:
        """Send an RTP packet; one that libsrtp would not seal is left out.

        Numbers are counted from where the attack began.
        """
        ssrc = self.ssrcs[Kind.AUDIO] if ssrc is None else ssrc
        numbers = sequence + self._first & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc
        head = struct.pack(">BBHII", flags, kind, *numbers)
        try:
            self.send(self._session.protect(head + payload))
        except (Error, TypeError):
            return

    def rtcp(self, packet: bytes) -> None:
        """Send RTCP; likewise."""
        try:
            self.send(self._session.protect_rtcp(packet))
        except (Error, TypeError):
            return

    def record(self, plaintext: bytes) -> None:
        """Send a record."""
        self.send(self._sealer.seal(plaintext))


@asynccontextmanager
async def attacked(**wishes: Any) -> AsyncIterator[Attacker]:
    """Connect a call whose caller attacks; nothing unforeseen may come of it."""
    side, victim = Side(CALLER, **wishes), Side(1, **wishes)
    failures: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(context))
    async with connected(side, victim):
        if victim.camera is not None:  # so that there is something to ask for
            victim.media.set_pictures(frozenset({Kind.VIDEO}))
        await asyncio.sleep(0.1)
        yield Attacker(side, victim)
    assert failures == []
