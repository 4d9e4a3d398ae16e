"""Measures a relay that others keep busy: a few clients in a process of their own.

Whoever makes a thousand blobs a second is late itself, and would measure that. This
process sends a twentieth as much, so nothing waits here: how late it began its PUTs is
told beside what they took, and what it took to begin them is counted.

    python -m benchmarks.relayprobe RELAY PIN     a line "go" begins each round
"""

import asyncio
import json
import sys

from benchmarks.relayclients import open_clients, pace
from voip.identity.card import parse_relay

CLIENTS = 32
PER_S = 50
NETWORK = 1  # addresses beside those of the others


async def _probe(relay: str, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    async with open_clients(parse_relay(relay), CLIENTS, network=NETWORK) as clients:
        print("ready", flush=True)
        while await loop.run_in_executor(None, sys.stdin.readline):
            tally = await pace(clients, PER_S, seconds=seconds)
            seen = {
                name: getattr(tally, name) for name in ("stored", "delivered", "late")
            }
            print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    asyncio.run(_probe(sys.argv[1], float(sys.argv[2])))
