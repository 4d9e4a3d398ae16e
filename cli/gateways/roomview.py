"""A room as its user reads and steers it: news as lines, lines as orders.

Pure. Names are escaped here. Each screen has its own user's word of trust for each
member; what others say of them stands beside it, as theirs.

Orders, a line each::

    mute  unmute  hand  hand down  video on  video off  screen on  screen off
    members  stats  leave
    invite NAME  hush NAME  unhush NAME  words NAME  continue NAME
    choices NAME  choose N
    legs accept [NAME]  legs refuse [NAME]

`choices NAME` shows four sets of words and `choose` says which of them NAME reads out,
from 1 to 4, or 0 for none of these. `hush` stops us from hearing somebody; nobody else
notices. `legs` answers who wants to let browser guests in, or all who do.
"""

from dataclasses import KW_ONLY, dataclass, replace
from enum import Enum
from typing import assert_never

from cli.output import alarm, escape
from cli.view import numbered
from voip import marks
from voip.errors import MalformedError
from voip.events import End
from voip.gateway.rooms.news import (
    GuestsChanged,
    Introduced,
    Invited,
    MembersChanged,
    MemberSeen,
    NotComing,
    RoomClosed,
    RoomNews,
    RoomWarned,
    RosterAlarm,
    TurnedAway,
)
from voip.gateway.rooms.roster import IDENTITY_BYTES
from voip.identity.keys import format_identity
from voip.identity.trust import TrustState
from voip.identity.words import WordTriple

NOBODY = "somebody who is not in your address book"
_LETTERS = 6  # of an identity: enough to tell 16 people apart


class Act(Enum):
    """An order without a name; the value is its line."""

    MUTE = "mute"
    UNMUTE = "unmute"
    HAND = "hand"
    HAND_DOWN = "hand down"
    VIDEO_ON = "video on"
    VIDEO_OFF = "video off"
    SCREEN_ON = "screen on"
    SCREEN_OFF = "screen off"
    MEMBERS = "members"
    STATS = "stats"
    LEAVE = "leave"


class Verb(Enum):
    """An order about somebody; the value is its first word."""

    INVITE = "invite"
    HUSH = "hush"
    UNHUSH = "unhush"
    WORDS = "words"
    CONTINUE = "continue"
    CHOICES = "choices"


@dataclass(frozen=True, slots=True)
class About:
    """An order about the member or contact of this name."""

    verb: Verb
    name: str


@dataclass(frozen=True, slots=True)
class Choose:
    """They read this set of words, from 0; None is "none of these"."""

    index: int | None


@dataclass(frozen=True, slots=True)
class Guests:
    """Let in those whom the member of this name carries, or not; None: all of them."""

    name: str | None
    _: KW_ONLY
    accept: bool


Order = Act | About | Choose | Guests

_ACTS = {act.value: act for act in Act}
_VERBS = {verb.value: verb for verb in Verb}
_GUESTS = {"legs accept": True, "legs refuse": False}
_CHOICES = {"0": None, "1": 0, "2": 1, "3": 2, "4": 3}
_LINES = ", ".join(
    [*_ACTS, *(f"{verb} NAME" for verb in _VERBS), "choose N", *_GUESTS],
)


def parse_order(line: str) -> Order:
    """Read a line.

    Raises:
        MalformedError: it is no order; the message lists those that are.
    """
    line = line.strip()
    if line in _ACTS:
        return _ACTS[line]
    word, _, rest = line.partition(" ")
    if word in _VERBS and rest:
        return About(_VERBS[word], rest)
    if word == "choose" and rest in _CHOICES:
        return Choose(_CHOICES[rest])
    answer, name = line[: len("legs accept")], line[len("legs accept") :]
    if answer in _GUESTS and name[:1] in ("", " "):
        return Guests(name.strip() or None, accept=_GUESTS[answer])
    raise MalformedError(f"expected one of {_LINES}, came {line!r}")


def offered(name: str, options: tuple[WordTriple, ...]) -> list[str]:
    """Ask which set of words somebody reads out."""
    question = f"which of these does {escape(name)} read? 'choose N' says it"
    return [question, *numbered(options)]


def named(alias: str, key: bytes) -> str:
    """Give our name for somebody; who has none is told apart by their identity.

    `key` begins with it. Its first letters are not proof of anything: anybody can look
    for a key whose letters begin so.
    """
    if alias:
        return escape(alias)
    return f"{NOBODY} ({format_identity(key[:IDENTITY_BYTES])[:_LETTERS]})"


