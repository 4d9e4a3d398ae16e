"""Many telephones at once for tests: SIPp, which calls by UDP and knows no encryption.

Each call offers PCMU, sends back all the sound that it hears, and is ended by us.
"""

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.voip.gateway.phones import free_ports, need_stack

_SCENARIOS = Path(__file__).with_name("scenarios")


@dataclass(frozen=True, slots=True)
class Sipp:
    """What became of a run; its errors may be the machine's, which was too busy."""

    code: int
    errors: str


def need_sipp() -> None:
    if shutil.which("sipp") is None:
        pytest.skip("sip-tester is not installed")
    need_stack()


async def run_sipp(
    folder: Path,
    scenario: str,
    to: int,
    *,
    calls: int,
    a_second: int,
    timeout_s: int = 60,
) -> Sipp:
    """Make so many calls to a port of this machine, all of them at once if need be.

    Its code is 0 if each went as the scenario says, a file of the folder beside.
    """
    port = free_ports()
    log = folder / f"sipp-{port}.log"
    process = await asyncio.create_subprocess_exec(
        "sipp",
        f"127.0.0.1:{to}",
        *("-sf", str(_SCENARIOS / f"{scenario}.xml"), "-s", "gateway", "-t", "u1"),
        *("-i", "127.0.0.1", "-p", str(port), "-mi", "127.0.0.1"),
        *("-mp", str(free_ports()), "-rtp_echo"),
        *("-m", str(calls), "-l", str(calls), "-r", str(a_second)),
        *("-timeout", str(timeout_s), "-timeout_error", "-nostdin"),
        *("-trace_err", "-error_file", str(log)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=folder,
    )
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    return Sipp(code, log.read_text() if log.exists() else "")
