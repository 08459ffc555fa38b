from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from dse.analysis.agreement import (
    bootstrap,
    kendall_tau,
    rank_agreement,
    regret,
    rho_of_correlation,
    spearman_rho,
    tau_of_correlation,
    top_overlap,
)

FEW = {"draws": 200}
ERRORS = st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5, 0.9, float("inf")])
PAIRS = st.lists(st.tuples(ERRORS, ERRORS), min_size=5, max_size=20)


def columns(pairs: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.array(pairs, dtype=float).T
    return x, y


def whole(statistic, n: int) -> float:
    return float(statistic(np.ones((1, n)))[0])


@given(PAIRS)
def test_tau_and_rho_are_scipys(pairs):
    x, y = columns(pairs)
    assume(len(set(x)) > 1 and len(set(y)) > 1)
    ranks = stats.rankdata(x), stats.rankdata(y)
    assert whole(kendall_tau(x, y), len(x)) == pytest.approx(stats.kendalltau(*ranks)[0])
    assert whole(spearman_rho(x, y), len(x)) == pytest.approx(stats.spearmanr(*ranks)[0])


@given(PAIRS, st.data())
def test_weights_are_the_same_as_a_resample_written_out(pairs, data):
    x, y = columns(pairs)
    n = len(x)
    drawn = data.draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n))
    weights = np.bincount(drawn, minlength=n)[None].astype(float)
    a, b = stats.rankdata(x[drawn]), stats.rankdata(y[drawn])
    assume(len(set(a)) > 1 and len(set(b)) > 1)
    assert kendall_tau(x, y)(weights)[0] == pytest.approx(stats.kendalltau(a, b)[0])
    assert spearman_rho(x, y)(weights)[0] == pytest.approx(stats.spearmanr(a, b)[0])
    dear = y[drawn]
    if np.isfinite(dear).any():
        distinct = sorted(set(drawn), key=lambda i: (x[i], i))
        lost = min(y[i] for i in distinct[:2]) - dear.min()
        assert regret(x, y, 2)(weights)[0] == lost


@given(PAIRS)
def test_agreement_depends_on_the_order_alone_and_is_symmetric(pairs):
    x, y = columns(pairs)
    found = rank_agreement(x, y, **FEW)
    assert rank_agreement(np.sqrt(x), 3 * y + 1, **FEW) == found
    assert rank_agreement(y, x, **FEW) == found
    turned = rank_agreement(stats.rankdata(x), -stats.rankdata(y), **FEW)
    for there, back in zip(found, turned, strict=True):
        assert (there is None) == (back is None)
        if there and back:
            assert there.value == pytest.approx(-back.value)
            assert there.lower <= there.value + 1e-12 or there.value < there.upper


@given(PAIRS, st.integers(1, 6))
def test_regret_is_never_negative_and_falls_with_more_chances(pairs, k):
    x, y = columns(pairs)
    assume(np.isfinite(y).any())
    lost = [whole(regret(x, y, many), len(x)) for many in (k, k + 1, len(x))]
    assert lost[0] >= lost[1] >= lost[2] == 0
    assert whole(regret(y, y, k), len(x)) == 0
    found = bootstrap(regret(x, y, k), len(x), **FEW)
    assert found is not None
    assert 0 <= found.lower <= found.upper


@given(PAIRS, st.integers(1, 4))
def test_the_top_of_one_order_is_wholly_shared(pairs, k):
    x, y = columns(pairs)
    shared, p = top_overlap(x, x, k)
    assert shared == k
    assert p == pytest.approx(stats.hypergeom.pmf(k, len(x), k, k))
    assert 0 <= top_overlap(x, y, k)[0] <= k


def test_no_shared_network_is_what_chance_always_reaches():
    x = np.arange(10.0)
    assert top_overlap(x, -x, 3) == (0, 1.0)


def test_a_perfect_order_keeps_an_interval_and_a_constant_one_has_none():
    x = np.arange(16.0)
    tau, rho = rank_agreement(x, x**2)
    for found in (tau, rho):
        assert found.value == found.upper == 1
        assert 0.8 < found.lower < 0.99
    tau, rho = rank_agreement(x, -x)
    assert tau.value == tau.lower == rho.lower == -1
    assert -0.99 < tau.upper < -0.8
    assert rank_agreement(x, np.full(16, np.inf)) == (None, None)
    assert rank_agreement(x[:4], x[:4]) == (None, None)


def test_an_interval_is_the_same_for_the_same_seed():
    rng = np.random.default_rng(3)
    x, y = rng.random((2, 12))
    assert rank_agreement(x, y, seed=4) == rank_agreement(x, y, seed=4)
    assert rank_agreement(x, y, seed=4) != rank_agreement(x, y, seed=5)


@pytest.mark.parametrize("r", [0.0, 0.9])
def test_intervals_cover_the_truth_with_16_networks(r):
    rng, repeats, covered = np.random.default_rng(1), 300, np.zeros(2)
    truth = tau_of_correlation(r), rho_of_correlation(r)
    for seed in range(repeats):
        x, noise = rng.standard_normal((2, 16))
        found = rank_agreement(x, r * x + np.sqrt(1 - r * r) * noise, draws=400, seed=seed)
        covered += [e.lower <= t <= e.upper for e, t in zip(found, truth, strict=True)]
    assert (covered / repeats >= 0.92).all()
    assert (covered / repeats <= 0.995).all()


def test_the_ranks_of_a_normal_pair_go_with_its_correlation():
    x, noise = np.random.default_rng(0).standard_normal((2, 4000))
    y = 0.8 * x + 0.6 * noise
    assert tau_of_correlation(0.8) == pytest.approx(stats.kendalltau(x, y)[0], abs=0.02)
    assert rho_of_correlation(0.8) == pytest.approx(stats.spearmanr(x, y)[0], abs=0.02)
    assert tau_of_correlation(1) == rho_of_correlation(1) == pytest.approx(1)
