"""How much memory this process holds, from the kernel's own account of it.

Never from `resource.getrusage`: its highest figure outlives `exec`, so that a small
program started by a large one seems to be large (getrusage(2), RUSAGE_SELF).
"""

import re
from pathlib import Path


def resident_kb() -> int:
    """What is in memory now, in kB (proc_pid_status(5), VmRSS)."""
    return _figure("VmRSS")


def peak_kb() -> int:
    """The most that was in memory since this program began, in kB (VmHWM)."""
    return _figure("VmHWM")


def _figure(name: str) -> int:
    status = Path("/proc/self/status").read_text()
    (kilobytes,) = re.findall(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes)
