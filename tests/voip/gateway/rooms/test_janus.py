"""The connection to Janus, against a server that says what a test wants it to."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from voip.errors import MalformedError, RefusedError, UnreachableError
from voip.gateway.rooms.janus import MAX_EVENTS, SUBPROTOCOL, Janus
from voip.gateway.rooms.sfu import Closed, Congested, FeedAdded, FeedGone, FeedId, Sdp
from voip.signalling.group import Room

TICKET = Room(bytes(16), "ws://127.0.0.1:1", room=7, pin="a" * 26)
Json = dict[str, Any]
PUBLISHER = 102  # the handle that is attached first, after the session


class Scripted:
    """A Janus that answers by rule; `asked` is what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Json] = []
        self.answers: dict[str, Json] = {
            "join": {"videoroom": "joined", "publishers": [{"id": 3}]},
            "create": {"videoroom": "created"},
            "destroy": {"videoroom": "destroyed"},
        }
        self.jsep: dict[str, str] = {"publish": "v=0 answer", "join": "v=0 offer"}
        self.says: list[str] = []
        self._numbers = itertools.count(101)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,))
        await socket.prepare(request)
        async for message in socket:
            said = json.loads(message.data)
            self.asked.append(said)
            for answer in self._answer(said):
                await socket.send_str(json.dumps(answer))
            if said["janus"] == "message":
                for text in self.says:
                    await socket.send_str(text)
        return socket

    def _answer(self, said: Json) -> list[Json]:
        to = {"transaction": said["transaction"]}
        if said["janus"] in ("create", "attach"):
            return [{"janus": "success", "data": {"id": next(self._numbers)}} | to]
        if said["janus"] != "message":
            return [{"janus": "success"} | to]
        request, handle = said["body"]["request"], said["handle_id"]
        data = self.answers.get(request, {"videoroom": "event"})
        if said["body"].get("ptype") == "subscriber":
            data = {"videoroom": "attached"}
        event: Json = {"janus": "event", "sender": handle, "plugindata": {"data": data}}
        if request in self.jsep:
            event["jsep"] = {"type": "offer", "sdp": self.jsep[request]}
        return [{"janus": "ack"} | to, event | to]

    def told(self, **said: object) -> None:
        self.says.append(json.dumps(said))


@pytest.fixture
def server() -> Scripted:
    return Scripted()


@pytest.fixture
async def url(server: Scripted) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/", server.serve)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"ws://127.0.0.1:{port}"
    await runner.cleanup()


@pytest.fixture
async def janus(url: str, entropy: Callable[[int], bytes]) -> AsyncIterator[Janus]:
    async with Janus(url, entropy=entropy) as janus:
        yield janus


async def events(janus: Janus) -> list[object]:
    return [event async for event in janus.events()]


async def test_who_joins_hears_of_those_who_publish(janus: Janus) -> None:
    await janus.join(TICKET)

    assert await anext(janus.events()) == FeedAdded(FeedId(3))


async def test_a_room_is_made_with_the_key_and_ended_with_the_secret(
    janus: Janus, server: Scripted
) -> None:
    await janus.create(TICKET, admin_key="key", secret="secret")
    await janus.destroy(TICKET, secret="secret")
    bodies = [each["body"] for each in server.asked if "body" in each]

    assert [body["request"] for body in bodies] == ["create", "destroy"]
    assert bodies[0]["admin_key"] == "key"


async def test_publishing_gives_the_answer(janus: Janus) -> None:
    assert await janus.publish(Sdp("v=0")) == "v=0 answer"


async def test_a_feed_is_taken_on_a_handle_of_its_own(
    janus: Janus, server: Scripted
) -> None:
    await janus.join(TICKET)
    offer = await janus.subscribe(FeedId(3))
    await janus.answer(FeedId(3), Sdp("v=0 mine"))
    await janus.unsubscribe(FeedId(3))
    handles = [each["handle_id"] for each in server.asked if "handle_id" in each]

    assert offer == "v=0 offer"
    assert handles == [PUBLISHER, PUBLISHER + 1, PUBLISHER + 1, PUBLISHER + 1]
    assert server.asked[-1]["janus"] == "detach"


async def test_a_feed_that_was_never_taken_is_left_without_a_word(
    janus: Janus, server: Scripted
) -> None:
    asked = len(server.asked)
    await janus.unsubscribe(FeedId(9))

    assert len(server.asked) == asked


async def test_who_made_the_room_puts_somebody_out(
    janus: Janus, server: Scripted
) -> None:
    server.answers["kick"] = {"videoroom": "success"}
    await janus.join(TICKET)
    await janus.remove(FeedId(3), secret="secret")

    assert server.asked[-1]["body"] == {
        "request": "kick",
        "room": 7,
        "secret": "secret",
        "id": 3,
    }


