"""What Janus says, as Janus 1.1.2 said it, and what a hostile one may."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.gateway.rooms.sfu import MAX_SDP_BYTES, FeedId, Sdp
from voip.gateway.rooms.videoroom import (
    MAX_FEEDS,
    MAX_REASON,
    Reply,
    create_room,
    destroy_room,
    format_jsep,
    format_request,
    join_room,
    parse_reply,
    remove,
    subscribe,
)
from voip.signalling.group import Room

TICKET = Room(bytes(16), "wss://sfu.example", room=7, pin="a" * 26)


def reply(**said: object) -> Reply:
    return parse_reply(json.dumps(said))


def event(**data: object) -> Reply:
    return reply(janus="event", sender=5, plugindata={"plugin": "x", "data": data})


def test_a_room_is_private_and_tells_nothing_of_its_members() -> None:
    body = create_room(TICKET, admin_key="key", secret="secret")

    assert body["is_private"] is True
    assert body["publishers"] == 16
    assert body["notify_joining"] is False
    assert not any(on for name, on in body.items() if name.endswith("_ext"))


def test_a_room_is_made_and_ended_by_who_holds_its_secrets() -> None:
    made = create_room(TICKET, admin_key="key", secret="secret")

    assert (made["admin_key"], made["pin"]) == ("key", "a" * 26)
    assert destroy_room(TICKET, secret="secret") == {
        "request": "destroy",
        "room": 7,
        "secret": "secret",
    }


def test_somebody_is_put_out_by_who_holds_the_secret() -> None:
    assert remove(TICKET, FeedId(3), secret="secret") == {
        "request": "kick",
        "room": 7,
        "secret": "secret",
        "id": 3,
    }


def test_a_member_goes_in_under_a_name_that_means_nothing() -> None:
    assert join_room(TICKET, display="00ff") == {
        "request": "join",
        "room": 7,
        "pin": "a" * 26,
        "ptype": "publisher",
        "display": "00ff",
    }


def test_a_token_is_shown_where_the_ticket_has_one() -> None:
    ticket = Room(bytes(16), "wss://sfu.example", room=7, pin="a" * 26, token=b"t\xff")

    assert subscribe(ticket, FeedId(9)) == {
        "request": "join",
        "room": 7,
        "pin": "a" * 26,
        "token": "t\xff",
        "ptype": "subscriber",
        "streams": [{"feed": 9}],
    }


def test_a_request_has_a_transaction() -> None:
    jsep = format_jsep("offer", Sdp("v=0"))

    assert json.loads(format_request("message", "t1", jsep=jsep)) == {
        "janus": "message",
        "transaction": "t1",
        "jsep": {"type": "offer", "sdp": "v=0"},
    }


def test_a_session_has_a_number() -> None:
    said = reply(janus="success", transaction="t", data={"id": 4574061985075210})

    assert said == Reply(kind="success", transaction="t", number=4574061985075210)


def test_who_joins_is_told_who_publishes() -> None:
    said = event(videoroom="joined", publishers=[{"id": 3}, {"display": "no id"}])

    assert (said.handle, said.plugin, said.feeds) == (5, "joined", (3,))


@pytest.mark.parametrize("word", ["leaving", "unpublished", "kicked"])
def test_a_feed_goes(word: str) -> None:
    assert event(videoroom="event", **{word: 3}).gone == 3


@pytest.mark.parametrize("word", ["leaving", "unpublished", "kicked"])
def test_our_own_going_is_no_feed(word: str) -> None:
    assert event(videoroom="event", **{word: "ok"}).gone is None


def test_an_offer_comes_along() -> None:
    said = reply(janus="event", jsep={"type": "offer", "sdp": "v=0\r\n"})

    assert said.sdp == "v=0\r\n"


def test_lost_packets_are_ours_or_theirs() -> None:
    assert reply(janus="slowlink", uplink=True).is_ours
    assert not reply(janus="slowlink", uplink=False).is_ours


def test_the_plugin_says_no_in_its_words() -> None:
    assert event(error_code=426, error="No such room").error == "No such room"


def test_janus_says_no_in_its_words() -> None:
    error = {"code": 458, "reason": "No such session"}

    assert reply(janus="error", error=error).error == "No such session"


def test_a_long_reason_is_cut() -> None:
    assert event(error="x" * 1000).error == "x" * MAX_REASON


def test_the_end_of_session_and_room_is_told() -> None:
    assert reply(janus="timeout").is_over
    assert event(videoroom="destroyed").is_over


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        '"janus"',
        "{",
        '{"janus": 7}',
        '{"janus": "event", "sender": "5"}',
        '{"janus": "event", "sender": true}',
        '{"janus": "event", "sender": 0}',
        '{"janus": "event", "sender": 9007199254740992}',
        '{"plugindata": []}',
        '{"plugindata": {"data": "x"}}',
        '{"plugindata": {"data": {"publishers": {}}}}',
        '{"plugindata": {"data": {"publishers": [7]}}}',
        '{"plugindata": {"data": {"leaving": "me"}}}',
        '{"jsep": "x"}',
        '{"jsep": {"sdp": 7}}',
        '{"error": "x"}',
        '{"data": "x"}',
    ],
)
def test_what_cannot_be_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError, match="janus: expected"):
        parse_reply(text)


def test_a_long_offer_is_malformed() -> None:
    with pytest.raises(MalformedError, match="sdp of"):
        reply(jsep={"sdp": "x" * (MAX_SDP_BYTES + 1)})


def test_more_feeds_than_a_room_has_are_malformed() -> None:
    with pytest.raises(MalformedError, match="at most 64 publishers"):
        event(publishers=[{"id": 1}] * (MAX_FEEDS + 1))


def test_deep_nesting_is_malformed() -> None:
    with pytest.raises(MalformedError):
        parse_reply('{"a":' * 100_000)


NAMES = st.sampled_from(
    [
        *("janus", "sender", "plugindata", "data", "videoroom", "publishers", "id"),
        *("jsep", "sdp", "error", "reason", "leaving", "unpublished", "transaction"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, JSON) | JSON)
def test_any_json_is_read_or_malformed(said: object) -> None:
    try:
        read = parse_reply(json.dumps(said))
    except MalformedError:
        return

    assert isinstance(read, Reply)
