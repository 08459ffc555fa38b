"""What a space is, before any training: priors, feasibility, realised marginals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy import stats

from dse.space.budget import Budget
from dse.space.design_space import DesignSpace, differences
from dse.space.priors import Prior
from dse.space.sampler import Sample, Sampler

Row = dict[str, Any]


def describe_rows(
    space: DesignSpace, budget: Budget | None, *, seed: int = 0, draws: int = 500
) -> Iterator[Row]:
    """One row for each drawn value; with a budget also what `draws` networks in it look like.

    Raises:
        UserError: no network can meet the budget.
    """
    if budget is None:
        for name, prior in space.priors.items():
            yield {"parameter": name, "prior": prior_text(prior)}
        return
    samples = list(Sampler(space=space, budget=budget, seed=seed).samples(draws))
    networks = [flatten(sample) for sample in samples]
    for name, prior in space.priors.items():
        values = [n[name] for n in networks] if name in networks[0] else None
        if name in ("depths", "kernel_sizes"):  # shared by all stages
            values = [n[f"{name}.1"] for n in networks]
        realised = marginal_text(values) if values else ""
        yield {"parameter": name, "prior": prior_text(prior), "realised": realised}
    for stage in range(1, space.stages + 1):
        widths = marginal_text([n[f"dims.{stage}"] for n in networks])
        yield {"parameter": f"dims.{stage}", "prior": "solved for the budget", "realised": widths}
    yield {"parameter": "draws used", "prior": "", "realised": feasibility_text(samples)}


def compare_rows(a: DesignSpace, b: DesignSpace) -> Iterator[Row]:
    """The choices in which two spaces differ, then both sizes."""
    rows = [
        *differences(a, b),
        ("free choices", str(a.dimension), str(b.dimension)),
        ("log10 of the number of shapes", f"{a.log10_size:.2f}", f"{b.log10_size:.2f}"),
    ]
    for name, before, after in rows:
        yield {"choice": name, "first": before, "second": after}


def flatten(sample: Sample) -> dict[str, Any]:
    """An architecture's values by name, those of a stage with its number behind a point."""
    flat: dict[str, Any] = {}
    for name, value in sample.architecture.to_dict().items():
        if isinstance(value, list):
            flat |= {f"{name}.{stage}": entry for stage, entry in enumerate(value, start=1)}
        else:
            flat[name] = value
    return flat


def prior_text(prior: Prior) -> str:
    """A prior in words."""
    if prior.choice is not None:
        names = ", ".join("none" if value is None else str(value) for value in prior.choice)
        return f"one of {names}" if len(prior.choice) > 1 else f"fixed at {names}"
    low, high = prior.limits
    kind = "uniform" if prior.uniform is not None else "log-uniform"
    steps = "" if prior.step is None else f" in steps of {prior.step:g}"
    return f"{kind} from {low:g} to {high:g}{steps}"


def marginal_text(values: Sequence[Any]) -> str:
    """The distribution of values in a line: shares of a few, else median and the middle 90 %."""
    counts = Counter(values)
    if len(counts) <= 6:
        common = sorted(counts.items(), key=lambda item: str(item[0]))
        return ", ".join(f"{name} {n / len(values):.0%}" for name, n in common)
    low, median, high = np.percentile(np.array(values, dtype=float), (5, 50, 95))
    return f"median {median:g}, 90 % within {low:g} to {high:g}"


def feasibility_text(samples: Sequence[Sample]) -> str:
    """The share of drawn shapes that can meet the budget, with a 95 % interval, and the reasons."""
    refusals = Counter(reason for sample in samples for reason in sample.refusals)
    draws = len(samples) + refusals.total()
    interval = stats.binomtest(len(samples), draws).proportion_ci(0.95, method="exact")
    text = (
        f"{len(samples) / draws:.2%} of {draws} "
        f"(95 % interval {interval.low:.2%} to {interval.high:.2%})"
    )
    reasons = ", ".join(f"{count} {reason}" for reason, count in refusals.most_common())
    return f"{text}; {reasons}" if reasons else text
