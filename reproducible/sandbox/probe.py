"""What the hook saw inside, read and judged, before anything foreign runs.

Rules. The hook is ours and its report is written before it imports a backend, so the
report can be believed; it is read strictly all the same.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Final

from reproducible.errors import IsolationError

MAX_REPORT_BYTES: Final = 1 << 16


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
        home: names in the home folder of who started the build.
    """

    interfaces: tuple[str, ...]
    tcp4: str
    tcp6: str
    sockets: int
    namespaces: Mapping[str, str]
    own_proc: bool
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
    raise NotImplementedError


def check_probe(
    seen: Seen, *, host: Mapping[str, str], known: Collection[str] = ()
) -> None:
    """Expect a wall without a hole.

    `host` are the namespaces outside; `known` are the names in the home folder that
    must be seen because an interpreter lies there.

    Raises:
        IsolationError: a network, process or folder of the host can be reached.
    """
    raise NotImplementedError
