"""Which system calls the SIP worker may make, as a program for the kernel (seccomp(2)).

Rules. What is not named fails with ENOSYS, as on a kernel that never heard of it. So a
list of what may pass holds on other systems than ours: a C library runs on kernels of
many years, and does without whatever is newer than those. What nobody asks for who
speaks SIP, and whoever has taken over a process does, ends the worker at once.

The program is one of classic BPF: eight bytes a step, `u16 code | u8 then | u8 else |
u32 value`, in the order of bytes of this machine. It sees the number of the call, the
machine and six arguments, and never what an argument points to.
"""

import errno
import struct
from typing import NamedTuple

ALLOW, FAIL, KILL = 0x7FFF0000, 0x00050000, 0x80000000
"""What the program answers (<linux/seccomp.h>); `FAIL` takes an errno in its low bits,
and `KILL` ends the whole process."""

_LOAD, _AND, _IS, _ANSWER = 0x20, 0x54, 0x15, 0x06  # <linux/bpf_common.h>
_NUMBER, _MACHINE = 0, 4  # offsets in `struct seccomp_data`

# AUDIT_ARCH of <linux/audit.h>. Both store the low half of an argument first.
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


class _Test(NamedTuple):
    """That some bits of an argument are one of some values."""

    at: int
    bits: int
    values: tuple[int, ...]


class _Call(NamedTuple):
    """A system call by its numbers on x86-64 and on ARM64, None for none.

    It passes if one of `ways` does, all tests of it; else it fails with `error`.
    """

    numbers: tuple[int | None, int | None]
    ways: tuple[tuple[_Test, ...], ...] = ((),)
    error: int = errno.EPERM


def _low(argument: int, values: tuple[int, ...], bits: int = 0xFFFFFFFF) -> _Test:
    """Test the lower half of an argument: all that the kernel reads of an `int`."""
    return _Test(16 + 8 * argument, bits, values)


def _high(argument: int, values: tuple[int, ...]) -> _Test:
    return _Test(20 + 8 * argument, 0xFFFFFFFF, values)


_UNIX, _IPV4, _IPV6, _NETLINK = 1, 2, 10, 16
_STREAM, _DATAGRAM, _KIND_BITS = 1, 2, 0xF  # beside those are SOCK_CLOEXEC and so on
_TCP, _UDP, _ROUTES = 6, 17, 0
_PROT_EXEC = 4
_CLONE_THREAD = 0x10000
# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
_CLONE_SPACES = 0x7E020000
_PR_SET_NAME = 15

_NO_CODE = ((_low(2, (0,), _PROT_EXEC),),)
"""No memory becomes code any more: whoever takes the worker over brings none along."""

# O_WRONLY, O_RDWR, O_CREAT, O_TRUNC and O_TMPFILE: none of them.
_OPEN_TO_WRITE = 0x400243
_AT_REMOVEDIR = 0x200

# F_SETOWN would send signals to others; so would FIOSETOWN and SIOCSPGRP below.
_FCNTL = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, GETFD, SETFD, GETFL, SETFL, DUPFD_CLOEXEC
# FIONREAD, FIONBIO, FIOCLEX; SIOCGIFNAME, -CONF, -FLAGS, -ADDR, -NETMASK, -MTU, -INDEX.
# Not TIOCSTI: it types on the user's terminal.
_IOCTL = (
    *(0x541B, 0x5421, 0x5451),
    *(0x8910, 0x8912, 0x8913, 0x8915, 0x891B, 0x8921, 0x8933),
)

