"""Debian's Firefox ESR, driven by WebDriver BiDi over its own WebSocket.

No geckodriver is packaged, and none is needed: Firefox speaks the protocol itself. See
the W3C's WebDriver BiDi for the commands.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import os
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.voip.gateway.page.browsers import WATCH, Seen, Tab, Wishes

EXECUTABLE = "firefox-esr"

_PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.peerconnection.ice.loopback": True,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "remote.active-protocols": 1,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.disabledForTesting": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "services.settings.server": "data:,",
    "dom.disable_beforeunload": True,
}
DENIED = {
    "media.navigator.permission.disabled": False,
    "permissions.default.microphone": 2,
    "permissions.default.camera": 2,
}
"""Of a user who lets no page use microphone and camera."""

_KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c"}  # WebDriver, 17.4.2


def missing() -> str | None:
    """Say what this machine lacks; None for nothing."""
    if shutil.which(EXECUTABLE) is None:
        return "needs Firefox: apt install firefox-esr"
    return None


def _write(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'


class Firefox:
    """A running Firefox and the one connection to it."""

    def __init__(self, socket_: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket_
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._seen: dict[str, Seen] = {}

    async def listen(self) -> None:
        """Hand answers to who waits, until the connection ends."""
        async for frame in self._socket:
            message = frame.json()
            if message["type"] == "event":
                self._note(message["params"])
                continue
            waiting = self._waiting.pop(message["id"], None)
            if waiting is None or waiting.done():
                continue
            if message["type"] == "success":
                waiting.set_result(message["result"])
            else:
                waiting.set_exception(AssertionError(message["message"]))

    def _note(self, event: dict[str, Any]) -> None:
        if event["context"] in self._seen:
            self._seen[event["context"]].requests.append(event["request"]["url"])

    async def say(self, method: str, **params: object) -> Any:
        """Give the result of a command.

        Raises:
            AssertionError: Firefox says that it failed.
        """
        number = next(self._ids)
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        return await waiting

    def watch(self, context: str) -> Seen:
        """Note the requests of a tab from now on."""
        self._seen[context] = Seen()
        return self._seen[context]


@asynccontextmanager
async def running(
    folder: Path, preferences: Mapping[str, object] | None = None
) -> AsyncIterator[Firefox]:
    """Start Firefox with a new profile under `folder`, and preferences of its user."""
    profile = folder / "profile"
    profile.mkdir()
    (profile / "user.js").write_text(
        "".join(
            f'user_pref("{name}", {_write(value)});\n'
            for name, value in {**_PREFERENCES, **(preferences or {})}.items()
        )
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        EXECUTABLE,
        *("--headless", "--no-remote", "--profile", str(profile)),
        *("--remote-debugging-port", str(port)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        # As root, Firefox wants a home and cannot fence its processes.
        env=os.environ | {"HOME": str(folder), "MOZ_DISABLE_CONTENT_SANDBOX": "1"},
    )
    assert process.stderr is not None
    try:
        async for line in process.stderr:
            if b"WebDriver BiDi listening" in line:
                break
        drained = asyncio.ensure_future(_drain(process.stderr))
        async with aiohttp.ClientSession() as session:
            url = f"ws://127.0.0.1:{port}/session"
            async with session.ws_connect(url, max_msg_size=0) as socket_:
                firefox = Firefox(socket_)
                listening = asyncio.ensure_future(firefox.listen())
                await firefox.say("session.new", capabilities={})
                await firefox.say(
                    "session.subscribe", events=["network.beforeRequestSent"]
                )
                yield firefox
                listening.cancel()
        drained.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _drain(stream: asyncio.StreamReader) -> None:
    """Read what nobody wants, so that its writer never waits."""
    while await stream.read(65536):
        pass


class _Tab:
    def __init__(self, firefox: Firefox, context: str, user: str) -> None:
        self.seen = firefox.watch(context)
        self._firefox = firefox
        self._context = context
        self._user = user

    async def open(self, url: str) -> None:
        await self._firefox.say(
            "browsingContext.navigate",
            context=self._context, url=url, wait="complete",
        )  # fmt: skip

    async def ask(self, expression: str) -> Any:
        given = await self._firefox.say(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression}) ?? null))()",
            target={"context": self._context},
            awaitPromise=True,
            userActivation=True,
        )
        if given["type"] != "success":
            raise AssertionError(given["exceptionDetails"]["text"])
        return json.loads(given["result"]["value"])

    async def press(self, key: str) -> None:
        value = _KEYS.get(key, key)
        await self._firefox.say(
            "input.performActions",
            context=self._context,
            actions=[
                {
                    "type": "key",
                    "id": "keyboard",
                    "actions": [
                        {"type": "keyDown", "value": value},
                        {"type": "keyUp", "value": value},
                    ],
                }
            ],
        )

    async def picture(self) -> bytes:
        given = await self._firefox.say(
            "browsingContext.captureScreenshot", context=self._context
        )
        return base64.b64decode(given["data"])

    async def close(self) -> None:
        await self._firefox.say("browser.removeUserContext", userContext=self._user)


@asynccontextmanager
async def tab(firefox: Firefox, wishes: Wishes | None = None) -> AsyncIterator[Tab]:
    """Open a tab that knows nothing of others; it is always policed.

    Whether it is dark or denied is said when Firefox starts.
    """
    wishes = wishes or Wishes()
    user = (await firefox.say("browser.createUserContext"))["userContext"]
    context = (
        await firefox.say("browsingContext.create", type="tab", userContext=user)
    )["context"]
    await firefox.say(
        "browsingContext.setViewport",
        context=context,
        viewport={"width": wishes.width, "height": wishes.height},
    )
    await firefox.say(
        "script.addPreloadScript",
        functionDeclaration=f"() => {{ {WATCH + wishes.preload} }}",
        contexts=[context],
    )
    opened = _Tab(firefox, context, user)
    try:
        yield opened
    finally:
        await opened.close()
