"""How often do the intervals, bands and tests of dse.analysis hold what they promise?

    python benchmarks/coverage.py [--resamples 1000] [--only NAME] [--data FILE]

Populations of 50, 100 and 500 networks are drawn from a complete space of 6,561 trained networks,
1,000 times each, one of three seeds a network, and every case in benchmarks/coverage_cases is
asked whether its nominal 95 % interval covers the truth of the space, or its 5 % test rejects a
true null.
All cases see the same samples, whichever are run. A row that misses what is wanted is counted once
more, with ten times as many other populations, which tells bad luck from a bad interval. Writes
benchmarks/results/coverage.json and .md; with --only (a part of a case's or a module's name; may be
repeated) it only prints.
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
WANTED = {
    "interval": (0.93, 0.97),
    "band": (0.95, 1.0),
    "test": (0.04, 0.06),
    "discrete test": (0.0, 0.06),
    "bound": (0.0, 0.05),
}
RECOUNT = 10


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
    truth = None if case.kind.endswith("test") else case.truth(space)
    start = time.process_time()
    row = {
        "module": module,
        "case": case.name,
        "kind": case.kind,
        "n": n,
        **count(case, n, space, truth, range(resamples)),
    }
    row["milliseconds"] = round(1000 * (time.process_time() - start) / resamples, 2)
    if row["verdict"] != "holds":
        others = range(resamples, (1 + RECOUNT) * resamples)
        row["recount"] = count(case, n, space, truth, others)
    return row


def count(case: Case, n: int, space: Space, truth: Any, numbers: range) -> dict[str, Any]:
    """The share of the populations of these `numbers` for which `case` says yes."""
    yes = 0
    for number in numbers:
        sample = draw(space, n, np.random.default_rng([SEED, n, number]))
        own = np.random.default_rng([SEED, n, number, zlib.crc32(case.name.encode())])
        yes += bool(case.covers(replace(sample, rng=own), truth))
    share = yes / len(numbers)
    spread = stats.binomtest(yes, len(numbers)).proportion_ci(0.95)
    bounds = (float(spread.low), float(spread.high))
    return {
        "share": round(share, 4),
        "interval": [round(bound, 4) for bound in bounds],
        "verdict": verdict(case.kind, share, bounds),
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
        "true null in 4 to 6 %; discrete tests, which have p-values in few steps only, in at most",
        "6 %, and rules that promise it in at most 5 %. Rows that miss this are counted once more,",
        f"with {RECOUNT} times as many other populations. The time is processor time a call, with",
        "the drawing.",
        "",
        *missed(result["rows"]),
        "| case | n | | share | verdict | counted again | ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        again = row.get("recount")
        lines.append(
            f"| {row['case']} | {row['n']} | {asked(row)} | {share_text(row)} | {row['verdict']} | "
            + (f"{share_text(again)}: {again['verdict']}" if again else "")
            + f" | {row['milliseconds']:g} |"
        )
    return "\n".join(lines) + "\n"


def missed(rows: list[dict[str, Any]]) -> list[str]:
    """How many rows hold, and those that do not when they are counted again."""
    first = [row for row in rows if "recount" in row]
    again = [row for row in first if row["recount"]["verdict"] != "holds"]
    return [
        f"{len(rows) - len(first)} of {len(rows)} rows hold at once and {len(first) - len(again)} "
        f"when counted again. The other {len(again)}:"
        if again
        else f"{len(rows) - len(first)} of {len(rows)} rows hold at once, the others when counted "
        "again.",
        "",
        *(
            f"- {row['case']}, n = {row['n']}: {asked(row)} {share_text(row['recount'])}"
            for row in again
        ),
        "",
    ]


def asked(row: dict[str, Any]) -> str:
    """What is counted."""
    return "rejects" if row["kind"].endswith(("test", "bound")) else "covers"


def share_text(counted: dict[str, Any]) -> str:
    """A share with its interval."""
    low, high = (f"{100 * bound:.1f}" for bound in counted["interval"])
    return f"{100 * counted['share']:.1f} % ({low} to {high})"


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
        "recount": RECOUNT * arguments.resamples,
        "seed": SEED,
        "wanted": WANTED,
        "rows": rows,
    }
    (RESULTS / "coverage.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "coverage.md").write_text(as_text(result))


if __name__ == "__main__":
    main()