async def test_nothing_is_taken_before_joining(janus: Janus) -> None:
    with pytest.raises(UnreachableError, match="not joined"):
        await janus.subscribe(FeedId(3))
    with pytest.raises(UnreachableError, match="not joined"):
        await janus.remove(FeedId(3), secret="secret")
    with pytest.raises(UnreachableError, match="feed is gone"):
        await janus.answer(FeedId(3), Sdp("v=0"))


async def test_what_happens_is_told(janus: Janus, server: Scripted) -> None:
    came = {"videoroom": "event", "publishers": [{"id": 4}]}
    went = {"videoroom": "event", "unpublished": 3}
    server.told(janus="event", sender=PUBLISHER, plugindata={"data": came})
    server.told(janus="slowlink", sender=PUBLISHER, uplink=True)
    server.told(janus="event", sender=PUBLISHER, plugindata={"data": went})
    server.told(janus="timeout")
    await janus.join(TICKET)

    assert await events(janus) == [
        FeedAdded(FeedId(3)),
        FeedAdded(FeedId(4)),
        Congested(ours=True),
        FeedGone(FeedId(3)),
        Closed("the forwarding server ended the room"),
    ]


async def test_what_other_handles_say_is_not_heard(
    janus: Janus, server: Scripted
) -> None:
    came = {"videoroom": "event", "publishers": [{"id": 4}]}
    server.told(janus="event", sender=999, plugindata={"data": came})
    server.told(janus="timeout")
    await janus.join(TICKET)

    assert FeedAdded(FeedId(4)) not in await events(janus)


@pytest.mark.parametrize("text", ["no json", '{"janus": 7}', "[1]"])
async def test_nonsense_ends_the_connection(
    text: str, janus: Janus, server: Scripted
) -> None:
    server.says.append(text)
    await janus.join(TICKET)
    last = (await events(janus))[-1]

    assert isinstance(last, Closed)
    assert last.reason.startswith("janus: expected")
    with pytest.raises(UnreachableError, match="is closed"):
        await janus.publish(Sdp("v=0"))


async def test_a_flood_of_events_ends_the_connection(
    janus: Janus, server: Scripted
) -> None:
    for _ in range(MAX_EVENTS):
        server.told(janus="slowlink", sender=PUBLISHER, uplink=True)
    await janus.join(TICKET)
    while not janus._is_over:  # noqa: ASYNC110 -- nobody reads meanwhile
        await asyncio.sleep(0)
    last = (await events(janus))[-1]

    assert last == Closed(f"janus: {MAX_EVENTS} events that nobody read")


async def test_a_no_is_told_in_the_server_s_words(
    janus: Janus, server: Scripted
) -> None:
    server.answers["join"] = {"error_code": 426, "error": "No such room \x1b[2J"}

    with pytest.raises(RefusedError, match=r"says no: 'No such room \\x1b\[2J'"):
        await janus.join(TICKET)


async def test_an_answer_to_something_else_is_malformed(
    janus: Janus, server: Scripted
) -> None:
    server.answers["join"] = {"videoroom": "created"}

    with pytest.raises(MalformedError, match="expected the answer 'joined'"):
        await janus.join(TICKET)


async def test_an_answer_without_sdp_is_malformed(
    janus: Janus, server: Scripted
) -> None:
    del server.jsep["publish"]

    with pytest.raises(MalformedError, match="is missing"):
        await janus.publish(Sdp("v=0"))


async def test_a_server_that_is_not_there_is_unreachable(
    entropy: Callable[[int], bytes],
) -> None:
    with pytest.raises(UnreachableError, match="cannot be reached"):
        async with Janus("ws://127.0.0.1:1", entropy=entropy):
            pass


async def test_a_session_without_a_number_is_malformed(
    url: str, server: Scripted, entropy: Callable[[int], bytes]
) -> None:
    server._answer = lambda said: [  # type: ignore[method-assign]  # a rule of this test
        {"janus": "success", "transaction": said["transaction"]}
    ]

    with pytest.raises(MalformedError, match="without a number"):
        async with Janus(url, entropy=entropy):
            pass


async def test_leaving_is_told_to_the_server(
    url: str, server: Scripted, entropy: Callable[[int], bytes]
) -> None:
    async with Janus(url, entropy=entropy) as janus:
        await janus.join(TICKET)
    await janus.close()

    assert [each["janus"] for each in server.asked].count("destroy") == 1


def test_aiohttp_has_what_we_tell_errors_by() -> None:
    assert issubclass(aiohttp.ClientConnectorCertificateError, aiohttp.ClientError)
