"""Backends that want more than to build."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from reproducible.errors import BuildFailedError, IsolationError
from reproducible.inputs.recipe import Limits
from reproducible.sandbox.process import LOG_BYTES
from tests.reproducible.sandbox.yard import (
    SHARED_NET,
    WHEEL,
    WITHOUT_NET,
    Yard,
    lying,
)
from updater.errors import StoreError

GOOD = f"open(os.path.join(folder, {WHEEL!r}), 'w').write('built')"


def _tries(yard: Yard, body: str) -> str:
    """Build with a backend that prints which error each of its tries ends with."""
    text = f"""
import errno, socket
def attempt(action, *arguments):
    try:
        print("done", action(*arguments))
    except OSError as error:
        print(errno.errorcode[error.errno])
{body}
{GOOD}
"""
    return yard.build(text).log.decode().strip()


@pytest.mark.parametrize(
    ("family", "address"),
    [("AF_INET", ("192.0.2.1", 80)), ("AF_INET6", ("2001:db8::1", 80))],
    ids=["v4", "v6"],
)
def test_the_network_cannot_be_reached(
    yard: Yard, family: str, address: tuple[str, int]
) -> None:
    said = _tries(yard, f"attempt(socket.socket(socket.{family}).connect, {address!r})")

    assert said in {"ENETUNREACH", "EADDRNOTAVAIL"}


def test_a_server_on_the_host_s_loopback_cannot_be_reached(yard: Yard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        said = _tries(yard, f"attempt(socket.socket().connect, {address!r})")

    assert said in {"ENETUNREACH", "ECONNREFUSED"}


def test_a_unix_socket_of_the_host_cannot_be_reached(yard: Yard) -> None:
    path = yard.home / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        connect = f"socket.socket(socket.AF_UNIX).connect, {str(path)!r}"
        said = _tries(yard, f"attempt({connect})")

    assert said == "ENOENT"


def test_an_abstract_socket_of_the_host_cannot_be_reached(yard: Yard) -> None:
    name = f"\0ringfence-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        connect = f"socket.socket(socket.AF_UNIX).connect, {name!r}"
        said = _tries(yard, f"attempt({connect})")

    assert said == "ECONNREFUSED"


@pytest.mark.parametrize("family", ["AF_VSOCK", "AF_PACKET", "AF_ALG"])
def test_sockets_that_no_namespace_holds_cannot_be_made(
    yard: Yard, family: str
) -> None:
    """In a virtual machine, AF_VSOCK leads to the host and its other guests."""
    said = _tries(yard, f"attempt(socket.socket, socket.{family})")

    assert said == "EAFNOSUPPORT"


@pytest.mark.parametrize("call", ["250, 0, -3, 0", "101, 16, 1", "425, 1, 0"])
def test_calls_that_reach_around_the_wall_are_not_there(yard: Yard, call: str) -> None:
    """Keys of the session, memory of the wall's maker, sockets that nobody filters."""
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers are those of x86-64")
    body = f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall({call}), errno.errorcode[ctypes.get_errno()])
"""

    assert _tries(yard, body) == "-1 ENOSYS"


def test_the_source_cannot_be_written_to(yard: Yard) -> None:
    assert _tries(yard, "attempt(open, 'backend.py', 'w')") == "EROFS"


def test_its_own_code_cannot_be_changed(yard: Yard) -> None:
    assert _tries(yard, "attempt(open, sys.argv[0], 'w')") == "EROFS"


def test_the_home_of_the_host_cannot_be_read(yard: Yard) -> None:
    (yard.home / "marker").write_text("secret")

    assert _tries(yard, f"attempt(open, {str(yard.home / 'marker')!r})") == "ENOENT"


@pytest.mark.parametrize("path", ["/etc/passwd", "/var", "/sys", "/run", "/dev/sda"])
def test_folders_of_the_host_are_not_there(yard: Yard, path: str) -> None:
    assert _tries(yard, f"attempt(os.stat, {path!r})") == "ENOENT"


def test_the_host_s_processes_are_not_there(yard: Yard) -> None:
    said = _tries(yard, "print(*(x for x in os.listdir('/proc') if x.isdigit()))")

    assert str(os.getpid()) not in said.split() or os.getpid() < 10
    assert len(said.split()) <= 3


@pytest.mark.parametrize("flags", ["0x1021", "0x20"], ids=["bind", "remount"])
def test_nothing_can_be_mounted(yard: Yard, flags: str) -> None:
    body = f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
done = libc.mount(b'/usr', b'/usr', None, {flags}, None)
print(done, errno.errorcode[ctypes.get_errno()])
"""

    assert _tries(yard, body) == "-1 EPERM"


