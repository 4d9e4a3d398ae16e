"""One call at the console: its news are shown, its user's orders carried out."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from cli.codes import Code
from cli.console import Console
from cli.ends import code_of
from cli.gossip import Gossip, Said
from cli.orders import Act, Choose, Order, SendFile, SendText
from cli.output import escape
from cli.view import Seen, after, counted, noted, numbered, sentence
from voip.call import State
from voip.conversation import Conversation
from voip.errors import (
    CallError,
    LimitError,
    MissingError,
    TrustError,
    UnexpectedEventError,
)
from voip.identity.keys import format_identity
from voip.identity.trust import TrustState
from voip.news import Ended, FileArrived, Json, format_json

if TYPE_CHECKING:
    from voip.identity.words import Choices

_REDRAW_S = 1.0  # the duration ticks
_MAX_FILE_BYTES = 1 << 20  # what a call carries


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How the user wants calls to be held.

    Attributes:
        video: show our picture from the start.
        has_pictures: there is something to show.
        auto: accept by ourselves, unless the trust is broken.
        files: where files go that come; without it they are refused.
        show_words: tell programs the words.
        gossip: how update logs are compared with the other side; None is not at all.
    """

    video: bool = False
    has_pictures: bool = False
    auto: bool = False
    files: Path | None = None
    show_words: bool = False
    gossip: Gossip | None = None


