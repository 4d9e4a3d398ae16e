"""A gateway that takes every call that comes, each into a bridge of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.voip.gateway.phones import Kept, make_authority, until
from voip.gateway.bridge import Bridge
from voip.gateway.joined import Joined
from voip.gateway.sip.account import parse_account
from voip.gateway.sip.call import CallOver, Happened, Secured
from voip.gateway.sip.leg import SipLeg
from voip.gateway.sip.telephone import Telephone
from voip.gateway.sip.telephony import SipLine
from voip.media.pattern import Tone
from voip.media.plan import MediaPlan


@dataclass(slots=True)
class Taken:
    """A call that was taken, and who sits at the other port of its bridge."""

    hertz: float
    ear: Kept = field(default_factory=Kept)
    secured: int = 0
    over: CallOver | None = None
    phone: Telephone | None = None


@dataclass(slots=True)
class Switchboard:
    """A gateway by UDP, without encryption: what SIPp can talk to."""

    line: SipLine
    port: int
    taken: list[Taken] = field(default_factory=list)
    rang: list[SipLeg] = field(default_factory=list)
    is_taking: bool = True

    @property
    def up(self) -> int:
        return sum(each.secured > 0 and each.over is None for each in self.taken)

    @property
    def over(self) -> int:
        return sum(each.over is not None for each in self.taken)

    async def stands(self, count: int) -> None:
        """Wait until so many calls are up."""
        await until(lambda: self.up == count, 30)

    def hang_up(self) -> None:
        for each in self.taken:
            if each.phone is not None:
                each.phone.hang_up()


@asynccontextmanager
async def running_switchboard(
    folder: Path, port: int, *, records: bool = True
) -> AsyncIterator[Switchboard]:
    """Take all calls; each hears a tone of its own, 20 Hz above the one before."""
    account = (
        f"account sip:gateway@127.0.0.1\nregister never\ntransport udp\ncodecs pcmu\n"
        f"keying none\nunencrypted allowed\nlisten {port}\n"
    )
    line = SipLine(
        parse_account(account.encode()),
        ca_file=make_authority(folder / "authority").ca_file,
        allow_unencrypted=True,
        interface="127.0.0.1",
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(line)
        await line.registered()
        board = Switchboard(line, port)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        coming = tasks.create_task(_take_all(board, tasks, records=records))
        yield board
        coming.cancel()
        board.hang_up()


async def _take_all(
    board: Switchboard, tasks: asyncio.TaskGroup, *, records: bool
) -> None:
    async for leg in board.line.incoming():
        board.rang.append(leg)
        if board.is_taking:
            taken = Taken(400.0 + 20 * (len(board.taken) % 64))
            board.taken.append(taken)
            tasks.create_task(_take(board, taken, leg, records=records))


async def _take(
    board: Switchboard, taken: Taken, leg: SipLeg, *, records: bool
) -> None:
    def tell(happened: Happened) -> None:
        taken.secured += isinstance(happened, Secured)

    async with Bridge() as bridge:
        port, me = bridge.port("telephone"), bridge.port("me")
        phone = taken.phone = Telephone(board.line, Joined(), port, tell=tell)
        phone.announce("caller")
        me.open()
        ear = taken.ear if records else Kept()
        plan = MediaPlan(audio_source=Tone(taken.hertz), audio_sink=ear)
        beside = asyncio.create_task(bridge.attach(me, plan))
        try:
            taken.over = await phone.take(leg)
        finally:
            beside.cancel()
