"""Does every estimator of dse.analysis answer 100,000 trials in time?

    python benchmarks/analysis_speed.py [--trials 100000] [--only NAME]

Times every case in benchmarks/speed_cases on synthetic trials by the wall clock: the first call,
which fills caches, and the median of three more. The limit (2 s; an EDF with its bands 0.2 s) is
for each of them. Writes benchmarks/results/analysis_speed.json; with --only (a part of a name; may
be repeated) it only prints. Exit code 1 if a case is too slow.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
import statistics
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import speed_cases
from speed_cases.trials import Speed, Trials, make

RESULT = Path(__file__).parent / "results" / "analysis_speed.json"
REPEATS = 3


def discover(only: list[str]) -> list[Speed]:
    """Every case, or those whose name holds one of `only`."""
    modules = sorted(info.name for info in pkgutil.iter_modules(speed_cases.__path__))
    found: list[Speed] = []
    for name in modules:
        found += getattr(importlib.import_module(f"speed_cases.{name}"), "CASES", ())
    return [case for case in found if not only or any(part in case.name for part in only)]


def seconds(case: Speed, trials: Trials) -> float:
    """Wall seconds of one call."""
    start = time.perf_counter()
    case.run(trials)
    return time.perf_counter() - start


def measure(case: Speed, trials: Trials) -> dict[str, Any]:
    """One row of the result."""
    first = seconds(case, trials)
    again = statistics.median(seconds(case, trials) for _ in range(REPEATS))
    return {
        "case": case.name,
        "first_seconds": round(first, 4),
        "median_seconds": round(again, 4),
        "limit_seconds": case.limit,
        "in_time": max(first, again) <= case.limit,
    }


def main() -> int:
    """Time, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    arguments = parser.parse_args()
    trials = make(arguments.trials)
    rows = []
    for case in discover(arguments.only):
        rows.append(measure(case, trials))
        print(json.dumps(rows[-1]), flush=True)
    if not arguments.only:
        result = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{platform.machine()} {platform.system()}, {os.cpu_count()} cores",
            "versions": {name: version(name) for name in ("numpy", "scipy", "pandas")},
            "trials": arguments.trials,
            "networks": len(trials.outcomes),
            "repeats_of_the_median": REPEATS,
            "rows": rows,
        }
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if all(row["in_time"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
