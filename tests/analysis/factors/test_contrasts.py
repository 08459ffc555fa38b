from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dse.analysis.factors.contrasts import (
    held_effects,
    kruskal_p,
    level_effects,
    sampled_effects,
    share,
)
from dse.analysis.factors.levels import Networks
from tests.analysis.factors.made import factor, made


def test_the_plain_comparison_is_welchs_of_logarithms():
    found = made()
    own = found.logs[found.factors[0].codes == 0]
    others = found.logs[found.factors[0].codes != 0]
    interval = stats.ttest_ind(own, others, equal_var=False).confidence_interval()
    effect = sampled_effects(found.logs, found.factors[0])[0]
    assert effect is not None
    assert (effect.lower, effect.upper) == pytest.approx(tuple(np.expm1(interval)))


def test_errors_that_are_all_equal_show_no_effect_without_width():
    found = Networks(outcome=np.full(20, 0.3), factors=(factor(np.arange(20) % 2),), classes=10)
    (effect,) = level_effects(found)
    for level in effect.levels:
        assert level.as_sampled is None
        assert level.held is None
        assert level.mean is not None
        assert (level.mean.lower, level.mean.upper) == (-np.inf, np.inf)


def test_other_choices_are_held_where_two_come_together():
    rng = np.random.default_rng(0)
    cause = rng.integers(2, size=400)
    follows = np.where(rng.random(400) < 0.9, cause, 1 - cause)
    logs = 0.5 * cause + 0.1 * rng.standard_normal(400)
    factors = (factor(cause, name="cause"), factor(follows, name="follows"))
    plain = sampled_effects(logs, factors[1])[1]
    held = held_effects(logs, factors)[1][1]
    assert plain is not None
    assert held is not None
    assert plain.lower > 0.3
    assert held.lower < 0 < held.upper


def test_a_level_that_always_comes_with_another_choice_cannot_be_told_from_it():
    codes = np.arange(60) % 3
    factors = (factor(codes, name="x"), factor((codes == 0).astype(int), name="same"))
    held = held_effects(np.random.default_rng(0).standard_normal(60), factors)
    assert held[1] == (None, None)


def test_too_few_networks_hold_nothing():
    found = made(12)
    assert all(level.held is None for effect in level_effects(found) for level in effect.levels)


def test_a_network_alone_at_its_level_has_no_effect_and_breaks_no_other():
    codes = np.r_[np.arange(80) % 2, 2]
    logs = np.r_[0.3 * (np.arange(80) % 2), 5.0] + 0.01 * np.random.default_rng(0).random(81)
    other = np.random.default_rng(1).integers(2, size=81)
    first, second = held_effects(logs, (factor(codes), factor(other, name="y")))
    assert first[2] is None
    assert second[0] is not None
    assert np.isfinite([second[0].lower, second[0].upper]).all()


def test_the_rank_test_is_scipys_ties_and_all():
    found = made(90)
    outcome = np.round(found.outcome, 2)
    groups = [outcome[found.factors[0].codes == k] for k in range(3)]
    assert kruskal_p(found.factors[0], stats.rankdata(outcome)) == pytest.approx(
        stats.kruskal(*groups).pvalue
    )


def test_bad_ends_are_counted_and_make_a_level_worse():
    found = made(seed=3)
    ended_badly = (found.factors[2].codes == 1) & (np.arange(300) % 4 == 0)
    outcome = np.where(ended_badly, np.inf, found.outcome)
    effects = level_effects(Networks(outcome=outcome, factors=found.factors, classes=10))
    level = effects[2].levels[1]
    assert level.bad == ended_badly.sum()
    assert level.bad_share.lower < level.bad / level.n < level.bad_share.upper
    assert level.as_sampled is not None
    assert level.as_sampled.lower > 0
    assert effects[2].corrected < 0.05


def test_shares_have_the_exact_interval():
    found = share(3, 20)
    exact = stats.binomtest(3, 20).proportion_ci()
    assert (found.lower, found.upper) == pytest.approx((exact.low, exact.high))
    assert (share(0, 5).lower, share(5, 5).upper) == (0, 1)
