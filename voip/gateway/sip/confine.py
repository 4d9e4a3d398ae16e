"""Shuts the SIP worker in before it reads a byte, in case it is not ours after it.

Carrier. What it holds then, and cannot get more of: its own memory, IP sockets, the
password of the account, a file of certificate authorities, the system's words about
names, and one empty folder. It starts no program, makes and opens no file, sends no
signal, and no memory of it becomes code.

Two walls do that, Landlock (landlock(7)) for files and `voip.gateway.sip.sieve` for
system calls. A kernel may have neither: then the worker goes on, and says so.
"""

import concurrent.futures.thread  # noqa: F401 -- asyncio imports it with its first thread
import ctypes
import os
import queue  # noqa: F401 -- likewise, and its compiled half could not be loaded later
import resource
import signal
import stat
import struct
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from voip.gateway.sip.sieve import format_sieve

LANDLOCK, SECCOMP = "landlock", "seccomp"
WALLS = (LANDLOCK, SECCOMP)

NAMES = tuple(
    map(
        Path,
        (
            "/etc/resolv.conf",
            "/etc/hosts",
            "/etc/nsswitch.conf",
            "/etc/host.conf",
            "/etc/gai.conf",
            "/etc/services",
        ),
    )
)
"""What a C library and the stack read to find an address; by name alone, as the rest of
/etc holds keys of other services."""

_OPENED = (
    *NAMES,
    # Where the former are kept: files there are replaced as networks come and go.
    Path("/run/systemd/resolve"),
    Path("/run/resolvconf"),
    # The OpenSSL of the wheel, and of one built elsewhere, refuses to begin if it
    # finds its settings and cannot read them.
    Path("/etc/pki/tls/openssl.cnf"),
    Path("/etc/ssl/openssl.cnf"),
    Path("/etc/crypto-policies"),
    Path("/sys/devices/system/cpu"),  # how many there are
    Path(os.__file__).parent,  # Python's own library: some is imported when needed
)

_ADDRESS_SPACE = 4 << 30  # bytes; a call has a thread or two, of 8 MiB stack each
_FILE_SIZE = 0  # bytes; the stack writes no file
_DESCRIPTORS = 1024

# <linux/prctl.h>, <linux/capability.h> and <linux/landlock.h>.
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_WORD = 8  # bytes of a pointer; a 32-bit program has other numbers
_CAPABILITIES = struct.Struct("=6I")
_CAPABILITY_V3 = 0x20080522
_CAP_NET_BIND_SERVICE = 1 << 10
_RULESET, _RULE, _RESTRICT = 444, 445, 446  # the same on every machine
_VERSION = 1
_BENEATH = 1
_READ_FILE, _READ_DIR, _REMOVE_DIR, _MAKE_DIR = 1 << 2, 1 << 3, 1 << 4, 1 << 7
# How many rights each version of Landlock knows, from the first on; a kernel refuses to
# hold to any if it is asked for one that it does not know.
_RIGHTS = (13, 14, 15, 15, 16)
# Since version 6: no abstract Unix socket of others, and no signal to them.
_SCOPES_SINCE, _SCOPES = 6, 0b11


