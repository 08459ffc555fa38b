from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dse.analysis.spaces.differences import mean_difference
from dse.analysis.spaces.power import networks_for_ks, networks_for_mean


def samples(n: int, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    quantiles = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return quantiles, quantiles + shift


def test_the_named_number_of_networks_has_the_named_power_for_a_mean() -> None:
    a, b = samples(200, 0.4)
    needed = networks_for_mean(mean_difference(a, b), (a.var(), b.var()))
    n = int(needed.value)
    rng = np.random.default_rng(0)
    draws = rng.choice(a, (4000, n)), rng.choice(b, (4000, n))
    power = (stats.ttest_ind(*draws, axis=1, equal_var=False).pvalue <= 0.05).mean()
    assert power == pytest.approx(0.8, abs=0.03)
    assert needed.lower < n < needed.upper < np.inf


def test_a_difference_that_may_be_zero_has_no_upper_bound() -> None:
    a, b = samples(30, 0.1)
    needed = networks_for_mean(mean_difference(a, b), (1.0, 1.0))
    assert needed.upper == np.inf
    assert needed.lower < needed.value < np.inf


def test_half_the_variance_left_takes_half_the_networks() -> None:
    difference = mean_difference(*samples(200, 0.4))
    whole = networks_for_mean(difference, (1.0, 1.0)).value
    assert networks_for_mean(difference, (0.5, 0.5)).value == pytest.approx(whole / 2, abs=1)


def test_the_named_number_of_networks_has_the_named_power_for_ks() -> None:
    """Of two large samples, whose gap is nearly that of their spaces."""
    n = networks_for_ks(*samples(5000, 0.4))
    rng = np.random.default_rng(1)
    pairs = ((rng.normal(0, 1, int(n)), rng.normal(0.4, 1, int(n))) for _ in range(400))
    power = np.mean([stats.ks_2samp(x, y, method="asymp").pvalue <= 0.05 for x, y in pairs])
    assert power == pytest.approx(0.8, abs=0.07)


def test_a_gap_that_one_space_would_show_as_well_promises_nothing() -> None:
    assert networks_for_ks(*samples(30, 0.1)) == np.inf
    assert networks_for_ks(*samples(3000, 0.1)) < np.inf


def test_smaller_differences_take_more_networks_and_bad_ends_tell_too() -> None:
    large, small = (networks_for_ks(*samples(300, shift)) for shift in (1.0, 0.5))
    assert 5 < large < small < 1000
    bad = np.where(np.arange(300) < 100, np.inf, samples(300, 0)[0])
    assert networks_for_ks(bad, samples(300, 0)[0]) < 200
