"""How much too good is the error of the network that a study ranks first?

    python benchmarks/rank_bias.py

Writes benchmarks/results/rank_bias.json. Populations with normal errors and normal seed noise of
one size are simulated under the study's design: a second seed for the best share by first error and
for as many networks at random; rank 1 is the best mean over two seeds. The baseline in the same run
ranks the finalists by their first error instead. Everything is in seed standard deviations.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

RESULT = Path(__file__).parent / "results" / "rank_bias.json"
SHARE, REPETITIONS, Z = 0.25, 20_000, 1.959963984540054


def simulate(icc: float, n: int, rng: np.random.Generator) -> dict[str, Any]:
    """One row: bias and coverage of rank 1's fresh error, regret of both rankings."""
    spread = math.sqrt(icc / (1 - icc))
    truth = spread * rng.standard_normal((REPETITIONS, n))
    first, fresh = (truth + rng.standard_normal(truth.shape) for _ in range(2))
    chosen = math.ceil(SHARE * n - 1e-9)
    twice = np.argsort(np.argsort(first, axis=1), axis=1) < chosen
    by_first = np.argmin(np.where(twice, first, np.inf), axis=1)
    twice[:, :chosen] = True  # a random sample: networks are independent draws
    by_mean = np.argmin(np.where(twice, (first + fresh) / 2, np.inf), axis=1)
    rows = np.arange(REPETITIONS)
    miss = fresh[rows, by_mean] - truth[rows, by_mean]
    best = truth.min(axis=1)
    return {
        "icc": icc,
        "n": n,
        "bias_of_rank_1_fresh": round(float(miss.mean()), 2),
        "coverage_of_its_95_percent_interval": round(float((np.abs(miss) < Z).mean()), 3),
        "regret_by_mean": round(float((truth[rows, by_mean] - best).mean()), 2),
        "regret_by_first": round(float((truth[rows, by_first] - best).mean()), 2),
        "bias_by_first": round(float((fresh - truth)[rows, by_first].mean()), 2),
    }


def main() -> None:
    """Simulate and write the result."""
    rng = np.random.default_rng(0)
    rows = [simulate(icc, n, rng) for n in (24, 100) for icc in (0.99, 0.9, 0.7, 0.5)]
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "numpy": version("numpy"),
        "repetitions": REPETITIONS,
        "share": SHARE,
        "unit": "seed standard deviations",
        "rows": rows,
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
