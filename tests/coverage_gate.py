"""Hold every rules module to full branch coverage from its own test file alone.

``voip/handshake/kem.py`` is measured while ``tests/voip/handshake/test_kem.py`` runs
and nothing else: a module that only gets covered from afar is not yet understood.
Names given as arguments (``voip/wire.py``) narrow the run to those modules.
"""

import ast
import io
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import coverage

from tests.io_map import CHECKOUT, module_name, sources


def _has_code(path: Path) -> bool:
    """Tell whether there is more in a file than its docstring."""
    return len(ast.parse(path.read_text()).body) > 1


def _own_test(path: Path) -> Path:
    inside = path.relative_to(CHECKOUT)
    name = inside.parent.name if inside.stem == "__init__" else inside.stem
    return Path("tests", inside.parent, f"test_{name}.py")


def _measure(path: Path) -> str:
    """Run a module's own tests; say in a line or a table what is wrong, if anything."""
    test = _own_test(path)
    if not (CHECKOUT / test).exists():
        return f"{path.relative_to(CHECKOUT)}: expected its tests in {test}"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        measure = ["run", f"--data-file={data}", f"--source={module_name(path)}"]
        tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
        done = subprocess.run(
            [sys.executable, "-m", "coverage", *measure, *tests],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            return f"{test}: exit {done.returncode}\n{done.stdout[-2_000:]}"
        measured = coverage.Coverage(data_file=data)
        measured.combine([folder])
        table = io.StringIO()
        # A package's own file is one of many in its source.
        percent = measured.report(include=[str(path)], show_missing=True, file=table)
    return "" if percent == 100.0 else table.getvalue()


def main(names: list[str]) -> int:
    """Measure the named modules, or all rules modules; 0 when all are covered."""
    paths = [CHECKOUT / name for name in names] or [
        path for path in sources(carriers=False) if _has_code(path)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = [text for text in pool.map(_measure, paths) if text]
    print(*complaints, sep="\n", end="\n" if complaints else "")  # noqa: T201 - a script
    print(f"{len(paths) - len(complaints)} of {len(paths)} rules modules are covered")  # noqa: T201
    return min(1, len(complaints))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
