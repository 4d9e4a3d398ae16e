"""One call at the console: its news are shown, its user's orders carried out."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cli.codes import Code
from cli.console import Console
from cli.display import Display
from cli.ends import code_of
from cli.gossip import Said
from cli.interrupted import on_interrupt
from cli.manners import Manners
from cli.output import conclude, escape
from cli.quality import summary_facts, summed
from cli.steward import Steward
from cli.view import Seen, after, sentence
from cli.watch import Watch
from voip.call import State
from voip.conversation import Conversation
from voip.errors import MissingError, RefusedError
from voip.identity.keys import format_identity
from voip.identity.trust import TrustState
from voip.media.ends.open import Ends
from voip.news import Ended, FileArrived, Json, LegsChanged, format_json

_REDRAW_S = 0.2  # levels move, the duration ticks
_NOTE_S = 1.0  # how often the media takes its figures


class Talk:
    """One call, from its first news to its last."""

    def __init__(
        self,
        conversation: Conversation,
        console: Console,
        *,
        manners: Manners,
        ends: Callable[[], Ends | None],
        number: int = 1,
    ) -> None:
        """Take the call, which is the first, second and so on of this program.

        `ends` gives what it hears and shows with, once that is open.
        """
        self.is_interrupted = False
        self._conversation = conversation
        self._console = console
        self._manners = manners
        self._number = number
        self._told: set[str] = set()
        self._stands = asyncio.Event()  # or is over
        self._watch = Watch(conversation, ends)
        self._display = Display(
            conversation.call_id,
            console.front,
            seen=Seen(
                alias=conversation.alias,
                video=manners.video and conversation.is_outgoing,
                muted=manners.push_to_talk,
                push_to_talk=manners.push_to_talk,
            ),
            live=lambda: self._watch.live(time.monotonic()),
        )
        self._beside: set[asyncio.Task[None]] = set()
        self._steward = Steward(
            conversation,
            self._display,
            manners=manners,
            watch=self._watch,
            spawn=lambda work: self._beside.add(self._tasks.create_task(work)),
        )

    @property
    def code(self) -> Code:
        """How the program ends if this was its last call."""
        end, trust = self._conversation.end, self._conversation.trust
        assert end is not None
        is_broken = trust is not None and trust.state is TrustState.BROKEN
        return code_of(end, is_broken=is_broken)

    async def run(self) -> Ended:
        """Hold the call; an interrupt hangs up."""
        with on_interrupt(self._interrupted):
            async with asyncio.TaskGroup() as self._tasks:
                beside = self._beside
                beside |= {
                    self._tasks.create_task(self._obey()),
                    self._tasks.create_task(self._keep_time()),
                    self._tasks.create_task(self._steward.telephones.hear()),
                }
                # Ends by itself: what it has found by then is still kept.
                self._tasks.create_task(self._compare_logs())
                self._begin()
                ended = await self._listen()
                self._stands.set()
                await self._conversation.finished()
                self._tell_troubles()
                self._steward.tape.look()
                for task in beside:
                    task.cancel()
        await self._sum_up()
        return ended

    def warn(self, trouble: str) -> None:
        """Show what went wrong beside the call."""
        self._display.warn(trouble)

    # What happens.

    def _begin(self) -> None:
        conversation, show = self._conversation, self._display.show
        trust = conversation.trust
        facts: Json = {
            "event": "outgoing" if conversation.is_outgoing else "incoming",
            "alias": conversation.alias,
            "identity": format_identity(conversation.identity),
        }
        if conversation.is_outgoing or trust is None:
            show(facts, f"calling {escape(conversation.alias)}")
            return
        facts |= {"trust": trust.state.value, "reason": trust.reason.value}
        show(facts, f"{escape(conversation.alias)} is calling")
        # After both dialled at once, a call may be accepted as it comes.
        rings = conversation.state is State.RINGING
        # Taking the call agrees to the legs that it came with: a person's to do.
        doubtful = trust.state is TrustState.BROKEN or conversation.asks_about_legs
        if self._manners.auto and rings and not doubtful:
            self._steward.accept()

    async def _listen(self) -> Ended:
        display = self._display
        async for news in self._conversation.news():
            display.seen = after(display.seen, news, time.monotonic())
            facts = format_json(news, with_words=self._manners.show_words)
            line = sentence(news)
            display.show(facts, *([line] if line else []))
            if display.seen.connected_at is not None and not self._stands.is_set():
                self._stands.set()
                self._stood()
            if isinstance(news, FileArrived):
                self._keep_file(news)
            if isinstance(news, LegsChanged):
                self._steward.telephones.take(news)
            if isinstance(news, Ended):
                return news
        raise AssertionError("news without an end")

    def _stood(self) -> None:
        """Do what the user wished for a call that stands."""
        if self._manners.screen:
            self._conversation.set_screen(on=True)
            self._display.show_own(replace(self._display.seen, screen=True))

    def _keep_file(self, news: FileArrived) -> None:
        display, folder = self._display, self._manners.files
        if folder is None:
            display.refuse("a file came and was dropped: --files says where they go")
            return
        path = folder / news.name
        try:
            _write_new(path, news.data)
        except OSError as error:
            display.refuse(f"a file came and was dropped: {path}: {error.strerror}")
        else:
            display.answer({"event": "saved", "path": str(path)}, f"saved {path}")

    async def _compare_logs(self) -> None:
        await self._stands.wait()
        if self._manners.gossip is not None:
            await self._manners.gossip.run(self._conversation, self._tell_of_logs)

    def _tell_of_logs(self, said: Said) -> None:
        display = self._display
        if said.is_alarm:
            display.seen = replace(display.seen, alarm=said.lines)
            display.show(said.facts, *said.lines)
        else:
            display.answer(said.facts, *said.lines)

    def _interrupted(self) -> None:
        self.is_interrupted = True
        self._conversation.hang_up()

    async def _obey(self) -> None:
        while True:
            raw = await self._console.typed.get()
            for order in self._console.front.take(raw, lambda: self._display.seen):
                await self._steward.do(order)
            self._display.draw()

    # Time.

    async def _keep_time(self) -> None:
        every = self._manners.stats_s
        note_at = told_at = time.monotonic()
        while True:
            await asyncio.sleep(_REDRAW_S)
            now = time.monotonic()
            if now - note_at >= _NOTE_S:
                note_at += _NOTE_S
                self._watch.note(now)
                self._tell_troubles()
                self._steward.tape.look()
            if every is not None and now - told_at >= every:
                told_at += every
                if self._watch.live(now) is not None:
                    self._steward.tell_stats()
            self._display.draw()

    def _tell_troubles(self) -> None:
        """Say what became of devices, and once of each end that it has failed.

        Nobody shall talk into nothing.
        """
        for change in self._watch.changes():
            self._steward.devices.say(change)
        for failure in self._watch.failures():
            if failure not in self._told:
                self._told.add(failure)
                self.warn(failure)

    async def _sum_up(self) -> None:
        """Say what the call was like, and keep the files about it."""
        diary = self._watch.diary
        if diary is None:
            return
        summary = diary.summary()
        stamp: Json = {"call_id": self._conversation.call_id.hex()}
        conclude({**stamp, **summary_facts(summary)}, f"the call: {summed(summary)}")
        try:
            # On a thread: a plot takes a second, in which somebody may call.
            files = await asyncio.to_thread(
                self._manners.report.write, diary, self._number
            )
        except (MissingError, RefusedError) as error:
            self.warn(str(error))
            return
        for path in files:
            facts: Json = {**stamp, "event": "saved", "path": str(path)}
            conclude(facts, f"saved {escape(str(path))}")


def _write_new(path: Path, data: bytes) -> None:
    """Write what came, for our eyes only, and never over anything."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
