from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dse.analysis.spaces.dominance import beats, edf_gap

RNG = np.random.default_rng(0)
A, B = RNG.normal(0.3, 0.05, 80), RNG.normal(0.36, 0.05, 60)
OUTCOMES = st.lists(st.sampled_from([1.0, 2.0, 3.0, np.inf]), min_size=2, max_size=9)


def test_the_largest_gap_is_kolmogorovs_and_the_band_what_its_test_rejects() -> None:
    found = edf_gap(A, B)
    assert np.abs(found.gap).max() == pytest.approx(stats.ks_2samp(A, B).statistic)
    half = (found.upper - found.gap).max()
    assert stats.kstwobign.sf(half / np.sqrt(1 / 80 + 1 / 60)) == pytest.approx(0.05)


def test_a_better_space_is_shown_to_be_better_in_the_middle_and_worse_nowhere() -> None:
    found = edf_gap(A, B)
    ((start, end),) = found.shown(better=True)
    assert A.min() < start < np.median(np.concatenate([A, B])) < end < B.max()
    assert found.shown(better=False) == ()
    inside = found.errors[(found.errors >= start) & (found.errors < end)]
    assert all((e >= A).mean() > (e >= B).mean() for e in inside)
    other = edf_gap(B, A)
    assert other.shown(better=False) == ((start, end),)


def test_spaces_that_cross_are_each_better_somewhere() -> None:
    wide, narrow = RNG.normal(0.3, 0.1, 400), RNG.normal(0.3, 0.02, 400)
    found = edf_gap(wide, narrow)
    assert len(found.shown(better=True)) == len(found.shown(better=False)) == 1
    assert found.shown(better=True)[0][1] <= found.shown(better=False)[0][0]


def test_networks_that_end_badly_are_below_no_error() -> None:
    bad = np.where(np.arange(80) < 40, np.inf, A)
    found = edf_gap(bad, A)
    assert np.isfinite(found.errors).all()
    assert found.gap[-1] == -0.5
    assert found.shown(better=False)[-1][1] == np.inf


def test_beats_is_the_share_of_pairs_won() -> None:
    won = (A[:, None] < B).mean() + (A[:, None] == B).mean() / 2
    found = beats(A, B)
    assert found.value == pytest.approx(won)
    assert 0.5 < found.lower < won < found.upper < 1
    assert found.n == 140


@given(OUTCOMES, OUTCOMES)
def test_one_side_wins_what_the_other_loses(a: list[float], b: list[float]) -> None:
    there, back = beats(a, b), beats(b, a)
    assert there.value == pytest.approx(1 - back.value)
    assert there.lower == pytest.approx(1 - back.upper)
    assert 0 <= there.lower <= there.value <= there.upper <= 1
    assert there.lower < there.upper


def test_twenty_won_of_twenty_do_not_prove_that_all_are_won() -> None:
    found = beats(np.arange(20), np.arange(30, 60))
    exact = stats.binomtest(20, 20).proportion_ci(0.95)
    assert (found.value, found.upper) == (1, 1)
    assert found.lower == pytest.approx(exact.low)


def test_a_single_network_bounds_nothing() -> None:
    assert (beats([1.0], [2.0, 3.0]).lower, beats([1.0], [2.0, 3.0]).upper) == (0, 1)
