"""Calls by hand: texts go out on stdout, and come in as they are pasted."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from typing import Any, TypeVar

from cli.calling import Desk, open_desk
from cli.codes import Code
from cli.manners import Manners
from cli.output import complain, escape, is_for_programs, note, show
from cli.stage import Stage
from cli.trust import say
from cli.wishes import Wishes
from voip.conversation import Conversation
from voip.endpoint import Settings
from voip.errors import MalformedError, RefusedError
from voip.identity.vault import Vault
from voip.media.connect.config import check_config
from voip.media.ends.open import Ends
from voip.signalling.invitation import MAX_TEXT, Step
from voip.signalling.paste import PastePost
from voip.upkeep import VaultKeeper

T = TypeVar("T")

_TAKE_S = 15.0  # to open a text, and to gather addresses for the next one
_LOOK_S = 0.05
_END = re.compile(rb"\scheck\s+[a-z2-7]{8}\s")  # as every text ends


async def call_by_hand(
    store: VaultKeeper, name: str, wishes: Wishes, *, device: bytes | None
) -> Code:
    """Call a contact by three texts, and hold the call to its end.

    Raises:
        RefusedError: there is no such contact, several of their devices are known and
            none was named, or the input ended.
        UnreachableError: none of their devices is known, or not any more.
        MissingError: a device of ours is not there.
    """
    store.read().contacts.find(name)  # before a microphone is looked for
    post = PastePost()
    manners = wishes.manners(store)
    with _opened(store.read(), wishes) as (settings, ends, stage):
        async with open_desk(
            store, settings, manners, lambda: ends, stage=stage, post=post
        ) as desk:
            dialled = await desk.endpoint.dial(
                name, video=manners.video, muted=manners.push_to_talk, device=device
            )
            hand = _Hand(desk, post)
            await _unless_over(dialled, hand.call(dialled))
            hand.let_go()
            return (await desk.hold(dialled)).code


async def answer_by_hand(store: VaultKeeper, wishes: Wishes) -> Code:
    """Take a call by three texts, and hold it to its end.

    Raises:
        RefusedError: the input ended.
        MissingError: a device of ours is not there.
    """
    post = PastePost()
    manners = wishes.manners(store)
    with _opened(store.read(), wishes) as (settings, ends, stage):
        async with open_desk(
            store, settings, manners, lambda: ends, stage=stage, post=post
        ) as desk:
            hand = _Hand(desk, post)
            _tell("paste the text of your caller")
            incoming = await hand.take(
                Step.INVITE, lambda: anext(desk.endpoint.incoming())
            )
            await _unless_over(incoming, hand.answer(incoming, manners))
            hand.let_go()
            return (await desk.hold(incoming)).code


class _Hand:
    """Gives texts to the user, and takes theirs."""

    def __init__(self, desk: Desk, post: PastePost) -> None:
        self._typed = desk.console.typed
        self._post = post
        self._pasted = b""
        self._is_over = False

    async def call(self, dialled: Conversation) -> None:
        """Take the caller's three steps."""
        show_text(Step.INVITE, await self._post.text(Step.INVITE))
        alias = escape(dialled.alias)
        _tell(f"pass this text on to {alias}, and paste what comes back")
        text = await self.take(Step.ANSWER, lambda: self._post.text(Step.SELECT))
        show_text(Step.SELECT, text)
        _tell(f"pass this text on to {alias}; then the call begins by itself")

    async def answer(self, incoming: Conversation, manners: Manners) -> None:
        """Take the callee's three steps; the first is done."""
        trust = incoming.trust
        assert trust is not None
        _tell(f"{escape(incoming.alias)} is calling: {say(trust)}")
        incoming.accept(video=manners.video, muted=manners.push_to_talk)
        show_text(Step.ANSWER, await self._post.text(Step.ANSWER))
        _tell("pass this text on to your caller, and paste what comes back")
        await self.take(Step.SELECT, lambda: _confirmed(incoming))

    async def take(self, step: Step, then: Callable[[], Awaitable[T]]) -> T:
        """Take a text of the user, and wait for what follows from it.

        One that does not do is said to be so, and another may be pasted.

        Raises:
            RefusedError: the input ended.
        """
        while True:
            try:
                self._post.take(await self._read(), step)
                async with asyncio.timeout(_TAKE_S):
                    return await then()
            except MalformedError as error:
                _refuse(str(error))
            except TimeoutError:
                _refuse("the text does not belong to this call; paste the right one")

    def let_go(self) -> None:
        """Leave to the call what was typed after the last text."""
        waiting = [self._pasted]
        while not self._typed.empty():
            waiting.append(self._typed.get_nowait())
        for piece in waiting:
            self._typed.put_nowait(piece)

    async def _read(self) -> str:
        while (end := _END.search(self._pasted)) is None:
            if len(self._pasted) > MAX_TEXT:
                self._pasted = b""
                raise MalformedError(f"pasted text: over {MAX_TEXT} characters")
            if self._is_over:
                raise RefusedError("expected a pasted text, and the input ended")
            piece = await self._typed.get()
            self._is_over = not piece
            self._pasted += piece or b"\n"  # the last line may lack its end
        text, self._pasted = self._pasted[: end.end()], self._pasted[end.end() :]
        return text.decode(errors="replace")


def show_text(step: Step, text: str) -> None:
    """Print a text to be passed on."""
    facts = {"event": "text", "step": int(step), "text": text}
    show(facts, text.removesuffix("\n"))


async def _confirmed(incoming: Conversation) -> None:
    """Wait until the caller proved to be the one who made the INVITE."""
    while incoming.words is None:  # noqa: ASYNC110 -- its news is for `Desk.hold`
        await asyncio.sleep(_LOOK_S)


async def _unless_over(
    conversation: Conversation, work: Coroutine[Any, Any, None]
) -> None:
    """Do this while the call may still come about: people give up, and time passes."""
    doing = asyncio.create_task(work)
    ending = asyncio.create_task(conversation.finished())
    try:
        await asyncio.wait([doing, ending], return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            doing.result()
    finally:
        doing.cancel()
        ending.cancel()


@contextmanager
def _opened(
    vault: Vault, wishes: Wishes
) -> Iterator[tuple[Settings, Ends, Stage | None]]:
    """Open the ends, and the terminal if pictures are drawn there."""
    ice = wishes.ice(vault)
    check_config(ice)
    wishes.check_report()
    stage = wishes.open_stage()
    with closing(wishes.open_ends(stage)) as ends:
        settings = Settings(
            plan=lambda: wishes.plan(ends),
            ice=ice,
            data=wishes.data,
            by_hand=True,
        )
        yield settings, ends, stage


def _tell(sentence: str) -> None:
    """Tell a person what to do; a program knows."""
    if not is_for_programs():
        note(sentence)


def _refuse(sentence: str) -> None:
    if is_for_programs():
        show({"event": "error", "sentence": sentence})
    else:
        complain(sentence)
