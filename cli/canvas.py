"""A terminal with a picture above and the call's lines below, as bytes.

Pure. The lines stay at the bottom; the picture takes the room that they leave, in its
own shape. Where the room changes, because the terminal or the number of lines did,
everything is drawn again; else only what changed.
"""

from collections.abc import Sequence

from voip.media.ends.choice import Drawn
from voip.media.ends.kitty import CLEAR as CLEAR_KITTY
from voip.media.ends.kitty import KittyPictures
from voip.media.ends.terminal import Colours, HalfBlocks, Place, fit
from voip.media.sources import Picture

ENTER = b"\x1b[?1049h\x1b[?25l\x1b[?7l"
"""The second screen, no cursor, and long lines end at the edge."""
LEAVE = b"\x18\x1b\\" + CLEAR_KITTY + b"\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
"""Everything back; first what ends an escape sequence that was cut off half-way."""

_LEAST_ROWS = 4  # of a picture; with less room it makes way for the lines
_CLEAR = b"\x1b[0m\x1b[2J"


class Canvas:
    """What one terminal shows while pictures come."""

    def __init__(self, drawn: Drawn, colours: Colours) -> None:
        """Begin with an empty screen."""
        self._drawn = drawn
        self._colours = colours
        self._room = (0, 0, 0)
        self._lines: Sequence[str] = ()
        self._picture: Picture | None = None
        self._place: Place | None = None
        self._artist: HalfBlocks | KittyPictures | None = None

    def draw(
        self, picture: Picture, lines: Sequence[str], columns: int, rows: int
    ) -> bytes:
        """Write what turns the screen into this; it has `columns` times `rows` cells.

        Of too many lines, the last ones are shown.
        """
        cleared = self._make_room(len(lines), columns, rows)
        drawn = written = b""
        if cleared or picture is not self._picture:
            self._picture = picture
            drawn = self._draw_picture(picture)
        if cleared or lines != self._lines:
            self._lines = lines
            written = self._draw_lines()
        return cleared + drawn + written

    def _make_room(self, lines: int, columns: int, rows: int) -> bytes:
        """Share the screen out; lines keep the room they once had, or pictures jump."""
        *size, height = self._room
        if size == [columns, rows]:
            lines = max(lines, height)
        room = columns, rows, min(lines, rows)
        if room == self._room:
            return b""
        self._room, self._place = room, None
        return _CLEAR + (CLEAR_KITTY if self._drawn is Drawn.KITTY else b"")

    def _draw_picture(self, picture: Picture) -> bytes:
        columns, rows, height = self._room
        room = rows - height
        if room < _LEAST_ROWS:
            return b""
        wide, high = fit(picture, columns=columns, rows=room)
        top, left = (room - high) // 2 + 1, (columns - wide) // 2 + 1
        place = Place(top=top, left=left, columns=wide, rows=high)
        cleared = b""
        if place != self._place or self._artist is None:
            if self._place is not None:  # one of another shape stood here
                cleared = b"".join(
                    b"\x1b[%d;1H\x1b[2K" % row for row in range(1, room + 1)
                )
            self._place, self._artist = place, self._new_artist(place)
        return cleared + self._artist.draw(picture)

    def _new_artist(self, place: Place) -> HalfBlocks | KittyPictures:
        if self._drawn is Drawn.KITTY:
            return KittyPictures(place)
        return HalfBlocks(place, self._colours)

    def _draw_lines(self) -> bytes:
        _, rows, height = self._room
        left_out = max(len(self._lines) - height, 0)
        shown = [*self._lines[left_out:], *[""] * (height - len(self._lines))]
        return b"".join(
            b"\x1b[%d;1H\x1b[0m\x1b[2K%b" % (row, line.encode(errors="replace"))
            for row, line in enumerate(shown, rows - height + 1)
        )
