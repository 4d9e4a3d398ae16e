"""What a process can still do that was shut in as the SIP worker is."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.voip.gateway.phones import need_stack
from voip.gateway.sip.account import parse_account
from voip.gateway.sip.confine import WALLS
from voip.gateway.sip.telephony import SipLine

PRELUDE = f"""
import ctypes, errno, json, mmap, os, signal, socket, struct, sys, tempfile, threading
from pathlib import Path
sys.path[:] = {sys.path!r}
from voip.gateway.sip.confine import can_look_up, confine
libc = ctypes.CDLL(None, use_errno=True)
folder, parent = Path.cwd(), os.getppid()
outside = folder.parent
ca_file = outside / "ca.pem"

def tried(attempt):
    try:
        return str(eval(attempt))
    except OSError as error:
        return errno.errorcode[error.errno]

def take_away(number, *first, answer=0x50000 | errno.ENOSYS):
    # As on a kernel without this call, or without it for this first argument.
    steps = [(0x20, 0, 0, 0), (0x15, 0, 2 + len(first), number), (0x20, 0, 0, 16)]
    steps += [(0x15, 0, 1, each) for each in first]
    steps += [(6, 0, 0, answer), (6, 0, 0, 0x7FFF0000)]
    program = b"".join(struct.pack("=HBBI", *step) for step in steps)
    kept = ctypes.create_string_buffer(program)
    libc.prctl(38, 1, 0, 0, 0)
    described = struct.pack("@HP", len(steps), ctypes.addressof(kept))
    assert not libc.prctl(22, 2, described, 0, 0)
