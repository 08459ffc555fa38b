"""How often do the intervals, bands and tests of dse.analysis hold what they promise?

    python benchmarks/coverage.py [--resamples 1000] [--only NAME] [--data FILE]

Populations of 50, 100 and 500 networks are drawn from a complete space of 6,561 trained networks,
1,000 times each, one of three seeds a network, and every case in benchmarks/coverage_cases is
asked whether its nominal 95 % interval covers the truth of the space, or its 5 % test rejects a
true null.
All cases see the same samples, whichever are run. Writes benchmarks/results/coverage.json and .md;
with --only (a part of a case's or a module's name; may be repeated) it only prints.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import platform
import time
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import coverage_cases
import numpy as np
from coverage_cases.case import Case, Space, draw, load_space
from scipy import stats

RESULTS = Path(__file__).parent / "results"
DATA = Path(__file__).parents[2] / "shared" / "data" / "nas-bench-macro_cifar10.json"
SEED = 7
WANTED = {"interval": (0.93, 0.97), "band": (0.95, 1.0), "test": (0.04, 0.06)}
ASKED = {"interval": "covers", "band": "covers", "test": "rejects"}


def discover(only: list[str]) -> list[tuple[str, Case]]:
    """Every case, by the module that defines it, and those alone whose name holds one of `only`."""
    found: list[tuple[str, Case]] = []
    for info in sorted(pkgutil.iter_modules(coverage_cases.__path__), key=lambda m: m.name):
        module = importlib.import_module(f"coverage_cases.{info.name}")
        found += [(info.name, case) for case in getattr(module, "CASES", ())]
    names = [case.name for _, case in found]
    assert len(names) == len(set(names)), "two cases have one name"
    if not only:
        return found
    return [pair for pair in found if any(part in f"{pair[0]}: {pair[1].name}" for part in only)]


def measure(module: str, case: Case, n: int, space: Space, resamples: int) -> dict[str, Any]:
    """How often `case` says yes among `resamples` populations of `n` networks."""
    truth = case.truth(space) if case.kind != "test" else None
    yes = 0
    start = time.process_time()
    for number in range(resamples):
        sample = draw(space, n, np.random.default_rng([SEED, n, number]))
        own = np.random.default_rng([SEED, n, number, zlib.crc32(case.name.encode())])
        yes += bool(case.covers(replace(sample, rng=own), truth))
    seconds = time.process_time() - start
    spread = stats.binomtest(yes, resamples).proportion_ci(0.95)
    share, bounds = yes / resamples, (float(spread.low), float(spread.high))
    return {
        "module": module,
        "case": case.name,
        "kind": case.kind,
        "n": n,
        "share": round(share, 4),
        "interval": [round(bound, 4) for bound in bounds],
        "verdict": verdict(case.kind, share, bounds),
        "milliseconds": round(1000 * seconds / resamples, 2),
    }


def verdict(kind: str, share: float, bounds: tuple[float, float]) -> str:
    """Whether the share is the wanted one, could still be it, or is not."""
    low, high = WANTED[kind]
    if low <= share <= high:
        return "holds"
    miss = "too rarely" if share < low else "too often"
    reached = bounds[1] >= low if share < low else bounds[0] <= high
    return f"{miss}, within the error of this count" if reached else miss


def as_text(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        "# Coverage on a complete space",
        "",
        f"{result['date']}, {result['machine']}, Python {result['python']}, "
        + ", ".join(f"{name} {number}" for name, number in result["versions"].items())
        + ".",
        "",
        f"{result['space']} trained networks with three seeds each; every row counts",
        f"{result['resamples']:,} populations of n networks drawn independently from it, with one",
        "seed each. In brackets the exact 95 % interval of that count. Wanted: intervals (nominal",
        "95 %) cover in 93 to 97 %, simultaneous bands in at least 95 %, tests (at 5 %) reject a",
        "true null in 4 to 6 %. The time is processor time a call, with the drawing.",
        "",
        "| case | n | | share | verdict | ms |",
        "|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        low, high = (f"{100 * bound:.1f}" for bound in row["interval"])
        lines.append(
            f"| {row['case']} | {row['n']} | {ASKED[row['kind']]} | {100 * row['share']:.1f} % "
            f"({low} to {high}) | {row['verdict']} | {row['milliseconds']:g} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    arguments = parser.parse_args()
    space = load_space(arguments.data)
    rows = []
    for module, case in discover(arguments.only):
        for n in case.sizes:
            rows.append(measure(module, case, n, space, arguments.resamples))
            print(json.dumps(rows[-1]), flush=True)
    if arguments.only:
        return
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()} {platform.system()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("numpy", "scipy", "pandas")},
        "space": f"NAS-Bench-Macro: {len(space.errors):,}",
        "resamples": arguments.resamples,
        "seed": SEED,
        "wanted": WANTED,
        "rows": rows,
    }
    (RESULTS / "coverage.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "coverage.md").write_text(as_text(result))


if __name__ == "__main__":
    main()
