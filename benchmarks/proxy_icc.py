"""How well does the default proxy tell networks apart? Two seeds of every network of a survey.

    python benchmarks/proxy_icc.py [--models 32] [--seed 0]

Writes benchmarks/results/proxy_icc.json. The ICC is ICC(1,1) with its exact F interval; the
baseline in the same run is the ICC of the same errors with the second seeds shuffled among the
networks, which is what a proxy without any signal would show.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from dse.analysis.chance import at_chance
from dse.analysis.reliability import icc, seed_std, seed_table
from dse.jobs.survey import main_job
from dse.proxy.device import device_name, pick_device, usable_cores

RESULT = Path(__file__).parent / "results" / "proxy_icc.json"
SPACE = Path(__file__).parents[1] / "spaces" / "convnext_space.yaml"
SHUFFLES = 1000


def measure(models: int, seed: int, store: Path) -> dict[str, Any]:
    """Run the survey with two seeds of every network and conclude."""
    begin = time.perf_counter()
    conclusion = main_job(
        space=str(SPACE),
        budget="4.5GFLOPs",
        tolerance="1%",
        resolution=224,
        seed=seed,
        models=models,
        proxy="embedded",
        repeat="100%",
        store=str(store),
        top=5,
    )
    wall = time.perf_counter() - begin
    population = conclusion.population
    table = seed_table(population, models)
    scores = table[np.isfinite(table).all(axis=1)]
    rng = np.random.default_rng(0)
    shuffled = [
        estimate.value
        for _ in range(SHUFFLES)
        if (estimate := icc(np.column_stack([scores[:, 0], rng.permutation(scores[:, 1])])))
    ]
    first = population[population["replicate"] == 0]
    reliability, noise = icc(scores), seed_std(scores)
    assert reliability is not None
    assert noise is not None
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "device": device_name(pick_device()),
        "cores": usable_cores(),
        "dtype": sorted(set(population["dtype"].dropna())),
        "study": conclusion.study.provenance | {"seed": seed, "proxy": conclusion.study.proxy},
        "n_networks": len(scores),
        "n_seeds": 2,
        "states": population["state"].value_counts().to_dict(),
        "icc": _rounded(reliability.value, reliability.lower, reliability.upper),
        "icc_shuffled_95_percent": _rounded(*np.percentile(shuffled, (2.5, 97.5))),
        "seed_std_of_error": _rounded(noise.value, noise.lower, noise.upper),
        "error_quantiles_0_25_50_75_100": _rounded(
            *np.percentile(first["error"].dropna(), (0, 25, 50, 75, 100))
        ),
        "at_chance": int(at_chance(first["error"], first["test_images"], first["classes"]).sum()),
        "cpu_seconds_a_training_mean_median_max": cpu_seconds(store),
        "wall_seconds_in_all": round(wall),
    }


def cpu_seconds(store: Path) -> list[float]:
    """CPU seconds of one training: mean, median and largest."""
    with sqlite3.connect(store) as connection:
        rows = connection.execute("select cpu_seconds from dse_trials where error is not null")
        seconds = [row[0] for row in rows]
    return _rounded(np.mean(seconds), np.median(seconds), np.max(seconds))


def _rounded(*values: Any) -> list[float]:
    return [round(float(value), 4) for value in values]


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", type=Path, default=None, help="keep the study here, to resume")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = arguments.store or Path(folder) / "icc.db"
        result = measure(arguments.models, arguments.seed, store)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({key: result[key] for key in result if key != "study"}, indent=2))


if __name__ == "__main__":
    main()
