"""Witness policies: which logs count, and who must have seen them (C2SP tlog-policy).

    log <vkey> [url]
    witness <name> <vkey> [url]
    group <name> all|any|<k> <member>...
    quorum <name>|none

Lines in this grammar of 2026-06-22, with comments on lines of their own. Who met a
policy, and when, is in `witnessed`. The format, to the byte: docs/formats/log.md.
"""

import re
from dataclasses import dataclass, field

from updater.errors import MalformedError
from updater.transparency.key import Kind, VerifierKey, parse_vkey

MAX_POLICY = 1_048_576
"""Bytes of a policy file."""
MAX_EACH = 64
"""Logs, witnesses and groups: 32 of each are a must (tlog-policy)."""
NONE = "none"
"""The quorum that needs nobody; no witness and no group may bear this name."""

_SPACES = re.compile("[ \t]+")
_THRESHOLD = re.compile("[1-9][0-9]{0,2}")
_CONTROLS = frozenset(range(0x20)) - {0x09, 0x0A} | {0x7F}


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose checkpoints are accepted; its origin is the name of its key."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness, by the name that the groups of this policy know it under."""

    name: str
    key: VerifierKey
    url: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Group:
    """Some witnesses and groups, of which `threshold` stand for the whole."""

    name: str
    threshold: int
    members: tuple[str, ...] = field(kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Which logs count, and which witnesses must have seen a checkpoint.

    Names may hold bytes that are no UTF-8; these are kept as lone surrogates.
    """

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str
    """The name of a witness or a group, or `NONE`."""

    @property
    def log_keys(self) -> tuple[VerifierKey, ...]:
        """The keys of all logs."""
        return tuple(each.key for each in self.logs)

    @property
    def witness_keys(self) -> tuple[VerifierKey, ...]:
        """The keys of all witnesses."""
        return tuple(each.key for each in self.witnesses)

    @property
    def origins(self) -> frozenset[str]:
        """The origins of all logs."""
        return frozenset(each.key.name for each in self.logs)

    def witnesses_of(self, name: str) -> tuple[Witness, ...]:
        """Give the witnesses of a witness or group, however deep; of `NONE`, nobody."""
        groups = {each.name: each for each in self.groups}
        wanted = [name]
        for each in wanted:  # grows: no name is a member twice, so this ends
            if each in groups:
                wanted += groups[each].members
        return tuple(each for each in self.witnesses if each.name in wanted)


def parse_policy(data: bytes) -> Policy:
    """Read a policy file.

    Raises:
        MalformedError: it breaks the grammar, lists a key twice, names what is not
            defined above, or is over a limit.
    """
    if len(data) > MAX_POLICY:
        raise MalformedError(f"policy: expected at most {MAX_POLICY} bytes")
    if not _CONTROLS.isdisjoint(data):
        raise MalformedError("policy: expected no control characters")
    reader = _Reader()
    # Cut at 0A alone: splitlines() would also cut inside a name.
    for number, line in enumerate(data.split(b"\n"), start=1):
        fields = line.strip(b" \t").decode("utf-8", "surrogateescape")
        if fields and not fields.startswith("#"):
            try:
                reader.read(_SPACES.split(fields))
            except MalformedError as error:
                raise MalformedError(f"policy line {number}: {error}") from None
    return reader.finish()


def format_policy(policy: Policy) -> bytes:
    """Write a policy file: logs, witnesses, groups, the quorum."""
    lines = [_line("log", str(each.key), each.url) for each in policy.logs]
    lines += [
        _line("witness", each.name, str(each.key), each.url)
        for each in policy.witnesses
    ]
    lines += [
        _line("group", each.name, str(each.threshold), *each.members)
        for each in policy.groups
    ]
    lines.append(_line("quorum", policy.quorum))
    return "".join(lines).encode("utf-8", "surrogateescape")


class _Reader:
    """Takes the lines of a policy one by one."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.witnesses: list[Witness] = []
        self.groups: list[Group] = []
        self.quorum: str | None = None
        self.names: set[str] = set()
        self.members: set[str] = set()

    def read(self, fields: list[str]) -> None:
        match fields:
            case ["log", vkey]:
                self._log(Log(parse_vkey(vkey)))
            case ["log", vkey, url]:
                self._log(Log(parse_vkey(vkey), url))
            case ["witness", name, vkey]:
                self._witness(Witness(name, parse_vkey(vkey)))
            case ["witness", name, vkey, url]:
                self._witness(Witness(name, parse_vkey(vkey), url=url))
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, tuple(members))
            case ["quorum", name]:
                if self.quorum is not None:
                    raise MalformedError("expected one quorum, came a second")
                if name != NONE and name not in self.names:
                    raise MalformedError(f"{name[:80]!r} is not defined above")
                self.quorum = name
            case _:
                raise MalformedError(
                    f"expected a log, witness, group or quorum, came {fields[0][:40]!r}"
                    f" with {len(fields) - 1} fields"
                )

    def finish(self) -> Policy:
        if self.quorum is None:
            raise MalformedError("policy: expected a line of quorum")
        kinds_of: dict[str, list[Kind]] = {}
        for each in self.logs:
            kinds_of.setdefault(each.key.name, []).append(each.key.kind)
        for origin, kinds in kinds_of.items():
            # Its own Ed25519 line is always needed, and by exactly one key: with two,
            # each holder could show a tree of their own.
            if sorted(kinds) not in ([Kind.LOG], [Kind.LOG, Kind.ML_DSA]):
                raise MalformedError(
                    f"policy: expected for log {origin[:80]!r} one key of kind 01 and"
                    " at most one of kind 06"
                )
        return Policy(
            logs=tuple(self.logs),
            witnesses=tuple(self.witnesses),
            groups=tuple(self.groups),
            quorum=self.quorum,
        )

    def _log(self, log: Log) -> None:
        if log.key.kind is Kind.WITNESS:
            raise MalformedError("a log has a key of kind 01 or 06, came 04")
        self._expect_new([each.key for each in self.logs], log.key)
        self.logs.append(log)

    def _witness(self, witness: Witness) -> None:
        if witness.key.kind is Kind.LOG:
            raise MalformedError("a witness has a key of kind 04 or 06, came 01")
        self._expect_new([each.key for each in self.witnesses], witness.key)
        self._name(witness.name)
        self.witnesses.append(witness)

    def _group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        if len(self.groups) >= MAX_EACH:
            raise MalformedError(f"expected at most {MAX_EACH} groups")
        for member in members:
            if member not in self.names:
                raise MalformedError(f"{member[:80]!r} is not defined above")
            if member in self.members:
                # Counted twice, one witness would stand for two.
                raise MalformedError(f"{member[:80]!r} is already a member")
            self.members.add(member)
        self._name(name)
        words = {"all": len(members), "any": 1}
        if threshold not in words and not _THRESHOLD.fullmatch(threshold):
            raise MalformedError(
                f"expected all, any or a number, came {threshold[:80]!r}"
            )
        least = words.get(threshold) or int(threshold)
        if least > len(members):
            raise MalformedError(f"expected at most {len(members)}, came {least}")
        self.groups.append(Group(name, least, members=members))

    def _name(self, name: str) -> None:
        if name == NONE or name in self.names:
            raise MalformedError(f"the name {name[:80]!r} is taken")
        self.names.add(name)

    def _expect_new(self, known: list[VerifierKey], key: VerifierKey) -> None:
        if len(known) >= MAX_EACH:
            raise MalformedError(f"expected at most {MAX_EACH} of a kind")
        # Under two names it would count twice.
        if any(each.public == key.public for each in known):
            raise MalformedError(f"the key of {key.name[:80]!r} is listed twice")
        if any((each.name, each.key_id) == (key.name, key.key_id) for each in known):
            raise MalformedError(f"two keys of {key.name[:80]!r} have one key id")


def _line(*fields: str | None) -> str:
    return " ".join(each for each in fields if each is not None) + "\n"
