"""How many networks does it take to tell which of two spaces is better?

    python benchmarks/which_space.py [--resamples 1000] [--nulls 4000]

Writes benchmarks/results/which_space.json and .md. The spaces are parts of one whose networks were
all trained with three seeds (NAS-Bench-Macro on CIFAR-10: 6,561 networks of 8 layers with 3
choices, ../shared/data beside the repository), so the truth is known. For each pair of parts, a
design has decided when it rejects equality at 5 % and names the side with the lower typical error
(geometric mean) rightly. Counted is the smallest number of networks, both spaces together, with
which it decides in 80 % of the resamples; every network is trained with one seed drawn at random.

- ks: equally many networks of both spaces at random, two-sample Kolmogorov-Smirnov, exact p.
- welch: the same networks, Welch's t of the log errors.
- adjusted: the same networks, `adjusted_difference` of the log errors; an eighth of the resamples,
  and not looked for above 1,000 networks.
- parts: networks only in one space, and in both, drawn apart in proportion to their weight,
  `overlapping_difference` of the log errors. This is the tool's design, for every pair.

Rejections of true nulls: the errors of the networks that are in one space only are shifted until
the true difference is zero; and the first space is compared with itself.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from which_space_designs import (
    LEVEL,
    Design,
    Draws,
    Pair,
    Space,
    adjusted_design,
    ks,
    load,
    pairs,
    parts_design,
    shifted,
    welch,
)
from which_space_text import MOST, MOST_ADJUSTED, NULL_SIZES, median_ratio, pooled, table

RESULT = Path(__file__).parent / "results" / "which_space.json"
FEWEST, POWER = 16, 0.8


def fewest(decided: Callable[[int], float], most: int = MOST) -> int | None:
    """The fewest networks, in steps of 2, that decide often enough; None above `most`."""
    low, high = FEWEST, 2 * FEWEST
    if decided(low) >= POWER:
        return low
    while decided(min(high, most)) < POWER:
        if high >= most:
            return None
        low, high = high, 2 * high
    high = min(high, most)
    while high - low > 2:
        middle = (low + high) // 4 * 2
        low, high = (low, middle) if decided(middle) >= POWER else (middle, high)
    return high


def study(space: Space, pair: Pair, resamples: int, nulls: int, seed: int) -> dict[str, Any]:
    """One row: what each design needs, and how often it rejects true nulls."""
    truth = space.logs[pair.a].mean() - space.logs[pair.b].mean()
    rows = [np.flatnonzero(pair.a), np.flatnonzero(pair.b)]
    half = [MOST // 2] * 2
    plain = Draws.of(space.logs, rows, half, resamples, seed)
    fewer = Draws(
        [r[: resamples // 8] for r in plain.rows], [y[: resamples // 8] for y in plain.logs]
    )

    def plainly(test: Callable[[np.ndarray, np.ndarray], np.ndarray], n: int) -> float:
        a, b = (logs[:, : n // 2] for logs in plain.logs)
        right = np.sign(a.mean(axis=1) - b.mean(axis=1)) == np.sign(truth)
        return float((test(a, b) & right).mean())

    def decided(design: Design, draws: Draws, n: int) -> float:
        found = draws.outcome(design, n)
        return float(((found[:, 0] < LEVEL) & (np.sign(found[:, 1]) == np.sign(truth))).mean())

    independent = adjusted_design(space, rows, np.array([1.0, -1.0]))
    parts = parts_design(space, pair)
    drawn = Draws.of(space.logs, parts.strata, parts.counts(MOST), resamples, seed)
    needs = {
        "ks": fewest(lambda n: plainly(ks, n)),
        "welch": fewest(lambda n: plainly(welch, n)),
        "adjusted": fewest(lambda n: decided(independent, fewer, n), MOST_ADJUSTED),
        "parts": fewest(lambda n: decided(parts, drawn, n)),
    }
    same = adjusted_design(space, [rows[0], rows[0]], np.array([1.0, -1.0]))
    own = [needs["parts"]] if needs["parts"] else []
    sizes = sorted({*NULL_SIZES, *own})
    zero = Draws.of(shifted(space, pair), parts.strata, parts.counts(sizes[-1]), nulls, seed + 1)
    twice = Draws.of(space.logs, same.strata, same.counts(sizes[-1]), nulls, seed + 2)
    ks_sizes = [needs["ks"]] if needs["ks"] else []
    alike = Draws.of(
        space.logs, same.strata, same.counts(max(ks_sizes, default=4)), nulls, seed + 3
    )
    return {
        "pair": pair.name,
        "networks": [len(r) for r in rows],
        "true_ratio_of_typical_errors": round(float(np.exp(truth)), 4),
        "needs": needs,
        "rejected_true_nulls": {
            "parts, shifted": {n: rejected(zero.outcome(parts, n)) for n in sizes},
            "adjusted, same space": {n: rejected(twice.outcome(same, n)) for n in own},
            "ks, same space": {
                n: round(float(ks(*(logs[:, : n // 2] for logs in alike.logs)).mean()), 4)
                for n in ks_sizes
            },
        },
    }


def rejected(outcome: np.ndarray) -> float:
    """The share of resamples with p below the level."""
    return round(float((outcome[:, 0] < LEVEL).mean()), 4)


def write(
    path: Path, rows: list[dict[str, Any]], *, planned: int, resamples: int, nulls: int
) -> None:
    """The pairs done so far, with what they say together."""
    kinds = rows[0]["rejected_true_nulls"]
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": platform.machine(),
        "versions": {name: version(name) for name in ("numpy", "scipy")},
        "resamples": resamples,
        "nulls": nulls,
        "pairs_done": len(rows),
        "pairs_planned": planned,
        "median_ratio": {d: median_ratio(rows, d) for d in ("parts", "adjusted", "welch")},
        "true_nulls_rejected": {kind: pooled(rows, kind) for kind in kinds},
        "rows": rows,
    }
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(table(result), encoding="utf-8")


def with_sizes(found: dict[str, Any]) -> dict[Any, Any]:
    """Numbers of networks as numbers, which JSON has as text."""
    return {int(key) if key.isdigit() else key: value for key, value in found.items()}


def main() -> None:
    """Run all pairs and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--nulls", type=int, default=4000)
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--go-on", action="store_true", help="keep the pairs in the output")
    given = parser.parse_args()
    space = load()
    rows: list[dict[str, Any]] = []
    if given.go_on:
        rows = json.loads(given.output.read_text(encoding="utf-8"), object_hook=with_sizes)["rows"]
    planned = pairs(space)
    for number, pair in list(enumerate(planned))[len(rows) :]:
        rows.append(study(space, pair, given.resamples, given.nulls, 10 * number))
        print(json.dumps(rows[-1]), flush=True)
        write(
            given.output,
            rows,
            planned=len(planned),
            resamples=given.resamples,
            nulls=given.nulls,
        )


if __name__ == "__main__":
    main()