def describe(member: MemberSeen) -> str:
    """Say all there is to know of a member in a line."""
    name = named(member.alias, member.key)
    said = "you" if member.is_us else _trust(member)
    flags = {
        "no session with you": not (member.is_heard or member.is_us),
        "CONNECTION LOST": member.is_lost,
        "hand up": member.has_hand_up,
        "speaking": member.is_speaking,
        "muted": member.is_muted,
        "on hold": member.is_held,
        "video on": member.shows_video,
        "screen shown": member.shows_screen,
        "on your screen": member.is_seen,
        "RECORDING": member.is_recording,
        "hushed by you": member.is_hushed,
        "SEES OTHER MEMBERS THAN YOU": member.differs,
    }
    states = [word for word, holds in flags.items() if holds]
    others = [f"{trust} to {escape(by)}" for by, trust in member.trusts if by]
    return f"  {name}: " + "; ".join(
        part for part in (said, ", ".join(states), ", ".join(others)) if part
    )


def listed(news: MembersChanged) -> list[str]:
    """Say who is in the room."""
    count = len(news.members)
    people = "nobody else is here" if count == 1 else f"{count} in the room:"
    return [people, *map(describe, news.members)]


def lines(  # noqa: C901, PLR0911 -- one case per kind of news
    news: RoomNews, before: MembersChanged | None
) -> list[str]:
    """Say a piece of news; `before` is the list of members that was shown last.

    Who speaks at the moment is no news worth a line: it changes with every breath.
    """
    match news:
        case MembersChanged():
            return _changes(news, before)
        case Invited(alias):
            return [f"asking {escape(alias)} to come"]
        case NotComing(alias, end):
            # Of two calls at once the other goes on.
            is_told = end not in {End.GLARE, End.SUPERSEDED}
            return [f"{escape(alias)} does not come: {end.value}"] * is_told
        case Introduced(alias, by, clash):
            said = f"{escape(alias)} is new to you, introduced by {escape(by)}"
            if clash:
                said += f"; not the {escape(clash)} whom you know"
            return [said]
        case TurnedAway(alias, why):
            return [f"turned away {escape(alias)}: {why}"]
        case RosterAlarm(key, alias, differs=differs):
            who = named(alias, key)
            if differs:
                return [alarm(f"ALARM: {who} sees other members than you do")]
            return [f"{who} sees the same members again"]
        case GuestsChanged():
            return guests(news)
        case RoomWarned(text):
            return [f"warning: {escape(text)}"]
        case RoomClosed(why):
            return [f"out of the room: {why}"]
        case _:
            assert_never(news)


def guests(news: GuestsChanged) -> list[str]:
    """Say whom other members carry into the room, and how weak that makes it."""
    legs = [(leg, each.via) for each in news.carried for leg in each.legs.legs]
    if not legs:
        return ["no guests of others are in the room"]
    weakest = marks.weakest(leg for leg, _ in legs)
    said = [f"this room: {marks.NAMES[weakest]}"]
    said += [escape(marks.sentence(leg, via)) for leg, via in legs]
    for asking in (each.via for each in news.carried if each.asks):
        name = escape(asking)
        said.append(
            f"{name} wants to let them in: 'legs accept {name}' lets them hear and"
            f" speak, 'legs refuse {name}' does not"
        )
    return said


def _changes(news: MembersChanged, before: MembersChanged | None) -> list[str]:
    if before is None:
        return listed(news)
    then = {member.key: member for member in before.members}
    now = {member.key: member for member in news.members}
    if then.keys() != now.keys():
        left = [then[key] for key in then.keys() - now.keys()]
        came = [now[key] for key in now.keys() - then.keys()]
        moved = [f"{named(each.alias, each.key)} is gone" for each in left]
        moved += [f"{named(each.alias, each.key)} comes" for each in came]
        return [*sorted(moved), *listed(news)]
    return [
        describe(now)
        for then, now in zip(before.members, news.members, strict=True)
        if replace(then, is_speaking=now.is_speaking, is_seen=now.is_seen) != now
    ]


def _trust(member: MemberSeen) -> str:
    if member.trust is TrustState.BROKEN:
        return alarm("BROKEN")
    said = member.trust.value if member.trust is not None else ""
    if member.introduced_by:
        said += f", introduced by {escape(member.introduced_by)}"
    return said
