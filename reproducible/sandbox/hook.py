"""Runs inside the sandbox, with any Python from 3.7 on, and imports nothing of ours.

Says what it sees, waits for leave, and only then imports what is foreign. Its one
argument is a job (`reproducible.sandbox.jobs`).
"""

import ctypes
import errno
import hashlib
import importlib
import json
import locale
import os
import resource
import shutil
import socket
import struct
import sys
import tempfile
import time
import zlib
from typing import Any, Callable, Dict, Iterable, List, Tuple, Union

Job = Dict[str, Any]

MEMORY, TOO_LARGE, NO_OUTPUT, BAD_OUTPUT = 71, 72, 73, 74
SUFFIX = {"wheel": ".whl", "sdist": ".tar.gz"}

_NOBODY4 = (socket.AF_INET, ("192.0.2.1", 80))  # RFC 5737
_NOBODY6 = (socket.AF_INET6, ("2001:db8::1", 80))  # RFC 3849
_CONNECT_S = 0.4  # no route is known at once; who waits has one
_MOST_PROCESSES = 512
_MOST_FILES = 50000
_MIB = 1 << 20
_AF_VSOCK = 40  # <linux/socket.h>, in every Python
_FAMILIES = (1, 2, 10, 16)  # Unix, IPv4, IPv6, netlink: namespaces hold these
# <asm/unistd.h>: number of `socket`, then of calls that reach around every namespace:
# add_key, request_key, keyctl, ptrace, process_vm_writev, pidfd_getfd, io_uring_setup.
_X86_64 = (0xC000003E, 41, (248, 249, 250, 101, 311, 438, 425))
_GENERIC = (217, 218, 219, 117, 271, 438, 425)
_CALLS = {
    "x86_64": _X86_64,
    "i686": _X86_64,  # a 64-bit program under setarch(8)
    "aarch64": (0xC00000B7, 198, _GENERIC),
    "riscv64": (0xC00000F3, 198, _GENERIC),
}
_SPACES = ("ipc", "mnt", "net", "pid", "user", "uts")


def main(argument: str) -> int:
    """Do a job, and give the exit code."""
    job = json.loads(argument)
    _limit(job)
    _filter()
    os.umask(job["umask"])
    _import_from(job)
    report = {"seen": _look(job), "facts": _facts(job)}
    with os.fdopen(job["report"], "wb") as stream:
        stream.write(json.dumps(report).encode() + b"\n")
    # Closed without a word: who started us is gone, or saw a hole.
    if os.read(0, 3) != b"go\n":
        return 1
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if job["clock"] is not None:
        _stop_clock(job["clock"])
    if job["given"]:
        _copy(job["given"], job["source"])
    try:
        return _work(job)
    except MemoryError:
        return MEMORY
    except OSError as error:
        if error.errno in (errno.EFBIG, errno.ENOSPC):
            print(error, file=sys.stderr)
            return TOO_LARGE
        raise


def _limit(job: Job) -> None:
    memory, output = job["memory_mib"] * _MIB, job["output_mib"] * _MIB
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (output, output))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Older kernels count all processes of the user, not those of the namespace.
    if tuple(int(x) for x in os.uname().release.split(".")[:2]) >= (5, 14):
        processes = (_MOST_PROCESSES, _MOST_PROCESSES)
        resource.setrlimit(resource.RLIMIT_NPROC, processes)


def _filter() -> None:
    """Take away calls that no namespace bounds; the probe looks whether it worked.

    The program is one of classic BPF (seccomp(2)): 0x20 loads, 0x15 and 0x35 skip
    unless equal, or at least, and 6 returns.
    """
    if os.uname().machine not in _CALLS or sys.maxsize < 1 << 32:
        return
    arch, make, others = _CALLS[os.uname().machine]
    allow, fail = 0x7FFF0000, 0x50000
    steps = [(0x20, 0, 0, 4), (0x15, 1, 0, arch), (6, 0, 0, fail | errno.ENOSYS)]
    # Numbers from here on are those of another ABI of the same machine (x32).
    steps += [(0x20, 0, 0, 0), (0x35, 0, 1, 1 << 30), (6, 0, 0, fail | errno.ENOSYS)]
    for number in others:
        steps += [(0x15, 0, 1, number), (6, 0, 0, fail | errno.ENOSYS)]
    steps += [(0x15, 1, 0, make), (6, 0, 0, allow), (0x20, 0, 0, 16)]
    for family in _FAMILIES:
        steps += [(0x15, 0, 1, family), (6, 0, 0, allow)]
    steps.append((6, 0, 0, fail | errno.EAFNOSUPPORT))
    packed = b"".join(struct.pack("HBBI", *step) for step in steps)
    kept = ctypes.create_string_buffer(packed)
    program = struct.pack("@HP", len(steps), ctypes.addressof(kept))
    word, prctl = ctypes.c_ulong, ctypes.CDLL(None).prctl
    prctl(38, word(1), word(0), word(0), word(0))  # PR_SET_NO_NEW_PRIVS
    prctl(22, word(2), ctypes.create_string_buffer(program))  # PR_SET_SECCOMP


