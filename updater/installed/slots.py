"""Slots, and what is remembered of them.

A slot is one installed version, in a folder of its own. The link ``current`` is the
truth about what runs; this state says what is known of it, and `starts` what
becomes of both. Format: docs/formats/install.md, "state.json".
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from updater import jcs
from updater.errors import MalformedError
from updater.installed.audit import START, Head
from updater.jcs import Json
from updater.offer.version import check_version, order
from updater.offer.waves import SEED_BYTES
from updater.shape import (
    SHA256,
    base64_text,
    integer,
    items,
    one_of,
    record,
    text,
    unbase64,
)

MAX_BYTES: Final = 64 << 10  # all lists full are below 20 kB
SCHEMA: Final = "ringfence-install/1"
MOST_ATTEMPTS: Final = 8
MOST_BAD: Final = 32
MOST_SKIPPED: Final = 32
MOST_CODES: Final = 32
MOST_PYTHONS: Final = 16

_DIGITS: Final = 12  # of a bundle's SHA-256 in a slot's name
_SLOT: Final = re.compile(f"(.+)-[0-9a-f]{{{_DIGITS}}}")
_TAG: Final = re.compile("cp3[0-9]{1,2}")
_PATH: Final = re.compile(r"/[^\0-\x1f\x7f\"\\]{0,4095}")  # nothing to escape
_CODE: Final = re.compile("[a-z][a-z0-9/-]{0,63}")
_CHANNEL: Final = re.compile("[a-z][a-z0-9-]{0,31}")
_KEYS: Final = (
    "attempts",
    "audit",
    "bad",
    "channel",
    "floor",
    "last",
    "pending",
    "previous",
    "pythons",
    "rev",
    "schema",
    "seed",
    "skip",
    "time",
)

Why: TypeAlias = Literal["boot", "probe"]
Kind: TypeAlias = Literal[
    "current",
    "installed",
    "waiting",
    "refused",
    "not-yet",
    "misbehaviour",
    "unreachable",
]
_WHYS: Final[tuple[Why, ...]] = get_args(Why)
_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A start of a version that has not proved itself: one process, ever."""

    pid: int
    start: int
    """When it started, in clock ticks since the machine did (proc(5), field 22)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A slot that failed, and is not installed again by itself."""

    at: int
    """POSIX time in seconds."""
    slot: str
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """How the last run of the updater ended."""

    at: int
    """POSIX time in seconds."""
    kind: Kind
    codes: tuple[str, ...] = ()
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """What is known of the time, in POSIX seconds."""

    signed: int = 0
    """The latest that a quorum of witnesses signed."""
    soft: int = 0
    """The latest that anything else suggests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallState:
    """What is remembered of an installation."""

    seed: bytes = field(repr=False)  # whoever knows it knows our waves
    rev: int = 0
    channel: str = "stable"
    floor: str | None = None
    """The highest version that proved itself here; no update goes below it."""
    pending: str | None = None
    """A slot that, if it is current, has not proved itself."""
    previous: str | None = None
    """The slot to go back to."""
    attempts: tuple[Attempt, ...] = ()
    """Starts of the pending slot; with none pending, those for which the launcher went
    back, until the updater has written that down."""
    bad: tuple[Bad, ...] = ()
    skip: tuple[str, ...] = ()
    """Versions that the user does not want."""
    pythons: Mapping[str, str] = field(default_factory=dict)
    """Where interpreters lie that are not in the usual places, by tag (``cp311``)."""
    time: Times = Times()
    audit: Head = START
    last: Last | None = None

    def is_bad(self, slot: str) -> bool:
        """Tell whether a slot failed here."""
        return any(each.slot == slot for each in self.bad)


def slot_name(version: str, sha256: str) -> str:
    """Name the slot of a release by its version and its bundle's SHA-256."""
    return f"{version}-{sha256[:_DIGITS]}"


def version_of(slot: str) -> str:
    """Give the version of a slot."""
    return slot.rpartition("-")[0]


def check_slot(value: Json, where: str) -> str:
    """Expect a slot's name.

    Raises:
        MalformedError: it is none.
    """
    slot = text(value, where, _SLOT)
    check_version(version_of(slot), where)
    return slot


def highest_first(slots: Collection[str]) -> list[str]:
    """Sort slots by version, the highest first; equal versions by name."""
    return sorted(slots, key=lambda slot: (order(version_of(slot)), slot), reverse=True)


