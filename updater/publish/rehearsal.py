"""Trying a change out on the real client, before anybody else sees it.

Carrier. What is staged is served over what is public, on this machine, and a client of
ours updates from it: a new one from each of the last roots, and one that has seen what
is public now. A publisher cannot publish what its own client would refuse for ever;
what only takes time, a cooldown or the votes of rebuilders, is as it should be.
"""

import secrets
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from updater.driver.anchor import Anchor
from updater.driver.conclusion import CURRENT, NOT_FETCHED, Report
from updater.driver.session import Surroundings, begin
from updater.driver.update import Updater
from updater.errors import RefusedError
from updater.fetch.fetch import Network
from updater.findings import Refusal
from updater.gates.evidence import Wish
from updater.install.root import Root
from updater.offer.channel import Channel
from updater.publish.serve import serve_folders

OLDEST_ROOTS: Final = 3
"""Roots that the programs out there carry, as far as a rehearsal goes back."""

_ONLY_TIME: Final = frozenset(
    {
        *("cooldown", "rollout", "paused", "policy-young", "rebuild-quorum"),
        *("peer-gate", CURRENT, NOT_FETCHED),
    }
)
"""Refusals that time, other people or a fetch settle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What is tried out.

    Attributes:
        staged: what the change adds.
        public: what everybody sees now.
        anchors: what programs out there carry, and what the next one will.
        channels: as the change leaves them; each of their platforms is tried.
        is_first: whether nothing is public yet, so that nobody has seen it.
    """

    staged: Path
    public: Path
    anchors: Sequence[Anchor]
    channels: Sequence[Channel]
    is_first: bool

    def run(self, now: Callable[[], float]) -> int:
        """Try it; gives the number of clients that were content.

        Raises:
            RefusedError: one of them would refuse it; says which, and why.
        """
        content = 0
        with (
            serve_folders([self.public]) as before,
            serve_folders([self.staged, self.public]) as after,
        ):
            for anchor, channel, platform in self._clients():
                asked = replace(anchor, channel=channel.name)
                for seen in ([after],) if self.is_first else ([after], [before, after]):
                    report = self._report(asked, platform, seen, now)
                    _judge(report, channel, platform)
                    content += 1
        return content

    def _clients(self) -> Iterable[tuple[Anchor, Channel, str]]:
        for anchor in self.anchors:
            for channel in self.channels:
                for platform in channel.platforms:
                    yield anchor, channel, platform

    def _report(
        self,
        anchor: Anchor,
        platform: str,
        seen: Sequence[str],
        now: Callable[[], float],
    ) -> Report:
        """Let one new client look at each address in turn; gives its last report."""
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
            root = Root(Path(folder) / "root", now=now, entropy=secrets.token_bytes)
            begin(root, anchor)
            *before, last = seen
            for address in before:
                _check(root, anchor, platform, address)
            return _check(root, anchor, platform, last)


def _check(root: Root, anchor: Anchor, platform: str, address: str) -> Report:
    given = Surroundings(
        network=Network(loopback=True), platform=platform, repositories=(address,)
    )
    return Updater(root, anchor, given).check(Wish())


def _judge(report: Report, channel: Channel, platform: str) -> None:
    # A channel is paused because what it offers was yanked.
    settled = _ONLY_TIME | {"yanked"} if channel.paused else _ONLY_TIME
    wrong = [
        f"{each.gate}: {each.outcome.code}: {each.outcome.text}"
        for each in report.results
        if isinstance(each.outcome, Refusal) and each.outcome.code not in settled
    ]
    if wrong:
        raise RefusedError(f"rehearsal: {channel.name}, {platform}: {'; '.join(wrong)}")
