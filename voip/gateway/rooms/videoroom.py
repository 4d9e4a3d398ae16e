"""What is said to Janus and its VideoRoom plugin, and what they say: JSON in text.

Pure. ::

    create session, attach a handle      one handle publishes, one more for each feed
    message  {request: create, join, publish, start, kick, destroy}
    reply    success, or ack and later an event of the same transaction; error
    events   feeds that came and went, lost packets, the end

Everything that comes is a stranger's: a message is read into one of few values, or it
is malformed and the connection ends. Written against Janus 1.1.2, whose documentation
has the fields ("VideoRoom plugin", "Janus API").
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from voip.errors import MalformedError
from voip.gateway.rooms.senderkeys import MAX_MEMBERS
from voip.gateway.rooms.sfu import MAX_SDP_BYTES, FeedId, Sdp
from voip.signalling.group import Room

PLUGIN: Final = "janus.plugin.videoroom"
MAX_FEEDS = 4 * MAX_MEMBERS
"""In one message: members come and go, and strangers who know the pin may be there."""
MAX_ID = (1 << 53) - 1  # what every reader of JSON keeps exactly (RFC 8259 §6)
MAX_REASON = 200  # characters of the server's own words

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came, as far as it concerns us; everything may be missing.

    Attributes:
        kind: Janus's word for it, such as `ack`, `success`, `event`, `slowlink`.
        transaction: of the request that this answers.
        handle: which handle it is about.
        number: of the session or handle that was made.
        error: why the server says no, in its words.
        plugin: the plugin's word, such as `joined`, `created`, `event`.
        feeds: who publishes, of those that are new.
        gone: a feed that ended.
        sdp: an offer or answer that came along.
        is_ours: of lost packets, those that we sent.
        is_over: the room or the session is no more.
    """

    kind: str
    transaction: str | None = None
    handle: int | None = None
    number: int | None = None
    error: str | None = None
    plugin: str | None = None
    feeds: tuple[FeedId, ...] = ()
    gone: FeedId | None = None
    sdp: Sdp | None = None
    is_ours: bool = False
    is_over: bool = False


def create_room(ticket: Room, *, admin_key: str, secret: str) -> Json:
    """Ask for a private room; `secret` is what destroys it."""
    return {
        "request": "create",
        "room": ticket.room,
        "pin": ticket.pin,
        "secret": secret,
        "admin_key": admin_key,
        "is_private": True,
        "publishers": MAX_MEMBERS,
        "audiocodec": "opus",
        "videocodec": "vp8",
        "notify_joining": False,
        # Nothing about the loudness of sound, and no header extension at all.
        "audiolevel_ext": False,
        "videoorient_ext": False,
        "playoutdelay_ext": False,
        "transport_wide_cc_ext": False,
    }


def destroy_room(ticket: Room, *, secret: str) -> Json:
    """Ask for the end of a room."""
    return {"request": "destroy", "room": ticket.room, "secret": secret}


def remove(ticket: Room, feed: FeedId, *, secret: str) -> Json:
    """Ask for somebody to be put out who publishes a feed; they may come back."""
    door = {"request": "kick", "room": ticket.room, "secret": secret}
    return {**door, "id": feed}


def join_room(ticket: Room, *, display: str) -> Json:
    """Ask to go in as one who publishes; `display` is 8 random bytes and no name."""
    return {**_door(ticket), "ptype": "publisher", "display": display}


def subscribe(ticket: Room, feed: FeedId) -> Json:
    """Ask for a feed."""
    return {**_door(ticket), "ptype": "subscriber", "streams": [{"feed": feed}]}


def format_request(kind: str, transaction: str, **fields: object) -> str:
    """Write a request of Janus itself."""
    return json.dumps({"janus": kind, "transaction": transaction, **fields})


def format_jsep(kind: str, sdp: Sdp) -> Json:
    """Write an offer or answer."""
    return {"type": kind, "sdp": sdp}


def parse_reply(text: str) -> Reply:
    """Read what the server says.

    Raises:
        MalformedError: no JSON object, or a field of another kind than it must be.
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedError("janus: expected JSON, came something else") from None
    said = _object(said, "message")
    kind = _text(said, "janus") or ""
    data = _object(said.get("plugindata", {}), "plugindata").get("data", {})
    data = _object(data, "data")
    error = _object(said.get("error", {}), "error")
    made = _object(said.get("data", {}), "data")
    jsep = _object(said.get("jsep", {}), "jsep")
    sdp = _text(jsep, "sdp", MAX_SDP_BYTES)
    plugin = _text(data, "videoroom")
    return Reply(
        kind=kind,
        transaction=_text(said, "transaction"),
        handle=_number(said, "sender"),
        number=_number(made, "id"),
        error=_text(error, "reason") or _text(data, "error"),
        plugin=plugin,
        feeds=_feeds(data.get("publishers", [])),
        gone=_gone(data),
        sdp=None if sdp is None else Sdp(sdp),
        is_ours=said.get("uplink") is True,
        is_over=kind == "timeout" or plugin == "destroyed",
    )


def _door(ticket: Room) -> Json:
    door = {"request": "join", "room": ticket.room, "pin": ticket.pin}
    return {**door, "token": ticket.token.decode("latin-1")} if ticket.token else door


def _object(value: object, name: str) -> Json:
    if not isinstance(value, dict):
        raise MalformedError(f"janus: expected {name} to be an object")
    return value


def _text(said: Json, name: str, limit: int = MAX_REASON) -> str | None:
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise MalformedError(f"janus: expected {name} to be text")
    if len(value) > limit:
        if limit == MAX_REASON:
            return value[:limit]
        raise MalformedError(f"janus: expected {name} of {limit} characters at most")
    return value


def _number(said: Json, name: str) -> int | None:
    value = said.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 < value <= MAX_ID:
        raise MalformedError(f"janus: expected {name} to be a number up to {MAX_ID}")
    return value


def _feeds(publishers: object) -> tuple[FeedId, ...]:
    if not isinstance(publishers, Sequence) or len(publishers) > MAX_FEEDS:
        raise MalformedError(f"janus: expected at most {MAX_FEEDS} publishers")
    found = [_number(_object(each, "publisher"), "id") for each in publishers]
    return tuple(FeedId(feed) for feed in found if feed is not None)


def _gone(data: Json) -> FeedId | None:
    """Read who left, stopped or was put out; of ourselves it says `ok`."""
    for name in ("unpublished", "leaving", "kicked"):
        if data.get(name) not in (None, "ok"):
            feed = _number(data, name)
            return None if feed is None else FeedId(feed)
    return None