def confine(ca_file: Path, folder: Path) -> tuple[str, ...]:
    """Shut this process in for good; gives which of `WALLS` stand around it.

    To be called once, while there is one thread, with all libraries loaded.

    Args:
        ca_file: who may vouch for the exchange; the one file to be read.
        folder: where the stack may make a folder.

    Raises:
        OSError: a limit cannot be set, which every system can.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    with suppress(OSError):  # a C library without it has all in itself
        # Where a thread ends the C library loads it, or ends the process.
        ctypes.CDLL("libgcc_s.so.1")
    # Away from the terminal: Ctrl-C is for who takes leave of the exchange by us, and
    # nothing can be typed there in the user's name.
    with suppress(PermissionError):  # it is so already
        os.setsid()
    tempfile.tempdir = str(folder)
    _limit()
    _give_up_rights(libc)
    walls = (
        (LANDLOCK, _open_only(libc, ca_file, folder)),
        (SECCOMP, _sieve(libc)),
    )
    return tuple(name for name, stands in walls if stands)


def can_look_up(names: tuple[Path, ...] = NAMES) -> bool:
    """Say whether the system's words about names can be read, as before `confine`.

    Landlock knows a file and not its name: one that takes its place, as when a network
    is left for another, is out of reach, and a new worker is needed.
    """
    for path in names:
        try:
            path.open("rb").close()
        except FileNotFoundError:
            continue
        except PermissionError:
            if os.access(path, os.R_OK):  # which asks its owner, and no wall
                return False
    return True


def _limit() -> None:
    for what, limit in (
        (resource.RLIMIT_CORE, 0),  # a core would hold the password
        (resource.RLIMIT_AS, _ADDRESS_SPACE),
        (resource.RLIMIT_FSIZE, _FILE_SIZE),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
    ):
        _, hard = resource.getrlimit(what)
        least = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (least, least))


def _give_up_rights(libc: ctypes.CDLL) -> None:
    """Give up what a process inherits of its user's powers."""
    for option, value in (
        (_PR_SET_PDEATHSIG, signal.SIGKILL),
        (_PR_SET_DUMPABLE, 0),
        (_PR_SET_NO_NEW_PRIVS, 1),
    ):
        if libc.prctl(option, value, 0, 0, 0):
            raise OSError(ctypes.get_errno(), f"prctl {option}")
    head = struct.pack("=II", _CAPABILITY_V3, 0)
    held = ctypes.create_string_buffer(_CAPABILITIES.size)
    if libc.capget(head, held):
        raise OSError(ctypes.get_errno(), "capget")
    # Effective, permitted, inheritable. Who holds none is not asked to give them up:
    # filters of services (systemd's @privileged) end a process for trying.
    permitted = _CAPABILITIES.unpack(held.raw)[1::3]
    kept = (
        permitted[0] & _CAP_NET_BIND_SERVICE
    )  # a port below 1024 may be the account's
    given_up = _CAPABILITIES.pack(kept, kept, 0, 0, 0, 0)
    if any(permitted) and libc.capset(head, given_up):
        raise OSError(ctypes.get_errno(), "capset")


def _open_only(libc: ctypes.CDLL, ca_file: Path, folder: Path) -> bool:
    """Let only these files be opened, and a folder be made; False if it cannot be."""
    version = libc.syscall(_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if version < 1:
        return False
    rights = (1 << _RIGHTS[min(version, len(_RIGHTS)) - 1]) - 1
    asked = struct.pack("=QQQ", rights, 0, _SCOPES)
    # A kernel takes a shorter form, and of a longer one only zeros.
    size = 24 if version >= _SCOPES_SINCE else 8
    ruleset = libc.syscall(_RULESET, asked, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    try:
        for path, granted in _grants(ca_file, folder):
            _grant(libc, ruleset, path, granted)
        return not libc.syscall(_RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)


def _grants(ca_file: Path, folder: Path) -> Iterator[tuple[Path, int]]:
    for path in (ca_file, *_OPENED):
        yield path, _READ_FILE | _READ_DIR
    yield folder, _READ_DIR | _MAKE_DIR | _REMOVE_DIR


def _grant(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there need not be read
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _READ_FILE  # a rule that asks for more of a file is refused
        rule = struct.pack("=Qi", rights, opened)
        if libc.syscall(_RULE, ruleset, _BENEATH, rule, 0):
            raise OSError(ctypes.get_errno(), "a rule of Landlock")
    finally:
        os.close(opened)


def _sieve(libc: ctypes.CDLL) -> bool:
    """Hand the kernel the sieve; False if it takes none."""
    program = format_sieve(os.uname().machine)
    if program is None or struct.calcsize("P") != _WORD:
        return False
    kept = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(kept))
    return not libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, described, 0, 0)
