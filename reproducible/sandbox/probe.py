"""What the hook saw inside, read and judged, before anything foreign runs.

Rules. The hook is ours and its report is written before it imports a backend, so the
report can be believed; it is read strictly all the same.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, cast

from reproducible.errors import IsolationError
from updater.jcs import Json, parse
from updater.shape import flag, integer, items, record, text

MAX_REPORT_BYTES: Final = 1 << 16
KINDS: Final = ("ipc", "mnt", "net", "pid", "user", "uts")
"""The namespaces that a build has of its own."""

# A kernel without IPv6, or with it switched off, names it differently.
_NO_NETWORK: Final = ("ENETUNREACH", "EAFNOSUPPORT", "EADDRNOTAVAIL")
# A kernel may come without dumps of processes.
_NO_SWITCH: Final = ("EROFS", "EACCES", "EPERM", "ENOENT")
_SHORT: Final = re.compile("[ -~]{0,300}")
_MOST_NAMES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a build could reach.

    Attributes:
        interfaces: names of network interfaces.
        tcp4, tcp6: the name of the error that a connection to 192.0.2.1 and
            2001:db8::1, addresses of nobody (RFC 5737, RFC 3849), ended with.
        sockets: how many Unix sockets this network holds.
        namespaces: kind to identity, as /proc/self/ns says.
        own_proc: whether /proc is that of these processes.
        switch: the name of the error that opening kernel/core_pattern, which names a
            program for the kernel to run, ended with.
        vsock: the name of the error that making a socket of AF_VSOCK ended with: no
            namespace holds those, and in a virtual machine they lead out of it.
        home: names in the home folder of who started the build.
    """

    interfaces: tuple[str, ...]
    tcp4: str
    tcp6: str
    sockets: int
    namespaces: Mapping[str, str]
    own_proc: bool
    switch: str
    vsock: str
    home: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The conditions that really hold inside, as the hook found them.

    Attributes:
        python, implementation, build: version as `3.11.7`, `cpython`, `sys.version`.
        arch, system, kernel, libc, zlib, os: of the machine; os as /usr/lib/os-release
            names it, zlib as ZLIB_RUNTIME_VERSION, where zlib-ng marks itself.
        umask, uid, gid, cpus, clock: numbers; the clock is in POSIX seconds.
        zone: names and offset of the time zone.
        locale: what the C library took, with its decimal point.
        seed: the hash of a fixed text, which depends on the seed.
        hostname, home, user, path: path is the working folder.
        epoch: SOURCE_DATE_EPOCH, empty if unset.
        order, modes, mtimes, owners, files: SHA-256 over the source: names in the order
            in which folders list them, permissions, times, owners, and names alone.
    """

    python: str
    implementation: str
    build: str
    arch: str
    system: str
    kernel: str
    libc: str
    zlib: str
    os: str
    umask: int
    uid: int
    gid: int
    cpus: int
    clock: int
    zone: str
    locale: str
    seed: str
    hostname: str
    home: str
    user: str
    path: str
    epoch: str
    order: str
    modes: str
    mtimes: str
    owners: str
    files: str


@dataclass(frozen=True, slots=True)
class Report:
    """What the hook says before it builds."""

    seen: Seen
    facts: Facts


def parse_report(data: bytes) -> Report:
    """Read the hook's report, JSON of at most 64 KiB.

    Raises:
        MalformedError: it is something else.
    """
    report = record(parse(data, most=MAX_REPORT_BYTES), "report", ("seen", "facts"))
    names = [part.name for part in fields(Facts)]
    said = record(report["facts"], "facts", names)
    facts = {
        part.name: integer(said[part.name], part.name)
        if part.type is int
        else text(said[part.name], part.name, _SHORT)
        for part in fields(Facts)
    }
    return Report(_parse_seen(report["seen"]), Facts(**cast("dict[str, Any]", facts)))


def check_probe(
    seen: Seen, *, host: Mapping[str, str], known: Collection[str] = ()
) -> None:
    """Expect a wall without a hole.

    `host` are the namespaces outside; `known` are the names in the home folder that
    must be seen because an interpreter lies there.

    Raises:
        IsolationError: a network, process or folder of the host can be reached, or a
            switch of its kernel.
    """
    _check_network(seen)
    for kind in KINDS:
        if seen.namespaces[kind] == host[kind]:
            raise _hole(f"expected its own {kind} namespace, came the host's")
    if not seen.own_proc:
        raise _hole("expected its own /proc, came another")
    if seen.switch not in _NO_SWITCH:
        raise _hole(f"expected no switch of the kernel, came one: {seen.switch}")
    if strange := sorted(set(seen.home) - set(known)):
        raise _hole(f"expected nothing of the home folder, came {strange[0]!r}")


def _check_network(seen: Seen) -> None:
    if seen.interfaces != ("lo",):
        raise _hole(f"expected the network interface lo alone, came {seen.interfaces}")
    for family, came in (("IPv4", seen.tcp4), ("IPv6", seen.tcp6)):
        if came not in _NO_NETWORK:
            raise _hole(f"expected no route over {family}, came {came}")
    if seen.sockets:
        raise _hole(f"expected no Unix socket, came {seen.sockets}")
    if seen.vsock != "EAFNOSUPPORT":
        raise _hole(f"expected no sockets of AF_VSOCK, came {seen.vsock}")


def _parse_seen(value: Json) -> Seen:
    keys = [part.name for part in fields(Seen)]
    seen = record(value, "seen", keys)
    spaces = record(seen["namespaces"], "namespaces", KINDS)
    return Seen(
        interfaces=_texts(seen["interfaces"], "interfaces"),
        tcp4=text(seen["tcp4"], "tcp4", _SHORT),
        tcp6=text(seen["tcp6"], "tcp6", _SHORT),
        sockets=integer(seen["sockets"], "sockets"),
        namespaces={kind: text(spaces[kind], kind, _SHORT) for kind in KINDS},
        own_proc=flag(seen["own_proc"], "own_proc"),
        switch=text(seen["switch"], "switch", _SHORT),
        vsock=text(seen["vsock"], "vsock", _SHORT),
        home=_texts(seen["home"], "home"),
    )


def _texts(value: Json, where: str) -> tuple[str, ...]:
    return tuple(text(x, where, _SHORT) for x in items(value, where, most=_MOST_NAMES))


def _hole(sentence: str) -> IsolationError:
    return IsolationError(f"the wall has a hole: {sentence}; nothing was built")
