"""What a caller hears before anybody answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.voip.gateway.phones import (
    THEIRS_HZ,
    Watched,
    free_ports,
    make_authority,
    need_stack,
    peak_hz,
    watch,
)
from tests.voip.gateway.sippeer import (
    NULL_SUITE,
    SRTP,
    Media,
    Peer,
    Voice,
    describe,
    serving_peer,
)
from voip.gateway.sip.account import parse_account
from voip.gateway.sip.call import Answered, EarlyMedia, Rings, Secured
from voip.gateway.sip.ringback import HERTZ
from voip.gateway.sip.telephony import SipLine
from voip.signalling.legs import LegReason, Mark

SUITE = "AES_CM_128_HMAC_SHA1_80"


@dataclass(slots=True)
class Called:
    """A call on its way, and who has it."""

    call: Watched
    peer: Peer
    voice: Voice

    def progress(self, media: Media, status: str = "183 Session Progress") -> None:
        self.peer.respond(status, describe(media, self.voice.port))


@asynccontextmanager
async def calling(folder: Path, *, speaks: bool = True) -> AsyncIterator[Called]:
    """Call a peer made by hand, which plays a tone from the first moment on."""
    need_stack()
    authority, port = make_authority(folder / "authority"), free_ports()
    account = f"account sip:gateway@localhost:{port}\nregister never\ncodecs pcmu\n"
    line = SipLine(
        parse_account(account.encode()),
        ca_file=authority.ca_file,
        interface="127.0.0.1",
    )
    async with serving_peer(authority.vouch("localhost"), port) as peers, line:
        await line.registered()
        call = watch(line.dial(f"sip:peer@localhost:{port}"))
        peer, voice = await peers.get(), Voice(THEIRS_HZ)
        port = await peer.hear_call()
        sending = asyncio.create_task(voice.send(port if speaks else voice.port))
        try:
            yield Called(call, peer, voice)
        finally:
            sending.cancel()


@pytest.mark.slow
async def test_an_announcement_before_the_answer_is_heard(tmp_path: Path) -> None:
    async with calling(tmp_path) as called:
        called.progress(SRTP)
        early = await called.call.until(EarlyMedia)
        await called.call.hears(1.5)

    assert early == EarlyMedia(Mark.TO_PBX, SUITE)
    assert Answered() not in called.call.happened
    assert called.call.ear.hertz == pytest.approx(THEIRS_HZ, abs=5)


@pytest.mark.slow
async def test_a_call_that_only_rings_is_heard_ringing_here(tmp_path: Path) -> None:
    async with calling(tmp_path) as called:
        called.peer.respond("180 Ringing")
        await called.call.until(Rings)
        await called.call.hears(0.9)

    assert called.call.ear.hertz == pytest.approx(HERTZ, abs=5)


@pytest.mark.slow
async def test_an_announcement_without_keys_that_are_good_is_not_heard(
    tmp_path: Path,
) -> None:
    async with calling(tmp_path) as called:
        called.progress(NULL_SUITE)
        await called.call.until(Rings)
        await called.call.hears(0.9)

    # Our own tone, or nothing where the stack ends the call for it.
    assert called.call.ear.hertz == pytest.approx(HERTZ, abs=5)


@pytest.mark.slow
async def test_an_answer_after_an_announcement_goes_on_with_its_sound(
    tmp_path: Path,
) -> None:
    async with calling(tmp_path) as called:
        called.progress(SRTP)
        await called.call.until(EarlyMedia)
        called.progress(SRTP, "200 OK")
        secured = await called.call.secured()
        await called.call.hears(1.5)
        called.call.leg.end()

    assert secured == Secured(Mark.TO_PBX, SUITE)
    assert called.call.ear.hertz == pytest.approx(THEIRS_HZ, abs=5)


@pytest.mark.slow
async def test_a_refusal_after_an_announcement_is_a_refusal(tmp_path: Path) -> None:
    async with calling(tmp_path) as called:
        called.progress(SRTP)
        await called.call.until(EarlyMedia)
        called.peer.respond("486 Busy Here")
        over = await called.call.over()

    assert over.reason is LegReason.BUSY


@pytest.mark.slow
async def test_an_announcement_of_nothing_rings_here_and_ends_no_call(
    tmp_path: Path,
) -> None:
    async with calling(tmp_path, speaks=False) as called:
        called.progress(SRTP)
        await called.call.until(EarlyMedia)
        await asyncio.sleep(12)  # longer than the stack waits for sound in a call
        happened = called.call.happened[-1]
        first = np.frombuffer(bytes(called.call.ear.pcm[:96000]), "<i2")

    assert isinstance(happened, EarlyMedia)
    assert peak_hz(first) == pytest.approx(HERTZ, abs=5)
