"""What the user of a call wants, carried out."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, assert_never

from cli.comparing import Comparing
from cli.display import Display
from cli.holding import HeldKey
from cli.manners import Manners
from cli.orders import (
    Act,
    Choose,
    Dial,
    EndLeg,
    Misspelt,
    Order,
    Press,
    Record,
    SendFile,
    SendText,
    UseDevice,
)
from cli.quality import Live, judged, stats_facts, stats_lines
from cli.switching import Switching
from cli.taping import Taping
from cli.telephoning import Telephoning
from cli.watch import Watch
from voip.conversation import Conversation
from voip.errors import (
    CallError,
    LimitError,
    MissingError,
    TrustError,
    UnexpectedEventError,
)
from voip.media.ends.camera import Camera, open_camera
from voip.media.ends.screen import open_screen

_MAX_FILE_BYTES = 1 << 20  # what a call carries

Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Steward:
    """Carries out the orders of one call's user."""

    def __init__(
        self,
        conversation: Conversation,
        display: Display,
        *,
        manners: Manners,
        watch: Watch,
        spawn: Spawn,
    ) -> None:
        """`spawn` runs beside what would hold up the next order."""
        self.devices = Switching(display, watch.ends)
        self.tape = Taping(conversation, display, overwrite=manners.overwrite)
        self.telephones = Telephoning(conversation, display)
        self._comparing = Comparing(conversation, display)
        self._conversation = conversation
        self._display = display
        self._manners = manners
        self._watch = watch
        self._spawn = spawn
        self._key = HeldKey()
        self._shows = {"video": False, "screen": False}  # opened during the call

    async def do(self, order: Order) -> None:
        """Carry out an order; one that cannot be is refused, and ends no call."""
        try:
            await self._do(order)
        except CallError as error:
            self._display.refuse(str(error))

    def accept(self) -> None:
        """Take the call as the user wishes.

        Raises:
            UnexpectedEventError: it is not ringing.
        """
        manners, display = self._manners, self._display
        self._conversation.accept(video=manners.video, muted=manners.push_to_talk)
        display.seen = replace(display.seen, video=manners.video)

    def tell_stats(self) -> None:
        """Show how the call goes, in figures.

        Raises:
            MissingError: it does not.
        """
        live = self._live()
        self._display.show(
            {"event": "stats", **stats_facts(live.entry)}, *stats_lines(live)
        )

    async def _do(self, order: Order) -> None:  # noqa: C901 -- one case per order
        match order:
            case Act():
                self._act(order)
            case Choose(index):
                await self._comparing.choose(index)
            case SendText(text):
                self._conversation.send_text(text)
                self._display.answer({"event": "text-sent"}, "text sent")
            case SendFile(path):
                self._conversation.send_file(Path(path).name, _read(Path(path)))
                self._display.answer({"event": "file-sent"}, "file sent")
            case Press(digits):
                self._conversation.press(digits)
                self._display.answer(
                    {"event": "tone-sent", "digits": digits}, f"pressed {digits}"
                )
            case Record(path):
                self._beside(self.tape.begin(Path(path)))
            case UseDevice():
                self._beside(self.devices.use(order))
            case Dial(target):
                self.telephones.ask(target)
            case EndLeg(number):
                self.telephones.end(number)
            case Misspelt(sentence):
                self._display.refuse(sentence)
            case _:
                assert_never(order)

    def _act(self, act: Act) -> None:  # noqa: C901, PLR0912 -- one case per order
        conversation = self._conversation
        match act:
            case Act.ACCEPT:
                self.accept()
            case Act.DECLINE:
                conversation.decline()
            case Act.HANG_UP:
                conversation.hang_up()
            case Act.MUTE | Act.UNMUTE:
                self._mute(on=act is Act.MUTE)
            case Act.TALK:
                self._talk()
            case Act.HOLD | Act.RESUME:
                conversation.set_held(on=act is Act.HOLD)
                self._own(held=act is Act.HOLD)
            case Act.VIDEO_ON | Act.VIDEO_OFF:
                self._show_video(on=act is Act.VIDEO_ON)
            case Act.SCREEN_ON | Act.SCREEN_OFF:
                self._show_screen(on=act is Act.SCREEN_ON)
            case Act.RECORD_OFF:
                self.tape.stop()
            case Act.DEVICES:
                self._beside(self.devices.tell())
            case Act.STATS:
                self.tell_stats()
            case Act.QUALITY:
                self._tell_quality()
            case Act.REKEY:
                conversation.rekey()
                self._display.answer({"event": "rekey-asked"}, "asked for fresh keys")
            case Act.CHOICES:
                self._comparing.offer()
            case Act.CONTINUE:
                self._comparing.go_on()
            case Act.LEGS_ACCEPT | Act.LEGS_REFUSE:
                self._answer_legs(accept=act is Act.LEGS_ACCEPT)
            case _:
                assert_never(act)

    def _answer_legs(self, *, accept: bool) -> None:
        self._conversation.answer_legs(accept=accept)
        said = "they may hear and speak" if accept else "they may not"
        self._display.answer({"event": "legs-answered", "accepted": accept}, said)

    # Sound and pictures.

    def _mute(self, *, on: bool) -> None:
        if not on and self._display.seen.closed:
            raise TrustError(f"the microphone is closed: {self._display.seen.closed}")
        self._conversation.set_muted(on=on)
        self._own(muted=on)

    def _talk(self) -> None:
        """Be heard while the key is held, as far as a terminal tells."""
        if not self._manners.push_to_talk:
            raise UnexpectedEventError("the call began without --push-to-talk")
        now = time.monotonic()
        if not self._key.is_down(now):
            self._mute(on=False)
        until = self._key.press(now)
        asyncio.get_running_loop().call_later(until - now, self._let_go)

    def _let_go(self) -> None:
        if self._key.is_down(time.monotonic()) or self._display.seen.muted:
            return
        with contextlib.suppress(MissingError):  # the call is over
            self._mute(on=True)

    def _show_video(self, *, on: bool) -> None:
        ends = self._watch.ends()
        if on and ends is not None and ends.video_source is None:
            self._open("video", open_camera, self._conversation.use_camera)
        self._conversation.set_video(on=on)
        self._own(video=on)

    def _show_screen(self, *, on: bool) -> None:
        ends = self._watch.ends()
        if on and ends is not None and ends.screen_source is None:
            self._open("screen", open_screen, self._conversation.use_screen)
        self._conversation.set_screen(on=on)
        self._own(screen=on)

    def _open(
        self, what: str, find: Callable[[], Camera], use: Callable[[Camera], None]
    ) -> None:
        """Open what no option named, the first time that it is wanted."""
        if self._shows[what]:
            return
        camera = find()
        use(camera)
        self._shows[what] = True
        self._watch.cameras.append(camera)

    def _own(self, **changed: bool) -> None:
        self._display.show_own(replace(self._display.seen, **changed))  # type: ignore[arg-type] # names of its flags

    # Figures.

    def _tell_quality(self) -> None:
        entry = self._live().entry
        facts = stats_facts(entry)
        names = ("word", "rating", "delay_ms", "blame")
        self._display.answer(
            {"event": "quality", **{name: facts.get(name) for name in names}},
            f"quality: {judged(entry.judgement)}",
        )

    def _live(self) -> Live:
        live = self._watch.live(time.monotonic())
        if live is None:
            raise MissingError("the call is not connected")
        return live

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except CallError as error:
                self._display.refuse(str(error))

        self._spawn(guarded())


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise MissingError(f"file {path}: {error.strerror}") from error
    if len(data) > _MAX_FILE_BYTES:
        raise LimitError(f"file {path}: expected at most {_MAX_FILE_BYTES} bytes")
    return data
