"""No secret of a call shows in a log, an exception or a repr.

Every random draw of 32 bytes and more, and every key made from them, is looked for in
raw, hex and base64, in all that a program could print while whole calls are run.
"""

import logging
import time
from collections.abc import Callable, Iterator

import pytest

from tests.voip.overheard import Overheard, shown, stored
from tests.voip.pairs import Party, dial, handshake
from tests.voip.peers import Wire, at, heard, media_of, over, people, settle, talk
from tests.voip.simulated import simulated
from voip.conversation import Conversation
from voip.errors import CallError
from voip.handshake.exchange import consume_invite
from voip.identity.vault import format_vault, parse_vault


def keys_of(call: Conversation) -> Iterator[bytes]:
    for leg in call._session.legs.values():
        yield from (leg._send_key, leg._receive_key, leg.retained, leg._nonce_a)
        assert leg.sas is not None
        yield leg.sas
        yield leg.mailbox.fetch
    yield from media_of(call)._secrets


def told(provoke: Callable[[], object]) -> str:
    """Give what an error says of itself."""
    try:
        provoke()
    except CallError as error:
        return f"{error} {error!r} {error.__cause__!r} {error.__context__!r}"
    return ""


def mistakes(alice: Party, bob: Party) -> Iterator[str]:
    """Hand broken values to whatever parses secrets."""
    now = int(time.time())
    leg, (answered, _) = dial(alice, bob, now=now), handshake(alice, bob, now=now)
    raw = format_vault(alice.vault)
    changed = raw.replace(b'"seed"', b'"seeds"', 1)
    yield told(lambda: parse_vault(changed))
    yield told(lambda: parse_vault(raw[:-5]))
    yield told(lambda: answered.open(bytes(4096)))
    yield told(lambda: leg.receive_ringing(bytes(4096), now=0))
    yield told(lambda: consume_invite(leg.opening, alice.vault.call_keys, now_ms=0))
    yield repr(leg)


@simulated
async def test_no_secret_shows(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    alice, bob = people()
    sources = Overheard(alice), Overheard(bob)
    secrets: set[bytes] = set()
    printed: list[str] = []
    wire = Wire()
    for _ in range(2):
        async with at(wire, alice, bob) as homes:
            calls = await talk(*homes)
            calls[0].rekey()
            calls[0].choices()
            await calls[1].compared(matched=True)
            await settle(wire)
            for call in calls:
                secrets |= {*keys_of(call)}
                session = call._session
                printed += map(repr, (call, session, session.call, session.leg))
                printed += map(repr, (session.line, call.stats, heard(call)))
            printed += map(repr, homes)
            calls[0].hang_up()
            await over(*calls)
    for person in (alice, bob):
        secrets |= {*stored(person.vault)}
        printed += [repr(person.vault), *map(repr, person.vault.contacts.contacts)]
    printed += mistakes(alice, bob)
    printed += [caplog.text, *map(repr, wire.carried)]
    secrets = (secrets | sources[0].draws | sources[1].draws) - {b""}

    assert len(secrets) > 50
    assert shown(secrets, "\n".join(printed)) == []


def test_a_secret_that_shows_is_found() -> None:
    """Shows that the search above finds what it looks for."""
    secret = bytes(range(32))
    careless = f"key={secret!r}", f"key={secret.hex()}", f"{[*secret]}"

    assert all(shown([secret], line) for line in careless)
