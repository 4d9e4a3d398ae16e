"""What a user asks of the updater, beyond the signed trust files: `update.toml`.

It can choose how updates come and refuse more than the publisher asks for; nothing in
it makes the updater accept more. It is read strictly, since a word misspelled would be
a protection that is not there::

    channel = "stable"
    apply = "ask"                  # or "auto", "never"
    mirrors = ["https://mirror.example/"]
    proxy = "socks5h://127.0.0.1:9050"
    deltas = true

    [tighten]
    cooldown_s = 1209600
    rebuild_threshold = 3
    peers = 1
    witness_policy = "friends.policy"
    wave = "last"
"""

import re
import tomllib
from dataclasses import dataclass, field
from typing import Final, Literal

from updater.errors import MalformedError
from updater.fetch.mirrors import MAX_MIRRORS
from updater.fetch.proxy import Proxy, parse_proxy
from updater.gates.evidence import Tightening
from updater.jcs import Json
from updater.offer.channel import NAME as CHANNEL
from updater.shape import flag, integer, items, one_of, record, text
from updater.transparency.policy import Policy

MAX_BYTES: Final = 64 << 10  # people write comments
LONGEST_COOLDOWN_S: Final = 366 * 86_400
MOST_OPERATORS: Final = 64  # as many as a rebuild policy may name
MOST_PEERS: Final = 1_000  # as many as are remembered

Apply = Literal["ask", "auto", "never"]
_APPLY: Final[tuple[Apply, ...]] = ("ask", "auto", "never")

_MIRROR: Final = re.compile(r"https?://[0-9A-Za-z.:\[\]/_~-]{1,500}/")
_PATH: Final = re.compile(r"[^\0\r\n]{1,4096}")
_ANY: Final = re.compile(".{1,1000}")
_KEYS: Final = ("apply", "channel", "deltas", "mirrors", "proxy", "tighten")
_TIGHTEN: Final = (
    "cooldown_s", "peers", "rebuild_threshold", "wave", "witness_policy",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user asked for; everything has a default."""

    channel: str | None = None
    """None is the one that the installation follows anyway."""
    apply: Apply = "ask"
    """What a check that runs by itself does with a release that may be installed."""
    mirrors: tuple[str, ...] = ()
    """Asked before all others."""
    proxy: Proxy | None = field(default=None, repr=False)
    deltas: bool = True
    """Whether patches are fetched: they tell which version asks."""
    cooldown_s: int = 0
    rebuild_threshold: int | None = None
    peers: int = 0
    witness_policy: str | None = None
    """The path of a second witness policy."""
    waits_for_last_wave: bool = False

    def tightening(self, policy: Policy | None) -> Tightening:
        """Give what the gates look at; `policy` is the one that was named, opened."""
        return Tightening(
            cooldown_s=self.cooldown_s,
            rebuild_threshold=self.rebuild_threshold,
            peers=self.peers,
            policy=policy,
            waits_for_last_wave=self.waits_for_last_wave,
        )


def parse_settings(data: bytes) -> Settings:
    """Read `update.toml`.

    Raises:
        MalformedError: it is no TOML, or says something that is not known here.
    """
    if len(data) > MAX_BYTES:
        raise MalformedError(f"update.toml: expected at most {MAX_BYTES} bytes")
    try:
        found = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"update.toml: {error}") from None
    top = record(found, "update.toml", (), _KEYS)
    tighten = record(top.get("tighten", {}), "update.toml: tighten", (), _TIGHTEN)
    return Settings(
        channel=_text(top, "channel", CHANNEL),
        apply=_apply(top.get("apply", "ask")),
        mirrors=_mirrors(top.get("mirrors", [])),
        proxy=_proxy(_text(top, "proxy", _ANY)),
        deltas=flag(top.get("deltas", True), "update.toml: deltas"),
        cooldown_s=_number(tighten, "cooldown_s", 0, LONGEST_COOLDOWN_S) or 0,
        rebuild_threshold=_number(tighten, "rebuild_threshold", 1, MOST_OPERATORS),
        peers=_number(tighten, "peers", 0, MOST_PEERS) or 0,
        witness_policy=_text(tighten, "witness_policy", _PATH),
        waits_for_last_wave=_wave(tighten),
    )


def _apply(value: Json) -> Apply:
    word = one_of(value, "update.toml: apply", *_APPLY)
    return next(each for each in _APPLY if each == word)


def _mirrors(value: Json) -> tuple[str, ...]:
    where = "update.toml: mirrors"
    return tuple(
        text(each, where, _MIRROR) for each in items(value, where, most=MAX_MIRRORS)
    )


def _proxy(value: str | None) -> Proxy | None:
    return None if value is None else parse_proxy(value)


def _text(found: dict[str, Json], name: str, form: re.Pattern[str]) -> str | None:
    if name not in found:
        return None
    return text(found[name], f"update.toml: {name}", form)


def _number(found: dict[str, Json], name: str, least: int, most: int) -> int | None:
    if name not in found:
        return None
    return integer(found[name], f"update.toml: {name}", least=least, most=most)


def _wave(found: dict[str, Json]) -> bool:
    if "wave" in found:
        one_of(found["wave"], "update.toml: wave", "last")
    return "wave" in found
