"""A relay at its most talkative says nothing about anybody."""

import asyncio
import base64
import os
import socket
import sys
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.voip.signalling.engines import needs_redis, redis_engine
from voip.signalling.board import publish
from voip.signalling.envelope import mailbox_tag
from voip.signalling.frames import (
    PATH,
    Ack,
    BoardGet,
    Get,
    GetDone,
    Parcel,
    Put,
    Request,
    Turn,
    TurnGrant,
    format_request,
    parse_reply,
)

SECRET = "a-secret-that-nobody-guesses"
PLACE = "203.0.113.77"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def spellings(value: bytes) -> set[str]:
    """Give the texts in which somebody might print some bytes."""
    return {
        value.hex(),
        base64.b64encode(value).decode(),
        base64.b32encode(value).decode().rstrip("=").lower(),
        repr(value)[2:-1],
    }


async def use(port: int) -> set[str]:
    """Do all that a client can, and give what must not be told of it."""
    fetch = os.urandom(32)
    board = Ed25519PrivateKey.generate()
    key = board.public_key().public_bytes_raw()
    slot = publish(
        None, board=board, card_key=bytes(32), index=1, version=1, entropy=os.urandom
    )
    told = {PLACE, SECRET}.union(*map(spellings, (fetch, mailbox_tag(fetch), key)))
    headers = {"X-Forwarded-For": PLACE}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.ws_connect(f"ws://127.0.0.1:{port}{PATH}") as web,
    ):

        async def ask(request: Request) -> object:
            await web.send_bytes(format_request(request, os.urandom))
            asked = request if isinstance(request, BoardGet) else None
            return parse_reply(await web.receive_bytes(timeout=20), asked)

        for _ in range(65):  # the last one is refused
            await ask(Put(mailbox_tag(fetch), os.urandom(4096)))
        await ask(slot)
        await ask(BoardGet(key, 1))
        grant = await ask(Turn(300))
        assert isinstance(grant, TurnGrant)
        told |= {grant.servers[0].username, grant.servers[0].credential}
        ack = Ack((bytes(16),))
        parcel = await ask(Get((fetch,), 0))
        while isinstance(parcel, Parcel):
            told |= spellings(parcel.message_id)
            ack = Ack((parcel.message_id,))
            parcel = parse_reply(await web.receive_bytes(timeout=20))
        assert isinstance(parcel, GetDone)
        await ask(ack)
        await web.send_bytes(b"not a frame")
        await web.receive(timeout=20)
    return told


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("redis", marks=needs_redis)])
async def test_nothing_a_client_did_is_in_log_or_metrics(
    tmp_path: Path, kind: str
) -> None:
    if kind == "sqlite":
        said, told = await _observe(tmp_path, f"sqlite:{tmp_path / 'store'}")
    else:
        with redis_engine() as engine:
            said, told = await _observe(tmp_path, engine.url)

    assert "ringfence_relay_frames_total" in said
    assert [each for each in told if each in said] == []


async def _observe(folder: Path, store: str) -> tuple[str, set[str]]:
    """Run a relay, use it, and give all that it said and all it must not say."""
    secret = folder / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    port, pages = free_port(), free_port()
    options = (
        *("--plain", "--behind-proxy", "--port", str(port), "--drain", "0"),
        *("--store", store, "--metrics", f"127.0.0.1:{pages}", "--log", "json"),
        *("--turn-uri", "turn:turn.example", "--turn-secret-file", str(secret)),
    )
    # Louder than any option makes it: every library's every word.
    loud = (
        "import logging, sys; logging.basicConfig(level=logging.DEBUG);"
        "from cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    relay = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "dev", "-c", loud, "--home", str(folder)),
        *("relay", "serve", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert relay.stdout is not None
    await relay.stdout.readline()
    told = await use(port)
    async with aiohttp.ClientSession() as session:
        said = ""
        for path in ("/metrics", "/readyz", "/healthz"):
            async with session.get(f"http://127.0.0.1:{pages}{path}") as response:
                said += await response.text()
    relay.terminate()
    out, err = await relay.communicate()
    return said + out.decode() + err.decode(), told
