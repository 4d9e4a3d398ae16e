"""The logs of a managed folder, for comparing them with a peer's.

Carrier. Asks nobody: a peer sees what was accepted here before, and what comes of the
exchange is kept beside it. A program that lets two people talk joins `Comparing` to its
own channel; `updater.transparency.gossip` has the rules::

    logs = open_logs(root, anchor)
    exchange = logs.exchange(initiator=True)
    ...frames back and forth, until there is a result...
    for compared in logs.keep(exchange.result, peer=identity): ...tell the user...
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from updater.driver.anchor import Anchor
from updater.driver.following import NOBODY, log_client
from updater.errors import UpdateError
from updater.install.root import Root
from updater.transparency.client import LogClient
from updater.transparency.frames import Verdict
from updater.transparency.gossip import Exchange, Head, Outcome, PeerHead, Result
from updater.transparency.honour import TrustSet


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of one log, and was kept.

    Attributes:
        size: up to here both histories are one, or are not.
        people: how many agreed in the last 30 days, this peer included.
        evidence: the file that proves a fork; None without one, or if the disk refused.
        is_frozen: whether updates stand still because of it; they do not where the user
            has looked at this very evidence before.
        trouble: why it could not be kept.
    """

    origin: str
    verdict: Verdict
    size: int = field(kw_only=True)
    people: int = field(default=0, kw_only=True)
    evidence: Path | None = field(default=None, kw_only=True)
    is_frozen: bool = field(default=False, kw_only=True)
    trouble: str = field(default="", kw_only=True)


def open_logs(root: Root, anchor: Anchor) -> "Comparing":
    """Open the logs that a managed folder follows, but for those that were closed.

    Raises:
        UpdateError: they cannot be read.
    """
    first = _client(root, anchor, anchor.origin, anchor.trust)
    current = first.view().honoured.current
    later = {
        origin: _client(root, anchor, origin, current)
        for origin in current.policy.origins
        if origin != anchor.origin
    }
    clients = {anchor.origin: first, **later}
    return Comparing(
        root,
        {
            origin: client
            for origin, client in clients.items()
            if current.trust.closed_at(origin) is None
        },
    )


class Comparing:
    """Some logs as they are now: a `gossip.View` of all of them."""

    def __init__(self, root: Root, clients: Mapping[str, LogClient]) -> None:
        """Take clients by the origins of their logs."""
        self._root = root
        self._clients = clients
        self._views = {origin: client.peer_view() for origin, client in clients.items()}

    def exchange(self, *, initiator: bool) -> Exchange:
        """Make our side of an exchange; `initiator` is who offers first."""
        return Exchange(self, initiator=initiator, entropy=self._root.entropy)

    def heads(self) -> Sequence[Head]:
        """See `gossip.View`."""
        return [head for view in self._views.values() for head in view.heads()]

    def open(self, origin: str, note: bytes) -> PeerHead:
        """See `gossip.View`."""
        return self._views[origin].open(origin, note)

    def root_at(self, origin: str, size: int) -> bytes:
        """See `gossip.View`."""
        return self._views[origin].root_at(origin, size)

    def prove(self, origin: str, size: int) -> Sequence[bytes]:
        """See `gossip.View`."""
        return self._views[origin].prove(origin, size)

    def keep(self, result: Result, peer: bytes) -> list[Compared]:
        """Keep what an exchange with a peer came to; a fork freezes the updater.

        What was proven stands however the exchange ended. Agreement counts only where
        it was carried through. `peer` is remembered by a keyed hash.
        """
        kept = []
        for outcome in result.outcomes:
            try:
                kept.append(self._keep(outcome, peer, is_done=result.ending == "done"))
            except UpdateError as error:
                kept.append(
                    Compared(
                        outcome.origin,
                        outcome.verdict,
                        size=outcome.size,
                        trouble=str(error),
                    )
                )
        return kept

    def _keep(self, outcome: Outcome, peer: bytes, *, is_done: bool) -> Compared:
        client, evidence = self._clients[outcome.origin], None
        if outcome.evidence is not None:
            name = client.record_evidence(outcome.evidence)
            evidence = self._root.folder / "log" / "evidence" / f"{name}.json"
        if outcome.learned is not None:
            client.learn(outcome.learned)
        if is_done and outcome.verdict in {Verdict.SAME, Verdict.CONSISTENT}:
            client.record_agreement(peer, outcome.size)
        view = client.view()
        return Compared(
            outcome.origin,
            outcome.verdict,
            size=outcome.size,
            people=len(view.agreements),
            evidence=evidence,
            is_frozen=view.evidence is not None,
        )


def _client(root: Root, anchor: Anchor, origin: str, trust: TrustSet) -> LogClient:
    return log_client(
        root, anchor, NOBODY, NOBODY.trust_file, origin=origin, trust=trust
    )
