"""Looking after every pair: how often is a true null rejected, and how many pairs does it take?

    python benchmarks/sequential.py [--repetitions 2000]

Differences are drawn: normal, of heavy tails (Student's t with 4 degrees of freedom) and skewed
(exponential). Type I error: arms are alike, and one looks after each of up to 200 pairs. Power:
with an effect of mean/sd, the planned maximum is the smallest at which nine of ten sequences have
stopped with the right sign; beside the mean number of pairs stands the n of a fixed-n t test of the
same power for normal differences. Writes benchmarks/results/sequential.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dse.analysis.paired.sequential import MINIMUM, PLANNED, decide

RESULT = Path(__file__).parent / "results" / "sequential.json"
LONGEST, POWER, SEED = 400, 0.9, 0
NULL_PAIRS = (50, 100, 200)
EFFECTS = (0.3, 0.4, 0.5, 0.7, 1.0)


def draw(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Differences of mean zero and standard deviation one."""
    if kind == "normal":
        return rng.standard_normal(shape)
    if kind == "heavy tails":
        return np.asarray(rng.standard_t(4, shape) / np.sqrt(2))
    return rng.exponential(size=shape) - 1


def stops(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """After how many pairs each sequence (rows) says that the second arm is better, or inf."""
    found = [decide(row) for row in values]
    return np.array([f.difference.n if f.decision == "second is better" else np.inf for f in found])


def fixed_n(effect: float) -> int:
    """The pairs of a two-sided t test at 5 % of the wanted power."""
    for n in range(3, 1000):
        limit, shift = stats.t.ppf(0.975, n - 1), effect * np.sqrt(n)
        if stats.nct.sf(limit, n - 1, shift) >= POWER:
            return n
    raise AssertionError("an effect too small")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=2000)
    repetitions = parser.parse_args().repetitions
    rng = np.random.default_rng(SEED)
    nulls, powers = [], []
    for kind in ("normal", "heavy tails", "skewed"):
        values = draw(kind, (repetitions, max(NULL_PAIRS)), rng)
        first = np.minimum(stops(values), stops(-values))
        for n in NULL_PAIRS:
            wrong = int((first <= n).sum())
            spread = stats.binomtest(wrong, repetitions).proportion_ci(0.95)
            nulls.append(
                {
                    "differences": kind,
                    "pairs": n,
                    "rejected": wrong / repetitions,
                    "interval": [round(spread.low, 4), round(spread.high, 4)],
                }
            )
            print(nulls[-1], flush=True)
    for effect in EFFECTS:
        found = stops(draw("normal", (repetitions, LONGEST), rng) + effect)
        longest = int(np.sort(found)[int(np.ceil(POWER * repetitions)) - 1])
        mean = float(np.minimum(found, longest).mean())
        powers.append(
            {
                "effect": effect,
                "longest": longest,
                "mean_pairs": round(mean, 1),
                "fixed_n": fixed_n(effect),
            }
        )
        print(powers[-1], flush=True)
    result = {
        "repetitions": repetitions,
        "first_look": MINIMUM,
        "planned": PLANNED,
        "confidence": 0.95,
        "nulls": nulls,
        "power": POWER,
        "effects": powers,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
