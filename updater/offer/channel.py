"""Channel files: which release a channel offers, to whom, and how fast.

Format: docs/formats/install.md, "Channel file". The bundle's name is derived from the
version and the platform and never listed, so that nothing in here can point elsewhere.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from updater import jcs
from updater.errors import MalformedError
from updater.jcs import Json
from updater.offer.product import PLATFORM
from updater.offer.version import check_version, order
from updater.offer.waves import WHOLE, Wave
from updater.shape import flag, integer, items, one_of, record, text

MAX_BYTES: Final = 16 << 10  # the longest lists below fit, twice
NAME: Final = re.compile("[a-z][a-z0-9-]{0,31}")
"""The name of a channel."""

SCHEMA: Final = "ringfence-channel/1"
_MOST_PLATFORMS: Final = 64
_MOST_PATCHES: Final = 3  # a patch tells which version asks: few have company
_MOST_STEPS: Final = 8
_MOST_WAVES: Final = 16
_LONGEST_WAVE_S: Final = 30 * 86_400
_KEYS: Final = (
    "channel",
    "deltaFrom",
    "minimum",
    "paused",
    "platforms",
    "project",
    "schema",
    "sequence",
    "version",
    "via",
    "waves",
)


@dataclass(frozen=True, slots=True)
class Via:
    """Whoever has a version below `below` takes `take` first."""

    below: str
    take: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What a channel offers."""

    name: str
    project: str
    sequence: int
    """Rises with every change, for people; TUF is what refuses a replay."""
    version: str
    minimum: str
    """The oldest version that is supported; below it nobody waits for a wave."""
    paused: bool
    platforms: tuple[str, ...]
    delta_from: tuple[str, ...]
    """Versions from which there are patches."""
    via: tuple[Via, ...]
    waves: tuple[Wave, ...]

    def offer(self, installed: str | None) -> str:
        """Say which version comes next for whoever has `installed`.

        That is the channel's, or a step on the way that old data needs first.
        """
        if installed is None:
            return self.version
        has = order(installed)
        steps = [
            each.take
            for each in self.via
            if has < order(each.below) and has < order(each.take)
        ]
        return min([self.version, *steps], key=order)

    def is_supported(self, installed: str) -> bool:
        """Tell whether a version is not below the minimum."""
        return order(installed) >= order(self.minimum)


def parse_channel(data: bytes) -> Channel:
    """Read a channel file.

    Raises:
        MalformedError: it is none, or not in its canonical spelling.
    """
    where = "channel file"
    parts = record(jcs.parse_canonical(data, most=MAX_BYTES), where, _KEYS)
    one_of(parts["schema"], f"{where}: schema", SCHEMA)
    return Channel(
        name=text(parts["channel"], f"{where}: channel", NAME),
        project=text(parts["project"], f"{where}: project", _PROJECT),
        sequence=integer(parts["sequence"], f"{where}: sequence", least=1),
        version=check_version(parts["version"], f"{where}: version"),
        minimum=check_version(parts["minimum"], f"{where}: minimum"),
        paused=flag(parts["paused"], f"{where}: paused"),
        platforms=_platforms(parts["platforms"], f"{where}: platforms"),
        delta_from=_versions(parts["deltaFrom"], f"{where}: deltaFrom"),
        via=_steps(parts["via"], f"{where}: via"),
        waves=_waves(parts["waves"], f"{where}: waves"),
    )


def format_channel(channel: Channel) -> bytes:
    """Write a channel file as RFC 8785."""
    return jcs.write(
        {
            "channel": channel.name,
            "deltaFrom": list(channel.delta_from),
            "minimum": channel.minimum,
            "paused": channel.paused,
            "platforms": list(channel.platforms),
            "project": channel.project,
            "schema": SCHEMA,
            "sequence": channel.sequence,
            "version": channel.version,
            "via": [{"below": each.below, "take": each.take} for each in channel.via],
            "waves": [
                {"afterSeconds": each.after_s, "perMille": each.per_mille}
                for each in channel.waves
            ],
        }
    )


_PROJECT: Final = re.compile("pkg:[a-z]+/[A-Za-z0-9._/@%-]{1,200}")


def _platforms(value: Json, where: str) -> tuple[str, ...]:
    listed = items(value, where, least=1, most=_MOST_PLATFORMS)
    return _distinct([text(each, where, PLATFORM) for each in listed], where)


def _versions(value: Json, where: str) -> tuple[str, ...]:
    listed = items(value, where, most=_MOST_PATCHES)
    return _distinct([check_version(each, where) for each in listed], where)


def _distinct(values: Sequence[str], where: str) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise MalformedError(f"{where}: the same stands there twice")
    return tuple(values)


def _steps(value: Json, where: str) -> tuple[Via, ...]:
    return tuple(_step(each, where) for each in items(value, where, most=_MOST_STEPS))


def _step(value: Json, where: str) -> Via:
    parts = record(value, where, ("below", "take"))
    below = check_version(parts["below"], f"{where}: below")
    return Via(below, check_version(parts["take"], f"{where}: take"))


def _waves(value: Json, where: str) -> tuple[Wave, ...]:
    listed = items(value, where, least=1, most=_MOST_WAVES)
    waves = tuple(_wave(each, where) for each in listed)
    for one, next_one in itertools.pairwise(waves):
        if one.after_s >= next_one.after_s or one.per_mille >= next_one.per_mille:
            raise MalformedError(f"{where}: expected both fields to rise")
    if waves[-1].per_mille != WHOLE:
        raise MalformedError(f"{where}: expected {WHOLE} per mille in the end")
    return waves


def _wave(value: Json, where: str) -> Wave:
    parts = record(value, where, ("afterSeconds", "perMille"))
    after = integer(
        parts["afterSeconds"], f"{where}: afterSeconds", most=_LONGEST_WAVE_S
    )
    share = integer(parts["perMille"], f"{where}: perMille", least=1, most=WHOLE)
    return Wave(after, share)