def _import_from(job: Job) -> None:
    """Import from the project's own backend, then the toolchain, then the library."""
    own = os.path.dirname(os.path.abspath(__file__))
    library = [path for path in sys.path if path and os.path.abspath(path) != own]
    project = os.path.join(job["source"], job["subdir"])
    backend = [os.path.normpath(os.path.join(project, x)) for x in job["backend_path"]]
    sys.path[:] = [*backend, job["tools"], *library]
    if job["preload"]:
        importlib.import_module(job["preload"])


def _stop_clock(clock: int) -> None:
    """Let it be one time for the backend, and the time of what it writes.

    For what asks the library: neither `datetime` nor another program does.
    """
    since_ns = time.time_ns() - 10**9  # a kernel stamps files with its last tick
    for name in ("stat", "lstat", "fstat"):
        real = getattr(os, name)
        told = _Told(real, since_ns, clock)
        for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            if real in able:
                able.add(told)
        setattr(os, name, told)
    local, utc = time.localtime, time.gmtime
    time.time = lambda: float(clock)
    time.time_ns = lambda: clock * 10**9
    time.localtime = lambda seconds=None: local(clock if seconds is None else seconds)
    time.gmtime = lambda seconds=None: utc(clock if seconds is None else seconds)


class _Told:
    """`os.stat` and its like; what was written since then is of the clock's time.

    No function: `pathlib` of Python 3.10 would make a method of one.
    """

    def __init__(
        self, real: Callable[..., os.stat_result], since_ns: int, clock: int
    ) -> None:
        self._real, self._since_ns, self._clock = real, since_ns, clock

    def __call__(self, *args: object, **named: object) -> os.stat_result:
        state = self._real(*args, **named)
        if state.st_mtime_ns < self._since_ns:
            return state
        reduced: Any = state.__reduce__()
        fields, more = reduced[1]
        more.update(st_mtime=float(self._clock), st_mtime_ns=self._clock * 10**9)
        return os.stat_result((*fields[:8], self._clock, fields[9]), more)


def _work(job: Job) -> int:
    os.chdir(os.path.join(job["source"], job["subdir"]))
    task = job["task"]
    if task == "probe":
        return 0
    if task == "tool":
        os.execv(job["argv"][0], job["argv"])
    module, _, name = job["backend"].partition(":")
    backend = importlib.import_module(module)
    for part in name.split(".") if name else ():
        backend = getattr(backend, part)
    if task in SUFFIX:
        return _build(job, getattr(backend, "build_" + task), SUFFIX[task])
    ask = getattr(backend, "get_" + task.replace("-", "_for_build_"), None)
    _write(job, "file", json.dumps(ask() if ask else []).encode())
    return 0


def _build(job: Job, hook: Callable[[str], object], suffix: str) -> int:
    """Build into a folder of memory, and hand over the one file that is there then.

    What the hook returns is not asked for: a file is a fact, a name is a claim.
    """
    folder = tempfile.mkdtemp(dir=job["tmp"])
    hook(folder)
    names = [name for name in os.listdir(folder) if name.endswith(suffix)]
    if not names:
        print("no *%s was written" % suffix, file=sys.stderr)
        return NO_OUTPUT
    path = os.path.join(folder, names[0])
    if len(os.listdir(folder)) > 1 or os.path.islink(path) or not os.path.isfile(path):
        print("expected one file *%s" % suffix, file=sys.stderr)
        return BAD_OUTPUT
    with open(path, "rb") as built, open(os.path.join(job["out"], "file"), "wb") as out:
        shutil.copyfileobj(built, out, _MIB)
    _write(job, "name", names[0].encode("utf-8", "surrogateescape"))
    return 0


def _write(job: Job, name: str, data: bytes) -> None:
    with open(os.path.join(job["out"], name), "wb") as out:
        out.write(data)


