"""Keys become orders: what is pressed at a terminal during a call.

Pure. Most keys are an order of their own. Some open an entry at the bottom of the
screen: a line of text, a file's name, the word `continue`, the number of a set of
words, or any order as programs write it. Escape leaves it.
"""

from collections.abc import Callable
from enum import Enum, auto

from cli.orders import Act, Choose, Order, Press, Record, SendText, parse_order
from cli.view import Seen
from voip.call import State

_ESCAPE = "\x1b"
_ERASE = "\x7f\x08"  # terminals differ
_ENTER = "\r\n"
_MAX_ENTRY = 1000  # characters; a text of four bytes each still fits its message


class _Entry(Enum):
    TEXT = auto()
    RECORD = auto()
    ORDER = auto()
    CONTINUE = auto()
    WORDS = auto()


_PROMPTS = {
    _Entry.TEXT: "text: ",
    _Entry.RECORD: "record both sides, and tell them so, in file: ",
    _Entry.ORDER: "order: ",
    _Entry.CONTINUE: "type continue to speak although the trust is broken: ",
    _Entry.WORDS: (
        "which of these does the other side read? 1 to 4, 0 for none, Esc for later: "
    ),
}
_OPENS = {"t": _Entry.TEXT, ":": _Entry.ORDER}
_PLAIN = {"k": Act.REKEY, "q": Act.HANG_UP}
_RINGING_KEYS = {"a": Act.ACCEPT, "d": Act.DECLINE}
_TOGGLES: dict[str, tuple[Act, Act, Callable[[Seen], bool]]] = {
    "m": (Act.MUTE, Act.UNMUTE, lambda seen: seen.muted),
    "h": (Act.HOLD, Act.RESUME, lambda seen: seen.held),
    "v": (Act.VIDEO_ON, Act.VIDEO_OFF, lambda seen: seen.video),
    "s": (Act.SCREEN_ON, Act.SCREEN_OFF, lambda seen: seen.screen),
}
_TONES = "0123456789*#"  # the letters A to D are not on telephones either


class Keyboard:
    """What is being typed."""

    def __init__(self) -> None:
        self._entry: _Entry | None = None
        self._typed = ""

    @property
    def line(self) -> str:
        """The entry as it is shown; empty if there is none."""
        return "" if self._entry is None else _PROMPTS[self._entry] + self._typed

    def press(self, key: str, seen: Seen) -> Order | None:
        """Take one key; gives an order where one is complete.

        Raises:
            MalformedError: the order that was typed is none.
        """
        if self._entry is None:
            return self._command(key, seen)
        if key == _ESCAPE:
            self._leave()
        elif self._entry is _Entry.WORDS:
            return self._choose(key)
        elif key in _ENTER:
            return self._entered()
        elif key in _ERASE:
            self._typed = self._typed[:-1]
        elif key.isprintable() and len(self._typed) < _MAX_ENTRY:
            self._typed += key
        return None

    def _command(self, key: str, seen: Seen) -> Order | None:
        if seen.state is State.RINGING and key in _RINGING_KEYS:
            return _RINGING_KEYS[key]
        if key in _TOGGLES:
            on, off, is_on = _TOGGLES[key]
            return off if is_on(seen) else on
        if key in _TONES:
            return Press(key)
        if key in _OPENS:
            self._entry = _OPENS[key]
            return None
        if key in _PLAIN:
            return _PLAIN[key]
        return self._sometimes(key, seen)

    def _sometimes(self, key: str, seen: Seen) -> Order | None:
        """Take a key that means something only as the call stands now."""
        match key:
            case " " if seen.push_to_talk:
                return Act.TALK
            case "r" if seen.recording:
                return Act.RECORD_OFF
            case "r":
                self._entry = _Entry.RECORD
            case "w" if seen.words is not None:
                self._entry = _Entry.WORDS
                return Act.CHOICES
            case "c" if seen.closed:
                self._entry = _Entry.CONTINUE
            case _:
                pass
        return None

    def _choose(self, key: str) -> Order | None:
        if key not in set("01234"):
            return None
        self._leave()
        chosen = parse_order(f"choose {key}")
        assert isinstance(chosen, Choose)
        return chosen

    def _entered(self) -> Order | None:
        entry, typed = self._entry, self._typed
        self._leave()
        if entry is _Entry.ORDER and typed:
            return parse_order(typed)
        if entry is _Entry.TEXT and typed:
            return SendText(typed)
        if entry is _Entry.RECORD and typed:
            return Record(typed)
        if entry is _Entry.CONTINUE and typed == Act.CONTINUE.value:
            return Act.CONTINUE
        return None

    def _leave(self) -> None:
        self._entry, self._typed = None, ""
