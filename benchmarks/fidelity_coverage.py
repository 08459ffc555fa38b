"""How often do the intervals of a fidelity hold the truth, and which way is a regret off?

    python benchmarks/fidelity_coverage.py

Writes benchmarks/results/fidelity_coverage.json. Pairs of normal errors of a known correlation,
from which the true tau and rho follow; the percentile bootstrap that dse uses stands beside
Fisher's z (Fieller, Hartley & Pearson 1957; Bonett & Wright 2000) in the same run. Regrets are in
standard deviations of the true dear errors, with seed noise of the size that the ICC says.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from dse.analysis.agreement import rank_agreement, rho_of_correlation, tau_of_correlation

RESULT = Path(__file__).parent / "results" / "fidelity_coverage.json"
REPETITIONS, DRAWS, REGRETS = 1000, 1000, 20_000


def coverage(n: int, r: float, rng: np.random.Generator) -> dict[str, Any]:
    """Coverage and mean width of nominal 95 % intervals."""
    truth = tau_of_correlation(r), rho_of_correlation(r)
    held, width = np.zeros((2, 2)), np.zeros((2, 2))  # tau and rho, bootstrap and z
    for seed in range(REPETITIONS):
        x, noise = rng.standard_normal((2, n))
        y = r * x + math.sqrt(1 - r * r) * noise
        for which, found in enumerate(rank_agreement(x, y, draws=DRAWS, seed=seed)):
            assert found is not None
            bounds = (found.lower, found.upper), fisher_z(found.value, n, which)
            for method, (lower, upper) in enumerate(bounds):
                held[which, method] += lower <= truth[which] <= upper
                width[which, method] += upper - lower
    shown = (held / REPETITIONS).round(3).tolist(), (width / REPETITIONS).round(2).tolist()
    row: dict[str, Any] = {"n": n, "correlation": r}
    for which, name in enumerate(("tau", "rho")):
        for method, by in enumerate(("bootstrap", "fisher_z")):
            row[f"{name}_{by}"] = {"coverage": shown[0][which][method]}
            row[f"{name}_{by}"]["width"] = shown[1][which][method]
    return row


def fisher_z(value: float, n: int, which: int) -> tuple[float, float]:
    """The interval that needs no resampling."""
    near = (1 - 4 / (n * (n - 1)), 1 - 12 / (n * (n**2 - 1)))[which]
    inner = float(np.clip(value, -near, near))
    variance = (0.437 / (n - 4), (1 + inner**2 / 2) / (n - 3))[which]
    half = float(stats.norm.ppf(0.975)) * math.sqrt(variance)
    return math.tanh(math.atanh(inner) - half), math.tanh(math.atanh(inner) + half)


def regrets(n: int, r: float, icc: float, rng: np.random.Generator) -> dict[str, Any]:
    """Mean regret of the cheap choice: by one seed, by fresh seeds, and in truth."""
    sigma = math.sqrt(1 / icc - 1)
    true = rng.standard_normal((REGRETS, n))
    cheap = r * true + math.sqrt(1 - r * r) * rng.standard_normal(true.shape)
    first, fresh = (true + sigma * rng.standard_normal(true.shape) for _ in range(2))
    rows, choice, best = np.arange(REGRETS), cheap.argmin(axis=1), first.argmin(axis=1)
    means = {
        "by_first_seed": first[rows, choice] - first.min(axis=1),
        "truth": true[rows, choice] - true.min(axis=1),
        "by_fresh_seeds": fresh[rows, choice] - fresh[rows, best],
    }
    return {"n": n, "correlation": r, "icc": icc} | {
        name: round(float(values.mean()), 3) for name, values in means.items()
    }


def main() -> None:
    """Simulate and write the result."""
    rng = np.random.default_rng(0)
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {name: version(name) for name in ("numpy", "scipy")},
        "repetitions": REPETITIONS,
        "bootstrap_resamples": DRAWS,
        "nominal": 0.95,
        "coverage": [coverage(n, r, rng) for n in (8, 16, 24) for r in (0.0, 0.6, 0.9, 0.98)],
        "regret_in_true_standard_deviations": [
            regrets(n, 0.9, icc, rng) for n in (16, 100) for icc in (0.99, 0.9, 0.7)
        ],
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
