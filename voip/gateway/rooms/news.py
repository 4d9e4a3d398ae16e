"""What the user of a room is told: facts, one frozen value each, with a JSON form.

Names and values are an interface for programs (`ringfence gateway room --json`).
Aliases are our own names for people; who shows them escapes them all the same, for a
card may have brought them.
"""

from dataclasses import KW_ONLY, dataclass
from typing import assert_never

from voip.events import End
from voip.identity.trust import TrustState
from voip.marks import NAMES, leg_facts, weakest
from voip.news import LegsChanged

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class MemberSeen:
    """One member, as this side sees them.

    Attributes:
        key: identity and device id, 48 bytes.
        alias: our name for them; empty for who is not in our address book.
        is_us: this side.
        trust: our own word for them, and nobody else's; None for ourselves.
        introduced_by: who handed us their card in this room; empty if nobody did.
        is_heard: there is a session between them and us that works.
        is_lost: its path is lost; after 30 s the session is over.
        trusts: whom else they are heard by, and that one's word for them, as he says.
        has_hand_up: they would like to speak.
        is_speaking: they are loud, lately.
        is_seen: it is their picture that stands on our screen.
        is_hushed: we chose not to hear them.
        differs: they see other members than we do, for more than 5 s.
    """

    key: bytes
    alias: str
    _: KW_ONLY
    is_us: bool = False
    trust: TrustState | None = None
    introduced_by: str = ""
    is_heard: bool = False
    is_lost: bool = False
    trusts: tuple[tuple[str, TrustState], ...] = ()
    has_hand_up: bool = False
    is_speaking: bool = False
    is_seen: bool = False
    is_hushed: bool = False
    is_muted: bool = False
    is_held: bool = False
    shows_video: bool = False
    shows_screen: bool = False
    is_recording: bool = False
    differs: bool = False


@dataclass(frozen=True, slots=True)
class MembersChanged:
    """Who is in the room, and what they do; the whole list each time, by rising key."""

    members: tuple[MemberSeen, ...]
    epoch: int


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody is being asked to come."""

    alias: str


@dataclass(frozen=True, slots=True)
class NotComing:
    """Somebody who was asked, or is a member, has no session with us, and why."""

    alias: str
    end: End


@dataclass(frozen=True, slots=True)
class Introduced:
    """Somebody is in our address book now: a member handed us their card.

    `clash`: who has such a name already, under another identity; empty if nobody.
    """

    alias: str
    by: str
    clash: str = ""


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """Somebody called and was not let in."""

    alias: str
    why: str


@dataclass(frozen=True, slots=True)
class RosterAlarm:
    """Whether somebody sees other members than we do, for more than 5 s.

    They, or somebody between others and them, may be lying about who is here. `key` is
    that of their device, 48 bytes: people in nobody's address book share a name.
    """

    key: bytes
    alias: str
    _: KW_ONLY
    differs: bool


@dataclass(frozen=True, slots=True)
class GuestsChanged:
    """Whom other members carry into the room; the whole list each time.

    `carried`: one for each member who carries somebody, with its own word for them.
    """

    carried: tuple[LegsChanged, ...]


@dataclass(frozen=True, slots=True)
class RoomWarned:
    """Something the user should know, as a sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class RoomClosed:
    """We are out of the room, and why."""

    why: str


RoomNews = (
    MembersChanged
    | Invited
    | NotComing
    | Introduced
    | TurnedAway
    | RosterAlarm
    | GuestsChanged
    | RoomWarned
    | RoomClosed
)


def format_room_json(  # noqa: PLR0911 -- one case per kind of news
    news: RoomNews,
) -> Json:
    """Give the JSON object of a piece of news; its `event` names the kind."""
    match news:
        case MembersChanged(members, epoch):
            listed = [_format_member(member) for member in members]
            return {"event": "members", "epoch": epoch, "members": listed}
        case Invited(alias):
            return {"event": "invited", "alias": alias}
        case NotComing(alias, end):
            return {"event": "not-coming", "alias": alias, "end": end.value}
        case Introduced(alias, by, clash):
            return {"event": "introduced", "alias": alias, "by": by, "clash": clash}
        case TurnedAway(alias, why):
            return {"event": "turned-away", "alias": alias, "why": why}
        case RosterAlarm(key, alias, differs=differs):
            shown = {"key": key.hex(), "alias": alias, "differs": differs}
            return {"event": "roster", **shown}
        case GuestsChanged(carried):
            return _format_guests(carried)
        case RoomWarned(sentence):
            return {"event": "warning", "sentence": sentence}
        case RoomClosed(why):
            return {"event": "closed", "why": why}
        case _:
            assert_never(news)


def _format_guests(carried: tuple[LegsChanged, ...]) -> Json:
    mark = weakest(leg for news in carried for leg in news.legs.legs)
    return {
        "event": "guests",
        "code": int(mark),
        "mark": NAMES[mark],
        "legs": [
            leg_facts(leg, news.via) for news in carried for leg in news.legs.legs
        ],
        "asks": [news.via for news in carried if news.asks],
    }


def _format_member(member: MemberSeen) -> Json:
    return {
        "key": member.key.hex(),
        "alias": member.alias,
        "us": member.is_us,
        "trust": member.trust.value if member.trust else None,
        "introduced_by": member.introduced_by,
        "heard": member.is_heard,
        "lost": member.is_lost,
        "trusts": {by: trust.value for by, trust in member.trusts},
        "hand": member.has_hand_up,
        "speaking": member.is_speaking,
        "seen": member.is_seen,
        "hushed": member.is_hushed,
        "muted": member.is_muted,
        "held": member.is_held,
        "video": member.shows_video,
        "screen": member.shows_screen,
        "recording": member.is_recording,
        "differs": member.differs,
    }