def parse_state(data: bytes) -> InstallState:
    """Read state.json.

    Raises:
        MalformedError: it is none, or not in its canonical spelling.
    """
    where = "state"
    parts = record(jcs.parse_canonical(data, most=MAX_BYTES), where, _KEYS)
    one_of(parts["schema"], f"{where}: schema", SCHEMA)
    return InstallState(
        seed=unbase64(parts["seed"], f"{where}: seed", size=SEED_BYTES),
        rev=integer(parts["rev"], f"{where}: rev"),
        channel=text(parts["channel"], f"{where}: channel", _CHANNEL),
        floor=_version_or_none(parts["floor"], f"{where}: floor"),
        pending=_slot_or_none(parts["pending"], f"{where}: pending"),
        previous=_slot_or_none(parts["previous"], f"{where}: previous"),
        attempts=_attempts(parts["attempts"], f"{where}: attempts"),
        bad=_bad(parts["bad"], f"{where}: bad"),
        skip=_skip(parts["skip"], f"{where}: skip"),
        pythons=_pythons(parts["pythons"], f"{where}: pythons"),
        time=_times(parts["time"], f"{where}: time"),
        audit=_head(parts["audit"], f"{where}: audit"),
        last=_last(parts["last"], f"{where}: last"),
    )


def format_state(state: InstallState) -> bytes:
    """Write state.json as RFC 8785."""
    last = state.last
    return jcs.write(
        {
            "attempts": [
                {"pid": each.pid, "start": each.start} for each in state.attempts
            ],
            "audit": {"seq": state.audit.seq, "sha256": state.audit.sha256},
            "bad": [
                {"at": each.at, "slot": each.slot, "why": each.why}
                for each in state.bad
            ],
            "channel": state.channel,
            "floor": state.floor,
            "last": None
            if last is None
            else {
                "at": last.at,
                "codes": list(last.codes),
                "kind": last.kind,
                "version": last.version,
            },
            "pending": state.pending,
            "previous": state.previous,
            "pythons": dict(state.pythons),
            "rev": state.rev,
            "schema": SCHEMA,
            "seed": base64_text(state.seed),
            "skip": list(state.skip),
            "time": {"signed": state.time.signed, "soft": state.time.soft},
        }
    )


def _version_or_none(value: Json, where: str) -> str | None:
    return None if value is None else check_version(value, where)


def _slot_or_none(value: Json, where: str) -> str | None:
    return None if value is None else check_slot(value, where)


def _attempts(value: Json, where: str) -> tuple[Attempt, ...]:
    return tuple(
        _attempt(each, where) for each in items(value, where, most=MOST_ATTEMPTS)
    )


def _attempt(value: Json, where: str) -> Attempt:
    parts = record(value, where, ("pid", "start"))
    pid = integer(parts["pid"], f"{where}: pid", least=1)
    return Attempt(pid, integer(parts["start"], f"{where}: start"))


def _bad(value: Json, where: str) -> tuple[Bad, ...]:
    return tuple(_bad_one(each, where) for each in items(value, where, most=MOST_BAD))


def _bad_one(value: Json, where: str) -> Bad:
    parts = record(value, where, ("at", "slot", "why"))
    word = one_of(parts["why"], f"{where}: why", *_WHYS)
    return Bad(
        at=integer(parts["at"], f"{where}: at"),
        slot=check_slot(parts["slot"], f"{where}: slot"),
        why=next(why for why in _WHYS if why == word),
    )


def _skip(value: Json, where: str) -> tuple[str, ...]:
    listed = items(value, where, most=MOST_SKIPPED)
    return tuple(check_version(each, where) for each in listed)


def _pythons(value: Json, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > MOST_PYTHONS:
        raise MalformedError(f"{where}: expected an object of {MOST_PYTHONS} at most")
    return {
        text(tag, where, _TAG): text(path, where, _PATH) for tag, path in value.items()
    }


def _times(value: Json, where: str) -> Times:
    parts = record(value, where, ("signed", "soft"))
    signed = integer(parts["signed"], f"{where}: signed")
    return Times(signed, integer(parts["soft"], f"{where}: soft"))


def _head(value: Json, where: str) -> Head:
    parts = record(value, where, ("seq", "sha256"))
    seq = integer(parts["seq"], f"{where}: seq")
    return Head(seq, text(parts["sha256"], f"{where}: sha256", SHA256))


def _last(value: Json, where: str) -> Last | None:
    if value is None:
        return None
    parts = record(value, where, ("at", "codes", "kind", "version"))
    word = one_of(parts["kind"], f"{where}: kind", *_KINDS)
    codes = items(parts["codes"], f"{where}: codes", most=MOST_CODES)
    return Last(
        at=integer(parts["at"], f"{where}: at"),
        kind=next(kind for kind in _KINDS if kind == word),
        codes=tuple(text(each, f"{where}: codes", _CODE) for each in codes),
        version=_version_or_none(parts["version"], f"{where}: version"),
    )
