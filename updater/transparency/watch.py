"""What somebody who watches a log for everybody takes alarm at.

Pure: a head, an entry and the time in, alarms out. A watcher asks for more than a
client does: a stronger quorum, every claim's form and signers, each witness heard from,
and that the log and the published files say the same.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Literal

from updater import jcs, shape
from updater.errors import MalformedError, QuorumError, RefusedError
from updater.transparency.admission import Register, format_register, parse_register
from updater.transparency.checkpoint import Checkpoint, OpenedCheckpoint
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.entry import Entry, Garbage, read_entry
from updater.transparency.note import parse_note
from updater.transparency.policy import Policy
from updater.transparency.trust import Trust
from updater.transparency.witnessed import check_quorum, counting_times, fresh_at

STALE_S = 2 * 86_400
"""From this age on a log looks withheld: it is refreshed daily, and may miss a day."""

SILENT_S = 3 * 86_400
"""From this time on a witness that does not sign is missed."""

MAX_BYTES = 128 << 20
"""Of the memory: a register and a head."""

AlarmCode = Literal[
    "claim",
    "error-page",
    "fork",
    "garbage",
    "policy-change",
    "quorum",
    "shrunk",
    "silent-witness",
    "stale",
    "stranger",
    "unlogged",
    "unpublished",
]

_SCHEMA = "ringfence-bt-watch/1"
_KEYS = ("head", "register", "schema", "seen")
_MAX_WITNESSES = 64


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something a person should look at."""

    code: AlarmCode
    where: str
    text: str = field(kw_only=True)


@dataclass(slots=True)
class Memory:
    """What a watcher knows from the times before."""

    note: bytes | None = None
    """The checkpoint of the largest tree."""
    register: Register = field(default_factory=Register, kw_only=True)
    seen: dict[str, int] = field(default_factory=dict, kw_only=True)
    """When each witness, by its name in the policy, signed last; POSIX seconds."""


def format_memory(memory: Memory) -> bytes:
    """Write a memory as `parse_memory` reads it."""
    seen: dict[str, jcs.Json] = dict(memory.seen)
    return jcs.write(
        {
            "head": None if memory.note is None else memory.note.decode(),
            "register": format_register(memory.register).decode(),
            "schema": _SCHEMA,
            "seen": seen,
        }
    )


def parse_memory(data: bytes) -> Memory:
    """Read a memory.

    Raises:
        MalformedError: it is none.
    """
    found = shape.record(jcs.parse_canonical(data, most=MAX_BYTES), "watch", _KEYS)
    shape.one_of(found["schema"], "schema", _SCHEMA)
    head, register, seen = found["head"], found["register"], found["seen"]
    if not isinstance(register, str) or not isinstance(head, str | None):
        raise MalformedError("watch: expected texts for head and register")
    if not isinstance(seen, dict) or len(seen) > _MAX_WITNESSES:
        raise MalformedError(f"seen: expected an object of at most {_MAX_WITNESSES}")
    note = None if head is None else head.encode()
    if note is not None:
        parse_note(note)
    return Memory(
        note,
        register=parse_register(register.encode()),
        seen={name: shape.integer(time, name) for name, time in seen.items()},
    )


def head_alarms(
    opened: OpenedCheckpoint, old: Checkpoint | None, policy: Policy, now: float
) -> Iterator[Alarm]:
    """Judge a head that the log signed, against the largest one known."""
    new = opened.checkpoint
    if old and new.size < old.size:
        yield Alarm(
            "shrunk", "checkpoint", text=f"size {new.size}, it was {old.size} before"
        )
    if old and new.size == old.size and new.root != old.root:
        yield Alarm("fork", "checkpoint", text=f"two roots at size {new.size}")
    try:
        check_quorum(policy, opened, now)
    except QuorumError as error:
        yield Alarm("quorum", "checkpoint", text=str(error))
    fresh = fresh_at(policy, opened, now)
    if fresh is not None and now - fresh > STALE_S:
        age = int(now - fresh) // 3_600
        yield Alarm("stale", "checkpoint", text=f"last called the newest {age} h ago")
    known = {(key.name, key.key_id) for key in (*policy.log_keys, *policy.witness_keys)}
    for line in parse_note(opened.note).lines:
        if (line.name, line.key_id) not in known:
            yield Alarm("stranger", "checkpoint", text=f"a line of {line.name!r}")


def silence_alarms(
    opened: OpenedCheckpoint, seen: dict[str, int], policy: Policy, now: float
) -> Iterator[Alarm]:
    """Miss the witnesses that have not signed for days; `seen` is brought up to date.

    A witness that was never heard from is missed from its first look on.
    """
    counting = counting_times(opened, now)
    for witness in policy.witnesses:
        if witness.key in counting:
            last = counting[witness.key][1]
            seen[witness.name] = max(last, seen.get(witness.name, 0))
        since = seen.setdefault(witness.name, int(now))
        if now - since > SILENT_S:
            days = int(now - since) // 86_400
            yield Alarm("silent-witness", witness.name, text=f"silent for {days} days")


def entry_alarms(
    register: Register,
    leaf: bytes,
    trust: Trust,
    published: Collection[str] | None,
) -> Iterator[Alarm]:
    """Judge the next entry; the register takes it in.

    `published` are the SHA-256 of all files that are offered, None if nobody said.
    """
    where = f"entry {register.size}"
    found = read_entry(leaf)
    if isinstance(found, Garbage):
        yield Alarm("garbage", where, text=found.reason)
        register.read(leaf)
        return
    try:
        register.admit(leaf, trust)
    except RefusedError as error:
        yield Alarm("claim", where, text=str(error))
        register.read(leaf)
    if not isinstance(found, Entry):
        return
    match found.claim:
        case PolicyClaim() as change:
            text = f"policy changes at {change.not_before}: {change.summary}"
            yield Alarm("policy-change", where, text=text)
        case ReleaseClaim() as release if published is not None:
            for each in release.artifacts:
                if each.sha256 not in published:
                    text = f"{each.name} of {release.version} is offered to nobody"
                    yield Alarm("unpublished", where, text=text)
        case _:
            return


def offer_alarms(register: Register, published: Collection[str]) -> Iterator[Alarm]:
    """Find files that are offered and that no release in the log names."""
    logged = set(register.versions.values())
    for sha256 in sorted(set(published) - logged):
        yield Alarm("unlogged", sha256, text="is offered, and no release names it")
