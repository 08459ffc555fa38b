"""The estimators against a complete, really trained space, whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dse.analysis.distributions import edf, quantile
from dse.analysis.reliability import icc

DATA = Path(__file__).parents[3] / "shared" / "data" / "nas-bench-macro_cifar10.json"


@pytest.fixture(scope="module")
def errors() -> np.ndarray:
    """Errors (networks, 3 seeds) as fractions."""
    if not DATA.exists():
        pytest.skip("the published space is not beside this repository (../shared/data)")
    with DATA.open(encoding="utf-8") as file:
        space = json.load(file)
    return 1 - np.array([network["test_acc"] for network in space.values()]) / 100


@pytest.mark.parametrize("n", [24, 100])
def test_quantiles_and_bands_cover_the_truth_of_the_space(errors, n):
    rng = np.random.default_rng(0)
    first = np.sort(errors[:, 0])
    grid = np.unique(first)
    truth = np.searchsorted(first, grid, side="left") / first.size
    held = np.zeros(4)
    for _ in range(2000):
        sample = rng.choice(first, n)
        lower, upper = edf(sample, n).band_at(grid)
        held[0] += ((lower <= truth) & (truth <= upper)).all()
        for place, p in enumerate((0.25, 0.5, 0.75), start=1):
            found = quantile(sample, p)
            held[place] += (
                found.lower <= np.quantile(first, p, method="inverted_cdf") <= found.upper
            )
    assert (held / 2000 >= 0.94).all()


def test_seed_reliability_of_a_small_sample_agrees_with_the_whole_space(errors):
    whole = icc(errors)
    assert whole is not None
    rng = np.random.default_rng(0)
    values = [icc(errors[rng.choice(len(errors), 24, replace=False)]) for _ in range(300)]
    assert all(value is not None for value in values)
    assert np.median([v.value for v in values if v]) == pytest.approx(whole.value, abs=0.03)