class Talk:
    """One call, from its first news to its last."""

    def __init__(
        self,
        conversation: Conversation,
        console: Console,
        *,
        manners: Manners,
        failures: Callable[[], list[str]],
    ) -> None:
        """`failures` says in sentences which devices and files have failed so far."""
        self.is_interrupted = False
        self._failures = failures
        self._told: set[str] = set()
        self._conversation = conversation
        self._console = console
        self._manners = manners
        self._seen = Seen(alias=conversation.alias)
        self._choices: Choices | None = None
        self._stands = asyncio.Event()  # or is over

    @property
    def code(self) -> Code:
        """How the program ends if this was its last call."""
        end, trust = self._conversation.end, self._conversation.trust
        assert end is not None
        is_broken = trust is not None and trust.state is TrustState.BROKEN
        return code_of(end, is_broken=is_broken)

    async def run(self) -> Ended:
        """Hold the call; an interrupt hangs up."""
        with _on_interrupt(self._interrupted):
            async with asyncio.TaskGroup() as tasks:
                beside = [
                    tasks.create_task(self._obey()),
                    tasks.create_task(self._redraw()),
                ]
                # Ends by itself: what it has found by then is still kept.
                tasks.create_task(self._compare_logs())
                self._begin()
                ended = await self._listen()
                self._stands.set()
                await self._conversation.finished()
                self._tell_failures()
                for task in beside:
                    task.cancel()
        return ended

    def warn(self, sentence: str) -> None:
        """Show what went wrong beside the call."""
        self._answer(
            {"event": "problem", "sentence": sentence}, f"problem: {escape(sentence)}"
        )

    # What happens.

    def _begin(self) -> None:
        conversation = self._conversation
        trust = conversation.trust
        facts: Json = {
            "event": "outgoing" if conversation.is_outgoing else "incoming",
            "alias": conversation.alias,
            "identity": format_identity(conversation.identity),
        }
        if conversation.is_outgoing or trust is None:
            self._show(facts, f"calling {escape(conversation.alias)}")
            return
        facts |= {"trust": trust.state.value, "reason": trust.reason.value}
        self._show(facts, f"{escape(conversation.alias)} is calling")
        # After both dialled at once, a call may be accepted as it comes.
        rings = conversation.state is State.RINGING
        if self._manners.auto and rings and trust.state is not TrustState.BROKEN:
            self._accept()

    async def _listen(self) -> Ended:
        async for news in self._conversation.news():
            self._seen = after(self._seen, news, time.monotonic())
            if self._seen.connected_at is not None:
                self._stands.set()
            facts = format_json(news, with_words=self._manners.show_words)
            line = sentence(news)
            self._show(facts, *([line] if line else []))
            if isinstance(news, FileArrived):
                self._keep_file(news)
            if isinstance(news, Ended):
                return news
        raise AssertionError("news without an end")

    def _keep_file(self, news: FileArrived) -> None:
        if self._manners.files is None:
            self._refuse("a file came and was dropped: --files says where they go")
            return
        path = self._manners.files / news.name
        try:
            _write_new(path, news.data)
        except OSError as error:
            self._refuse(f"a file came and was dropped: {path}: {error.strerror}")
        else:
            self._answer({"event": "saved", "path": str(path)}, f"saved {path}")

    async def _compare_logs(self) -> None:
        await self._stands.wait()
        if self._manners.gossip is not None:
            await self._manners.gossip.run(self._conversation, self._tell_of_logs)

    def _interrupted(self) -> None:
        self.is_interrupted = True
        self._conversation.hang_up()

    # What the user wants.

    async def _obey(self) -> None:
        while True:
            raw = await self._console.typed.get()
            for order in self._console.front.take(raw, lambda: self._seen):
                try:
                    await self._do(order)
                except CallError as error:
                    # An order that cannot be is no reason to end a call.
                    self._refuse(str(error))
            self._draw()

    async def _do(self, order: Order) -> None:
        match order:
            case Act():
                self._act(order)
            case Choose(index):
                await self._choose(index)
            case SendText(text):
                self._conversation.send_text(text)
                self._answer({"event": "text-sent"}, "text sent")
            case SendFile(path):
                self._conversation.send_file(Path(path).name, _read(Path(path)))
                self._answer({"event": "file-sent"}, "file sent")
            case _:
                assert_never(order)

    def _act(self, act: Act) -> None:  # noqa: C901 -- one case per order
        conversation = self._conversation
        match act:
            case Act.ACCEPT:
                self._accept()
            case Act.DECLINE:
                conversation.decline()
            case Act.HANG_UP:
                conversation.hang_up()
            case Act.MUTE | Act.UNMUTE:
                self._mute(on=act is Act.MUTE)
            case Act.HOLD | Act.RESUME:
                conversation.set_held(on=act is Act.HOLD)
                self._show_own(replace(self._seen, held=act is Act.HOLD))
            case Act.VIDEO_ON | Act.VIDEO_OFF:
                self._show_pictures(on=act is Act.VIDEO_ON)
            case Act.REKEY:
                conversation.rekey()
                self._answer({"event": "rekey-asked"}, "asked for fresh keys")
            case Act.STATS:
                self._count()
            case Act.CHOICES:
                self._offer_choices()
            case Act.CONTINUE:
                self._continue()
            case _:
                assert_never(act)

    def _accept(self) -> None:
        manners = self._manners
        self._conversation.accept(video=manners.video)
        self._seen = replace(self._seen, video=manners.video)

    def _mute(self, *, on: bool) -> None:
        if not on and self._seen.closed:
            raise TrustError(f"the microphone is closed: {self._seen.closed}")
        self._conversation.set_muted(on=on)
        self._show_own(replace(self._seen, muted=on))

    def _show_pictures(self, *, on: bool) -> None:
        if on and not self._manners.has_pictures:
            raise MissingError("nothing to show in this call: give --video-in")
        self._conversation.set_video(on=on)
        self._show_own(replace(self._seen, video=on))

    def _show_own(self, seen: Seen) -> None:
        self._seen = seen
        facts: Json = {
            "event": "own",
            "muted": seen.muted,
            "held": seen.held,
            "video": seen.video,
        }
        on = {"muted": seen.muted, "on hold": seen.held, "video on": seen.video}
        said = ", ".join(word for word, holds in on.items() if holds) or "sound on"
        self._show(facts, f"you: {said}")

    def _count(self) -> None:
        stats = self._conversation.stats
        if stats is None:
            raise MissingError("the call is not connected")
        facts: Json = {
            "event": "stats",
            "sent": stats.sent,
            "received": stats.received,
            "dropped": stats.dropped,
            "epoch": stats.send_epoch,
            "path": stats.path,
        }
        self._show(facts, f"media: {counted(stats)}")

    # Comparing words.

    def _offer_choices(self) -> None:
        self._choices = self._conversation.choices()
        options = self._choices.options
        self._seen = replace(self._seen, options=options)
        facts: Json = {
            "event": "choices",
            "options": [" ".join(words) for words in options],
        }
        ask = "which of these does the other side read? 'choose N' says it"
        self._show(facts, ask, *numbered(options))

    async def _choose(self, index: int | None) -> None:
        if self._choices is None:
            raise UnexpectedEventError("ask for 'choices' first")
        try:
            self._choices.check(index)
            matched = True
        except TrustError:
            matched = False
        self._choices = None
        self._seen = replace(self._seen, options=())
        if not matched:
            self._seen = replace(self._seen, speaks_anyway=False)
        await self._conversation.compared(matched=matched)
        self._answer(
            {"event": "compared", "matched": matched},
            "the words match"
            if matched
            else "the words differ: somebody may be in between",
        )

    def _continue(self) -> None:
        if not self._seen.closed:
            raise UnexpectedEventError("nothing keeps the microphone closed")
        self._conversation.speak_anyway()
        self._seen = replace(self._seen, speaks_anyway=True)
        self._answer(
            {"event": "continued"},
            "microphone open for this call, although the trust is in doubt",
        )

    # Showing.

    def _show(self, facts: Json, *lines: str) -> None:
        stamp: Json = {
            "call_id": self._conversation.call_id.hex(),
            "time": round(time.time(), 3),
        }
        self._console.front.show(self._seen, {**stamp, **facts}, *lines)
        self._draw()

    def _answer(self, facts: Json, line: str) -> None:
        """Show what is not part of the state of the call."""
        self._seen = noted(self._seen, line)
        self._show(facts, line)

    def _tell_of_logs(self, said: Said) -> None:
        if said.is_alarm:
            self._seen = replace(self._seen, alarm=said.lines)
        else:
            self._seen = noted(self._seen, *said.lines)
        self._show(said.facts, *said.lines)

    def _refuse(self, sentence: str) -> None:
        self._seen = self._console.front.refuse(self._seen, sentence)
        self._draw()

    def _draw(self) -> None:
        self._console.front.draw(self._seen, time.monotonic(), self._conversation.stats)

    async def _redraw(self) -> None:
        while True:
            await asyncio.sleep(_REDRAW_S)
            self._tell_failures()
            self._draw()

    def _tell_failures(self) -> None:
        """Say once of each end that it has failed: nobody shall talk into nothing."""
        for failure in self._failures():
            if failure not in self._told:
                self._told.add(failure)
                self.warn(failure)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise MissingError(f"file {path}: {error.strerror}") from error
    if len(data) > _MAX_FILE_BYTES:
        raise LimitError(f"file {path}: expected at most {_MAX_FILE_BYTES} bytes")
    return data


def _write_new(path: Path, data: bytes) -> None:
    """Write what came, for our eyes only, and never over anything."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


@contextmanager
def _on_interrupt(act: Callable[[], None]) -> Iterator[None]:
    """Do this on Ctrl-C, or when a service manager ends us, within a block."""
    loop = asyncio.get_running_loop()
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for each in before:
        loop.add_signal_handler(each, act)
    try:
        yield
    finally:
        for each, handler in before.items():
            loop.remove_signal_handler(each)
            signal.signal(each, handler)
