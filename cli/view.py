"""A call as its user sees it: what is known, and how it is said.

Pure: news and time in, a state and lines of text out. What comes from the other side is
escaped here, and only what is known is said: it rings there once their device said so.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from cli.output import escape
from cli.quality import Live, path_words, stats_lines
from cli.trust import say
from voip import news as n
from voip.call import State
from voip.events import End
from voip.identity.trust import Trust, TrustState
from voip.identity.words import WordTriple
from voip.marks import NAMES, weakest
from voip.marks import sentence as leg_sentence

_LOG_LINES = 6  # of the latest texts and warnings on a screen
_RECORDED = "they record this call from now on, as they say"
_BLOCKED = "nothing is accepted by itself; microphone and camera stay closed"

_STATES = {
    State.IDLE: "calling",
    State.INVITED: "calling",
    State.CONFIRMED: "calling; their device answered",
    State.ALERTED: "ringing at their side",
    State.ANSWERED: "a call is coming in",
    State.RINGING: "calling you",
    State.ACCEPTED: "accepted; waiting for their device",
    State.CONNECTING: "connecting",
    State.ACTIVE: "connected",
    State.RECONNECTING: "connection lost; looking for another path",
    State.ENDED: "over",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of a call so far.

    Attributes:
        alias: our name for the other side.
        speaks_anyway: the user typed `continue` although the trust is broken.
        push_to_talk: we are muted but while a key is held.
        recording: the file into which we record; empty if we do not.
        options: sets of words to choose from, while the user compares.
        log: the latest texts and warnings, escaped.
        legs: who else is in the call by a gateway of theirs; it stays.
        alarm: what the user must not overlook, in lines; it stays.
        connected_at: seconds, by the clock that `after` is given.
    """

    alias: str
    state: State = State.IDLE
    trust: Trust | None = None
    words: WordTriple | None = None
    decimal: str = ""
    path: str = ""
    peer: n.PeerChanged | None = None
    legs: n.LegsChanged | None = None
    peer_compared: bool | None = None
    speaks_anyway: bool = False
    closed_by: str = ""
    muted: bool = False
    held: bool = False
    video: bool = False
    screen: bool = False
    push_to_talk: bool = False
    recording: str = ""
    options: tuple[WordTriple, ...] = ()
    log: tuple[str, ...] = ()
    alarm: tuple[str, ...] = ()
    connected_at: float | None = None
    end: End | None = None

    @property
    def sees_pictures(self) -> bool:
        """Whether the other side shows us something, as it says."""
        shows = self.peer is not None and (self.peer.video or self.peer.screen)
        return shows and not self.held and self.end is None

    @property
    def closed(self) -> str:
        """Why microphone and camera are closed; empty if they are not."""
        if self.speaks_anyway:
            return ""
        if self.trust is not None and self.trust.state is TrustState.BROKEN:
            return self.trust.reason.value
        return self.closed_by


def after(  # noqa: C901, PLR0911, PLR0912 -- one case per kind of news
    seen: Seen, news: n.News, now: float
) -> Seen:
    """Take up a piece of news that came at `now`, in seconds of any steady clock."""
    match news:
        case n.StateChanged(state):
            at = seen.connected_at
            if state is State.ACTIVE and at is None:
                at = now
            return replace(seen, state=state, connected_at=at)
        case n.TrustKnown(trust):
            settled = trust.state is TrustState.VERIFIED
            return replace(
                seen, trust=trust, closed_by="" if settled else seen.closed_by
            )
        case n.WordsKnown(words, decimal):
            return replace(seen, words=words, decimal=decimal)
        case n.PathChanged(kind):
            return replace(seen, path=kind)
        case n.PeerChanged():
            begins = news.recording and not (seen.peer and seen.peer.recording)
            told = noted(seen, _RECORDED) if begins else seen
            return replace(told, peer=news)
        case n.PeerCompared(matched):
            return replace(seen, peer_compared=matched)
        case n.LegsChanged():
            return replace(seen, legs=news)
        case n.Ended(end):
            return replace(seen, end=end, state=State.ENDED)
        case n.MicrophoneClosed(reason):
            return replace(seen, closed_by=reason)
        case n.EpochChanged() | n.PathWeakened():
            return seen  # the media's counts say it
        case n.Warned() | n.TextArrived() | n.FileArrived() | n.DigitArrived():
            return noted(seen, sentence(news))
        case _:
            assert_never(news)


def noted(seen: Seen, *lines: str) -> Seen:
    """Add lines to the log on the screen; the oldest go."""
    return replace(seen, log=(*seen.log, *lines)[-_LOG_LINES:])


