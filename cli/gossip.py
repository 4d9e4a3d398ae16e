"""Two people in a call compare what their update logs told them.

Joins `updater.driver.comparing` to the frames of a call: once in a call, with contacts,
and with each at most once an hour. What goes wrong beside a call is told and never ends
it. Without an updater that follows a log nothing is loaded, and nobody is asked.
"""

import asyncio
import contextlib
import os
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cli.output import alarm, escape
from voip.conversation import Conversation
from voip.errors import CallError
from voip.identity.calllog import CallLog
from voip.identity.trust import TrustState
from voip.news import Json
from voip.upkeep import VaultKeeper

if TYPE_CHECKING:  # loaded only where there is an updater
    from updater.driver.comparing import Compared, Comparing
    from updater.transparency.gossip import Exchange, Result

_STATE = Path("log", "state.json")  # is there once a log was followed


@dataclass(frozen=True, slots=True)
class Said:
    """What the user is told: for programs, and in lines; an alarm stays in view."""

    facts: Json
    lines: tuple[str, ...]
    is_alarm: bool = field(default=False, kw_only=True)


Tell = Callable[[Said], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gossip:
    """How a person compares logs in calls.

    Attributes:
        root: the managed folder of their updater.
        store: whom they know, and have called.
        after_s: how long after a call stands it begins; None is 20 to 60 s by chance.
    """

    root: Path
    store: VaultKeeper
    after_s: float | None = None

    async def run(self, conversation: Conversation, tell: Tell) -> None:
        """Compare once in a call that stands, until it is over at the latest."""
        try:
            # On a thread, here and below: the sound goes on meanwhile.
            if await asyncio.to_thread(self._is_welcome, conversation):
                await _Comparison(self, conversation, tell).run()
        except Exception as error:  # noqa: BLE001 - the call goes on whatever it was
            tell(_not_compared(str(error) or type(error).__name__))

    def _is_welcome(self, conversation: Conversation) -> bool:
        """Tell whether there is something to compare, and whether with them."""
        if not (self.root / _STATE).is_file():
            return False
        trust, vault = conversation.trust, self.store.read()
        if trust is None or trust.state is TrustState.BROKEN:
            return False  # an agreement is worth as much as we know whose it is
        if vault.contacts.by_identity(conversation.identity) is None:
            return False
        from updater.transparency.gossip import PAUSE_S, is_due  # noqa: PLC0415 - see above

        last = last_talk(
            vault.calls,
            conversation.identity,
            besides=conversation.call_id,
            least_s=PAUSE_S[0],
        )
        return is_due(last, time.time())


def last_talk(
    calls: CallLog, identity: bytes, *, besides: bytes, least_s: float
) -> int | None:
    """Give when the last other call began that was long enough to compare in.

    The call log knows: no further file has to remember who talks to whom. POSIX
    seconds; None if there was none.
    """
    return max(
        (
            call.answered
            for call in calls.calls
            if call.identity == identity
            and call.call_id != besides
            and call.answered is not None
            and (call.ended is None or call.ended - call.answered >= least_s)
        ),
        default=None,
    )


class _Comparison:
    """The exchange of one call."""

    def __init__(self, gossip: Gossip, conversation: Conversation, tell: Tell) -> None:
        self._gossip = gossip
        self._conversation = conversation
        self._tell = tell
        self._frames = conversation.frames()

    async def run(self) -> None:
        """Wait until it is time, or the other side begins; compare; keep what came."""
        is_ours = self._conversation.is_outgoing
        try:
            first = None if is_ours else await anext(self._frames)
            if is_ours and not await self._is_time():
                return
        except StopAsyncIteration:
            return  # the call is over
        logs = await asyncio.to_thread(_open, self._gossip.root)
        exchange = logs.exchange(initiator=is_ours)
        answers = exchange.start(_now())
        if first is not None:
            answers = await asyncio.to_thread(exchange.receive, first, _now())
        await self._talk(exchange, answers)
        assert exchange.result is not None
        await self._keep(logs, exchange.result)

    async def _is_time(self) -> bool:
        """Wait for the time to begin; a frame before it is of no peer of ours."""
        try:
            async with asyncio.timeout(_pause_s(self._gossip.after_s)):
                await anext(self._frames)
        except TimeoutError:
            return True
        return False

    async def _talk(self, exchange: "Exchange", answers: Sequence[bytes]) -> None:
        """Pass frames back and forth until there is a result."""
        assert exchange.deadline is not None
        while True:
            for frame in answers:
                with contextlib.suppress(CallError):  # over: the reading ends too
                    self._conversation.send_frame(frame)
            if exchange.result is not None:
                return
            try:
                async with asyncio.timeout_at(exchange.deadline):
                    frame = await anext(self._frames)
            except (TimeoutError, StopAsyncIteration):
                exchange.tick(exchange.deadline)  # what is proven by now stands
                return
            answers = await asyncio.to_thread(exchange.receive, frame, _now())

    async def _keep(self, logs: "Comparing", result: "Result") -> None:
        peer = self._conversation.identity
        for compared in await asyncio.to_thread(logs.keep, result, peer):
            if (said := _say(compared, self._conversation.alias)) is not None:
                self._tell(said)
        if result.ending == "breach":
            self._tell(_not_compared(result.text))


def _open(root: Path) -> "Comparing":
    from cli.updating import Place  # noqa: PLC0415 - see above
    from updater.driver.comparing import open_logs  # noqa: PLC0415 - likewise

    place = Place(root)
    return open_logs(place.root, place.anchor())


def _pause_s(after_s: float | None) -> float:
    from updater.transparency.gossip import first_at  # noqa: PLC0415 - likewise

    return first_at(0.0, os.urandom) if after_s is None else after_s


def _say(compared: "Compared", alias: str) -> Said | None:
    """Say what came of one log; None if nothing did."""
    from updater.transparency.frames import Verdict  # noqa: PLC0415 - likewise

    match compared.verdict:
        case Verdict.SAME | Verdict.CONSISTENT if not compared.trouble:
            return _agreed(compared)
        case Verdict.FORK:
            return _forked(compared, alias)
        case Verdict.INVALID:
            return _not_compared("the other side said what it could not prove")
        case _:
            return _not_compared(compared.trouble) if compared.trouble else None


def _agreed(compared: "Compared") -> Said:
    facts: Json = {
        "event": "logs-agree",
        "origin": compared.origin,
        "size": compared.size,
        "people": compared.people,
    }
    return Said(facts, (f"your update logs agree, size {compared.size}",))


def _forked(compared: "Compared", alias: str) -> Said:
    path = compared.evidence
    facts: Json = {
        "event": "logs-fork",
        "origin": compared.origin,
        "size": compared.size,
        "evidence": None if path is None else path.stem,
        "path": None if path is None else str(path),
        "frozen": compared.is_frozen,
    }
    found = (
        f"{alarm('UPDATE LOG FORKED')}: {escape(compared.origin)} has shown you and"
        f" {escape(alias)} two different histories"
    )
    if path is None:
        trouble = f"the evidence could not be kept: {escape(compared.trouble)}"
        return Said(facts, (found, trouble, "install no update"), is_alarm=True)
    state = (
        "your updates are frozen"
        if compared.is_frozen
        else "you have let updates go on in spite of this evidence"
    )
    order = f"ringfence log evidence export {path.stem} --out fork.json"
    folder = shlex.quote(str(path.parents[2]))
    lines = (
        found,
        f"{state}; the evidence is saved: {escape(str(path))}",
        f"for others to verify: {order} --root {escape(folder)}",
    )
    return Said(facts, lines, is_alarm=True)


def _not_compared(reason: str) -> Said:
    return Said(
        {"event": "logs-not-compared", "reason": reason},
        (f"update logs not compared: {escape(reason)}",),
    )


def _now() -> float:
    return asyncio.get_running_loop().time()
