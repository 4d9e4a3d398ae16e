"""What a terminal shows after it was given some bytes: cells, and its modes."""

import re

from voip.media.sources import Picture

_PIECE = re.compile(
    r"\x1b\[(?P<mode>\?\d+)(?P<on>[hl])"
    r"|\x1b\[(?P<numbers>[\d;]*)(?P<act>[A-Zm])"
    r"|\x1b_G(?P<kitty>[^\x1b]*)\x1b\\"
    r"|(?P<other>\x18|\x1b\\)"
    r"|(?P<move>[\r\n])"
    r"|(?P<text>[^\x1b\x18\r\n])"
)

_SECOND = "?1049"  # the screen beside the first one, which keeps its cursor


class Cells:
    """A terminal of so many cells; colours are not kept."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.modes = {"?25", "?7"}
        self.kitty: list[str] = []
        self._columns = columns
        self._rows = rows
        self._screens = {False: self._empty(), True: self._empty()}
        self._row = self._column = 0
        self._saved = 0, 0

    def feed(self, data: bytes) -> None:
        text = data.decode()
        at = 0
        while at < len(text):
            piece = _PIECE.match(text, at)
            assert piece is not None, text[at : at + 20]
            self._take(piece)
            at = piece.end()

    @property
    def lines(self) -> list[str]:
        return ["".join(row).rstrip() for row in self._cells]

    @property
    def has_picture(self) -> bool:
        return "▀" in "".join(self.lines)

    @property
    def is_as_it_was(self) -> bool:
        """Whether the first screen is shown, with a cursor, and long lines wrap."""
        return self.modes == {"?25", "?7"}

    @property
    def _cells(self) -> list[list[str]]:
        return self._screens[_SECOND in self.modes]

    def _empty(self) -> list[list[str]]:
        return [[" "] * self._columns for _ in range(self._rows)]

    def _take(self, piece: re.Match[str]) -> None:
        if mode := piece["mode"]:
            self._set_mode(mode, on=piece["on"] == "h")
        elif piece["kitty"] is not None:
            self.kitty.append(piece["kitty"])
        elif act := piece["act"]:
            numbers = [int(each or 0) for each in piece["numbers"].split(";")]
            self._act(act, numbers)
        elif piece["move"] == "\r":
            self._column = 0
        elif piece["move"]:
            self._row, self._column = self._row + 1, 0
            if self._row == self._rows:
                self._cells[:] = [*self._cells[1:], [" "] * self._columns]
                self._row -= 1
        elif text := piece["text"]:
            if self._column < self._columns:
                self._cells[self._row][self._column] = text
            self._column += 1

    def _set_mode(self, mode: str, *, on: bool) -> None:
        if mode == _SECOND and on:
            self._saved = self._row, self._column
        elif mode == _SECOND:
            self._row, self._column = self._saved
        (self.modes.add if on else self.modes.discard)(mode)

    def _act(self, act: str, numbers: list[int]) -> None:
        cells = self._cells
        match act:
            case "H":
                self._row, self._column = numbers[0] - 1, numbers[1] - 1
            case "A":
                self._row -= numbers[0]
            case "K":
                start = 0 if numbers[0] == 2 else self._column
                cells[self._row][start:] = [" "] * (self._columns - start)
            case "J" if numbers[0] == 2:
                cells[:] = self._empty()
            case "J":
                below = range(self._row, self._rows)
                for row in below:
                    cells[row] = [" "] * self._columns
            case _:
                assert act == "m", act


def picture(number: int = 0, width: int = 64, height: int = 48) -> Picture:
    """Make a picture, in which every pixel differs from that of the next number."""
    luma = bytes((x * 3 + 40 * number) % 256 for x in range(width)) * height
    return Picture(width, height, luma + bytes([128]) * (width * height // 2))