def test_a_new_user_namespace_cannot_make_the_source_writable(yard: Yard) -> None:
    body = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.unshare(0x10020000)
remounted = libc.mount(None, os.getcwd().encode(), None, 0x1020, None)
print(remounted)
attempt(open, 'backend.py', 'w')
"""

    assert _tries(yard, body) == "-1\nEROFS"


@pytest.mark.parametrize("switch", ["kernel/core_pattern", "vm/drop_caches"])
def test_no_switch_of_the_kernel_can_be_turned(yard: Yard, switch: str) -> None:
    """Started by root, a build is the owner of these files, capable or not."""
    said = _tries(yard, f"attempt(os.open, '/proc/sys/{switch}', os.O_WRONLY)")

    assert said == "EROFS"


@pytest.mark.parametrize("name", ["null", "urandom"])
def test_a_device_of_the_host_cannot_be_closed_to_others(yard: Yard, name: str) -> None:
    if yard.level and not os.getuid():
        pytest.skip("bubblewrap gives root the devices themselves")
    said = _tries(yard, f"attempt(os.chmod, '/dev/{name}', 0o666)")

    assert said in {"EROFS", "EPERM"}


def test_no_user_namespace_can_be_made(yard: Yard) -> None:
    body = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.unshare(0x10000000), errno.errorcode[ctypes.get_errno()])
"""

    assert _tries(yard, body) == "-1 ENOSPC"


def test_no_device_can_be_made(yard: Yard) -> None:
    body = "attempt(os.mknod, os.environ['TMPDIR'] + '/sda', 0o60600, os.makedev(8, 0))"

    assert _tries(yard, body) == "EPERM"


def test_a_build_that_takes_too_long_ends(yard: Yard) -> None:
    limits = Limits(timeout_s=1, memory_mib=1024, output_mib=8)

    with pytest.raises(BuildFailedError, match="took more than 1 s") as caught:
        yard.build(
            "print('on it', flush=True); import time; time.sleep(60)", limits=limits
        )

    assert (caught.value.reason, caught.value.log) == ("timeout", b"on it\n")


def test_nothing_that_a_build_started_survives_it(yard: Yard) -> None:
    mark = f"ringfence-{os.getpid()}-{yard.level}"
    limits = Limits(timeout_s=1, memory_mib=1024, output_mib=8)
    fork = f"""
        import time
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                os.execv('/usr/bin/sleep', [{mark!r}, '60'])
        time.sleep(60)
    """
    with pytest.raises(BuildFailedError):
        yard.build(fork, limits=limits)

    assert _running(mark) == []


def test_a_daemon_ends_with_the_build_that_left_it(yard: Yard) -> None:
    mark = f"ringfence-daemon-{os.getpid()}-{yard.level}"
    yard.build(f"""
        if os.fork() == 0:
            os.setsid()
            os.execv('/usr/bin/sleep', [{mark!r}, '60'])
        {GOOD}
    """)

    assert _running(mark) == []


def test_a_build_that_kills_its_parents_has_failed(yard: Yard) -> None:
    limits = Limits(timeout_s=5, memory_mib=1024, output_mib=8)
    body = """
        import signal, time
        for pid in (os.getppid(), 1, -1, os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        os._exit(9)
    """

    with pytest.raises(BuildFailedError) as caught:
        yard.build(body, limits=limits)

    assert caught.value.reason == "exit"


@pytest.mark.parametrize(
    "folder", ["folder", "os.environ['TMPDIR']"], ids=["out", "tmp"]
)
def test_the_disk_cannot_be_filled(yard: Yard, folder: str) -> None:
    with pytest.raises(BuildFailedError) as caught:
        yard.build(f"""
            for number in range(100):
                with open({folder} + '/%d.whl' % number, 'wb') as file:
                    file.write(bytes(1 << 20))
        """)

    assert caught.value.reason == "too-large"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a small disk")
