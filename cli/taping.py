"""Recording a call, with the other side's knowledge."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from cli.display import Display
from cli.output import escape
from voip.conversation import Conversation
from voip.errors import MalformedError, RefusedError, UnexpectedEventError
from voip.media.ends.movie import CallRecording
from voip.media.ends.recording import create_private

_ENDING = ".mkv"


class Taping:
    """What is recorded of one call."""

    def __init__(
        self, conversation: Conversation, display: Display, *, overwrite: bool
    ) -> None:
        self._conversation = conversation
        self._display = display
        self._overwrite = overwrite
        self._tape: CallRecording | None = None

    async def begin(self, path: Path) -> None:
        """Record both sides, once the other side's device has said that it knows.

        Raises:
            MalformedError: the name does not end as Matroska does.
            RefusedError: the file exists.
            MissingError: it cannot be created, the call is not connected, or nothing
                was acknowledged in 5 s.
            UnexpectedEventError: the call is being recorded already.
        """
        self._check(path)
        await self._conversation.record(partial(self._open, path))
        display = self._display
        display.answer(
            {"event": "recording", "path": str(path)},
            f"recording both sides into {escape(str(path))}; they have been told",
        )
        display.show_own(replace(display.seen, recording=str(path)))

    def stop(self) -> None:
        """Finish the recording.

        Raises:
            UnexpectedEventError: there is none.
        """
        if self._tape is None:
            raise UnexpectedEventError("nothing is being recorded")
        self._conversation.stop_recording()
        self.look()

    def look(self) -> None:
        """See whether it is over, as a full disk or the end of the call make it."""
        if self._tape is None or self._conversation.is_recording:
            return
        files = [str(path) for path in self._tape.files]
        self._tape = None
        display = self._display
        display.answer(
            {"event": "recorded", "files": files},
            f"recorded {', '.join(map(escape, files))}",
        )
        display.show_own(replace(display.seen, recording=""))

    def _check(self, path: Path) -> None:
        """Refuse what cannot be before they are told of a recording for nothing."""
        if path.suffix.lower() != _ENDING:
            raise MalformedError(f"a call is recorded as {_ENDING}, came {str(path)!r}")
        if path.exists() and not self._overwrite:
            raise RefusedError(f"recording {str(path)!r} exists already")

    def _open(self, path: Path) -> CallRecording:
        create = partial(create_private, overwrite=self._overwrite)
        self._tape = CallRecording(path, create)
        return self._tape