def sentence(  # noqa: C901, PLR0911, PLR0912 -- one case per kind of news
    news: n.News,
) -> str:
    """Say a piece of news in a line; empty where another line says it already."""
    match news:
        case n.StateChanged(
            State.INVITED | State.ANSWERED | State.RINGING | State.ENDED
        ):
            return ""  # who calls whom comes before, "over: why" after
        case n.StateChanged(state):
            return _STATES[state]
        case n.TrustKnown(trust):
            return f"trust: {say(trust)}"
        case n.WordsKnown(words, decimal):
            return f"words: {' '.join(words)} ({decimal})"
        case n.PathChanged(kind):
            return f"path: {path_words(kind)}"
        case n.PathWeakened(seconds):
            return f"nothing heard for {seconds:.1f} s"
        case n.DigitArrived(digit):
            return f"they press {digit}"
        case n.EpochChanged(epoch):
            return f"fresh keys: epoch {epoch}"
        case n.PeerChanged():
            return f"they: {_peer(news)}"
        case n.PeerCompared(True):
            return "they say: the words match"
        case n.PeerCompared():
            return "they say: the words differ"
        case n.MicrophoneClosed(reason):
            return f"microphone closed: {reason}; 'continue' opens it for this call"
        case n.Warned(text):
            return f"warning: {escape(text)}"
        case n.TextArrived(text):
            return f"they write: {escape(text)}"
        case n.FileArrived(name, data):
            return f"they send a file: {escape(name)}, {len(data)} bytes"
        case n.LegsChanged():
            return "; ".join(legs_lines(news))
        case n.Ended(end):
            return f"over: {end.value}"
        case _:
            assert_never(news)


def numbered(options: tuple[WordTriple, ...]) -> list[str]:
    """List the sets of words to choose from."""
    lines = [f"  {i}  {' '.join(words)}" for i, words in enumerate(options, 1)]
    return [*lines, "  0  none of these"]


def render(
    seen: Seen, now: float, *, live: Live | None = None, entry: str = ""
) -> list[str]:
    """Draw the call as it stands at `now`; `entry` is what is being typed."""
    lines = [f"{escape(seen.alias)}: {_where(seen)}{_duration(seen, now)}"]
    if seen.trust is not None:
        lines.append(f"trust: {say(seen.trust)}")
        if seen.trust.state is TrustState.BROKEN:
            lines.append(f"blocked: {_BLOCKED}")
    if seen.legs is not None:
        lines += legs_lines(seen.legs)
    lines += seen.alarm
    if seen.options and entry:
        # Not beside our own words: the answer must come from the other side's mouth.
        lines += numbered(seen.options)
    elif seen.words is not None:
        lines.append(f"words: {' '.join(seen.words)} ({seen.decimal})")
    if seen.peer_compared is not None:
        lines.append(sentence(n.PeerCompared(seen.peer_compared)))
    if live is not None:
        lines += stats_lines(live)
    if seen.peer is not None:
        lines.append(f"they: {_peer(seen.peer)}")
    lines.append(f"you: {_own(seen)}")
    lines += [f"  {line}" for line in seen.log]
    if seen.end is None:
        lines.append(entry or _keys(seen))
    return lines


def legs_lines(news: n.LegsChanged) -> list[str]:
    """Say who else hears, and how weak that makes the call; first what is weakest."""
    legs = news.legs.legs
    if not legs:
        return ["legs: none; nobody but the two of you"]
    lines = [f"this call: {NAMES[weakest(legs)]}"]
    lines += [escape(leg_sentence(leg, news.via)) for leg in legs]
    if news.asks:
        lines.append("'legs accept' lets them hear and speak, 'legs refuse' does not")
    return lines


def _where(seen: Seen) -> str:
    if seen.end is not None:
        return f"over: {seen.end.value}"
    if seen.state is State.ACTIVE and seen.path:
        return f"connected, {path_words(seen.path)}"
    return _STATES[seen.state]


def _duration(seen: Seen, now: float) -> str:
    if seen.connected_at is None or seen.end is not None:
        return ""
    minutes, seconds = divmod(int(now - seen.connected_at), 60)
    return f", {minutes}:{seconds:02}"


def _peer(peer: n.PeerChanged) -> str:
    return _listed(
        muted=peer.muted,
        held=peer.held,
        video=peer.video,
        screen=peer.screen,
        recording=peer.recording,
    )


def _own(seen: Seen) -> str:
    if seen.closed:
        return f"microphone closed: {seen.closed}"
    said = own(seen)
    if not seen.push_to_talk:
        return said
    return f"{said}; hold the space bar to speak"


def own(seen: Seen) -> str:
    """Say what our side shows, hears and keeps."""
    said = _listed(
        muted=seen.muted,
        held=seen.held,
        video=seen.video,
        screen=seen.screen,
        recording=False,
    )
    return (
        f"{said}, recording into {escape(seen.recording)}" if seen.recording else said
    )


def _listed(
    *,
    muted: bool,
    held: bool,
    video: bool,
    screen: bool,
    recording: bool,
) -> str:
    said = {
        "muted": muted,
        "on hold": held,
        "video on": video,
        "screen shown": screen,
        "RECORDING THE CALL": recording,
    }
    return ", ".join(word for word, holds in said.items() if holds) or "sound on"


def _keys(seen: Seen) -> str:
    if seen.state is State.RINGING:
        return "keys: a accept  d decline"
    if seen.state not in (State.ACTIVE, State.RECONNECTING):
        return "keys: q hang up"
    keys = [
        "m unmute" if seen.muted else "m mute",
        "h resume" if seen.held else "h hold",
        "v video",
        "s screen",
        "w words",
        *(["c continue"] if seen.closed else []),
        "r stop recording" if seen.recording else "r record",
        "t text",
        ": order",
        "q hang up",
    ]
    return f"keys: {'  '.join(keys)}"
