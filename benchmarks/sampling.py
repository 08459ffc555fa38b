"""How fast, how true and how wasteful sampling inside a budget is, beside plain rejection.

    python benchmarks/sampling.py

Writes benchmarks/results/sampling.json and sampling.md. One core. Every network is counted again
by the closed form of one network (`dse.architecture.cost`), and a few by fvcore on the built
module, neither of which the sampler uses. The baseline draws the same space's shapes with a prior
of the first width, and rejects what misses the window.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import platform
import time
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats

from dse.architecture import cost
from dse.architecture.catalog import CATALOG
from dse.architecture.regnet import compatible, quantized_widths
from dse.errors import UserError
from dse.network import build
from dse.network.verify import count
from dse.proxy.device import device_name
from dse.space import Budget, DesignSpace, Sampler, load_space
from dse.space.sampling.draft import draft
from dse.space.sampling.shapes import WRONG_STAGES

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
ANYNETX = ("200MFLOPs", "360-400MFLOPs", "600MFLOPs")
ANYNEXT = ("9GFLOPs", "15GFLOPs", "30GFLOPs")
BUDGETS: dict[str, tuple[str, ...]] = {
    "anynetx_a": ANYNETX,
    "anynetx_b": ANYNETX,
    "anynetx_c": ANYNETX,
    "anynetx_d": ANYNETX,
    "anynetx_e": ANYNETX,
    "anynext_a": ANYNEXT,
    "anynext_b": ANYNEXT,
    "anynext_c": ANYNEXT,
    "anynext_d": ANYNEXT,
    "anynext_e": ANYNEXT,
    "convnext": ("1GFLOPs", "4.5GFLOPs", "15GFLOPs"),
    "convnextv2": ("1GFLOPs", "4.5GFLOPs", "15GFLOPs"),
    "isotropic": ("2GFLOPs", "4.5GFLOPs", "15GFLOPs"),
    "linear_or_conv": ("1GFLOPs", "4.5GFLOPs", "15GFLOPs"),
    "regnetx": ("200MFLOPs", "360-400MFLOPs", "600MFLOPs"),
    "regnetx_pycls": ("1.6GFLOPs", "4GFLOPs", "8GFLOPs"),
    "regnext": ("1GFLOPs", "4.5GFLOPs", "15GFLOPs"),
    "roadmap": ("4.5GFLOPs", "8GFLOPs", "15GFLOPs"),
}
"""Three budgets that suit each space of the library."""


def timed(sampler: Sampler, n: int) -> dict[str, Any]:
    """Networks a second in bulk and one at a time, as `Sample`s with their architectures."""
    begin = time.perf_counter()
    samples = list(sampler.samples(n))
    bulk = n / (time.perf_counter() - begin)
    singles = min(n, 2000)
    begin = time.perf_counter()
    alone = [sampler.sample(index) for index in range(singles)]
    single = singles / (time.perf_counter() - begin)
    assert alone == samples[:singles]
    wrong = sum(
        cost(s.architecture) != s.cost or not sampler.budget.contains(s.cost.flops) for s in samples
    )
    refusals = sum((s.refusals for s in samples), Counter[str]())
    outside = refusals[WRONG_STAGES]
    draws = n + refusals.total() - outside
    return {
        "space": sampler.space.name,
        "budget": str(sampler.budget),
        "n": n,
        "bulk_per_second": round(bulk),
        "single_per_second": round(single),
        "miscounted_or_outside": wrong,
        "draws_used": n / draws,
        "draws_used_95": list(stats.binomtest(n, draws).proportion_ci(0.95)),
        "draws_outside_space": outside,
        "refusals": dict(refusals),
        "marginals": marginals(sampler, n),
    }


def marginals(sampler: Sampler, n: int) -> dict[str, Any]:
    """Realised marginals of all free slots against what the method promises.

    The promise is the prior restricted to shapes that can meet the budget. It is drawn here by
    itself: points of another generator, each tried once. Two-sample tests: chi-square, or
    Kolmogorov-Smirnov for continua. `prior_p` compares with the unrestricted prior instead, which
    shows what the budget does to it (untied choices only).
    """
    drawer = sampler.drawer
    drawn = sampler.batch(np.arange(n)).draft.draws
    points = np.random.default_rng(20_26).random((n, len(drawer.columns)))
    promised = draft(drawer, sampler.budget, sampler.population, points)
    while (promised.reasons == "").sum() < n / 2:
        points = np.random.default_rng(len(points)).random((2 * len(points), len(drawer.columns)))
        promised = draft(drawer, sampler.budget, sampler.population, points)
    promised = promised.take(np.flatnonzero(promised.reasons == ""))
    found: dict[str, float] = {}
    prior: dict[str, float] = {}
    deviations: dict[str, float] = {}
    for name in drawer.columns:
        if name == "dims.first" and sampler.population == "solved":
            continue
        values = sampler.space.slots[name].values
        one = drawer.slot(name, drawn)[drawer.drawn(name, drawn)]
        other = drawer.slot(name, promised.draws)[drawer.drawn(name, promised.draws)]
        if values is None or len(values) > 100:
            found[name] = float(stats.ks_2samp(one.astype(float), other.astype(float)).pvalue)
            continue
        counts = [Counter(column.tolist()) for column in (one, other)]
        table = np.array([[count[value] for value in values] for count in counts])
        table = table[:, table.sum(axis=0) > 0]
        found[name] = float(stats.chi2_contingency(table).pvalue)
        shares = table / table.sum(axis=1, keepdims=True)
        pooled = table.sum(axis=0) / table.sum()
        error = np.sqrt(pooled * (1 - pooled) * (1 / table.sum(axis=1)).sum())
        deviations[name] = float((np.abs(shares[0] - shares[1]) / np.maximum(error, 1e-12)).max())
        probabilities = sampler.space.slots[name].probabilities
        if "." not in name and probabilities is not None and table.shape[1] == len(values):
            prior[name] = float(stats.chisquare(table[0], table[0].sum() * probabilities).pvalue)
    if not found:
        return {"slots": 0}
    name = min(found, key=lambda key: found[key])
    return {
        "slots": len(found),
        "promised_n": len(promised.reasons),
        "smallest_p": found[name],
        "smallest_p_bonferroni": min(1.0, len(found) * found[name]),
        "of": name,
        "largest_deviation_in_standard_errors": max(deviations.values(), default=None),
        "smallest_prior_p_bonferroni": min(1.0, len(prior) * min(prior.values(), default=1.0)),
    }


def rejection(space: DesignSpace, budget: Budget, n: int) -> dict[str, Any]:
    """Plain rejection on the same space, in bulk: draw the first width too."""
    data = space.definition()
    data["parameters"]["dims"] |= {"first": {"log_uniform": [16, 512], "step": 8}}
    sampler = Sampler(
        space=DesignSpace.model_validate(data), budget=budget, population="conditioned"
    )
    begin = time.perf_counter()
    samples = list(sampler.samples(n))
    seconds = time.perf_counter() - begin
    draws = n + sum(s.refusals.total() for s in samples)
    return {
        "space": space.name,
        "budget": str(budget),
        "n": n,
        "bulk_per_second": round(n / seconds),
        "draws_used": n / draws,
        "draws_used_95": list(stats.binomtest(n, draws).proportion_ci(0.95)),
    }


def regnetx(n: int) -> dict[str, Any]:
    """RegNetX as pycls draws it, from 360 to 400 MFLOPs: 0.54 % of all draws."""
    sampler = Sampler(
        space=load_space(ROOT / "spaces" / "regnetx_pycls.yaml"),
        budget=Budget.parse("360-400MFLOPs"),
        population="conditioned",
    )
    begin = time.perf_counter()
    samples = list(sampler.samples(n))
    seconds = time.perf_counter() - begin
    draws = n + sum(s.refusals.total() for s in samples)
    return {
        "n": n,
        "draws": draws,
        "acceptance": n / draws,
        "acceptance_95": list(stats.binomtest(n, draws).proportion_ci(0.95)),
        "published": 0.0054,
        "miscounted": sum(cost(s.architecture) != s.cost for s in samples),
        "networks_per_second": round(n / seconds),
        "draws_per_second": round(draws / seconds),
    }


def plain_rejection(draws: int) -> dict[str, Any]:
    """The same acceptance in plain words, one draw at a time, without the sampler."""
    rng = np.random.default_rng(0)

    def log_uniform(low: float, high: float, step: float) -> float:
        start = low - min(step, low / 2)
        drawn: float = start * (high / start) ** (1 - rng.random())
        return math.ceil(drawn / step - 1e-9) * step

    accepted = 0
    for _ in range(draws):
        depth = int(rng.integers(12, 29))
        initial, slope = int(log_uniform(8, 256, 8)), log_uniform(8, 256, 0.1)
        multiplier, group = log_uniform(2, 3, 0.001), int(log_uniform(8, 128, 8))
        ranks = np.round(np.log(1 + slope * np.arange(depth) / initial) / np.log(multiplier))
        dims, depths = quantized_widths(initial, slope, multiplier, depth)
        if len(dims) != 4 or ranks.max() != 3:
            continue
        dims, groups = compatible(dims, 1.0, group)
        network = dataclasses.replace(
            CATALOG["regnetx_200mf"], depths=depths, dims=dims, group_width=groups
        )
        accepted += 360e6 <= cost(network).flops <= 400e6
    return {
        "draws": draws,
        "acceptance": accepted / draws,
        "acceptance_95": list(stats.binomtest(accepted, draws).proportion_ci(0.95)),
    }


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=100_000, help="networks of the convnext space")
    parser.add_argument("--library", type=int, default=10_000, help="networks of each other space")
    parser.add_argument("--acceptance", action="store_true", help="RegNetX's acceptance alone")
    options = parser.parse_args()
    if options.acceptance:
        results = json.loads(RESULTS.joinpath("sampling.json").read_text())
        write(results | {"regnetx_pycls": acceptances()})
        return
    convnext = load_space(ROOT / "spaces" / "convnext_space.yaml")
    budget = Budget.parse("4.5GFLOPs")
    headline = timed(Sampler(space=convnext, budget=budget), options.n)
    print(json.dumps(headline, indent=1))
    built = list(Sampler(space=convnext, budget=budget, seed=1).samples(20))
    fvcore = sum(count(build(s.architecture), resolution=224) != s.cost for s in built)
    baselines = [
        rejection(convnext, Budget.parse("4.5GFLOPs", tolerance=t), 2000) for t in ("1%", "10%")
    ]
    print(json.dumps(baselines, indent=1))
    acceptance = acceptances()
    print(json.dumps(acceptance, indent=1))
    library: list[dict[str, Any]] = []
    for path in sorted((ROOT / "spaces").glob("*.yaml")):
        space = load_space(path)
        for text in BUDGETS[space.name]:
            try:
                row = timed(Sampler(space=space, budget=Budget.parse(text)), options.library)
            except UserError as error:
                row = {"space": space.name, "budget": text, "refused": str(error)}
            library.append(row)
            print({k: row[k] for k in row if k not in ("refusals", "marginals")})
    results = {
        "date": datetime.now(UTC).date().isoformat(),
        "device": device_name(torch.device("cpu")),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "scipy")},
        },
        "convnext": headline,
        "fvcore_on_built_modules": {"n": len(built), "different": fvcore},
        "rejection": baselines,
        "regnetx_pycls": acceptance,
        "library": library,
    }
    write(results)


def acceptances() -> dict[str, Any]:
    """RegNetX's acceptance, by the sampler and by plain rejection."""
    today = datetime.now(UTC).date().isoformat()
    return {"date": today} | regnetx(10_000) | {"plain": plain_rejection(500_000)}


