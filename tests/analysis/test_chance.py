from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dse.analysis.chance import at_chance, chance_reason


def test_flags_the_guess_and_not_what_is_better():
    assert at_chance([0.95, 0.60], 2000, 20).tolist() == [True, False]
    assert at_chance([1.0], 2000, 20).tolist() == [True]


def test_the_line_is_the_exact_binomial_test():
    images, classes = 2000, 20
    needed = int(stats.binom.isf(0.01, images, 1 / classes)) + 1  # P[X >= needed] <= 1 %
    errors = [1 - needed / images, 1 - (needed - 1) / images]
    assert at_chance(errors, images, classes).tolist() == [False, True]


def test_no_result_is_not_at_chance():
    assert at_chance([np.nan, 0.5], [np.nan, 100], [np.nan, 2]).tolist() == [False, True]
    assert at_chance([np.nan], [0], [0]).tolist() == [False]
    assert at_chance([], [], []).tolist() == []


def test_where_images_or_classes_are_not_known_nothing_is_flagged():
    assert at_chance([0.99, 0.99, 0.95], [0, 100, 2000], [20, 0, 20]).tolist() == [
        False,
        False,
        True,
    ]


def test_guessing_networks_rarely_escape():
    rng = np.random.default_rng(0)
    errors = 1 - rng.binomial(2000, 0.05, 5000) / 2000
    assert 0.985 <= at_chance(errors, 2000, 20).mean() <= 1


def test_a_training_at_chance_has_that_as_its_reason():
    assert chance_reason(0.95, 2000, 20) == (
        "at chance: 100 of 2000 held-out images right is not above one in 20 "
        "(exact binomial test at 1 %)"
    )
    assert chance_reason(0.60, 2000, 20) is None
    assert chance_reason(None, 2000, 20) is None


@given(st.integers(0, 200), st.integers(2, 20))
def test_a_reason_is_given_exactly_where_the_flag_is(right, classes):
    error = 1 - right / 200
    flagged = bool(at_chance(error, 200, classes))
    assert (chance_reason(error, 200, classes) is not None) == flagged
