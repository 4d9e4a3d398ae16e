"""Text and small files during a call: messages of the data channel.

One ordered, reliable SCTP stream carries them in turn::

    1 text    u8 1 || UTF-8 text, at most 4000 bytes
    2 file    u8 2 || be32 size || lp8 UTF-8 name
    3 part    u8 3 || bytes of the file, at most 16 KiB, until `size` is reached

A name is a peer's text: it is reduced to its last part without any character that a
file system or a terminal could take for something else. Bytes: docs/formats/media.md.
"""

import unicodedata
from dataclasses import dataclass, field

from voip.errors import LimitError, MalformedError
from voip.wire import Reader, be32, lp8

MAX_TEXT_BYTES = 4000  # a long paragraph; it is held in memory and shown at once
MAX_FILE_BYTES = 1 << 20  # 1 MiB: a picture or a document, held in memory
MAX_NAME_BYTES = 120  # fits every file system, with room for a suffix of ours
PART_BYTES = 16 * 1024  # what every data channel implementation takes in one piece

_TEXT, _FILE, _PART = 1, 2, 3
_DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)
}


@dataclass(frozen=True, slots=True)
class Text:
    """A text that came whole."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class File:
    """A file that came whole; the name is harmless."""

    name: str
    data: bytes = field(repr=False)


def format_text(text: str) -> bytes:
    """Write a text as one message.

    Raises:
        LimitError: longer than `MAX_TEXT_BYTES`.
    """
    raw = text.encode()
    if len(raw) > MAX_TEXT_BYTES:
        raise LimitError(
            f"text: expected at most {MAX_TEXT_BYTES} bytes, came {len(raw)}"
        )
    return bytes([_TEXT]) + raw


def format_file(name: str, data: bytes) -> list[bytes]:
    """Write a file as messages to be sent in this order.

    Raises:
        LimitError: longer than `MAX_FILE_BYTES`.
    """
    if len(data) > MAX_FILE_BYTES:
        raise LimitError(
            f"file: expected at most {MAX_FILE_BYTES} bytes, came {len(data)}"
        )
    parts = range(0, len(data), PART_BYTES)
    return [
        bytes([_FILE]) + be32(len(data)) + lp8(harmless_name(name).encode()),
        *(bytes([_PART]) + data[start : start + PART_BYTES] for start in parts),
    ]


class Inbox:
    """Puts texts and files together; holds at most one file."""

    def __init__(self) -> None:
        self._name: str | None = None
        self._size = 0
        self._data = bytearray()

    def add(self, message: bytes) -> Text | File | None:
        """Take the next message; give what it completes.

        Raises:
            MalformedError: not one of the three, a part too many, or a file begun
                before the last was whole. The channel is of no use afterwards.
        """
        reader = Reader(message)
        kind = reader.u8()
        if kind == _TEXT:
            return Text(_text(reader.rest(), MAX_TEXT_BYTES))
        if kind == _FILE:
            self._begin(reader)
        elif kind == _PART and self._name is not None:
            self._extend(reader.rest())
        else:
            raise MalformedError(f"data channel: message {kind} has no place here")
        if self._name is None or len(self._data) < self._size:
            return None
        done = File(self._name, bytes(self._data))
        self._name = None
        return done

    def _begin(self, reader: Reader) -> None:
        if self._name is not None:
            raise MalformedError("file: the one before is not whole")
        size = reader.u32()
        name = _text(reader.lp8(), MAX_NAME_BYTES)
        reader.end()
        if size > MAX_FILE_BYTES:
            raise MalformedError(
                f"file: expected at most {MAX_FILE_BYTES} bytes, came {size}"
            )
        self._name, self._size, self._data = harmless_name(name), size, bytearray()

    def _extend(self, part: bytes) -> None:
        if not 0 < len(part) <= min(PART_BYTES, self._size - len(self._data)):
            raise MalformedError(f"file: came a part of {len(part)} bytes")
        self._data += part


def harmless_name(name: str) -> str:
    """Reduce a file name to one that names a new file in the folder it is put in.

    No folder, no control or bidirectional character, no leading dot or dash (a hidden
    file, an option), no device name of Windows, at most `MAX_NAME_BYTES` long.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join("_" if _is_odd(c) else c for c in last)
    short = kept.encode()[:MAX_NAME_BYTES].decode("utf-8", "ignore")
    clean = short.lstrip(".- ").rstrip(". ")
    if not clean or clean.split(".")[0].lower() in _DEVICES:
        return "file"
    return clean


def _is_odd(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "C" or category in {"Zl", "Zp"} or character in '<>:"|?*'


def _text(raw: bytes, limit: int) -> str:
    if len(raw) > limit:
        raise MalformedError(f"text: expected at most {limit} bytes, came {len(raw)}")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise MalformedError("text: not UTF-8") from error