def _copy(given: str, source: str) -> None:
    """Copy with times and modes; links stay links."""
    for name in os.listdir(given):
        path, to = os.path.join(given, name), os.path.join(source, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.copytree(path, to, symlinks=True)
        else:
            shutil.copy2(path, to, follow_symlinks=False)
    shutil.copystat(given, source)


def _look(job: Job) -> Dict[str, object]:
    """Try what must not work."""
    with open("/proc/net/unix") as listed:
        sockets = sum(1 for _ in listed) - 1
    try:
        home = os.listdir(job["home"])
    except OSError:
        home = []
    return {
        "interfaces": [name for _, name in socket.if_nameindex()],
        "tcp4": _connect(*_NOBODY4),
        "tcp6": _connect(*_NOBODY6),
        "sockets": sockets,
        "namespaces": {x: os.readlink("/proc/self/ns/" + x) for x in _SPACES},
        "own_proc": os.readlink("/proc/self") == str(os.getpid()),
        "switch": _turn(),
        "vsock": _vsock(),
        "home": [ascii(name)[1:-1] for name in home[:64]],
    }


def _connect(family: int, address: Tuple[str, int]) -> str:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as attempt:
            attempt.settimeout(_CONNECT_S)
            attempt.connect(address)
    except socket.timeout:
        return "timeout"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "unknown")
    return "connected"


def _vsock() -> str:
    """Make a socket to the machine that this one may be a guest of (vsock(7))."""
    try:
        socket.socket(_AF_VSOCK, socket.SOCK_STREAM).close()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "unknown")
    return "made"


def _turn() -> str:
    """Open a switch of the kernel for writing, and leave it as it is."""
    try:
        os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "unknown")
    return "opened"


def _facts(job: Job) -> Dict[str, object]:
    """Say which conditions really hold; a variation must prove that it varied."""
    kernel = os.uname()
    facts: Dict[str, Union[int, str]] = {
        "python": "%d.%d.%d" % sys.version_info[:3],
        "implementation": sys.implementation.name,
        "build": " ".join(sys.version.split()),
        "arch": kernel.machine,
        "system": kernel.sysname.lower(),
        "kernel": kernel.release,
        "libc": _libc(),
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "os": _os(),
        "umask": _umask(),
        "uid": os.getuid(),
        "gid": os.getgid(),
        "cpus": len(os.sched_getaffinity(0)),
        "clock": int(time.time()),
        "zone": " ".join(time.tzname) + time.strftime(" %z", time.localtime(0)),
        "locale": _locale(),
        "seed": str(hash("ringfence")),
        "hostname": socket.gethostname(),
        "home": os.environ.get("HOME", ""),
        "user": os.environ.get("USER", ""),
        "path": job["source"],
        "epoch": os.environ.get("SOURCE_DATE_EPOCH", ""),
    }
    facts.update(_source(job["given"] or job["source"]))
    return {key: _shown(value) for key, value in facts.items()}


def _shown(value: Union[int, str]) -> Union[int, str]:
    return value if isinstance(value, int) else ascii(value)[1:-1][:300]


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except ValueError:
        return ""


def _os() -> str:
    try:
        with open("/usr/lib/os-release") as stream:
            lines = dict(line.rstrip().partition("=")[::2] for line in stream)
    except OSError:
        return ""
    return lines.get("PRETTY_NAME", "").strip('"')


def _locale() -> str:
    """Ask the C library, which falls back to C without a word to anybody."""
    before = locale.setlocale(locale.LC_ALL)
    try:
        taken = locale.setlocale(locale.LC_ALL, "")
        return taken + " " + locale.localeconv()["decimal_point"]
    except locale.Error:
        return "none"
    finally:
        locale.setlocale(locale.LC_ALL, before)


def _source(top: str) -> Dict[str, str]:
    """Hash what a build may see of its source besides contents."""
    order: List[bytes] = []
    entries: List[Tuple[bytes, os.stat_result]] = []
    folders = [top]
    while folders and len(entries) < _MOST_FILES:
        with os.scandir(folders.pop()) as listed:
            for entry in listed:
                name = os.fsencode(os.path.relpath(entry.path, top))
                state = entry.stat(follow_symlinks=False)
                order.append(name)
                entries.append((name, state))
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    entries.sort(key=lambda entry: entry[0])
    return {
        "order": _sha256(order),
        "files": _sha256(name for name, _ in entries),
        "modes": _sha256(b"%o" % state.st_mode for _, state in entries),
        "mtimes": _sha256(b"%d" % state.st_mtime_ns for _, state in entries),
        "owners": _sha256(b"%d %d" % (x.st_uid, x.st_gid) for _, x in entries),
    }


def _sha256(parts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
