from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from dse.space.describe.marginals import (
    Marginal,
    cells,
    fit,
    marginal_of,
    prior_cdf,
    proportion,
)
from dse.space.language.priors import Prior
from dse.space.sampling.chains import Chain
from dse.space.sampling.shapes import Drawer
from tests.spaces import changed

LADDER = Prior(log_uniform=(1, 6), step=1)


def by_hand(priors: tuple[Prior, ...], *, falling: bool) -> dict[tuple[int, float], float]:
    """Marginals of a chain by listing all of its tuples."""
    found: dict[tuple[int, float], float] = {}
    total = 0.0
    pairs = [list(zip(p.values or (), p.probabilities, strict=True)) for p in priors]
    for combination in itertools.product(*pairs):
        values = [value for value, _ in combination]
        if values != sorted(values, reverse=falling):
            continue
        weight = float(np.prod([probability for _, probability in combination]))
        total += weight
        for stage, value in enumerate(values):
            found[stage, value] = found.get((stage, value), 0) + weight
    return {key: weight / total for key, weight in found.items()}


@pytest.mark.parametrize("falling", [False, True])
def test_marginals_of_a_chain_are_those_of_all_its_tuples(falling: bool) -> None:
    priors = (LADDER, Prior(choice=(1, 2, 5, 9)), Prior(uniform=(0, 9), step=1))
    chain = Chain(priors, falling=falling)
    expected = by_hand(priors, falling=falling)
    marginals = chain.marginals()
    assert marginals.sum(axis=1) == pytest.approx(1)
    for (stage, code), probability in np.ndenumerate(marginals):
        assert probability == pytest.approx(expected.get((stage, chain.support[code]), 0))


def test_drawn_chains_fit_their_marginals_and_not_the_plain_prior() -> None:
    space = changed(
        depths={"per_stage": {"log_uniform": [1, 6], "step": 1}, "tie": "non_decreasing"}
    )
    drawer = Drawer(space)
    points = np.random.default_rng(0).random((4000, len(drawer.columns)))
    draws, _ = drawer.draw(points)
    for stage in (1, 2, 3, 4):
        drawn = drawer.slot(f"depths.{stage}", draws)
        assert fit(marginal_of(space, f"depths.{stage}"), drawn).p > 1e-3
    plain = Marginal(LADDER, LADDER.values, LADDER.probabilities)
    assert fit(plain, drawer.slot("depths.4", draws)).p < 1e-100


@pytest.mark.parametrize("tie", ["non_decreasing", "non_increasing"])
def test_a_continuum_in_order_has_the_marginals_of_order_statistics(tie: str) -> None:
    space = changed(dims={"growth": {"per_stage": {"log_uniform": [1.25, 2.75]}, "tie": tie}})
    drawer = Drawer(space)
    points = np.random.default_rng(1).random((4000, len(drawer.columns)))
    draws, _ = drawer.draw(points)
    for stage in (1, 2, 3):
        drawn = drawer.slot(f"dims.growth.{stage}", draws)
        assert fit(marginal_of(space, f"dims.growth.{stage}"), drawn).p > 1e-3


@pytest.mark.parametrize("kind", ["uniform", "log_uniform", "normal", "log_normal"])
def test_the_distribution_function_is_the_inverse_of_the_quantile(kind: str) -> None:
    prior = Prior.model_validate({kind: [1.5, 7.0]})
    shares = np.linspace(0, 0.999, 50)
    assert prior_cdf(prior, prior.quantile(shares)) == pytest.approx(shares)


def test_chi_square_pools_what_is_rare_and_agrees_with_scipy() -> None:
    prior = Prior(choice=("a", "b", "c"))
    marginal = Marginal(prior, prior.values, prior.probabilities)
    drawn = np.array(["a"] * 30 + ["b"] * 50 + ["c"] * 40, dtype=object)
    found, expected = fit(marginal, drawn), stats.chisquare([30, 50, 40])
    assert (found.test, found.dof) == ("chi-square", 2)
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    rare = Marginal(prior, prior.values, np.array([0.01, 0.495, 0.495]))
    assert fit(rare, drawn[drawn != "a"]).dof == 1
    assert fit(marginal, drawn[:3]).p is None  # all in one pool
    assert fit(marginal, drawn[:0]).test == ""


def test_values_that_are_none_of_the_priors_are_seen() -> None:
    marginal = Marginal(LADDER, LADDER.values, LADDER.probabilities)
    drawn = np.array([1.0, 1.0, 7.0])
    assert fit(marginal, drawn).p == 0
    others = cells(marginal, drawn)[-1]
    assert (others.label, others.prior, others.n) == ("others", 0, 1)


def test_null_and_booleans_are_values_of_their_own() -> None:
    prior = Prior(choice=(None, True, 1, 0.5))
    marginal = Marginal(prior, prior.values, prior.probabilities)
    drawn = np.array([1, None, True, 0.5], dtype=object)
    assert marginal.codes(drawn).tolist() == [2, 0, 1, 3]
    width = Prior(choice=(None, 8))
    zero = Marginal(width, width.values, width.probabilities)
    assert zero.codes(np.array([0.0, 8.0])).tolist() == [0, 1]


@pytest.mark.parametrize("step", [None, 0.1])
def test_many_numbers_are_grouped_and_nothing_is_lost(step: float | None) -> None:
    prior = Prior(log_uniform=(8, 256), step=step)
    marginal = Marginal(prior, prior.values, prior.probabilities)
    uniforms = np.random.default_rng(2).random(1000)
    if prior.values is None:
        drawn = prior.quantile(uniforms)
    else:
        drawn = np.array(prior.values)[prior.indices(uniforms)]
    found = cells(marginal, drawn)
    assert len(found) == 12
    assert sum(cell.n for cell in found) == 1000
    assert sum(cell.prior for cell in found) == pytest.approx(1)
    assert fit(marginal, drawn).p > 1e-3


def test_proportion_is_clopper_and_pearsons() -> None:
    for count, of in ((0, 10), (3, 10), (10, 10)):
        expected = stats.binomtest(count, of).proportion_ci(0.95, method="exact")
        low, high = proportion(count, of)
        assert (float(low), float(high)) == pytest.approx((expected.low, expected.high))
    assert [float(end) for end in proportion(0, 0)] == [0, 1]