# What may pass, most frequent first: kernels before 5.11 go through it each time.
_CALLS = {
    "futex": _Call((202, 98)),
    "epoll_wait": _Call((232, None)),
    "epoll_pwait": _Call((281, 22)),
    "pselect6": _Call((270, 72)),
    "getpid": _Call((39, 172)),
    "sendto": _Call((44, 206)),
    "recvfrom": _Call((45, 207)),
    "sendmsg": _Call((46, 211)),
    "recvmsg": _Call((47, 212)),
    "clock_gettime": _Call((228, 113)),
    "clock_nanosleep": _Call((230, 115)),
    "nanosleep": _Call((35, 101)),
    "epoll_ctl": _Call((233, 21)),
    "read": _Call((0, 63)),
    "write": _Call((1, 64)),
    "readv": _Call((19, 65)),
    "writev": _Call((20, 66)),
    "poll": _Call((7, None)),
    "ppoll": _Call((271, 73)),
    "select": _Call((23, None)),
    "recvmmsg": _Call((299, 243)),
    "sendmmsg": _Call((307, 269)),
    # Memory.
    "mmap": _Call((9, 222), _NO_CODE, errno.EACCES),
    "mprotect": _Call((10, 226), _NO_CODE, errno.EACCES),
    "munmap": _Call((11, 215)),
    "mremap": _Call((25, 216)),
    "madvise": _Call((28, 233)),
    "brk": _Call((12, 214)),
    # Threads, and no processes.
    "clone": _Call(
        (56, 220),
        ((_low(0, (_CLONE_THREAD,), _CLONE_THREAD), _low(0, (0,), _CLONE_SPACES)),),
    ),
    "set_robust_list": _Call((273, 99)),
    "set_tid_address": _Call((218, 96)),
    "rseq": _Call((334, 293)),
    "membarrier": _Call((324, 283)),
    "gettid": _Call((186, 178)),
    "sched_yield": _Call((24, 124)),
    "sched_getaffinity": _Call((204, 123)),
    "prctl": _Call((157, 167), ((_low(0, (_PR_SET_NAME,)),),)),
    # Of this process, and to read: another's limits could end it.
    "prlimit64": _Call((302, 261), ((_low(0, (0,)), _low(2, (0,)), _high(2, (0,))),)),
    "getrlimit": _Call((97, 163)),
    "getrusage": _Call((98, 165)),
    "sysinfo": _Call((99, 179)),
    "uname": _Call((63, 160)),
    "getuid": _Call((102, 174)),
    "getgid": _Call((104, 176)),
    "geteuid": _Call((107, 175)),
    "getegid": _Call((108, 177)),
    "rt_sigaction": _Call((13, 134)),
    "rt_sigprocmask": _Call((14, 135)),
    "rt_sigreturn": _Call((15, 139)),
    "sigaltstack": _Call((131, 132)),
    "restart_syscall": _Call((219, 128)),
    "exit": _Call((60, 93)),
    "exit_group": _Call((231, 94)),
    "gettimeofday": _Call((96, 169)),
    "clock_getres": _Call((229, 114)),
    "getrandom": _Call((318, 278)),
    # Sockets: IP by TCP and UDP, and the kernel's list of addresses and routes. None of
    # this machine's own, behind which are the session's bus, agents with keys, engines
    # of containers; nor SCTP, DCCP, Bluetooth, the kernel's ciphers and what else there
    # is to be found faults in.
    "socket": _Call(
        (41, 198),
        (
            (
                _low(0, (_IPV4, _IPV6)),
                _low(1, (_STREAM, _DATAGRAM), _KIND_BITS),
                _low(2, (0, _TCP, _UDP)),
            ),
            (_low(0, (_NETLINK,)), _low(2, (_ROUTES,))),
        ),
        errno.EAFNOSUPPORT,
    ),
    "socketpair": _Call((53, 199), ((_low(0, (_UNIX,)),),), errno.EAFNOSUPPORT),
    "connect": _Call((42, 203)),
    "bind": _Call((49, 200)),
    "listen": _Call((50, 201)),
    "accept": _Call((43, 202)),
    "accept4": _Call((288, 242)),
    "shutdown": _Call((48, 210)),
    "getsockname": _Call((51, 204)),
    "getpeername": _Call((52, 205)),
    "setsockopt": _Call((54, 208)),
    "getsockopt": _Call((55, 209)),
    "pipe": _Call((22, None)),
    "pipe2": _Call((293, 59)),
    "eventfd2": _Call((290, 19)),
    "epoll_create": _Call((213, None)),
    "epoll_create1": _Call((291, 20)),
    "timerfd_create": _Call((283, 85)),
    "timerfd_settime": _Call((286, 86)),
    "timerfd_gettime": _Call((287, 87)),
    "dup": _Call((32, 23)),
    "dup3": _Call((292, 24)),
    "close": _Call((3, 57)),
    "close_range": _Call((436, 436)),
    "fcntl": _Call((72, 25), ((_low(1, _FCNTL),),)),
    "ioctl": _Call((16, 29), ((_low(1, _IOCTL),),), errno.ENOTTY),
    # Files, to be read; which ones is for Landlock to say. Folders can be made, and be
    # taken away: the stack wants one, and leaves it empty.
    "open": _Call((2, None), ((_low(1, (0,), _OPEN_TO_WRITE),),), errno.EACCES),
    "openat": _Call((257, 56), ((_low(2, (0,), _OPEN_TO_WRITE),),), errno.EACCES),
    "stat": _Call((4, None)),
    "lstat": _Call((6, None)),
    "fstat": _Call((5, 80)),
    "newfstatat": _Call((262, 79)),
    "statx": _Call((332, 291)),
    "access": _Call((21, None)),
    "faccessat": _Call((269, 48)),
    "faccessat2": _Call((439, 439)),
    "readlink": _Call((89, None)),
    "readlinkat": _Call((267, 78)),
    "getcwd": _Call((79, 17)),
    "getdents64": _Call((217, 61)),
    "lseek": _Call((8, 62)),
    "pread64": _Call((17, 67)),
    "mkdir": _Call((83, None)),
    "mkdirat": _Call((258, 34)),
    "rmdir": _Call((84, None)),
    "unlinkat": _Call((263, 35), ((_low(2, (_AT_REMOVEDIR,)),),)),
}

