"""A guest who is reached through a TURN server (coturn) and in no other way."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.voip.gateway.page.browsers import Tab, Wishes, until, until_screen
from tests.voip.gateway.page.conftest import OpenTab
from tests.voip.gateway.page.gateway import Gateway, running
from tests.voip.media.connect.relays import Turn, running_turn

pytestmark = [pytest.mark.slow, pytest.mark.realtime]

RELAYED = """
const Connection = RTCPeerConnection;
globalThis.__connections = [];
globalThis.RTCPeerConnection = class extends Connection {
  constructor(how) {
    super({ ...how, iceTransportPolicy: "relay" });
    __connections.push(this);
  }
};
"""
"""As behind a firewall that lets nothing through but the way to the relay."""

WAY = """(async () => {
  const stats = [...(await __connections.at(-1).getStats()).values()];
  const used = stats.find((each) => each.type === "candidate-pair" &&
    each.state === "succeeded" && (each.selected ?? each.nominated));
  const ours = stats.find((each) => each.id === used.localCandidateId);
  return [ours.candidateType, ours.relayProtocol];
})()"""


def told(turn: Turn, transport: str) -> dict[str, Any]:
    """Give one server as `serving` takes it."""
    server = turn.udp() if transport == "udp" else turn.tcp()
    return {name: text for name, text in asdict(server).items() if text is not None}


async def call(tab: Tab, gateway: Gateway) -> None:
    """Join, and wait until something was heard both ways."""
    await tab.open(gateway.link)
    await until_screen(tab, "join")
    await tab.ask("document.querySelector('[type=submit]').click()")
    await until(tab, "document.getElementById('sound').muted === false")
    await gateway.until("len(served.kept.pcm) > 96_000")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_guest_is_heard_through_a_relay(
    open_tab: OpenTab, tmp_path: Path, transport: str
) -> None:
    async with running_turn(tmp_path) as turn:
        how = {"relays": [told(turn, transport)], "video": False}
        async with running(**how) as gateway, open_tab(Wishes(preload=RELAYED)) as tab:
            await call(tab, gateway)

            assert await tab.ask(WAY) == ["relay", transport]


async def test_a_guest_is_told_of_a_relay_that_is_lent(
    open_tab: OpenTab, tmp_path: Path
) -> None:
    async with running_turn(tmp_path) as turn:
        how = {"lent": [told(turn, "udp")], "video": False}
        async with running(**how) as gateway, open_tab(Wishes(preload=RELAYED)) as tab:
            await call(tab, gateway)

            assert await tab.ask(WAY) == ["relay", "udp"]
