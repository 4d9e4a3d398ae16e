"""How the user wants calls to be held."""

from dataclasses import dataclass, field
from pathlib import Path

from cli.gossip import Gossip
from cli.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How the user wants calls to be held.

    Attributes:
        video: show our picture from the start.
        screen: show our screen from the start.
        push_to_talk: be silent but while a key is held.
        auto: accept by ourselves, unless the trust is broken.
        files: where files go that come; without it they are refused.
        show_words: tell programs the words.
        stats_s: how often to tell how the call goes; None is when asked.
        overwrite: record over existing files.
        report: what to keep of the quality of each call.
        gossip: how update logs are compared with the other side; None is not at all.
    """

    video: bool = False
    screen: bool = False
    push_to_talk: bool = False
    auto: bool = False
    files: Path | None = None
    show_words: bool = False
    stats_s: float | None = None
    overwrite: bool = False
    report: Report = field(default_factory=Report)
    gossip: Gossip | None = None
