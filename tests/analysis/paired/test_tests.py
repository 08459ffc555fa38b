from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dse.analysis.paired.tests import (
    bad_ends,
    ranked_differences,
    sign_flip_test,
    sign_test,
    wilcoxon_test,
    wins,
)


def test_bad_ends_are_the_largest_differences_and_two_of_them_a_tie():
    outcomes = np.array([[0.2, np.inf], [np.inf, 0.2], [np.inf, np.inf], [0.25, 0.5]])
    assert ranked_differences(outcomes).tolist() == [-np.inf, np.inf, 0, -0.25]


def test_wins_losses_and_ties_are_all_counted():
    found = wins(np.array([-1, -2, -np.inf, 0, 3.0]))
    assert (found.first, found.second, found.ties) == (3, 1, 1)
    assert found.share.value == pytest.approx(0.6)
    assert found.share.lower == pytest.approx(0.2307, abs=1e-4)  # Wilson
    assert found.share.n == 5


def test_sign_test_leaves_out_ties():
    assert sign_test(np.array([-1, -1, -1, -1, -1, 0.0])) == pytest.approx(2 / 2**5)
    assert sign_test(np.zeros(4)) == 1


def test_mcnemar_looks_at_pairs_in_which_one_arm_ended_badly():
    bad = np.array([[1, 0]] * 6 + [[1, 1]] * 3 + [[0, 0]] * 20, dtype=bool)
    found = bad_ends(bad)
    assert (found.only_first, found.only_second, found.both) == (6, 0, 3)
    assert found.p == pytest.approx(2 / 2**6)
    assert bad_ends(np.zeros((5, 2), dtype=bool)).p == 1


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=9))
def test_sign_flips_of_few_pairs_are_all_counted(values):
    differences = np.array(values, dtype=float)
    sums = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=len(values))]
    expected = np.mean(np.array(sums) >= abs(differences.sum()) - 1e-9)
    assert sign_flip_test(differences) == pytest.approx(expected)


def test_sign_flips_of_more_pairs_agree_with_scipy_and_with_the_normal_limit():
    rng = np.random.default_rng(0)
    values = rng.normal(0.25, 1, 60)
    theirs = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=9999, rng=1
    )
    assert sign_flip_test(values) == pytest.approx(theirs.pvalue, abs=0.015)
    many = rng.normal(0.02, 1, 2001)
    assert sign_flip_test(many) == pytest.approx(sign_flip_test(many[:2000]), abs=0.03)


def test_tests_do_not_depend_on_the_order_of_pairs():
    values = np.random.default_rng(0).normal(0.25, 1, 60)
    assert sign_flip_test(values) == sign_flip_test(values[::-1])
    assert wilcoxon_test(values) == wilcoxon_test(values[::-1])


def test_wilcoxon_is_scipys_and_takes_bad_ends_as_the_largest():
    values = np.random.default_rng(0).normal(0.3, 1, 30)
    assert wilcoxon_test(values) == pytest.approx(stats.wilcoxon(values).pvalue)
    worst = np.where(values == values.max(), np.inf, values)
    largest = np.where(values == values.max(), 100, values)
    assert wilcoxon_test(worst) == wilcoxon_test(largest)
    assert wilcoxon_test(np.zeros(3)) == 1


@pytest.mark.parametrize("test", [sign_flip_test, wilcoxon_test, sign_test])
def test_a_true_null_is_rejected_at_most_as_often_as_said(test):
    rng = np.random.default_rng(0)
    rejected = np.mean([test(rng.standard_t(3, 12)) <= 0.05 for _ in range(1500)])
    assert 0.015 < rejected < 0.065
