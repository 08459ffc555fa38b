"""Pairs of the complete space: the same network and seed with one layer changed.

All 24 changes of one of the 8 layers take turns: a resample draws one of them for each of its
questions, so that a share is the mean over changes, easy ones and hard ones. Most differences are
heavily skewed (skewness up to 7): a few networks with little else but identities decide the mean.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

import numpy as np
from scipy import stats

from coverage_cases.case import Case, FloatArray, IntArray, Sample, Space
from dse.analysis.estimate import Estimate
from dse.analysis.paired.differences import (
    ENOUGH_PAIRS,
    log_ratios,
    mean_difference,
    median_difference,
    pairing_gain,
    ratio,
)
from dse.analysis.paired.pairs import Pairs
from dse.analysis.paired.sequential import confidence_sequence, decide
from dse.analysis.paired.tests import (
    ranked_differences,
    sign_flip_test,
    sign_test,
    wilcoxon_test,
    wins,
)

ARMS = ((0, 1), (0, 2), (1, 2))
CHANGES = tuple(product(range(8), ARMS))
PLACES = 3 ** np.arange(7, -1, -1)


def both(space: Space, layers: IntArray, layer: int, arms: tuple[int, int]) -> FloatArray:
    """Errors (n, 2, 3 seeds) of networks with each arm in `layer`: rows of the space are sorted."""
    rows = [layers @ PLACES + (arm - layers[:, layer]) * PLACES[layer] for arm in arms]
    return np.stack([space.errors[row] for row in rows], axis=1)


def draw(sample: Sample) -> tuple[int, Pairs]:
    """One of the changes, and the pairs of the sample, each arm trained with one seed."""
    change = int(sample.rng.integers(len(CHANGES)))
    errors = both(sample.space, sample.layers, *CHANGES[change])
    return change, pairs(one_seed(errors, sample.rng))


def pairs(errors: FloatArray) -> Pairs:
    """Pairs of finite errors (n, 2)."""
    unknown = np.full(len(errors), np.nan)
    return Pairs(arms=("a", "b"), outcomes=errors, capped=errors, costs=unknown)


def one_seed(errors: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One of the seeds (n, 2, 3) of each training, at random."""
    seeds = rng.integers(3, size=errors.shape[:2])
    return np.take_along_axis(errors, seeds[..., None], axis=2)[..., 0]


def truths(statistic: Callable[[FloatArray], float], space: Space) -> list[float]:
    """A statistic of all networks (N, 2, 3) of each change."""
    found = []
    for layer, arms in CHANGES:
        others = space.layers[space.layers[:, layer] == 0]
        found.append(statistic(both(space, others, layer, arms)))
    return found


def gap(errors: FloatArray) -> float:
    """Mean difference."""
    return float(np.mean(errors[:, 0] - errors[:, 1]))


def median_gap(errors: FloatArray) -> float:
    """Median difference, of every seed of one arm with every seed of the other."""
    gaps = errors[:, 0, :, None] - errors[:, 1, None, :]
    return float(np.quantile(gaps, 0.5, method="inverted_cdf"))


def mean_log(errors: FloatArray) -> float:
    """Mean logarithm of the ratio."""
    return float(np.mean(np.log(errors[:, 0]) - np.log(errors[:, 1])))


def won(errors: FloatArray) -> float:
    """How often a random training of the first arm beats one of the second."""
    return float(np.mean(errors[:, 0, :, None] < errors[:, 1, None, :]))


def gain(errors: FloatArray) -> float:
    """1 / (1 - rho) by ranks, over every seed of one arm with every seed of the other."""
    first, second = errors[:, 0, :, None], errors[:, 1, None, :]
    one, other = (stats.rankdata(arm).ravel() for arm in np.broadcast_arrays(first, second))
    return 1 / (1 - float(np.corrcoef(one, other)[0, 1]))


def median(found: Pairs) -> Estimate:
    """The interval of the median difference."""
    return median_difference(found.differences)


def share_won(found: Pairs) -> Estimate:
    """The interval of the share of wins."""
    return wins(ranked_differences(found.outcomes)).share


def covers(
    estimator: Callable[[Pairs], Estimate | None], sample: Sample, truth: list[float]
) -> bool:
    """Whether the interval holds the truth of the change that was drawn."""
    change, found = draw(sample)
    estimate = estimator(found)
    return estimate is not None and estimate.lower <= truth[change] <= estimate.upper


def ratio_covers(sample: Sample, truth: list[float]) -> bool:
    """The ratio's truth is known as its logarithm."""
    change, found = draw(sample)
    estimate = ratio(found)
    return estimate is not None and estimate.lower <= np.exp(truth[change]) <= estimate.upper


def sequence_covers(sample: Sample, truth: list[float]) -> bool:
    """Whether the intervals of the mean log ratio hold the truth after every pair."""
    change, found = draw(sample)
    logs = log_ratios(found)
    assert logs is not None
    intervals = confidence_sequence(logs)
    held = (intervals.lower <= truth[change]) & (truth[change] <= intervals.upper)
    return bool(held.all())


def null_pairs(sample: Sample) -> Pairs:
    """A true null: both arms are the same network, trained with two of its seeds."""
    seeds = np.argsort(sample.rng.random((len(sample.rows), 3)), axis=1)[:, :2]
    return pairs(np.take_along_axis(sample.space.errors[sample.rows], seeds, axis=1))


def rejects(test: Callable[[FloatArray], float], sample: Sample, _: None) -> bool:
    """Whether a test of differences rejects the null at 5 %."""
    found = null_pairs(sample)
    return test(found.differences) <= 0.05


def never_stops(sample: Sample, _: None) -> bool:
    """Whether one who looks after every pair never finds a difference where none is."""
    logs = log_ratios(null_pairs(sample))
    assert logs is not None
    return decide(logs).decision == "go on"


CASES = (
    Case(
        name="paired mean difference",
        kind="interval",
        truth=partial(truths, gap),
        covers=partial(covers, mean_difference),
        sizes=(ENOUGH_PAIRS, 500),
    ),
    Case(
        name="paired median difference",
        kind="interval",
        truth=partial(truths, median_gap),
        covers=partial(covers, median),
    ),
    Case(
        name="paired ratio of errors, Hall",
        kind="interval",
        truth=partial(truths, mean_log),
        covers=ratio_covers,
    ),
    Case(
        name="share of pairs won, Wilson",
        kind="interval",
        truth=partial(truths, won),
        covers=partial(covers, share_won),
    ),
    Case(
        name="gain of pairing, by ranks",
        kind="interval",
        truth=partial(truths, gain),
        covers=partial(covers, pairing_gain),
    ),
    Case(
        name="log ratio after every pair up to n",
        kind="band",
        truth=partial(truths, mean_log),
        covers=sequence_covers,
    ),
    Case(
        name="no stop up to n where arms are equal",
        kind="band",
        truth=lambda _: None,
        covers=never_stops,
    ),
    *(
        Case(name=name, kind="test", truth=lambda _: None, covers=partial(rejects, test))
        for name, test in (
            ("paired sign-flip test", sign_flip_test),
            ("paired Wilcoxon test", wilcoxon_test),
        )
    ),
    Case(
        name="paired sign test",
        kind="discrete test",
        truth=lambda _: None,
        covers=partial(rejects, sign_test),
    ),
)