def test_a_full_disk_of_this_machine_is_no_failed_build(yard: Yard) -> None:
    scratch = yard.folder / "scratch"
    small = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(scratch)]
    subprocess.run(small, check=True)
    try:
        with pytest.raises(StoreError, match="No space left"):
            yard.build(f"open(folder + '/{WHEEL}', 'wb').write(bytes(1 << 20))")
    finally:
        subprocess.run(["umount", str(scratch)], check=True)


def test_a_result_over_the_limit_is_not_taken(yard: Yard) -> None:
    with pytest.raises(BuildFailedError) as caught:
        yard.build(f"open(folder + '/{WHEEL}', 'wb').truncate(9 << 20)")

    assert caught.value.reason == "too-large"


def test_a_log_is_cut_and_the_build_goes_on(yard: Yard) -> None:
    built = yard.build(f"""
        line = b'x' * (1 << 20)
        for _ in range(40):
            os.write(1, line)
        {GOOD}
    """)

    assert len(built.log) == LOG_BYTES


@pytest.mark.slow
def test_a_log_of_a_gigabyte_is_read_past(yard: Yard) -> None:
    built = yard.build(f"""
        line = b'x' * (1 << 20)
        for _ in range(1024):
            os.write(1, line)
        {GOOD}
    """)

    assert len(built.log) == LOG_BYTES


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("pass", "no-output"),
        ("return 'x-1-py3-none-any.whl'", "no-output"),
        ("open(folder + '/x.txt', 'w')", "no-output"),
        ("os.mkdir(folder + '/x.whl')", "bad-output"),
        ("os.symlink('/usr/bin/sh', folder + '/x.whl')", "bad-output"),
        ("os.mkfifo(folder + '/x.whl')", "bad-output"),
        ("open(folder + '/x.whl', 'w'); open(folder + '/y.whl', 'w')", "bad-output"),
        ("open(folder + '/x y.whl', 'w').write('x')", "bad-output"),
    ],
    ids=range(8),
)
def test_a_result_that_pretends_is_none(yard: Yard, body: str, reason: str) -> None:
    with pytest.raises(BuildFailedError) as caught:
        yard.build(body)

    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "name", ["../../escaped.whl", "/tmp/escaped.whl", "a/b.whl"], ids=range(3)
)
def test_a_name_that_is_written_past_the_hook_leads_nowhere(
    yard: Yard, name: str
) -> None:
    body = f"""
        import json
        out = json.loads(sys.argv[1])['out']
        open(out + '/file', 'w').write('x')
        open(out + '/name', 'w').write({name!r})
        os._exit(0)
    """

    with pytest.raises(BuildFailedError) as caught:
        yard.build(body)

    assert caught.value.reason == "bad-output"
    assert yard.left() == []


def test_what_comes_back_cannot_be_turned_into_a_link(yard: Yard) -> None:
    said = _tries(
        yard,
        """
import json
out = json.loads(sys.argv[1])['out']
attempt(os.unlink, out + '/file')
attempt(os.rename, out + '/file', out + '/other')
""",
    )

    assert said.splitlines()[0] in {"EBUSY", "EROFS"}
    assert said.splitlines()[1] in {"EBUSY", "EROFS"}


def test_a_wall_whose_network_is_the_host_s_builds_nothing(tmp_path: Path) -> None:
    yard = Yard(tmp_path, 1, search=lying(tmp_path, "bwrap", SHARED_NET))
    left = tmp_path / "home/left"

    with pytest.raises(
        IsolationError, match=r"the wall has a hole: .* nothing was built"
    ):
        yard.build(f"open({str(left)!r}, 'w').write('x'); {GOOD}")

    assert yard.left() == []
    assert not left.exists()


def test_an_unshare_that_leaves_the_network_builds_nothing(tmp_path: Path) -> None:
    yard = Yard(tmp_path, 0, search=lying(tmp_path, "unshare", WITHOUT_NET))

    with pytest.raises(IsolationError, match="the wall has a hole"):
        yard.build(GOOD)

    assert yard.left() == []


def _running(mark: str) -> list[str]:
    """Find processes by the first word of their command."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if command.startswith(mark.encode() + b"\0"):
                found.append(folder.name)
    return found
