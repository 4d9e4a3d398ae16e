"""Comparing the words of a call: which of four sets does the other side read?"""

from dataclasses import replace
from typing import TYPE_CHECKING

from cli.display import Display
from cli.view import numbered
from voip.conversation import Conversation
from voip.errors import TrustError, UnexpectedEventError

if TYPE_CHECKING:
    from voip.identity.words import Choices


class Comparing:
    """What the user found about who is there, in one call."""

    def __init__(self, conversation: Conversation, display: Display) -> None:
        self._conversation = conversation
        self._display = display
        self._choices: Choices | None = None

    def offer(self) -> None:
        """Show four sets of words.

        Raises:
            UnexpectedEventError: there are no words yet.
        """
        display = self._display
        self._choices = self._conversation.choices()
        options = self._choices.options
        display.seen = replace(display.seen, options=options)
        display.show(
            {"event": "choices", "options": [" ".join(words) for words in options]},
            "which of these does the other side read? 'choose N' says it",
            *numbered(options),
        )

    async def choose(self, index: int | None) -> None:
        """Take which of them the other side reads; None is none of them.

        Raises:
            UnexpectedEventError: nothing was offered.
        """
        if self._choices is None:
            raise UnexpectedEventError("ask for 'choices' first")
        try:
            self._choices.check(index)
            matched = True
        except TrustError:
            matched = False
        self._choices = None
        display = self._display
        display.seen = replace(display.seen, options=())
        if not matched:
            display.seen = replace(display.seen, speaks_anyway=False)
        await self._conversation.compared(matched=matched)
        display.answer(
            {"event": "compared", "matched": matched},
            "the words match"
            if matched
            else "the words differ: somebody may be in between",
        )

    def go_on(self) -> None:
        """Speak although the trust is in doubt, in this call only.

        Raises:
            UnexpectedEventError: nothing keeps the microphone closed.
        """
        display = self._display
        if not display.seen.closed:
            raise UnexpectedEventError("nothing keeps the microphone closed")
        self._conversation.speak_anyway()
        display.seen = replace(display.seen, speaks_anyway=True)
        display.answer(
            {"event": "continued"},
            "microphone open for this call, although the trust is in doubt",
        )
