from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from dse.analysis.efficient.finalists import confirm_finalists
from dse.analysis.estimate import Estimate

NOISE = Estimate(value=0.01, lower=0.008, upper=0.012, n=30)


def test_finalists_come_by_their_fresh_mean_and_luck_is_what_the_choice_flattered():
    found = confirm_finalists(
        np.array([0.30, 0.31]), np.array([[0.34, 0.36], [0.32, 0.32]]), ["a", "b"], noise=NOISE
    )
    assert [row.name for row in found.finalists] == ["b", "a"]
    assert found.finalists[1].mean == pytest.approx(0.35)
    assert found.finalists[1].luck == pytest.approx(0.05)


def test_noise_is_pooled_from_fresh_seeds_and_what_is_known():
    fresh = np.array([[0.30, 0.32], [0.40, 0.40]])
    alone = confirm_finalists(np.zeros(2), fresh, ["a", "b"])
    assert (alone.noise, alone.degrees) == (pytest.approx(0.01), 2)
    both = confirm_finalists(np.zeros(2), fresh, ["a", "b"], noise=NOISE)
    assert both.degrees == 32
    assert both.noise == pytest.approx(0.01)


def test_intervals_are_sidaks_for_all_finalists_at_once():
    fresh = np.array([[0.30, 0.32], [0.40, 0.40]])
    found = confirm_finalists(np.zeros(2), fresh, ["a", "b"])
    half = stats.t.ppf((1 + np.sqrt(0.95)) / 2, 2) * 0.01 / np.sqrt(2)
    first = found.finalists[0].fresh
    assert first is not None
    assert (first.lower, first.upper) == pytest.approx((0.31 - half, 0.31 + half))


def test_a_clear_winner_is_said_to_be_the_best_and_equals_are_not():
    clear = confirm_finalists(
        np.array([0.2, 0.3]), np.array([[0.2, 0.2], [0.3, 0.3]]), ["a", "b"], noise=NOISE
    )
    assert [row.may_be_best for row in clear.finalists] == [True, False]
    assert "shown to be the best" in clear.conclusion
    equal = confirm_finalists(
        np.array([0.2, 0.3]), np.array([[0.2, 0.21], [0.21, 0.2]]), ["a", "b"], noise=NOISE
    )
    assert all(row.may_be_best for row in equal.finalists)
    assert "not told apart" in equal.conclusion


def test_all_intervals_hold_in_95_percent_of_studies_for_whichever_is_picked():
    rng = np.random.default_rng(0)
    all_hold = best_holds = 0
    for _ in range(600):
        truth = 0.3 + 0.003 * rng.standard_normal(40)
        first = truth + 0.01 * rng.standard_normal(40)
        best = np.argsort(first)[:6]
        fresh = truth[best, None] + 0.01 * rng.standard_normal((6, 3))
        found = confirm_finalists(first[best], fresh, [str(i) for i in best])
        held = [
            row.fresh is not None and row.fresh.lower <= truth[int(row.name)] <= row.fresh.upper
            for row in found.finalists
        ]
        all_hold += all(held)
        least = truth[best].min()
        best_holds += any(
            row.may_be_best for row in found.finalists if truth[int(row.name)] == least
        )
    assert 0.92 <= all_hold / 600 <= 0.985
    assert best_holds / 600 >= 0.93


def test_a_bad_end_comes_last_and_unfinished_seeds_are_left_out():
    fresh = np.array([[np.inf, 0.1], [0.3, np.nan], [0.31, 0.33]])
    found = confirm_finalists(np.zeros(3), fresh, ["a", "b", "c"], noise=NOISE)
    assert [row.name for row in found.finalists] == ["b", "c", "a"]
    assert [row.seeds for row in found.finalists] == [1, 2, 2]
    assert found.finalists[-1].fresh is None
    assert "ended badly" in found.sentences[-1]


def test_one_fresh_seed_without_known_noise_shows_nothing():
    found = confirm_finalists(np.zeros(2), np.array([[0.3], [0.4]]), ["a", "b"])
    assert found.noise is None
    assert all(row.fresh is None for row in found.finalists)
    assert "not shown" in found.conclusion


def test_networks_that_were_not_compared_are_not_beaten():
    fresh = np.array([[0.1, 0.11], [np.inf, 0.2], [0.4, 0.41]])
    found = confirm_finalists(np.zeros(3), fresh, ["a", "b", "c"], noise=NOISE)
    assert "shown to be the best of the finalists without a bad end" in found.conclusion
    assert "not compared, as a fresh seed ended badly: 1 of 3 finalists" in found.conclusion
    alone = confirm_finalists(np.zeros(2), fresh[:2], ["a", "b"], noise=NOISE)
    assert "shown" not in alone.conclusion
    assert "1 of 2 finalists" in alone.conclusion


def test_seeds_that_never_differ_tell_no_noise():
    found = confirm_finalists(np.zeros(2), np.array([[0.1, 0.1], [0.2, 0.2]]), ["a", "b"])
    assert found.noise is None
    assert all(row.fresh is None for row in found.finalists)
    assert "not shown that it is the best" in found.conclusion


@pytest.mark.filterwarnings("error")
def test_finalists_of_which_every_seed_ended_badly_are_told_without_a_warning():
    fresh = np.array([[np.inf, np.inf], [np.inf, 0.2]])
    found = confirm_finalists(np.zeros(2), fresh, ["a", "b"], noise=NOISE)
    assert found.conclusion.startswith("Every finalist ended badly")


def test_a_reference_is_beaten_only_where_the_interval_says_so():
    fresh = np.array([[0.20, 0.20], [0.24, 0.24]])
    near = confirm_finalists(
        np.zeros(2), fresh, ["a", "b"], noise=NOISE, reference=np.array([0.21, 0.21])
    )
    far = confirm_finalists(
        np.zeros(2), fresh, ["a", "b"], noise=NOISE, reference=np.array([0.3, 0.3])
    )
    assert "not shown to be better than the reference" in near.conclusion
    assert "is shown to be better than the reference" in far.conclusion


def test_it_can_be_written_as_json():
    found = confirm_finalists(
        np.zeros(2), np.array([[0.3, np.inf], [0.4, 0.41]]), ["a", "b"], noise=NOISE
    )
    row = json.loads(json.dumps(found.to_dict(), allow_nan=False))["finalists"][1]
    assert (row["name"], row["mean"], row["fresh"]) == ("a", "inf", None)
