"""Does the default proxy order networks as one three times longer does?

    python benchmarks/fidelity.py [--models 16] [--seed 0] [--stores FOLDER]

Writes benchmarks/results/fidelity-cpu.json and .md, and the page where asked (--page). Both
studies get two seeds of every network; with --stores they are kept in a folder, resumed there, and
--read takes them as they are.
Baselines in the same run: the agreement of shuffled networks (what a proxy without any signal
shows), and of each proxy with its own second seed (what seed noise leaves); cheap and dear
trainings with unequal seeds, which share no initial weights, are compared too.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dse.analysis.agreement import DRAWS, kendall_tau, rank_agreement
from dse.analysis.estimate import Estimate, FloatArray
from dse.analysis.fidelity_text import fidelity_rows, table_row
from dse.analysis.population import outcomes
from dse.jobs.fidelity import Comparison, compare_stores, fidelity_job
from dse.proxy.device import device_name, pick_device, usable_cores

RESULTS = Path(__file__).parent / "results"
SPACE = Path(__file__).parents[1] / "spaces" / "convnext_space.yaml"
STRATIFY, SHUFFLES = ("norm_layer",), 1000


def measure(found: Comparison) -> dict[str, Any]:
    """Every number of the comparison, its baselines and where it was measured."""
    cheap, dear = found.cheap.population, found.dear.population
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "device": device_name(pick_device()),
        "cores": usable_cores(),
        "dtype": sorted(set(dear["dtype"].dropna())),
        "study": found.dear.study.provenance
        | {
            "space": f"{found.dear.study.space_name} ({found.dear.study.space_hash})",
            "budget": found.dear.study.budget,
            "seed": found.dear.study.seed,
            "sampling": found.dear.study.design["sampling"],
        },
        "epochs": [study.study.proxy["epochs"] for study in (found.cheap, found.dear)],
        "n_networks": found.found.networks,
        "bootstrap_resamples": DRAWS,
        "states": {
            name: {
                f"seed {r + 1}": rows[rows["replicate"] == r]["state"].value_counts().to_dict()
                for r in (0, 1)
            }
            for name, rows in (("cheap", cheap), ("dear", dear))
        },
        "icc": {
            name: _estimate(noise.icc)
            for name, noise in (
                ("cheap", found.found.cheap_noise),
                ("dear", found.found.dear_noise),
            )
        },
        "seed_std_of_error": {
            name: _estimate(noise.seed_std)
            for name, noise in (
                ("cheap", found.found.cheap_noise),
                ("dear", found.found.dear_noise),
            )
        },
        "cpu_seconds_a_training_mean_median_max": {
            "cheap": cpu_seconds(found.cheap.store.path),
            "dear": cpu_seconds(found.dear.store.path),
        },
        "rows": fidelity_rows(found.found),
        "baselines_kendall_tau_b": {
            "shuffled_95_percent": shuffled(found.found.cheap, found.found.dear),
            "cheap with its second seed": between(cheap, 0, cheap, 1),
            "dear with its second seed": between(dear, 0, dear, 1),
            "cheap first, dear second seed": between(cheap, 0, dear, 1),
            "cheap second, dear first seed": between(cheap, 1, dear, 0),
        },
        "errors": [
            {"network": i, "cheap": by_seed(cheap, i), "dear": by_seed(dear, i)}
            for i in found.found.indices
        ],
    }


def between(a: pd.DataFrame, seed_a: int, b: pd.DataFrame, seed_b: int) -> Any:
    """Tau-b between two seeds, over the networks that ended with both.

    Second seeds go to the networks by their number, so those that have one are a random sample.
    """
    known = []
    for rows, seed in ((a, seed_a), (b, seed_b)):
        ended = rows[(rows["replicate"] == seed) & ~rows["state"].isin(["running", "waiting"])]
        known.append(pd.Series(outcomes(ended), index=ended["index"]))
    both = sorted(set(known[0].index) & set(known[1].index))
    tau, _ = rank_agreement(*(np.asarray(values.loc[both], dtype=float) for values in known))
    return _estimate(tau)


def shuffled(x: FloatArray, y: FloatArray) -> list[float]:
    """The middle 95 % of tau-b with the dear errors shuffled among the networks."""
    rng, one = np.random.default_rng(0), np.ones((1, len(x)))
    found = [float(kendall_tau(x, rng.permutation(y))(one)[0]) for _ in range(SHUFFLES)]
    return [round(float(q), 4) for q in np.percentile(found, (2.5, 97.5))]


def by_seed(rows: pd.DataFrame, index: int) -> list[float | str]:
    """The errors of a network by seed, or how a training ended."""
    here = rows[rows["index"] == index].sort_values("replicate")
    return [e if s == "complete" else s for e, s in zip(here["error"], here["state"], strict=True)]


def cpu_seconds(store: Path | None) -> list[float]:
    """CPU seconds of one training: mean, median and largest."""
    assert store is not None, "the stores are files"
    with sqlite3.connect(store) as connection:
        rows = connection.execute("select cpu_seconds from dse_trials where error is not null")
        seconds = [row[0] for row in rows]
    return [round(float(f(seconds)), 2) for f in (np.mean, np.median, np.max)]


def report(result: dict[str, Any], sentences: tuple[str, ...]) -> str:
    """The result as Markdown."""
    about = {k: result[k] for k in ("date", "device", "cores", "dtype", "epochs", "n_networks")}
    about |= {"torch": result["study"]["versions"]["torch"], "states": result["states"]}
    about |= {"cpu_seconds": result["cpu_seconds_a_training_mean_median_max"]}
    lines = ["# The default proxy beside one three times longer", "", json.dumps(about), ""]
    lines += ["| number | value | 95 % interval | by chance | n |", "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(table_row(row).values())} |" for row in result["rows"]]
    lines += ["", "| τ-b between | value | 95 % interval | n |", "|---|---|---|---|"]
    for name, found in result["baselines_kendall_tau_b"].items():
        if isinstance(found, list):
            lines.append(f"| shuffled networks | 0 | {found[0]} to {found[1]} | |")
        elif found:
            bounds = f"{found['lower']} to {found['upper']}"
            lines.append(f"| {name} | {found['value']} | {bounds} | {found['n']} |")
    lines += ["", *(f"- {sentence}" for sentence in sentences)]
    return "\n".join(lines) + "\n"


def _estimate(found: Estimate | None) -> dict[str, Any] | None:
    if found is None:
        return None
    numbers = {k: round(getattr(found, k), 4) for k in ("value", "lower", "upper")}
    return numbers | {"n": found.n}


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stores", type=Path, default=None, help="keep the studies here")
    parser.add_argument("--read", action="store_true", help="take the stores as they are")
    parser.add_argument("--page", type=Path, default=None, help="write the page here too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.stores or Path(temporary)
        stores = folder / "embedded.db", folder / "embedded_long.db"
        if arguments.read:
            found = compare_stores(*stores)
        else:
            found = fidelity_job(
                space=str(SPACE),
                budget="4.5GFLOPs",
                seed=arguments.seed,
                stratify=STRATIFY,
                models=arguments.models,
                cheap="embedded",
                dear="embedded_long",
                repeat="100%",
                store_cheap=str(stores[0]),
                store_dear=str(stores[1]),
            )
        result = measure(found)
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "fidelity-cpu.json").write_text(json.dumps(result, indent=2) + "\n")
        (RESULTS / "fidelity-cpu.md").write_text(report(result, found.sentences))
        if arguments.page:
            found.write_page(arguments.page)
    print(report(result, found.sentences))


if __name__ == "__main__":
    main()
