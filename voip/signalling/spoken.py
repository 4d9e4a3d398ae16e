"""First contact by a short spoken code: `7-crater-velvet`.

The number names two mailboxes, the words are the password of SPAKE2 (RFC 9382's
construction, as PyPI `spake2` has it). Whoever sits between has one guess in 2^22, and
a wrong guess shows, since then the cards do not open. One run per code, whatever comes
of it: a second run would be a second guess. Format: docs/formats/signalling.md.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from voip.errors import MalformedError, MissingError, RefusedError
from voip.identity.card import Card, format_card, parse_card
from voip.identity.keys import Entropy, T
from voip.identity.words import WORDS
from voip.signalling.envelope import BLOB_BYTES, open_blob, seal_blob
from voip.wire import be32

MAX_NUMBER = 9999
_ELEMENT = 32
_DAY_S = 86400
_FETCH_LABEL = b"code"
_KEY_LABEL = b"code-key"


class Side(IntEnum):
    """Who made the code (and speaks it), and who joins (and hears it)."""

    CREATOR = 0
    JOINER = 1

    @property
    def other(self) -> "Side":
        """The peer's side."""
        return Side(1 - self)


@dataclass(frozen=True, slots=True)
class Code:
    """A number from 1 to 9999, and two words that are a secret until they are used."""

    number: int
    first: str = field(repr=False)
    second: str = field(repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if not 1 <= self.number <= MAX_NUMBER:
            raise MalformedError(f"code: expected a number from 1 to {MAX_NUMBER}")
        if self.first not in WORDS or self.second not in WORDS:
            raise MalformedError("code: expected two words of the word list")


def create_code(entropy: Entropy) -> Code:
    """Make a code; two words are 22 bits."""
    # 8 bytes modulo at most 9999: the bias is below 2^-50.
    number = 1 + int.from_bytes(entropy(8), "big") % MAX_NUMBER
    first, second = (
        WORDS[int.from_bytes(entropy(2), "big") % len(WORDS)] for _ in range(2)
    )
    return Code(number, first, second=second)


def format_code(code: Code) -> str:
    """Spell a code: ``N-word-word``."""
    return f"{code.number}-{code.first}-{code.second}"


def parse_code(text: str) -> Code:
    """Read what `format_code` wrote.

    Raises:
        MalformedError: not a number and two words of the list.
    """
    number, _, rest = text.partition("-")
    first, _, second = rest.partition("-")
    if not (number.isascii() and number.isdecimal() and len(number) <= len("9999")):
        raise MalformedError(f"code: expected a number from 1 to {MAX_NUMBER}")
    code = Code(int(number), first, second=second)
    if format_code(code) != text:
        raise MalformedError("code: expected another spelling of its number")
    return code


def code_fetches(code: Code, reader: Side, *, now: int) -> tuple[bytes, ...]:
    """Give the fetch secrets that `reader` polls at `now` (unix seconds).

    The second is today's, under which the other side writes; the others are
    yesterday's and tomorrow's, for clocks that differ or a midnight in between.
    """
    today = now // _DAY_S
    return tuple(
        T(_FETCH_LABEL, bytes([reader]) + be32(code.number) + be32(day))
        for day in (today - 1, today, today + 1)
    )


class CardExchange:
    """One run of a code, seen from one side."""

    def __init__(self, code: Code, side: Side, *, entropy: Entropy) -> None:
        """Start; `message` is then to be sent.

        Raises:
            MissingError: the library `spake2` is not installed.
        """
        self._side = side
        self._entropy = entropy
        self._spake2 = _spake2(code, side, entropy)
        self._key: bytes | None = None  # b"" after a failed run
        element = bytes(self._spake2.start())[1:]  # the side is known by the mailbox
        self.message = element + entropy(BLOB_BYTES - len(element))

    def finish(self, message: bytes) -> None:
        """Take the other side's message.

        Raises:
            MalformedError: not a blob, or not what SPAKE2 sends.
            RefusedError: a second message; a code is good for one run.
        """
        if self._key is not None:
            raise RefusedError("code: it was used already; make a new one")
        self._key = b""
        if len(message) != BLOB_BYTES:
            raise MalformedError(
                f"code: expected {BLOB_BYTES} bytes, came {len(message)}"
            )
        sender = b"AB"[self._side.other : self._side.other + 1]
        try:
            self._key = bytes(self._spake2.finish(sender + message[:_ELEMENT]))
        # The library raises bare Exceptions for points that are not on the curve.
        except Exception:  # noqa: BLE001 - whatever it says, the bytes were not it
            raise MalformedError("code: expected a message of spake2") from None

    def seal_card(self, card: Card) -> bytes:
        """Seal our card for the other side, as a blob.

        Raises:
            RefusedError: the run has no key.
        """
        body = format_card(card).encode()
        return seal_blob(self._card_key(self._side), body, entropy=self._entropy)

    def open_card(self, blob: bytes) -> Card:
        """Open the other side's card.

        Raises:
            RefusedError: the words were not the same, or somebody guesses.
            MalformedError: what was sealed is not a card.
        """
        key = self._card_key(self._side.other)
        try:
            body = open_blob(key, blob)
        except MalformedError:
            raise RefusedError(
                "code: the words do not match, or somebody is guessing them; "
                "make a new code"
            ) from None
        try:
            return parse_card(body.decode())
        except UnicodeDecodeError:
            raise MalformedError("card: expected utf-8") from None

    def _card_key(self, sender: Side) -> bytes:
        if not self._key:
            raise RefusedError("code: no run of it has finished")
        return T(_KEY_LABEL, self._key + bytes([sender]))


def _spake2(
    code: Code, side: Side, entropy: Entropy
) -> Any:  # the library has no types
    try:
        import spake2  # noqa: PLC0415 - an extra: only who uses codes needs it
    except ImportError:
        raise MissingError(
            "codes need the library spake2: install ringfence[code]"
        ) from None
    kind = spake2.SPAKE2_A if side is Side.CREATOR else spake2.SPAKE2_B
    return kind(f"{code.first}-{code.second}".encode(), entropy_f=entropy)
