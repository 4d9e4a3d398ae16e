"""Where the other side's pictures are drawn: on our terminal, or in a window."""

import sys

from cli import paths
from cli.console import is_screen
from cli.stage import Stage
from voip.errors import MissingError
from voip.media.ends.choice import Drawn, VideoOut
from voip.media.ends.open import Display
from voip.media.ends.terminal import Colours
from voip.media.ends.window import Window
from voip.media.sources import VideoSink

_STAGED = (Drawn.BLOCKS, Drawn.KITTY)


def open_stage(chosen: VideoOut) -> Stage | None:
    """Prepare the terminal for pictures, if it is chosen for them.

    Raises:
        MissingError: this program does not run on one.
    """
    if not isinstance(chosen, Drawn) or chosen not in _STAGED:
        return None
    if not is_screen():
        raise MissingError(
            f"--video-out {chosen.value} needs a terminal for input and output, "
            "and no --json"
        )
    colours = Colours.TRUE if paths.has_true_colours() else Colours.XTERM_256
    return Stage(sys.stdout.fileno(), chosen, colours)


def display_on(stage: Stage | None) -> Display:
    """Say what draws pictures; asked for anything but a window, it is the stage."""

    def display(drawn: Drawn) -> VideoSink:
        if drawn is Drawn.WINDOW:
            return Window()
        assert stage is not None  # `open_stage` was asked about the same choice
        return stage

    return display
