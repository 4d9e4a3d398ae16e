"""What every test stands on: one event loop, only loopback, repeatable luck."""

import ipaddress
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from tests.vectors import VECTORS

hypothesis.settings.register_profile(
    "check", derandomize=True, deadline=None, database=None
)
# `pytest --hypothesis-profile=deep` looks longer and elsewhere every time.
hypothesis.settings.register_profile("deep", max_examples=5_000, deadline=None)
hypothesis.settings.load_profile("check")

# A shell that runs us in the background has SIGINT ignored, and so would every program
# that a test starts and interrupts; a handler of ours is reset to the default there.
signal.signal(signal.SIGINT, signal.default_int_handler)

_OUTWARD = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_MDNS = {"224.0.0.251", "ff02::fb"}  # stays on the interface that the test chose


def _stay_on_loopback(event: str, args: tuple[object, ...]) -> None:
    """Refuse what would leave this machine, whoever wants to send it."""
    if event in _OUTWARD and isinstance(args[1], tuple):  # else a Unix socket's path
        host = str(args[1][0]).partition("%")[0]
        if not _is_loopback(host) and host not in _MDNS:
            raise RuntimeError(f"tests stay on loopback: refused {args[1]!r}")
    if event == "socket.getaddrinfo" and _is_name(args[0]):
        raise RuntimeError(f"tests stay on loopback: refused to look up {args[0]!r}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_name(host: object) -> bool:
    """Tell whether looking this up would ask a name server."""
    try:
        ipaddress.ip_address(str(host or "127.0.0.1"))
    except ValueError:
        return host != "localhost"
    return False


# An audit hook sees C extensions too, and needs nothing of the code to be patched.
sys.addaudithook(_stay_on_loopback)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run `async def` tests on asyncio only: aiortc and aiohttp know nothing else."""
    return "asyncio"


@pytest.fixture
def entropy(request: pytest.FixtureRequest) -> Callable[[int], bytes]:
    """Give bytes that look random and are the same on every run of this test."""
    return random.Random(request.node.nodeid).randbytes


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Give the folder of published test vectors; without it, the test is skipped."""
    if not VECTORS.is_dir():
        pytest.skip(f"no vectors at {VECTORS}: set RINGFENCE_VECTORS")
    return VECTORS