# What ends the worker. These would fail as all others do; but then whoever tries could
# try on, and nobody would know.
_DEADLY = {
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "pivot_root": (155, 41),
    "open_by_handle_at": (304, 265),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "bpf": (321, 280),
    "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
}

_Step = tuple[int, int, int, int]


def format_sieve(machine: str) -> bytes | None:
    """Write the program for a machine as `uname -m` names it, and its 64-bit programs.

    Gives None for one whose numbers are not known here; then nothing can be sieved.
    """
    if machine not in _MACHINES:
        return None
    column, arch = _MACHINES[machine]
    steps: list[_Step] = [
        (_LOAD, 0, 0, _MACHINE),
        # The same kernel runs programs of other machines, where the numbers mean
        # something else; those of x32 are beyond all that is named here.
        (_IS, 1, 0, arch),
        (_ANSWER, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for call in _CALLS.values():
        number = call.numbers[column]
        if number is not None:
            answer = [step for way in call.ways for step in _way(way)]
            if call.ways != ((),):
                answer.append((_ANSWER, 0, 0, FAIL | call.error))
            steps += [(_IS, 0, len(answer), number), *answer]
    for numbers in _DEADLY.values():
        steps += [(_IS, 0, 1, numbers[column]), (_ANSWER, 0, 0, KILL)]
    steps.append((_ANSWER, 0, 0, FAIL | errno.ENOSYS))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _way(tests: tuple[_Test, ...]) -> list[_Step]:
    """Write steps that allow if all tests hold, and else go on behind them."""
    steps: list[_Step] = [(_ANSWER, 0, 0, ALLOW)]
    for test in reversed(tests):
        last = len(test.values) - 1
        compare = [
            (_IS, last - at, 0 if at < last else len(steps), value)
            for at, value in enumerate(test.values)
        ]
        steps = [
            (_LOAD, 0, 0, test.at),
            (_AND, 0, 0, test.bits),
            *compare,
            *steps,
        ]
    return steps
