from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dse.analysis.estimate import Estimate
from dse.analysis.ranking import rank

NOISE = Estimate(value=0.01, lower=0.008, upper=0.012, n=10)


def population(first: list[float], fresh: dict[int, float]) -> pd.DataFrame:
    trials = [(i, 0, e) for i, e in enumerate(first)] + [(i, 1, e) for i, e in fresh.items()]
    frame = pd.DataFrame(trials, columns=["index", "replicate", "error"])
    frame["state"] = np.where(frame["error"].notna(), "complete", "diverged")
    for cost in ("flops", "params", "activations"):
        frame[cost] = 1
    frame["architecture"] = [{} for _ in frame.index]
    return frame


def test_finalists_are_ranked_by_the_mean_of_their_seeds_and_come_first():
    frame = population(
        [0.30, 0.32, 0.34, 0.50, 0.60, 0.61, 0.62, 0.63], {0: 0.40, 1: 0.30, 3: 0.20}
    )
    found = rank(frame, seed_std=NOISE)
    assert [entry.index for entry in found[:4]] == [1, 0, 2, 3]
    assert [entry.finalist for entry in found[:4]] == [True, True, False, False]
    assert found[0].mean_error == pytest.approx(0.31)
    assert [entry.rank for entry in found] == list(range(1, 9))


def test_a_bad_end_with_any_seed_comes_last():
    frame = population([0.3, np.nan, 0.5, 0.6], {0: np.nan})
    found = rank(frame, seed_std=NOISE, top_share=0.5)
    assert [entry.index for entry in found] == [2, 3, 0, 1]
    assert found[2].mean_error == np.inf
    assert found[2].mean_interval is None


def test_without_known_noise_there_is_no_interval():
    (entry,) = rank(population([0.3], {0: 0.32}), seed_std=None)
    assert (entry.fresh_error, entry.fresh_interval, entry.mean_interval) == (0.32, None, None)


def test_fresh_errors_of_finalists_are_unbiased_and_first_ones_are_lucky():
    rng, noise, covered = np.random.default_rng(0), 0.02, 0
    first_bias, fresh_bias = [], []
    for _ in range(300):
        truth = rng.normal(0.5, 0.02, 24)
        first, fresh = (truth + noise * rng.standard_normal(24) for _ in range(2))
        finalists = np.argsort(first)[:6]
        measured = Estimate(value=noise * np.sqrt(rng.chisquare(6) / 6), lower=0, upper=1, n=6)
        frame = population(list(first), {int(i): float(fresh[i]) for i in finalists})
        for entry in rank(frame, seed_std=measured)[:6]:
            assert entry.finalist
            assert entry.fresh_interval is not None
            true = truth[entry.index]
            first_bias.append(entry.first_error - true)
            fresh_bias.append(entry.fresh_error - true)
            covered += entry.fresh_interval.lower <= true <= entry.fresh_interval.upper
    assert np.mean(first_bias) < -0.5 * noise
    assert abs(np.mean(fresh_bias)) < 0.1 * noise
    assert 0.93 <= covered / len(fresh_bias) <= 0.97