def write(results: dict[str, Any]) -> None:
    """Keep the results as data and as a page."""
    RESULTS.joinpath("sampling.json").write_text(json.dumps(results, indent=1) + "\n")
    RESULTS.joinpath("sampling.md").write_text(report(results))


def report(results: dict[str, Any]) -> str:
    """The results as a page."""
    head = results["convnext"]
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    lines = [
        "# Sampling inside a budget",
        "",
        f"{results['date']}, {results['device']}, one core, {versions}; `python "
        "benchmarks/sampling.py`. A draw is used if the shape, once in the space, can meet the "
        "budget. Wrong: the cost differs from the closed form of one network, or lies outside. "
        "Promise: the prior restricted to shapes that can meet the budget, drawn by itself with "
        "another generator; p is Bonferroni's over all free slots, deviations are over all values "
        "of all slots.",
        "",
        "| space | budget | n | bulk a second | one at a time a second | wrong | draws used | "
        "marginals, smallest p against the promise | largest deviation in standard errors | "
        "against the unrestricted prior |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in [head, *results["library"]]:
        if "refused" in row:
            lines.append(f"| {row['space']} | {row['budget']} | {row['refused']} | | | | | | | |")
            continue
        tests = row["marginals"]
        lines.append(
            f"| {row['space']} | {row['budget']} | {row['n']:,} | {row['bulk_per_second']:,} | "
            f"{row['single_per_second']:,} | {row['miscounted_or_outside']} | "
            f"{row['draws_used']:.2%} | {tests['smallest_p_bonferroni']:.2g} | "
            f"{tests['largest_deviation_in_standard_errors']:.2f} | "
            f"{tests['smallest_prior_p_bonferroni']:.2g} |"
        )
    text = "Plain rejection on the convnext space, the first width log-uniform from 16 to 512:"
    lines += ["", text, ""]
    for row in results["rejection"]:
        low, high = row["draws_used_95"]
        lines.append(
            f"- {row['budget']}: {row['draws_used']:.2%} of draws used (95 % interval {low:.2%} to "
            f"{high:.2%}, n = {row['n']:,}), {row['bulk_per_second']:,} networks a second."
        )
    reg = results["regnetx_pycls"]
    low, high = reg["acceptance_95"]
    plain = reg["plain"]
    low2, high2 = plain["acceptance_95"]
    lines += [
        "",
        f"RegNetX as pycls draws it, 360 to 400 MFLOPs, conditioned: {reg['acceptance']:.3%} of "
        f"{reg['draws']:,} draws (95 % interval {low:.3%} to {high:.3%}; published 0.54 %), "
        f"{reg['networks_per_second']:,} networks and {reg['draws_per_second']:,} draws a second; "
        f"{reg['miscounted']} of {reg['n']:,} costs differ from the closed form's. Plain "
        f"rejection, one draw at a time and without the sampler: {plain['acceptance']:.3%} of "
        f"{plain['draws']:,} draws (95 % interval {low2:.3%} to {high2:.3%}). How the published "
        "share was counted, and of how many draws, is not known.",
        "",
        f"fvcore on {results['fvcore_on_built_modules']['n']} built modules: "
        f"{results['fvcore_on_built_modules']['different']} differ.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
