"""Closes level 0: the first process of new namespaces, which becomes the hook.

Carrier; runs with the interpreter of this program, as root of its own user namespace
alone. It builds a file system out of the mounts it is told, makes that its root so that
nothing of the host is left to be seen, gives up every privilege and starts the hook.
Needs Linux 5.12, for mount_setattr(2).
"""

import ctypes
import json
import os
import socket
import sys
from collections.abc import Callable
from typing import Final

# Numbers of <linux/mount.h>, <linux/fcntl.h>, <linux/prctl.h>.
_NOSUID: Final = 0x2
_NODEV: Final = 0x4
_BIND_ALL: Final = 0x1000 | 0x4000
_DETACH: Final = 0x2
_READ_ONLY: Final = 0x1
_BELOW_TOO: Final = 0x8000
_HERE: Final = -100
_MOUNT_SETATTR: Final = 442  # the same number on every architecture but alpha
_CAPBSET_DROP: Final = 24
_NO_NEW_PRIVS: Final = 38
_MOST_CAPABILITIES: Final = 64

_DEVICES: Final = ("full", "null", "random", "urandom", "zero")
_STREAMS: Final = (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2"))
_SMALL_MIB: Final = 16  # folders that only hold mount points

_libc = ctypes.CDLL(None, use_errno=True)


def main(order: str) -> None:
    """Do all of it; does not return."""
    told = json.loads(order)
    os.umask(0o022)
    socket.sethostname(told["hostname"])
    _memory(told["stage"], _SMALL_MIB)
    os.chdir(told["stage"])
    for kind, target, *more in told["mounts"]:
        _PLACE[kind](f".{target}", *more)
    _devices()
    os.mkdir("proc")
    _call("mount", b"proc", b"proc", b"proc", _NOSUID | _NODEV, None)
    # In a user namespace of its own, a build would have every capability again.
    with open("proc/sys/user/max_user_namespaces", "w") as most:
        most.write("0")
    # The switches of the kernel belong to root, which is who we are if root started us:
    # a program named in kernel/core_pattern is run outside of every wall.
    _restrict("proc", _READ_ONLY)
    # pivot_root(2): the old root ends up on top of the new one, and is taken off.
    _call("pivot_root", b".", b".")
    _call("umount2", b".", _DETACH)
    _restrict("/", _READ_ONLY)
    os.chdir(told["cwd"])
    _give_up()
    os.execvpe(told["run"][0], told["run"], told["environment"])


def _memory(target: str, mib: int) -> None:
    os.makedirs(target, exist_ok=True)
    options = f"size={mib}m,mode=755".encode()
    _call("mount", b"tmpfs", target.encode(), b"tmpfs", _NOSUID | _NODEV, options)


def _link(target: str, text: str) -> None:
    os.symlink(text, target)


def _bind(target: str, source: str, writable: bool) -> None:  # noqa: FBT001 - as JSON has it
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
    _call("mount", source.encode(), target.encode(), None, _BIND_ALL, None)
    # A device that lies anywhere on the host would be as good as the disk behind it.
    safe = _NOSUID | _NODEV
    _restrict(target, safe if writable else safe | _READ_ONLY, _BELOW_TOO)


_PLACE: Final[dict[str, Callable[..., None]]] = {
    "bind": _bind,
    "link": _link,
    "memory": _memory,
}


def _devices() -> None:
    """Make a /dev of the few devices that do no harm."""
    _memory("dev", _SMALL_MIB)
    for name in _DEVICES:
        os.close(os.open(f"dev/{name}", os.O_CREAT | os.O_WRONLY, 0o600))
        source, target = f"/dev/{name}".encode(), f"dev/{name}".encode()
        _call("mount", source, target, None, _BIND_ALL, None)
        # Not what is written to it, but its owner, permissions and times.
        _restrict(f"dev/{name}", _NOSUID | _READ_ONLY)
    for name, below in _STREAMS:
        os.symlink(f"/proc/self/fd{below}", f"dev/{name}")
    _memory("dev/shm", _SMALL_MIB)
    _restrict("dev", _READ_ONLY)


def _restrict(target: str, attributes: int, flags: int = 0) -> None:
    # struct mount_attr: what to set, to clear, propagation, user namespace
    attr = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    call = (_MOUNT_SETATTR, _HERE, target.encode(), flags, attr, ctypes.sizeof(attr))
    _call("syscall", *call)


def _give_up() -> None:
    """Let no program that is started from here on have a capability."""
    for number in range(_MOST_CAPABILITIES):
        # The first number that the kernel does not know ends the list.
        if _libc.prctl(_CAPBSET_DROP, number, 0, 0, 0) != 0:
            break
    _call("prctl", _NO_NEW_PRIVS, 1, 0, 0, 0)


def _call(name: str, *arguments: object) -> None:
    if _libc[name](*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    main(sys.argv[1])
