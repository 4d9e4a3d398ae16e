"""What builds saw, and a machine that has everything."""

from reproducible.sandbox.levels import Interpreter
from reproducible.sandbox.probe import Facts
from reproducible.vary.arrangements import FOREIGN_LOCALES, Machine

USUAL = Facts(
    python="3.13.0",
    implementation="cpython",
    build="3.13.0 (main)",
    arch="x86_64",
    system="linux",
    kernel="6.1.0",
    libc="glibc 2.36",
    zlib="1.2.13",
    os="Debian GNU/Linux 12 (bookworm)",
    umask=0o022,
    uid=1000,
    gid=1000,
    cpus=2,
    clock=1_800_000_000,
    zone="UTC UTC +0000",
    locale="C.UTF-8 .",
    seed="1",
    hostname="repro",
    home="/build/tmp",
    user="",
    path="/build/src",
    epoch="1750000000",
    order="aa",
    modes="bb",
    mtimes="cc",
    owners="dd",
    files="ee",
)


def interpreter(minor: int) -> Interpreter:
    return Interpreter(
        f"/usr/bin/python3.{minor}",
        (3, minor),
        prefix="/usr",
        full=f"3.{minor}.1",
    )


MACHINE = Machine(
    level=1,
    arch="x86_64",
    others=(interpreter(12), interpreter(11)),
    programs=frozenset({"faketime", "setarch", "taskset"}),
    locales=frozenset(FOREIGN_LOCALES),
    is_root=True,
    cpu=3,
)
