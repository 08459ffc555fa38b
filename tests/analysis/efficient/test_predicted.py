from __future__ import annotations

import numpy as np
import pytest

from dse.analysis.distributions.quantiles import quantile_bounds
from dse.analysis.efficient.predicted import predicted_mean, predicted_quantile


def study(rng, n, many, noise=0.3):
    truth = rng.standard_normal(many)
    cheap = 2 * truth + 7 + noise * rng.standard_normal(many)
    return truth[:n], cheap, np.arange(n)


def test_a_biased_cheap_proxy_makes_the_dear_mean_surer_and_not_wrong():
    rng = np.random.default_rng(0)
    held, ratio = 0, []
    for _ in range(400):
        found = predicted_mean(*study(rng, 30, 600))
        held += found.difference.lower <= 0 <= found.difference.upper
        ratio.append(found.variance_ratio)
    assert 0.92 <= held / 400 <= 0.98
    assert np.median(ratio) > 8


def test_a_useless_cheap_proxy_costs_little():
    rng = np.random.default_rng(1)
    ratio = [predicted_mean(*study(rng, 50, 500, noise=1e3)).variance_ratio for _ in range(50)]
    assert np.median(ratio) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("p", [0.25, 0.5])
def test_quantiles_are_covered_and_shorter_than_without_the_cheap_proxy(p):
    rng = np.random.default_rng(2)
    truth = {0.25: -0.67449, 0.5: 0.0}[p]
    held, widths, plain = 0, [], []
    for _ in range(400):
        dear, cheap, rows = study(rng, 60, 600)
        found = predicted_quantile(dear, cheap, rows, p)
        lower, upper = quantile_bounds(np.sort(dear), p)
        held += found.lower <= truth <= found.upper
        widths.append(found.upper - found.lower)
        plain.append(upper - lower)
    assert held / 400 >= 0.93
    assert np.median(widths) < 0.75 * np.median(plain)


def test_a_quantile_among_bad_ends_is_infinite():
    rng = np.random.default_rng(3)
    dear, cheap, rows = study(rng, 40, 100)
    dear = np.where(np.argsort(np.argsort(dear)) > 25, np.inf, dear)
    assert predicted_quantile(dear, cheap, rows, 0.9).value == np.inf
    assert np.isfinite(predicted_quantile(dear, cheap, rows, 0.25).upper)
