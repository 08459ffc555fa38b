"""How much better than random draws each search does, on made-up errors of real networks.

    python benchmarks/search.py [--seeds 20] [--networks 64] [--only tpe,gp]

Writes benchmarks/results/search.json. Nothing is trained: the error of a network is a smooth
function of its distance to a target network, which each seed draws anew from the shipped space at
4.5 GFLOPs, together with the weight of every choice. All methods see the same functions. Random
draws are those of a survey. With `+warm`, a search begins with a survey of 24 networks, which are
not counted among its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dse.analysis.distributions import quantile
from dse.architecture import Architecture
from dse.proxy.device import device_name
from dse.proxy.load import load_proxy
from dse.space import Budget, Sampler, load_space
from dse.study.axes import to_params
from dse.study.search.algorithms import ALGORITHMS
from dse.study.search.loop import run
from dse.study.search.plan import Search
from dse.study.search.records import Asked, Found, Told
from dse.study.slots import slot_values

RESULT = Path(__file__).parent / "results" / "search.json"
SPACE = Path(__file__).parents[1] / "spaces" / "convnext_space.yaml"
BUDGET = Budget.parse("4.5GFLOPs")
WARM = 24
CHOICES = ("block_order", "norm_layer", "act_layer", "pointwise", "stem", "downsampling")
COUNTS = ("norms_per_block", "acts_per_block")
Objective = Callable[[Architecture], float]


def features(network: Architecture) -> np.ndarray:
    """The numbers of a network, each varying by about one over the space."""
    growth = np.diff(np.log2(network.dims)) / 0.3
    kernels = (np.array(network.kernel_sizes) - 6) / 2
    ratio = network.expansion_ratio
    assert isinstance(ratio, int | float)
    others = [(ratio - 3.5) / 1.5, math.log10(network.ls_init_value or 1) / 3]
    counts = [getattr(network, name) - 2 for name in COUNTS]
    depths = np.log2(network.depths) - 1.5
    return np.concatenate([depths, growth, kernels, others, counts])


def make_objective(seed: int) -> Objective:
    """A smooth error around a target network, with weights and a mixing of the numbers by seed."""
    rng = np.random.default_rng(seed)
    target = Sampler(space=load_space(SPACE), budget=BUDGET, seed=10_000 + seed).sample(0)
    goal = features(target.architecture)
    weights = rng.gamma(1.0, size=len(goal))
    mixing = np.eye(len(goal)) + 0.3 * rng.normal(size=(len(goal),) * 2) / math.sqrt(len(goal))
    prices = rng.gamma(1.0, size=len(CHOICES))

    def error(network: Architecture) -> float:
        far = mixing @ (features(network) - goal)
        distance = float(np.sum(weights * far**2) / np.sum(weights)) / 2
        chosen = [getattr(network, n) != getattr(target.architecture, n) for n in CHOICES]
        distance += float(prices @ np.array(chosen) / np.sum(prices)) / 2
        return 0.2 + 0.6 * (1 - math.exp(-distance))

    return error


class Errors:
    """Trainings that are the objective's value at once."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._asked: list[Asked] = []

    def asked(self) -> Sequence[Asked]:
        """Nothing is kept from before."""
        return ()

    def add(self, asked: Sequence[Asked]) -> None:
        """Keep further networks."""
        self._asked += asked

    def train(
        self, numbers: Sequence[int], *, replicate: int = 0, until_epoch: int | None = None
    ) -> list[Told]:
        """The errors of the networks."""
        errors = {n: self._objective(self._asked[n].architecture) for n in numbers}
        return [Told(number=n, state="complete", curve={1: e}) for n, e in errors.items()]

    @contextlib.contextmanager
    def begin(self, asked: Sequence[Asked]) -> Iterator[None]:
        """Show nothing."""
        yield

    def tell(self, found: Sequence[Found]) -> None:
        """Show nothing."""


