"""The SIP worker's system calls, as a kernel would judge them."""

import errno
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.gateway.sip.sieve import _CALLS, _DEADLY, ALLOW, FAIL, KILL, format_sieve

ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
COLUMNS = {"x86_64": 0, "aarch64": 1}
MACHINES = sorted(ARCHES)
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
UNKNOWN = FAIL | errno.ENOSYS


def judge(
    machine: str, number: int, *arguments: int, arch: int | None = None
) -> tuple[int, int]:
    """Run the program as the kernel does; gives the answer and the steps it took."""
    program = format_sieve(machine)
    assert program is not None
    steps = list(struct.iter_unpack("=HBBI", program))
    asked = arguments + (0,) * (6 - len(arguments))
    data = struct.pack("=IIQ6Q", number, arch or ARCHES[machine], 0, *asked)
    at = taken = register = 0
    while True:
        code, then, other, value = steps[at]
        at, taken = at + 1, taken + 1
        match code:
            case 0x20:
                (register,) = struct.unpack_from("=I", data, value)
            case 0x54:
                register &= value
            case 0x15:
                at += then if register == value else other
            case 0x06:
                return value, taken
            case _:
                raise AssertionError(f"no step of ours: {code:#x}")


def number_of(machine: str, name: str) -> int | None:
    column = COLUMNS[machine]
    return _CALLS[name].numbers[column] if name in _CALLS else _DEADLY[name][column]


def answer(machine: str, name: str, *arguments: int) -> int:
    number = number_of(machine, name)
    assert number is not None
    return judge(machine, number, *arguments)[0]


@pytest.mark.parametrize("machine", MACHINES)
def test_what_a_telephone_needs_passes(machine: str) -> None:
    plain = [
        name
        for name, call in _CALLS.items()
        if call.ways == ((),) and number_of(machine, name) is not None
    ]

    assert {answer(machine, name, 2**64 - 1) for name in plain} == {ALLOW}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", sorted(_DEADLY))
def test_what_only_a_break_in_needs_ends_the_worker(machine: str, name: str) -> None:
    assert answer(machine, name) == KILL


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(0, 2**32 - 1))
def test_what_nobody_named_is_not_known(machine: str, number: int) -> None:
    named = {number_of(machine, name) for name in (*_CALLS, *_DEADLY)}

    assert number in named or judge(machine, number)[0] == UNKNOWN


@pytest.mark.parametrize("machine", MACHINES)
@given(arch=st.integers(1, 2**32 - 1), number=st.integers(0, 500))
def test_a_program_of_another_machine_is_ended(
    machine: str, arch: int, number: int
) -> None:
    assert arch == ARCHES[machine] or judge(machine, number, arch=arch)[0] == KILL


