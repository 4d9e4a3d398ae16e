"""How long a command takes to start, against Python alone."""

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figure import Figure, figure, ratios

ROUNDS = 9  # a start is short, and the page cache warms up in the first
HELP = (str(Path(sys.executable).with_name("ringfence")), "--help")
NOTHING = (sys.executable, "-c", "pass")
_COUNT = """
import sys
before = set(sys.modules)
import voip.endpoint
new = set(sys.modules) - before
print(len(new), sum(name.split(".")[0] == "voip" for name in new))
"""
IMPORT = (sys.executable, "-c", _COUNT)


def figures() -> list[Figure]:
    """Time `ringfence --help` and an interpreter that does nothing, in turns."""
    for warm in (HELP, NOTHING, IMPORT):
        _seconds(warm)
    rounds = [
        (_seconds(HELP), _seconds(NOTHING), _seconds(IMPORT)) for _ in range(ROUNDS)
    ]
    helped, nothing, imported = (list(times) for times in zip(*rounds, strict=True))
    counted = subprocess.run(IMPORT, check=True, capture_output=True, text=True)
    modules, own = counted.stdout.split()
    return [
        figure("ringfence --help", helped, unit="s", bar=0.3),
        figure("ringfence --help / python -c pass", ratios(helped, nothing)),
        figure(
            "import of all that a call needs",
            imported,
            unit="s",
            note=f"{modules} modules, {own} of them ours; a command loads its own only",
        ),
    ]


def _seconds(command: tuple[str, ...]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