def surveyed(objective: Objective, seed: int, networks: int) -> list[Found]:
    """A survey's networks with their errors."""
    sampler = Sampler(space=load_space(SPACE), budget=BUDGET, seed=seed)
    batch = sampler.batch(np.arange(networks))
    found = []
    for row in range(networks):
        sample = batch.sample(row)
        params = to_params(sampler.space, slot_values(batch.drawer, batch.draft.draws, row))
        asked = Asked(number=row, architecture=sample.architecture, cost=sample.cost, params=params)
        error = objective(sample.architecture)
        found.append(Found(asked=asked, told=Told(number=row, state="complete", curve={1: error})))
    return found


def errors_of(method: str, seed: int, networks: int) -> tuple[list[float], float]:
    """The errors of a method's networks in order, and seconds for each of them."""
    objective = make_objective(seed)
    begin = time.perf_counter()
    if method == "random":  # the first networks are those that warm searches begin with
        found = surveyed(objective, seed, WARM + networks)[WARM:]
        errors = [each.told.curve[1] for each in found]
    else:
        algorithm, _, warm = method.partition("+")
        search = Search(
            sampler=Sampler(space=load_space(SPACE), budget=BUDGET, seed=seed),
            proxy=load_proxy("embedded"),
            algorithm=algorithm,
            networks=networks,
        )
        trainings = Errors(objective)
        before = surveyed(objective, seed, WARM) if warm else ()
        found = run(search, trainings, trainings, warm=before)
        errors = [each.told.curve[1] for each in found]
    return errors, (time.perf_counter() - begin) / networks


def compare(errors: dict[str, np.ndarray], networks: int) -> dict[str, Any]:
    """Of each method the best error of its first networks, and its gain over random draws."""
    rows = {}
    baseline = errors["random"][:, :networks].min(axis=1)
    for method, values in errors.items():
        best = values[:, :networks].min(axis=1)
        middle = quantile(best, 0.5)
        gain = baseline - best
        shift = quantile(gain + 1, 0.5)  # the interval's floor of 0 is that of errors
        rows[method] = {
            "best_error_median": round(middle.value, 4),
            "best_error_interval": [round(middle.lower, 4), round(middle.upper, 4)],
            "gain_median": round(shift.value - 1, 4),
            "gain_interval": [round(shift.lower - 1, 4), round(shift.upper - 1, 4)],
            "better_than_random": f"{int((gain > 0).sum())} of {len(gain)}",
        }
    return rows


def main() -> None:
    """Compare and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--networks", type=int, default=64)
    parser.add_argument("--only", default="")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    names = options.only.split(",") if options.only else ALGORITHMS
    methods = ["random"]
    methods += [f"{name}{warm}" for name in names for warm in ("", "+warm")]
    errors: dict[str, np.ndarray] = {}
    seconds = {}
    with ProcessPoolExecutor(options.workers) as pool:
        for method in methods:
            calls = [
                pool.submit(errors_of, method, seed, options.networks)
                for seed in range(options.seeds)
            ]
            found = [call.result() for call in calls]
            errors[method] = np.array([values for values, _ in found])
            seconds[method] = round(float(np.median([each for _, each in found])), 4)
            print(method, f"{seconds[method]:.3f} s a network", flush=True)
    counts = [n for n in (16, 32, 64, 128) if n <= options.networks]
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "device": device_name(torch.device("cpu")),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("dse", "optuna", "cmaes", "torch", "numpy")},
        "space": load_space(SPACE).name,
        "budget": str(BUDGET),
        "n_seeds": options.seeds,
        "generation": 8,
        "interval": "95 % of the median over seeds, by interpolated order statistics",
        "seconds_a_network": seconds,
        "best_of": {str(n): compare(errors, n) for n in counts},
    }
    for n in counts:
        for method, row in result["best_of"][str(n)].items():
            print(n, f"{method:14}", row)
    if not options.only:
        RESULT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