ANY = 0xFFFFFFFF00000000
"""What the kernel does not read of an `int`."""
PASSES = [
    ("socket", (2, 1, 6)),
    ("socket", (10, 2 | 0x80000 | 0x800, 17)),
    ("socket", (2 | ANY, 2, 0)),
    ("socket", (16, 3, 0)),
    ("socketpair", (1, 1, 0)),
    ("mmap", (0, 4096, 3)),
    ("mprotect", (0, 4096, 1)),
    ("clone", (0x3D0F00,)),
    ("clone", (0x7D0F00,)),
    ("prctl", (15,)),
    ("prlimit64", (0, 3, 0, 0x7FFF00000000)),
    ("fcntl", (3, 4, 0x800)),
    ("fcntl", (3, 1030, 0)),
    ("ioctl", (3, 0x5421)),
    ("ioctl", (3, 0x8910)),
    ("openat", (0xFFFFFF9C, 1, 0x80000)),  # O_CLOEXEC
    ("unlinkat", (0xFFFFFF9C, 1, 0x200)),  # a folder
]
FAILS = [
    ("socket", (1, 1, 0), errno.EAFNOSUPPORT),  # D-Bus, Docker, an agent with keys
    ("socket", (1, 2, 0), errno.EAFNOSUPPORT),  # the system's log
    ("socket", (2, 3, 1), errno.EAFNOSUPPORT),  # raw
    ("socket", (2, 1, 132), errno.EAFNOSUPPORT),  # SCTP
    ("socket", (16, 3, 12), errno.EAFNOSUPPORT),  # netfilter
    ("socket", (17, 3, 0), errno.EAFNOSUPPORT),  # packets
    ("socket", (38, 5, 0), errno.EAFNOSUPPORT),  # the kernel's ciphers
    ("socket", (40, 1, 0), errno.EAFNOSUPPORT),  # the host of this machine
    ("socketpair", (30, 1, 0), errno.EAFNOSUPPORT),  # TIPC
    ("mmap", (0, 4096, 7), errno.EACCES),
    ("mmap", (0, 4096, 4 | ANY), errno.EACCES),
    ("mprotect", (0, 4096, 5), errno.EACCES),
    ("clone", (17,), errno.EPERM),  # fork
    ("clone", (0x10000 | 0x10000000,), errno.EPERM),  # a user namespace
    ("prctl", (22, 2), errno.EPERM),
    ("prctl", (4, 1), errno.EPERM),
    ("prlimit64", (1, 3, 0), errno.EPERM),
    ("prlimit64", (0, 3, 0x100000000), errno.EPERM),
    ("prlimit64", (0, 3, 1), errno.EPERM),
    ("fcntl", (3, 8, 1), errno.EPERM),  # F_SETOWN: signals to others
    ("fcntl", (3, 10, 9), errno.EPERM),  # F_SETSIG
    ("ioctl", (3, 0x5412), errno.ENOTTY),  # TIOCSTI: types on the terminal
    ("ioctl", (3, 0x5412 | ANY), errno.ENOTTY),
    ("ioctl", (3, 0x8901), errno.ENOTTY),  # FIOSETOWN
    ("openat", (0xFFFFFF9C, 1, 0x1), errno.EACCES),  # O_WRONLY
    ("openat", (0xFFFFFF9C, 1, 0x2), errno.EACCES),  # O_RDWR
    ("openat", (0xFFFFFF9C, 1, 0x40), errno.EACCES),  # O_CREAT
    ("openat", (0xFFFFFF9C, 1, 0x200), errno.EACCES),  # O_TRUNC
    ("openat", (0xFFFFFF9C, 1, 0x410000), errno.EACCES),  # O_TMPFILE
    ("unlinkat", (0xFFFFFF9C, 1, 0), errno.EPERM),
]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments"), PASSES, ids=[f"{x[0]}-{at}" for at, x in enumerate(PASSES)]
)
def test_arguments_of_a_telephone_pass(
    machine: str, name: str, arguments: tuple[int, ...]
) -> None:
    assert answer(machine, name, *arguments) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    FAILS,
    ids=[f"{x[0]}-{at}" for at, x in enumerate(FAILS)],
)
def test_other_arguments_fail(
    machine: str, name: str, arguments: tuple[int, ...], error: int
) -> None:
    assert answer(machine, name, *arguments) == FAIL | error


@pytest.mark.parametrize("machine", MACHINES)
@given(
    name=st.sampled_from(sorted(_CALLS)),
    arguments=st.lists(st.integers(0, 2**64 - 1), max_size=6),
)
def test_every_call_gets_an_answer(
    machine: str, name: str, arguments: list[int]
) -> None:
    number = number_of(machine, name)
    expected = UNKNOWN if number is None else FAIL | _CALLS[name].error

    assert number is None or judge(machine, number, *arguments)[0] in (ALLOW, expected)


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_asked_for_most_is_answered_early(machine: str) -> None:
    number = number_of(machine, "sendto")
    assert number is not None

    assert judge(machine, number)[1] <= 16


def test_another_machine_has_no_sieve() -> None:
    assert format_sieve("riscv64") is None


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_those_of_the_kernel(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip(f"{HEADERS[machine]} is not installed")
    defined = re.findall(
        r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text()
    )
    kernel = {name: int(number) for name, number in defined}
    kernel.setdefault("newfstatat", kernel.get("fstatat", -1))
    ours = {name: number_of(machine, name) for name in (*_CALLS, *_DEADLY)}

    assert ours == {name: kernel.get(name) for name in ours}