"""

REFUSED = {
    "open('/etc/passwd')": "EACCES",
    "open(outside / '.ssh')": "EACCES",
    "open('/proc/self/environ')": "EACCES",
    "open(f'/proc/{parent}/mem', 'rb')": "EACCES",
    "open('/dev/tty')": "EACCES",
    "os.listdir('/')": "EACCES",
    "open(outside / 'new', 'w')": "EACCES",
    "open(folder / 'new', 'w')": "EACCES",
    "open(ca_file, 'r+')": "EACCES",
    "os.mkdir(outside / 'new')": "EACCES",
    "os.rmdir(outside / 'other')": "EACCES",
    "os.remove(ca_file)": "ENOSYS",
    "os.unlink('ca.pem', dir_fd=3)": "EPERM",
    "os.rename(ca_file, folder / 'ca.pem')": "ENOSYS",
    "os.symlink('/', folder / 'root')": "ENOSYS",
    "os.link(ca_file, folder / 'ca.pem')": "ENOSYS",
    "os.chmod(ca_file, 0o666)": "ENOSYS",
    "os.truncate(ca_file, 0)": "ENOSYS",
    "os.kill(parent, 0)": "ENOSYS",
    "os.fork()": "EPERM",
    "mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANON, 7)": "EACCES",
    "socket.socket(socket.AF_UNIX)": "EAFNOSUPPORT",
    "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)": "EAFNOSUPPORT",
    "os.setuid(0)": "ENOSYS",
    "os.chroot(folder)": "ENOSYS",
    "can_look_up((Path('/etc/passwd'),))": "False",
}
GRANTED = {
    "ca_file.read_text()": "authorities",
    "can_look_up()": "True",
    "can_look_up((outside / 'nobodys', outside / 'nowhere'))": "True",
    "os.mkdir('inside')": "None",
    "os.listdir()": "['inside']",
    "os.rmdir('inside')": "None",
    "tempfile.gettempdir() == str(folder)": "True",
    "socket.getaddrinfo(b'localhost', 5061)[0][4][1]": "5061",
    "socket.create_server(('127.0.0.1', 0)).getsockname()[0]": "127.0.0.1",
    "socket.if_nametoindex('lo') > 0": "True",
    "len(os.urandom(8))": "8",
    "__import__('colorsys').__name__": "colorsys",
    "(t := threading.Thread(target=int)).start() or t.join()": "None",
}
DEADLY = {
    "execve": "os.execv('/bin/sh', ['sh', '-c', 'echo broken out'])",
    "ptrace": "libc.ptrace(16, parent, 0, 0)",
    "unshare": "libc.unshare(0x10000000)",
    "process_vm_writev": "libc.process_vm_writev(parent, 0, 0, 0, 0, 0)",
}
PRCTL = {"x86_64": 157, "aarch64": 167}
CAPSET = {"x86_64": 126, "aarch64": 91}


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run some lines in a process that may be shut in."""
    (folder / "ca.pem").write_text("authorities")
    (folder / ".ssh").touch()
    (folder / "other").mkdir()
    (folder / "nobodys").touch(mode=0)
    (folder / "inside").mkdir()
    return subprocess.run(
        [sys.executable, "-I", "-c", PRELUDE + code],
        cwd=folder / "inside",
        env={},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Try everything once in one process; `walls` are those that stand."""
    attempts = [*REFUSED, *GRANTED]
    done = run(
        tmp_path_factory.mktemp("confined"),
        "walls = ' '.join(confine(ca_file, folder))\n"
        f"answers = {{each: tried(each) for each in {attempts!r}}}\n"
        "print(json.dumps({'walls': walls, **answers}))",
    )
    assert (done.stderr, done.returncode) == ("", 0)
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture
def walls(answers: dict[str, str]) -> None:
    if missing := set(WALLS) - set(answers["walls"].split()):
        pytest.skip(f"this kernel has no {' and no '.join(sorted(missing))}")


@pytest.mark.usefixtures("walls")
@pytest.mark.parametrize("attempt", REFUSED)
def test_what_a_telephone_does_not_need_is_refused(
    answers: dict[str, str], attempt: str
) -> None:
    assert answers[attempt] == REFUSED[attempt]


@pytest.mark.usefixtures("walls")
@pytest.mark.parametrize("attempt", GRANTED)
def test_what_a_telephone_needs_is_there(answers: dict[str, str], attempt: str) -> None:
    assert answers[attempt] == GRANTED[attempt]


@pytest.mark.usefixtures("walls")
@pytest.mark.parametrize("name", DEADLY)
def test_what_only_a_break_in_needs_ends_the_process(tmp_path: Path, name: str) -> None:
    done = run(
        tmp_path, f"confine(ca_file, folder); print('in', flush=True); {DEADLY[name]}"
    )

    assert (done.stdout, done.returncode) == ("in\n", -signal.SIGSYS)


@pytest.mark.parametrize(
    ("taken", "missing"),
    [
        pytest.param("444", "landlock", id="no Landlock"),
        pytest.param("446", "landlock", id="Landlock that shuts nobody in"),
        pytest.param(f"{PRCTL.get(os.uname().machine)}, 22", "seccomp", id="no sieve"),
    ],
)
def test_a_wall_that_cannot_stand_is_not_claimed(
    tmp_path: Path, answers: dict[str, str], taken: str, missing: str
) -> None:
    if "seccomp" not in answers["walls"]:
        pytest.skip("this kernel takes nothing away")
    done = run(tmp_path, f"take_away({taken}); print(*confine(ca_file, folder))")
    expected = [each for each in answers["walls"].split() if each != missing]

    assert (done.stdout.split(), done.stderr) == (expected, "")


def test_who_has_no_power_does_not_ask_to_lose_it(
    tmp_path: Path, answers: dict[str, str]
) -> None:
    if os.geteuid() != 0 or "seccomp" not in answers["walls"]:
        pytest.skip("needs root, to become somebody else, and seccomp")
    # As a service whose filter (systemd's @privileged) ends who tries.
    done = run(
        tmp_path,
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        f"take_away({CAPSET.get(os.uname().machine)}, answer=0x80000000)\n"
        "print(*confine(Path('/etc/hosts'), Path('/')))",
    )

    assert (done.stdout.strip(), done.returncode) == (answers["walls"], 0)


def test_who_is_shut_in_has_no_terminal_and_no_power(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "-I", "-c"),
            PRELUDE + "confine(ca_file, folder); print(flush=True); sys.stdin.read()",
        ],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    session = os.getsid(process.pid)
    status = Path(f"/proc/{process.pid}/status").read_text()
    process.communicate()
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    powers = int(fields["CapEff"], 16) & ~(1 << 10)  # but for ports below 1024

    assert (session, fields["NoNewPrivs"], powers) == (process.pid, "1", 0)


@pytest.mark.usefixtures("walls")
async def test_the_worker_of_a_telephone_line_is_shut_in() -> None:
    need_stack()
    account = parse_account(b"account sip:a@localhost\nregister never\n")
    async with SipLine(account, interface="127.0.0.1") as line:
        await line.registered()
        process = Path(f"/proc/{line.worker_pid}")
        status = (process / "status").read_text()
        opened = [str(each.readlink()) for each in (process / "fd").iterdir()]
        walls = line.walls
    fields = dict(row.split(":\t", 1) for row in status.splitlines())
    files = {each for each in opened if each.startswith("/")} - {os.devnull}

    assert (walls, fields["Seccomp"], files) == (WALLS, "2", set())
