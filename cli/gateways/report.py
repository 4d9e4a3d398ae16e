"""What the operator's pages of a gateway or relay say, in plain words or as a page.

Only series whose names and labels are known here are shown, so that neither a stranger
at the address nor a later version can put a name on the status page.
"""

import asyncio
import base64
import hashlib
import html
import re
import time
from dataclasses import dataclass

import aiohttp

from cli.output import day, minute
from cli.serve import Reason, parse_listen
from voip.errors import MalformedError, UnreachableError

_PATIENCE_S = 10.0
_PAGE_BYTES = 1 << 20
_SAMPLE = re.compile(
    r"ringfence_(?P<name>[a-z_]{1,48})(?:\{(?P<labels>[^{}\n]{0,200})\})? "
    r"(?P<value>[0-9.e+]{1,24})",
    re.ASCII,
)
_LABEL = re.compile(r'([a-z]{1,16})="([A-Za-z0-9_.+]{1,32})"', re.ASCII)

_WHY = {
    Reason.STARTING: "it has just been started",
    Reason.DRAINING: "it is on its way out",
    Reason.STORE: "its store does not answer, or cannot write",
    Reason.CERTIFICATE: "its certificate ends within a day",
    Reason.SIP_WORKER: "its SIP worker is not running",
    Reason.SIP_REGISTRATION: "a SIP account is not registered",
}
_SHOWN = {
    "relay_connections": "clients connected",
    "relay_frames_total": "requests answered",
    "relay_turned_away_total": "clients not let in",
    "relay_store_errors_total": "calls of the store that failed",
    "relay_turn_issued_total": "TURN credentials made",
    "gateway_legs": "legs joined",
    "gateway_leg_ends_total": "legs ended",
    "gateway_invites_total": "invite links",
    "gateway_sip_registered": "SIP accounts registered",
    "gateway_worker_restarts_total": "restarts of the SIP worker",
}


@dataclass(frozen=True, slots=True)
class Status:
    """How a process does.

    Attributes:
        reasons: why it wants no new work; empty while it does.
        is_healthy: whether its event loop turns.
        version: of the program.
        counts: of what is shown, by what it is and how it is labelled.
        read_at: unix seconds.
    """

    reasons: tuple[Reason, ...]
    is_healthy: bool
    version: str
    counts: tuple[tuple[str, str, float], ...]
    read_at: float

    @property
    def is_ready(self) -> bool:
        """Whether it takes new work."""
        return not self.reasons and self.is_healthy

    @property
    def facts(self) -> dict[str, object]:
        """What a program reads."""
        return {
            "ready": self.is_ready,
            "healthy": self.is_healthy,
            "reasons": [*self.reasons],
            "version": self.version,
            "counts": [
                {"what": name, "labels": labels, "value": value}
                for name, labels, value in self.counts
            ],
        }

    @property
    def lines(self) -> list[str]:
        """What a person reads."""
        if self.is_ready:
            first = f"ready for new work, version {self.version}"
        elif not self.is_healthy:
            first = "stuck: it does nothing in time; start it again"
        else:
            why = "; ".join(_WHY[reason] for reason in self.reasons)
            first = f"not ready: {why}"
        return [first, *self.totals()]

    def totals(self) -> list[str]:
        """What was counted, in sentences; what is zero is left out."""
        lines = []
        for name, words in _SHOWN.items():
            found = [(labels, n) for what, labels, n in self.counts if what == name]
            total = sum(n for _, n in found)
            if not total:
                continue
            parts = ", ".join(f"{labels} {n:g}" for labels, n in found if n and labels)
            lines.append(f"{words}: {total:g}" + (f" ({parts})" if parts else ""))
        return lines


async def read_status(address: str) -> Status:
    """Ask a process how it does.

    Raises:
        UnreachableError: nobody answers there.
        MalformedError: what answers is neither a gateway nor a relay.
    """
    host, port = parse_listen(address)
    base = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            ready, health, metrics = await asyncio.gather(
                *(_page(session, base + path) for path in _PATHS)
            )
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UnreachableError(
            f"{address}: no answer from a gateway or relay with --metrics"
        ) from error
    return parse_status(
        ready, is_healthy=health[0] == 200, metrics=metrics[1], now=time.time()
    )


_PATHS = ("/readyz", "/healthz", "/metrics")


async def _page(session: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    async with session.get(url, allow_redirects=False) as response:
        body = await response.content.read(_PAGE_BYTES)
        return response.status, body.decode("utf-8", "replace")


def parse_status(
    ready: tuple[int, str], *, is_healthy: bool, metrics: str, now: float
) -> Status:
    """Read what the pages say.

    Raises:
        MalformedError: not the pages of a gateway or relay.
    """
    code, body = ready
    reasons = tuple(reason for reason in Reason if f'"{reason}"' in body)
    if code not in {200, 503} or (code == 503) != bool(reasons):
        raise MalformedError("expected the pages of a gateway or relay, came others")
    samples = [_SAMPLE.fullmatch(line) for line in metrics.splitlines()]
    counts, version = [], "unknown"
    for sample in samples:
        if sample is None:
            continue
        labels = dict(_LABEL.findall(sample["labels"] or ""))
        if sample["name"] == "build_info":
            version = labels.get("version", version)
        if sample["name"] in _SHOWN:
            counts.append(
                (sample["name"], " ".join(labels.values()), float(sample["value"]))
            )
    if not samples or version == "unknown":
        raise MalformedError("expected the metrics of a gateway or relay, came others")
    return Status(reasons, is_healthy, version, tuple(counts), now)


def format_html(status: Status) -> str:
    """Write a page for those who want to know whether it works."""
    word = "working" if status.is_ready else "not taking new calls"
    rows = "\n".join(f"<li>{html.escape(line)}</li>" for line in status.totals())
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>Ringfence: {word}</title>
<style>{_STYLE}</style>
<main>
<h1>Ringfence is {word}</h1>
<p>{html.escape(status.lines[0])}</p>
<ul>
{rows}
</ul>
<p>Read on {day(status.read_at)}, {minute(status.read_at)} where this was written.
Numbers count since the last start.</p>
</main>
</html>
"""


_STYLE = (
    "body{font:1rem/1.5 sans-serif;margin:2rem auto;max-width:40rem;padding:0 1rem}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'"
