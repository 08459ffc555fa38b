"""Comparing two sub-spaces: tests, differences, the band of the gap, P(A beats B), components.

A are the networks whose last layer is an expansion of 3 (choice 1), B those without one there: both
are parts of the complete space, so that every truth is known. n is the number of networks of each.
Tests of equal distributions draw the whole space twice; that of equal means draws A, and B shifted
to the mean of A.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

from coverage_cases.case import Case, FloatArray, Sample, Space, draw
from dse.analysis.estimate import Estimate
from dse.analysis.spaces.components import NORMAL_QUARTILES, components
from dse.analysis.spaces.differences import mean_difference, mean_p_value, quantile_difference
from dse.analysis.spaces.dominance import beats, edf_gap
from dse.analysis.spaces.tests import permutation_tests

PERMUTATIONS = 999
TESTS: tuple[tuple[str, Literal["test", "discrete test"]], ...] = (
    ("Kolmogorov-Smirnov", "discrete test"),  # the gap is one of a few multiples of 1/n
    ("Anderson-Darling", "test"),
)


def parts(space: Space) -> tuple[FloatArray, FloatArray]:
    """Errors (networks, 3) of A and B."""
    in_a = space.layers[:, -1] == 1
    return space.errors[in_a], space.errors[~in_a]


def drawn(sample: Sample) -> tuple[FloatArray, FloatArray]:
    """One error each of n networks of A and of B, independently and with replacement."""
    n = len(sample.errors)
    a, b = (sample.rng.choice(part.ravel(), n) for part in parts(sample.space))
    return a, b


def holds(found: Estimate, truth: float) -> bool:
    """Whether the interval covers."""
    return found.lower <= truth <= found.upper


def interval(
    name: str,
    estimate: Callable[[FloatArray, FloatArray], Estimate],
    truth: Callable[[FloatArray, FloatArray], float],
) -> Case:
    """A case of an estimate from A and B."""
    return Case(
        name=name,
        kind="interval",
        truth=lambda space: truth(*(part.ravel() for part in parts(space))),
        covers=lambda sample, value: holds(estimate(*drawn(sample)), value),
    )


def true_quantile_difference(p: float, a: FloatArray, b: FloatArray) -> float:
    """Of the inverse distribution functions."""
    first, second = (np.quantile(part, p, method="inverted_cdf") for part in (a, b))
    return float(first - second)


def true_beats(a: FloatArray, b: FloatArray) -> float:
    """P(A beats B) over all pairs of trainings."""
    ordered = np.sort(b)
    sides = [np.searchsorted(ordered, a, side=side) for side in ("left", "right")]
    return float(1 - np.mean(sides) / b.size)


def true_gap(space: Space) -> tuple[FloatArray, FloatArray]:
    """Every error of the space, and F_A - F_B just above it."""
    a, b = (np.sort(part.ravel()) for part in parts(space))
    grid = np.unique(space.errors)
    shares = [np.searchsorted(part, grid, side="right") / part.size for part in (a, b)]
    return grid, shares[0] - shares[1]


def gap_covers(sample: Sample, truth: tuple[FloatArray, FloatArray]) -> bool:
    """Whether the whole true difference is in the band."""
    grid, gap = truth
    found = edf_gap(*drawn(sample))
    half = float((found.upper - found.lower).max()) / 2
    here = np.searchsorted(found.errors, grid, side="right")
    steps = np.concatenate([[0.0], found.gap])
    return bool(np.abs(steps[here] - gap).max() <= half)


def rejects(which: int, sample: Sample, _: object) -> bool:
    """Whether KS (0) or Anderson-Darling (1) tells the space from itself."""
    other = draw(sample.space, len(sample.errors), sample.rng)
    found = permutation_tests(
        sample.errors,
        other.errors,
        permutations=PERMUTATIONS,
        seed=int(sample.rng.integers(2**32)),
    )
    return found[which].p_value <= 0.05


def rejects_equal_means(sample: Sample, _: object) -> bool:
    """Whether Welch's test tells A from B shifted to its mean."""
    a, b = (np.log(part) for part in drawn(sample))
    true_a, true_b = (np.log(part).mean() for part in parts(sample.space))
    return mean_p_value(a, b + true_a - true_b) <= 0.05


def with_two_seeds(sample: Sample) -> tuple[FloatArray, FloatArray]:
    """One error of each network, and two of the first quarter, at least twelve."""
    errors = sample.rng.permuted(sample.space.errors[sample.rows], axis=1)
    return errors[:, 0], errors[: max(12, len(errors) // 4), :2]


def true_spread(which: str, space: Space) -> float:
    """Standard deviations of single trainings (by quartiles), seeds, and networks."""
    low, high = np.quantile(space.errors, (0.25, 0.75), method="inverted_cdf")
    one = float((high - low) / NORMAL_QUARTILES) ** 2
    seed = float(space.errors.var(axis=1, ddof=1).mean())
    return float(np.sqrt({"one_seed": one, "seed": seed, "network": one - seed}[which]))


def spread_covers(which: str, sample: Sample, truth: float) -> bool:
    """Whether the interval of a component covers."""
    return holds(getattr(components(*with_two_seeds(sample)), which), truth)


CASES = (
    *(
        interval(
            f"difference of {p:g}-quantiles, closed bootstrap",
            partial(quantile_difference, p=p),
            partial(true_quantile_difference, p),
        )
        for p in (0.25, 0.5, 0.75)
    ),
    interval("difference of means, Welch", mean_difference, lambda a, b: a.mean() - b.mean()),
    interval(
        "difference of mean log errors, Welch",
        lambda a, b: mean_difference(np.log(a), np.log(b)),
        lambda a, b: np.log(a).mean() - np.log(b).mean(),
    ),
    interval("P(A beats B), placements on the logit scale", beats, true_beats),
    Case(name="gap of EDFs", kind="band", truth=true_gap, covers=gap_covers),
    *(
        Case(
            name=f"{name}, permutations",
            kind=kind,
            truth=lambda space: None,
            covers=partial(rejects, which),
        )
        for which, (name, kind) in enumerate(TESTS)
    ),
    Case(
        name="equal mean log errors, Welch",
        kind="test",
        truth=lambda space: None,
        covers=rejects_equal_means,
    ),
    *(
        Case(
            name=f"spread of {name}",
            kind="interval",
            truth=partial(true_spread, which),
            covers=partial(spread_covers, which),
        )
        for which, name in (
            ("one_seed", "single trainings"),
            ("seed", "seeds"),
            ("network", "networks"),
        )
    ),
)
