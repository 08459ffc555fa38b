"""How fast, how true and how wasteful sampling inside a budget is, beside plain rejection.

    python benchmarks/sampling.py

Writes benchmarks/results/sampling.json and sampling.md. One core. Every network is counted again
by the closed form of one network (`dse.architecture.cost`), and a few by fvcore on the built
module, neither of which the sampler uses. The baseline draws the same space's shapes with a prior
of the first width, and rejects what misses the window.
"""

from __future__ import annotations

import argparse
import json
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
from dse.errors import UserError
from dse.network import build
from dse.network.verify import count
from dse.proxy.device import device_name
from dse.space import Budget, DesignSpace, Sampler, load_space
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
    """Realised marginals of the free finite slots, untied, against their priors."""
    batch = sampler.batch(np.arange(n))
    found: dict[str, float] = {}
    deviations: dict[str, tuple[float, float]] = {}
    tied = {
        name
        for name, given in sampler.space.parameters.given.items()
        if getattr(given, "tie", "free") not in ("free", "shared") or getattr(given, "when", None)
    }
    for name, prior in sampler.space.slots.items():
        base = name.partition(".")[0]
        lined = base == "dims" and sampler.space.parameters.dims.quantized_linear is not None
        if prior.values is None or prior.is_fixed or base in tied or lined:
            continue
        assert prior.probabilities is not None
        drawn = Counter(batch.drawer.slot(name, batch.draft.draws).tolist())
        observed = np.array([drawn[value] for value in prior.values])
        found[name] = float(stats.chisquare(observed, n * prior.probabilities).pvalue)
        errors = np.sqrt(prior.probabilities * (1 - prior.probabilities) / n)
        z = np.abs(observed / n - prior.probabilities) / errors
        worst = int(z.argmax())
        share = observed[worst] / n - prior.probabilities[worst]
        deviations[name] = (float(share), float(z[worst]))
    if not found:
        return {"slots": 0}
    name = min(found, key=lambda key: found[key])
    loudest = max(deviations, key=lambda key: deviations[key][1])
    return {
        "slots": len(found),
        "smallest_p": found[name],
        "smallest_p_bonferroni": min(1.0, len(found) * found[name]),
        "of": name,
        "largest_deviation": deviations[loudest][0],
        "in_standard_errors": deviations[loudest][1],
        "in": loudest,
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


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=100_000, help="networks of the convnext space")
    parser.add_argument("--library", type=int, default=10_000, help="networks of each other space")
    options = parser.parse_args()
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
    acceptance = regnetx(3000)
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
        "budget. Wrong: the cost differs from the closed form of one network, or lies outside.",
        "",
        "| space | budget | n | bulk a second | one at a time a second | wrong | draws used | "
        "marginals against priors: smallest p (Bonferroni) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in [head, *results["library"]]:
        if "refused" in row:
            lines.append(f"| {row['space']} | {row['budget']} | {row['refused']} | | | | | |")
            continue
        p = row["marginals"].get("smallest_p_bonferroni")
        lines.append(
            f"| {row['space']} | {row['budget']} | {row['n']:,} | {row['bulk_per_second']:,} | "
            f"{row['single_per_second']:,} | {row['miscounted_or_outside']} | "
            f"{row['draws_used']:.2%} | {'' if p is None else f'{p:.2g}'} |"
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
    lines += [
        "",
        f"RegNetX as pycls draws it, 360 to 400 MFLOPs, conditioned: {reg['acceptance']:.3%} of "
        f"{reg['draws']:,} draws (95 % interval {low:.3%} to {high:.3%}; published 0.54 %), "
        f"{reg['networks_per_second']:,} networks and {reg['draws_per_second']:,} draws a second; "
        f"{reg['miscounted']} of {reg['n']:,} costs differ from the closed form's.",
        "",
        f"fvcore on {results['fvcore_on_built_modules']['n']} built modules: "
        f"{results['fvcore_on_built_modules']['different']} differ.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
