"""`python -m benchmarks [NAME ...] [--json]`: measure, and say which bars are met.

Ends with 0 if every bar is met, with 1 if one is missed.
"""

import argparse
import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict

from benchmarks.figure import Figure

SUBJECTS = (
    "handshake",
    "srtp",
    "quality",
    "video",
    "paths",
    "connect",
    "calls",
    "distance",
    "room",
    "sframe",
    "forwarding",
    "guest",
    "sip",
    "relay",
    "transparency",
    "log",
    "bundle",
    "decision",
    "install",
    "repository",
    "update",
    "compare",
    "rebuild",
    "vary",
    "startup",
)


def main() -> int:
    """Run what was named, or everything but the soak."""
    options = _options()
    if not options.json:
        print(_machine())
    found: list[Figure] = []
    for subject in ["soak"] if options.soak else options.names or SUBJECTS:
        module = importlib.import_module(f"benchmarks.{subject}")
        began = time.monotonic()
        if not options.json:
            print(f"\n{subject}: {(module.__doc__ or '').splitlines()[0]}")
        figures = module.figures(options.minutes) if options.soak else module.figures()
        found += figures
        if not options.json:
            _show(figures)
            print(f"  ({time.monotonic() - began:.0f} s)")
    missed = [each.name for each in found if not each.is_met]
    if options.json:
        rows = [asdict(each) | {"met": each.is_met} for each in found]
        print(json.dumps({"machine": _machine(), "figures": rows}, indent=1))
    else:
        print(f"\nmissed: {'; '.join(missed) or 'none'}")
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(SUBJECTS))
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--soak", action="store_true", help="one long call instead")
    parser.add_argument("--minutes", type=float, default=30.0, help="of the soak [30]")
    options = parser.parse_args()
    if unknown := set(options.names) - set(SUBJECTS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    return options


def _machine() -> str:
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, {platform.system()}"
        f" {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"
    )


def _show(figures: Iterable[Figure]) -> None:
    for each in figures:
        low, high = each.spread
        verdict = ""
        if each.bar is not None:
            sign = ">=" if each.at_least else "<="
            verdict = f"{sign} {each.bar:g} {'met' if each.is_met else 'MISSED'}"
        print(
            f"  {each.name:<46} {each.value:9.4g} {each.unit:<4}"
            f" ({low:.4g} to {high:.4g})  {verdict}"
        )
        if each.note:
            print(f"      {each.note}")


if __name__ == "__main__":
    sys.exit(main())
