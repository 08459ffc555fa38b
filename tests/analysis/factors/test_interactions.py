from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from dse.analysis.factors.design import Design
from dse.analysis.factors.ftest import f_test, noncentrality
from dse.analysis.factors.interactions import interactions
from dse.analysis.factors.levels import Networks
from dse.analysis.factors.sentences import interaction_sentence
from tests.analysis.factors.made import factor, made


def with_pair(n: int = 400, seed: int = 0) -> Networks:
    """Errors that are bad where the first two parameters are equal."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(3, size=(n, 4))
    outcome = 0.3 + 0.1 * (codes[:, 0] == codes[:, 1]) + 0.05 * rng.standard_normal(n)
    return Networks(
        outcome=outcome, factors=tuple(factor(codes[:, k], name=f"p{k}") for k in range(4))
    )


def test_the_f_test_is_that_of_two_nested_least_squares_fits():
    found = with_pair(120)
    design = Design(found.factors)
    rest = ((found.places - _fit(design.matrix, found.places)) ** 2).sum()
    for each in interactions(found):
        a, b = (int(name[1]) for name in each.names)
        cells = np.eye(9)[3 * found.factors[a].codes + found.factors[b].codes]
        both = np.hstack([design.matrix, cells])
        more = ((found.places - _fit(both, found.places)) ** 2).sum()
        free = 120 - np.linalg.matrix_rank(both)
        statistic = (rest - more) / 4 / (more / free)
        assert each.p_value == pytest.approx(stats.f.sf(statistic, 4, free), rel=1e-6)


def _fit(matrix: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray(matrix @ np.linalg.lstsq(matrix, y)[0])


def test_the_pair_that_matters_is_found_among_all():
    found = interactions(with_pair())
    assert len(found) == len(list(combinations(range(4), 2)))
    assert found[0].names == ("p0", "p1")
    assert found[0].corrected < 0.001
    assert found[0].size.lower > 0.05
    assert all(each.corrected > 0.05 for each in found[1:])
    first, second, most = found[0].cell
    assert (first == second) == (most > 0)


def test_parameters_that_do_nothing_rarely_seem_to_interact():
    found = [pair for seed in range(60) for pair in interactions(made(100, seed=seed))]
    p_values = np.array([pair.p_value for pair in found if pair.names == ("p2", "p3")])
    assert 0 < (p_values < 0.2).sum() < 24
    assert (p_values < 0.05).sum() <= 8


def test_few_networks_or_no_noise_have_no_interactions():
    assert interactions(made(15)) == ()
    assert interactions(replace(made(), factors=made().factors[:1])) == ()
    still = made()
    assert interactions(Networks(outcome=np.full(300, 0.1), factors=still.factors)) == ()


def test_bounds_are_where_the_statistic_is_a_tail():
    lower, upper = noncentrality(4.0, 3, 40, np.array([0.975, 0.025]))
    assert stats.ncf.cdf(4.0, 3, 40, lower) == pytest.approx(0.975)
    assert stats.ncf.cdf(4.0, 3, 40, upper) == pytest.approx(0.025)
    assert noncentrality(0.5, 3, 40, np.array([0.975]))[0] == 0


def test_an_effect_without_noise_is_all_there_is():
    found = f_test(1.0, 0.0, 2, 20, 30)
    assert found.share.lower > 0.99
    assert found.p_value < 1e-6


def test_a_cell_that_was_picked_for_being_extreme_is_said_to_be():
    said = interaction_sentence(interactions(with_pair())[0])
    assert "p0 and p1 interact (p < 0.001, corrected)" in said
    assert "picked for it, so rather less" in said
